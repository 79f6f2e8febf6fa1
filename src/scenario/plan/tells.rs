//! What a dialect tells its target: for questions such as whether a client says its channel anywhere.

use super::{DialectSpec, RequestSpec, SetFrom, SetSpec, StepAction, Template};

impl DialectSpec {
    /// Whether a variable occurs in any of its texts, its own variables included.
    pub fn tells(&self, slot: u16) -> bool {
        let names = |t: &Template| t.names(slot);
        let request = &self.request;
        let headers = request.headers.iter().flatten().map(|(_, value)| value);
        let own = [&request.path, &request.body].into_iter().chain(&request.send).chain(headers);
        let vars = self.vars.iter().map(|(_, value)| value);
        let keepalive = self.keepalive.iter().filter_map(|k| k.send.as_ref());
        let mqtt = self.mqtt.iter().map(|m| &m.topic);
        own.chain(vars).chain(keepalive).chain(mqtt).any(names)
            || self.send_by.as_ref().is_some_and(|r| in_request(r, slot))
            || self.steps.iter().any(|s| in_action(&s.action, slot) || in_sets(&s.set, slot))
            || self.rules.iter().any(|r| r.send.iter().any(names) || in_sets(&r.set, slot))
    }
}

fn in_action(action: &StepAction, slot: u16) -> bool {
    match action {
        StepAction::Http(request) => in_request(request, slot),
        StepAction::Send(texts) => texts.iter().any(|t| t.names(slot)),
        StepAction::Wait => false,
    }
}

fn in_request(request: &RequestSpec, slot: u16) -> bool {
    let headers = request.headers.iter().map(|(_, value)| value);
    [&request.path, &request.body].into_iter().chain(headers).any(|t| t.names(slot))
}

fn in_sets(sets: &[SetSpec], slot: u16) -> bool {
    sets.iter().any(|s| matches!(&s.from, SetFrom::Template(t) if t.names(slot)))
}
