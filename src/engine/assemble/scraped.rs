//! What the target's own counters came to: gains by phase, and what they say beside our own counts.

use super::Gathered;
use crate::engine::scrapes::{Page, Reading, Scrape};
use crate::model::{Nanos, Op};
use crate::record::Tally;
use crate::result::{MetricReconciled, MetricRow, MetricSeries, MetricSource, RunResult, TargetMetrics};
use crate::scenario::{SeriesIs, SeriesPlan};
use values::Values;

mod values;

/// Rows of `metrics.csv`: every value.
pub(super) fn rows(gathered: &Gathered) -> Vec<MetricRow> {
    let pages = gathered.scrapes.pages();
    let of = |scrape: &Scrape| {
        let series = pages[scrape.page].plan.series.iter().zip(&scrape.values);
        let row = |(s, value): (&SeriesPlan, &Option<Reading>)| {
            Some(MetricRow {
                at_s: seconds(gathered, scrape.at),
                took_s: (scrape.at - scrape.asked).as_secs_f64(),
                phase: scrape.phase.key().to_owned(),
                name: s.name.clone(),
                kind: s.kind.key().to_owned(),
                unit: s.unit.clone(),
                value: (*value)?.value,
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
            let scrapes = scrapes.taken().iter().filter(|s| s.page == i);
            let values = Values::of(&gathered.timeline, page.plan.every, scrapes, nth);
            let series = values.series(plan, &page.plan.url);
            told.reconciled.extend(plan.is.map(|is| reconciled(is, &series, result, gathered, whole)));
            told.warnings.extend(restarted(&series));
            told.warnings.extend(values.not_at_the_end(&plan.name));
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
