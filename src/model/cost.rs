//! What a group of processes has cost so far.

use super::Nanos;
use serde::{Deserialize, Serialize};

/// One reading of a group of processes. The `_total` fields only ever grow (the share of processes
/// that ended is kept), so a cost of a phase is a difference of two readings; the others are levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// When it was read.
    pub at: Nanos,
    /// Processes alive.
    pub processes: u32,
    /// Threads alive.
    pub threads: u32,
    /// CPU time used so far, nanoseconds, user and system.
    pub cpu_ns_total: u64,
    /// Of it, time in user space, as far as the kernel's clock ticks have told what it was; the two
    /// parts are at most `cpu_ns_total`, and less by what no tick has told yet.
    pub user_ns_total: u64,
    /// Of it, time in the kernel, likewise.
    pub system_ns_total: u64,
    /// Time spent runnable but waiting for a CPU so far, nanoseconds.
    pub run_delay_ns_total: u64,
    /// Context switches that the processes asked for (they slept), so far.
    pub voluntary_switches_total: u64,
    /// Context switches that were forced on them, so far.
    pub involuntary_switches_total: u64,
    /// Page faults that were served from memory, so far.
    pub minor_faults_total: u64,
    /// Page faults that waited for a disk, so far.
    pub major_faults_total: u64,
    /// Open descriptors; `None` when those of a process may not be counted, or no process is left.
    pub descriptors: Option<u64>,
    /// Resident bytes, shared pages counted in each process.
    pub rss_bytes: u64,
    /// Proportional share of resident bytes; `None` when this reading did not take it (it is dear), or no
    /// process is left.
    pub pss_bytes: Option<u64>,
    /// Bytes in swap; taken with `pss_bytes`.
    pub swap_bytes: Option<u64>,
    /// Kernel memory of all TCP sockets of the machine, bytes (`/proc/net/sockstat`): the
    /// generator's ends are in it too when the target is local. `None` where it does not tell.
    pub kernel_socket_bytes: Option<u64>,
    /// Kernel memory of the machine in small pieces (`Slab` of `/proc/meminfo`), bytes: what sockets and
    /// open files are made of, of everybody; `None` where it does not tell.
    pub slab_bytes: Option<u64>,
    /// The network namespaces of the processes; `None` where they could not be read.
    pub network: Option<NetworkCost>,
    /// Their control group; `None` when they have none of their own, or it could not be read.
    pub group: Option<GroupCost>,
    /// The machine that they run on; `None` where it does not tell.
    pub machine: Option<MachineTime>,
}

/// What network namespaces counted since they were first seen, all together: whoever else is in the same
/// namespace (on one machine: the generator too) is in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkCost {
    /// Connections that a full accept queue turned away (`ListenOverflows`).
    pub listen_overflows_total: u64,
    /// Connections that a listener could not take, overflows included (`ListenDrops`).
    pub listen_drops_total: u64,
    /// TCP segments sent again (`RetransSegs`).
    pub retransmits_total: u64,
    /// Bytes received by the interfaces, loopback apart.
    pub in_bytes_total: u64,
    /// Bytes sent by them.
    pub out_bytes_total: u64,
    /// Bytes that went over loopback, each once.
    pub loopback_bytes_total: u64,
}

/// What a control group counted. What its kernel or its controllers do not tell is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupCost {
    /// CPU time of everything that ever was in it, nanoseconds.
    pub cpu_ns_total: Option<u64>,
    /// Of it, in user space.
    pub user_ns_total: Option<u64>,
    /// Of it, in the kernel.
    pub system_ns_total: Option<u64>,
    /// Time that its CPU limit held it back, nanoseconds.
    pub throttled_ns_total: Option<u64>,
    /// Memory charged to it, bytes: page cache and kernel memory too.
    pub memory_bytes: Option<u64>,
    /// The most that ever was.
    pub memory_peak_bytes: Option<u64>,
    /// Of `memory_bytes`, memory of processes that no file stands behind.
    pub anonymous_bytes: Option<u64>,
    /// Of it, page cache.
    pub file_bytes: Option<u64>,
    /// Of it, memory of the kernel (slab, stacks, page tables).
    pub kernel_bytes: Option<u64>,
    /// Of it, buffers of sockets.
    pub socket_bytes: Option<u64>,
    /// Bytes in swap.
    pub swap_bytes: Option<u64>,
    /// Tasks in it: threads are tasks.
    pub tasks: Option<u64>,
    /// Time that some task of it waited for a CPU, nanoseconds (pressure stall information).
    pub cpu_pressure_ns_total: Option<u64>,
    /// Time that some task of it waited for memory.
    pub memory_pressure_ns_total: Option<u64>,
    /// Time that some task of it waited for a disk.
    pub io_pressure_ns_total: Option<u64>,
}

/// How long a machine's CPUs have had nothing to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MachineTime {
    /// When it was read.
    pub at: Nanos,
    /// CPUs online.
    pub cpus: u32,
    /// Time that they were idle, waited for a disk or were taken by the host, all together; steps of
    /// 10 ms a CPU.
    pub idle_ns_total: u64,
}

impl MachineTime {
    /// Nanoseconds that all CPUs together were busy since an earlier reading, whatever with: tasks,
    /// interrupts, network work that is charged to nobody. `None` when CPUs came or went.
    ///
    /// Time less idle time, since the kernel measures idle time but only samples what a busy CPU does.
    pub fn busy_ns_since(&self, earlier: &MachineTime) -> Option<u64> {
        let idle = self.idle_ns_total.checked_sub(earlier.idle_ns_total)?;
        let all = (self.at - earlier.at).0.saturating_mul(u64::from(self.cpus));
        (self.cpus == earlier.cpus).then(|| all.saturating_sub(idle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_idle_is_busy() {
        let at = |s: u64, idle: u64| MachineTime { at: Nanos(s), cpus: 2, idle_ns_total: idle };
        assert_eq!(at(110, 1_015).busy_ns_since(&at(100, 1_000)), Some(5));
        // Steps of the counter are no negative work.
        assert_eq!(at(110, 1_030).busy_ns_since(&at(100, 1_000)), Some(0));
        assert_eq!(at(110, 900).busy_ns_since(&at(100, 1_000)), None);
        let fewer = MachineTime { cpus: 1, ..at(110, 1_015) };
        assert_eq!(fewer.busy_ns_since(&at(100, 1_000)), None);
    }

    #[test]
    fn a_reading_goes_over_a_wire_and_back() {
        let cost = Cost {
            at: Nanos(7),
            swap_bytes: Some(3),
            network: Some(NetworkCost { retransmits_total: 9, ..Default::default() }),
            group: Some(GroupCost { tasks: Some(2), ..Default::default() }),
            ..Cost::default()
        };
        let text = serde_json::to_string(&cost).unwrap();
        assert_eq!(serde_json::from_str::<Cost>(&text).unwrap(), cost);
        // A build that knows fewer keys.
        assert_eq!(
            serde_json::from_str::<Cost>("{\"at\":7}").unwrap(),
            Cost { at: Nanos(7), ..Cost::default() }
        );
    }
}
