//! `[sweep]`: each value as good as the one that it replaces.

use super::{Report, Scene, checked_payload, checked_rate};
use crate::scenario::PublishPlan;
use crate::scenario::path::KeyPath;

/// Most runs of one plan: beyond it a slip in a list is likelier than a wish.
const MOST_RUNS: usize = 10_000;

pub(super) fn check(scene: &Scene, r: &mut Report<'_>) {
    let at = |key| KeyPath::at("sweep").key(key);
    let sweep = &scene.sweep;
    for (i, rate) in sweep.rate.iter().flatten().enumerate() {
        checked_rate(rate, &at("rate").index(i), r);
    }
    for (i, size) in sweep.payload.iter().flatten().enumerate() {
        checked_payload(size, &at("payload").index(i), r);
    }
    let of_feed = [
        ("rate", sweep.rate.is_some()),
        ("payload", sweep.payload.is_some()),
        ("channels", sweep.channels.is_some()),
    ];
    for (key, _) in of_feed.into_iter().filter(|(_, given)| *given && scene.publish.is_none()) {
        let message = format!("`sweep.{key}` has nothing to change: there is no [publish]");
        r.wrong(&at(key), message, None);
    }
    let by_target = scene.publish.as_ref().is_some_and(|p| p.by_target().is_some());
    for (key, _) in of_feed.into_iter().filter(|(_, given)| *given && by_target) {
        let message =
            format!("`sweep.{key}` has nothing to change: with `none` the target publishes by itself");
        r.wrong(&at(key), message, None);
    }
    if sweep.channels.is_some() && scene.publish.as_ref().is_some_and(PublishPlan::is_echo) {
        let message = "`sweep.channels` has nothing to change: with `echo` each client has its own messages";
        r.wrong(&at("channels"), message, None);
    }
    let runs =
        crate::scenario::layout::points(scene).len() * scene.cases.len() * sweep.repeat.unwrap_or(1) as usize;
    if runs > MOST_RUNS {
        r.wrong(&KeyPath::at("sweep"), format!("{runs} runs; want at most {MOST_RUNS}"), None);
    }
}
