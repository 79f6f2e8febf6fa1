//! Axes: from values to places, round ends, ticks.

/// A straight or a logarithmic axis, from `from` (at `lo`) to `to` (at `hi`) in units of the slide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) lo: f64,
    pub(super) hi: f64,
    log: bool,
    from: f64,
    to: f64,
}

impl Axis {
    /// A logarithmic axis from exactly `lo` to exactly `hi`, both above 0.
    pub(super) fn log(lo: f64, hi: f64, from: f64, to: f64) -> Axis {
        Axis { lo, hi: hi.max(lo * 1.01), log: true, from, to }
    }

    /// A logarithmic axis around `values` (those above 0), its ends rounded outwards to 1, 2 or 5,
    /// at least a decade long; around `otherwise` when there is no value.
    pub(super) fn log_around(
        values: impl Iterator<Item = f64>,
        otherwise: (f64, f64),
        from: f64,
        to: f64,
    ) -> Axis {
        let (lo, hi) =
            values.filter(|v| *v > 0.0).fold((f64::MAX, 0.0_f64), |(lo, hi), v| (lo.min(v), hi.max(v)));
        let (lo, hi) = if lo > hi { otherwise } else { (lo, hi) };
        let (mut lo, mut hi) = (round_down(lo), round_up(hi));
        if hi / lo < 9.9 {
            (lo, hi) = (round_down(lo / 1.5), round_up(hi * 1.5));
        }
        Axis::log(lo, hi.max(lo * 10.0), from, to)
    }

    /// The same with whole decades at both ends, for panels with room for two values only.
    pub(super) fn decades_around(
        values: impl Iterator<Item = f64>,
        otherwise: (f64, f64),
        from: f64,
        to: f64,
    ) -> Axis {
        let axis = Axis::log_around(values, otherwise, from, to);
        let lo = 10_f64.powf((axis.lo * 1.001).log10().floor());
        Axis::log(lo, 10_f64.powf((axis.hi * 0.999).log10().ceil()), from, to)
    }

    /// A straight axis from exactly `lo` to exactly `hi`.
    pub(super) fn linear(lo: f64, hi: f64, from: f64, to: f64) -> Axis {
        Axis { lo, hi: if hi > lo { hi } else { lo + 1.0 }, log: false, from, to }
    }

    /// A straight axis from 0 to a round number above `values`.
    pub(super) fn from_zero(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Axis {
        let most = values.fold(0.0, f64::max);
        let step = step(most, 4.0);
        Axis::linear(0.0, (most / step).ceil().max(1.0) * step, from, to)
    }

    /// Where a value lies; values beyond an end lie at the end.
    pub(super) fn at(&self, value: f64) -> f64 {
        let v = value.clamp(self.lo, self.hi);
        let share = if self.log {
            (v / self.lo).ln() / (self.hi / self.lo).ln()
        } else {
            (v - self.lo) / (self.hi - self.lo)
        };
        self.from + share * (self.to - self.from)
    }

    /// Round values along it, ends included: about `wanted` of them, or decades (with their 2 and 5
    /// when there are few).
    pub(super) fn ticks(&self, wanted: f64) -> Vec<f64> {
        if !self.log {
            let step = step(self.hi - self.lo, wanted);
            let (first, last) = ((self.lo / step).ceil() as i64, (self.hi / step * 1.000_001).floor() as i64);
            return (first..=last).map(|i| i as f64 * step).collect();
        }
        let decades = (self.hi / self.lo).log10();
        let steps: &[f64] = if decades * 3.0 <= wanted { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let every = (decades / wanted).ceil().max(1.0) as i32;
        let exponents = (self.lo.log10() - 1.0).floor() as i32..=self.hi.log10().ceil() as i32;
        let decades = exponents.filter(|e| e % every == 0).map(|e| 10_f64.powi(e));
        let all = decades.flat_map(|d| steps.iter().map(move |s| d * s));
        all.filter(|v| *v >= self.lo * 0.999 && *v <= self.hi * 1.001).collect()
    }
}

/// A step of 1, 2, 2.5 or 5 times a power of ten that cuts `length` into about `wanted` parts.
fn step(length: f64, wanted: f64) -> f64 {
    if length <= 0.0 {
        return 1.0;
    }
    let rough = length / wanted;
    let decade = 10_f64.powf(rough.log10().floor());
    let round = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|s| s * decade >= rough * 0.999);
    round.unwrap_or(10.0) * decade
}

fn round_down(v: f64) -> f64 {
    let decade = 10_f64.powf((v * 1.000_001).log10().floor());
    [5.0, 2.0, 1.0].into_iter().find(|s| s * decade <= v * 1.001).unwrap_or(1.0) * decade
}

fn round_up(v: f64) -> f64 {
    let decade = 10_f64.powf((v * 0.999_999).log10().floor());
    [1.0, 2.0, 5.0].into_iter().find(|s| s * decade >= v * 0.999).unwrap_or(10.0) * decade
}

#[cfg(test)]
mod tests {
    use super::Axis;

    #[test]
    fn log_axes_have_round_ends_and_decades() {
        let axis = Axis::log_around([340_000.0, 998_000_000.0].into_iter(), (1.0, 10.0), 500.0, 100.0);
        assert!((axis.lo - 2e5).abs() < 1.0 && (axis.hi - 1e9).abs() < 1.0, "{axis:?}");
        assert_eq!(axis.ticks(5.0).len(), 4, "{:?}", axis.ticks(5.0));
        assert!((axis.at(axis.lo) - 500.0).abs() < 1e-9 && (axis.at(1e12) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn a_single_value_still_has_an_axis() {
        let axis = Axis::log_around([1e6].into_iter(), (1.0, 10.0), 0.0, 1.0);
        assert!(axis.hi / axis.lo >= 9.9 && axis.ticks(6.0).len() >= 2, "{axis:?}");
        let nothing = Axis::log_around(std::iter::empty(), (1e6, 1e9), 0.0, 1.0);
        assert!((nothing.hi / 1e9 - 1.0).abs() < 1e-6, "{nothing:?}");
    }

    #[test]
    fn straight_axes_end_on_a_tick() {
        for most in [0.0, 0.37, 1.0, 7.0, 1234.0, 98_765.0] {
            let axis = Axis::from_zero([most].into_iter(), 0.0, 100.0);
            let ticks = axis.ticks(4.0);
            let last = ticks.last().copied().unwrap_or(0.0);
            assert!(last >= most && (last / axis.hi - 1.0).abs() < 1e-6, "{most}: {axis:?} {ticks:?}");
            assert!((2..=6).contains(&ticks.len()), "{most}: {ticks:?}");
        }
    }
}
