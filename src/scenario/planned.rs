//! A plan as JSON, for the manifest: every default filled in, no secret.

use super::{
    Backoff, BundledSpec, CarrierSpec, Channels, CostGroup, CursorFrom, CursorInto, CursorSpec, GroupPlan,
    HeaderProfile, LengthPrefix, MessagePiece, MessageTemplate, Method, MetricsPlan, Pick, Plan, PriceSpec,
    PublishPlan, PublishVia, PullSpec, ReceiversFrom, ReconnectSpec, RunPlan, SeriesPlan, SplitSpec,
    StreamSpec, TargetClock, TargetPlan, ValueFrom,
};
use serde_json::{Value, json};

impl Plan {
    /// The plan as it will be done: every default filled in, `<env>` in place of what came from the
    /// environment. Keys end in their unit.
    pub fn to_json(&self) -> Value {
        let mut planned = json!({
            "title": self.title,
            "seed": self.seed,
            "target": target(&self.target),
            "metrics": self.metrics.iter().map(metrics).collect::<Vec<_>>(),
            "claims": self.claims.iter().map(|c| json!({"says": c.says, "case": c.case, "against": c.against, "metric": c.holds.key, "holds": c.holds.text})).collect::<Vec<_>>(),
            "slo": self.slo.iter().map(|o| json!({"key": o.key, "text": o.text, "bound": o.bound})).collect::<Vec<_>>(),
            "slo_on_invalid": self.on_invalid.key(),
            "price": self.price.as_ref().map(price),
            "notes": self.notes,
            "runs": self.runs.iter().map(run).collect::<Vec<_>>(),
            "ladders": self.ladders.iter().map(run).collect::<Vec<_>>(),
        });
        self.secrets.hide_all(&mut planned);
        planned
    }
}

fn price(price: &PriceSpec) -> Value {
    json!({
        "instance_hour": price.instance_hour,
        "cores": price.cores,
        "memory_bytes": price.memory_bytes,
        "egress_gb": price.egress_gb,
        "currency": price.currency,
        "headroom": price.headroom,
    })
}

fn target(target: &TargetPlan) -> Value {
    match target {
        TargetPlan::Bundled(spec) if *spec == BundledSpec::default() => json!("bundled"),
        TargetPlan::Bundled(spec) => json!({"bundled": {
            "fault": spec.faults,
            "ping_ns": spec.ping.map(|d| d.0),
            "hold_ns": spec.hold.map(|d| d.0),
            "history": spec.history,
            "resumption": spec.resumption,
        }}),
        TargetPlan::External {
            base,
            secure_base,
            tls,
            start,
            ready,
            ready_timeout,
            cost,
            probe,
            allow_remote,
        } => {
            json!({
                "base": base.url(),
                "secure_base": secure_base.as_ref().map(super::Base::url),
                "tls": {
                    "ca": tls.ca,
                    "cert": tls.identity.as_ref().map(|i| &i.0),
                    "key": tls.identity.as_ref().map(|i| &i.1),
                    "server_name": tls.server_name,
                    "insecure": tls.insecure,
                    "resumption": tls.resumption,
                },
                "start": start,
                "ready": ready,
                "ready_timeout_ns": ready_timeout.0,
                "cost_port": cost.port.unwrap_or(base.port),
                "cost_pid": cost.pids,
                "cost_command": cost.commands,
                "cost_cgroup": match &cost.group { Some(CostGroup::Path(path)) => Some(path), _ => None },
                "cost_unit": match &cost.group { Some(CostGroup::Unit(unit)) => Some(unit), _ => None },
                // Its token is nobody's business.
                "probe": probe.as_ref().map(|p| json!({"url": p.base.url(), "ca": p.ca})),
                "allow_remote": allow_remote,
            })
        }
    }
}

fn metrics(page: &MetricsPlan) -> Value {
    let series = |s: &SeriesPlan| {
        let (key, place) = match &s.pick {
            Pick::Metric { name, labels } => ("metric", json!({"name": name, "labels": labels})),
            Pick::Pointers(pointers) => ("pointer", json!(pointers)),
            Pick::Key(key) => ("key", json!(key)),
        };
        json!({"name": s.name, key: place, "kind": s.kind.key(), "is": s.is.map(|is| is.key()), "unit": s.unit})
    };
    json!({
        "url": page.url,
        "format": page.format.key(),
        "every_ns": page.every.0,
        "timeout_ns": page.timeout.0,
        "limit_bytes": page.limit_bytes,
        "headers": page.headers.iter().map(|(k, v)| (k.clone(), json!(v))).collect::<serde_json::Map<_, _>>(),
        "ca": page.ca,
        "series": page.series.iter().map(series).collect::<Vec<_>>(),
    })
}

fn run(run: &RunPlan) -> Value {
    json!({
        "case": run.case,
        "repeat": run.repeat,
        "seed": run.seed,
        "swept": run.swept.iter().map(|(k, v)| (k.clone(), json!(v))).collect::<serde_json::Map<_, _>>(),
        "fault": run.faults,
        "clients": run.clients,
        "channels": match &run.channels {
            Channels::Fresh(n) => json!(n),
            Channels::Named(names) => json!(names),
        },
        "groups": run.groups.iter().map(group).collect::<Vec<_>>(),
        "publish": run.publish.as_ref().map(publish),
        "connect_ns": run.phases.connect.0,
        "warmup_ns": run.phases.warmup.0,
        "warmup_least_ns": run.phases.warmup_least.map(|d| d.0),
        "measure_ns": run.phases.measure.0,
        "drain_ns": run.phases.drain.0,
        "ladder": run.stairs.as_ref().map(|s| s.counts().collect::<Vec<_>>()),
        "hold_ns": run.stairs.as_ref().map(|s| s.hold.0),
        "workers": run.workers,
        "pin": run.pin,
        "connect_timeout_ns": run.connect_timeout.0,
        "request_timeout_ns": run.request_timeout.0,
    })
}

fn group(group: &GroupPlan) -> Value {
    json!({
        "name": group.name,
        "weight": group.weight,
        "secure": group.secure,
        "cookies": group.cookies,
        group.carrier.key(): carrier(&group.carrier),
        "headers": headers(&group.headers),
        "dialect": group.dialect.as_ref().map(|d| d.summary()),
        "reconnect": reconnect(&group.reconnect),
        "stay_ns": group.life.stay.map(|d| d.0),
        "away_ns": group.life.away.map(|d| d.0),
        "life": if group.life.fixed { "fixed" } else { "exponential" },
    })
}

fn reconnect(spec: &ReconnectSpec) -> Value {
    let mut value = match spec.backoff {
        Backoff::None => return json!("none"),
        Backoff::Fixed { interval } => json!({"policy": "fixed", "interval_ns": interval.0}),
        Backoff::Exponential { interval, max, decay, jitter } => json!({
            "policy": "exponential", "interval_ns": interval.0, "max_ns": max.0, "decay": decay, "jitter": jitter,
        }),
        Backoff::FullJitter { interval, max, decay } => json!({
            "policy": "full-jitter", "interval_ns": interval.0, "max_ns": max.0, "decay": decay,
        }),
    };
    value["attempts"] = json!(spec.attempts);
    value["timeout_ns"] = json!(spec.timeout.map(|d| d.0));
    value["honour_server"] = json!(spec.honour_server);
    value
}

fn publish(p: &PublishPlan) -> Value {
    json!({
        p.via.key(): via(&p.via),
        "rate_per_s": p.rate_per_s,
        "arrivals": match p.arrivals {
            super::Arrivals::Constant => "constant",
            super::Arrivals::Poisson => "poisson",
        },
        "payload_bytes": p.payload_bytes,
    })
}

fn via(via: &PublishVia) -> Value {
    match via {
        PublishVia::Http(p) => json!({
            "method": p.method,
            "path": p.path,
            "base": p.base.as_ref().map(super::Base::url),
            "status": p.status,
            "headers": pairs(&p.headers),
            "body": message(&p.body),
            "receivers": p.receivers.as_ref().map(|from| match from {
                ReceiversFrom::Pointer(text) => json!({"pointer": text}),
                ReceiversFrom::Regex(text) => json!({"regex": text}),
                ReceiversFrom::Header(name) => json!({"header": name}),
            }),
            "connections": p.connections,
        }),
        PublishVia::InBand(p) => json!({
            "websocket": carrier(&CarrierSpec::WebSocket(p.websocket.clone())),
            "send": message(&p.send),
            "binary": p.binary,
            "connections": p.connections,
        }),
        PublishVia::Echo(p) => json!({"send": message(&p.send), "binary": p.binary}),
        PublishVia::Exec(p) => json!(p.command),
        PublishVia::Target(feed) => json!({
            "sequence": feed.sequence.as_ref().map(value_from),
            "time": feed.time.as_ref().map(|time| {
                let mut value = value_from(&time.from);
                value["unit"] = json!(time.unit.key());
                value["clock"] = clock(&time.clock);
                value
            }),
        }),
    }
}

fn clock(clock: &TargetClock) -> Value {
    match clock {
        TargetClock::Asked(q) => json!({
            "base": q.base.as_ref().map(super::Base::url),
            "get": q.path,
            "received": q.received,
            "sent": q.sent,
            "unit": q.unit.key(),
        }),
        plain => json!(plain.key()),
    }
}

/// A message as it may stand in a scenario.
fn message(template: &MessageTemplate) -> String {
    let piece = |piece: &MessagePiece| match piece {
        MessagePiece::Text(text) => text.clone(),
        MessagePiece::Payload => "${payload}".to_owned(),
        MessagePiece::Channel => "${channel}".to_owned(),
        MessagePiece::Sequence => "${seq}".to_owned(),
    };
    template.0.iter().map(piece).collect()
}

fn value_from(from: &ValueFrom) -> Value {
    match from {
        ValueFrom::Pointer(text) => json!({"pointer": text}),
        ValueFrom::Regex(text) => json!({"regex": text}),
        ValueFrom::At { offset, length } => json!({"offset": offset, "length": length}),
    }
}

fn headers(headers: &HeaderProfile) -> Value {
    match headers {
        HeaderProfile::Minimal => json!("minimal"),
        HeaderProfile::Browser => json!("browser"),
        HeaderProfile::Custom(list) => pairs(list),
    }
}

fn pairs(list: &[(String, String)]) -> Value {
    list.iter().map(|(k, v)| (k.clone(), json!(v))).collect::<serde_json::Map<_, _>>().into()
}

fn carrier(carrier: &CarrierSpec) -> Value {
    match carrier {
        CarrierSpec::Poll(p) => {
            let mut value = pull(&p.pull);
            value["every_ns"] = json!(p.every.0);
            value["pace"] = json!(if p.fixed_rate { "fixed-rate" } else { "fixed-delay" });
            value["endpoint"] = json!(if p.latest_value { "latest" } else { "cursor" });
            value
        }
        CarrierSpec::LongPoll(p) => {
            let mut value = pull(&p.pull);
            value["settle_ns"] = json!(p.settle.0);
            value
        }
        CarrierSpec::Stream(s) => stream(s),
        CarrierSpec::WebSocket(w) => json!({
            "path": w.path,
            "subprotocols": w.subprotocols,
            "send": w.send,
            "binary": w.binary,
            "max_message_bytes": w.max_message_bytes,
            "deflate": w.deflate.map(|d| json!({"no_context_takeover": d.no_context_takeover})),
            "ping": w.ping.map(|p| json!({"every_ns": p.every.0, "timeout_ns": p.timeout.0})),
            "dead_after_ns": w.dead_after.map(|t| t.0),
        }),
    }
}

fn pull(p: &PullSpec) -> Value {
    let mut value = request(p.method, &p.path, &p.body);
    value["status"] = json!(p.status);
    value["empty"] = json!(p.empty);
    value["cursor"] = cursor(&p.cursor);
    value["keep_alive"] = json!(p.keep_alive);
    value
}

fn request(method: Method, path: &str, body: &str) -> Value {
    match method {
        Method::Get => json!({"get": path}),
        Method::Post => json!({"post": path, "body": body}),
    }
}

fn stream(s: &StreamSpec) -> Value {
    let mut value = request(s.method, &s.path, &s.body);
    value["split"] = split(&s.split);
    value["status"] = json!(s.status);
    value["cursor"] = cursor(&s.cursor);
    value["max_duration_ns"] = json!(s.most_duration.map(|d| d.0));
    value["max_events"] = json!(s.most_events);
    value["max_bytes"] = json!(s.most_bytes);
    value["max_message_bytes"] = json!(s.max_message_bytes);
    value
}

fn split(split: &SplitSpec) -> Value {
    let order = |little: bool| if little { "little" } else { "big" };
    match split {
        SplitSpec::Delimiter(bytes) if bytes != b"\n" => json!({"delimiter": String::from_utf8_lossy(bytes)}),
        SplitSpec::Length(LengthPrefix::U8) => json!({"length": "u8"}),
        SplitSpec::Length(LengthPrefix::U16 { little }) => json!({"length": "u16", "order": order(*little)}),
        SplitSpec::Length(LengthPrefix::U32 { little }) => json!({"length": "u32", "order": order(*little)}),
        SplitSpec::Length(LengthPrefix::Varint) => json!({"length": "varint"}),
        named => json!(named.key()),
    }
}

fn cursor(cursor: &CursorSpec) -> Value {
    let CursorSpec::Value { from, into, initial } = cursor else {
        return json!(if *cursor == CursorSpec::None { "none" } else { "etag" });
    };
    let id = "id".to_owned();
    let (from_key, from) = match from {
        CursorFrom::Header(name) => ("header", name),
        CursorFrom::Pointer(text) => ("pointer", text),
        CursorFrom::Regex(text) => ("regex", text),
        CursorFrom::SseId => ("sse", &id),
        CursorFrom::PartHeader(name) => ("part_header", name),
    };
    let (into_key, into) = match into {
        CursorInto::Header(name) => ("into_header", json!(name)),
        CursorInto::Query(name) => ("into_query", json!(name)),
        CursorInto::Body => ("into_body", json!(true)),
    };
    json!({from_key: from, into_key: into, "initial": initial})
}
