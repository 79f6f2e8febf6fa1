//! A dialect ready for use: expressions compiled, questions answered once. One for each worker.

use super::Trace;
use super::seen::{Pattern, Source};
use crate::model::RunTag;
use crate::net::Memory;
use crate::scenario::{DialectSpec, Names, RuleSpec, SetSpec, StepSpec, Then};
use std::rc::Rc;
use std::sync::Arc;

/// What all sessions of a dialect share.
pub(super) struct Compiled {
    pub(super) spec: Arc<DialectSpec>,
    pub(super) rules: Vec<Rule>,
    /// One for each step.
    pub(super) steps: Vec<Expected>,
    /// Whether any rule looks at units that hold a stamp.
    pub(super) stamped: bool,
    /// Whether any rule or step looks at heads.
    pub(super) heads: bool,
    /// Whether some rule says what a message is: what no rule knows is none then.
    pub(super) delivers: bool,
    /// Whether some rule knows the answer to a keep-alive.
    pub(super) pongs: bool,
    /// Whether path or body of a pull request change from request to request.
    pub(super) moving: bool,
    /// Whether the client asks and is answered.
    pub(super) pull: bool,
    /// Whether the target publishes by itself, so that no message holds a stamp.
    pub(super) own_feed: bool,
    /// Whose stamps are ours.
    pub(super) tag: RunTag,
    pub(super) seed: u64,
    /// Headers of the dialect's own requests: whole lines.
    pub(super) headers: String,
    pub(super) trace: Option<Rc<dyn Trace>>,
}

/// A rule ready for use.
pub(super) struct Rule {
    pub(super) pattern: Pattern,
    pub(super) sets: Vec<(u16, Source)>,
    /// `rule 3 (prefix "44")`, for people.
    pub(super) label: String,
}

/// What a step waits for.
pub(super) struct Expected {
    pub(super) pattern: Option<Pattern>,
    pub(super) sets: Vec<(u16, Source)>,
}

fn sets(list: &[SetSpec]) -> Vec<(u16, Source)> {
    list.iter().map(|s| (s.slot, Source::new(&s.from))).collect()
}

fn rule((i, spec): (usize, &RuleSpec)) -> Rule {
    let pattern = Pattern::new(&spec.on);
    let label = format!("rule {} ({})", i + 1, pattern.label);
    Rule { pattern, sets: sets(&spec.set), label }
}

fn step(spec: &StepSpec) -> Expected {
    Expected { pattern: spec.expect.as_ref().map(Pattern::new), sets: sets(&spec.set) }
}

impl Compiled {
    pub(super) fn new(spec: Arc<DialectSpec>, tag: RunTag, seed: u64, headers: String) -> Compiled {
        let says = |then: &Then| spec.rules.iter().any(|r| r.then.contains(then));
        let heads = |list: &[(u16, Source)]| list.iter().any(|(_, s)| matches!(s, Source::Header(_)));
        let rules: Vec<Rule> = spec.rules.iter().enumerate().map(rule).collect();
        let request = &spec.request;
        Compiled {
            steps: spec.steps.iter().map(step).collect(),
            stamped: spec.rules.iter().any(|r| r.on.stamped),
            heads: rules.iter().any(|r| r.pattern.spec.header.is_some() || heads(&r.sets)),
            delivers: says(&Then::Deliver),
            pongs: says(&Then::Pong),
            moving: !request.path.is_fixed() || !request.body.is_fixed(),
            pull: false,
            own_feed: false,
            rules,
            spec,
            tag,
            seed,
            headers,
            trace: None,
        }
    }

    /// What `${cursor}` stands for: what the carrier remembers, and until then its start value. Of
    /// validators it is the first, the `ETag`.
    pub(super) fn cursor<'a>(&'a self, memory: &'a Memory) -> &'a str {
        memory.cursor.lines().next().filter(|kept| !kept.is_empty()).unwrap_or(&self.spec.request.cursor)
    }

    pub(super) fn names(&self) -> &Names {
        &self.spec.names
    }
}
