//! `[[claim]]`: what somebody says, and the number that would show it.

use super::text::{Text, Written};
use crate::model::Nanos;
use crate::scenario::{BoundUnit, Relation, units};
use schemars::JsonSchema;
use serde::Deserialize;

/// A claim that the runs are held against. It passes or fails nothing: the report tells its number and
/// whether it holds here.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Claim {
    /// What is claimed, in words.
    #[schemars(required, length(min = 1), example = "most polls are empty")]
    pub(in crate::scenario) says: Option<String>,
    /// What shows it: any key of `[slo]`, or one that is for claims only.
    #[schemars(required, length(min = 1), example = &"empty_poll_share")]
    pub(in crate::scenario) metric: Option<String>,
    /// The case it is about.
    #[schemars(required, length(min = 1), example = &"polling")]
    pub(in crate::scenario) case: Option<String>,
    /// A second case: what is judged is the first one's value over this one's.
    #[schemars(length(min = 1), example = &"websocket")]
    pub(in crate::scenario) against: Option<String>,
    /// When it holds: a relation and a bound in the metric's unit, a plain number with `against`.
    #[schemars(required)]
    pub(in crate::scenario) holds: Option<Text<ClaimBound>>,
}

/// `> 10`, `< 250 ms`
#[derive(Clone, Debug)]
pub(in crate::scenario) struct ClaimBound {
    pub(in crate::scenario) text: String,
    pub(in crate::scenario) relation: Relation,
    /// Nanoseconds, bytes or the plain number.
    pub(in crate::scenario) bound: f64,
    pub(in crate::scenario) unit: BoundUnit,
}

impl Written for ClaimBound {
    const NAME: &'static str = "ClaimBound";
    const PATTERN: &'static str =
        r"(<|<=|==|>=|>) ?[0-9]{1,12}(\.[0-9]{1,9})?( ?(ns|us|µs|ms|s|min|h|B|kB|KiB|MB|MiB))?";
    const WANT: &'static str = "a relation and a bound, such as \"> 10\", \"< 250 ms\" or \"< 8 KiB\"";
    const EXAMPLES: &'static [&'static str] = &["> 10", "< 250 ms"];

    fn read(text: &str) -> Option<ClaimBound> {
        let (relation, rest) = Relation::split(text)?;
        let time = |t| units::parse_duration(t).map(|Nanos(n)| (n as f64, BoundUnit::Time));
        let size = |t| units::parse_size(t).map(|n| (n as f64, BoundUnit::Size));
        let plain = rest.parse().ok().map(|n| (n, BoundUnit::Plain));
        let (bound, unit) = plain.or_else(|| time(rest)).or_else(|| size(rest))?;
        Some(ClaimBound { text: text.to_owned(), relation, bound, unit })
    }
}
