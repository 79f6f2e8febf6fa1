//! `base`: scheme, host and port.

use crate::scenario::Base;

/// Reads `http://127.0.0.1:18080`; the error says what is wanted instead.
pub(in crate::scenario) fn parse_base(text: &str) -> Result<Base, &'static str> {
    let (scheme, rest) =
        text.split_once("://").ok_or("scheme, host and port, such as \"http://127.0.0.1:18080\"")?;
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => false,
        "https" | "wss" => true,
        _ => return Err("http://, https://, ws:// or wss:// in front of the host"),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#']) {
        return Err("scheme, host and port only: paths belong in `publish.http` and in each case");
    }
    if rest.contains('@') {
        return Err("no user and password here: put an Authorization header into `headers`");
    }
    let (host, port) = split_port(rest)?;
    Ok(Base { tls, host, port: port.unwrap_or(if tls { 443 } else { 80 }) })
}

fn split_port(text: &str) -> Result<(String, Option<u16>), &'static str> {
    const PORT: &str = "a port from 1 to 65535 after the colon";
    let (host, port) = match text.strip_prefix('[') {
        Some(six) => {
            let (host, rest) = six.split_once(']').ok_or("a closing bracket after the IPv6 address")?;
            host.parse::<std::net::Ipv6Addr>()
                .map_err(|_| "an IPv6 address in the brackets, such as [::1]")?;
            let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or(PORT)?) };
            (host, port)
        }
        None => match text.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err("brackets around an IPv6 address, such as [::1]");
            }
            Some((host, port)) => (plain_host(host)?, Some(port)),
            None => (plain_host(text)?, None),
        },
    };
    let port = port.map(|p| p.parse().ok().filter(|p| *p != 0).ok_or(PORT)).transpose()?;
    Ok((host.to_owned(), port))
}

fn plain_host(host: &str) -> Result<&str, &'static str> {
    let letters = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if host.is_empty() || !letters { Err("a host name or an address after \"://\"") } else { Ok(host) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_host_and_port() {
        let base = |host: &str, port| Base { tls: false, host: host.into(), port };
        assert_eq!(parse_base("http://127.0.0.1:18080"), Ok(base("127.0.0.1", 18080)));
        assert_eq!(parse_base("WS://localhost/"), Ok(base("localhost", 80)));
        assert_eq!(parse_base("http://[::1]:9"), Ok(base("::1", 9)));
        assert_eq!(parse_base("http://[::1]"), Ok(base("::1", 80)));
        assert_eq!(parse_base("https://a"), Ok(Base { tls: true, ..base("a", 443) }));
        assert_eq!(parse_base("WSS://a:8443/"), Ok(Base { tls: true, ..base("a", 8443) }));
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            "127.0.0.1:80",
            "ftp://a",
            "https://a/b",
            "http://",
            "http://a/b",
            "http://a?b",
            "http://u:p@a",
            "http://a:0",
            "http://a:65536",
            "http://a:",
            "http://::1",
            "http://[::1",
            "http://[x]",
            "http://a b",
        ] {
            assert!(parse_base(wrong).is_err(), "{wrong}");
        }
    }
}
