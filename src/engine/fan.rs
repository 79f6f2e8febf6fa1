//! Which messages have several receivers, and which workers those are on. Pure.

use crate::model::Nanos;
use crate::record::FanMerge;
use crate::scenario::{PublishPlan, RunPlan, groups_of};

/// Whether a run has messages with several receivers whose times of due are known. An endpoint that tells
/// its latest value only is no fan-out: each of its clients sees other messages.
pub(super) fn has_fan_out(run: &RunPlan) -> bool {
    let published =
        run.publish.as_ref().is_some_and(|p: &PublishPlan| !p.is_echo() && p.by_target().is_none());
    let keeps_all = run.groups.iter().any(|g| !g.carrier.conflates());
    published && keeps_all && run.clients as usize > run.channels.len()
}

/// On how many workers the receivers of each channel are: client `i` listens to channel `i % channels` and
/// is on worker `i % workers`, so that with a multiple of `workers` channels each is on one.
pub(super) fn workers_of_channels(run: &RunPlan, workers: usize) -> Vec<u32> {
    let channels = run.channels.len();
    let mut on = vec![vec![false; workers]; channels];
    let groups = groups_of(&run.groups, run.clients);
    for (i, group) in groups.iter().enumerate() {
        on[i % channels][i % workers] |= !run.groups[usize::from(*group)].carrier.conflates();
    }
    on.iter().map(|workers| workers.iter().filter(|w| **w).count() as u32).collect()
}

/// Whether the receivers of each channel are on more than one worker.
pub(super) fn split_channels(run: &RunPlan, workers: usize) -> Vec<bool> {
    workers_of_channels(run, workers).into_iter().map(|n| n > 1).collect()
}

/// Where the pieces of all workers go.
pub(super) fn merge(run: &RunPlan, workers: usize, measured: std::ops::Range<Nanos>) -> Option<FanMerge> {
    has_fan_out(run).then(|| FanMerge::new(measured, workers_of_channels(run, workers)))
}
