//! `pushbench serve`.

use super::exit;
use crate::model::Nanos;
use crate::server::{self, Config};
use anyhow::Context;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Run the bundled reference server.
///
/// It carries the same messages by polling, long polling and WebSocket, on one core and in memory.
/// `pushbench run` starts it by itself when a scenario names no target.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Try it (each line in a terminal of its own):
  pushbench serve
  curl -i http://127.0.0.1:9000/lp/news                    wait for the next message
  curl -i http://127.0.0.1:9000/pub/news -d 'hello'        publish one: 202 and who got it
  curl -i http://127.0.0.1:9000/poll/news?after=0          all since a cursor; the new one is the ETag
  curl -i http://127.0.0.1:9000/latest/news                the newest only
  curl -i -X DELETE http://127.0.0.1:9000/pub/news         drop the channel and its subscribers
  curl http://127.0.0.1:9000/stats                         what it counted

Paths (CH is any name, made when first used):
  POST|PUT|DELETE /pub/CH    GET /poll/CH /latest/CH /lp/CH    WebSocket /ws/CH /duplex/CH /echo
  Cursors travel as If-None-Match: \"N\" or as ?after=N. /duplex/CH publishes what a client sends.")]
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
    /// How often each WebSocket is pinged; 0 is never.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = span)]
    ping: Nanos,
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
    let listener =
        TcpListener::bind(args.listen).with_context(|| format!("failed to listen on {}", args.listen))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, run(&args, listener))?;
    Ok(exit::GOOD)
}

/// Serves until it is told to end.
async fn run(args: &Args, listener: TcpListener) -> anyhow::Result<()> {
    let config = Config { history: args.history, hold: args.hold, ping: args.ping, ..Config::default() };
    // Before the line that says it listens: whoever read it may send a signal at once.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let orphaned = stdin_closed(args.exit_with_stdin)?;
    announce(listener.local_addr()?)?;
    tokio::select! {
        served = server::serve(listener, config) => served.context("failed to serve"),
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        () = orphaned => Ok(()),
    }
}

fn announce(address: SocketAddr) -> io::Result<()> {
    if !address.ip().is_loopback() {
        let mut err = io::stderr().lock();
        writeln!(err, "warning: {address} can be reached from other machines, and anybody may publish here")?;
    }
    let mut out = io::stdout().lock();
    writeln!(out, "listening on {address}")?;
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

/// Reads `25s`, `500ms`, `2m` or `0`.
fn span(text: &str) -> Result<Nanos, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match (unit.trim(), number) {
        ("ms", _) => Nanos::from_millis(1),
        ("s", _) | ("", "0") => Nanos::SECOND,
        ("m" | "min", _) => Nanos::SECOND * 60,
        _ => return Err("want a number and a unit: 500ms, 25s, 2m".into()),
    };
    number.parse().map(|n: u64| unit * n).map_err(|_| "want a number and a unit: 500ms, 25s, 2m".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_carry_units() {
        assert_eq!(span("25s"), Ok(Nanos::SECOND * 25));
        assert_eq!(span("250 ms"), Ok(Nanos::from_millis(250)));
        assert_eq!(span("2m"), Ok(Nanos::SECOND * 120));
        assert_eq!(span("0"), Ok(Nanos::ZERO));
        for wrong in ["", "5", "s", "-1s", "1.5s", "10 h", "99999999999999999999s"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
