//! `pushbench serve`.

use super::exit;
use crate::model::Nanos;
use crate::server::{self, Bound, Config, Fault, span};
use anyhow::Context;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Run the bundled reference server.
///
/// It carries the same messages by polling, long polling, streams and WebSocket, on one core and in
/// memory, plain and over TLS.
/// `pushbench run` starts it by itself when a scenario names no target.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Try it (each line in a terminal of its own):
  pushbench serve
  curl -i http://127.0.0.1:9000/lp/news                    wait for the next message
  curl -N http://127.0.0.1:9000/sse/news?after=0           all messages, as they come
  curl -i http://127.0.0.1:9000/pub/news -d 'hello'        publish one: 202 and who got it
  curl -i http://127.0.0.1:9000/poll/news?after=0          all since a cursor; the new one is the ETag
  curl -i http://127.0.0.1:9000/latest/news                the newest only
  curl -i -X DELETE http://127.0.0.1:9000/pub/news         drop the channel and its subscribers
  curl http://127.0.0.1:9000/stats                         what it counted
  curl http://127.0.0.1:9000/clock                         its monotonic clock, in and out

Paths (CH is any name, made when first used):
  POST|PUT|DELETE /pub/CH    GET /poll/CH /latest/CH /lp/CH    WebSocket /ws/CH /duplex/CH /echo
  GET|POST /sse/CH /iframe/CH /chunked/CH /multipart/CH /lines/CH /lenpref/CH
  Cursors travel as If-None-Match: \"N\" or as ?after=N, for SSE as Last-Event-ID too. ?limit=N ends a
  stream after N messages; ?retry=MS tells SSE clients to wait; /ws/CH?ids=1 begins each message with
  its number. /duplex/CH publishes what a client sends.

Faults (--fault, may be repeated; times from the first connection accepted):
  restart at|every TIME for TIME [gracefully] [losing history]
                                        connections are reset, new ones refused
  freeze at|every TIME for TIME         the whole server stands still, sockets stay open
  delay TIME                            each message is given out so much later
  delay TIME or TIME for N% [seed N]    the second for N % of the messages, by drawing
  delay exponential TIME [seed N]       drawn anew for each message; TIME is the mean
  service exponential TIME [seed N]     one worker a channel: messages queue
  slow TIME for the first TIME          so much later in the first seconds
  drop every N                          never given out
  duplicate every N                     given out twice
  swap every N [within TIME]            changes places with the next one, if that comes in time (5s)
  withhold every N [for TIME]           given out so much later, or never
  refuse every N with STATUS            every N-th publish is answered with 400 to 599
  burn SHARE                            a thread uses up that share of one core, such as 0.5
  memory SIZE                           so much for each subscribing connection, such as 10KiB
  clock ahead|behind TIME [drift N ppm] what GET /clock tells is off
  N counts the messages of each channel from 1.")]
pub(super) struct Args {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// Messages kept for each channel (and at most 1 MiB).
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = at_least_one)]
    history: usize,
    /// How long a long poll is held before it is answered "nothing new".
    #[arg(long, value_name = "TIME", default_value = "25s", value_parser = span)]
    hold: Nanos,
    /// How often each WebSocket is pinged and each SSE stream gets a comment; 0 is never.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = span)]
    ping: Nanos,
    /// Listen with TLS as well, for the same channels; port 0 takes a free one. The certificate is
    /// made at the start, for localhost, 127.0.0.1 and ::1, and printed.
    #[arg(long, value_name = "ADDRESS:PORT")]
    tls_listen: Option<SocketAddr>,
    /// What goes wrong on purpose, such as "restart at 5s for 500ms" or "drop every 1000"; may be
    /// given several times. All kinds are listed below.
    #[arg(long, value_name = "FAULT")]
    fault: Vec<Fault>,
    /// Stay on this CPU core.
    #[arg(long, value_name = "N")]
    cpu: Option<usize>,
    /// End when stdin closes, so that the server never outlives the process that started it.
    #[arg(long, hide = true)]
    exit_with_stdin: bool,
}

pub(super) fn main(args: Args) -> anyhow::Result<u8> {
    if let Some(cpu) = args.cpu {
        pin(cpu).with_context(|| format!("failed to stay on CPU core {cpu}"))?;
    }
    server::raise_descriptor_limit();
    let config = Config {
        history: args.history,
        hold: args.hold,
        ping: args.ping,
        tls: args.tls_listen,
        faults: args.fault.clone(),
        ..Config::default()
    };
    let bound = Bound::bind(args.listen, config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, run(&args, bound))?;
    Ok(exit::GOOD)
}

/// Serves until it is told to end.
async fn run(args: &Args, bound: Bound) -> anyhow::Result<()> {
    // Before the line that says it listens: whoever read it may send a signal at once.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let orphaned = stdin_closed(args.exit_with_stdin)?;
    announce(&bound)?;
    tokio::select! {
        served = bound.serve() => served.context("failed to serve"),
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        () = orphaned => Ok(()),
    }
}

fn announce(bound: &Bound) -> io::Result<()> {
    for address in [Some(bound.address()), bound.tls()].into_iter().flatten() {
        if !address.ip().is_loopback() {
            let mut err = io::stderr().lock();
            writeln!(
                err,
                "warning: {address} can be reached from other machines, and anybody may publish here"
            )?;
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "listening on {}", bound.address())?;
    if let (Some(address), Some(pem)) = (bound.tls(), bound.certificate()) {
        writeln!(out, "tls {address}")?;
        out.write_all(pem.as_bytes())?;
    }
    out.flush()
}

/// Comes back when stdin has closed; never when that is not `wanted`.
fn stdin_closed(wanted: bool) -> io::Result<impl Future<Output = ()>> {
    let (sender, receiver) = oneshot::channel::<()>();
    if wanted {
        std::thread::Builder::new().name("stdin".into()).spawn(move || {
            let mut buffer = [0; 256];
            while io::stdin().lock().read(&mut buffer).is_ok_and(|n| n > 0) {}
            drop(sender);
        })?;
    }
    Ok(async move {
        match wanted {
            // An error is what it waits for: the sender is gone.
            true => drop(receiver.await),
            false => std::future::pending().await,
        }
    })
}

fn pin(cpu: usize) -> io::Result<()> {
    if cpu >= rustix::thread::CpuSet::MAX_CPU {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no such core"));
    }
    let mut set = rustix::thread::CpuSet::new();
    set.set(cpu);
    Ok(rustix::thread::sched_setaffinity(None, &set)?)
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n @ 1..) => Ok(n),
        _ => Err("want a whole number above 0".into()),
    }
}
