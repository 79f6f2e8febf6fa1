//! What is due next, over all channels of a feed. Pure.

use super::FeedChannel;
use super::books::Job;
use crate::model::Nanos;
use crate::pace::Schedule;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The messages that were not given out yet, by their due times.
pub(super) struct Agenda {
    start: Nanos,
    schedules: Vec<Schedule>,
    sequences: Vec<u32>,
    queue: BinaryHeap<Reverse<(Nanos, usize)>>,
}

impl Agenda {
    /// All messages of these channels; their due times count from `start`.
    pub(super) fn of(channels: &[FeedChannel], start: Nanos) -> Agenda {
        let mut schedules: Vec<Schedule> = channels.iter().map(|c| c.schedule.clone()).collect();
        let first = |(i, s): (usize, &mut Schedule)| s.next().map(|due| Reverse((start + due, i)));
        let queue = schedules.iter_mut().enumerate().filter_map(first).collect();
        Agenda { start, sequences: vec![0; schedules.len()], schedules, queue }
    }

    /// When the next message is due; `Nanos::MAX` when there is none.
    pub(super) fn next_due(&self) -> Nanos {
        self.queue.peek().map_or(Nanos::MAX, |next| next.0.0)
    }

    /// Takes the next message.
    pub(super) fn take(&mut self) -> Option<Job> {
        let Reverse((due, channel)) = self.queue.pop()?;
        let sequence = self.sequences[channel];
        self.sequences[channel] += 1;
        let next = self.schedules[channel].next();
        self.queue.extend(next.map(|due| Reverse((self.start + due, channel))));
        Some(Job { channel, sequence, due })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::{Constant, Spacing};

    fn channel(index: u32, schedule: Schedule) -> FeedChannel {
        FeedChannel { index, name: "c".into(), schedule }
    }

    #[test]
    fn channels_are_merged_by_due_time_and_each_counts_its_own() {
        let each = |phase| Schedule::Constant(Constant::new(1_000.0, phase));
        let mut agenda = Agenda::of(&[channel(0, each(0.5)), channel(1, each(0.25))], Nanos::SECOND);
        let us = |n: u64| Nanos::SECOND + Nanos::from_micros(n);
        let taken: Vec<_> = std::iter::repeat_with(|| agenda.take().map(|j| (j.due, j.channel, j.sequence)))
            .take(4)
            .collect();
        let wanted = [(us(250), 1, 0), (us(500), 0, 0), (us(1_250), 1, 1), (us(1_500), 0, 1)];
        assert_eq!(taken, wanted.map(Some));
        assert_eq!(agenda.next_due(), us(2_250));
    }

    #[test]
    fn at_twenty_thousand_a_second_few_messages_share_an_instant() {
        let channels: Vec<_> =
            (0..100).map(|i| channel(i, Schedule::of_channel(Spacing::Constant, 200.0, 7, i))).collect();
        let mut agenda = Agenda::of(&channels, Nanos::ZERO);
        let dues: Vec<_> =
            std::iter::repeat_with(|| agenda.take()).take(2_000).flatten().map(|j| j.due).collect();
        assert!(dues.is_sorted());
        let together = dues.windows(2).filter(|w| w[0] == w[1]).count();
        assert!(together < 200, "{together} of 2,000 messages are due with the one before");
    }
}
