//! Whether delivery times hold what the ledger holds: nothing filled in, nothing left out.

use super::Findings;
use crate::result::{RunResult, Verdict};

/// Each message that a client was owed is in the histogram or counted as what took it away (method, rules
/// 3 and 10). Messages that nobody stamped are told by their own means.
pub(super) fn judge(run: &RunResult, findings: &mut Findings) {
    let l = &run.ledger;
    let owed_and_timed = run.delivery.count.checked_sub(l.unacknowledged);
    let closes = owed_and_timed.map(|timed| timed + l.lost + l.conflated + l.in_flight) == Some(l.expected);
    if run.cooperation == "stamp" && !closes {
        let text = format!(
            "{} delivery times do not close with the ledger ({} expected, {} lost): a fault of pushbench, please \
             report it",
            run.delivery.count, l.expected, l.lost
        );
        findings.ours(Verdict::Invalid, text);
    }
}
