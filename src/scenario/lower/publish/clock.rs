//! How the clock of a target that publishes by itself is asked.

use crate::scenario::lower::base::parse_base;
use crate::scenario::lower::{Report, case, values};
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{ClockTable, Unit};
use crate::scenario::{Base, ClockQuestion, TimeUnit};

/// What the bundled server's `/clock` tells.
const RECEIVED: &str = "/received_ns";
const SENT: &str = "/sent_ns";
/// What `get` may be.
const WANT: &str =
    "a path of the target such as \"/clock\", or an address such as \"http://10.0.0.5:9000/clock\"";

/// `None` where what is to be asked is in error.
pub(super) fn lower(table: &ClockTable, at: &KeyPath, r: &mut Report<'_>) -> Option<ClockQuestion> {
    let (received, sent) = match (&table.received, &table.sent) {
        (None, None) => (RECEIVED, SENT),
        (received, sent) => {
            let told = [received, sent].map(Option::as_deref);
            let one = told[0].or(told[1]).unwrap_or(RECEIVED);
            (told[0].unwrap_or(one), told[1].unwrap_or(one))
        }
    };
    for (key, pointer) in [("received", &table.received), ("sent", &table.sent)] {
        pointer.iter().for_each(|text| values::pointer(text, false, &at.key(key), r));
    }
    let (base, path) = place(table.get.as_deref()?, &at.key("get"), r)?;
    let (received, sent) = (received.to_owned(), sent.to_owned());
    Some(ClockQuestion { base, path, received, sent, unit: unit(table.unit) })
}

pub(super) fn unit(unit: Option<Unit>) -> TimeUnit {
    match unit {
        Some(Unit::S) => TimeUnit::Seconds,
        Some(Unit::Ms) => TimeUnit::Millis,
        Some(Unit::Us) => TimeUnit::Micros,
        Some(Unit::Ns) | None => TimeUnit::Nanos,
        Some(Unit::Iso) => TimeUnit::Iso,
    }
}

/// The address, when it is not the target's, and the path.
fn place(get: &str, at: &KeyPath, r: &mut Report<'_>) -> Option<(Option<Base>, String)> {
    let Some((scheme, rest)) = get.split_once("://") else {
        if !get.starts_with('/') {
            r.bad(at, WANT);
            return None;
        }
        case::check_path(get, &[], at, r);
        return Some((None, get.to_owned()));
    };
    if !scheme.eq_ignore_ascii_case("http") {
        r.bad(
            at,
            "http:// in front of the host, or a path of the target: that is asked as the target is, TLS too",
        );
        return None;
    }
    let (host, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
    case::check_path(path, &[], at, r);
    let base = parse_base(&format!("http://{host}")).map_err(|want| r.bad(at, want)).ok()?;
    Some((Some(base), path.to_owned()))
}
