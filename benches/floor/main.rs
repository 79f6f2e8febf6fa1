//! The yardstick: what is the least that receiving a feed over WebSocket costs, and how far above
//! it is pushbench? A raw epoll loop that only counts frames, and `pushbench run`, take turns
//! against the same server with the same feed; CPU seconds per million deliveries, side by side.
//!
//! ```text
//! cargo bench --bench floor                      CPU: 2,000 clients, 5 rounds
//! cargo bench --bench floor -- idle              memory of an idle client, 1,000 against 5,000
//! cargo bench --bench floor -- sends             how late 20,000 messages a second go out
//! cargo bench --bench floor -- sends --rate 2    the same at 100 times as many a second: 200
//! cargo bench --bench floor -- cpu --rounds 9 --clients 1000 --seconds 10
//! ```
//! Publishing is done by a thread of its own on the floor side, its CPU time shown apart; pushbench
//! publishes from the worker that receives, so its figure holds both. Two ratios: to the floor with
//! its publisher (like for like), and to the floor alone (the harder one for pushbench).
//! `--bin PATH` measures another build.
#![expect(clippy::print_stdout, reason = "a bench tells its figures on stdout")]

mod feed;
mod harness;
mod publisher;
mod reader;
mod sends;
mod server;

use anyhow::{Result, bail};
use feed::Feed;
use server::Server;
use std::path::PathBuf;

/// What is measured.
#[derive(Clone, Copy, PartialEq)]
enum What {
    Cpu,
    Idle,
    Sends,
}

/// What the command line says.
struct Options {
    what: What,
    rounds: usize,
    feed: Feed,
    bin: PathBuf,
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.iter().any(|a| a == "--bench") {
        println!("not a test: cargo bench --bench floor");
        return Ok(());
    }
    let options = options(&args)?;
    pushbench::engine::preflight::raise_descriptor_limit()?;
    match options.what {
        What::Cpu => cpu(&options),
        What::Idle => idle(&options),
        What::Sends => sends::sends(&options.bin, options.rounds, &options.feed),
    }
}

fn options(args: &[String]) -> Result<Options> {
    let bin = PathBuf::from(env!("CARGO_BIN_EXE_pushbench"));
    let mut o = Options { what: What::Cpu, rounds: 5, feed: Feed::default(), bin };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| anyhow::anyhow!("{arg} wants a value"));
        match arg.as_str() {
            "--bench" | "cpu" => {}
            "idle" => o.what = What::Idle,
            "sends" => (o.what, o.feed, o.rounds) = (What::Sends, sends::feed(), 3),
            "--rounds" => o.rounds = value()?.parse()?,
            "--clients" => o.feed.clients = value()?.parse()?,
            "--seconds" => o.feed.seconds = value()?.parse()?,
            "--rate" => o.feed.rate_per_s = value()?.parse()?,
            "--channels" => o.feed.channels = value()?.parse()?,
            "--payload" => o.feed.payload_bytes = value()?.parse()?,
            "--bin" => o.bin = value()?.into(),
            other => bail!("unknown argument {other}"),
        }
    }
    Ok(o)
}

fn cpu(o: &Options) -> Result<()> {
    println!("{}", o.feed);
    println!(
        "round  floor s/M  (its publisher s/M)  frames/read  pushbench s/M  ratio  to floor alone  verdict"
    );
    let (mut ratios, mut alones) = (Vec::new(), Vec::new());
    for round in 0..o.rounds {
        // The order changes from round to round, so that a drift of the machine falls on both.
        let (floor, bench) = if round % 2 == 0 {
            let floor = floor_once(o)?;
            (floor, bench_once(o)?)
        } else {
            let bench = bench_once(o)?;
            (floor_once(o)?, bench)
        };
        // pushbench publishes from the thread that receives: its figure holds both.
        let ratio = bench.cpu_s_per_million / (floor.cpu_s_per_million + floor.publisher_s_per_million);
        let alone = bench.cpu_s_per_million / floor.cpu_s_per_million;
        println!(
            "{round:>5}  {:>9.2}  {:>19.2}  {:>11.2}  {:>13.2}  {ratio:>5.2}  {alone:>14.2}  {}",
            floor.cpu_s_per_million,
            floor.publisher_s_per_million,
            floor.frames_per_read,
            bench.cpu_s_per_million,
            bench.verdict
        );
        ratios.push(ratio);
        alones.push(alone);
    }
    println!(
        "median of {} rounds: {:.2} times the floor with its publisher, {:.2} times the floor alone (goal: at most 1.5)",
        o.rounds,
        median(&mut ratios),
        median(&mut alones)
    );
    Ok(())
}

/// One round of the raw loop.
fn floor_once(o: &Options) -> Result<reader::Figures> {
    let server = Server::start(&o.bin, &server::cores().0)?;
    reader::run(&o.feed, server.address, &server::cores().1)
}

/// One round of pushbench.
fn bench_once(o: &Options) -> Result<harness::Figures> {
    let server = Server::start(&o.bin, &server::cores().0)?;
    harness::run(&o.bin, &o.feed, server.address)
}

fn idle(o: &Options) -> Result<()> {
    const CLIENTS: [u32; 2] = [1_000, 5_000];
    println!("resident bytes of pushbench with idle WebSocket clients");
    println!("round  rss at {}  rss at {}  bytes a client", CLIENTS[0], CLIENTS[1]);
    let mut slopes = Vec::new();
    for round in 0..o.rounds {
        let mut rss = [0.0; 2];
        for (rss, clients) in rss.iter_mut().zip(CLIENTS) {
            let server = Server::start(&o.bin, &server::cores().0)?;
            *rss = harness::idle_rss_bytes(&o.bin, clients, server.address)?;
        }
        let slope = (rss[1] - rss[0]) / f64::from(CLIENTS[1] - CLIENTS[0]);
        println!("{round:>5}  {:>11.0}  {:>11.0}  {slope:>14.0}", rss[0], rss[1]);
        slopes.push(slope);
    }
    println!("median {:.0} bytes a client (goal: at most 6144)", median(&mut slopes));
    Ok(())
}

/// The middle one, or the mean of the middle two.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n == 0 { f64::NAN } else { (values[(n - 1) / 2] + values[n / 2]) / 2.0 }
}
