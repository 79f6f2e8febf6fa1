//! One line of proof: what was injected, what was measured, the bound, and whether it holds.

use serde::Serialize;

/// One comparison of what went in with what came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What is compared.
    pub what: String,
    /// What went in.
    pub injected: String,
    /// What came out.
    pub measured: String,
    /// What was allowed, fixed beforehand.
    pub bound: String,
    /// How much of the bound was used: 0 = no difference, 1 = at the bound. `null` where the bound
    /// is no distance.
    pub bound_used: Option<f64>,
    /// Whether it holds.
    pub passed: bool,
}

impl Check {
    /// Two times, nanoseconds, that may differ by `allowed`. A time that is missing is a failure.
    pub fn time(what: impl Into<String>, injected: f64, measured: Option<f64>, allowed: f64) -> Check {
        let bound = format!("within {}", show(allowed));
        Check::distance(what, (injected, measured), allowed, show, bound)
    }

    /// Two numbers that may differ by `allowed`, shown with `digits` behind the point and a unit.
    pub fn number(
        what: impl Into<String>,
        (injected, measured): (f64, Option<f64>),
        allowed: f64,
        (digits, unit): (usize, &str),
    ) -> Check {
        let show = |v: f64| format!("{v:.digits$}{unit}");
        let bound = format!("within {}", show(allowed));
        Check::distance(what, (injected, measured), allowed, show, bound)
    }

    /// Two counts that must be equal.
    pub fn count(what: impl Into<String>, injected: u64, measured: u64) -> Check {
        let off = injected.abs_diff(measured);
        Check {
            what: what.into(),
            injected: injected.to_string(),
            measured: measured.to_string(),
            bound: format!("difference 0, is {off}"),
            bound_used: None,
            passed: off == 0,
        }
    }

    /// Something that holds or does not.
    pub fn holds(
        what: impl Into<String>,
        injected: impl Into<String>,
        measured: impl Into<String>,
        bound: impl Into<String>,
        passed: bool,
    ) -> Check {
        Check {
            what: what.into(),
            injected: injected.into(),
            measured: measured.into(),
            bound: bound.into(),
            bound_used: None,
            passed,
        }
    }

    fn distance(
        what: impl Into<String>,
        (injected, measured): (f64, Option<f64>),
        allowed: f64,
        show: impl Fn(f64) -> String,
        bound: String,
    ) -> Check {
        let used = measured.map(|m| (m - injected).abs() / allowed).filter(|u| u.is_finite());
        Check {
            what: what.into(),
            injected: show(injected),
            measured: measured.map_or_else(|| "none".to_owned(), show),
            bound,
            bound_used: used,
            passed: used.is_some_and(|u| u <= 1.0),
        }
    }
}

/// A time for people: three digits and more.
pub(super) fn show(ns: f64) -> String {
    match ns.abs() {
        a if a >= 1e9 => format!("{:.4} s", ns / 1e9),
        a if a >= 1e6 => format!("{:.3} ms", ns / 1e6),
        _ => format!("{:.1} us", ns / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_as_a_share_of_its_bound() {
        let at = Check::time("p99", 5e6, Some(5.1e6), 1e5);
        assert!(at.passed && (at.bound_used.unwrap() - 1.0).abs() < 1e-9, "{at:?}");
        let beyond = Check::time("p99", 5e6, Some(5.11e6), 1e5);
        assert!(!beyond.passed);
        assert_eq!((beyond.injected.as_str(), beyond.measured.as_str()), ("5.000 ms", "5.110 ms"));
        assert_eq!(beyond.bound, "within 100.0 us");
    }

    #[test]
    fn what_is_missing_or_no_number_fails() {
        assert!(!Check::time("p99", 5e6, None, 1e9).passed);
        assert!(!Check::number("share", (0.5, Some(f64::NAN)), 1.0, (3, "")).passed);
    }

    #[test]
    fn counts_are_equal_or_wrong() {
        assert!(Check::count("lost", 3, 3).passed);
        let wrong = Check::count("lost", 3, 4);
        assert_eq!((wrong.passed, wrong.bound.as_str()), (false, "difference 0, is 1"));
    }
}
