//! Asks another host's clock before, during and after a run, on a thread of its own beside the control
//! thread; workers only read the line that is drawn.
//!
//! Why the line is drawn while the run goes on: a time goes into a histogram when its message comes, and
//! cannot be moved in there afterwards. So each is corrected by what is known when it comes, and in the
//! end the lines that were used are held against the fit through all exchanges. What they differ by is
//! part of the error that is told: a wrong line makes a run less exact, never silently wrong.

mod book;

pub(super) use book::{Book, Known};

use super::EngineError;
use super::control::Control;
use super::site::site;
use super::target::RunningTarget;
use crate::analysis::clock_fit::Exchange;
use crate::clock::{Clock, LiveLine, sleep_blocking};
use crate::model::Nanos;
use crate::scenario::{ClockQuestion, Plan, RunPlan, TargetClock, TargetPlan, TlsSpec};
use crate::transport::ClockReader;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Exchanges before a run, and after it: the ends hold the line.
const AT_THE_ENDS: usize = 24;
/// Exchanges of a burst during it.
const BETWEEN: usize = 8;
/// Between two bursts.
const EVERY: Duration = Duration::from_secs(1);
/// Between two exchanges of a burst.
const PAUSE: Nanos = Nanos::from_millis(1);
/// A burst is given up after so many failures in a row.
const FAILURES: u32 = 3;
/// A longer answer is no clock's.
const MOST_BYTES: usize = 64 * 1024;

/// Somebody who asks a clock.
pub(super) struct Asking {
    /// What is asked, for a person.
    pub(super) asked: String,
    /// What workers read; `None`: nothing could be found out.
    pub(super) line: Option<Arc<LiveLine>>,
    /// Dropped: ask a last time.
    stop: Sender<()>,
    thread: JoinHandle<Book>,
}

/// What the asking came to.
pub(super) struct Asked {
    pub(super) asked: String,
    pub(super) book: Book,
}

impl Asking {
    /// Asks for the first time, and goes on asking; `None` where the scenario asks no clock.
    ///
    /// # Errors
    /// The clock is somewhere that may not be driven, or there can be no thread. One that does not answer is
    /// no error: that is told with the run.
    pub(super) fn begin(
        plan: &Plan,
        run: &RunPlan,
        target: &RunningTarget,
    ) -> Result<Option<Asking>, EngineError> {
        let Some(question) = question(run) else { return Ok(None) };
        let own = match &question.base {
            Some(base) => Some(site(base, &TlsSpec::default(), allows_remote(plan))?),
            None => None,
        };
        let site = own.as_ref().unwrap_or(&target.sites.base);
        let scheme = if site.tls_name.is_some() { "https" } else { "http" };
        let asked = format!("GET {scheme}://{}{}", site.authority, question.path);
        let mut book = Book::default();
        let clerk = match Control::to(site, target.sites.tls.as_ref(), &question.path) {
            Ok(control) => Some(Clerk { control, reader: ClockReader::new(question) }),
            Err(why) => {
                book.fail(why);
                None
            }
        };
        clerk.iter().for_each(|clerk| clerk.burst(AT_THE_ENDS, &mut book));
        let line = book.draw(Clock::Monotonic.now()).map(|line| Arc::new(LiveLine::new(line)));
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("clock".to_owned()).spawn({
            let line = line.clone();
            move || {
                let (Some(clerk), Some(line)) = (clerk, line) else { return book };
                while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                    clerk.burst(BETWEEN, &mut book);
                    book.draw(Clock::Monotonic.now()).iter().for_each(|drawn| line.draw(*drawn));
                }
                clerk.burst(AT_THE_ENDS, &mut book);
                book
            }
        });
        let thread = thread.map_err(|e| EngineError::Worker(format!("one that asks the clock: {e}")))?;
        Ok(Some(Asking { asked, line, stop, thread }))
    }

    /// Asks for the last time.
    pub(super) fn end(self) -> Asked {
        drop(self.stop);
        let book = self.thread.join().unwrap_or_default();
        Asked { asked: self.asked, book }
    }
}

fn question(run: &RunPlan) -> Option<&ClockQuestion> {
    match &run.publish.as_ref()?.by_target()?.time.as_ref()?.clock {
        TargetClock::Asked(question) => Some(question),
        TargetClock::Wall | TargetClock::Monotonic => None,
    }
}

fn allows_remote(plan: &Plan) -> bool {
    matches!(plan.target, TargetPlan::External { allow_remote: true, .. })
}

/// Asks, and reads the answers.
struct Clerk {
    control: Control,
    reader: ClockReader,
}

impl Clerk {
    /// So many exchanges, one after the other: the quickest of them met no queue.
    fn burst(&self, count: usize, book: &mut Book) {
        let (mut exchanges, mut failures) = (Vec::with_capacity(count), 0);
        for _ in 0..count {
            match self.ask() {
                Ok(exchange) => {
                    exchanges.push(exchange);
                    failures = 0;
                }
                Err(why) => {
                    book.fail(why);
                    failures += 1;
                }
            }
            if failures == FAILURES {
                break;
            }
            sleep_blocking(PAUSE);
        }
        book.add(&exchanges);
    }

    fn ask(&self) -> Result<Exchange, String> {
        let answer = self.control.get(MOST_BYTES)?;
        if answer.status != 200 {
            return Err(format!("it answered {}", answer.status));
        }
        let (there_received, there_sent) = self
            .reader
            .read(&answer.body)
            .ok_or("its answer holds no times where `clock` says: look at received, sent and unit")?;
        Ok(Exchange {
            sent_ns: answer.sent.0,
            there_received_ns: there_received.0,
            there_sent_ns: there_sent.0,
            received_ns: answer.received.0,
        })
    }
}
