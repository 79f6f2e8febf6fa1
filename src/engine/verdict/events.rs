//! Of a run whose events were written: its counts hold, its times are not those of an undisturbed run.

use super::{Evidence, Findings};
use crate::result::Verdict;

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    if evidence.events {
        let text = "events were written while it ran (--trace-events), which disturbs its times";
        findings.ours(Verdict::Suspect, text.to_owned());
    }
}
