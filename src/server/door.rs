//! An address that the server listens on, can stop listening on, and gets back for sure.

use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, sockopt};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;

/// Connections that may wait to be accepted; the kernel's `somaxconn` bounds it too.
const BACKLOG: i32 = 4_096;

/// The address, held by a socket that never listens: while nothing else does, connects are refused,
/// and the kernel gives the port to nobody else.
pub(super) struct Door {
    pub(super) address: SocketAddr,
    _holder: OwnedFd,
}

impl Door {
    /// Takes the address; port 0 takes a free one. Listens from now on.
    pub(super) fn bind(address: SocketAddr) -> io::Result<(Door, TcpListener)> {
        let holder = bound(address)?;
        let address = rustix::net::getsockname(&holder)?.try_into()?;
        let door = Door { address, _holder: holder };
        let listener = door.open()?;
        Ok((door, listener))
    }

    /// Listens again, after the listener was dropped.
    pub(super) fn open(&self) -> io::Result<TcpListener> {
        let socket = bound(self.address)?;
        rustix::net::listen(&socket, BACKLOG)?;
        Ok(TcpListener::from(socket))
    }
}

fn bound(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    // Two sockets may hold an address as long as one of them listens.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    rustix::net::bind(&socket, &address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::Door;
    use std::io::ErrorKind;
    use std::net::TcpStream;

    #[test]
    fn a_door_opens_again_where_it_was() {
        let (door, listener) = Door::bind(([127, 0, 0, 1], 0).into()).unwrap();
        assert_eq!(listener.local_addr().unwrap(), door.address);
        drop(listener);
        for _ in 0..2 {
            let refused = TcpStream::connect(door.address).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
            let listener = door.open().unwrap();
            TcpStream::connect(door.address).unwrap();
            assert!(Door::bind(door.address).is_err(), "in use");
            drop(listener);
        }
    }
}
