//! The exchanges with another clock, and what they come to: the line by which times are corrected while
//! a run goes on, and in the end how wrong that was at most. Pure: stamps in, numbers out.

use crate::analysis::clock_fit::{ClockFit, Exchange, fit};
use crate::clock::ClockLine;
use crate::model::Nanos;
use std::ops::Range;

/// Below this span a drift says more about the exchanges than about the clock: none is assumed, for the
/// line is drawn anew each second.
const SPAN_FOR_DRIFT: Nanos = Nanos(5 * Nanos::SECOND.0);
/// A message may have been published so long before it is received and corrected.
const ON_THE_WAY: Nanos = Nanos::SECOND;

/// All that was asked and answered.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Book {
    /// The quickest of each burst, their stamps less `zero_ns`.
    bursts: Vec<Exchange>,
    /// Roughly how far their clock is ahead: taken off their stamps, so that no digit of them is lost.
    zero_ns: i64,
    /// The greatest power of ten of which all their stamps are multiples, nanoseconds.
    step_ns: Option<u64>,
    /// Exchanges that told something.
    pub(in crate::engine) answered: u64,
    /// Questions without an answer that will do.
    pub(in crate::engine) failed: u64,
    /// Why the first of them.
    pub(in crate::engine) first_failure: String,
    /// From when on which line was used.
    used: Vec<(Nanos, ClockLine)>,
}

/// What is known in the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::engine) struct Known {
    /// How far their clock was ahead in the middle of the window.
    pub(in crate::engine) offset_ns: i64,
    pub(in crate::engine) drift_ppm: f64,
    pub(in crate::engine) round_trip_min_ns: u64,
    /// The step in which it tells time.
    pub(in crate::engine) step_ns: u64,
    /// How wrong the fit can be within the window.
    pub(in crate::engine) fit_error_ns: f64,
    /// How far the lines that were used lie from it.
    pub(in crate::engine) live_error_ns: f64,
}

impl Known {
    /// How wrong a corrected time can be: all of these together.
    pub(in crate::engine) fn epsilon_ns(&self) -> u64 {
        (self.fit_error_ns + self.live_error_ns).ceil().max(1.0) as u64
    }
}

impl Book {
    /// A question came to nothing.
    pub(super) fn fail(&mut self, why: String) {
        self.failed += 1;
        if self.first_failure.is_empty() {
            self.first_failure = why;
        }
    }

    /// Takes the quickest of a burst; their stamps as they told them. One that took longer there than
    /// it was under way contradicts itself.
    pub(super) fn add(&mut self, burst: &[Exchange]) {
        for e in burst {
            let stamps = [e.there_received_ns, e.there_sent_ns];
            self.step_ns =
                Some(stamps.iter().fold(self.step_ns.unwrap_or(1_000_000_000), |s, t| step(s, *t)));
        }
        let slack = self.step_ns.unwrap_or(1);
        let sound = |e: &&Exchange| {
            let (there, whole) =
                (e.there_sent_ns.checked_sub(e.there_received_ns), e.received_ns - e.sent_ns);
            there.is_some_and(|there| there <= whole + slack)
        };
        let good: Vec<&Exchange> = burst.iter().filter(sound).collect();
        self.answered += good.len() as u64;
        for _ in good.len()..burst.len() {
            self.fail("it says that it answered before it was asked, or long after".to_owned());
        }
        let Some(best) = good.into_iter().min_by_key(|e| e.round_trip_ns()) else { return };
        if self.bursts.is_empty() {
            let ahead = i128::from(best.there_received_ns) - i128::from(best.sent_ns);
            self.zero_ns = ahead.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        }
        let less = |theirs: u64| (i128::from(theirs) - i128::from(self.zero_ns)).max(0) as u64;
        let (there_received_ns, there_sent_ns) = (less(best.there_received_ns), less(best.there_sent_ns));
        self.bursts.push(Exchange { there_received_ns, there_sent_ns, ..*best });
    }

    /// The line that is known now, to be used from `now` on; `None`: nothing is known.
    pub(super) fn draw(&mut self, now: Nanos) -> Option<ClockLine> {
        let (first, last) = (self.bursts.first()?, self.bursts.last()?);
        let line = match fit(&self.bursts) {
            Some(found) if last.sent_ns - first.sent_ns >= SPAN_FOR_DRIFT.0 => {
                let ahead = self.zero_ns.saturating_add(found.offset_at_ns(now.0 as f64).round() as i64);
                ClockLine { at: now, ahead_ns: ahead, drift_ppm: found.drift_ppm }
            }
            _ => ClockLine {
                at: now,
                ahead_ns: self.zero_ns.saturating_add(last.offset_ns().round() as i64),
                drift_ppm: 0.0,
            },
        };
        self.used.push((now, line));
        Some(line)
    }

    /// Whether a line could ever be drawn.
    pub(in crate::engine) fn is_known(&self) -> bool {
        !self.used.is_empty()
    }

    /// What all exchanges come to for times within `window`; `None` with too few of them.
    pub(in crate::engine) fn close(&self, window: &Range<Nanos>) -> Option<Known> {
        let found = fit(&self.bursts)?;
        let (first, last) = (self.bursts.first()?, self.bursts.last()?);
        let step_ns = self.step_ns?;
        let middle = window.start.0 as f64 / 2.0 + window.end.0 as f64 / 2.0;
        let within = found.epsilon_ns.max(self.strays_ns(&found));
        // Both ends of the line may be off by that, each to its side: beyond them it goes on growing.
        let beyond =
            (window.end.0 as f64 - last.received_ns as f64).max(first.sent_ns as f64 - window.start.0 as f64);
        let growth = 2.0 * within / (last.received_ns as f64 - first.sent_ns as f64).max(1.0);
        // A step too early at both ends, and a round trip that looks half a step too short.
        let steps = if step_ns > 1 { 1.5 * step_ns as f64 } else { 0.0 };
        Some(Known {
            offset_ns: self.zero_ns.saturating_add(found.offset_at_ns(middle).round() as i64),
            drift_ppm: found.drift_ppm,
            round_trip_min_ns: found.round_trip_min_ns,
            step_ns,
            fit_error_ns: within + growth * beyond.max(0.0) + steps,
            live_error_ns: self.live_error_ns(&found, window),
        })
    }

    /// The truth lies within half a round trip of each exchange; a clock that was set or slewed is no
    /// straight line, and some exchange then says so.
    fn strays_ns(&self, found: &ClockFit) -> f64 {
        let missed = |e: &Exchange| {
            let middle = e.sent_ns as f64 / 2.0 + e.received_ns as f64 / 2.0;
            (found.offset_at_ns(middle) - e.offset_ns()).abs() - e.round_trip_ns() as f64 / 2.0
        };
        self.bursts.iter().map(missed).fold(0.0, f64::max)
    }

    /// The most by which a line that was used for times of `window` lies from the fit. Both are
    /// straight, so the most is at an end of its time.
    fn live_error_ns(&self, found: &ClockFit, window: &Range<Nanos>) -> f64 {
        let ends = self.used.iter().skip(1).map(|u| u.0).chain([Nanos::MAX]);
        let mut most = 0.0f64;
        for ((from, line), until) in self.used.iter().zip(ends) {
            let (from, until) = ((*from - ON_THE_WAY).max(window.start), until.min(window.end));
            if from > until {
                continue;
            }
            for at in [from, until] {
                let told = (line.ahead_ns - self.zero_ns) as f64 + line.gained_ns(at);
                most = most.max((told - found.offset_at_ns(at.0 as f64)).abs());
            }
        }
        most
    }
}

/// The greatest power of ten of which both are multiples, of at most `step`.
fn step(mut step: u64, stamp: u64) -> u64 {
    while step > 1 && !stamp.is_multiple_of(step) {
        step /= 10;
    }
    step
}

#[cfg(test)]
mod tests;
