//! `[target] probe`: who tells what the target pays when it cannot be read on this machine.

use super::Report;
use super::base::parse_base;
use super::target::{key, pem};
use crate::scenario::raw::Probe;
use crate::scenario::{Base, ProbePlan, ProbeToken};

/// `None`: it is in error, and told.
pub(super) fn lower(probe: &Probe, beside_cost: bool, r: &mut Report<'_>) -> Option<ProbePlan> {
    let at = key("probe");
    if beside_cost {
        let help = "what the probe reads is said to it, on the machine of the target: `pushbench probe --port ... \
                    --pid ... --command ... --cgroup ... --unit ...`; leave one of the two out";
        r.wrong(&key("cost"), "`target` has both `cost` and `probe`", Some(help.to_owned()));
    }
    if let Some(ca) = &probe.ca {
        pem(ca, &at.key("ca"), r);
    }
    let base = url(probe.url.as_deref()?, r);
    let token = probe.token.clone()?;
    let written = r.written(&at.key("token")).unwrap_or_default();
    let from_env = written.trim_matches(['"', '\'']).strip_prefix("${env:").and_then(|v| v.strip_suffix('}'));
    if from_env.is_none() && !written.contains("${env:") && !r.is_broken(&at.key("token")) {
        r.note("`target.probe.token` stands in the file: ${env:NAME} keeps it out of what others read");
    }
    let token_from =
        from_env.map_or("`target.probe.token`".to_owned(), |v| format!("the environment variable {v}"));
    Some(ProbePlan {
        base: base?,
        token: ProbeToken(token),
        token_from,
        ca: probe.ca.as_ref().map(Into::into),
    })
}

fn url(text: &str, r: &mut Report<'_>) -> Option<Base> {
    let at = key("probe").key("url");
    let scheme = text.split("://").next().unwrap_or_default();
    let plain = ["http", "https"].iter().any(|s| scheme.eq_ignore_ascii_case(s));
    let base = match parse_base(text) {
        Ok(base) if plain => base,
        Ok(_) => {
            r.bad(&at, "http:// or https://");
            return None;
        }
        // A path is what goes wrong mostly, and the words for `base` are about other paths.
        Err(_) if text.trim_end_matches('/').matches('/').count() > 2 => {
            r.bad(&at, "scheme, host and port only: the probe's paths are known");
            return None;
        }
        Err(want) => {
            r.bad(&at, want);
            return None;
        }
    };
    if !base.tls && !is_loopback(&base.host) {
        r.note("`target.probe.url` is http:// to another machine: the token and all readings cross the network in the clear");
    }
    Some(base)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
