//! `[[metrics]]`: can each page be asked, and is each number where its format has numbers.

use super::base::parse_base;
use super::{Report, nonzero};
use crate::model::Nanos;
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{self, Metrics, Series};
use crate::scenario::{MetricsFormat, MetricsPlan, Pick, SeriesIs, SeriesKind, SeriesPlan};

/// Room for the answer of a server with tens of thousands of series.
const LIMIT: u64 = 4 << 20;
/// More would be held in memory and parsed each second.
const GREATEST_LIMIT: u64 = 64 << 20;

pub(super) fn lower(all: &[Metrics], r: &mut Report<'_>) -> Vec<MetricsPlan> {
    let mut names = Vec::new();
    let at = |i| KeyPath::at("metrics").index(i);
    all.iter().enumerate().map(|(i, one)| page(one, &at(i), &mut names, r)).collect()
}

fn page(raw: &Metrics, at: &KeyPath, names: &mut Vec<String>, r: &mut Report<'_>) -> MetricsPlan {
    let url = raw.url.clone().unwrap_or_default();
    if !url.is_empty() && !r.is_broken(&at.key("url")) {
        check_url(&url, &at.key("url"), r);
    }
    let every = nonzero(raw.every.as_ref(), Nanos::SECOND, &at.key("every"), r);
    if !every.0.is_multiple_of(Nanos::SECOND.0) {
        r.bad(&at.key("every"), "whole seconds, such as \"1s\": a run reads its costs once a second");
    }
    let limit_bytes = raw.limit.as_ref().map_or(LIMIT, |l| l.0.0);
    if limit_bytes == 0 || limit_bytes > GREATEST_LIMIT {
        r.bad(&at.key("limit"), "from 1 B to 64 MiB");
    }
    if let Some(ca) = &raw.ca {
        super::target::pem(ca, &at.key("ca"), r);
    }
    let headers = raw.headers.as_ref();
    let format = format(raw.format.unwrap_or(raw::MetricsFormat::Prometheus));
    let series = raw.series.iter().flatten().enumerate();
    MetricsPlan {
        url,
        format,
        every,
        timeout: nonzero(raw.timeout.as_ref(), Nanos::SECOND, &at.key("timeout"), r),
        limit_bytes,
        headers: headers.map(|h| super::headers::pairs_of(h, &at.key("headers"), r)).unwrap_or_default(),
        ca: raw.ca.as_ref().map(Into::into),
        series: series.map(|(i, s)| one(s, format, &at.key("series").index(i), names, r)).collect(),
    }
}

fn check_url(url: &str, at: &KeyPath, r: &mut Report<'_>) {
    let Some((scheme, rest)) = url.split_once("://") else {
        return super::case::check_path(url, &[], at, r);
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let base = format!("{scheme}://{}", &rest[..end]);
    if let Err(want) = parse_base(&base) {
        r.bad(at, want);
    } else if !rest.bytes().all(|b| b.is_ascii_graphic()) {
        r.bad(at, "a URL of printable ASCII without spaces");
    }
}

fn format(raw: raw::MetricsFormat) -> MetricsFormat {
    match raw {
        raw::MetricsFormat::Prometheus => MetricsFormat::Prometheus,
        raw::MetricsFormat::Json => MetricsFormat::Json,
        raw::MetricsFormat::Text => MetricsFormat::Text,
    }
}

fn one(
    raw: &Series,
    format: MetricsFormat,
    at: &KeyPath,
    names: &mut Vec<String>,
    r: &mut Report<'_>,
) -> SeriesPlan {
    let name = raw.name.clone().unwrap_or_default();
    if names.contains(&name) && !name.is_empty() {
        r.wrong(&at.key("name"), format!("there are two series `{name}`: results would mix them"), None);
    }
    names.push(name.clone());
    let kind = match raw.kind {
        Some(raw::SeriesKind::Gauge) => SeriesKind::Gauge,
        Some(raw::SeriesKind::Counter) | None => SeriesKind::Counter,
    };
    let is = raw.is.map(|is| match is {
        raw::SeriesIs::Delivered => SeriesIs::Delivered,
        raw::SeriesIs::Published => SeriesIs::Published,
        raw::SeriesIs::Subscribers => SeriesIs::Subscribers,
    });
    if let Some(is) = is.filter(|is| is.kind() != kind && raw.kind.is_some()) {
        let want = format!("\"{}\": \"{}\" is one", is.kind().key(), is.key());
        r.bad(&at.key("kind"), want);
    }
    SeriesPlan { name, pick: pick(raw, format, at, r), kind, is, unit: raw.unit.clone().unwrap_or_default() }
}

/// Exactly the selector that the format has.
fn pick(raw: &Series, format: MetricsFormat, at: &KeyPath, r: &mut Report<'_>) -> Pick {
    let given = [
        ("metric", raw.metric.is_some(), MetricsFormat::Prometheus),
        ("labels", raw.labels.is_some(), MetricsFormat::Prometheus),
        ("pointer", raw.pointer.is_some(), MetricsFormat::Json),
        ("key", raw.key.is_some(), MetricsFormat::Text),
    ];
    let wanted = match format {
        MetricsFormat::Prometheus => "metric",
        MetricsFormat::Json => "pointer",
        MetricsFormat::Text => "key",
    };
    for (key, _, _) in given.iter().filter(|(_, there, of)| *there && *of != format) {
        let help = format!("format = \"{}\" is read by `{wanted}`", format.key());
        r.wrong(&at.key(key), format!("`{at}.{key}` does not fit this format"), Some(help));
    }
    let there = given.iter().any(|(key, there, _)| *there && *key == wanted);
    if !there && !r.is_broken(&at.key(wanted)) {
        let help = format!("format = \"{}\" is read by `{wanted}`", format.key());
        r.wrong(&at.key(wanted), format!("`{at}` has no `{wanted}`"), Some(help));
    }
    match format {
        MetricsFormat::Prometheus => Pick::Metric {
            name: raw.metric.clone().unwrap_or_default(),
            labels: raw.labels.clone().unwrap_or_default().into_iter().collect(),
        },
        MetricsFormat::Json => Pick::Pointers(pointers(raw, at, r)),
        MetricsFormat::Text => Pick::Key(raw.key.clone().unwrap_or_default()),
    }
}

fn pointers(raw: &Series, at: &KeyPath, r: &mut Report<'_>) -> Vec<String> {
    let all = raw.pointer.as_ref().map(|p| p.0.clone()).unwrap_or_default();
    if all.iter().any(|p| !p.is_empty() && !p.starts_with('/')) {
        r.bad(&at.key("pointer"), "a JSON pointer that begins with \"/\", such as \"/connections\"");
    }
    all
}
