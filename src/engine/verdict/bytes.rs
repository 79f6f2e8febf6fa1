//! Whether the books of bytes agree with the kernel's, and whether its receive stamps speak against ours.

use super::Findings;
use crate::model::Nanos;
use crate::result::{RunResult, Verdict};

/// A delay between kernel and us (p99) up to this is a note and no reason, as with the loop's lag.
const DELAY_FLOOR: Nanos = Nanos::from_millis(1);

pub(super) fn judge(run: &mut RunResult, findings: &mut Findings) {
    let check = &run.byte_check;
    if check.ledger_difference_bytes > 0 {
        let text = format!(
            "bytes: {} B crossed the sockets and stand in the books under no purpose, or the other way round: a \
             fault of pushbench, please report it",
            check.ledger_difference_bytes
        );
        findings.ours(Verdict::Suspect, text);
    }
    if check.kernel_difference_bytes > 0 {
        let text = format!(
            "bytes: our count at the sockets and the kernel's differ by {} B: a fault of pushbench, please \
             report it",
            check.kernel_difference_bytes
        );
        findings.ours(Verdict::Suspect, text);
    }
    waiting(run, findings);
}

/// Rule 8 of the method.
fn waiting(run: &mut RunResult, findings: &mut Findings) {
    let Some(receive) = run.receive.filter(|r| r.harness_limited) else { return };
    let Some(delay) = receive.user_kernel_delay.p99_ns else { return };
    let text = format!(
        "harness-limited: what the kernel had received waited up to {} (p99) until it was read, 10 % of the \
         delivery p99 or more",
        Nanos(delay)
    );
    match delay > DELAY_FLOOR.0 {
        true => findings.ours(Verdict::Suspect, text),
        false => run.notes.push(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{ByteCheck, Quantiles, Receive};

    fn judged(mut run: RunResult) -> (Vec<String>, Vec<String>) {
        let mut findings = Findings::default();
        judge(&mut run, &mut findings);
        (findings.0.into_iter().map(|f| f.text).collect(), run.notes)
    }

    #[test]
    fn any_byte_of_difference_is_told() {
        let of = |byte_check| judged(RunResult { byte_check, ..RunResult::default() }).0;
        assert_eq!(of(ByteCheck::default()), Vec::<String>::new());
        let kernel = of(ByteCheck { kernel_difference_bytes: 1, ..ByteCheck::default() });
        assert!(kernel[0].contains("the kernel's differ by 1 B"), "{kernel:?}");
        let ledger = of(ByteCheck { ledger_difference_bytes: 2, ..ByteCheck::default() });
        assert!(ledger[0].contains("2 B crossed"), "{ledger:?}");
    }

    #[test]
    fn waiting_below_a_millisecond_is_a_note() {
        let of = |p99, harness_limited| {
            let user_kernel_delay = Quantiles { p99_ns: Some(p99), ..Quantiles::default() };
            let receive = Some(Receive { user_kernel_delay, harness_limited });
            let (reasons, notes) = judged(RunResult { receive, ..RunResult::default() });
            (reasons.len(), notes.len())
        };
        assert_eq!((of(900_000, true), of(1_100_000, true)), ((0, 1), (1, 0)));
        assert_eq!(of(1_100_000, false), (0, 0));
    }
}
