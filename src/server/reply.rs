//! HTTP/1.1 answers out: exact, and as short as a server may be.
//!
//! No `Date`, no `Server`: what polling costs here is the least that polling can cost.

use std::io::Write;

/// What becomes of the connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It goes on; HTTP/1.1 needs no word for that.
    Stay,
    /// It goes on, and an HTTP/1.0 client is told so.
    StaySaid,
    /// It ends.
    Close,
}

impl After {
    fn line(self) -> &'static str {
        match self {
            After::Stay => "",
            After::StaySaid => "Connection: keep-alive\r\n",
            After::Close => "Connection: close\r\n",
        }
    }
}

/// Adds the head of an answer that has a body of `length` bytes; the caller adds the body. `headers`
/// are whole lines, each ended by CRLF.
pub(super) fn head(out: &mut Vec<u8>, status: &str, headers: &str, length: usize, after: After) {
    let stay = after.line();
    put(out, format_args!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n{stay}\r\n"));
}

/// Adds the head of messages: plain text, with the cursor and the count of those that were missed.
pub(super) fn messages(out: &mut Vec<u8>, newest: u64, skipped: u64, length: usize, after: After) {
    put(out, format_args!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: \"{newest}\"\r\n"));
    if skipped > 0 {
        put(out, format_args!("X-Skipped: {skipped}\r\n"));
    }
    put(out, format_args!("Content-Length: {length}\r\n{}\r\n", after.line()));
}

/// Adds the head of a body that goes on: with the sequence before its first message, and the count
/// of those that were missed. Without chunks it goes on until the connection ends.
pub(super) fn stream(
    out: &mut Vec<u8>,
    kind: &str,
    (before, skipped): (u64, u64),
    chunks: bool,
    after: After,
) {
    put(out, format_args!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nX-Seq: {before}\r\n"));
    if skipped > 0 {
        put(out, format_args!("X-Skipped: {skipped}\r\n"));
    }
    let coding = if chunks { "Transfer-Encoding: chunked\r\n" } else { "" };
    put(out, format_args!("{coding}{}\r\n", after.line()));
}

/// Adds a whole answer without a body (204, 304) that tells the cursor.
pub(super) fn nothing(out: &mut Vec<u8>, status: &str, newest: u64, after: After) {
    put(out, format_args!("HTTP/1.1 {status}\r\nETag: \"{newest}\"\r\n{}\r\n", after.line()));
}

/// Adds a whole answer of plain text.
pub(super) fn text(out: &mut Vec<u8>, status: &str, headers: &str, body: &str, after: After) {
    head(out, status, headers, body.len(), after);
    out.extend_from_slice(body.as_bytes());
}

fn put(out: &mut Vec<u8>, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).expect("a Vec takes every byte");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(make: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        make(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn answers_are_exact() {
        assert_eq!(
            made(|out| messages(out, 7, 2, 11, After::Close)),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: \"7\"\r\nX-Skipped: 2\r\nContent-Length: 11\r\n\
             Connection: close\r\n\r\n"
        );
        assert_eq!(
            made(|out| nothing(out, "304 Not Modified", 3, After::Stay)),
            "HTTP/1.1 304 Not Modified\r\nETag: \"3\"\r\n\r\n"
        );
        assert_eq!(
            made(|out| text(out, "200 OK", "", "ok\n", After::StaySaid)),
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nok\n"
        );
    }
}
