//! What a group of processes has cost so far.

use super::Nanos;

/// One reading of a group of processes. The `_total` fields only ever grow (the share of processes
/// that ended is kept), so a cost of a phase is a difference of two readings; the others are levels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// When it was read.
    pub at: Nanos,
    /// Processes alive.
    pub processes: u32,
    /// Threads alive.
    pub threads: u32,
    /// CPU time used so far, nanoseconds, user and system.
    pub cpu_ns_total: u64,
    /// Time spent runnable but waiting for a CPU so far, nanoseconds.
    pub run_delay_ns_total: u64,
    /// Context switches that the processes asked for (they slept), so far.
    pub voluntary_switches_total: u64,
    /// Context switches that were forced on them, so far.
    pub involuntary_switches_total: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Resident bytes, shared pages counted in each process.
    pub rss_bytes: u64,
    /// Proportional share of resident bytes; `None` when this reading did not take it (it is dear).
    pub pss_bytes: Option<u64>,
    /// Kernel memory of all TCP sockets of the machine, bytes (`/proc/net/sockstat`): the
    /// generator's ends are in it too when the target is local.
    pub kernel_socket_bytes: u64,
}
