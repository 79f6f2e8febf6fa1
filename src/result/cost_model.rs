//! What a delivery and what a connection cost the target, told apart over a sweep. Keys of `summary.json`.
//!
//! Least squares over the runs of a case: CPU time of a second = base + a x deliveries of a second + b x
//! clients, and + c x publishes of a second where these vary otherwise than the two. What a client costs that
//! gets nothing (heartbeats, empty polls) is b, and nothing of it is in a.
//!
//! Repeats of a point are one observation, their mean: where the truth is no plane, all repeats miss it alike,
//! and counting each would make the intervals narrower than what is known.

use super::{RunResult, Verdict, finite};
use crate::analysis::regression::{Coefficient, Fit, Unfit, fit};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Points of rate and clients that two costs and a base are told from: three would fit whatever they are.
const LEAST_POINTS: usize = 4;
/// Of each regressor so much of its variance has to be its own: below, its error is more than ten times what
/// it would be alone, and a small bend of the truth passes for a cost.
const LEAST_TOLERANCE: f64 = 0.01;

/// A cost with its 95 % interval (Student's t). It may be below zero: what is not there has an estimate too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Estimate {
    /// The estimate.
    #[serde(with = "finite")]
    pub value: f64,
    /// Lower end.
    #[serde(with = "finite")]
    pub low: f64,
    /// Upper end.
    #[serde(with = "finite")]
    pub high: f64,
}

impl Estimate {
    /// Whether zero lies beyond the interval: only then there is such a cost for certain.
    pub fn is_told_from_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

impl From<Coefficient> for Estimate {
    fn from(c: Coefficient) -> Estimate {
        Estimate { value: c.value, low: c.low, high: c.high }
    }
}

/// A run beside the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fitted {
    /// Index into `runs`.
    pub run: usize,
    /// CPU microseconds of a second, as measured.
    #[serde(with = "finite")]
    pub cpu_us_per_s: f64,
    /// The same by the model.
    #[serde(with = "finite")]
    pub model_us_per_s: f64,
}

/// The costs of one case. Without a `reason` the model holds; with one nothing is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CostModel {
    /// The case.
    pub case: String,
    /// Values of the sweep that it is of, key to text: all but clients and rate, over which it goes.
    pub swept: BTreeMap<String, String>,
    /// Runs that it stands on; suspect ones too.
    pub runs: u32,
    /// Of these, suspect ones.
    pub runs_suspect: u32,
    /// Runs that were left out: invalid ones, and those whose target could not be seen.
    pub runs_left_out: u32,
    /// Different pairs of rate and clients.
    pub points: u32,
    /// CPU of one more delivery, microseconds.
    pub cpu_us_per_delivery: Option<Estimate>,
    /// CPU of one more publish, microseconds; `null` where publishes do not vary apart from the rest: then it
    /// is in the others.
    pub cpu_us_per_publish: Option<Estimate>,
    /// CPU of one more client that gets nothing, microseconds a second.
    pub cpu_us_per_s_per_connection: Option<Estimate>,
    /// CPU without clients, microseconds a second.
    pub base_cpu_us_per_s: Option<Estimate>,
    /// Share of the variance of CPU time that the model explains.
    #[serde(with = "finite::option")]
    pub r_squared: Option<f64>,
    /// The greatest difference between a run and the model, as a share of the run's CPU time.
    #[serde(with = "finite::option")]
    pub residual_max_share: Option<f64>,
    /// Its runs, each beside the model.
    pub fitted: Vec<Fitted>,
    /// Why there is no model, in words.
    pub reason: Option<String>,
}

/// A run as the regression sees it.
struct Point {
    run: usize,
    at: (u32, String),
    cpu_us_per_s: f64,
    deliveries_per_s: f64,
    publishes_per_s: f64,
    clients: f64,
}

/// A model for each case and for each set of swept values beside clients and rate, by their names.
pub fn cost_models(runs: &[RunResult]) -> Vec<CostModel> {
    let key = |r: &RunResult| (r.case.clone(), apart(r));
    let mut keys: Vec<(String, BTreeMap<String, String>)> = runs.iter().map(key).collect();
    keys.sort();
    keys.dedup();
    let of = |k: &(String, BTreeMap<String, String>)| {
        runs.iter().enumerate().filter(|(_, r)| key(r) == *k).collect::<Vec<_>>()
    };
    keys.iter().map(|k| CostModel { case: k.0.clone(), swept: k.1.clone(), ..model(&of(k)) }).collect()
}

fn apart(run: &RunResult) -> BTreeMap<String, String> {
    let others = run.swept.iter().filter(|(key, _)| !["clients", "rate"].contains(&key.as_str()));
    others.map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn model(runs: &[(usize, &RunResult)]) -> CostModel {
    let believed = || runs.iter().filter(|(_, r)| r.verdict.is_believed());
    let points: Vec<Point> = believed().filter_map(|(i, r)| point(*i, r)).collect();
    let suspect =
        points.iter().filter(|p| runs.iter().any(|(i, r)| *i == p.run && r.verdict == Verdict::Suspect));
    let mut model = CostModel {
        runs: points.len() as u32,
        runs_suspect: suspect.count() as u32,
        runs_left_out: (runs.len() - points.len()) as u32,
        points: distinct(&points, |p| p.at.clone()) as u32,
        ..CostModel::default()
    };
    match fitted(&points) {
        Ok((fit, publishes)) => fill(&mut model, &points, &fit, publishes),
        Err(reason) => model.reason = Some(reason),
    }
    model
}

fn point(run: usize, r: &RunResult) -> Option<Point> {
    let cost = r.target_cost.as_ref()?;
    // What the cost of a delivery counts, messages that are not ours too.
    let counted = cost.cpu_us_per_delivery.filter(|us| *us > 0.0 && r.measured_s > 0.0);
    let deliveries_per_s = counted.map_or(r.delivered_per_s, |us| cost.cpu_s * 1e6 / us / r.measured_s);
    let point = Point {
        run,
        at: (r.clients, r.swept.get("rate").cloned().unwrap_or_default()),
        cpu_us_per_s: cost.cpu_share * 1e6,
        deliveries_per_s,
        publishes_per_s: r.achieved_per_s,
        clients: f64::from(r.clients),
    };
    [point.cpu_us_per_s, point.deliveries_per_s, point.publishes_per_s]
        .iter()
        .all(|v| v.is_finite())
        .then_some(point)
}

fn distinct<T: Ord>(points: &[Point], of: impl Fn(&Point) -> T) -> usize {
    points.iter().map(of).collect::<BTreeSet<T>>().len()
}

/// The fit, and whether publishes are told apart in it; else why there is none.
fn fitted(points: &[Point]) -> Result<(Fit, bool), String> {
    if points.is_empty() {
        return Err("no run of it is to be believed and saw the target".to_owned());
    }
    let (clients, rates) = (distinct(points, |p| p.at.0), distinct(points, |p| p.at.1.clone()));
    let together = "deliveries and clients grow together";
    match (clients, rates) {
        (1, 1) => return Err("there is no sweep of clients and rate".to_owned()),
        (_, 1) => return Err(format!("every run has the same rate, so that {together}: sweep rate too")),
        (1, _) => return Err("every run has the same number of clients: sweep clients too".to_owned()),
        _ => {}
    }
    let means = means(points);
    let n = means.len();
    if n < LEAST_POINTS {
        return Err(format!("{n} points of rate and clients; {LEAST_POINTS} are the least"));
    }
    let column = |of: fn(&Point) -> f64| means.iter().map(of).collect::<Vec<f64>>();
    let cpu = column(|p| p.cpu_us_per_s);
    let mut columns =
        vec![column(|p| p.deliveries_per_s), column(|p| p.clients), column(|p| p.publishes_per_s)];
    let apart = |f: &Fit| f.tolerances.iter().all(|t| *t >= LEAST_TOLERANCE);
    // With as many costs as points the model would hold whatever was measured.
    if n > LEAST_POINTS
        && let Ok(fit) = fit(&columns, &cpu)
        && apart(&fit)
    {
        return Ok((fit, true));
    }
    columns.truncate(2);
    match fit(&columns, &cpu) {
        Ok(fit) if apart(&fit) => Ok((fit, false)),
        Ok(fit) => Err(format!(
            "{together}: {:.1} % of how either varies is its own; sweep rates and clients that differ more",
            fit.tolerances[0] * 100.0
        )),
        Err(Unfit::Dependent(0)) => Err("every run has as many deliveries a second".to_owned()),
        Err(_) => Err(together.to_owned()),
    }
}

/// The mean of the repeats of each point.
fn means(points: &[Point]) -> Vec<Point> {
    let places: BTreeSet<&(u32, String)> = points.iter().map(|p| &p.at).collect();
    let mean = |at: &(u32, String)| {
        let repeats: Vec<&Point> = points.iter().filter(|p| p.at == *at).collect();
        let of =
            |value: fn(&Point) -> f64| repeats.iter().map(|p| value(p)).sum::<f64>() / repeats.len() as f64;
        Point {
            run: repeats[0].run,
            at: at.clone(),
            cpu_us_per_s: of(|p| p.cpu_us_per_s),
            deliveries_per_s: of(|p| p.deliveries_per_s),
            publishes_per_s: of(|p| p.publishes_per_s),
            clients: of(|p| p.clients),
        }
    };
    places.into_iter().map(mean).collect()
}

fn fill(model: &mut CostModel, points: &[Point], fit: &Fit, publishes: bool) {
    model.cpu_us_per_delivery = Some(fit.slopes[0].into());
    model.cpu_us_per_s_per_connection = Some(fit.slopes[1].into());
    model.cpu_us_per_publish = fit.slopes.get(2).filter(|_| publishes).map(|c| (*c).into());
    model.base_cpu_us_per_s = Some(fit.base.into());
    model.r_squared = fit.r_squared;
    let by_model = |p: &Point| {
        let of_publish = fit.slopes.get(2).map_or(0.0, |c| c.value * p.publishes_per_s);
        fit.base.value
            + fit.slopes[0].value * p.deliveries_per_s
            + fit.slopes[1].value * p.clients
            + of_publish
    };
    let beside = |p: &Point| Fitted { run: p.run, cpu_us_per_s: p.cpu_us_per_s, model_us_per_s: by_model(p) };
    model.fitted = points.iter().map(beside).collect();
    let share = |f: &Fitted| (f.cpu_us_per_s - f.model_us_per_s).abs() / f.cpu_us_per_s;
    model.residual_max_share = model.fitted.iter().map(share).filter(|s| s.is_finite()).reduce(f64::max);
}

#[cfg(test)]
mod tests;
