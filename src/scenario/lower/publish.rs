//! `[publish]` to a feed.

use super::Report;
use super::base::parse_base;
use super::headers::pairs_of;
use crate::model::Stamp;
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{Bytes, ChannelsOf, Http, PerSecond, Publish, Spacing, Text};
use crate::scenario::{Arrivals, Channels, PublishPlan, template};

/// Not said: `layout` fits them to the rate.
pub(in crate::scenario) const AUTO_CONNECTIONS: u32 = 0;

/// Above this one payload would fill a socket buffer many times over; a slip of the unit is likelier.
const LARGEST_PAYLOAD: u64 = 16 * 1024 * 1024;
/// A million messages a second on one channel is beyond any publisher of this kind.
const HIGHEST_RATE: f64 = 1e6;

pub(super) fn lower(publish: &Publish, r: &mut Report<'_>) -> PublishPlan {
    let nothing = Http::default();
    let http = publish.http.as_ref().unwrap_or(&nothing);
    let (method, path) = endpoint(http, publish.http.is_some(), r);
    let at = KeyPath::at("publish.http");
    PublishPlan {
        path,
        base: http
            .base
            .as_deref()
            .and_then(|text| parse_base(text).map_err(|want| r.bad(&at.key("base"), want)).ok()),
        method,
        status: http.status.clone().unwrap_or_else(|| vec![200, 201, 202, 204]),
        headers: http.headers.as_ref().map(|h| pairs_of(h, &at.key("headers"), r)).unwrap_or_default(),
        rate_per_s: publish
            .rate
            .as_ref()
            .map_or(1.0, |rate| checked_rate(rate, &KeyPath::at("publish.rate"), r)),
        arrivals: match publish.arrivals {
            Some(Spacing::Poisson) => Arrivals::Poisson,
            Some(Spacing::Constant) | None => Arrivals::Constant,
        },
        payload_bytes: publish
            .payload
            .as_ref()
            .map_or(64, |p| checked_payload(p, &KeyPath::at("publish.payload"), r)),
        connections: publish.connections.unwrap_or(AUTO_CONNECTIONS),
    }
}

fn endpoint(http: &Http, given: bool, r: &mut Report<'_>) -> (String, String) {
    let at = KeyPath::at("publish.http");
    let (method, path) = match (&http.post, &http.put) {
        (Some(path), None) => ("POST", path),
        (None, Some(path)) => ("PUT", path),
        _ => {
            if given {
                let help = "such as { post = \"/pub/${channel}\" }".to_owned();
                r.wrong(&at.key("post"), "`publish.http` wants exactly one of post and put", Some(help));
            }
            return ("POST".into(), "/".into());
        }
    };
    let key = at.key(&method.to_ascii_lowercase());
    super::case::check_path(path, template::PUBLISH, &key, r);
    (method.into(), path.clone())
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
