//! Another host's clock as a straight line over ours, shared between who asks it and who reads times
//! of it. Knows not how it was found.

use crate::model::Nanos;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering, fence};

/// What another clock says, in terms of ours.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClockLine {
    /// The instant of ours to which `ahead_ns` belongs.
    pub at: Nanos,
    /// How far it is ahead of ours then, nanoseconds; below zero: behind.
    pub ahead_ns: i64,
    /// How much faster it runs, parts per million.
    pub drift_ppm: f64,
}

impl ClockLine {
    /// The instant of ours that it calls `theirs`; what lies before our zero is zero.
    pub fn ours(&self, theirs: Nanos) -> Nanos {
        let since = i128::from(theirs.0) - i128::from(self.ahead_ns) - i128::from(self.at.0);
        let gained = since as f64 * (self.drift_ppm / 1e6) / (1.0 + self.drift_ppm / 1e6);
        let ours = i128::from(self.at.0) + since - gained.round() as i128;
        Nanos(u64::try_from(ours.max(0)).unwrap_or(u64::MAX))
    }

    /// How far it is ahead at an instant of ours, nanoseconds beside `ahead_ns`.
    pub fn gained_ns(&self, ours: Nanos) -> f64 {
        (i128::from(ours.0) - i128::from(self.at.0)) as f64 * (self.drift_ppm / 1e6)
    }
}

/// A line that one thread draws anew while others read it: neither ever waits for the other, and a reader
/// whose look was disturbed looks again.
#[derive(Debug, Default)]
pub struct LiveLine {
    /// How often it was drawn; the last bit says in which place.
    drawn: AtomicU64,
    places: [Drawn; 2],
}

#[derive(Debug, Default)]
struct Drawn {
    at: AtomicU64,
    ahead_ns: AtomicI64,
    drift_bits: AtomicU64,
}

impl LiveLine {
    /// This line, to begin with.
    pub fn new(line: ClockLine) -> LiveLine {
        let live = LiveLine::default();
        live.draw(line);
        live
    }

    /// This line from now on. For one thread only.
    pub fn draw(&self, line: ClockLine) {
        let next = self.drawn.load(Ordering::Relaxed) + 1;
        let place = &self.places[(next % 2) as usize];
        // Whoever reads what is written here sees that the other place is the older one.
        fence(Ordering::Release);
        place.at.store(line.at.0, Ordering::Relaxed);
        place.ahead_ns.store(line.ahead_ns, Ordering::Relaxed);
        place.drift_bits.store(line.drift_ppm.to_bits(), Ordering::Relaxed);
        self.drawn.store(next, Ordering::Release);
    }

    /// The line as it is now. Takes no lock and waits for nobody.
    pub fn now(&self) -> ClockLine {
        loop {
            let drawn = self.drawn.load(Ordering::Acquire);
            let place = &self.places[(drawn % 2) as usize];
            let line = ClockLine {
                at: Nanos(place.at.load(Ordering::Relaxed)),
                ahead_ns: place.ahead_ns.load(Ordering::Relaxed),
                drift_ppm: f64::from_bits(place.drift_bits.load(Ordering::Relaxed)),
            };
            fence(Ordering::Acquire);
            // Drawn once more meanwhile: this very place may be under the pen.
            if self.drawn.load(Ordering::Relaxed) == drawn {
                return line;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn its_times_become_ours_to_the_nanosecond_whatever_its_zero() {
        // A clock of 1970 that gains 50 ppm, 7,000 s after the start of ours.
        let line =
            ClockLine { at: Nanos::SECOND * 7_000, ahead_ns: 1_790_000_000_000_000_001, drift_ppm: 50.0 };
        assert_eq!(line.ours(Nanos(1_790_007_000_000_000_001)), Nanos::SECOND * 7_000);
        // Ten of our seconds later it has gained 500 us.
        assert_eq!(line.ours(Nanos(1_790_007_010_000_500_001)), Nanos::SECOND * 7_010);
        assert!((line.gained_ns(Nanos::SECOND * 7_010) - 500_000.0).abs() < 1e-3);
        assert_eq!(line.ours(Nanos(5)), Nanos::ZERO);
        let behind = ClockLine { at: Nanos::SECOND, ahead_ns: -50_000_000, drift_ppm: 0.0 };
        assert_eq!(behind.ours(Nanos(950_000_000)), Nanos::SECOND);
    }

    #[test]
    fn a_reader_never_sees_half_of_two_lines() {
        let line = |n: u64| ClockLine { at: Nanos(n), ahead_ns: n as i64, drift_ppm: n as f64 };
        let (live, over) = (LiveLine::new(line(0)), AtomicBool::new(false));
        std::thread::scope(|s| {
            s.spawn(|| {
                (1..200_000).for_each(|n| live.draw(line(n)));
                over.store(true, Ordering::Relaxed);
            });
            while !over.load(Ordering::Relaxed) {
                let seen = live.now();
                assert_eq!(seen, line(seen.at.0));
            }
        });
        assert_eq!(live.now(), line(199_999));
    }
}
