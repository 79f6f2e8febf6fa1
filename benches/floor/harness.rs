//! The same work by `pushbench run`, through its command line and `summary.json` alone.

use crate::feed::Feed;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One round.
pub(crate) struct Figures {
    pub(crate) cpu_s_per_million: f64,
    pub(crate) verdict: String,
}

/// Runs the feed. The CPU time is that of the whole process in `measure`, publishing included.
pub(crate) fn run(bin: &Path, feed: &Feed, to: SocketAddr) -> Result<Figures> {
    let publish = format!(
        "[publish]\nhttp = {{ post = \"/pub/${{channel}}\" }}\nchannels = {}\nrate = \"{}/s\"\npayload = \"{} B\"\n",
        feed.channels, feed.rate_per_s, feed.payload_bytes
    );
    let path = "/ws/${channel}";
    let run = play(bin, &scenario(to, &publish, feed.clients, Feed::WARMUP_S, feed.seconds, path))?;
    let cpu_s = number(&run, "/generator/cpu_s")?;
    // Received in the same window as the CPU time was read over.
    let messages = number(&run, "/bytes/messages")?;
    ensure!(messages > 0.0, "pushbench received nothing: {run}");
    ensure!(number(&run, "/ledger/lost")? == 0.0, "pushbench lost messages: {}", run["ledger"]);
    let verdict = run["verdict"].as_str().unwrap_or("none").to_owned();
    Ok(Figures { cpu_s_per_million: cpu_s * 1e6 / messages, verdict })
}

/// The most that pushbench was resident with so many clients that receive nothing.
pub(crate) fn idle_rss_bytes(bin: &Path, clients: u32, to: SocketAddr) -> Result<f64> {
    let run = play(bin, &scenario(to, "", clients, 1, 3, "/ws/idle"))?;
    let attached = number(&run, "/connect/count")?;
    ensure!(attached == f64::from(clients), "only {attached} of {clients} clients attached");
    number(&run, "/generator/rss_bytes_max")
}

fn scenario(
    to: SocketAddr,
    publish: &str,
    clients: u32,
    warmup_s: u32,
    measure_s: u32,
    path: &str,
) -> String {
    let connect_s = 1 + clients / 1_000;
    format!(
        "title = \"floor\"\n[target]\nbase = \"http://{to}\"\n{publish}[load]\nclients = {clients}\n\
         connect = \"{connect_s}s\"\nwarmup = \"{warmup_s}s\"\nmeasure = \"{measure_s}s\"\ndrain = \"1s\"\n\
         [[case]]\nname = \"websocket\"\nwebsocket = {{ path = \"{path}\" }}\n"
    )
}

/// Plays a scenario of one run and gives that run. An invalid run (exit code 11) still counts: the
/// verdict is shown beside the figure.
pub(crate) fn play(bin: &Path, scenario: &str) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("floor.toml");
    fs::write(&file, scenario)?;
    let out = folder.path().join("out");
    let mut command = Command::new(bin);
    command.arg("run").arg(&file).arg("--out").arg(&out).stdin(Stdio::null());
    let done = command.output().with_context(|| format!("failed to start {}", bin.display()))?;
    let told = String::from_utf8_lossy(&done.stderr);
    ensure!(matches!(done.status.code(), Some(0 | 11)), "pushbench run ended with {}: {told}", done.status);
    let summary: Value = serde_json::from_str(&fs::read_to_string(summary_in(&out)?)?)?;
    let run = summary["runs"].get(0).with_context(|| format!("no run in the summary: {told}"))?;
    Ok(run.clone())
}

/// `--out` may name the folder itself or the place where it is made.
fn summary_in(out: &Path) -> Result<PathBuf> {
    let own = out.join("summary.json");
    if own.is_file() {
        return Ok(own);
    }
    let inside = fs::read_dir(out)?.filter_map(Result::ok).map(|e| e.path().join("summary.json"));
    inside.filter(|p| p.is_file()).last().with_context(|| format!("no summary.json in {}", out.display()))
}

pub(crate) fn number(run: &Value, pointer: &str) -> Result<f64> {
    run.pointer(pointer).and_then(Value::as_f64).with_context(|| format!("no number at {pointer}: {run}"))
}
