//! The floor: one thread, one epoll, one buffer; reads frames, checks and counts them, no more.

use crate::feed::Feed;
use crate::publisher;
use anyhow::{Context as _, Result, ensure};
use pushbench::clock::sleep_blocking;
use pushbench::model::{Nanos, Stamp};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// One round.
pub(crate) struct Figures {
    pub(crate) cpu_s_per_million: f64,
    pub(crate) publisher_s_per_million: f64,
    pub(crate) frames_per_read: f64,
}

/// What the loop had used and done at an instant.
#[derive(Clone, Copy, Default)]
struct Mark {
    cpu_ns: u64,
    frames: u64,
    reads: u64,
}

/// How main tells the loop to take a mark: before the clients are attached 0, then 1 begins the
/// window, 2 ends it and the loop.
#[derive(Default)]
struct Signals {
    attached: AtomicBool,
    mark: AtomicUsize,
    stop_publishing: AtomicBool,
}

/// Attaches the clients, lets the feed flow and measures the window.
pub(crate) fn run(feed: &Feed, to: SocketAddr, core: &CpuSet) -> Result<Figures> {
    let signals = Signals::default();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            sched_setaffinity(None, core)?;
            read(feed, to, &signals)
        });
        while !signals.attached.load(Ordering::Acquire) && !reader.is_finished() {
            sleep_blocking(Nanos::from_millis(5));
        }
        let publisher = scope.spawn(|| {
            sched_setaffinity(None, core)?;
            let before = thread_cpu_ns();
            let published = publisher::run(feed, to, &signals.stop_publishing)?;
            anyhow::Ok((thread_cpu_ns() - before, published))
        });
        sleep_blocking(Nanos::SECOND * u64::from(Feed::WARMUP_S));
        signals.mark.store(1, Ordering::Relaxed);
        sleep_blocking(Nanos::SECOND * u64::from(feed.seconds));
        signals.mark.store(2, Ordering::Relaxed);
        signals.stop_publishing.store(true, Ordering::Relaxed);
        let [from, to] = reader.join().map_err(|_| anyhow::anyhow!("the reader panicked"))??;
        let (publish_ns, published) =
            publisher.join().map_err(|_| anyhow::anyhow!("the publisher panicked"))??;
        figures(feed, from, to, publish_ns, published)
    })
}

fn figures(feed: &Feed, from: Mark, to: Mark, publish_ns: u64, published: u64) -> Result<Figures> {
    let frames = (to.frames - from.frames) as f64;
    let wanted = f64::from(feed.clients) * feed.rate_per_s * f64::from(feed.seconds);
    ensure!(frames > wanted * 0.95, "only {frames} of {wanted} frames came: no floor");
    let fan_out = f64::from(feed.clients) / f64::from(feed.channels);
    Ok(Figures {
        cpu_s_per_million: (to.cpu_ns - from.cpu_ns) as f64 / 1e3 / frames,
        publisher_s_per_million: publish_ns as f64 / 1e3 / (published as f64 * fan_out),
        frames_per_read: frames / (to.reads - from.reads) as f64,
    })
}

struct Client {
    stream: TcpStream,
    /// The beginning of a frame that a read cut in two.
    rest: Vec<u8>,
}

/// The loop. It checks the signal once a wake-up: a load, no system call.
fn read(feed: &Feed, to: SocketAddr, signals: &Signals) -> Result<[Mark; 2]> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    let mut now = Mark::default();
    let mut clients = Vec::with_capacity(feed.clients as usize);
    for i in 0..feed.clients {
        clients.push(attach(&epoll, feed, i, to).with_context(|| format!("failed to attach client {i}"))?);
    }
    signals.attached.store(true, Ordering::Release);
    let (mut marks, mut marked) = ([Mark::default(); 2], 0);
    let mut events = Vec::with_capacity(1024);
    let mut buffer = vec![0; 64 << 10];
    let patience = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
    while marked < 2 {
        epoll::wait(&epoll, spare_capacity(&mut events), Some(&patience))?;
        for event in events.drain(..) {
            let client = &mut clients[event.data.u64() as usize];
            now.frames += take(client, &mut buffer, feed.payload_bytes)?;
            now.reads += 1;
        }
        if signals.mark.load(Ordering::Relaxed) > marked {
            marks[marked] = Mark { cpu_ns: thread_cpu_ns(), ..now };
            marked += 1;
        }
    }
    Ok(marks)
}

/// One read and the frames that it completes.
fn take(client: &mut Client, buffer: &mut [u8], payload: usize) -> Result<u64> {
    let kept = client.rest.len();
    buffer[..kept].copy_from_slice(&client.rest);
    let n = match client.stream.read(&mut buffer[kept..]) {
        Ok(0) => anyhow::bail!("the server closed a connection"),
        Ok(n) => n,
        Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(0),
        Err(e) => return Err(e.into()),
    };
    let (frames, used) = frames(&buffer[..kept + n], payload)?;
    client.rest.clear();
    client.rest.extend_from_slice(&buffer[used..kept + n]);
    Ok(frames)
}

/// Counts whole messages; gives the bytes used. Pings are passed over: a round is shorter than any
/// server's patience.
fn frames(bytes: &[u8], payload: usize) -> Result<(u64, usize)> {
    let (mut count, mut at) = (0, 0);
    while let Some((opcode, head, length)) = head(&bytes[at..]) {
        let Some(body) = bytes.get(at + head..at + head + length) else { break };
        if opcode & 0x0f < 8 {
            ensure!(opcode & 0x80 != 0 && length == payload, "not a whole message of {payload} B");
            ensure!(body.starts_with(Stamp::MARKER), "a message without stamp");
            count += 1;
        }
        at += head + length;
    }
    Ok((count, at))
}

/// First byte, length of the head and length of the body, once the head is whole.
fn head(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    match second {
        126 => Some((first, 4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)))),
        127 => Some((first, 10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize)),
        short => Some((first, 2, usize::from(short))),
    }
}

/// Connects, upgrades by hand with the key of RFC 6455's example, and registers.
fn attach(epoll: &OwnedFd, feed: &Feed, i: u32, to: SocketAddr) -> Result<Client> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_nodelay(true)?;
    let path = feed.channel_of(i);
    write!(
        stream,
        "GET /ws/{path} HTTP/1.1\r\nHost: floor\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let good = head.starts_with("HTTP/1.1 101 ") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    ensure!(good, "the upgrade was answered {head:?}");
    stream.set_nonblocking(true)?;
    epoll::add(epoll, &stream, EventData::new_u64(u64::from(i)), EventFlags::IN)?;
    Ok(Client { stream, rest: Vec::new() })
}

fn thread_cpu_ns() -> u64 {
    let t = clock_gettime(ClockId::ThreadCPUTime);
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}
