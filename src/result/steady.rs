//! Whether what was measured was a steady state.

use super::finite;
use serde::{Deserialize, Serialize};

/// How the warm-up ended, and what the measured seconds say about themselves. What too few windows or
/// deliveries cannot tell is `null`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Steady {
    /// Whether the warm-up was to end by itself.
    pub auto: bool,
    /// Seconds from the first publish to the begin of `measure`.
    #[serde(with = "finite::option")]
    pub warmup_s: Option<f64>,
    /// Whether the run was steady before the warm-up's most was over.
    pub reached: Option<bool>,
    /// Seconds of the warm-up that the test cut, from the first whole second after publishing began.
    #[serde(with = "finite::option")]
    pub warmup_cut_s: Option<f64>,
    /// Whole seconds of `measure` with enough deliveries for a median.
    pub windows: u32,
    /// Seconds at the begin of `measure` that the same test would still have cut.
    #[serde(with = "finite::option")]
    pub cut_s: Option<f64>,
    /// Median of the windows' medians before that cut.
    #[serde(with = "finite::option")]
    pub before_p50_ns: Option<f64>,
    /// The same after it; of all windows without a cut.
    #[serde(with = "finite::option")]
    pub after_p50_ns: Option<f64>,
    /// Standard error of the mean of what is kept, as a share of `after_p50_ns` (the square root of MSER's
    /// statistic).
    #[serde(with = "finite::option")]
    pub error_share: Option<f64>,
    /// Median of the windows' medians in the first half of `measure`.
    #[serde(with = "finite::option")]
    pub first_half_p50_ns: Option<f64>,
    /// The same in the second half.
    #[serde(with = "finite::option")]
    pub second_half_p50_ns: Option<f64>,
    /// Second half over first.
    #[serde(with = "finite::option")]
    pub halves_ratio: Option<f64>,
    /// Ratios up to this are what chance makes of such windows.
    #[serde(with = "finite::option")]
    pub halves_chance_ratio: Option<f64>,
    /// Whether the halves tell the same.
    pub halves_agree: Option<bool>,
}
