//! What the target's own counters came to: gains by phase, and what they say beside our own counts.

use super::Gathered;
use crate::engine::scrapes::{Page, Scrape};
use crate::engine::timeline::Phase;
use crate::model::{Nanos, Op};
use crate::record::Tally;
use crate::result::{
    MetricGain, MetricReconciled, MetricRow, MetricSeries, MetricSource, RunResult, TargetMetrics,
};
use crate::scenario::{SeriesIs, SeriesKind, SeriesPlan};

/// Rows of `metrics.csv`: every value.
pub(super) fn rows(gathered: &Gathered) -> Vec<MetricRow> {
    let pages = gathered.scrapes.pages();
    let of = |scrape: &Scrape| {
        let series = pages[scrape.page].plan.series.iter().zip(&scrape.values);
        let row = |(s, value): (&SeriesPlan, &Option<f64>)| {
            Some(MetricRow {
                at_s: seconds(gathered, scrape.at),
                took_s: (scrape.at - scrape.asked).as_secs_f64(),
                phase: scrape.phase.key().to_owned(),
                name: s.name.clone(),
                kind: s.kind.key().to_owned(),
                unit: s.unit.clone(),
                value: (*value)?,
            })
        };
        series.filter_map(row).collect::<Vec<_>>()
    };
    gathered.scrapes.taken().iter().flat_map(of).collect()
}

fn seconds(gathered: &Gathered, at: Nanos) -> f64 {
    at.as_secs_f64() - gathered.timeline.start.as_secs_f64()
}

/// What the target counted, and a note where it contradicts us.
pub(super) fn tell(result: &mut RunResult, gathered: &Gathered, whole: &Tally) {
    let scrapes = &gathered.scrapes;
    if scrapes.pages().is_empty() {
        return;
    }
    let mut told = TargetMetrics { warnings: scrapes.warnings().to_vec(), ..TargetMetrics::default() };
    for (i, page) in scrapes.pages().iter().enumerate() {
        told.sources.push(source(page));
        for (nth, plan) in page.plan.series.iter().enumerate() {
            let values = Values::of(gathered, (i, nth), page);
            let series = values.series(plan, page);
            told.reconciled.extend(plan.is.map(|is| reconciled(is, &series, result, gathered, whole)));
            told.warnings.extend(restarted(&series));
            told.series.push(series);
        }
    }
    result.notes.extend(told.reconciled.iter().filter_map(contradiction));
    result.target_metrics = Some(told);
}

fn source(page: &Page) -> MetricSource {
    MetricSource {
        url: page.plan.url.clone(),
        format: page.plan.format.key().to_owned(),
        scrapes: page.scrapes,
        failed: page.failed,
        skipped: page.skipped,
        answer_bytes_max: page.answer_bytes_max,
        took_max_ns: page.took_max.0,
    }
}

fn restarted(series: &MetricSeries) -> Option<String> {
    (series.restarts > 0).then(|| {
        format!(
            "{}: the counter went back {} times: the target, or a part of it, began anew; gains over it are \
             not known",
            series.name, series.restarts
        )
    })
}

/// The values of one series, in order.
struct Values<'g> {
    gathered: &'g Gathered,
    all: Vec<Value>,
    every: Nanos,
}

#[derive(Clone, Copy)]
struct Value {
    phase: Phase,
    asked: Nanos,
    value: f64,
}

impl<'g> Values<'g> {
    fn of(gathered: &'g Gathered, (page, nth): (usize, usize), from: &Page) -> Values<'g> {
        let scrapes = gathered.scrapes.taken().iter().filter(|s| s.page == page);
        let value = |s: &Scrape| Some(Value { phase: s.phase, asked: s.asked, value: s.values[nth]? });
        Values { gathered, all: scrapes.filter_map(value).collect(), every: from.plan.every }
    }

    fn series(&self, plan: &SeriesPlan, page: &Page) -> MetricSeries {
        let t = &self.gathered.timeline;
        let in_measure: Vec<f64> = match (self.at(t.measure), self.at(t.drain)) {
            (Some(from), Some(to)) if from <= to => self.all[from..=to].iter().map(|v| v.value).collect(),
            _ => Vec::new(),
        };
        let counter = plan.kind == SeriesKind::Counter;
        let of_phase = |phase| self.all.iter().rfind(|v| v.phase == phase).map(|v| v.value);
        MetricSeries {
            name: plan.name.clone(),
            url: page.plan.url.clone(),
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

    /// The first value asked for at that instant or later, when it is not much later.
    fn at(&self, instant: Nanos) -> Option<usize> {
        let found = self.all.iter().position(|v| v.asked >= instant)?;
        let late = self.all[found].asked - instant;
        (late <= self.every.max(Nanos::SECOND) || self.all[found].phase == Phase::After).then_some(found)
    }

    fn gains(&self) -> Vec<MetricGain> {
        let t = &self.gathered.timeline;
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
        let seconds = |i: Option<usize>| i.map(|i| seconds(self.gathered, self.all[i].asked));
        let mut gain = MetricGain {
            phase: phase.to_owned(),
            from_s: seconds(from),
            to_s: seconds(to),
            ..MetricGain::default()
        };
        let (from, to) = match (from, to) {
            (Some(from), Some(to)) if from <= to => (from, to),
            (None, _) => {
                gain.reason = Some("no value was read at its beginning".to_owned());
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
            let step =
                |w: &[Value]| if w[1].value < w[0].value { w[1].value } else { w[1].value - w[0].value };
            gain.gain_at_least = Some(between.windows(2).map(step).sum());
            gain.reason = Some("the counter went back: the target, or a part of it, began anew".to_owned());
        }
        gain
    }

    /// Times that the value fell.
    fn falls(&self, from: usize, to: usize) -> u64 {
        self.all[from..to].windows(2).filter(|w| w[1].value < w[0].value).count() as u64
    }
}

fn reconciled(
    is: SeriesIs,
    series: &MetricSeries,
    result: &RunResult,
    gathered: &Gathered,
    whole: &Tally,
) -> MetricReconciled {
    let run = series.gains.iter().find(|g| g.phase == "run").and_then(|g| g.gain);
    let (target, ours, in_flight) = match is {
        // A server counts what it sends, not whether it is new.
        SeriesIs::Delivered => {
            let ledger = &result.ledger;
            let received = whole.arrivals + whole.duplicate + whole.redundant;
            (run, received, ledger.lost + ledger.in_flight + ledger.unacknowledged)
        }
        SeriesIs::Published => {
            let publish = whole.operations_of(Op::Publish);
            (run, publish.finished, publish.started - publish.finished)
        }
        SeriesIs::Subscribers => {
            let (attached, moving) = attached(gathered);
            (series.last, attached, moving)
        }
    };
    let difference = target.map(|t| t - ours as f64);
    MetricReconciled {
        name: series.name.clone(),
        is: is.key().to_owned(),
        target,
        ours,
        difference,
        in_flight,
        agrees: difference.map(|d| d.abs() <= in_flight as f64),
    }
}

/// Clients attached at the end of `measure`, and how many came or went in the intervals around it.
fn attached(gathered: &Gathered) -> (u64, u64) {
    let at = gathered.interims.iter().rposition(|i| i.end <= gathered.timeline.drain);
    let Some(at) = at else { return (0, 0) };
    let around = &gathered.interims[at..gathered.interims.len().min(at + 2)];
    let moving = around.iter().map(|i| {
        let tally = i.snapshot.whole();
        tally.operations_of(Op::Connect).started + tally.operations_of(Op::Session).failed
    });
    (u64::from(gathered.interims[at].attached), moving.sum())
}

fn contradiction(r: &MetricReconciled) -> Option<String> {
    if r.agrees != Some(false) {
        return None;
    }
    let (target, difference) = (r.target?, r.difference?);
    let (what, way) = match r.is.as_str() {
        "subscribers" => ("subscribers at the end of measure", "clients attached"),
        "published" => ("messages published in the run", "acknowledged to us"),
        _ => ("messages delivered in the run", "received by us"),
    };
    Some(format!(
        "the target's own count of {what} ({}) is {target}, {way} were {}: a difference of {difference:+}, more \
         than the {} that were under way",
        r.name, r.ours, r.in_flight
    ))
}
