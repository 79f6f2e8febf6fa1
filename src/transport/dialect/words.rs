//! Steps, statuses and units in a few words, for people.

use crate::scenario::{StepAction, StepSpec};

/// Whether a status is good; an empty list is all of the 200s.
pub(super) fn is_good(good: &[u16], status: u16) -> bool {
    if good.is_empty() { (200..300).contains(&status) } else { good.contains(&status) }
}

/// `POST /login`, `send 40`.
pub(super) fn describe(step: &StepSpec) -> String {
    match &step.action {
        StepAction::Http(request) => format!("{} {}", request.method.as_str(), request.path),
        StepAction::Send(texts) => {
            let texts: Vec<String> = texts.iter().map(|t| format!("{:?}", t.source)).collect();
            format!("send {}", texts.join(", "))
        }
        StepAction::Wait => "wait".to_owned(),
    }
}

/// The beginning of a unit, for people.
pub(super) fn excerpt(body: &[u8]) -> String {
    const MOST: usize = 120;
    let text = String::from_utf8_lossy(&body[..body.len().min(MOST)]).into_owned();
    if body.len() > MOST { format!("{text:?}...") } else { format!("{text:?}") }
}
