//! `[price]`: what a machine for the target costs.

use super::text::{Text, Written};
use crate::scenario::units;
use schemars::JsonSchema;
use serde::Deserialize;

/// Your own prices: with them each case is told in money for 1,000 clients and hour. None is built in.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Price {
    /// Price of one instance for an hour.
    #[schemars(required, range(min = 0.0, max = 1_000_000.0), example = 0.17,
        extend("x-want" = "the price of an instance for an hour, above zero, such as 0.17"))]
    pub(in crate::scenario) instance_hour: Option<f64>,
    /// Cores of one instance; the target is taken to use them all alike.
    #[schemars(range(min = 0.0, max = 10_000.0), extend("default" = 1))]
    pub(in crate::scenario) cores: Option<f64>,
    /// Memory of one instance. Left out: memory limits nothing.
    pub(in crate::scenario) memory: Option<Text<Memory>>,
    /// Price of a gigabyte (10^9 bytes) that the instance sends. Left out: what is sent is not priced.
    #[schemars(range(min = 0.0, max = 1_000_000.0), example = 0.09)]
    pub(in crate::scenario) egress_gb: Option<f64>,
    /// What the prices are in.
    #[schemars(length(min = 1, max = 8), extend("default" = "USD"))]
    pub(in crate::scenario) currency: Option<String>,
    /// The share of an instance that is to be used: of its CPU, its memory, and of the clients at which the
    /// objectives still held.
    #[schemars(range(min = 0.0, max = 1.0), extend("default" = 0.7))]
    pub(in crate::scenario) headroom: Option<f64>,
}

/// `16 GiB`
#[derive(Clone, Copy, Debug)]
pub(in crate::scenario) struct Memory(pub(in crate::scenario) u64);

impl Written for Memory {
    const NAME: &'static str = "Memory";
    const PATTERN: &'static str = r"[0-9]{1,6}(\.(5|25|75|125))? ?(MB|MiB|GB|GiB)";
    const WANT: &'static str = "a size of memory, such as \"16 GiB\"";
    const EXAMPLES: &'static [&'static str] = &["16 GiB", "512 MiB"];
    fn read(text: &str) -> Option<Memory> {
        units::parse_size(text).map(Memory)
    }
}
