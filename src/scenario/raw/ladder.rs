//! `[cost]`: what an idle connection costs the target.

use super::Text;
use crate::model::Nanos;
use schemars::JsonSchema;
use serde::Deserialize;

/// `[cost]`: beside its ordinary runs each case is played once more with nothing published and clients that
/// attach in steps, so that memory and idle CPU for a connection are slopes over the steps. `pushbench cost
/// FILE` plays these alone.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Ladder {
    /// How many clients are attached at each step, rising; at least four. Left out: 1/8, 1/4, 1/2 and all
    /// of `load.clients`.
    #[schemars(length(min = 4), inner(range(min = 1, max = 15000)), example = [250, 500, 1000, 2000],
        extend("x-want" = "at least four rising counts, such as [250, 500, 1000, 2000]: fewer make no line"))]
    pub(in crate::scenario) ladder: Option<Vec<u32>>,
    /// How long each step rests once its clients have attached, in whole seconds; it is read at the end.
    /// For pollers the next whole number of their periods.
    #[schemars(extend("default" = "3s"))]
    pub(in crate::scenario) hold: Option<Text<Nanos>>,
    /// How often each ladder is climbed.
    #[schemars(range(min = 1, max = 1000), extend("default" = 1))]
    pub(in crate::scenario) repeat: Option<u32>,
}
