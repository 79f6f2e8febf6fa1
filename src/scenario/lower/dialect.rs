//! The keys of a dialect, checked and put together.

mod rows;
mod rules;
mod steps;

use super::template::{self, CaseScope};
use super::{Report, duration, values};
use crate::model::Nanos;
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{Case, Keepalive, Mqtt, Sets, Source};
use crate::scenario::suggest::nearest;
use crate::scenario::units::parse_duration;
use crate::scenario::{
    CarrierSpec, CarrierTexts, CursorSpec, DialectSpec, HeaderProfile, KeepaliveSpec, MqttSpec, Names,
    ReadySpec, Rows, SplitSpec, StepAction, Template, Then,
};
use std::sync::Arc;

/// Shortest period of a keep-alive: below it a client does nothing else.
const LEAST_PERIOD: Nanos = Nanos::from_millis(1);

/// The variables of a case, known before any of its templates is read.
pub(super) fn scope(case: &Case, at: &KeyPath, r: &mut Report<'_>) -> Option<Arc<Rows>> {
    let rows = case.rows.as_deref().and_then(|file| rows::read(file, &at.key("rows"), r));
    let columns = rows.as_ref().map(|rows| rows.columns.clone()).unwrap_or_default();
    r.scope = CaseScope { names: Names::default(), columns, dialect: speaks(case) };
    let vars = case.vars.iter().flat_map(|v| &v.0);
    for (name, _) in vars {
        declare(name, &at.key("vars").key(name), r);
    }
    // Those whose value is in error are known all the same: it is told once, not wherever it is named.
    for name in r.keys(&at.key("vars")) {
        if r.is_broken(&at.key("vars").key(&name)) {
            r.scope.names.add(&name);
        }
    }
    for (i, step) in case.steps.iter().flatten().enumerate() {
        declare_all(step.set.as_ref(), &at.key("steps").index(i).key("set"), r);
    }
    for (i, rule) in case.rule.iter().flatten().enumerate() {
        declare_all(rule.set.as_ref(), &at.key("rule").index(i).key("set"), r);
    }
    if r.scope.names.all().len() > Names::MOST {
        r.bad(at, format_args!("at most {} variables", Names::MOST));
    }
    rows
}

/// Whether a case has any key of a dialect.
fn speaks(case: &Case) -> bool {
    let keys = [
        case.preset.is_some(),
        case.vars.is_some(),
        case.rows.is_some(),
        case.steps.is_some(),
        case.ready.is_some(),
        case.rule.is_some(),
        case.send_by.is_some(),
        case.keepalive.is_some(),
        case.strict.is_some(),
        case.mqtt.is_some(),
        case.split.is_some(),
    ];
    keys.contains(&true)
}

fn declare_all(sets: Option<&Sets>, at: &KeyPath, r: &mut Report<'_>) {
    for (name, _) in sets.iter().flat_map(|s| &s.0) {
        declare(name, &at.key(name), r);
    }
}

fn declare(name: &str, at: &KeyPath, r: &mut Report<'_>) {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let fit = name.starts_with(first) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !fit {
        r.wrong_key(at, format_args!("`{name}` cannot be a variable; want letters, digits and \"_\""));
    } else if Names::BUILT_IN.contains(&name) {
        r.wrong_key(at, format_args!("`{name}` is a variable of pushbench's own; want another name"));
    } else {
        r.scope.names.add(name);
    }
}

/// The dialect of a case; `None` when it needs none.
pub(super) fn lower(
    case: &Case,
    carrier: &CarrierSpec,
    rows: Option<Arc<Rows>>,
    headers: Option<&HeaderProfile>,
    at: &KeyPath,
    r: &mut Report<'_>,
) -> Option<Arc<DialectSpec>> {
    if !r.scope.dialect && !templates_need_it(carrier, headers) {
        return None;
    }
    let request = texts(carrier, headers, at, r);
    let vars = vars(case, at, r);
    let steps = steps::lower(case.steps.as_deref().unwrap_or_default(), &at.key("steps"), r);
    let rules = rules::lower(case.rule.as_deref().unwrap_or_default(), &at.key("rule"), r);
    let send_by = case.send_by.as_ref().map(|s| steps::send_by(s, &at.key("send_by"), r));
    let keepalive = case.keepalive.as_ref().map(|k| keepalive(k, &at.key("keepalive"), r));
    let websocket = matches!(carrier, CarrierSpec::WebSocket(_));
    let mqtt = case.mqtt.as_ref().map(|m| mqtt(m, websocket, &at.key("mqtt"), r));
    let mut spec = DialectSpec {
        preset: case.preset.clone(),
        names: Names::default(),
        keep: keep(case, at, r),
        vars,
        rows,
        request,
        ready: ReadySpec::Open,
        split: split(case, at, r),
        split_across: case.split_across.unwrap_or(false),
        strict: case.strict.unwrap_or(false),
        same_connection: case.same_connection.unwrap_or(!websocket && carrier.keeps_alive()),
        steps,
        rules,
        send_by,
        keepalive,
        mqtt,
    };
    spec.ready = ready(case, &spec, at, r);
    can_send(&spec, carrier, at, r);
    spec.names = std::mem::take(&mut r.scope.names);
    Some(Arc::new(spec))
}

/// Where units end inside what the carrier hands over: boundaries of HTTP are its own business.
fn split(case: &Case, at: &KeyPath, r: &mut Report<'_>) -> SplitSpec {
    let at = at.key("split");
    let spec = super::stream::split(case.split.as_ref(), &at, r);
    if matches!(spec, SplitSpec::Chunk | SplitSpec::Multipart) {
        r.bad(&at, "another splitter: `chunk` and `multipart` need the HTTP answer, see `stream`");
    }
    if case.split_across.is_some() && case.split.is_none() {
        r.wrong(&at, format!("`split_across` without `{at}` cuts nothing"), None);
    }
    spec
}

fn own_texts(carrier: &CarrierSpec) -> (&str, &[String], bool) {
    match carrier {
        CarrierSpec::Poll(p) => (&p.pull.body, &[], false),
        CarrierSpec::LongPoll(p) => (&p.pull.body, &[], false),
        CarrierSpec::Stream(s) => (&s.body, &[], false),
        CarrierSpec::WebSocket(w) => ("", &w.send, w.binary),
    }
}

/// Whether a text of the carrier, or a header, holds more than plain names.
fn templates_need_it(carrier: &CarrierSpec, headers: Option<&HeaderProfile>) -> bool {
    let (body, send, _) = own_texts(carrier);
    let mut texts = [carrier.path(), body].into_iter().chain(send.iter().map(String::as_str));
    let in_headers =
        matches!(headers, Some(HeaderProfile::Custom(list)) if list.iter().any(|(_, v)| v.contains("${")));
    in_headers || texts.any(|t| !template::is_plain(t))
}

fn texts(
    carrier: &CarrierSpec,
    headers: Option<&HeaderProfile>,
    at: &KeyPath,
    r: &mut Report<'_>,
) -> CarrierTexts {
    let (body, send, binary) = own_texts(carrier);
    let at_carrier = at.key(carrier.key());
    let headers = match headers {
        Some(HeaderProfile::Custom(list)) => Some(
            list.iter().map(|(n, v)| (n.clone(), template::lower(v, &at.key("headers").key(n), r))).collect(),
        ),
        _ => None,
    };
    CarrierTexts {
        path: template::lower(carrier.path(), &at_carrier, r),
        body: template::lower(body, &at_carrier.key("body"), r),
        cursor: carrier.cursor().and_then(CursorSpec::initial).unwrap_or_default().to_owned(),
        send: send
            .iter()
            .enumerate()
            .map(|(i, t)| template::lower(t, &at_carrier.key("send").index(i), r))
            .collect(),
        binary,
        headers,
    }
}

/// The start values, each behind those that it names.
fn vars(case: &Case, at: &KeyPath, r: &mut Report<'_>) -> Vec<(u16, Template)> {
    let at = at.key("vars");
    let mut waiting = Vec::new();
    for (name, text) in case.vars.iter().flat_map(|v| &v.0) {
        if let Some(slot) = r.scope.names.find(name) {
            waiting.push((slot, template::lower(text, &at.key(name), r)));
        }
    }
    let mut done: Vec<(u16, Template)> = Vec::new();
    while !waiting.is_empty() {
        let free = |(_, t): &(u16, Template)| !waiting.iter().any(|(slot, _)| t.names(*slot));
        let Some(next) = waiting.iter().position(free) else {
            let names: Vec<&str> = waiting.iter().map(|(slot, _)| r.scope.names.name(*slot)).collect();
            let names = names.join(", ");
            r.wrong(&at, format!("`{at}`: {names} name each other in a circle"), None);
            break;
        };
        done.push(waiting.remove(next));
    }
    done
}

fn keep(case: &Case, at: &KeyPath, r: &mut Report<'_>) -> Vec<u16> {
    let mut kept = Vec::new();
    for (i, name) in case.keep.iter().flatten().enumerate() {
        match r.scope.names.find(name).filter(|s| usize::from(*s) >= Names::BUILT_IN.len()) {
            Some(slot) => kept.push(slot),
            None => {
                let own = &r.scope.names.all()[Names::BUILT_IN.len()..];
                let help =
                    nearest(name, own.iter().map(String::as_str)).map(|n| format!("did you mean \"{n}\"?"));
                r.wrong(&at.key("keep").index(i), format!("`{name}` is no variable of this case"), help);
            }
        }
    }
    kept
}

fn ready(case: &Case, spec: &DialectSpec, at: &KeyPath, r: &mut Report<'_>) -> ReadySpec {
    let by_rule = spec.rules.iter().any(|rule| rule.then.contains(&Then::Ready));
    let at = at.key("ready");
    match case.ready.as_deref() {
        None if by_rule => ReadySpec::Rule,
        None if spec.steps.iter().any(|s| !matches!(s.action, StepAction::Http(_))) => ReadySpec::Steps,
        None | Some("open") => ReadySpec::Open,
        Some("steps") => ReadySpec::Steps,
        Some("rule") if by_rule => ReadySpec::Rule,
        Some("rule") => {
            let help = Some("give one of its rules then = \"ready\"".to_owned());
            r.wrong(&at, format!("`{at}` waits for a rule, and none says \"ready\""), help);
            ReadySpec::Rule
        }
        Some(text) => ReadySpec::Settle(parse_duration(text).unwrap_or_else(|| {
            r.bad(&at, "\"open\", \"steps\", \"rule\" or a time such as \"300 ms\"");
            Nanos::ZERO
        })),
    }
}

/// What is to be sent needs a way.
fn can_send(spec: &DialectSpec, carrier: &CarrierSpec, at: &KeyPath, r: &mut Report<'_>) {
    if matches!(carrier, CarrierSpec::WebSocket(_)) || spec.send_by.is_some() {
        return;
    }
    let help = || Some("say how: send_by = { post = \"/send\", body = \"${text}\" }".to_owned());
    let cannot = |what: &KeyPath| format!("`{what}` sends, and {} has no way to", carrier.key());
    for (i, _) in spec.rules.iter().enumerate().filter(|(_, rule)| !rule.send.is_empty()) {
        let at = at.key("rule").index(i).key("send");
        r.wrong(&at, cannot(&at), help());
    }
    for (i, _) in spec.steps.iter().enumerate().filter(|(_, s)| matches!(s.action, StepAction::Send(_))) {
        let at = at.key("steps").index(i).key("send");
        r.wrong(&at, cannot(&at), help());
    }
    if spec.keepalive.as_ref().is_some_and(|k| k.send.is_some()) {
        let at = at.key("keepalive").key("send");
        r.wrong(&at, cannot(&at), help());
    }
}

fn keepalive(k: &Keepalive, at: &KeyPath, r: &mut Report<'_>) -> KeepaliveSpec {
    if k.every.is_some() != k.send.is_some() {
        r.wrong(at, format!("`{at}` wants `every` and `send` together"), None);
    }
    if k.every.is_none() && k.timeout.is_none() {
        r.wrong(at, format!("`{at}` says neither what to send nor how long to wait"), None);
    }
    let mut text = |key: &str, text: Option<&String>, time: bool| {
        let template = template::lower(text?, &at.key(key), r);
        if time && template.is_fixed() && parse_duration(&template.source).is_none_or(|d| d < LEAST_PERIOD) {
            r.bad(
                &at.key(key),
                "a duration of at least 1 ms with its unit, such as \"25 s\" or \"${ping} ms\"",
            );
        }
        Some(template)
    };
    KeepaliveSpec {
        every: text("every", k.every.as_ref(), true),
        send: text("send", k.send.as_ref(), false),
        timeout: text("timeout", k.timeout.as_ref(), true),
    }
}

fn mqtt(m: &Mqtt, websocket: bool, at: &KeyPath, r: &mut Report<'_>) -> MqttSpec {
    if !websocket {
        r.wrong(at, format!("`{at}` needs a transport with binary messages; want `websocket`"), None);
    }
    let keepalive = duration(m.keepalive.as_ref(), Nanos(60 * Nanos::SECOND.0), &at.key("keepalive"), r);
    if keepalive > Nanos(65_535 * Nanos::SECOND.0) {
        r.bad(&at.key("keepalive"), "at most 65535 s, the most that MQTT can say");
    }
    let mut text = |key: &str, text: &str| template::lower(text, &at.key(key), r);
    MqttSpec {
        topic: text("topic", m.topic.as_deref().unwrap_or_default()),
        client_id: text("client_id", m.client_id.as_deref().unwrap_or("pb${client}")),
        username: m.username.as_deref().map(|t| text("username", t)),
        password: m.password.as_deref().map(|t| text("password", t)),
        qos: m.qos.unwrap_or(0),
        keepalive,
    }
}

/// Where a variable's value comes from, one of several.
fn source(source: &Source, at: &KeyPath, r: &mut Report<'_>) -> Option<crate::scenario::SetFrom> {
    use crate::scenario::SetFrom;
    let table = match source {
        Source::Text(text) => return Some(SetFrom::Template(template::lower(text, at, r))),
        Source::Table(table) => table,
    };
    let given = [
        table.pointer.clone().map(SetFrom::Pointer),
        table.regex.clone().map(SetFrom::Regex),
        table.header.clone().map(SetFrom::Header),
    ];
    let given: Vec<SetFrom> = given.into_iter().flatten().collect();
    let [one] = given.as_slice() else {
        r.wrong(at, format!("`{at}` wants exactly one of pointer, regex, header, or a text"), None);
        return None;
    };
    match one {
        SetFrom::Pointer(text) => values::pointer(text, true, &at.key("pointer"), r),
        SetFrom::Regex(text) => values::regex(text, true, &at.key("regex"), r),
        SetFrom::Header(_) | SetFrom::Template(_) => {}
    }
    Some(one.clone())
}

/// What `set` keeps.
fn sets(sets: Option<&Sets>, at: &KeyPath, r: &mut Report<'_>) -> Vec<crate::scenario::SetSpec> {
    let mut list = Vec::new();
    for (name, from) in sets.iter().flat_map(|s| &s.0) {
        let Some(slot) = r.scope.names.find(name) else { continue };
        if let Some(from) = source(from, &at.key(name), r) {
            list.push(crate::scenario::SetSpec { slot, from });
        }
    }
    list
}
