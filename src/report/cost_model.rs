//! What a delivery, a client and an hour cost, in words: the section on costs.

use super::number::{bytes, grouped, three_digits};
use crate::result::{CostModel, Estimate, Limit, Priced, Prices, Summary};
use std::collections::BTreeMap;

/// One line each: whose costs these are, what was taken for it, the model of each case, the price of each case. Empty where no
/// target was seen.
pub(super) fn lines(summary: &Summary) -> Vec<String> {
    let found = super::found::line(summary);
    let seen = summary.runs.iter().any(|r| r.target_cost.is_some()) || found.is_some();
    if !seen && summary.prices.is_none() {
        return Vec::new();
    }
    let mut lines = vec![whose(summary)];
    lines.extend(found);
    lines.extend(summary.cost_models.iter().filter(|m| m.reason.is_none()).map(model));
    if summary.runs.iter().any(|r| r.swept.contains_key("clients") || r.swept.contains_key("rate")) {
        lines.extend(without(&summary.cost_models));
    }
    lines.extend(summary.prices.iter().flat_map(prices));
    lines
}

/// A cost belongs to a server: the same transport costs another one something else.
fn whose(summary: &Summary) -> String {
    let server = if summary.target.is_empty() { "the server under test" } else { &summary.target };
    let co_located = summary.runs.iter().any(|r| r.target_cost.as_ref().is_some_and(|c| c.co_located))
        || summary.ladders.iter().any(|l| l.co_located);
    let beside = if co_located { ", co-located with the generator" } else { "" };
    format!("CPU and memory are what {server} paid{beside}; they are not costs of a transport in general")
}

fn label(case: &str, swept: &BTreeMap<String, String>) -> String {
    let values: Vec<String> = swept.iter().map(|(k, v)| format!("{k} {v}")).collect();
    if values.is_empty() { case.to_owned() } else { format!("{case} [{}]", values.join(", ")) }
}

fn model(m: &CostModel) -> String {
    let parts = [
        (&m.cpu_us_per_delivery, "us for a delivery"),
        (&m.cpu_us_per_publish, "us for a publish"),
        (&m.cpu_us_per_s_per_connection, "us/s for a client that gets nothing"),
        (&m.base_cpu_us_per_s, "us/s without clients"),
    ];
    let told: Vec<String> =
        parts.into_iter().filter_map(|(e, unit)| Some(estimate(e.as_ref()?, unit))).collect();
    let within = m.r_squared.map(|r| format!("R2 {r:.4}"));
    let off = m.residual_max_share.map(|s| format!("off by at most {:.1} %", s * 100.0));
    let suspect = (m.runs_suspect > 0).then(|| format!("{} of them suspect", m.runs_suspect));
    let left_out = (m.runs_left_out > 0).then(|| format!("{} left out", m.runs_left_out));
    let runs = Some(format!("{} runs at {} points", m.runs, m.points));
    let lumped = m.cpu_us_per_publish.is_none().then(|| "publishes are not told apart".to_owned());
    let on: Vec<String> = [runs, suspect, left_out, within, off, lumped].into_iter().flatten().collect();
    format!("{}: CPU {} ({})", label(&m.case, &m.swept), told.join(", "), on.join(", "))
}

fn estimate(e: &Estimate, unit: &str) -> String {
    let zero = if e.is_told_from_zero() { "" } else { ", not told from zero" };
    format!(
        "{} {unit} (95 %: {} .. {}{zero})",
        three_digits(e.value),
        three_digits(e.low),
        three_digits(e.high)
    )
}

/// Each reason once, with the cases that it is about.
fn without(models: &[CostModel]) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for m in models {
        let Some(reason) = m.reason.as_deref() else { continue };
        match reasons.iter_mut().find(|(r, _)| *r == reason) {
            Some((_, of)) => of.push(label(&m.case, &m.swept)),
            None => reasons.push((reason, vec![label(&m.case, &m.swept)])),
        }
    }
    let say = |(reason, of): (&str, Vec<String>)| {
        format!("{}: what a delivery and what a client costs is not told apart: {reason}", of.join("; "))
    };
    reasons.into_iter().map(say).collect()
}

fn prices(p: &Prices) -> Vec<String> {
    let memory = p.memory_bytes.map_or(String::new(), |b| format!(" and {}", bytes(b as f64)));
    let egress = p.egress_gb.map_or("what is sent is not priced".to_owned(), |price| {
        format!("{} {} for 10^9 bytes sent", three_digits(price), p.currency)
    });
    let head = format!(
        "prices: {} {} an hour for an instance of {} cores{memory}, used to {:.0} %; {egress}",
        three_digits(p.instance_hour),
        p.currency,
        p.cores,
        p.headroom * 100.0
    );
    std::iter::once(head).chain(p.cases.iter().map(|c| price(c, &p.currency))).collect()
}

fn price(c: &Priced, currency: &str) -> String {
    let label = label(&c.case, &c.swept);
    let carries = carries(c);
    match (c.total_per_1000_clients_hour, &c.reason) {
        (Some(total), _) => {
            let parts = c.instances_per_1000_clients_hour.zip(c.egress_per_1000_clients_hour);
            let parts = parts.map_or(String::new(), |(instances, sent)| {
                format!(" (instances {}, sent {})", three_digits(instances), three_digits(sent))
            });
            let caution = c.caution.as_ref().map_or(String::new(), |caution| format!("; {caution}"));
            format!(
                "{label}: {} {currency} for 1,000 clients and hour{parts}; {carries}{caution}",
                three_digits(total)
            )
        }
        (None, reason) => {
            let reason = reason.as_deref().unwrap_or("it cannot be told");
            format!("{label}: no price: {reason}{}{carries}", if carries.is_empty() { "" } else { "; " })
        }
    }
}

/// How many clients an instance carries, what limits it, and what a client used.
fn carries(c: &Priced) -> String {
    let Some((clients, limit)) = c.clients_per_instance.zip(c.runs_out) else { return String::new() };
    let count = |n: Option<u64>| n.map(|n| grouped(n as f64));
    let at_least = if c.objectives_at_least { "at least " } else { "" };
    let limits = [
        count(c.clients_by_cpu).map(|n| format!("CPU {n}")),
        count(c.clients_by_memory).map(|n| format!("memory {n}")),
        count(c.clients_by_objectives).map(|n| format!("objectives {at_least}{n}")),
    ];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    let first = match limit {
        Limit::Cpu => "its CPU runs out first",
        Limit::Memory => "its memory runs out first",
        Limit::Objectives => "the objectives end it",
    };
    let used = [
        c.cpu_us_per_s_per_client.map(|us| format!("{} us/s", three_digits(us))),
        c.memory_bytes_per_client.map(bytes),
        c.egress_bytes_per_s_per_client.map(|b| format!("{}/s sent", bytes(b))),
    ];
    let used: Vec<String> = used.into_iter().flatten().collect();
    format!(
        "an instance carries {} clients, {first} ({}); a client of {} took {}",
        grouped(clients as f64),
        limits.join(", "),
        grouped(f64::from(c.clients)),
        used.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{RunResult, TargetCost};

    fn estimate(value: f64, reach: f64) -> Option<Estimate> {
        Some(Estimate { value, low: value - reach, high: value + reach })
    }

    fn summary() -> Summary {
        let cost = TargetCost { co_located: true, ..TargetCost::default() };
        let swept = [("rate".to_owned(), "20/s".to_owned())];
        let run = RunResult { target_cost: Some(cost), swept: swept.clone().into(), ..RunResult::default() };
        let model = CostModel {
            case: "sse".into(),
            runs: 18,
            runs_suspect: 2,
            points: 9,
            cpu_us_per_delivery: estimate(4.0, 0.25),
            cpu_us_per_s_per_connection: estimate(-0.5, 1.0),
            base_cpu_us_per_s: estimate(2_000.0, 400.0),
            r_squared: Some(0.998_76),
            residual_max_share: Some(0.0312),
            ..CostModel::default()
        };
        let none = |case: &str| CostModel {
            case: case.into(),
            reason: Some("every run has the same rate".into()),
            ..CostModel::default()
        };
        let price = Priced {
            case: "sse".into(),
            swept: swept.into(),
            clients: 5_000,
            clients_by_cpu: Some(140_000),
            clients_by_memory: Some(72_580),
            clients_by_objectives: Some(3_500),
            objectives_at_least: true,
            clients_per_instance: Some(72_580),
            runs_out: Some(Limit::Memory),
            cpu_us_per_s_per_client: Some(20.0),
            memory_bytes_per_client: Some(10_240.0),
            egress_bytes_per_s_per_client: Some(500.0),
            instances_per_1000_clients_hour: Some(0.002_34),
            egress_per_1000_clients_hour: Some(0.162),
            total_per_1000_clients_hour: Some(0.164_34),
            ..Priced::default()
        };
        let reason = Some("no run of it is to be believed".into());
        let prices = Prices {
            instance_hour: 0.17,
            cores: 4.0,
            memory_bytes: Some(16 << 30),
            egress_gb: Some(0.09),
            currency: "USD".into(),
            headroom: 0.7,
            cases: vec![price, Priced { case: "poll".into(), reason, ..Priced::default() }],
        };
        Summary {
            target: "the bundled server of pushbench 9".into(),
            cost_models: vec![model, none("poll"), none("websocket")],
            prices: Some(prices),
            runs: vec![run],
            ..Summary::default()
        }
    }

    #[test]
    fn costs_in_words() {
        assert_eq!(
            lines(&summary()),
            [
                "CPU and memory are what the bundled server of pushbench 9 paid, co-located with the generator; \
                 they are not costs of a transport in general",
                "sse: CPU 4.00 us for a delivery (95 %: 3.75 .. 4.25), -0.500 us/s for a client that gets nothing \
                 (95 %: -1.50 .. 0.500, not told from zero), 2000 us/s without clients (95 %: 1600 .. 2400) \
                 (18 runs at 9 points, 2 of them suspect, R2 0.9988, off by at most 3.1 %, publishes are not told apart)",
                "poll; websocket: what a delivery and what a client costs is not told apart: every run has the same rate",
                "prices: 0.170 USD an hour for an instance of 4 cores and 16.0 GiB, used to 70 %; 0.0900 USD for 10^9 \
                 bytes sent",
                "sse [rate 20/s]: 0.164 USD for 1,000 clients and hour (instances 0.00234, sent 0.162); an instance \
                 carries 72,580 clients, its memory runs out first (CPU 140,000, memory 72,580, objectives at least \
                 3,500); a client of 5,000 took 20.0 us/s, 10.0 KiB, 500 B/s sent",
                "poll: no price: no run of it is to be believed",
            ]
        );
    }

    #[test]
    fn whose_costs_they_are_is_said_without_a_sweep_and_nothing_without_a_cost() {
        let bare = Summary { prices: None, cost_models: Vec::new(), ..summary() };
        assert_eq!(lines(&bare).len(), 1);
        let mut unswept = summary();
        unswept.runs[0].swept.clear();
        assert!(!lines(&unswept).iter().any(|l| l.contains("costs is not told apart")));
        let unseen = Summary { prices: None, runs: vec![RunResult::default()], ..summary() };
        assert_eq!(lines(&unseen), Vec::<String>::new());
        let old = Summary { target: String::new(), ..bare };
        assert!(lines(&old)[0].contains("what the server under test paid"));
    }
}
