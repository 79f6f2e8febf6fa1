//! Which runs figures are told of: one rule for tables, charts, claims, models and prices.

use super::{RunResult, Verdict};

impl Verdict {
    /// Whether a run with it is a result at all: not an invalid one.
    pub fn is_believed(self) -> bool {
        self != Verdict::Invalid
    }
}

impl RunResult {
    /// Whether both are the same but for chance: case, clients and swept values.
    pub fn is_repeat_of(&self, other: &RunResult) -> bool {
        self.case == other.case && self.clients == other.clients && self.swept == other.swept
    }

    /// Whether medians and ranges are of this run, one of `all`: it is believed, or no repeat of it is.
    pub fn is_told<'r>(&self, all: impl IntoIterator<Item = &'r RunResult>) -> bool {
        self.verdict.is_believed()
            || !all.into_iter().any(|r| r.verdict.is_believed() && r.is_repeat_of(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_run_is_told_only_where_no_repeat_of_it_is_believed() {
        let run = |case: &str, verdict| RunResult { case: case.into(), verdict, ..RunResult::default() };
        let all = [
            run("a", Verdict::Invalid),
            run("a", Verdict::Suspect),
            run("b", Verdict::Invalid),
            run("b", Verdict::Invalid),
            RunResult { clients: 7, ..run("a", Verdict::Invalid) },
        ];
        let told: Vec<bool> = all.iter().map(|r| r.is_told(&all)).collect();
        assert_eq!(told, [false, true, true, true, true]);
    }
}
