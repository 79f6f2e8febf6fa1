//! Who descends from whom. Pure.

use std::collections::{BTreeMap, BTreeSet};

/// The roots and all their descendants, without pushbench (`own`). A root above pushbench counts
/// only when there is no other, and then without its descendants.
pub(super) fn family(roots: &BTreeSet<u32>, parents: &BTreeMap<u32, u32>, own: u32) -> BTreeSet<u32> {
    let above = ancestors(own, parents);
    let (shared, proper): (BTreeSet<u32>, BTreeSet<u32>) = roots
        .iter()
        .copied()
        .filter(|pid| *pid != own && parents.contains_key(pid))
        .partition(|pid| above.contains(pid));
    if proper.is_empty() {
        return shared;
    }
    let mut family = proper;
    loop {
        let before = family.len();
        let children = parents.iter().filter(|(pid, parent)| family.contains(parent) && **pid != own);
        let children: Vec<u32> = children.map(|(pid, _)| *pid).collect();
        family.extend(children);
        if family.len() == before {
            return family;
        }
    }
}

/// All that stand above a process.
pub(super) fn ancestors(pid: u32, parents: &BTreeMap<u32, u32>) -> BTreeSet<u32> {
    let mut above = BTreeSet::new();
    let mut at = pid;
    while let Some(&parent) = parents.get(&at) {
        if !above.insert(parent) {
            break;
        }
        at = parent;
    }
    above
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pids: &[u32]) -> BTreeSet<u32> {
        pids.iter().copied().collect()
    }

    /// 1 -> 10 shell -> 11 pushbench -> 12 its server; 1 -> 20 nginx -> 21, 22 workers -> 23.
    fn tree() -> BTreeMap<u32, u32> {
        [(1, 0), (10, 1), (11, 10), (12, 11), (20, 1), (21, 20), (22, 20), (23, 22)].into()
    }

    #[test]
    fn descendants_belong_to_it() {
        assert_eq!(family(&set(&[20]), &tree(), 11), set(&[20, 21, 22, 23]));
        assert_eq!(family(&set(&[21]), &tree(), 11), set(&[21]));
        assert_eq!(family(&set(&[12]), &tree(), 11), set(&[12]));
    }

    #[test]
    fn pushbench_and_what_is_above_it_do_not() {
        assert_eq!(family(&set(&[11]), &tree(), 11), set(&[]));
        assert_eq!(family(&set(&[1, 20]), &tree(), 11), set(&[20, 21, 22, 23]));
        assert_eq!(family(&set(&[1]), &tree(), 11), set(&[1]));
        assert_eq!(family(&set(&[10]), &tree(), 11), set(&[10]));
    }

    #[test]
    fn who_is_gone_is_left_out() {
        assert_eq!(family(&set(&[99]), &tree(), 11), set(&[]));
    }

    #[test]
    fn a_circle_of_parents_ends() {
        let circle = [(5, 6), (6, 5), (7, 7)].into();
        assert_eq!(ancestors(5, &circle), set(&[5, 6]));
        assert_eq!(family(&set(&[7]), &circle, 5), set(&[7]));
    }
}
