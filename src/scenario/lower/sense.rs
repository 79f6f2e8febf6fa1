//! What only shows when the parts are seen together.

use super::{Grouped, Report, Scene};
use crate::model::Nanos;
use crate::scenario::path::KeyPath;
use crate::scenario::{
    Base, CarrierSpec, Channels, CursorFrom, CursorInto, CursorSpec, HeaderProfile, Names, PublishPlan,
    PublishVia, SplitSpec, TargetClock, TargetFeed, TargetPlan,
};

pub(super) fn check(scene: &Scene, r: &mut Report<'_>) {
    for group in scene.cases.iter().flat_map(|c| &c.groups) {
        channel_is_named(scene, group, r);
        pull_fits_phases(scene, group, r);
        cursor_fits(scene, group, r);
        secure_place_is_there(scene, group, r);
    }
    faults_are_of_the_bundled_server(scene, r);
    publish_names_channels(scene, r);
    publisher_fits(scene, r);
    if !r.ladders_alone {
        notes(scene, r);
    }
}

fn faults_are_of_the_bundled_server(scene: &Scene, r: &mut Report<'_>) {
    if matches!(scene.target, TargetPlan::Bundled(_)) {
        return;
    }
    for (i, _) in scene.cases.iter().enumerate().filter(|(_, c)| c.faults.is_some()) {
        let help = "leave [target] out, or make your server fail by other means".to_owned();
        let at = KeyPath::at("case").index(i).key("fault");
        r.wrong(&at, "only the bundled server fails on demand, and this target is another", Some(help));
    }
}

/// More than one channel, now or in a sweep.
fn many_channels(scene: &Scene) -> bool {
    scene.channels.len() > 1 || scene.sweep.channels.iter().flatten().any(|n| *n > 1)
}

fn follows_channel(carrier: &CarrierSpec) -> bool {
    let names = |text: &str| text.contains("${channel}");
    let more = match carrier {
        CarrierSpec::Poll(p) => names(&p.pull.body),
        CarrierSpec::LongPoll(p) => names(&p.pull.body),
        CarrierSpec::Stream(s) => names(&s.body),
        CarrierSpec::WebSocket(w) => w.send.iter().any(|s| names(s)),
    };
    more || names(carrier.path())
}

fn channel_is_named(scene: &Scene, group: &Grouped, r: &mut Report<'_>) {
    let at = &group.template_at;
    let dialect = group.plan.dialect.as_deref();
    let follows = follows_channel(&group.plan.carrier) || dialect.is_some_and(|d| d.tells(Names::CHANNEL));
    if many_channels(scene) && !follows {
        let n = scene.channels.len();
        r.wrong(
            at,
            format!("`{at}` has no ${{channel}}, and there is more than one channel ({n})"),
            Some("without it every client would listen to the same feed".into()),
        );
        return;
    }
    let Some(publish) = &scene.publish else { return };
    if r.is_broken(&KeyPath::at("publish.http")) || r.is_broken(&KeyPath::at("publish.in_band")) {
        return;
    }
    let fresh = matches!(scene.channels, Channels::Fresh(_));
    let Some(told) = tells_channel(publish) else { return };
    if fresh && follows != told {
        let whose =
            if matches!(publish.via, PublishVia::Http(_)) { "the publish path" } else { "`publish.in_band`" };
        r.wrong(at, format!("only one of `{at}` and {whose} holds ${{channel}}: they would not meet"),
            Some("channels get a new name in every run; put ${channel} in both, or name them: channels = [\"news\"]".into()));
    }
}

/// Whether the publisher tells the target which channel a message is for; `None` where that is
/// nobody's business.
fn tells_channel(publish: &PublishPlan) -> Option<bool> {
    match &publish.via {
        PublishVia::Http(http) => {
            let in_headers = http.headers.iter().any(|(_, value)| value.contains("${channel}"));
            Some(http.path.contains("${channel}") || http.body.names_channel() || in_headers)
        }
        PublishVia::InBand(in_band) => Some(in_band.names_channel() || in_band.send.names_channel()),
        PublishVia::Echo(_) | PublishVia::Exec(_) | PublishVia::Target(_) => None,
    }
}

fn secure_place_is_there(scene: &Scene, group: &Grouped, r: &mut Report<'_>) {
    let TargetPlan::External { base, secure_base, .. } = &scene.target else { return };
    let target = KeyPath::at("target");
    let known = r.is_broken(&target.key("base")) || r.is_broken(&target.key("secure_base"));
    if group.plan.secure && !base.tls && secure_base.is_none() && !known {
        let at = group.at.key("secure");
        r.wrong(
            &at,
            format!("`{at}` has nowhere to attach: the target has no `secure_base`"),
            Some("add secure_base = \"https://127.0.0.1:18443\" to [target]".into()),
        );
    }
}

fn publish_names_channels(scene: &Scene, r: &mut Report<'_>) {
    let Some(publish) = &scene.publish else { return };
    if !many_channels(scene) || tells_channel(publish) != Some(false) {
        return;
    }
    let at = match &publish.via {
        PublishVia::Http(http) => KeyPath::at("publish.http").key(&http.method.to_ascii_lowercase()),
        _ => KeyPath::at("publish.in_band"),
    };
    r.wrong(
        &at,
        format!("`{at}` has no ${{channel}}, and there is more than one channel"),
        Some("without it every message would go to the same place".into()),
    );
}

/// What a way of publishing asks of the clients.
fn publisher_fits(scene: &Scene, r: &mut Report<'_>) {
    let Some(publish) = &scene.publish else { return };
    let groups = || scene.cases.iter().flat_map(|c| &c.groups);
    match &publish.via {
        PublishVia::Echo(_) => {
            for group in groups().filter(|g| !matches!(g.plan.carrier, CarrierSpec::WebSocket(_))) {
                let message = format!(
                    "`{}` cannot send, and with `publish.echo` each client does",
                    group.plan.carrier.key()
                );
                let help = "echo works with `websocket`; publish by `http` for the others".to_owned();
                r.wrong(&group.at.key(group.plan.carrier.key()), message, Some(help));
            }
            if many_channels(scene) {
                let message =
                    "`publish.channels` has nothing to set: with `echo` each client has its own messages";
                r.wrong(&KeyPath::at("publish.channels"), message, Some("leave it out".to_owned()));
            }
        }
        PublishVia::Target(_) => {
            let fresh = matches!(scene.channels, Channels::Fresh(_));
            for group in groups().filter(|g| fresh && follows_channel(&g.plan.carrier)) {
                let at = &group.template_at;
                let help = "name the channels that the target publishes to: channels = [\"tick\"]".to_owned();
                r.wrong(
                    at,
                    format!("`{at}` holds ${{channel}}, which would be a new name in every run"),
                    Some(help),
                );
            }
        }
        PublishVia::Http(_) | PublishVia::InBand(_) | PublishVia::Exec(_) => {}
    }
}

fn pull_fits_phases(scene: &Scene, group: &Grouped, r: &mut Report<'_>) {
    let CarrierSpec::Poll(poll) = &group.plan.carrier else { return };
    // A stand-in for a period that is in error must not be held against anything.
    if r.is_broken(&group.at.key("poll").key("every")) {
        return;
    }
    if poll.every > scene.load.measure {
        let want =
            format!("at most `load.measure` ({}): a client might not ask once", show(scene.load.measure));
        r.bad(&group.at.key("poll").key("every"), want);
        return;
    }
    let least = poll.every + Nanos::SECOND;
    if scene.publish.is_some() && scene.load.drain.is_some_and(|drain| drain < least) {
        let want = format!(
            "at least {} for case \"{}\" (its period and 1 s): messages still waiting for the next poll would be called lost",
            show(least),
            group.plan.name
        );
        r.bad(&KeyPath::at("load.drain"), want);
    }
}

fn show(d: Nanos) -> String {
    crate::scenario::units::show_duration(d)
}

/// A header that the cursor writes must not also be a fixed one.
fn cursor_fits(scene: &Scene, group: &Grouped, r: &mut Report<'_>) {
    let Some(cursor) = group.plan.carrier.cursor() else { return };
    let key = group.plan.carrier.key();
    source_fits(cursor, group, r);
    body_fits(cursor, group, r);
    let written: Vec<&str> = match cursor {
        CursorSpec::Etag => vec!["If-None-Match", "If-Modified-Since"],
        CursorSpec::Value { into: CursorInto::Header(name), .. } => vec![name],
        _ => vec![],
    };
    let (HeaderProfile::Custom(fixed), at) = (match group.own_headers {
        true => (&group.plan.headers, group.at.key("headers")),
        false => (&scene.load.headers, KeyPath::at("load.headers")),
    }) else {
        return;
    };
    if let Some((name, _)) = fixed.iter().find(|(n, _)| written.iter().any(|w| w.eq_ignore_ascii_case(n))) {
        r.wrong(
            &at.key(name),
            format!("header `{name}` is written by the cursor of case \"{}\"", group.plan.name),
            Some(format!("leave it out, or set `{key}.cursor`")),
        );
    }
}

/// A cursor is read where there is something to read: an SSE id in Server-Sent Events.
fn source_fits(cursor: &CursorSpec, group: &Grouped, r: &mut Report<'_>) {
    let CursorSpec::Value { from, .. } = cursor else { return };
    let split = match &group.plan.carrier {
        CarrierSpec::Stream(s) => Some(&s.split),
        _ => None,
    };
    let (key, want, fits) = match from {
        CursorFrom::SseId => ("sse", "Server-Sent Events", split == Some(&SplitSpec::Sse)),
        CursorFrom::PartHeader(_) => ("part_header", "multipart", split == Some(&SplitSpec::Multipart)),
        _ => return,
    };
    if !fits {
        let at = group.at.key(group.plan.carrier.key()).key("cursor").key(key);
        r.wrong(&at, format!("`{at}` is read from {want}, and this is something else"), None);
    }
}

/// A cursor that goes into the body is named there; one that is named there is read somewhere.
fn body_fits(cursor: &CursorSpec, group: &Grouped, r: &mut Report<'_>) {
    let carrier = &group.plan.carrier;
    let named = group.plan.dialect.as_ref().is_some_and(|d| d.request.body.names(Names::CURSOR));
    let wanted = matches!(cursor, CursorSpec::Value { into: CursorInto::Body, .. });
    let at = group.at.key(carrier.key());
    if wanted && !named {
        let (into, body) = (at.key("cursor").key("into_body"), at.key("body"));
        let help = "such as post = \"/poll\", body = '{\"since\": \"${cursor}\"}'".to_owned();
        r.wrong(&into, format!("`{into}` wants a `{body}` that names `${{cursor}}`"), Some(help));
    }
    if named && *cursor == CursorSpec::None {
        let help = "such as cursor = { header = \"X-Next\", into_body = true }".to_owned();
        let body = at.key("body");
        r.wrong(&body, format!("`{body}` names `${{cursor}}`, and the case has no cursor"), Some(help));
    }
}

/// What a stream will lose or leave out, told beforehand.
fn stream_notes(group: &Grouped, r: &mut Report<'_>) {
    let CarrierSpec::Stream(s) = &group.plan.carrier else { return };
    let name = &group.plan.name;
    if s.split == SplitSpec::Whole {
        r.note(format!(
            "case \"{name}\" takes a whole answer as one message: nothing is delivered before it ends"
        ));
    }
    let capped = s.most_duration.is_some() || s.most_events.is_some() || s.most_bytes.is_some();
    if capped && s.cursor == CursorSpec::None {
        r.note(format!(
            "case \"{name}\" ends its answers itself and has no cursor: what comes between two answers is lost, and counted so"
        ));
    }
}

fn notes(scene: &Scene, r: &mut Report<'_>) {
    let external = matches!(scene.target, TargetPlan::External { .. });
    let fewest = scene.sweep.clients.iter().flatten().copied().chain([scene.load.clients]).min().unwrap_or(1);
    if (scene.channels.len() as u64) > u64::from(fewest) {
        r.note(format!(
            "{} channels and {fewest} clients: some channels have no listener",
            scene.channels.len()
        ));
    }
    match &scene.publish {
        None if external => r.note("nothing is published: delivery time and loss are measured only for messages that carry our stamp"),
        None => r.note("nothing is published: an idle run, which prices connections"),
        Some(p) => published_notes(scene, p, r),
    }
    for group in scene.cases.iter().flat_map(|c| &c.groups) {
        stream_notes(group, r);
        let (CarrierSpec::Poll(_) | CarrierSpec::LongPoll(_)) = group.plan.carrier else { continue };
        let (key, cursor) = (group.plan.carrier.key(), group.plan.carrier.cursor());
        let latest = group.plan.carrier.conflates();
        // What a session of a dialect has not fetched yet, the target may well keep for it.
        let bare = group.plan.dialect.is_none();
        if cursor == Some(&CursorSpec::None) && bare && !latest && scene.publish.is_some() {
            let meant = if key == "poll" {
                "answers may repeat what a client has (counted as redundant)"
            } else {
                "what comes between two requests is lost, and counted so"
            };
            r.note(format!("case \"{}\" has no cursor: {meant}", group.plan.name));
        }
    }
}

/// What the way of publishing can tell.
fn published_notes(scene: &Scene, publish: &PublishPlan, r: &mut Report<'_>) {
    match &publish.via {
        PublishVia::Target(feed) => {
            clock_note(feed, r);
            r.note(match (&feed.time, &feed.sequence) {
            (Some(_), Some(_)) => "the target publishes by itself: delivery time and gaps are told by its own time and sequence",
            (Some(_), None) => "the target publishes by itself and tells a time but no sequence: loss cannot be told",
            (None, Some(_)) => "the target publishes by itself and tells a sequence but no time: delivery time cannot be told",
            (None, None) => "the target publishes by itself and nothing in its messages is read: only how far receivers lie apart can be told",
            });
        }
        _ => few_samples(scene, publish, r),
    }
}

/// Where the clock is asked by which delivery times are told.
fn clock_note(feed: &TargetFeed, r: &mut Report<'_>) {
    if let Some(TargetClock::Asked(question)) = feed.time.as_ref().map(|time| &time.clock) {
        let base = question.base.as_ref().map(Base::url).unwrap_or_default();
        r.note(format!(
            "the clock of its times is asked before, during and after each run: GET {base}{}; delivery times are told \
             with the bound of its error, and no difference below twice that is one",
            question.path
        ));
    }
}

/// A quantile needs 10 publishes beyond it to be shown and 100 to be judged: a run that can never have
/// them is told beforehand.
fn few_samples(scene: &Scene, publish: &PublishPlan, r: &mut Report<'_>) {
    let swept = &scene.sweep;
    if swept.clients.is_some() || swept.rate.is_some() || swept.channels.is_some() {
        return;
    }
    let sources = if publish.is_echo() { scene.load.clients as usize } else { scene.channels.len() };
    let expected = publish.rate_per_s * sources as f64 * scene.load.measure.as_secs_f64();
    if expected < 1000.0 {
        r.note(format!("about {expected:.0} publishes a run: a p99 needs 1000, so it will not be shown"));
    }
    for slo in &scene.slo {
        let needed = match slo.key.as_str() {
            "delivery_p50" => 200.0,
            "delivery_p90" => 1_000.0,
            "delivery_p99" => 10_000.0,
            "delivery_p999" => 100_000.0,
            _ => continue,
        };
        if expected < needed * 0.999 {
            let key = &slo.key;
            r.note(format!(
                "about {expected:.0} publishes a run: an objective on {key} is judged with {needed}, so it will stay unknown"
            ));
        }
    }
}
