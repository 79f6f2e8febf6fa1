//! `[target] probe = { ... }`

use schemars::JsonSchema;
use serde::Deserialize;

/// `probe = { url = "https://10.0.0.5:9911", token = "${env:PROBE_TOKEN}", ca = "ca.pem" }`: what
/// `pushbench probe` tells on the target's machine, in place of what can be read on this one.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Probe {
    /// Where it listens: scheme, host and port.
    #[schemars(required, regex(pattern = r"^https?://|\$\{env:"), example = "https://10.0.0.5:9911",
        extend("x-want" = "where `pushbench probe` listens: http:// or https://, host and port, such as \"https://10.0.0.5:9911\""))]
    pub(in crate::scenario) url: Option<String>,
    /// The token that it was started with.
    #[schemars(required, regex(pattern = r"^[A-Za-z0-9._~+/=-]{16,512}$|\$\{env:"), example = "${env:PROBE_TOKEN}",
        extend("x-want" = "the token of 16 characters or more that it was started with (letters, digits, - . _ ~ + / =), best as \"${env:PROBE_TOKEN}\""))]
    pub(in crate::scenario) token: Option<String>,
    /// A PEM file with the roots to trust for it, beside the scenario file. Left out: the system's.
    #[schemars(length(min = 1), example = "ca.pem")]
    pub(in crate::scenario) ca: Option<String>,
}
