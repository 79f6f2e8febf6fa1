//! How long bytes waited between the kernel and us. Keys of `summary.json`.

use super::Quantiles;
use serde::{Deserialize, Serialize};

/// Reads of `measure` on a sample of the subscribers' connections, whose bytes came with the kernel's own
/// receive stamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Receive {
    /// From the instant at which the kernel received the last byte of a read to the instant at which that
    /// read returned.
    pub user_kernel_delay: Quantiles,
    /// Whether the 99th percentile of it is 10 % of the delivery p99 or more: then the reported times are
    /// partly the harness's own.
    pub harness_limited: bool,
}
