//! What the kernel says of a TCP connection: its counters, and when bytes arrived.
//!
//! The counters are `struct tcp_info` of `getsockopt(TCP_INFO)`, whose layout only ever grows; fields
//! are read by their place in `include/uapi/linux/tcp.h`.

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, sockopt::ReceiveTimestampns};
use nix::sys::time::TimeSpec;
use nix::{getsockopt_impl, libc, sockopt_impl};
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::LazyLock;

/// As much of the structure as is needed: up to `tcpi_bytes_retrans`, which Linux 4.19 brought.
const INFO_BYTES: usize = 216;
/// The first kernel that tells as much.
const LEAST_KERNEL: (u32, u32) = (4, 19);

sockopt_impl!(
    /// The first bytes of `struct tcp_info`.
    RawInfo,
    GetOnly,
    libc::IPPROTO_TCP,
    libc::TCP_INFO,
    [u8; INFO_BYTES]
);

/// `TCPI_OPT_TIMESTAMPS`: each segment has the timestamp option.
const HAS_TIMESTAMPS: u8 = 1;
/// The timestamp option with its padding (RFC 7323, appendix A).
const TIMESTAMP_BYTES: u64 = 12;
const TCP_BYTES: u64 = 20;
const IPV4_BYTES: u64 = 20;
const IPV6_BYTES: u64 = 40;

/// States in which the peer's FIN has come, which counts as one received byte: CLOSE_WAIT, LAST_ACK,
/// CLOSING, TIME_WAIT.
const AFTER_FIN: [u8; 4] = [8, 9, 11, 6];
const CLOSED: u8 = 7;

/// Looks at a connection on which more comes all the time, before it counts as one that cannot be told.
const MOST_LOOKS: u32 = 1_000;

/// Counters of one connection, since its connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Info {
    state: u8,
    /// Bytes received in order, the FIN as one.
    received: u64,
    /// Bytes that came and nobody has read.
    pub(super) unread: u64,
    sent: u64,
    /// Of the bytes sent, those sent again.
    pub(super) retransmitted: u64,
    /// Bytes taken from us and not sent yet.
    pub(super) unsent: u64,
    pub(super) segments_in: u32,
    pub(super) segments_out: u32,
    /// Whether segments have the timestamp option.
    timestamps: bool,
}

impl Info {
    /// Reads the counters; `None` where the kernel is older than 4.19, or does not tell.
    ///
    /// The kernel gives state, counters and what is unread at three instants, and bytes or a FIN may come
    /// between any two: they belong together when the counter is the same before and after. Three system
    /// calls, about a microsecond, unless something comes just now.
    pub(super) fn read(socket: &impl AsFd) -> Option<Info> {
        let mut before = Info::glance(socket)?;
        for _ in 0..MOST_LOOKS {
            let unread = rustix::io::ioctl_fionread(socket).ok()?;
            let after = Info::glance(socket)?;
            if after.received == before.received {
                return Some(Info { unread, ..after });
            }
            before = after;
        }
        None
    }

    /// The same in one system call, without what is unread: for who needs the segments only.
    pub(super) fn glance(socket: &impl AsFd) -> Option<Info> {
        static TELLS: LazyLock<bool> = LazyLock::new(|| tells(&rustix::system::uname()));
        if !*TELLS {
            return None;
        }
        Some(Info::of(&nix::sys::socket::getsockopt(socket, RawInfo).ok()?))
    }

    fn of(raw: &[u8; INFO_BYTES]) -> Info {
        let long = |at: usize| u64::from_ne_bytes(std::array::from_fn(|i| raw[at + i]));
        let short = |at: usize| u32::from_ne_bytes(std::array::from_fn(|i| raw[at + i]));
        Info {
            state: raw[0],
            timestamps: raw[5] & HAS_TIMESTAMPS != 0,
            received: long(128),
            unread: 0,
            sent: long(200),
            retransmitted: long(208),
            unsent: u64::from(short(144)),
            segments_out: short(136),
            segments_in: short(140),
        }
    }

    /// Bytes handed to us; `ours` tells how many we say they are. A connection that was reset after its
    /// FIN no longer says that it had one, so that a difference of exactly that byte is none.
    pub(super) fn handed_over(&self, ours: u64) -> u64 {
        let bytes = self.received.saturating_sub(self.unread);
        let fin = AFTER_FIN.contains(&self.state) || (self.state == CLOSED && bytes == ours + 1);
        bytes.saturating_sub(u64::from(fin))
    }

    /// Bytes taken from us.
    pub(super) fn taken(&self) -> u64 {
        (self.sent + self.unsent).saturating_sub(self.retransmitted)
    }

    /// IP and TCP headers of a segment of this connection. Those of its SYN are up to 8 bytes longer,
    /// acknowledgements of data that came out of order 12 and more.
    pub(super) fn header_bytes(&self, is_ipv4: bool) -> u64 {
        let ip = if is_ipv4 { IPV4_BYTES } else { IPV6_BYTES };
        ip + TCP_BYTES + if self.timestamps { TIMESTAMP_BYTES } else { 0 }
    }
}

/// Whether a kernel of this release tells all that is read here.
fn tells(uname: &rustix::system::Uname) -> bool {
    let release = uname.release().to_string_lossy();
    let mut parts = release.split(|c: char| !c.is_ascii_digit()).map_while(|p| p.parse::<u32>().ok());
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= LEAST_KERNEL
}

/// From here on the kernel tells when bytes of this connection arrived.
pub(super) fn want_stamps(socket: &impl AsFd) -> bool {
    nix::sys::socket::setsockopt(socket, ReceiveTimestampns, &true).is_ok()
}

/// A buffer for what comes beside the bytes.
pub(super) fn stamp_buffer() -> Vec<u8> {
    nix::cmsg_space!(TimeSpec)
}

/// Reads, and tells when the kernel received the last of the bytes, by `CLOCK_REALTIME` in nanoseconds
/// since 1970; `None` where it does not say. Does not wait.
pub(super) fn receive(
    socket: &impl AsRawFd,
    into: &mut [u8],
    control: &mut [u8],
) -> io::Result<(usize, Option<u64>)> {
    let mut into = [IoSliceMut::new(into)];
    let got = recvmsg::<()>(socket.as_raw_fd(), &mut into, Some(control), MsgFlags::empty())?;
    let stamp = got.cmsgs().into_iter().flatten().find_map(|message| match message {
        ControlMessageOwned::ScmTimestampns(at) => {
            Some(at.tv_sec() as u64 * 1_000_000_000 + at.tv_nsec() as u64)
        }
        _ => None,
    });
    Ok((got.bytes, stamp.filter(|at| *at > 0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (client, listener.accept().unwrap().0)
    }

    #[test]
    fn the_kernel_counts_what_crossed_and_the_fin_apart() {
        let (mut client, mut server) = pair();
        client.write_all(b"hello").unwrap();
        server.read_exact(&mut [0; 5]).unwrap();
        server.write_all(b"0123456789").unwrap();
        client.read_exact(&mut [0; 4]).unwrap();
        let info = Info::read(&client).unwrap();
        assert_eq!((info.taken(), info.handed_over(4), info.unread), (5, 4, 6));
        assert!(info.segments_out >= 3 && info.segments_in >= 2, "{info:?}");
        assert!([40, 52].contains(&info.header_bytes(true)), "{info:?}");
        assert_eq!(info.header_bytes(false), info.header_bytes(true) + 20);
        drop(server);
        assert_eq!(client.read_to_end(&mut Vec::new()).unwrap(), 6);
        let info = Info::read(&client).unwrap();
        assert_eq!((info.handed_over(10), info.unread), (10, 0));
    }

    #[test]
    fn what_comes_while_one_looks_is_counted_whole_or_not_at_all() {
        for _ in 0..200 {
            let (mut client, mut server) = pair();
            let peer = std::thread::spawn(move || {
                for _ in 0..50 {
                    server.write_all(b"0123456789").unwrap();
                }
            });
            let mut ours = 0;
            while ours < 500 {
                ours += client.read(&mut [0; 64]).unwrap() as u64;
                // The last looks are at the instant at which the FIN comes.
                let info = Info::read(&client).unwrap();
                assert_eq!(info.handed_over(ours), ours, "{info:?}");
            }
            peer.join().unwrap();
            let info = Info::read(&client).unwrap();
            assert_eq!((info.handed_over(500), info.unread), (500, 0), "{info:?}");
        }
    }

    #[test]
    fn the_fin_is_known_after_a_reset_too_and_hides_nothing_else() {
        let info = Info { state: CLOSED, received: 11, ..Info::default() };
        assert_eq!((info.handed_over(10), info.handed_over(9), info.handed_over(11)), (10, 11, 11));
    }

    #[test]
    fn bytes_come_with_the_instant_at_which_they_arrived() {
        let (client, mut server) = pair();
        assert!(want_stamps(&client));
        let clock = crate::clock::Clock::Monotonic;
        let patience = clock.now() + crate::model::Nanos::from_millis(10_000);
        // The first socket of a machine that wants stamps: the kernel begins to stamp a moment later.
        let stamp = loop {
            server.write_all(b"now").unwrap();
            let (mut into, mut control) = ([0; 16], stamp_buffer());
            let (n, stamp) = receive(&client, &mut into, &mut control).unwrap();
            assert_eq!(n, 3);
            if let Some(stamp) = stamp {
                break stamp;
            }
            assert!(clock.now() < patience, "no stamp");
            std::thread::yield_now();
        };
        let behind = (crate::clock::wall_ahead() + clock.now()).0.checked_sub(stamp).unwrap();
        assert!(behind < 10_000_000_000, "{behind}");
    }
}
