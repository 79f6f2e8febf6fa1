//! The processes that parts of the selftest need beside their runs: a relay, a hog.

use super::exit;
use crate::engine;
use crate::selftest::relay::{Relay, RelaySpec};
use crate::selftest::{Helper, Witness, burn};
use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Is that process until stdin closes.
pub(super) fn main(helper: &Helper) -> anyhow::Result<u8> {
    match helper.clone() {
        Helper::Relay { spec, cpu } => {
            engine::pin_this_thread(cpu);
            relay(spec)?;
        }
        Helper::Hog { threads, cpu } => hog(threads, cpu)?,
        Helper::Witness { cpus } => witness(&cpus)?,
    }
    Ok(exit::GOOD)
}

/// Says where it listens as `serve` does; answers `counts` with what it counted.
fn relay(spec: RelaySpec) -> io::Result<()> {
    let relay = Relay::start(spec)?;
    let mut out = io::stdout().lock();
    writeln!(out, "listening on {}", relay.address)?;
    if let (Some(address), Some(pem)) = (relay.tls, &relay.certificate) {
        writeln!(out, "tls {address}")?;
        out.write_all(pem.as_bytes())?;
    }
    out.flush()?;
    answer(&mut out, || serde_json::json!(relay.counts()))
}

/// Answers each `counts` on stdin, until it closes.
fn answer(out: &mut impl Write, counts: impl Fn() -> serde_json::Value) -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        if line?.trim() == "counts" {
            writeln!(out, "{}", counts())?;
            out.flush()?;
        }
    }
    Ok(())
}

/// Watches on all these cores; answers `counts` with the stalls so far.
fn witness(cpus: &[usize]) -> io::Result<()> {
    let seen = Witness::default();
    for &cpu in cpus {
        let seen = seen.clone();
        std::thread::Builder::new().name("witness".into()).spawn(move || {
            engine::pin_this_thread(Some(cpu));
            seen.watch();
        })?;
    }
    let mut out = io::stdout().lock();
    writeln!(out, "listening on nothing")?;
    out.flush()?;
    answer(&mut out, || serde_json::json!(seen.stalls()))
}

fn hog(threads: usize, cpu: Option<usize>) -> io::Result<()> {
    let ended = Arc::new(AtomicBool::new(false));
    for _ in 0..threads {
        let ended = Arc::clone(&ended);
        std::thread::Builder::new().name("hog".into()).spawn(move || {
            engine::pin_this_thread(cpu);
            burn(|| ended.load(Ordering::Relaxed));
        })?;
    }
    let mut out = io::stdout().lock();
    writeln!(out, "listening on nothing")?;
    out.flush()?;
    io::stdin().lock().lines().for_each(drop);
    ended.store(true, Ordering::Relaxed);
    Ok(())
}
