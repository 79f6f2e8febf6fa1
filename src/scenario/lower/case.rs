//! `[[case]]` to a carrier.

use super::{Report, cursor, headers, nonzero};
use crate::model::Nanos;
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{Bytes, Case, Endpoint, LongPoll, Pace, Poll, Text, WebSocket};
use crate::scenario::{
    CarrierSpec, HeaderProfile, LongPollSpec, PollSpec, PullSpec, WebSocketSpec, template,
};

/// A case, before it is multiplied into runs.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct CasePlan {
    pub(in crate::scenario) name: String,
    pub(in crate::scenario) carrier: CarrierSpec,
    pub(in crate::scenario) headers: Option<HeaderProfile>,
    /// Where the template that names the channel stands.
    pub(in crate::scenario) template_at: KeyPath,
    /// Where it stands in the file's list.
    pub(in crate::scenario) at: KeyPath,
}

pub(super) fn lower(cases: &[Case], r: &mut Report<'_>) -> Vec<CasePlan> {
    let mut plans: Vec<CasePlan> = Vec::new();
    for (i, case) in cases.iter().enumerate() {
        let at = KeyPath::at("case").index(i);
        let name = case.name.clone().unwrap_or_default();
        if case.name.is_some() && cases[..i].iter().any(|c| c.name == case.name) {
            r.wrong(
                &at.key("name"),
                format!("two cases are called \"{name}\""),
                Some("results are told apart by the name".into()),
            );
        }
        let headers = headers::profile(case.headers.as_ref(), &at.key("headers"), r);
        if let Some((carrier, template_at)) = carrier(case, &at, r) {
            plans.push(CasePlan { name, carrier, headers, template_at, at });
        }
    }
    plans
}

fn carrier(case: &Case, at: &KeyPath, r: &mut Report<'_>) -> Option<(CarrierSpec, KeyPath)> {
    match (&case.poll, &case.long_poll, &case.websocket) {
        (Some(p), None, None) => Some((poll(p, &at.key("poll"), r), at.key("poll").key("get"))),
        (None, Some(p), None) => {
            Some((long_poll(p, &at.key("long_poll"), r), at.key("long_poll").key("get")))
        }
        (None, None, Some(w)) => {
            Some((websocket(w, &at.key("websocket"), r), at.key("websocket").key("path")))
        }
        (p, l, w) => {
            let given = [("poll", p.is_some()), ("long_poll", l.is_some()), ("websocket", w.is_some())];
            let names: Vec<_> = given.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
            not_one(&names, at, r);
            // Each is looked at all the same: its own errors are not to wait for a second try.
            p.iter().for_each(|p| drop(poll(p, &at.key("poll"), r)));
            l.iter().for_each(|p| drop(long_poll(p, &at.key("long_poll"), r)));
            w.iter().for_each(|w| drop(websocket(w, &at.key("websocket"), r)));
            None
        }
    }
}

/// A case with no transport, or with several. One that is there and in error was told already.
fn not_one(names: &[&str], at: &KeyPath, r: &mut Report<'_>) {
    let want = "want exactly one of poll, long_poll, websocket";
    let help = Some("one case measures one transport; write a [[case]] for each".to_owned());
    let has = if names.is_empty() { "no transport".to_owned() } else { names.join(" and ") };
    if !names.is_empty() || !r.is_broken_beside(at, &["name", "headers"]) {
        // A key that nobody wrote: the place is the case itself, and errors below it stay apart.
        r.wrong(&at.key("transport"), format!("`{at}` has {has}; {want}"), help);
    }
}

fn poll(p: &Poll, at: &KeyPath, r: &mut Report<'_>) -> CarrierSpec {
    let every = nonzero(p.every.as_ref(), Nanos::SECOND, &at.key("every"), r);
    CarrierSpec::Poll(PollSpec {
        pull: PullSpec {
            path: path(p.get.as_deref(), &at.key("get"), r),
            cursor: cursor::lower(p.cursor.as_ref(), &at.key("cursor"), r),
            status: p.status.clone().unwrap_or_else(|| vec![200]),
            empty: empty(p.empty.as_ref(), p.status.as_ref(), at, r),
        },
        every,
        fixed_rate: p.pace != Some(Pace::FixedDelay),
        latest_value: p.endpoint == Some(Endpoint::Latest),
    })
}

fn long_poll(p: &LongPoll, at: &KeyPath, r: &mut Report<'_>) -> CarrierSpec {
    CarrierSpec::LongPoll(LongPollSpec {
        pull: PullSpec {
            path: path(p.get.as_deref(), &at.key("get"), r),
            cursor: cursor::lower(p.cursor.as_ref(), &at.key("cursor"), r),
            status: p.status.clone().unwrap_or_else(|| vec![200]),
            empty: empty(p.empty.as_ref(), p.status.as_ref(), at, r),
        },
        settle: p.settle.as_ref().map_or(Nanos::from_millis(300), |t| t.0),
    })
}

/// Largest `max_message`: what one client may hold of one message.
const LARGEST_MESSAGE: u64 = 1 << 30;

fn websocket(w: &WebSocket, at: &KeyPath, r: &mut Report<'_>) -> CarrierSpec {
    let send = w.send.clone().unwrap_or_default();
    for (i, text) in send.iter().enumerate() {
        check_names(text, template::CLIENT, &at.key("send").index(i), r);
    }
    let subprotocols = w.subprotocols.clone().unwrap_or_default();
    for (i, name) in subprotocols.iter().enumerate() {
        let token = |b: u8| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&b);
        if name.is_empty() || !name.bytes().all(token) {
            r.bad(&at.key("subprotocols").index(i), "a subprotocol's name, such as \"mqtt\"");
        }
    }
    let max = w.max_message.as_ref().map_or(1 << 20, |Text(Bytes(n))| *n);
    if !(1..=LARGEST_MESSAGE).contains(&max) {
        r.bad(&at.key("max_message"), "1 B to 1024 MiB");
    }
    CarrierSpec::WebSocket(WebSocketSpec {
        path: path(w.path.as_deref(), &at.key("path"), r),
        subprotocols,
        send,
        max_message_bytes: u32::try_from(max).unwrap_or(u32::MAX),
    })
}

fn path(text: Option<&str>, at: &KeyPath, r: &mut Report<'_>) -> String {
    if let Some(text) = text {
        check_path(text, template::CLIENT, at, r);
    }
    text.unwrap_or("/").to_owned()
}

/// A path is fit for the wire, and its templates are known.
pub(super) fn check_path(text: &str, known: &[&str], at: &KeyPath, r: &mut Report<'_>) {
    check_names(text, known, at, r);
    if let Some(want) = template::path_fault(text) {
        r.bad(at, want);
    }
}

fn check_names(text: &str, known: &[&str], at: &KeyPath, r: &mut Report<'_>) {
    if let Some(name) = template::unknown(text, known) {
        let all: Vec<String> = known.iter().chain(&["env:NAME"]).map(|n| format!("${{{n}}}")).collect();
        let near =
            crate::scenario::suggest::nearest(name.trim_matches(['$', '{', '}']), known.iter().copied());
        let help = near.map(|n| format!("did you mean `${{{n}}}`?"));
        r.wrong(at, format!("`{at}` holds `{name}`; known here: {}", all.join(", ")), help);
    }
}

/// Statuses that say "nothing new"; none of them may also say "here is something".
fn empty(empty: Option<&Vec<u16>>, status: Option<&Vec<u16>>, at: &KeyPath, r: &mut Report<'_>) -> Vec<u16> {
    let fresh = status.cloned().unwrap_or_else(|| vec![200]);
    let Some(given) = empty else {
        // A status that the file calls fresh is no longer empty by default.
        return [204, 304, 408].into_iter().filter(|s| !fresh.contains(s)).collect();
    };
    if let Some(both) = given.iter().find(|s| fresh.contains(s)) {
        let help = "an answer either holds messages or says that there are none".to_owned();
        r.wrong(&at.key("empty"), format!("status {both} is in `status` and in `empty`"), Some(help));
    }
    given.clone()
}
