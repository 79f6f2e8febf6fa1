//! Cookies on the wire (RFC 6265, as much as one host needs): `Set-Cookie` read, `Cookie` written.
//! Domain, `Secure` and dates are not looked at: a client speaks to one host, for minutes.

use super::http1::Head;
use crate::net::Memory;
use std::cell::RefCell;

/// Keeps what an answer sets, when the client keeps cookies at all. `path` is that of the request.
pub(super) fn keep(head: &Head<'_>, path: &str, memory: &RefCell<Memory>) {
    let mut memory = memory.borrow_mut();
    let Some(cookies) = memory.more.as_mut().and_then(|more| more.cookies.as_mut()) else { return };
    for field in head.values("set-cookie") {
        let Ok(text) = std::str::from_utf8(field) else { continue };
        let mut parts = text.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || text.chars().any(char::is_control) {
            continue;
        }
        let (mut at, mut gone) = (default_path(path), value.is_empty());
        for (key, value) in parts.filter_map(|p| p.split_once('=')) {
            match key.trim().to_ascii_lowercase().as_str() {
                "path" if value.starts_with('/') => at = value,
                "max-age" => gone |= value.trim().parse::<i64>().is_ok_and(|n| n <= 0),
                _ => {}
            }
        }
        if gone { cookies.remove(name, at) } else { cookies.set(name, value, at) }
    }
}

/// The folder of the request's path (RFC 6265, section 5.1.4).
fn default_path(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or_default();
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => &path[..at],
    }
}

/// The line `Cookie: ...` for a request to this path, CRLF included; empty when there is nothing to
/// tell.
pub(super) fn line(path: &str, memory: &RefCell<Memory>) -> String {
    let memory = memory.borrow();
    let cookies = memory.more.as_ref().and_then(|more| more.cookies.as_ref());
    match cookies.map(|c| c.line(path)).unwrap_or_default() {
        pairs if pairs.is_empty() => pairs,
        pairs => format!("Cookie: {pairs}\r\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::http1::{Decoder, Step};
    use super::*;
    use crate::net::Cookies;

    fn told(fields: &str, memory: &RefCell<Memory>) {
        let text = format!("HTTP/1.1 204 OK\r\n{fields}\r\n");
        let mut decoder = Decoder::new();
        let Ok((_, Step::Head(head))) = decoder.next(text.as_bytes()) else { panic!("no head") };
        keep(&head, "/app/login?x=/y/", memory);
    }

    fn jar() -> RefCell<Memory> {
        let mut memory = Memory::default();
        memory.more.get_or_insert_default().cookies = Some(Cookies::default());
        RefCell::new(memory)
    }

    #[test]
    fn cookies_go_where_they_belong_and_go_out_when_told() {
        let memory = jar();
        told("Set-Cookie: sid=a=b; Path=/; HttpOnly\r\nset-cookie: here=1\r\n", &memory);
        assert_eq!(line("/app/x", &memory), "Cookie: sid=a=b; here=1\r\n");
        assert_eq!(line("/", &memory), "Cookie: sid=a=b\r\n");
        told("Set-Cookie: sid=; Path=/; Max-Age=0\r\nSet-Cookie: bad\r\n", &memory);
        assert_eq!(line("/", &memory), "");
    }

    #[test]
    fn a_client_without_a_jar_keeps_nothing() {
        let memory = RefCell::default();
        told("Set-Cookie: a=1\r\n", &memory);
        assert_eq!(line("/app/x", &memory), "");
    }
}
