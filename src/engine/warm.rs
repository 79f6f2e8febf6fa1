//! Whether a run is warm, from what its workers hand over each second. Pure: instants are given.
//!
//! While the warm-up runs, whole seconds are looked at as windows: median and mean delivery time of what was
//! received in them, and how much that was. When the stationarity test (`analysis::steady`) finds its cut far
//! enough in the past, `measure` begins at a whole second that no worker has reached yet.

use super::assemble::Interim;
use super::timeline::Timeline;
use super::worker::BEGIN_AHEAD;
use crate::analysis::steady::{LEAST_SEEN, warm};
use crate::model::{Nanos, Op};

/// Deliveries of a window below which it has no median worth a look.
const LEAST_DELIVERIES: u64 = 5;

/// One whole second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    /// When it began.
    pub(super) start: Nanos,
    /// First receipts.
    pub(super) delivered: u64,
    /// Median delivery time of what was received in it, nanoseconds; `None` with too few.
    pub(super) p50_ns: Option<f64>,
    /// The mean of the same.
    pub(super) mean_ns: Option<f64>,
}

impl Window {
    /// What an interval says; `None` unless it is a whole second.
    pub(super) fn of(start: Nanos, interim: &Interim) -> Option<Window> {
        if interim.end - start != Nanos::SECOND {
            return None;
        }
        // All that came, whatever phase it was due in: at a change of phase either part alone holds only
        // the late ones or only the quick ones.
        let mut timing = interim.snapshot.measured.response_of(Op::Deliver).clone();
        timing.merge(interim.snapshot.other.response_of(Op::Deliver));
        let enough = (timing.count() >= LEAST_DELIVERIES).then(|| timing.histogram());
        Some(Window {
            start,
            delivered: interim.snapshot.arrivals(),
            p50_ns: enough.as_ref().map(|h| h.value_at_quantile(0.5) as f64),
            mean_ns: enough.as_ref().map(|h| h.mean()),
        })
    }
}

/// How the warm-up ended.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Warmed {
    /// Whether it was to end by itself.
    pub(super) auto: bool,
    /// Whether it was steady in time; `None`: fixed, or too little was delivered to tell.
    pub(super) reached: Option<bool>,
    /// Where the test cut it, from the first window on; `None` when it did not.
    pub(super) cut: Option<Nanos>,
}

/// Watches the warm-up of one run.
#[derive(Debug)]
pub(super) struct WarmUp {
    least: Option<Nanos>,
    last_end: Option<Nanos>,
    windows: Vec<Window>,
    found: Option<Warmed>,
}

impl WarmUp {
    /// A warm-up that lasts so long at least, or as long as was planned.
    pub(super) fn new(least: Option<Nanos>) -> WarmUp {
        WarmUp { least, last_end: None, windows: Vec::new(), found: None }
    }

    /// An interval is whole, at `now`; intervals come in their order. Gives the instant at which `measure`
    /// is to begin when that was decided just now.
    pub(super) fn look(&mut self, interim: &Interim, timeline: &Timeline, now: Nanos) -> Option<Nanos> {
        let start = self.last_end.replace(interim.end).unwrap_or(timeline.start);
        let least = self.least.filter(|_| self.found.is_none() && interim.end <= timeline.measure)?;
        if start >= timeline.connected {
            self.windows.extend(Window::of(start, interim));
        }
        let since = (now + BEGIN_AHEAD - timeline.start).0.div_ceil(Nanos::SECOND.0);
        let begin = timeline.start + Nanos::SECOND * since;
        if begin < timeline.connected + least || begin >= timeline.measure {
            return None;
        }
        self.found = Some(found(&self.windows)?);
        Some(begin)
    }

    /// How it ended.
    pub(super) fn end(&self) -> Warmed {
        let never = Warmed { auto: self.least.is_some(), reached: self.least.map(|_| false), cut: None };
        let little = Warmed { reached: None, ..never };
        let or = if is_thin(&self.windows) { little } else { never };
        self.found.unwrap_or(or)
    }
}

/// Whether most windows have too few deliveries for a look.
fn is_thin(windows: &[Window]) -> bool {
    2 * windows.iter().filter(|w| w.p50_ns.is_some()).count() <= windows.len()
}

/// What the windows so far say; `None`: wait.
fn found(windows: &[Window]) -> Option<Warmed> {
    if windows.len() >= LEAST_SEEN && is_thin(windows) {
        return Some(Warmed { auto: true, reached: None, cut: None });
    }
    let series = |of: fn(&Window) -> Option<f64>| windows.iter().map(of).collect::<Vec<_>>();
    let warm = warm(&[series(|w| w.p50_ns), series(|w| w.mean_ns), series(|w| Some(w.delivered as f64))])?;
    let cut = Nanos::SECOND * warm.cut as u64;
    warm.settled.then_some(Warmed { auto: true, reached: Some(true), cut: Some(cut) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RunTag, Stamp};
    use crate::record::{Arrival, Due, Recorder, Seen};
    use crate::scenario::Phases;

    fn timeline() -> Timeline {
        let s = |n| Nanos::SECOND * n;
        let phases =
            Phases { connect: s(1), warmup: s(30), warmup_least: Some(s(2)), measure: s(10), drain: s(1) };
        Timeline::new(Nanos::SECOND * 100, &phases)
    }

    /// Second `n` of a run, with deliveries that each took so long.
    fn second(n: u64, took: Nanos, deliveries: u64) -> Interim {
        let mut recorder = Recorder::new(timeline().measured());
        let end = timeline().start + Nanos::SECOND * (n + 1);
        for k in 0..deliveries {
            let received = end - Nanos::from_millis(1 + k);
            let stamp = Stamp { due: received - took, ..stamp() };
            let (seen, place) = (Seen::New, Due::Here);
            recorder.arrive(&Arrival { stamp, received, seen, place, asked: None, latest_value: false });
        }
        Interim { end, snapshot: recorder.take(), workers: 1, ..Interim::default() }
    }

    fn stamp() -> Stamp {
        Stamp { run: RunTag::new(1), channel: 0, sequence: 0, due: Nanos::ZERO, late: Nanos::ZERO }
    }

    /// The second (of the run) at which `measure` was set to begin, and how the warm-up ended.
    fn played(took: impl Fn(u64) -> Nanos, deliveries: u64, least: Option<Nanos>) -> (Option<u64>, Warmed) {
        let mut warm_up = WarmUp::new(least);
        let begin = (0..31).find_map(|n| {
            let interim = second(n, took(n), deliveries);
            let now = interim.end + Nanos::from_millis(3);
            warm_up.look(&interim, &timeline(), now)
        });
        (begin.map(|at| (at - timeline().start).0 / Nanos::SECOND.0), warm_up.end())
    }

    const TWO: Option<Nanos> = Some(Nanos(2_000_000_000));

    #[test]
    fn a_steady_run_begins_after_the_windows_that_the_test_needs() {
        let (begin, warmed) = played(|n| Nanos::from_micros(900 + n % 3), 50, TWO);
        // Second 0 connects; seconds 1 to 8 are looked at; 9 is the next that nobody has reached.
        assert_eq!(begin, Some(10));
        assert_eq!(warmed, Warmed { auto: true, reached: Some(true), cut: Some(Nanos::ZERO) });
    }

    #[test]
    fn a_slow_beginning_is_cut_within_a_window() {
        let slow = |n| if n < 6 { Nanos::from_millis(80) } else { Nanos::from_micros(900 + n % 3) };
        let (begin, warmed) = played(slow, 50, TWO);
        assert_eq!(warmed.cut, Some(Nanos::SECOND * 5));
        assert!(begin.is_some_and(|at| (11..=20).contains(&at)), "{begin:?}");
    }

    #[test]
    fn what_never_settles_is_told_and_what_is_too_thin_is_not_waited_for() {
        let falls = |n: u64| Nanos((80e6 * 0.9f64.powi(n as i32)) as u64);
        let never = Warmed { auto: true, reached: Some(false), cut: None };
        assert_eq!(played(falls, 50, TWO), (None, never));
        let thin = Warmed { auto: true, reached: None, cut: None };
        assert_eq!(played(|_| Nanos::from_millis(1), 2, TWO), (Some(10), thin));
    }

    #[test]
    fn a_window_at_the_change_of_phase_holds_both_sides() {
        let mut interim = second(1, Nanos::from_millis(1), 40);
        let mut measured = Recorder::new(Nanos::ZERO..Nanos::MAX);
        for k in 0..60 {
            let received = interim.end - Nanos::from_millis(1 + k);
            let stamp = Stamp { due: received - Nanos::from_millis(9), ..stamp() };
            let (seen, place) = (Seen::New, Due::Here);
            measured.arrive(&Arrival { stamp, received, seen, place, asked: None, latest_value: false });
        }
        interim.snapshot.merge(&measured.take());
        let window = Window::of(interim.end - Nanos::SECOND, &interim).unwrap();
        assert_eq!(window.delivered, 100);
        // 40 of 1 ms and 60 of 9 ms: neither side alone has this mean.
        assert!((window.mean_ns.unwrap() / 5.8e6 - 1.0).abs() < 0.01, "{window:?}");
    }

    #[test]
    fn a_fixed_one_is_left_alone_and_the_least_is_kept() {
        assert_eq!(played(|_| Nanos::from_millis(1), 50, None), (None, Warmed::default()));
        let (begin, _) = played(|_| Nanos::from_millis(1), 50, Some(Nanos::SECOND * 20));
        assert_eq!(begin, Some(21));
    }
}
