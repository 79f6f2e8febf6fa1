//! Messages that nobody stamped: what a recorder keeps of them. Knows not what they looked like.

use super::{Due, Recorder, Seen};
use crate::model::{Nanos, Op};

/// One received message that nobody stamped.
#[derive(Clone, Copy, Debug)]
pub struct Followed {
    /// When the read that held it returned.
    pub received: Nanos,
    /// When it was published by its own account, on the run's clock.
    pub time: Option<Nanos>,
    /// Where that lies in the life of its client; `Here` where it does not tell.
    pub place: Due,
    /// What it was to its client, where it tells a number.
    pub seen: Option<Seen>,
    /// Time since the client's last message.
    pub gap: Option<Nanos>,
    /// Whether the error of the clock of `time` has a bound. A time just after the receipt is then no
    /// time at all within that error; what is beyond it is judged when the bound is known.
    pub is_bounded: bool,
    /// Whether its endpoint tells its latest value only.
    pub latest_value: bool,
}

impl Recorder {
    /// Whether an instant is of `measure`.
    pub fn is_measured(&self, at: Nanos) -> bool {
        self.window.contains(&at)
    }

    /// A message that nobody stamped was received. It belongs to when it was published, where it tells
    /// that, else to when it came.
    pub fn follow(&mut self, f: &Followed) {
        let part = self.part(f.received);
        let history = f.place == Due::Before;
        if history || f.seen.is_some_and(|seen| !seen.is_first()) {
            let again = if f.latest_value || history { &mut part.redundant } else { &mut part.duplicate };
            *again += 1;
            return;
        }
        part.arrivals += 1;
        f.gap.iter().for_each(|gap| part.gap.record(*gap));
        // One whose clock says that it comes from the future was published now at the latest.
        let part = self.part(f.time.map_or(f.received, |time| time.min(f.received)));
        part.reordered += u64::from(f.seen == Some(Seen::Late));
        match f.place {
            Due::Early | Due::Before => return part.early += 1,
            Due::Between => return part.replayed += 1,
            Due::Here => {}
        }
        part.received += 1;
        match f.time {
            Some(time) if time > f.received => {
                part.ahead.record(time - f.received);
                if f.is_bounded {
                    part.response[Op::Deliver as usize].record(Nanos::ZERO);
                }
            }
            Some(time) => part.response[Op::Deliver as usize].record(f.received - time),
            None => {}
        }
    }

    /// A message that tells nothing was received by the first of its clients.
    pub fn first_receipt(&mut self, at: Nanos) {
        self.part(at).firsts += 1;
    }

    /// The same by another one, so long after the first.
    pub fn behind(&mut self, at: Nanos, time: Nanos) {
        self.part(at).spread.record(time);
    }

    /// So many did not get a message that was first received at `first`.
    pub fn missing(&mut self, first: Nanos, clients: u32) {
        self.part(first).missing += u64::from(clients);
    }
}
