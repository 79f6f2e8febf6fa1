//! What the network namespaces of a group of processes counted since they were first seen.
//!
//! The counters are of a namespace, not of a process: on one machine the generator's share is in them.
//! A namespace that is gone keeps what it had; a counter that went back (an interface was taken away)
//! goes on from there.

use super::{parse, procfs};
use crate::model::NetworkCost;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Reads namespaces again and again.
#[derive(Debug, Default)]
pub(super) struct NetworkReader {
    /// What each, named by what `/proc/PID/ns/net` links to, showed last.
    seen: BTreeMap<String, NetworkCost>,
    /// The processes at the last reading, and one of each namespace.
    pids: BTreeSet<u32>,
    spokesmen: BTreeMap<String, u32>,
    sum: NetworkCost,
}

impl NetworkReader {
    /// One reading of the namespaces that these processes are in; `None` while none could be read.
    pub(super) fn read(&mut self, pids: &BTreeSet<u32>) -> Option<NetworkCost> {
        if self.pids != *pids {
            self.pids.clone_from(pids);
            // Who may not look there sees one namespace, that of one of the processes.
            self.spokesmen = pids.iter().map(|pid| (namespace(*pid).unwrap_or_default(), *pid)).collect();
        }
        for (name, pid) in self.spokesmen.clone() {
            if let Some(now) = counters(pid) {
                self.take(&name, now);
            }
        }
        (!self.seen.is_empty()).then_some(self.sum)
    }

    fn take(&mut self, name: &str, now: NetworkCost) {
        let last = self.seen.insert(name.to_owned(), now).unwrap_or(now);
        let sum = &mut self.sum;
        sum.listen_overflows_total += now.listen_overflows_total.saturating_sub(last.listen_overflows_total);
        sum.listen_drops_total += now.listen_drops_total.saturating_sub(last.listen_drops_total);
        sum.retransmits_total += now.retransmits_total.saturating_sub(last.retransmits_total);
        sum.in_bytes_total += now.in_bytes_total.saturating_sub(last.in_bytes_total);
        sum.out_bytes_total += now.out_bytes_total.saturating_sub(last.out_bytes_total);
        sum.loopback_bytes_total += now.loopback_bytes_total.saturating_sub(last.loopback_bytes_total);
    }
}

/// The name of the network namespace that a process is in: `net:[4026531840]`.
pub(super) fn namespace(pid: u32) -> Option<String> {
    let link = fs::read_link(format!("/proc/{pid}/ns/net")).ok()?;
    Some(link.to_str()?.to_owned())
}

fn counters(pid: u32) -> Option<NetworkCost> {
    let text = |file: &str| procfs::text(&format!("/proc/{pid}/net/{file}")).ok();
    let (netstat, snmp, dev) = (text("netstat")?, text("snmp")?, text("dev")?);
    counted(&netstat, &snmp, &dev)
}

fn counted(netstat: &str, snmp: &str, dev: &str) -> Option<NetworkCost> {
    let mut cost = NetworkCost {
        listen_overflows_total: parse::counter(netstat, "TcpExt", "ListenOverflows")?,
        listen_drops_total: parse::counter(netstat, "TcpExt", "ListenDrops")?,
        retransmits_total: parse::counter(snmp, "Tcp", "RetransSegs")?,
        ..NetworkCost::default()
    };
    for (name, received, sent) in parse::interfaces(dev) {
        if name == "lo" {
            cost.loopback_bytes_total += sent;
        } else {
            cost.in_bytes_total += received;
            cost.out_bytes_total += sent;
        }
    }
    Some(cost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_a_namespace() {
        let netstat = "TcpExt: ListenOverflows ListenDrops\nTcpExt: 3 4\n";
        let snmp = "Tcp: InSegs RetransSegs\nTcp: 9 5\n";
        let dev = " lo: 10 0 0 0 0 0 0 0 10 0\n eth0: 7 0 0 0 0 0 0 0 8 0\n eth1: 1 0 0 0 0 0 0 0 2 0\n";
        let want = NetworkCost {
            listen_overflows_total: 3,
            listen_drops_total: 4,
            retransmits_total: 5,
            in_bytes_total: 8,
            out_bytes_total: 10,
            loopback_bytes_total: 10,
        };
        assert_eq!(counted(netstat, snmp, dev), Some(want));
        assert_eq!(counted("", snmp, dev), None);
    }

    #[test]
    fn growth_counts_from_when_it_was_first_seen_and_never_goes_back() {
        let mut reader = NetworkReader::default();
        let at = |n| NetworkCost { retransmits_total: n, ..NetworkCost::default() };
        for (name, now) in [("a", 100), ("a", 103), ("b", 50), ("b", 51), ("a", 2), ("a", 4)] {
            reader.take(name, at(now));
        }
        assert_eq!(reader.sum.retransmits_total, 3 + 1 + 2);
    }

    #[test]
    fn our_own_namespace_can_be_read_and_nobody_has_none() {
        let own = std::process::id();
        assert!(namespace(own).is_some_and(|n| n.starts_with("net:[")));
        assert_eq!(NetworkReader::default().read(&[own].into()), Some(NetworkCost::default()));
        assert_eq!(NetworkReader::default().read(&BTreeSet::new()), None);
    }
}
