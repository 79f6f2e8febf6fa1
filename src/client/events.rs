//! The log of what clients and publishers of one worker see, one line an event, for a reader that
//! holds it against the accounts (`pushbench run --trace-events`).
//!
//! It says what happened and never what it meant: no event here has gone through a ledger or a
//! recorder. `docs/events.md` tells the lines to the word.

use super::{ClientState, Workplace};
use crate::model::{Nanos, Outcome, Stamp};
use std::cell::RefCell;
use std::fmt::{self, Arguments};
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// Bytes that are gathered before they are written: a few thousand events.
const BUFFER: usize = 256 * 1024;

/// The log of one worker.
#[derive(Debug)]
pub struct EventLog(RefCell<io::Result<BufWriter<File>>>);

/// How a session was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// It was to stay; of a pull client: a request failed.
    Lost,
    /// A stream ended on purpose.
    Ended,
    /// The client says that it leaves.
    Left,
    /// It has left, and will come back.
    Away,
    /// It has left for good: what follows belongs to another client with its number.
    Gone,
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Over::Lost => "lost",
            Over::Ended => "ended",
            Over::Left => "left",
            Over::Away => "away",
            Over::Gone => "gone",
        })
    }
}

impl EventLog {
    /// A log that goes on in this file, behind what it holds. One that could not be opened is a log
    /// that has ended.
    pub fn new(file: io::Result<File>) -> EventLog {
        EventLog(RefCell::new(file.map(|file| BufWriter::with_capacity(BUFFER, file))))
    }

    /// Lines of the head, as they are.
    pub fn head(&self, lines: &str) {
        self.write(format_args!("{lines}"));
    }

    /// There is a client of this number, in this group, of this channel.
    pub fn client(&self, client: u32, group: u16, channel: u32) {
        self.write(format_args!("client\t{client}\t{group}\t{channel}\n"));
    }

    /// Nothing more happens. Why the log ended before, if it did: it is not whole then.
    ///
    /// # Errors
    /// The first that there was.
    pub fn close(&self, at: Nanos) -> io::Result<()> {
        self.write(format_args!("end\t{at}\n", at = at.0));
        let unset = Err(io::Error::other("it is closed"));
        self.0.replace(unset)?.flush()
    }

    pub(super) fn published(&self, at: Nanos, due: Nanos, channel: u32, sequence: u32) {
        self.write(format_args!("pub\t{}\t{}\t{channel}\t{sequence}\n", at.0, due.0));
    }

    pub(super) fn settled(&self, at: Nanos, channel: u32, sequence: u32, outcome: Outcome) {
        let class = match outcome {
            Outcome::Good => "ok",
            Outcome::Failed(failure) => failure.key(),
        };
        self.write(format_args!("ack\t{}\t{channel}\t{sequence}\t{class}\n", at.0));
    }

    fn asked(&self, at: Nanos, client: &ClientState) {
        self.write(format_args!("ask\t{}\t{}\t{}\n", at.0, client.number, client.channel));
    }

    fn subscribed(&self, at: Nanos, client: &ClientState, since: Nanos) {
        self.write(format_args!("sub\t{}\t{}\t{}\n", at.0, client.number, since.0));
    }

    fn over(&self, at: Nanos, client: &ClientState, how: Over) {
        self.write(format_args!("unsub\t{}\t{}\t{how}\n", at.0, client.number));
    }

    pub(super) fn received(&self, at: Nanos, client: &ClientState, stamp: &Stamp) {
        let Stamp { channel, sequence, due, .. } = stamp;
        self.write(format_args!("recv\t{}\t{}\t{channel}\t{sequence}\t{}\n", at.0, client.number, due.0));
    }

    /// The first line that cannot be written ends the log, never the run.
    fn write(&self, line: Arguments<'_>) {
        let mut log = self.0.borrow_mut();
        if let Ok(out) = &mut *log
            && let Err(error) = out.write_fmt(line)
        {
            *log = Err(error);
        }
    }
}

impl Workplace {
    /// Where events are written, does this with the log.
    pub(super) fn log(&self, tell: impl FnOnce(&EventLog)) {
        if let Some(events) = &self.events {
            tell(events);
        }
    }

    /// The client sent what is to make it subscribed.
    pub(super) fn asked(&self, at: Nanos, client: &ClientState) {
        self.log(|log| log.asked(at, client));
    }

    /// It was known at `at` that the client can receive from `since` on.
    pub(super) fn can_receive(&self, at: Nanos, client: &ClientState, since: Nanos) {
        self.log(|log| log.subscribed(at, client, since));
    }

    /// A session was over.
    pub(super) fn over(&self, at: Nanos, client: &ClientState, how: Over) {
        self.log(|log| log.over(at, client, how));
    }

    /// The client has left.
    pub(super) fn left(&self, at: Nanos, client: &ClientState) {
        let how = if self.life.away.is_none() { Over::Gone } else { Over::Away };
        self.over(at, client, how);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Failure, RunTag};
    use std::fs;

    #[test]
    fn an_event_is_a_line_of_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.tsv");
        let log = EventLog::new(File::create(&path));
        let client = ClientState::of_channel(3).numbered(7);
        let (run, late) = (RunTag::new(5), Nanos::ZERO);
        log.head("# a head\n");
        log.client(7, 1, 3);
        log.published(Nanos(12), Nanos(10), 3, 8);
        log.settled(Nanos(14), 3, 8, Outcome::Good);
        log.settled(Nanos(15), 3, 9, Outcome::Failed(Failure::Timeout));
        log.asked(Nanos(1), &client);
        log.subscribed(Nanos(2), &client, Nanos(2));
        log.received(Nanos(13), &client, &Stamp { run, channel: 3, sequence: 8, due: Nanos(10), late });
        [Over::Lost, Over::Ended, Over::Left, Over::Away, Over::Gone]
            .into_iter()
            .for_each(|how| log.over(Nanos(20), &client, how));
        log.close(Nanos(30)).unwrap();
        let wanted = "# a head\nclient\t7\t1\t3\npub\t12\t10\t3\t8\nack\t14\t3\t8\tok\nack\t15\t3\t9\ttimeout\n\
            ask\t1\t7\t3\nsub\t2\t7\t2\nrecv\t13\t7\t3\t8\t10\nunsub\t20\t7\tlost\nunsub\t20\t7\tended\n\
            unsub\t20\t7\tleft\nunsub\t20\t7\taway\nunsub\t20\t7\tgone\nend\t30\n";
        assert_eq!(fs::read_to_string(&path).unwrap(), wanted);
    }

    /// `/dev/full` takes nothing, as a full disk.
    #[test]
    fn a_full_disk_ends_the_log_and_is_told_at_the_end() {
        let log = EventLog::new(File::options().write(true).open("/dev/full"));
        // More than the buffer holds, so that it is noticed on the way.
        (0..20_000).for_each(|i| log.client(i, 0, 0));
        assert_eq!(log.close(Nanos(1)).unwrap_err().kind(), io::ErrorKind::StorageFull);
        let small = EventLog::new(File::options().write(true).open("/dev/full"));
        assert_eq!(small.close(Nanos(1)).unwrap_err().kind(), io::ErrorKind::StorageFull);
        let never = EventLog::new(Err(io::ErrorKind::PermissionDenied.into()));
        assert_eq!(never.close(Nanos(1)).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }
}
