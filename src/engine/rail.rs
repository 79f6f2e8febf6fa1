//! The safety rail: load goes to one's own machines, not to somebody else's by a slip of the pen.

use std::net::{IpAddr, SocketAddr};

/// Whether an address may be driven without saying so on purpose: loopback, private and link-local
/// addresses may.
pub(super) fn is_near(address: &SocketAddr) -> bool {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => {
            ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified()
        }
    }
}

/// Whether an address is of this machine.
pub(super) fn is_local(address: &SocketAddr) -> bool {
    // A socket can be bound to an address only where it is local.
    let ip = address.ip();
    ip.is_loopback() || std::net::UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_far() {
        let near = |a: &str| is_near(&a.parse().unwrap());
        assert!(near("127.0.0.1:80") && near("[::1]:80") && near("10.1.2.3:80") && near("192.168.1.1:1"));
        assert!(near("[fd00::1]:80") && near("[::ffff:127.0.0.1]:80"));
        assert!(!near("8.8.8.8:80") && !near("[2001:4860::1]:80") && !near("172.32.0.1:80"));
    }

    #[test]
    fn loopback_is_local() {
        assert!(is_local(&"127.0.0.1:80".parse().unwrap()));
        assert!(!is_local(&"192.0.2.1:80".parse().unwrap()));
    }
}
