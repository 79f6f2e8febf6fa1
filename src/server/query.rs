//! What a request asks beside its path: the cursor, and the numbers of its query.

use super::http::Request;

/// A value that is no number: loud, because guessing would lose messages or send them twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoNumber;

/// The query of a target, without the question mark.
pub(super) fn query(target: &str) -> &str {
    target.split_once('?').map_or("", |(_, query)| query)
}

/// The number under `name`; `None` without one.
pub(super) fn number(query: &str, name: &str) -> Result<Option<u64>, NoNumber> {
    let value = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
    read(value.map(|(_, value)| value))
}

/// The cursor: `If-None-Match` or `Last-Event-ID` first, else `after` or `last_event_id` of the
/// query. What a client learned since goes before what its address began with.
pub(super) fn cursor(request: &Request) -> Result<Option<u64>, NoNumber> {
    let query = query(&request.target);
    let tag = request.if_none_match.as_deref().map(|tag| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(tag)
    });
    for header in [tag, request.last_event_id.as_deref()] {
        if header.is_some() {
            return read(header);
        }
    }
    Ok(number(query, "after")?.or(number(query, "last_event_id")?))
}

fn read(value: Option<&str>) -> Result<Option<u64>, NoNumber> {
    match value {
        None | Some("") => Ok(None),
        Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => {
            text.parse().map(Some).map_err(|_| NoNumber)
        }
        Some(_) => Err(NoNumber),
    }
}

#[cfg(test)]
mod tests {
    use super::super::http::Decoder;
    use super::super::http::Step;
    use super::super::input::Input;
    use super::*;

    fn asked(query: &str, header: &str) -> Result<Option<u64>, NoNumber> {
        let mut input = Input::default();
        input.extend(format!("GET /poll/a?{query} HTTP/1.1\r\nHost: x\r\n{header}\r\n").as_bytes());
        let Ok(Step::Request(request)) = Decoder::default().next(&mut input) else { panic!("no request") };
        cursor(&request)
    }

    #[test]
    fn the_header_goes_before_the_query() {
        assert_eq!(asked("", ""), Ok(None));
        assert_eq!(asked("x=1&after=7", ""), Ok(Some(7)));
        assert_eq!(asked("after=", ""), Ok(None));
        assert_eq!(asked("after=7", "If-None-Match: \"5\"\r\n"), Ok(Some(5)));
        assert_eq!(asked("", "If-None-Match: W/\"5\"\r\n"), Ok(Some(5)));
        assert_eq!(asked("", "If-None-Match: 5\r\n"), Ok(Some(5)));
        assert_eq!(asked("", "If-None-Match: \"x\"\r\n"), Err(NoNumber));
        assert_eq!(asked("after=-1", ""), Err(NoNumber));
        assert_eq!(asked("after=+1", ""), Err(NoNumber));
        assert_eq!(asked("after=7", "Last-Event-ID: 9\r\n"), Ok(Some(9)));
        assert_eq!(asked("last_event_id=4", ""), Ok(Some(4)));
        assert_eq!(asked("last_event_id=4&after=3", ""), Ok(Some(3)));
    }

    #[test]
    fn numbers_have_names() {
        assert_eq!(number("limit=3&retry=20", "retry"), Ok(Some(20)));
        assert_eq!(number("limit", "limit"), Ok(None));
        assert_eq!(number("limits=3", "limit"), Ok(None));
        assert_eq!(number("limit=99999999999999999999", "limit"), Err(NoNumber));
    }
}
