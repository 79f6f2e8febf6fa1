//! The logs of events of one run: opens one for each worker, and keeps them when the run is over.

use super::timeline::Timeline;
use super::told::Done;
use crate::client::EventLog;
use crate::result::EventFiles;
use crate::scenario::{CarrierSpec, GroupPlan, Plan, RunPlan};
use std::rc::Rc;

/// Where the workers of one run write down what they see.
#[derive(Clone, Debug)]
pub(super) struct Events {
    files: EventFiles,
    /// Number of the run, from 0.
    run: usize,
    head: String,
}

impl Events {
    pub(super) fn new(files: &EventFiles, plan: &Plan, run: &RunPlan, index: usize) -> Events {
        Events { files: files.clone(), run: index, head: plan.secrets.hide(&head(run)) }
    }

    /// The log of one worker of so many.
    pub(super) fn open(&self, worker: usize, workers: usize) -> Rc<EventLog> {
        let log = EventLog::new(self.files.open(self.run, worker));
        log.head(&format!("# run\t{}\n# worker\t{worker}\tof\t{workers}\n{}", self.run, self.head));
        Rc::new(log)
    }

    /// Gives the files of all workers their names: all of them, or none, since one that is missing
    /// would look like messages that are. What to tell of it.
    pub(super) fn keep(&self, done: &[Done], timeline: &Timeline, drained: bool) -> String {
        let measure = timeline.measured();
        let worker = |i: usize| match done.iter().find_map(|d| d.events.as_ref().filter(|e| e.worker == i)) {
            Some(ended) => match &ended.failed {
                None => self.files.keep(self.run, i, &measure, drained).map_err(full),
                Some(error) => Err(error.clone()),
            },
            None => Err("a worker left none".to_owned()),
        };
        match (0..done.len()).try_for_each(worker) {
            Ok(()) => "events were written: times are not those of an undisturbed run".to_owned(),
            Err(error) => {
                self.discard(done.len());
                format!("events were to be written and are not kept, though they disturbed the run: {error}")
            }
        }
    }

    /// Takes away what was written: there will be no result that it belongs to.
    pub(super) fn discard(&self, workers: usize) {
        (0..workers).for_each(|worker| self.files.discard(self.run, worker));
    }
}

/// How the log of one worker ended.
pub(super) struct Ended {
    pub(super) worker: usize,
    /// Why it is not whole.
    pub(super) failed: Option<String>,
}

fn full(error: crate::result::ResultError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(of) = cause {
        text.push_str(&format!(": {of}"));
        cause = of.source();
    }
    text
}

/// What a reader needs to know of the run, one line a thing.
fn head(run: &RunPlan) -> String {
    let publisher = run.publish.as_ref().map_or("none", |p| p.via.key());
    let facts = [
        format!("case\t{}", plain(&run.case)),
        format!("clients\t{}", run.clients),
        format!("channels\t{}", run.channels.len()),
        format!("publisher\t{publisher}"),
    ];
    let groups = run.groups.iter().enumerate().map(|(i, g)| group(i, g));
    facts.into_iter().chain(groups).map(|line| format!("# {line}\n")).collect()
}

/// Number, name, transport, after how long a held request counts as subscribed, and what its endpoint
/// tells.
fn group(index: usize, group: &GroupPlan) -> String {
    let settle = match &group.carrier {
        CarrierSpec::LongPoll(p) => p.settle.0.to_string(),
        _ => "-".to_owned(),
    };
    let history = if group.carrier.conflates() { "latest" } else { "every" };
    format!("group\t{index}\t{}\t{}\t{settle}\t{history}", plain(&group.name), group.carrier.key())
}

/// Without what separates columns and lines.
fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}
