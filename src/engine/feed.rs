//! What one worker publishes, made from the plan: its channels, and the way to the target.

use super::worker::Setup;
use crate::client::{
    ClientState, EchoWay, Feed, FeedChannel, Follow, HttpWay, InBandWay, Publisher, TheirClock, Way,
    Workplace,
};
use crate::clock;
use crate::model::Nanos;
use crate::net::{Endpoint, Place, TlsClient};
use crate::pace::{Schedule, Spacing};
use crate::scenario::{
    Arrivals, CarrierSpec, HeaderProfile, HttpPublish, InBandPublish, MessageTemplate, PublishPlan,
    PublishVia, TargetClock, fill,
};
use crate::transport::{self, MessageMaker, OwnValues, PostHead, ReceiversReader, RequestKind};
use std::io;
use std::rc::Rc;
use std::sync::Arc;

/// The publisher of this worker, about to start; `None` when it has nothing to publish. `clients` are
/// those of the worker, in their order.
pub(super) fn publisher(
    setup: &Setup,
    place: &Rc<Workplace>,
    clients: &[Rc<ClientState>],
    tls: Option<&TlsClient>,
) -> io::Result<Option<Rc<Publisher>>> {
    let Some(plan) = &setup.run.publish else { return Ok(None) };
    let Some((way, numbers)) = way(setup, plan, clients, tls)? else { return Ok(None) };
    let channels = numbers.into_iter().map(|i| channel(setup, plan, i)).collect();
    let feed = Feed {
        channels,
        start: setup.timeline.connected,
        measure: setup.timeline.measured(),
        message: MessageMaker::new(template(plan), plan.payload_bytes as usize),
        way,
    };
    Publisher::new(Rc::clone(place), feed).map(Some)
}

/// How the messages of a target that publishes by itself are told.
pub(super) fn follow(setup: &Setup) -> Option<Follow> {
    let feed = setup.run.publish.as_ref()?.by_target()?;
    let clock = match feed.time.as_ref().map(|time| &time.clock) {
        Some(TargetClock::Wall) => TheirClock::Ahead(clock::wall_ahead()),
        Some(TargetClock::Asked(_)) => match &setup.their_clock {
            Some(line) => TheirClock::Asked(Arc::clone(line)),
            None => TheirClock::Unknown(clock::wall_ahead()),
        },
        Some(TargetClock::Monotonic) | None => TheirClock::Ahead(Nanos::ZERO),
    };
    Some(Follow::new(OwnValues::new(feed), clock, setup.run.channels.len()))
}

fn template(plan: &PublishPlan) -> &MessageTemplate {
    static PLAIN: std::sync::LazyLock<MessageTemplate> = std::sync::LazyLock::new(MessageTemplate::plain);
    match &plan.via {
        PublishVia::Http(http) => &http.body,
        PublishVia::InBand(in_band) => &in_band.send,
        PublishVia::Echo(echo) => &echo.send,
        PublishVia::Exec(_) | PublishVia::Target(_) => &PLAIN,
    }
}

/// The way to the target, and the channels that this worker publishes.
fn way(
    setup: &Setup,
    plan: &PublishPlan,
    clients: &[Rc<ClientState>],
    tls: Option<&TlsClient>,
) -> io::Result<Option<(Way, Vec<usize>)>> {
    let of_worker: Vec<usize> = (setup.index..setup.run.channels.len()).step_by(setup.workers).collect();
    Ok(match &plan.via {
        PublishVia::Http(http) => Some((Way::Http(by_http(setup, http, &of_worker, tls)), of_worker)),
        PublishVia::InBand(in_band) => {
            Some((Way::InBand(in_band_of(setup, in_band, &of_worker, tls)), of_worker))
        }
        PublishVia::Echo(echo) => {
            let way = EchoWay { clients: clients.to_vec(), binary: echo.binary };
            Some((Way::Echo(way), clients.iter().map(|c| c.channel as usize).collect()))
        }
        // One program for all, and one worker that feeds it: its lines never mix.
        PublishVia::Exec(_) if setup.index > 0 => None,
        PublishVia::Exec(_) => {
            let pipe =
                setup.pipe.as_ref().ok_or_else(|| io::Error::other("no program to publish through"))?;
            Some((Way::Pipe(pipe.try_clone()?), (0..setup.run.channels.len()).collect()))
        }
        PublishVia::Target(_) => None,
    })
}

fn channel(setup: &Setup, plan: &PublishPlan, i: usize) -> FeedChannel {
    let spacing = match plan.arrivals {
        Arrivals::Constant => Spacing::Constant,
        Arrivals::Poisson => Spacing::Poisson,
    };
    FeedChannel {
        index: i as u32,
        name: name(setup, i).into(),
        schedule: Schedule::of_channel(spacing, plan.rate_per_s, setup.run.seed, i as u32),
    }
}

/// The name of a channel; with `echo` there are more of them than names.
fn name(setup: &Setup, i: usize) -> String {
    let channels = &setup.run.channels;
    channels.name(i % channels.len(), setup.tag)
}

fn by_http(setup: &Setup, http: &HttpPublish, channels: &[usize], tls: Option<&TlsClient>) -> HttpWay {
    let site = &setup.sites.publish;
    let head = |i: &usize| {
        let name = name(setup, *i);
        let line = |(key, value): &(String, String)| format!("{key}: {}\r\n", fill(value, &name, 0));
        let headers: String = http.headers.iter().map(line).collect();
        PostHead::new(&http.method, &fill(&http.path, &name, 0), &site.authority, &headers)
    };
    HttpWay {
        to: Place { tls: site.profile(tls), ..Place::plain(site.address) },
        heads: channels.iter().map(head).collect(),
        status: http.status.clone(),
        connections: (http.connections as usize).div_ceil(setup.workers),
        receivers: http.receivers.as_ref().map(|from| Rc::new(ReceiversReader::new(from))),
    }
}

fn in_band_of(
    setup: &Setup,
    in_band: &InBandPublish,
    channels: &[usize],
    tls: Option<&TlsClient>,
) -> InBandWay {
    let site = &setup.sites.publish;
    let profile = site.profile(tls);
    let own_lines = in_band.names_channel();
    let most = (in_band.connections as usize).div_ceil(setup.workers);
    let count = if own_lines { channels.len() } else { most.min(channels.len()) };
    let line = |i: usize| {
        let name = name(setup, channels[i]);
        let number = (i * setup.workers + setup.index) as u32;
        let filled = |text: &str| fill(text, &name, number);
        Endpoint {
            headers: transport::block(
                &HeaderProfile::Minimal,
                RequestKind::WebSocket,
                &site.authority,
                profile.is_some(),
            ),
            send: in_band.websocket.send.iter().map(|text| filled(text)).collect(),
            tls: profile.clone(),
            ..Endpoint::new(site.address, site.authority.clone(), filled(&in_band.websocket.path))
        }
    };
    InBandWay {
        carrier: Rc::from(transport::carrier(&CarrierSpec::WebSocket(in_band.websocket.clone()))),
        lines: (0..count).map(line).collect(),
        line_of: (0..channels.len()).map(|i| i % count).collect(),
        binary: in_band.binary,
    }
}
