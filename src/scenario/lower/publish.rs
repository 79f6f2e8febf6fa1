//! `[publish]` to a feed.

mod clock;
mod message;
mod target;
mod via;

use super::Report;
use crate::model::Stamp;
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{Bytes, ChannelsOf, PerSecond, Publish, Spacing, Text};
use crate::scenario::{Arrivals, Channels, PublishPlan, PublishVia};

/// Not said: `layout` fits them to the rate.
pub(in crate::scenario) const AUTO_CONNECTIONS: u32 = 0;

/// Above this one payload would fill a socket buffer many times over; a slip of the unit is likelier.
const LARGEST_PAYLOAD: u64 = 16 * 1024 * 1024;
/// A million messages a second on one channel is beyond any publisher of this kind.
const HIGHEST_RATE: f64 = 1e6;

pub(super) fn lower(publish: &Publish, r: &mut Report<'_>) -> PublishPlan {
    let via = via::lower(publish, r);
    let by_target = publish.none.is_some() && matches!(via, PublishVia::Target(_));
    if by_target {
        nothing_to_pace(publish, r);
    } else if publish.rate.is_none() && !r.is_broken(&KeyPath::at("publish.rate")) {
        let help = "such as rate = \"20/s\"".to_owned();
        r.wrong(&KeyPath::at("publish.rate"), "`publish.rate` is missing; want a rate", Some(help));
    }
    only_with_connections(publish, &via, r);
    let rate = publish.rate.as_ref().map(|rate| checked_rate(rate, &KeyPath::at("publish.rate"), r));
    let payload = publish.payload.as_ref().map(|p| checked_payload(p, &KeyPath::at("publish.payload"), r));
    PublishPlan {
        rate_per_s: if by_target { 0.0 } else { rate.unwrap_or(1.0) },
        arrivals: match publish.arrivals {
            Some(Spacing::Poisson) => Arrivals::Poisson,
            Some(Spacing::Constant) | None => Arrivals::Constant,
        },
        payload_bytes: if by_target { 0 } else { payload.unwrap_or(64) },
        via,
    }
}

/// A target that publishes by itself keeps its own pace.
fn nothing_to_pace(publish: &Publish, r: &mut Report<'_>) {
    let given = [
        ("rate", publish.rate.is_some()),
        ("arrivals", publish.arrivals.is_some()),
        ("payload", publish.payload.is_some()),
    ];
    for (key, _) in given.into_iter().filter(|(_, given)| *given) {
        let message =
            format!("`publish.{key}` has nothing to set: with `none` the target publishes by itself");
        r.wrong(&KeyPath::at("publish").key(key), message, Some("leave it out".to_owned()));
    }
}

fn only_with_connections(publish: &Publish, via: &PublishVia, r: &mut Report<'_>) {
    let at = KeyPath::at("publish.connections");
    match via {
        _ if publish.connections.is_none() => {}
        PublishVia::Http(_) => {}
        PublishVia::InBand(in_band) if !in_band.names_channel() => {}
        PublishVia::InBand(_) => r.wrong(
            &at,
            "`publish.connections` has nothing to set: `publish.in_band.websocket` names ${channel}, so each channel has one",
            Some("leave it out".to_owned()),
        ),
        PublishVia::Echo(_) | PublishVia::Exec(_) | PublishVia::Target(_) => r.wrong(
            &at,
            format!("`publish.connections` has nothing to set: `{}` has none of its own", via.key()),
            Some("leave it out".to_owned()),
        ),
    }
}

pub(in crate::scenario) fn checked_rate(rate: &Text<PerSecond>, path: &KeyPath, r: &mut Report<'_>) -> f64 {
    let Text(PerSecond(per_s)) = *rate;
    if per_s <= 0.0 {
        r.bad(path, "a rate above 0 (leave [publish] out for a run without messages)");
    } else if per_s > HIGHEST_RATE {
        r.bad(path, "at most 1000000/s on one channel");
    }
    per_s
}

pub(in crate::scenario) fn checked_payload(size: &Text<Bytes>, path: &KeyPath, r: &mut Report<'_>) -> u32 {
    let Text(Bytes(bytes)) = *size;
    if bytes < Stamp::LEN as u64 {
        r.bad(path, format_args!("at least {} B: every message carries a stamp of that length", Stamp::LEN));
    } else if bytes > LARGEST_PAYLOAD {
        r.bad(path, "at most 16 MiB");
    }
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

pub(super) fn channels(channels: Option<&ChannelsOf>, r: &mut Report<'_>) -> Channels {
    match channels {
        None => Channels::Fresh(1),
        Some(ChannelsOf::Count(n)) => Channels::Fresh(*n),
        Some(ChannelsOf::Names(names)) => {
            let at = KeyPath::at("publish.channels");
            for (i, name) in names.iter().enumerate() {
                if names[..i].contains(name) {
                    r.wrong(&at.index(i), format!("channel \"{name}\" is there twice"), None);
                }
            }
            Channels::Named(names.clone())
        }
    }
}
