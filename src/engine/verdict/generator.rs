//! Whether the generator was the limit.

use super::limits::*;
use super::{Evidence, Findings};
use crate::model::Nanos;
use crate::result::{RunResult, Verdict};

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
