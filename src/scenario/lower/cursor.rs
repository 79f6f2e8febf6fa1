//! `cursor`: exactly one source and one destination.

use super::headers::name_fault;
use super::{Report, values};
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{Cursor, CursorTable};
use crate::scenario::{CursorFrom, CursorInto, CursorSpec};

pub(super) fn lower(cursor: Option<&Cursor>, path: &KeyPath, r: &mut Report<'_>) -> CursorSpec {
    match cursor {
        Some(Cursor::None) => CursorSpec::None,
        Some(Cursor::Etag) | None => CursorSpec::Etag,
        Some(Cursor::Table(table)) => {
            let (from, into) = (sources(table), destinations(table));
            if from.len() != 1 || into.len() != 1 {
                let message = format!(
                    "`{path}` reads its value from {} places and sends it to {}; want exactly one of header, pointer, \
                     regex, sse, part_header and exactly one of into_header, into_query, into_body",
                    from.len(),
                    into.len()
                );
                r.wrong(path, message, None);
            }
            from.iter().for_each(|from| check_source(from, path, r));
            into.iter().for_each(|into| check_destination(into, path, r));
            let whole = from.into_iter().next().zip(into.into_iter().next());
            let initial = table.initial.clone();
            whole.map_or(CursorSpec::None, |(from, into)| CursorSpec::Value { from, into, initial })
        }
    }
}

fn sources(table: &CursorTable) -> Vec<CursorFrom> {
    let all = [
        table.header.clone().map(CursorFrom::Header),
        table.pointer.clone().map(CursorFrom::Pointer),
        table.regex.clone().map(CursorFrom::Regex),
        table.sse.map(|_| CursorFrom::SseId),
        table.part_header.clone().map(CursorFrom::PartHeader),
    ];
    all.into_iter().flatten().collect()
}

fn destinations(table: &CursorTable) -> Vec<CursorInto> {
    let all = [
        table.into_header.clone().map(CursorInto::Header),
        table.into_query.clone().map(CursorInto::Query),
        table.into_body.filter(|wanted| *wanted).map(|_| CursorInto::Body),
    ];
    all.into_iter().flatten().collect()
}

fn check_source(from: &CursorFrom, path: &KeyPath, r: &mut Report<'_>) {
    match from {
        CursorFrom::SseId => {}
        CursorFrom::PartHeader(name) => token(name, &path.key("part_header"), r),
        CursorFrom::Header(name) => token(name, &path.key("header"), r),
        CursorFrom::Pointer(text) => values::pointer(text, false, &path.key("pointer"), r),
        CursorFrom::Regex(text) => values::regex(text, true, &path.key("regex"), r),
    }
}

fn check_destination(into: &CursorInto, path: &KeyPath, r: &mut Report<'_>) {
    match into {
        // Whether the body names it is seen where both are there.
        CursorInto::Body => {}
        CursorInto::Header(name) => {
            if let Some(want) = name_fault(name) {
                r.bad(&path.key("into_header"), want);
            }
        }
        CursorInto::Query(name) => {
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)) {
                r.bad(&path.key("into_query"), "a parameter's name of letters, digits and - . _ ~");
            }
        }
    }
}

/// A response header may be any header.
pub(super) fn token(name: &str, path: &KeyPath, r: &mut Report<'_>) {
    let fit = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    if !fit {
        r.bad(path, "a header's name");
    }
}
