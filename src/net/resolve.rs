//! Names to addresses, once, before a run: never on the measured path.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

/// All addresses of `host`, a name or an address (IPv6 with or without brackets), in the resolver's
/// order. Blocks the thread.
///
/// # Errors
/// When the name is unknown or the resolver fails; an answer without an address is `NotFound`.
pub fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    let found: Vec<SocketAddr> = (bare, port).to_socket_addrs()?.collect();
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("{bare} has no address")));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn addresses_are_taken_as_they_are() {
        assert_eq!(resolve("127.0.0.1", 80).unwrap(), ["127.0.0.1:80".parse().unwrap()]);
        assert_eq!(resolve("[::1]", 80).unwrap(), ["[::1]:80".parse().unwrap()]);
        assert_eq!(resolve("::1", 80).unwrap(), ["[::1]:80".parse().unwrap()]);
    }

    #[test]
    fn nonsense_is_an_error() {
        assert!(resolve("no such host", 80).is_err());
    }
}
