//! A process that a run starts: in a group of its own, heard, and stopped with all its children. Does
//! not know what it serves.

use super::interrupt::Interrupt;
use crate::clock::{Clock, sleep_blocking};
use crate::model::Nanos;
use crate::probe::OwnGroup;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long a stopped process may take to go before it is killed.
const GRACE: Nanos = Nanos::from_millis(5_000);
/// How much of what it wrote is kept to tell why it did not start, bytes.
const TAIL: usize = 2_000;
/// How often a wait looks whether it is to end.
pub(super) const LOOK: Nanos = Nanos::from_millis(50);

/// The process groups of the targets that this process has started and not yet stopped. Static,
/// because the second Ctrl-C finds nobody who could hand them over.
///
/// The kernel could do it for us, also when we are killed (PR_SET_PDEATHSIG), but the child would
/// have to ask for it between fork and exec: that takes unsafe code, so it is left out.
static STARTED: Mutex<Vec<i32>> = Mutex::new(Vec::new());

fn started() -> MutexGuard<'static, Vec<i32>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kill_group(group: i32, with: Signal) {
    // Gone already is as good.
    let _ = Pid::from_raw(group).map(|group| kill_process_group(group, with));
}

/// Kills every target that was started, without grace, and ends this process.
pub(super) fn kill_started_and_exit(code: i32) -> ! {
    // Held to the end: no other thread may start one meanwhile.
    let started = started();
    started.iter().for_each(|group| kill_group(*group, Signal::KILL));
    OwnGroup::take_all_away();
    std::process::exit(code)
}

/// A process of ours in a group of its own: a Ctrl-C at the terminal reaches us, not it, so that it
/// lives until the last message is in. Stopped when dropped.
pub(super) struct Process {
    child: Child,
    tail: Arc<Mutex<Vec<u8>>>,
}

impl Process {
    /// Starts `command`, which must ask for a process group of its own.
    pub(super) fn spawn(command: &mut Command) -> std::io::Result<Process> {
        let mut child = {
            // Held over the start: a process is either in the list or not started.
            let mut started = started();
            let child = command.spawn()?;
            started.extend(i32::try_from(child.id()));
            child
        };
        let tail = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&tail);
        let stderr = child.stderr.take();
        // From here on it is stopped whatever goes wrong.
        let process = Process { child, tail };
        if let Some(stderr) = stderr {
            std::thread::Builder::new()
                .name("target-stderr".to_owned())
                .spawn(move || keep_tail(stderr, &kept))?;
        }
        Ok(process)
    }

    /// The pipe to its stdin, once, where it has one.
    pub(super) fn stdin(&mut self) -> Option<OwnedFd> {
        self.child.stdin.take().map(OwnedFd::from)
    }

    /// How it ended, if it has.
    pub(super) fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Its process id, and that of its group.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its first lines on stdout, until they are `whole`, or why they did not come: also that it took
    /// too long, or an interrupt.
    pub(super) fn first_lines(
        &mut self,
        whole: fn(&str) -> bool,
        within: Nanos,
        interrupt: &Interrupt,
    ) -> Result<String, String> {
        let Some(stdout) = self.child.stdout.take() else { return Err("has no stdout".to_owned()) };
        let (sender, line) = channel();
        // A thread, because a read has no deadline; it ends with the process, which closes the pipe.
        std::thread::Builder::new()
            .name("target-stdout".to_owned())
            .spawn(move || {
                let (mut lines, mut stdout) = (String::new(), BufReader::new(stdout));
                let read = loop {
                    match stdout.read_line(&mut lines) {
                        Ok(n) if n == 0 || whole(&lines) => break Ok(lines),
                        Ok(_) => {}
                        Err(error) => break Err(error),
                    }
                };
                // Nobody waits any more: then nobody needs it.
                let _ = sender.send(read);
            })
            .map_err(|e| e.to_string())?;
        let deadline = Clock::Monotonic.now() + within;
        while Clock::Monotonic.now() < deadline && !interrupt.requested() {
            match line.recv_timeout(LOOK.into()) {
                Ok(Ok(lines)) if !whole(&lines) => {
                    // What it wrote to stderr at its end is read by another thread.
                    sleep_blocking(LOOK);
                    return Err(format!("ended before it listened{}", self.told()));
                }
                Ok(read) => return read.map_err(|e| e.to_string()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Err(format!("did not say within {within} where it listens{}", self.told()))
    }

    /// Why it is over, if it is.
    pub(super) fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(format!("it ended with {status} before it was ready{}", self.told()))
    }

    /// The end of what it wrote to stderr, as an addition to a message.
    pub(super) fn told(&self) -> String {
        let tail =
            self.tail.lock().map(|t| String::from_utf8_lossy(&t).trim().to_owned()).unwrap_or_default();
        if tail.is_empty() { String::new() } else { format!("; it wrote:\n{tail}\n") }
    }
}

fn keep_tail(mut from: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut chunk = [0_u8; 1024];
    while let Ok(n @ 1..) = from.read(&mut chunk) {
        let Ok(mut kept) = kept.lock() else { return };
        kept.extend_from_slice(&chunk[..n]);
        let surplus = kept.len().saturating_sub(TAIL);
        kept.drain(..surplus);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Ok(group) = i32::try_from(self.child.id()) else { return };
        kill_group(group, Signal::TERM);
        let deadline = Clock::Monotonic.now() + GRACE;
        while Clock::Monotonic.now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            sleep_blocking(Nanos::from_millis(10));
        }
        // What is left of the group: a shell's children that did not heed the first signal.
        kill_group(group, Signal::KILL);
        started().retain(|g| *g != group);
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::Stdio;

    fn one(said: &str) -> bool {
        said.contains('\n')
    }

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Process::spawn(command.process_group(0)).unwrap()
    }

    #[test]
    fn a_first_line_is_given_as_soon_as_it_is_there() {
        let line = shell("echo listening; exec sleep 60").first_lines(
            one,
            Nanos::from_millis(10_000),
            &Interrupt::never(),
        );
        assert_eq!(line.unwrap(), "listening\n");
        let lines = shell("echo a; echo b; echo c; exec sleep 60").first_lines(
            |said| said.contains('b'),
            Nanos::from_millis(10_000),
            &Interrupt::never(),
        );
        assert_eq!(lines.unwrap(), "a\nb\n");
    }

    #[test]
    fn a_silent_process_is_given_up_after_the_deadline() {
        let mut silent = shell("exec sleep 60");
        let told = silent.first_lines(one, Nanos::from_millis(100), &Interrupt::never()).unwrap_err();
        assert!(told.contains("within 100 ms"), "{told}");
    }

    #[test]
    fn an_interrupt_ends_the_wait_for_the_first_line() {
        let interrupt = Interrupt::never();
        interrupt.request(2);
        let before = Clock::Monotonic.now();
        assert!(shell("exec sleep 60").first_lines(one, Nanos::from_millis(60_000), &interrupt).is_err());
        assert!(Clock::Monotonic.now() - before < Nanos::from_millis(30_000));
    }

    #[test]
    fn a_process_that_ends_says_why() {
        let told = shell("echo no such port >&2; exit 3").first_lines(
            one,
            Nanos::from_millis(10_000),
            &Interrupt::never(),
        );
        assert!(told.unwrap_err().contains("ended before it listened"));
    }

    #[test]
    fn a_started_process_is_listed_until_it_is_stopped() {
        let process = shell("exec sleep 60");
        let group = process.child.id() as i32;
        assert!(started().contains(&group));
        drop(process);
        assert!(!started().contains(&group));
    }
}
