//! What the target pays, told by a `pushbench probe` on its machine.
//!
//! A probe like any other: asked on the thread of the readings, never waited for while a load runs. What it tells is in
//! the counters of its own machine, and its instants are moved to our clock (`ahead`). It must not guess: an answer that
//! is late, of another schema or of a probe that was started anew is no reading, and says why.

mod ahead;

use super::EngineError;
use super::control::{Control, ControlPlace, no_roots};
use super::site::client;
use crate::analysis::clock_fit::Exchange;
use crate::model::{Cost, Nanos};
use crate::probe::{About, Depth, Probe, ProbeError, TOLD_SCHEMA, ToldReading};
use crate::scenario::{Plan, ProbePlan, TlsSpec};
use ahead::Ahead;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use std::time::Duration;

/// How long one reading may take; less than what the readings' thread is given, so that one that is late is lost
/// and no more.
const PATIENCE: Duration = Duration::from_secs(4);
/// A longer answer is none of a probe: 100,000 processes would have room in it.
const MOST_BYTES: usize = 4 << 20;
/// Exchanges that tell how far its clock is ahead.
const AT_FIRST: usize = 6;
/// How the line of a process ends that is no more.
const ENDED: &str = "(ended)";

/// Asks whether the probe of the plan answers us, before anything is started.
///
/// # Errors
/// Why not, and what would do.
pub(super) fn preflight(plan: &Plan) -> Result<(), EngineError> {
    let Some(probe) = plan.target.probe() else { return Ok(()) };
    let asked = RemoteProbe::to(probe, plan.path.as_deref()).and_then(|remote| remote.about());
    asked.map(|_| ()).map_err(|why| EngineError::Probe(format!("{}: {why}", probe.base.url())))
}

/// A probe on another machine.
pub(super) struct RemoteProbe {
    control: Control,
    url: String,
    token_from: String,
    /// Its clock; `None`: not yet asked.
    ahead: Option<Ahead>,
    /// Whether it runs on our kernel.
    same: bool,
    /// When it began, by its own clock.
    began_ns: u64,
    /// Processes that had ended before we asked first: none of this run's.
    gone_before: Option<Vec<String>>,
    found: Vec<String>,
    warnings: Vec<String>,
}

impl RemoteProbe {
    /// To ask the probe of a plan; opens no connection. Files are found beside the scenario.
    ///
    /// # Errors
    /// In words, when its `ca` will not do or this process may have no more descriptors.
    pub(super) fn to(probe: &ProbePlan, scenario: Option<&Path>) -> Result<RemoteProbe, String> {
        let url = probe.base.url();
        let spec = TlsSpec { ca: probe.ca.clone(), ..TlsSpec::default() };
        let tls = match probe.base.tls {
            true => client(&spec, "target.probe", scenario).map_err(|e| e.to_string())?.config(),
            false => no_roots(),
        };
        let place = ControlPlace { url: format!("{url}/"), tls, at: None };
        Ok(RemoteProbe {
            control: Control::beside(place, &probe.token.0, PATIENCE)?,
            url,
            token_from: probe.token_from.clone(),
            ahead: None,
            same: false,
            began_ns: 0,
            gone_before: None,
            found: Vec::new(),
            warnings: Vec::new(),
        })
    }

    /// Learns who it is and what its clock says.
    ///
    /// # Errors
    /// Why it told nothing.
    pub(super) fn meet(&mut self) -> Result<(), String> {
        let mut exchanges = Vec::with_capacity(AT_FIRST);
        for _ in 0..AT_FIRST {
            let (about, exchange) = self.about()?;
            exchanges.push(exchange);
            (self.same, self.began_ns) = (about.is_this_machine(), about.began_ns);
        }
        self.ahead = Ahead::of(&exchanges, self.same);
        Ok(())
    }

    /// Whether it runs on our own kernel, as far as is known.
    pub(super) fn is_on_this_machine(&self) -> bool {
        self.same
    }

    fn about(&self) -> Result<(About, Exchange), String> {
        let (about, [sent_ns, received_ns]) = self.ask::<About>("v1/about")?;
        let (there_received_ns, there_sent_ns) = (about.received_ns, about.sent_ns);
        Ok((about, Exchange { sent_ns, there_received_ns, there_sent_ns, received_ns }))
    }

    /// An answer, and when it was asked for and had.
    fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<(T, [u64; 2]), String> {
        let answer = self.control.get_below(path, MOST_BYTES).map_err(|why| advised(&why))?;
        match answer.status {
            200 => {}
            401 => {
                return Err(format!(
                    "it refused the token (401): is {} the one that `pushbench probe` was started with?",
                    self.token_from
                ));
            }
            404 => {
                return Err("it knows no such path (404): is a `pushbench probe` listening there?".to_owned());
            }
            status => {
                let text = String::from_utf8_lossy(&answer.body);
                return Err(format!("it answered {status}: {}", text.lines().next().unwrap_or_default()));
            }
        }
        let told = read(&answer.body)?;
        Ok((told, [answer.sent.0, answer.received.0]))
    }

    fn reading(&mut self, depth: Depth) -> Result<Cost, String> {
        let (told, [sent_ns, received_ns]) = self.ask::<ToldReading>(path(depth))?;
        if told.began_ns != self.began_ns {
            return Err(
                "it was started anew in mid-run, and its counters with it: what it tells since is left out"
                    .to_owned(),
            );
        }
        let ended = |found: &[String]| found.iter().filter(|f| f.ends_with(ENDED)).cloned().collect();
        let gone = self.gone_before.get_or_insert_with(|| ended(&told.found));
        self.found = told.found.into_iter().filter(|f| !gone.contains(f)).collect();
        self.warnings = told.warnings;
        let (there_received_ns, there_sent_ns) = (told.received_ns, told.sent_ns);
        let ahead = self.ahead.as_mut().ok_or("its clock was never asked")?;
        ahead.heed(&Exchange { sent_ns, there_received_ns, there_sent_ns, received_ns });
        let cost = told.cost.ok_or_else(|| told.error.unwrap_or_else(|| "it told no reading".to_owned()))?;
        Ok(ahead.home(cost))
    }
}

impl Probe for RemoteProbe {
    fn read(&mut self, depth: Depth) -> Result<Cost, ProbeError> {
        self.reading(depth).map_err(|why| ProbeError::Remote { url: self.url.clone(), why })
    }

    fn found(&self) -> Vec<String> {
        self.found.clone()
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }

    fn source(&self) -> String {
        self.url.clone()
    }

    fn clock_error(&self) -> Option<Nanos> {
        self.ahead.as_ref().map(Ahead::error)
    }
}

const fn path(depth: Depth) -> &'static str {
    match depth {
        Depth::Light => "v1/reading?depth=light",
        Depth::Full => "v1/reading?depth=full",
        Depth::Thorough => "v1/reading?depth=thorough",
    }
}

/// The schema first: what another one means is not guessed.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
    }
    let none = |e: serde_json::Error| {
        format!("it told something else than a reading ({e}): is a `pushbench probe` listening there?")
    };
    let Head { schema } = serde_json::from_slice(body).map_err(none)?;
    if schema != TOLD_SCHEMA {
        return Err(format!(
            "it speaks {schema}, this build {TOLD_SCHEMA}: run the same version of pushbench on both machines"
        ));
    }
    serde_json::from_slice(body).map_err(none)
}

/// What went wrong on the way, and what may help.
fn advised(why: &str) -> String {
    let remedies = [
        ("refused", "is `pushbench probe --listen` running there?"),
        ("timed out", "can it be reached from here (a firewall)?"),
        ("UnknownIssuer", "give the file of its CA as `ca` in [target] probe"),
        ("NotValidForName", "its certificate is for another name: is the `url` right?"),
        ("InvalidContentType", "it speaks no TLS: was it started with --tls-cert and --tls-key?"),
        ("invalid HTTP version", "it may speak TLS: https:// in the `url`?"),
        ("closed before message completed", "it ended, or it speaks TLS: https:// in the `url`?"),
    ];
    let remedy = remedies.iter().find(|(sign, _)| why.contains(sign));
    remedy.map_or_else(|| why.to_owned(), |(_, remedy)| format!("{why}: {remedy}"))
}

#[cfg(test)]
mod tests;
