//! Requests as bytes, put together in a buffer that is used again.

use super::cursor::Cursor;
use crate::net::Endpoint;
use crate::scenario::Method;
use std::io::Write;

/// The request of a session that receives: what stays the same is rendered once.
pub(super) struct PullRequest {
    method: Method,
    /// The method, a space, path and query, then the rest of the head up to the cursor.
    fixed: Box<[u8]>,
    /// Where the path ends and a query is put in.
    path_end: usize,
    has_query: bool,
    /// The body of a `POST`.
    body: Box<[u8]>,
}

impl PullRequest {
    /// With these headers: whole lines, each ended by CRLF.
    pub(super) fn new(method: Method, to: &Endpoint, headers: &str) -> PullRequest {
        let rest = format!(" HTTP/1.1\r\nHost: {}\r\n{headers}", to.authority);
        PullRequest::aimed(method, &to.path, rest.as_bytes(), to.body.as_bytes())
    }

    fn aimed(method: Method, target: &str, rest: &[u8], body: &[u8]) -> PullRequest {
        let start = format!("{} {target}", method.as_str());
        PullRequest {
            method,
            path_end: start.len(),
            has_query: target.contains('?'),
            fixed: [start.as_bytes(), rest].concat().into_boxed_slice(),
            body: body.into(),
        }
    }

    /// From now on to this path and query, with this body.
    pub(super) fn aim(&mut self, target: &str, body: &[u8]) {
        *self = PullRequest::aimed(self.method, target, &self.fixed[self.path_end..], body);
    }

    /// Path and query, without those of the cursor.
    pub(super) fn path(&self) -> &str {
        let path = self.fixed.get(self.method.as_str().len() + 1..self.path_end);
        path.and_then(|p| std::str::from_utf8(p).ok()).unwrap_or("/")
    }

    /// Writes the whole request with these lines into `out`, whose former content is dropped; the
    /// length of its head.
    pub(super) fn render(&self, cursor: &Cursor, more: &str, out: &mut Vec<u8>) -> usize {
        let (start, rest) = self.fixed.split_at(self.path_end);
        out.clear();
        out.extend_from_slice(start);
        cursor.write_query(if self.has_query { b'&' } else { b'?' }, out);
        out.extend_from_slice(rest);
        cursor.write_headers(out);
        out.extend_from_slice(more.as_bytes());
        if self.method == Method::Post {
            write!(out, "Content-Length: {}\r\n", self.body.len()).expect("a Vec takes all writes");
        }
        out.extend_from_slice(b"\r\n");
        let head = out.len();
        if self.method == Method::Post {
            out.extend_from_slice(&self.body);
        }
        head
    }
}

/// The head of a publishing request but for its length: rendered once for each channel.
#[derive(Clone, Debug)]
pub struct PostHead(Box<[u8]>);

impl PostHead {
    /// `method` is `POST` or `PUT`; `headers` are whole lines, each ended by CRLF.
    pub fn new(method: &str, path: &str, authority: &str, headers: &str) -> PostHead {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {authority}\r\n{headers}Content-Length: ");
        PostHead(head.into_bytes().into_boxed_slice())
    }

    /// Writes the whole request into `out`, whose former content is dropped; the length of its head.
    pub(super) fn render(&self, body: &[u8], out: &mut Vec<u8>) -> usize {
        out.clear();
        out.extend_from_slice(&self.0);
        write!(out, "{}\r\n\r\n", body.len()).expect("a Vec takes all writes");
        let head = out.len();
        out.extend_from_slice(body);
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{CursorFrom, CursorInto, CursorSpec};

    fn endpoint(path: &str) -> Endpoint {
        let mut to = Endpoint::new("127.0.0.1:80".parse().unwrap(), "h:80", path);
        to.headers = "A: b\r\n".into();
        to
    }

    fn value(into: CursorInto) -> Cursor {
        let from = CursorFrom::Header("X".into());
        Cursor::new(&CursorSpec::Value { from, into, initial: Some("1:0 é".into()) })
    }

    fn rendered(path: &str, cursor: &Cursor) -> String {
        let mut out = b"old".to_vec();
        let to = endpoint(path);
        PullRequest::new(Method::Get, &to, &to.headers).render(cursor, "", &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_request_without_a_cursor() {
        let cursor = Cursor::new(&CursorSpec::None);
        assert_eq!(rendered("/p", &cursor), "GET /p HTTP/1.1\r\nHost: h:80\r\nA: b\r\n\r\n");
    }

    #[test]
    fn a_cursor_goes_into_the_query_or_a_header() {
        let query = value(CursorInto::Query("since".into()));
        assert!(rendered("/p", &query).starts_with("GET /p?since=1%3A0%20%C3%A9 HTTP/1.1\r\n"));
        assert!(rendered("/p?a=b", &query).starts_with("GET /p?a=b&since=1%3A0%20%C3%A9 HTTP/1.1\r\n"));
        let header = value(CursorInto::Header("Last-Event-ID".into()));
        assert!(rendered("/p", &header).ends_with("\r\nA: b\r\nLast-Event-ID: 1:0 é\r\n\r\n"));
    }

    #[test]
    fn a_post_that_asks_may_be_aimed_elsewhere() {
        let mut to = endpoint("/p");
        to.body = "sub".into();
        let mut request = PullRequest::new(Method::Post, &to, &to.headers);
        let (cursor, mut out) = (value(CursorInto::Query("c".into())), Vec::new());
        let head = request.render(&cursor, "", &mut out);
        let want = "POST /p?c=1%3A0%20%C3%A9 HTTP/1.1\r\nHost: h:80\r\nA: b\r\nContent-Length: 3\r\n\r\nsub";
        assert_eq!((String::from_utf8(out).unwrap().as_str(), head), (want, want.len() - 3));
        request.aim("/q?sid=1", b"");
        let mut out = Vec::new();
        request.render(&Cursor::new(&CursorSpec::None), "", &mut out);
        let want = "POST /q?sid=1 HTTP/1.1\r\nHost: h:80\r\nA: b\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }

    #[test]
    fn a_post_tells_its_length() {
        let mut out = Vec::new();
        let head = PostHead::new("PUT", "/pub/a", "h", "X: y\r\n").render(b"hello", &mut out);
        assert_eq!(out, b"PUT /pub/a HTTP/1.1\r\nHost: h\r\nX: y\r\nContent-Length: 5\r\n\r\nhello");
        assert_eq!(head, out.len() - 5);
    }
}
