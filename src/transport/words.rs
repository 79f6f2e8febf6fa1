//! What a client remembers, in words, of an answer that is not what was asked for. Decides nothing.

use super::http1::{Head, MAX_BODY_BYTES, MAX_HEAD_BYTES};
use super::pull::unexpected;
use crate::model::{Failure, Nanos};
use crate::net::Memory;
use std::cell::RefCell;

/// Longest `Retry-After` that is honoured, in seconds: a day.
const LONGEST_PAUSE_S: u64 = 24 * 3600;
/// Bytes shown of a place that a redirect names.
const MOST_SHOWN: usize = 200;

/// The failure that an unexpected status is; the pause that came with it is remembered, and `what` was
/// answered with which status is told.
pub(super) fn refused(what: &str, head: &Head<'_>, memory: &mut Memory) -> Failure {
    if let Some(pause) = retry_after(head) {
        memory.retry_after = Some(pause);
    }
    memory.tell(answered_with(what, head));
    unexpected(head.status())
}

/// Which status `what` was answered with, and where it leads.
pub(super) fn answered_with(what: &str, head: &Head<'_>) -> String {
    let status = head.status();
    let location = head.header("Location").filter(|_| (300..400).contains(&status));
    match location {
        None => format!("{what} was answered with status {status}"),
        Some(to) => {
            let to = String::from_utf8_lossy(&to[..to.len().min(MOST_SHOWN)]).into_owned();
            format!(
                "{what} was answered with status {status}, which leads to {to}: redirects are not followed"
            )
        }
    }
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date, which is held against the server's
/// own `Date`. At most a day.
pub(super) fn retry_after(head: &Head<'_>) -> Option<Nanos> {
    let text = |name| head.header(name).and_then(|v| std::str::from_utf8(v).ok());
    let value = text("Retry-After")?;
    let seconds = value.parse::<u64>().ok().or_else(|| {
        let date = |text| jiff::fmt::rfc2822::parse(text).ok().map(|t| t.timestamp().as_second());
        u64::try_from(date(value)?.saturating_sub(date(text("Date")?)?)).ok()
    });
    seconds.map(|s| Nanos::from_millis(s.min(LONGEST_PAUSE_S) * 1000))
}

/// What an answer broke that no HTTP/1.1 reader could take; `None`: the class says it all.
pub(super) fn of_http(failure: Failure) -> Option<String> {
    Some(match failure {
        Failure::HeadTooLarge => {
            format!("the head of the answer, or a trailer, is above {MAX_HEAD_BYTES} B or has too many lines")
        }
        Failure::BodyTooLarge => format!("the body of the answer is above {MAX_BODY_BYTES} B"),
        Failure::BadChunk => {
            "a chunk whose size is no hexadecimal number, or without its line end (RFC 9112, 7.1)".to_owned()
        }
        Failure::BadHttp => {
            "the answer is not HTTP/1.1: its status line, a header line or its lengths".to_owned()
        }
        _ => return None,
    })
}

/// The same failure, told.
pub(super) fn told(memory: &RefCell<Memory>, failure: Failure) -> Failure {
    if let Some(words) = of_http(failure) {
        memory.borrow_mut().tell(words);
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::super::http1::{Decoder, Step};
    use super::*;

    fn with<T>(status: &str, fields: &str, of: impl FnOnce(&Head<'_>) -> T) -> T {
        let text = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n{fields}\r\n");
        let mut decoder = Decoder::new();
        let Ok((_, Step::Head(head))) = decoder.next(text.as_bytes()) else { panic!("no head") };
        of(&head)
    }

    fn pause(fields: &str) -> Option<Nanos> {
        with("503 Busy", fields, retry_after)
    }

    #[test]
    fn a_pause_is_told_in_seconds_or_as_a_date() {
        assert_eq!(pause("Retry-After: 3\r\n"), Some(Nanos::from_millis(3000)));
        assert_eq!(pause("Retry-After: 99999999999\r\n"), Some(Nanos::from_millis(86_400_000)));
        let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:47 GMT\r\n";
        assert_eq!(pause(date), Some(Nanos::from_millis(10_000)));
        assert_eq!(pause("Retry-After: soon\r\n"), None);
        assert_eq!(pause(""), None);
    }

    #[test]
    fn a_redirect_is_refused_and_says_where_it_leads() {
        let mut memory = Memory::default();
        let failure =
            with("302 Found", "Location: /other\r\n", |head| refused("the poll", head, &mut memory));
        assert_eq!(failure, Failure::Redirect);
        let told = "the poll was answered with status 302, which leads to /other: redirects are not followed";
        assert_eq!(memory.detail.as_deref(), Some(told));
    }
}
