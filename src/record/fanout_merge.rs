//! Puts together what several workers know of the receivers of one message.
//!
//! First and last are exact. Of the median each worker tells sixteen marks: with up to 16 receivers on each
//! it is exact, else it is too late by at most a sixteenth of a worker's receivers for each worker.

use super::fanout::{Fan, MARKS, Piece, half, rank_of_mark};
use crate::model::Nanos;
use std::collections::BTreeMap;
use std::ops::Range;

/// Most messages that wait for the other workers' pieces.
const MOST_WAITING: usize = 1 << 16;

/// Takes the pieces of all workers.
#[derive(Debug)]
pub struct FanMerge {
    window: Range<Nanos>,
    /// How many workers have clients of a channel.
    workers: Vec<u32>,
    /// By sequence and channel, so that the first are about the oldest.
    waiting: BTreeMap<(u32, u32), Vec<Piece>>,
    fan: Fan,
}

impl FanMerge {
    /// For messages due in `window`; `workers` tells how many have clients of each channel.
    pub fn new(window: Range<Nanos>, workers: Vec<u32>) -> FanMerge {
        FanMerge { window, workers, waiting: BTreeMap::new(), fan: Fan::default() }
    }

    /// One worker's piece of a message: its last word on it.
    pub fn add(&mut self, piece: &Piece) {
        if !self.window.contains(&piece.due) {
            return;
        }
        let key = (piece.sequence, piece.channel);
        let pieces = self.waiting.entry(key).or_default();
        pieces.push(*piece);
        let wanted = self.workers.get(piece.channel as usize).copied().unwrap_or(1);
        if pieces.len() as u32 >= wanted {
            let pieces = self.waiting.remove(&key).unwrap_or_default();
            self.settle(&pieces, None);
        } else if self.waiting.len() > MOST_WAITING
            && let Some((_, mut pieces)) = self.waiting.pop_first()
        {
            // Whoever has said nothing of it by now has subscribers that did not get it.
            pieces.iter_mut().for_each(|p| p.pushed_out = true);
            let known = pieces.iter().map(|p| p.subscribers).sum::<u32>();
            self.settle(&pieces, Some(known + 1));
        }
    }

    /// No more will come. A worker none of whose clients had a message has no piece of it: `subscribers`
    /// tells how many there were of its channel, over all workers, when it was due.
    pub fn finish(mut self, subscribers: impl Fn(u32, Nanos) -> u32) -> Fan {
        while let Some(((_, channel), pieces)) = self.waiting.pop_first() {
            let all = pieces.first().map(|p| subscribers(channel, p.due));
            self.settle(&pieces, all);
        }
        self.fan
    }

    fn settle(&mut self, pieces: &[Piece], subscribers: Option<u32>) {
        let known: u32 = pieces.iter().map(|p| p.subscribers).sum();
        let all = subscribers.map_or(known, |n| n.max(known));
        let had: u32 = pieces.iter().map(|p| p.receivers).sum();
        let fan = &mut self.fan;
        fan.messages += 1;
        fan.receivers += u64::from(all);
        pieces.iter().map(|p| p.first).min().into_iter().for_each(|first| fan.first.record(first));
        match median(pieces, half(all)) {
            Some(median) => fan.median.record(median),
            None => fan.below_half += 1,
        }
        if had >= all {
            pieces.iter().map(|p| p.last).max().into_iter().for_each(|last| fan.last.record(last));
        } else {
            fan.incomplete += 1;
            fan.pushed_out += u64::from(pieces.iter().any(|p| p.pushed_out));
        }
    }
}

/// When receiver number `wanted` had it, as far as marks tell: never earlier than it was.
fn median(pieces: &[Piece], wanted: u32) -> Option<Nanos> {
    let mut marks: Vec<(Nanos, u32)> = pieces.iter().flat_map(marks_of).collect();
    marks.sort_unstable();
    let mut so_many = 0;
    let reached = marks.into_iter().find(|(_, more)| {
        so_many += more;
        so_many >= wanted
    });
    reached.map(|(at, _)| at)
}

/// The marks that were reached, each with the receivers since the one before; what came after the last of
/// them had it by `last`.
fn marks_of(piece: &Piece) -> Vec<(Nanos, u32)> {
    let mut told = 0;
    let mut marks = Vec::new();
    for j in 0..MARKS.min(piece.subscribers) {
        let rank = rank_of_mark(j, piece.subscribers);
        if rank > piece.receivers {
            break;
        }
        marks.push((piece.marks[j as usize], rank - told));
        told = rank;
    }
    if piece.receivers > told {
        marks.push((piece.last, piece.receivers - told));
    }
    marks
}
