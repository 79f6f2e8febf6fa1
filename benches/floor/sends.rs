//! How late messages go out: 20,000 a second in total from one worker on one core, each way of
//! publishing, against the reference server on another core (a pipe goes to `cat`, which throws away).
//!
//! One client listens to one of the channels, so that the worker also reads. Lateness is send - due of
//! every message of `measure`; the CPU share is that of the one worker.

use crate::feed::Feed;
use crate::harness::{number, play};
use crate::server::{Server, cores};
use anyhow::Result;
use std::net::SocketAddr;
use std::path::Path;

/// The aim, microseconds at the 99th percentile.
const AIM_US: f64 = 100.0;

/// 100 channels, 200 messages a second each.
pub(crate) fn feed() -> Feed {
    Feed { clients: 1, channels: 100, rate_per_s: 200.0, payload_bytes: 64, seconds: 10 }
}

/// Prints a line for each way and round.
pub(crate) fn sends(bin: &Path, rounds: usize, feed: &Feed) -> Result<()> {
    let total = f64::from(feed.channels) * feed.rate_per_s;
    println!("{total:.0} messages a second in total, one worker; late by, us (aim: p99 at most {AIM_US:.0})");
    println!("way        sent/s       p50       p99       max  worker CPU  verdict");
    for _ in 0..rounds {
        for way in ["http", "in_band", "exec"] {
            let server = Server::start(bin, &cores().0)?;
            let run = play(bin, &scenario(way, server.address, feed))?;
            let late =
                |key: &str| number(&run, &format!("/generator/send_lag_{key}_ns")).unwrap_or(f64::NAN) / 1e3;
            println!(
                "{way:<8} {:>8.0} {:>9.1} {:>9.1} {:>9.1} {:>9.1} %  {}",
                number(&run, "/achieved_per_s")?,
                late("p50"),
                late("p99"),
                late("max"),
                number(&run, "/generator/worker_cpu_share_max")? * 100.0,
                run["verdict"].as_str().unwrap_or("none"),
            );
        }
    }
    Ok(())
}

fn scenario(way: &str, to: SocketAddr, feed: &Feed) -> String {
    let via = match way {
        "http" => "http = { post = \"/pub/${channel}\" }",
        "in_band" => "in_band = { websocket = { path = \"/duplex/${channel}\" }, send = \"${payload}\" }",
        _ => "exec = \"exec cat > /dev/null\"",
    };
    format!(
        "title = \"sends\"\n[target]\nbase = \"http://{to}\"\n[publish]\n{via}\nchannels = {}\nrate = \"{}/s\"\n\
         payload = \"{} B\"\n[load]\nclients = {}\nconnect = \"1s\"\nwarmup = \"1s\"\nmeasure = \"{}s\"\n\
         drain = \"1s\"\nworkers = 1\n[[case]]\nname = \"websocket\"\nwebsocket = {{ path = \"/ws/${{channel}}\" }}\n",
        feed.channels, feed.rate_per_s, feed.payload_bytes, feed.clients, feed.seconds
    )
}
