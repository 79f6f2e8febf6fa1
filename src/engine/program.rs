//! The user's program that publishes (`exec`): started once a run, fed through its stdin, ended with
//! it.

use super::EngineError;
use super::process::Process;
use crate::clock::{Clock, sleep_blocking};
use crate::model::Nanos;
use rustix::io::ioctl_fionbio;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// How long it may take to end by itself once nothing more will come; then it is told to.
const GRACE: Nanos = Nanos::from_millis(2_000);
const LOOK: Nanos = Nanos::from_millis(20);

/// The running program. Stopped when dropped.
pub(super) struct Program {
    command: String,
    process: Process,
    pipe: Option<Arc<OwnedFd>>,
}

impl Program {
    /// Starts `command` in the scenario's folder.
    pub(super) fn start(command: &str, scenario: Option<&Path>) -> Result<Program, EngineError> {
        let told = |e: String| EngineError::Publisher(format!("`{command}`: {e}"));
        let folder = scenario.and_then(Path::parent).filter(|p| !p.as_os_str().is_empty());
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(folder.unwrap_or(Path::new(".")));
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let mut process = Process::spawn(&mut shell).map_err(|e| told(e.to_string()))?;
        let pipe = process.stdin().ok_or_else(|| told("it has no stdin".to_owned()))?;
        // A full pipe must not hold up the worker: what does not fit is told.
        ioctl_fionbio(&pipe, true).map_err(|e| told(e.to_string()))?;
        Ok(Program { command: command.to_owned(), process, pipe: Some(Arc::new(pipe)) })
    }

    /// Its stdin, which does not block.
    pub(super) fn pipe(&self) -> Option<Arc<OwnedFd>> {
        self.pipe.clone()
    }

    /// When every other holder of the pipe has gone: closes it, and waits a while for the program to end
    /// by itself. What to know of it, when it had ended before or ended badly.
    pub(super) fn end(mut self) -> Option<String> {
        let early = self.process.exit_status();
        self.pipe = None;
        if let Some(status) = early {
            // What it wrote at its end is read by another thread.
            sleep_blocking(LOOK);
            return Some(self.note(&format!("ended with {status} while it was to publish")));
        }
        let deadline = Clock::Monotonic.now() + GRACE;
        while Clock::Monotonic.now() < deadline {
            match self.process.exit_status() {
                Some(status) if status.success() => return None,
                Some(status) => {
                    sleep_blocking(LOOK);
                    return Some(self.note(&format!("ended with {status}")));
                }
                None => sleep_blocking(LOOK),
            }
        }
        Some(self.note("did not end when its stdin was closed, and was stopped"))
    }

    fn note(&self, what: &str) -> String {
        let told = self.process.told();
        format!("the program that publishes, `{}`, {what}{}", self.command, told.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_until_its_stdin_is_closed() {
        let program = Program::start("cat > /dev/null", None).unwrap();
        let pipe = program.pipe().unwrap();
        assert_eq!(rustix::io::write(&*pipe, b"a\tb\n"), Ok(4));
        drop(pipe);
        assert_eq!(program.end(), None);
    }

    #[test]
    fn one_that_dies_says_why() {
        let program = Program::start("echo no such broker >&2; exit 3", None).unwrap();
        let pipe = program.pipe().unwrap();
        let deadline = Clock::Monotonic.now() + Nanos::from_millis(10_000);
        while rustix::io::write(&*pipe, b"a\tb\n") != Err(rustix::io::Errno::PIPE) {
            assert!(Clock::Monotonic.now() < deadline, "it ends at once");
            sleep_blocking(LOOK);
        }
        drop(pipe);
        let told = program.end().unwrap();
        assert!(told.contains("no such broker") && told.contains("exit status: 3"), "{told}");
    }

    #[test]
    fn a_full_pipe_takes_nothing_and_does_not_block() {
        let program = Program::start("exec sleep 60", None).unwrap();
        let pipe = program.pipe().unwrap();
        let full = (0..10_000).find(|_| rustix::io::write(&*pipe, &[b'x'; 4096]).is_err());
        assert!(full.is_some());
        assert_eq!(rustix::io::write(&*pipe, b"x"), Err(rustix::io::Errno::AGAIN));
    }
}
