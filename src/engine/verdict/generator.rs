//! Whether the generator was the limit.

use super::{Evidence, Findings};
use crate::model::Nanos;
use crate::result::{RunResult, Verdict};

/// Most CPU that the workers together, or any one of them, may use of their cores.
const MOST_CPU_SHARE: f64 = 0.70;
/// Loop lag and send lag (p99) up to this are never blamed.
const LAG_FLOOR: Nanos = Nanos::from_millis(1);
/// Beyond the floor, lag may be this share of the reported delivery p99 before it is told ...
const LAG_SUSPECT: f64 = 0.10;
/// ... and this share before the generator counts as what was measured.
const LAG_INVALID: f64 = 0.25;
/// Share of the time that the generator may be kept waiting for a CPU before it is told ...
const RUN_DELAY_SUSPECT: f64 = 0.02;
/// ... and before the run is no result.
const RUN_DELAY_INVALID: f64 = 0.05;

pub(super) fn judge(run: &RunResult, evidence: &Evidence, findings: &mut Findings) {
    let g = &run.generator;
    if evidence.shared_core {
        findings.ours(Verdict::Suspect, "generator and target shared one core".to_owned());
    }
    let share = g.cpu_share.max(g.worker_cpu_share_max);
    if share >= MOST_CPU_SHARE {
        let text = format!(
            "generator-bound: it used {:.0} % of its cores (limit {:.0} %); use fewer clients, a lower rate or more cores",
            share * 100.0,
            MOST_CPU_SHARE * 100.0
        );
        findings.ours(Verdict::Invalid, text);
    }
    lag(run, "its loop woke", g.loop_lag_p99_ns, findings);
    lag(run, "messages were sent", g.send_lag_p99_ns, findings);
    if g.run_delay_share >= RUN_DELAY_SUSPECT {
        let grade = if g.run_delay_share >= RUN_DELAY_INVALID { Verdict::Invalid } else { Verdict::Suspect };
        let text = format!(
            "the generator waited {:.1} % of the time for a CPU (limit {:.0} %): something else runs on its cores",
            g.run_delay_share * 100.0,
            RUN_DELAY_SUSPECT * 100.0
        );
        findings.ours(grade, text);
    }
}

fn lag(run: &RunResult, what: &str, p99_ns: Option<u64>, findings: &mut Findings) {
    let Some(lag) = p99_ns.filter(|l| *l > LAG_FLOOR.0) else { return };
    let delivery = run.delivery.p99_ns.filter(|d| *d > 0);
    let share = delivery.map_or(LAG_SUSPECT * 2.0, |d| lag as f64 / d as f64);
    if share <= LAG_SUSPECT {
        return;
    }
    let grade = if share > LAG_INVALID { Verdict::Invalid } else { Verdict::Suspect };
    let beside = delivery.map_or(String::new(), |d| format!(" beside a delivery p99 of {}", Nanos(d)));
    findings.ours(grade, format!("generator: {what} up to {} late (p99){beside}", Nanos(lag)));
}
