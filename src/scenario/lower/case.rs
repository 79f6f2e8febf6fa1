//! `[[case]]` to a carrier.

use super::stream::{Request, request, streams};
use super::{Report, cursor, dialect, headers, life, nonzero, websocket};
use crate::model::Nanos;
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{Case, Endpoint, Group, LongPoll, Pace, Poll};
use crate::scenario::{CarrierSpec, GroupPlan, HeaderProfile, LongPollSpec, PollSpec, PullSpec, template};

/// A case, before it is multiplied into runs.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct CasePlan {
    pub(in crate::scenario) name: String,
    /// At least one, but for a case that is in error.
    pub(in crate::scenario) groups: Vec<Grouped>,
    /// What the bundled server does wrong meanwhile; `None`: what the target says.
    pub(in crate::scenario) faults: Option<Vec<String>>,
}

/// A group, and where it stands.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Grouped {
    pub(in crate::scenario) plan: GroupPlan,
    /// Whether it names headers of its own, in place of those of `[load]`.
    pub(in crate::scenario) own_headers: bool,
    /// Where the template that names the channel stands.
    pub(in crate::scenario) template_at: KeyPath,
    /// Where it stands in the file: that of the case when the case is its own group.
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
        let groups = match &case.group {
            None => group(case, name.clone(), &at, r).into_iter().collect(),
            Some(groups) => mixed(case, groups, &at, r),
        };
        if !groups.is_empty() {
            let faults = case.fault.as_ref().map(|f| f.0.clone());
            plans.push(CasePlan { name, groups, faults });
        }
    }
    plans
}

/// The groups of a mixed population.
fn mixed(case: &Case, groups: &[Group], at: &KeyPath, r: &mut Report<'_>) -> Vec<Grouped> {
    if !transports(case).is_empty() {
        let help = "give each group its own transport, and the case none".to_owned();
        r.wrong(&at.key("group"), format!("`{at}` has groups and a transport of its own"), Some(help));
    }
    life::belongs_to_groups(case, at, r);
    let lowered = groups.iter().enumerate().filter_map(|(i, Group(inner))| {
        let at = at.key("group").index(i);
        if inner.fault.is_some() {
            let help = "the groups of a case share one server: write it in the case".to_owned();
            r.wrong(&at.key("fault"), "a group has no faults of its own", Some(help));
        }
        let name = inner.name.clone().unwrap_or_else(|| format!("group {}", i + 1));
        group(inner, name, &at, r)
    });
    let lowered: Vec<Grouped> = lowered.collect();
    names_apart(&lowered, r);
    lowered
}

/// Two groups of a case have two names.
fn names_apart(groups: &[Grouped], r: &mut Report<'_>) {
    for (i, group) in groups.iter().enumerate() {
        let name = &group.plan.name;
        if groups[..i].iter().any(|g| g.plan.name == *name) {
            let help = Some("results are told apart by the name".to_owned());
            r.wrong(&group.at.key("name"), format!("two groups of a case are called \"{name}\""), help);
        }
    }
}

/// One kind of client.
fn group(case: &Case, name: String, at: &KeyPath, r: &mut Report<'_>) -> Option<Grouped> {
    let headers = headers::profile(case.headers.as_ref(), &at.key("headers"), r);
    let rows = dialect::scope(case, at, r);
    let (carrier, template_at) = carrier(case, at, r)?;
    let dialect = dialect::lower(case, &carrier, rows, headers.as_ref(), at, r);
    let plan = GroupPlan {
        name,
        weight: case.weight.unwrap_or(1.0),
        carrier,
        headers: headers.clone().unwrap_or(HeaderProfile::Minimal),
        secure: case.secure.unwrap_or(false),
        cookies: case.cookies.unwrap_or(false),
        dialect,
        life: life::life(case, at, r),
        reconnect: life::reconnect(case.reconnect.as_ref(), &at.key("reconnect"), r),
    };
    Some(Grouped { plan, own_headers: headers.is_some(), template_at, at: at.clone() })
}

/// A kind of a preset file: lowered for its errors alone.
pub(in crate::scenario) fn kind(
    case: &Case,
    name: &str,
    at: &KeyPath,
    r: &mut Report<'_>,
) -> Option<CarrierSpec> {
    if case.fault.is_some() {
        let help = "write it in the case of a scenario".to_owned();
        r.wrong(&at.key("fault"), "faults are the bundled server's, not a dialect's", Some(help));
    }
    group(case, name.to_owned(), at, r).map(|g| g.plan.carrier)
}

/// The keys of all transports.
const TRANSPORTS: &str = "poll, long_poll, stream, sse, forever_iframe, chunked, multipart, websocket";

/// The transports that a case names, by their keys.
fn transports(case: &Case) -> Vec<&'static str> {
    let all = [
        ("poll", case.poll.is_some()),
        ("long_poll", case.long_poll.is_some()),
        ("stream", case.stream.is_some()),
        ("sse", case.sse.is_some()),
        ("forever_iframe", case.forever_iframe.is_some()),
        ("chunked", case.chunked.is_some()),
        ("multipart", case.multipart.is_some()),
        ("websocket", case.websocket.is_some()),
    ];
    all.into_iter().filter(|(_, there)| *there).map(|(key, _)| key).collect()
}

/// The one transport of a case with its options, and where its template stands. Of several each is
/// looked at all the same: its own errors are not to wait for a second try.
fn carrier(case: &Case, at: &KeyPath, r: &mut Report<'_>) -> Option<(CarrierSpec, KeyPath)> {
    let mut found = Vec::new();
    if let Some(p) = &case.poll {
        found.push(poll(p, &at.key("poll"), r));
    }
    if let Some(p) = &case.long_poll {
        found.push(long_poll(p, &at.key("long_poll"), r));
    }
    found.extend(streams(case, at, r));
    if let Some(w) = &case.websocket {
        found.push((websocket::lower(w, &at.key("websocket"), r), at.key("websocket").key("path")));
    }
    if found.len() != 1 {
        not_one(&transports(case), at, r);
        return None;
    }
    found.pop()
}

/// A case with no transport, or with several. One that is there and in error was told already.
fn not_one(names: &[&str], at: &KeyPath, r: &mut Report<'_>) {
    let want = format!("want exactly one of {TRANSPORTS}");
    let help = Some("one case measures one transport; write a [[case]] for each".to_owned());
    let has = if names.is_empty() { "no transport".to_owned() } else { names.join(" and ") };
    if !names.is_empty() || !r.is_broken_beside(at, &["name", "headers"]) {
        // A key that nobody wrote: the place is the case itself, and errors below it stay apart.
        r.wrong(&at.key("transport"), format!("`{at}` has {has}; {want}"), help);
    }
}

/// What both pull transports ask for, from tables that have the same keys; and where the template of
/// the path stands.
macro_rules! pull {
    ($p:ident, $at:ident, $r:ident) => {{
        let Request { method, path, body, template_at } =
            request($p.get.as_deref(), $p.post.as_deref(), $p.body.as_deref(), $at, $r);
        let cursor = cursor::lower($p.cursor.as_ref(), &$at.key("cursor"), $r);
        let status = $p.status.clone().unwrap_or_else(|| vec![200]);
        let empty = empty($p.empty.as_ref(), $p.status.as_ref(), $at, $r);
        let keep_alive = $p.keep_alive.unwrap_or(true);
        (PullSpec { method, body, path, cursor, status, empty, keep_alive }, template_at)
    }};
}

fn poll(p: &Poll, at: &KeyPath, r: &mut Report<'_>) -> (CarrierSpec, KeyPath) {
    let every = nonzero(p.every.as_ref(), Nanos::SECOND, &at.key("every"), r);
    let (pull, template_at) = pull!(p, at, r);
    let spec = PollSpec {
        pull,
        every,
        fixed_rate: p.pace != Some(Pace::FixedDelay),
        latest_value: p.endpoint == Some(Endpoint::Latest),
    };
    (CarrierSpec::Poll(spec), template_at)
}

fn long_poll(p: &LongPoll, at: &KeyPath, r: &mut Report<'_>) -> (CarrierSpec, KeyPath) {
    let (pull, template_at) = pull!(p, at, r);
    let spec = LongPollSpec { pull, settle: p.settle.as_ref().map_or(Nanos::from_millis(300), |t| t.0) };
    (CarrierSpec::LongPoll(spec), template_at)
}

pub(super) fn path(text: Option<&str>, at: &KeyPath, r: &mut Report<'_>) -> String {
    if let Some(text) = text {
        check_path(text, template::CLIENT, at, r);
    }
    text.unwrap_or("/").to_owned()
}

/// A path is fit for the wire, and its templates are known.
pub(super) fn check_path(text: &str, known: &[&str], at: &KeyPath, r: &mut Report<'_>) {
    if known == template::CLIENT && (r.scope.dialect || !super::template::is_plain(text)) {
        super::template::path(text, at, r, false);
        return;
    }
    check_names(text, known, at, r);
    if let Some(want) = template::path_fault(text) {
        r.bad(at, want);
    }
}

pub(super) fn check_names(text: &str, known: &[&str], at: &KeyPath, r: &mut Report<'_>) {
    if known == template::CLIENT && (r.scope.dialect || !super::template::is_plain(text)) {
        super::template::lower(text, at, r);
        return;
    }
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
