//! `[target] cost = { ... }`

use super::Many;
use schemars::JsonSchema;
use serde::Deserialize;
use std::num::NonZeroU32;

/// `cost = { port = 18080 }`: each key adds processes to those that are found by the port.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Cost {
    /// The port whose owners are priced, when it is not that of `base` (a proxy in front).
    #[schemars(range(min = 1, max = 65535), example = 18080)]
    pub(in crate::scenario) port: Option<u16>,
    /// These processes, by pid, and all that they start.
    #[schemars(extend("x-want" = "a process id above 0, such as 4711, or a list of them"))]
    pub(in crate::scenario) pid: Option<Many<NonZeroU32>>,
    /// Processes whose command line matches this regular expression, and all that they start. Looked at
    /// are the arguments, joined by spaces; a plain text matches where it occurs.
    #[schemars(example = "gunicorn: (master|worker)", extend("x-want" = "a regular expression, or a list of them"))]
    pub(in crate::scenario) command: Option<Many<String>>,
    /// The processes of this control group; its own counters are read too.
    #[schemars(length(min = 1), example = "/system.slice/nginx.service")]
    pub(in crate::scenario) cgroup: Option<String>,
    /// The same for the control group of this systemd unit.
    #[schemars(length(min = 1), example = "nginx.service")]
    pub(in crate::scenario) unit: Option<String>,
}
