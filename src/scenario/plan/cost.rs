//! Which processes are the target, where that is not plain from its address.

/// `[target] cost = { ... }`: each beside the owners of the port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CostSpec {
    /// The port whose owners are priced, when it is not that of `base`. `None`: that of `base`.
    pub port: Option<u16>,
    /// These processes.
    pub pids: Vec<u32>,
    /// Those whose command line, arguments joined by spaces, one of these regular expressions matches;
    /// checked.
    pub commands: Vec<String>,
    /// Those of this control group.
    pub group: Option<CostGroup>,
}

/// A control group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CostGroup {
    /// Its path.
    Path(String),
    /// The systemd unit that runs in it.
    Unit(String),
}
