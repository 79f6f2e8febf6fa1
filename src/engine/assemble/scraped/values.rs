//! The values of one series over a run: what it gained in each phase, and what it was at the ends of
//! `measure`. Pure.

use crate::engine::scrapes::{Reading, Scrape};
use crate::engine::timeline::{Phase, Timeline};
use crate::model::Nanos;
use crate::result::{MetricGain, MetricSeries};
use crate::scenario::{SeriesIs, SeriesKind, SeriesPlan};
use crate::scrape::Step;

/// The values of one series, in order.
pub(super) struct Values<'g> {
    timeline: &'g Timeline,
    all: Vec<Value>,
    every: Nanos,
}

#[derive(Clone, Copy)]
struct Value {
    phase: Phase,
    asked: Nanos,
    value: f64,
    step: Step,
}

impl<'g> Values<'g> {
    /// Those of the series `nth`, of a page that is asked `every` so often.
    pub(super) fn of(
        timeline: &'g Timeline,
        every: Nanos,
        scrapes: impl Iterator<Item = &'g Scrape>,
        nth: usize,
    ) -> Values<'g> {
        let value = |s: &Scrape| {
            let Reading { value, step } = s.values[nth]?;
            Some(Value { phase: s.phase, asked: s.asked, value, step })
        };
        Values { timeline, all: scrapes.filter_map(value).collect(), every }
    }

    /// A warning where nothing was read when `measure` ended, though something was read in the run.
    pub(super) fn not_at_the_end(&self, name: &str) -> Option<String> {
        let t = self.timeline;
        let missing = !self.all.is_empty() && t.drain > t.measure && self.at(t.drain).is_none();
        missing.then(|| {
            format!("{name}: no value was read at the end of measure: what it was then, and gained until then, is not known")
        })
    }

    pub(super) fn series(&self, plan: &SeriesPlan, url: &str) -> MetricSeries {
        let t = self.timeline;
        let in_measure: Vec<f64> = match (self.at(t.measure), self.at(t.drain)) {
            (Some(from), Some(to)) if from <= to => self.all[from..=to].iter().map(|v| v.value).collect(),
            _ => Vec::new(),
        };
        let counter = plan.kind == SeriesKind::Counter;
        let of_phase = |phase| self.all.iter().rfind(|v| v.phase == phase).map(|v| v.value);
        MetricSeries {
            name: plan.name.clone(),
            url: url.to_owned(),
            kind: plan.kind.key().to_owned(),
            is: plan.is.map_or("", SeriesIs::key).to_owned(),
            unit: plan.unit.clone(),
            samples: self.all.len() as u64,
            restarts: if counter { self.falls(0, self.all.len()) } else { 0 },
            idle: of_phase(Phase::Idle),
            last: self.at(t.drain).map(|i| self.all[i].value),
            min: in_measure.iter().copied().reduce(f64::min),
            max: in_measure.iter().copied().reduce(f64::max),
            after: of_phase(Phase::After),
            gains: if counter { self.gains() } else { Vec::new() },
        }
    }

    /// The first value asked for at that instant or later, when it is not much later and clients were still
    /// there: the one after the last client is of nothing else.
    fn at(&self, instant: Nanos) -> Option<usize> {
        let found = self.all.iter().position(|v| v.asked >= instant)?;
        let late = self.all[found].asked - instant;
        let near = late <= self.every.max(Nanos::SECOND) && self.all[found].phase != Phase::After;
        near.then_some(found)
    }

    fn gains(&self) -> Vec<MetricGain> {
        let t = self.timeline;
        let idle = self.all.iter().rposition(|v| v.phase == Phase::Idle);
        let after = self.all.iter().rposition(|v| v.phase == Phase::After);
        let phases = [
            (Phase::Connect, idle, self.at(t.connected), t.connected > t.start),
            (Phase::Warmup, self.at(t.connected), self.at(t.measure), t.measure > t.connected),
            (Phase::Measure, self.at(t.measure), self.at(t.drain), t.drain > t.measure),
            (Phase::Drain, self.at(t.drain), self.at(t.end).or(after), t.end > t.drain),
        ];
        let there = phases.into_iter().filter(|(.., there)| *there);
        let mut gains: Vec<_> = there.map(|(phase, from, to, _)| self.gain(phase.key(), from, to)).collect();
        gains.push(self.gain("run", idle, after));
        gains
    }

    fn gain(&self, phase: &str, from: Option<usize>, to: Option<usize>) -> MetricGain {
        let seconds =
            |i: Option<usize>| i.map(|i| self.all[i].asked.as_secs_f64() - self.timeline.start.as_secs_f64());
        let mut gain = MetricGain {
            phase: phase.to_owned(),
            from_s: seconds(from),
            to_s: seconds(to),
            ..MetricGain::default()
        };
        let (from, to) = match (from, to) {
            (Some(from), Some(to)) if from < to => (from, to),
            (None, _) => {
                gain.reason = Some("no value was read at its beginning".to_owned());
                return gain;
            }
            (Some(from), Some(to)) if from == to => {
                gain.reason = Some("only one value was read from its beginning to its end".to_owned());
                return gain;
            }
            _ => {
                gain.reason = Some("no value was read at its end".to_owned());
                return gain;
            }
        };
        let between = &self.all[from..=to];
        if self.falls(from, to + 1) == 0 {
            gain.gain = Some(between[between.len() - 1].value - between[0].value);
        } else {
            gain.gain_at_least = Some(between[1..].iter().map(|v| v.step.least).sum());
            gain.reason = Some("the counter went back: the target, or a part of it, began anew".to_owned());
        }
        gain
    }

    /// Times that it went back, or a part of it, after the value at `from` and before that at `to`.
    fn falls(&self, from: usize, to: usize) -> u64 {
        self.all[from..to].iter().skip(1).filter(|v| v.step.back).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Pick;
    use crate::scrape::{Book, Parts};

    const fn s(seconds: u64) -> Nanos {
        Nanos::from_millis(1_000 * seconds)
    }

    /// Connect to 1 s, warm-up to 2 s, measure to 5 s, drain to 8 s.
    const TIMELINE: Timeline =
        Timeline { start: s(0), connected: s(1), measure: s(2), drain: s(5), end: s(8) };

    fn taken(readings: &[(Phase, u64, &[f64])]) -> Vec<Scrape> {
        let mut book = Book::default();
        let scrape = |(phase, at, parts): &(Phase, u64, &[f64])| {
            let parts: Parts = parts.iter().enumerate().map(|(i, v)| (i.to_string(), *v)).collect();
            let reading = Reading { value: parts.values().sum(), step: book.step(&parts) };
            Scrape { page: 0, phase: *phase, asked: s(*at), at: s(*at), values: vec![Some(reading)] }
        };
        readings.iter().map(scrape).collect()
    }

    fn told(readings: &[(Phase, u64, &[f64])], kind: SeriesKind) -> (MetricSeries, Option<String>) {
        let plan =
            SeriesPlan { name: "x".into(), pick: Pick::Key("x".into()), kind, is: None, unit: String::new() };
        let taken = taken(readings);
        let values = Values::of(&TIMELINE, Nanos::SECOND, taken.iter(), 0);
        (values.series(&plan, "/x"), values.not_at_the_end("x"))
    }

    fn gain<'s>(series: &'s MetricSeries, phase: &str) -> &'s MetricGain {
        series.gains.iter().find(|g| g.phase == phase).unwrap()
    }

    const BEFORE: [(Phase, u64, &[f64]); 3] =
        [(Phase::Idle, 0, &[0.0]), (Phase::Connect, 1, &[1.0]), (Phase::Warmup, 2, &[2.0])];

    #[test]
    fn what_is_read_after_all_clients_left_is_no_end_of_measure() {
        let readings = [BEFORE.as_slice(), &[(Phase::After, 9, &[90.0])]].concat();
        let (series, warning) = told(&readings, SeriesKind::Counter);
        let measure = gain(&series, "measure");
        assert_eq!((measure.gain, measure.to_s, series.last), (None, None, None));
        assert_eq!(measure.reason.as_deref(), Some("no value was read at its end"));
        assert_eq!(gain(&series, "drain").gain, None);
        assert_eq!((gain(&series, "warmup").gain, gain(&series, "run").gain), (Some(1.0), Some(90.0)));
        assert!(warning.unwrap().starts_with("x: no value was read at the end of measure"));
        let (gauge, warning) = told(&readings, SeriesKind::Gauge);
        assert_eq!((gauge.last, gauge.min, gauge.max, gauge.after), (None, None, None, Some(90.0)));
        assert!(warning.is_some());
    }

    #[test]
    fn the_end_of_drain_may_be_read_after_it() {
        let after: [(Phase, u64, &[f64]); 2] = [(Phase::Measure, 5, &[8.0]), (Phase::After, 12, &[9.0])];
        let (series, warning) = told(&[BEFORE.as_slice(), &after].concat(), SeriesKind::Counter);
        assert_eq!((gain(&series, "measure").gain, gain(&series, "drain").gain), (Some(6.0), Some(1.0)));
        assert_eq!((series.last, warning), (Some(8.0), None));
    }

    #[test]
    fn one_reading_at_both_ends_tells_no_gain() {
        let sparse: [(Phase, u64, &[f64]); 3] =
            [(Phase::Idle, 0, &[0.0]), (Phase::Warmup, 2, &[2.0]), (Phase::Drain, 6, &[7.0])];
        let (series, _) = told(&sparse, SeriesKind::Counter);
        // Asked for a second late, the reading at 2 s is that of 1 s too.
        let warmup = gain(&series, "warmup");
        assert_eq!((warmup.from_s, warmup.to_s, warmup.gain), (Some(2.0), Some(2.0), None));
        assert_eq!(warmup.reason.as_deref(), Some("only one value was read from its beginning to its end"));
        assert_eq!(gain(&series, "measure").gain, Some(5.0));
    }

    #[test]
    fn a_part_that_went_back_is_no_gain() {
        let readings: [(Phase, u64, &[f64]); 6] = [
            (Phase::Idle, 0, &[10.0, 10.0]),
            (Phase::Connect, 1, &[10.0, 10.0]),
            (Phase::Warmup, 2, &[20.0, 20.0]),
            (Phase::Measure, 3, &[3.0, 90.0]),
            (Phase::Measure, 5, &[4.0, 95.0]),
            (Phase::Drain, 8, &[5.0, 95.0]),
        ];
        let (series, _) = told(&readings, SeriesKind::Counter);
        assert_eq!(series.restarts, 1);
        let measure = gain(&series, "measure");
        assert_eq!((measure.gain, measure.gain_at_least), (None, Some(73.0 + 6.0)));
        assert!(measure.reason.as_ref().unwrap().contains("went back"));
        assert_eq!((gain(&series, "warmup").gain, gain(&series, "drain").gain), (Some(20.0), Some(1.0)));
    }
}
