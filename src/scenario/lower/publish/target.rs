//! `none`: what the messages of a target that publishes by itself tell about themselves.

use super::clock;
use crate::scenario::lower::{Report, values};
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{NoPublisher, TimeClock, TimeTable, ValueTable};
use crate::scenario::{TargetClock, TargetFeed, TimeFrom, TimeUnit, ValueFrom};

pub(super) fn lower(none: &NoPublisher, r: &mut Report<'_>) -> TargetFeed {
    let at = KeyPath::at("publish.none");
    TargetFeed {
        sequence: none.sequence.as_ref().and_then(|table| value(table, &at.key("sequence"), r)),
        time: none.time.as_ref().and_then(|table| time(table, &at.key("time"), r)),
    }
}

fn time(table: &TimeTable, at: &KeyPath, r: &mut Report<'_>) -> Option<TimeFrom> {
    let TimeTable { place, unit, clock } = table;
    let from = value(place, at, r)?;
    let unit = clock::unit(Some(*unit.as_ref()?));
    let clock = match clock {
        Some(TimeClock::Monotonic) if unit == TimeUnit::Iso => {
            r.wrong(&at.key("clock"), "a date and time is of the wall clock, not of the monotonic one", None);
            TargetClock::Wall
        }
        Some(TimeClock::Monotonic) => TargetClock::Monotonic,
        Some(TimeClock::Asked(table)) => {
            clock::lower(table, &at.key("clock"), r).map_or(TargetClock::Wall, TargetClock::Asked)
        }
        Some(TimeClock::Wall) | None => TargetClock::Wall,
    };
    Some(TimeFrom { from, unit, clock })
}

fn value(place: &ValueTable, at: &KeyPath, r: &mut Report<'_>) -> Option<ValueFrom> {
    match (&place.pointer, &place.regex, place.offset, place.length) {
        (Some(pointer), None, None, None) => {
            values::pointer(pointer, false, &at.key("pointer"), r);
            Some(ValueFrom::Pointer(pointer.clone()))
        }
        (None, Some(regex), None, None) => {
            values::regex(regex, true, &at.key("regex"), r);
            Some(ValueFrom::Regex(regex.clone()))
        }
        (None, None, Some(offset), Some(length)) => {
            Some(ValueFrom::At { offset: offset as usize, length: length as usize })
        }
        _ => {
            let message = format!("`{at}` wants exactly one of pointer, regex, or offset with length");
            r.wrong(at, message, Some("such as { pointer = \"/seq\" }".to_owned()));
            None
        }
    }
}
