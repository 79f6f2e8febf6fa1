//! The kernel's tables of TCP sockets, and which processes hold a socket of them.
//!
//! The tables are those of a network namespace: whoever knows a process of another one can read them
//! there. The kernel lists the LISTEN sockets first, so these are cheap; the connections behind them
//! are not.

use super::network::namespace;
use super::parse::{self, Socket, State};
use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};

/// The tables of our own network namespace, and of each other one that these processes are in.
pub(super) fn tables(pids: impl Iterator<Item = u32>) -> Vec<String> {
    let mut seen: BTreeSet<String> = namespace(std::process::id()).into_iter().collect();
    let mut folders = vec!["/proc/net".to_owned()];
    for pid in pids {
        if namespace(pid).is_some_and(|name| seen.insert(name)) {
            folders.push(format!("/proc/{pid}/net"));
        }
    }
    folders.iter().flat_map(|f| [format!("{f}/tcp"), format!("{f}/tcp6")]).collect()
}

/// The inodes of the LISTEN sockets with this port.
pub(super) fn listening(tables: &[String], port: u16) -> HashSet<u64> {
    let first = tables.iter().flat_map(|t| rows(t).take_while(|s| s.state == State::Listen));
    first.filter(|s| s.port == port).map(|s| s.inode).collect()
}

/// The inodes of the LISTEN and ESTABLISHED sockets with this local port. Sockets still in the
/// accept queue are nobody's: inode 0.
pub(super) fn all(tables: &[String], port: u16) -> HashSet<u64> {
    let all = tables.iter().flat_map(|t| rows(t));
    all.filter(|s| s.port == port && s.state != State::Other && s.inode != 0).map(|s| s.inode).collect()
}

/// The rows of a table; none where it does not exist (no IPv6).
fn rows(table: &str) -> impl Iterator<Item = Socket> + use<> {
    let lines = File::open(table).ok().map(|f| BufReader::with_capacity(64 << 10, f).lines());
    lines.into_iter().flatten().map_while(Result::ok).filter_map(|line| parse::socket(&line))
}

/// Those of these processes that hold one of the sockets. Who may not be looked into is passed over.
pub(super) fn holders(inodes: &HashSet<u64>, pids: impl Iterator<Item = u32>) -> BTreeSet<u32> {
    pids.filter(|pid| !inodes.is_empty() && holds(*pid, inodes)).collect()
}

fn holds(pid: u32, inodes: &HashSet<u64>) -> bool {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    entries.filter_map(Result::ok).any(|entry| {
        let link = fs::read_link(entry.path()).ok();
        let inode = link.as_deref().and_then(|l| parse::socket_inode(l.to_str()?));
        inode.is_some_and(|i| inodes.contains(&i))
    })
}
