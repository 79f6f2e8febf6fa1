//! How messages get to the target: exactly one way.

use super::{AUTO_CONNECTIONS, message, target};
use crate::scenario::lower::Report;
use crate::scenario::lower::base::parse_base;
use crate::scenario::lower::case;
use crate::scenario::lower::cursor;
use crate::scenario::lower::headers::pairs_of;
use crate::scenario::lower::values;
use crate::scenario::lower::websocket;
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{Echo, Http, InBand, Publish, ReceiversTable};
use crate::scenario::{
    CarrierSpec, EchoPublish, ExecPublish, HttpPublish, InBandPublish, MessageTemplate, PublishVia,
    ReceiversFrom, TargetFeed, template,
};

/// The one way that is named. Of several each is looked at all the same: its own errors are not to
/// wait for a second try.
pub(super) fn lower(publish: &Publish, r: &mut Report<'_>) -> PublishVia {
    let mut found = Vec::new();
    if let Some(http) = &publish.http {
        found.push(PublishVia::Http(self::http(http, publish.connections, r)));
    }
    if let Some(in_band) = &publish.in_band {
        found.extend(self::in_band(in_band, publish.connections, r).map(PublishVia::InBand));
    }
    if let Some(echo) = &publish.echo {
        found.push(PublishVia::Echo(self::echo(echo, r)));
    }
    if let Some(command) = &publish.exec {
        found.push(PublishVia::Exec(ExecPublish { command: command.clone() }));
    }
    if let Some(none) = &publish.none {
        found.push(PublishVia::Target(target::lower(none, r)));
    }
    if found.len() != 1 {
        not_one(&found, r);
    }
    found.into_iter().next().unwrap_or(PublishVia::Target(TargetFeed::default()))
}

fn not_one(found: &[PublishVia], r: &mut Report<'_>) {
    let at = KeyPath::at("publish");
    let others = ["rate", "channels", "payload", "arrivals", "connections"];
    if found.is_empty() && r.is_broken_beside(&at, &others) {
        return;
    }
    let keys: Vec<&str> = found.iter().map(PublishVia::key).collect();
    let has = if keys.is_empty() { "no publisher".to_owned() } else { keys.join(" and ") };
    let help = "such as http = { post = \"/pub/${channel}\" }".to_owned();
    // A key that nobody wrote: errors beside it are still told.
    r.wrong(
        &at.key("via"),
        format!("`publish` has {has}; want exactly one of http, in_band, echo, exec, none"),
        Some(help),
    );
}

fn http(http: &Http, connections: Option<u32>, r: &mut Report<'_>) -> HttpPublish {
    let at = KeyPath::at("publish.http");
    let (method, path) = endpoint(http, r);
    let headers = http.headers.as_ref().map(|h| pairs_of(h, &at.key("headers"), r)).unwrap_or_default();
    for (name, value) in &headers {
        case::check_names(value, template::PUBLISH, &at.key("headers").key(name), r);
    }
    let base = http.base.as_deref();
    HttpPublish {
        path,
        base: base.and_then(|text| parse_base(text).map_err(|want| r.bad(&at.key("base"), want)).ok()),
        method,
        status: http.status.clone().unwrap_or_else(|| vec![200, 201, 202, 204]),
        headers,
        body: template(http.body.as_deref(), &at.key("body"), r),
        receivers: http.receivers.as_ref().and_then(|t| receivers(t, &at.key("receivers"), r)),
        connections: connections.unwrap_or(AUTO_CONNECTIONS),
    }
}

fn endpoint(http: &Http, r: &mut Report<'_>) -> (String, String) {
    let at = KeyPath::at("publish.http");
    let (method, path) = match (&http.post, &http.put) {
        (Some(path), None) => ("POST", path),
        (None, Some(path)) => ("PUT", path),
        _ => {
            let help = "such as { post = \"/pub/${channel}\" }".to_owned();
            r.wrong(&at.key("post"), "`publish.http` wants exactly one of post and put", Some(help));
            return ("POST".into(), "/".into());
        }
    };
    case::check_path(path, template::PUBLISH, &at.key(&method.to_ascii_lowercase()), r);
    (method.into(), path.clone())
}

fn template(text: Option<&str>, at: &KeyPath, r: &mut Report<'_>) -> MessageTemplate {
    let Some(text) = text else { return MessageTemplate::plain() };
    message::cut(text).unwrap_or_else(|fault| {
        let help = "such as \"{\\\"data\\\":${json(payload)}}\"".to_owned();
        r.wrong(at, format!("`{at}` will not do: {fault}"), Some(help));
        MessageTemplate::plain()
    })
}

fn receivers(table: &ReceiversTable, at: &KeyPath, r: &mut Report<'_>) -> Option<ReceiversFrom> {
    let all = [
        table.pointer.clone().map(ReceiversFrom::Pointer),
        table.regex.clone().map(ReceiversFrom::Regex),
        table.header.clone().map(ReceiversFrom::Header),
    ];
    let mut found: Vec<_> = all.into_iter().flatten().collect();
    if found.len() != 1 {
        r.wrong(at, format!("`{at}` wants exactly one of pointer, regex, header"), None);
    }
    for from in &found {
        match from {
            ReceiversFrom::Pointer(text) => values::pointer(text, false, &at.key("pointer"), r),
            ReceiversFrom::Regex(text) => values::regex(text, true, &at.key("regex"), r),
            ReceiversFrom::Header(name) => cursor::token(name, &at.key("header"), r),
        }
    }
    found.pop()
}

fn in_band(in_band: &InBand, connections: Option<u32>, r: &mut Report<'_>) -> Option<InBandPublish> {
    let at = KeyPath::at("publish.in_band");
    let send = template(in_band.send.as_deref(), &at.key("send"), r);
    let CarrierSpec::WebSocket(websocket) =
        websocket::lower(in_band.websocket.as_ref()?, &at.key("websocket"), r)
    else {
        return None;
    };
    // Publishers receive nothing, and have no cursor.
    if websocket.send.iter().chain([&websocket.path]).any(|text| text.contains("${cursor}")) {
        let at = at.key("websocket");
        r.wrong(&at, format!("`{at}` holds `${{cursor}}`, and publishers have none"), None);
    }
    let binary = in_band.binary.unwrap_or(false);
    Some(InBandPublish { websocket, send, binary, connections: connections.unwrap_or(AUTO_CONNECTIONS) })
}

fn echo(echo: &Echo, r: &mut Report<'_>) -> EchoPublish {
    let send = template(echo.send.as_deref(), &KeyPath::at("publish.echo.send"), r);
    EchoPublish { send, binary: echo.binary.unwrap_or(false) }
}
