//! How TLS is spoken.

use std::path::PathBuf;

/// `[target] tls = { ... }`: for every secure connection of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSpec {
    /// A PEM file with roots to trust in place of the system's.
    pub ca: Option<PathBuf>,
    /// PEM files of a client certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The name to ask for and to verify, in place of the host.
    pub server_name: Option<String>,
    /// Whether any certificate is taken: shown in every output.
    pub insecure: bool,
    /// Whether sessions are resumed (tickets of an earlier connection of the same worker).
    pub resumption: bool,
}
