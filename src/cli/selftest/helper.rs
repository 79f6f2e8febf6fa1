//! The processes that parts of the selftest need beside their runs: a relay, a hog.

use super::exit;
use crate::engine;
use crate::selftest::relay::{Relay, RelaySpec};
use crate::selftest::{Helper, burn};
use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Is that process until stdin closes.
pub(super) fn main(helper: &Helper) -> anyhow::Result<u8> {
    match *helper {
        Helper::Relay { spec, cpu } => {
            engine::pin_this_thread(cpu);
            relay(spec)?;
        }
        Helper::Hog { threads, cpu } => hog(threads, cpu)?,
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
    for line in io::stdin().lock().lines() {
        if line?.trim() == "counts" {
            writeln!(out, "{}", serde_json::json!(relay.counts()))?;
            out.flush()?;
        }
    }
    Ok(())
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
