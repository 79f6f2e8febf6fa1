//! `[target]`: what is driven.

use super::base::parse_base;
use super::values::regex;
use super::{Report, duration, nonzero};
use crate::model::Nanos;
use crate::scenario::path::KeyPath;
use crate::scenario::raw::{Bundled, Cost, Target, Tls};
use crate::scenario::{Base, BundledSpec, CostGroup, CostSpec, TargetPlan, TlsSpec};
use regex_lite::Regex;

/// How each part of a PEM file begins.
const PEM: &[u8] = b"-----BEGIN ";

pub(super) fn lower(target: Option<&Target>, r: &mut Report<'_>) -> TargetPlan {
    let Some(target) = target else { return TargetPlan::Bundled(BundledSpec::default()) };
    if let Some(bundled) = &target.bundled {
        return TargetPlan::Bundled(bundled_spec(target, bundled, r));
    }
    if target.base.is_none() && !r.is_broken(&key("base")) {
        let help = "such as base = \"http://127.0.0.1:18080\"; for the bundled server leave [target] out, or give `bundled` its options".to_owned();
        r.wrong(&key("base"), "`target` has neither `base` nor `bundled`", Some(help));
    }
    if let Some(ready) = &target.ready {
        super::case::check_path(ready, &[], &key("ready"), r);
    }
    if target.start.is_some() && target.ready.is_none() {
        r.note("`target.start` without `target.ready`: the target counts as ready once its port accepts connections");
    }
    let (plain, secure) =
        (base(target.base.as_deref(), &key("base"), r), secure_base(target.secure_base.as_deref(), r));
    if target.tls.is_some() && !plain.tls && secure.is_none() && !r.is_broken(&key("secure_base")) {
        r.note("`target.tls` is of no use: neither `base` nor `secure_base` is https:// or wss://");
    }
    TargetPlan::External {
        base: plain,
        secure_base: secure,
        tls: target.tls.as_ref().map(|tls| tls_spec(tls, r)).unwrap_or_default(),
        start: target.start.clone(),
        ready: target.ready.clone(),
        ready_timeout: nonzero(
            target.ready_timeout.as_ref(),
            Nanos(30 * Nanos::SECOND.0),
            &key("ready_timeout"),
            r,
        ),
        cost: target.cost.as_ref().map(|cost| cost_spec(cost, r)).unwrap_or_default(),
        probe: target
            .probe
            .as_ref()
            .and_then(|p| super::probe::lower(p, target.cost.is_some(), r))
            .map(Box::new),
        allow_remote: target.allow_remote.unwrap_or(false),
    }
}

pub(super) fn key(key: &str) -> KeyPath {
    KeyPath::at("target").key(key)
}

/// A base that is in error is told and stood in for.
fn base(text: Option<&str>, at: &KeyPath, r: &mut Report<'_>) -> Base {
    let parsed = text.map(parse_base).transpose();
    let given = parsed.unwrap_or_else(|want| {
        r.bad(at, want);
        None
    });
    given.unwrap_or_else(|| Base { tls: false, host: "127.0.0.1".into(), port: 80 })
}

fn secure_base(text: Option<&str>, r: &mut Report<'_>) -> Option<Base> {
    let parsed = parse_base(text?);
    let wanted = parsed.and_then(|base| if base.tls { Ok(base) } else { Err("https:// or wss:// here") });
    wanted.map_err(|want| r.bad(&key("secure_base"), want)).ok()
}

fn tls_spec(tls: &Tls, r: &mut Report<'_>) -> TlsSpec {
    let at = key("tls");
    let insecure = tls.insecure.unwrap_or(false);
    if insecure && tls.ca.is_some() {
        let help = Some("leave one of the two out".to_owned());
        r.wrong(&at.key("ca"), "`target.tls` has `ca`, and `insecure`, which trusts anyone", help);
    }
    if insecure {
        r.note("insecure: certificates are not verified");
    }
    for (there, given, other) in [(&tls.cert, "cert", &tls.key), (&tls.key, "key", &tls.cert)] {
        let lost = if given == "cert" { "key" } else { "cert" };
        if there.is_some() && other.is_none() && !r.is_broken(&at.key(lost)) {
            let help = Some("a client certificate and its key belong together".to_owned());
            r.wrong(&at.key(given), format!("`target.tls` has `{given}` and no `{lost}`"), help);
        }
    }
    for (name, file) in [("ca", &tls.ca), ("cert", &tls.cert), ("key", &tls.key)] {
        if let Some(file) = file {
            pem(file, &at.key(name), r);
        }
    }
    TlsSpec {
        ca: tls.ca.as_ref().map(Into::into),
        identity: tls.cert.as_ref().zip(tls.key.as_ref()).map(|(cert, key)| (cert.into(), key.into())),
        server_name: tls.server_name.clone(),
        insecure,
        resumption: tls.resumption.unwrap_or(false),
    }
}

fn cost_spec(cost: &Cost, r: &mut Report<'_>) -> CostSpec {
    let at = |name| key("cost").key(name);
    let commands: Vec<String> = cost.command.as_ref().map(|c| c.0.clone()).unwrap_or_default();
    for (i, text) in commands.iter().enumerate() {
        let at = if commands.len() > 1 { at("command").index(i) } else { at("command") };
        regex(text, false, &at, r);
        if Regex::new(text).is_ok_and(|pattern| pattern.is_match("")) {
            r.bad(&at, "a regular expression that does not match every process");
        }
    }
    if cost.cgroup.is_some() && cost.unit.is_some() {
        let help = "a unit is a control group; leave one of the two out".to_owned();
        r.wrong(&at("unit"), "`target.cost` has both `cgroup` and `unit`", Some(help));
    }
    let path = cost.cgroup.clone().map(CostGroup::Path);
    CostSpec {
        port: cost.port,
        pids: cost.pid.iter().flat_map(|p| &p.0).map(|pid| pid.get()).collect(),
        commands,
        group: path.or_else(|| cost.unit.clone().map(CostGroup::Unit)),
    }
}

/// A file that the run will want is there, and looks like what it should be.
pub(super) fn pem(file: &str, at: &KeyPath, r: &mut Report<'_>) {
    let why = match std::fs::read(r.folder.join(file)) {
        Ok(text) if text.windows(PEM.len()).any(|w| w == PEM) => return,
        Ok(_) => "holds no PEM (-----BEGIN ...)".to_owned(),
        Err(e) => format!("cannot be read: {e}"),
    };
    let help = Some("the path is taken from the folder of the scenario file".to_owned());
    r.wrong(at, format!("`{at}`: {file} {why}"), help);
}

/// The bundled server is started by the run, on this machine, with a certificate of its own.
fn bundled_spec(target: &Target, bundled: &Bundled, r: &mut Report<'_>) -> BundledSpec {
    let foreign = [
        ("base", target.base.is_some()),
        ("secure_base", target.secure_base.is_some()),
        ("start", target.start.is_some()),
        ("ready", target.ready.is_some()),
        ("ready_timeout", target.ready_timeout.is_some()),
        ("cost", target.cost.is_some()),
        ("probe", target.probe.is_some()),
        ("allow_remote", target.allow_remote.is_some()),
    ];
    for (name, _) in foreign.iter().filter(|(_, there)| *there) {
        let help = "the run starts the bundled server by itself; leave one of the two out".to_owned();
        r.wrong(&key(name), format!("`target` has both `bundled` and `{name}`"), Some(help));
    }
    let tls = target.tls.as_ref();
    let given = |of: fn(&Tls) -> bool| tls.is_some_and(of);
    let own = [
        ("ca", given(|t| t.ca.is_some())),
        ("cert", given(|t| t.cert.is_some())),
        ("key", given(|t| t.key.is_some())),
        ("server_name", given(|t| t.server_name.is_some())),
        ("insecure", given(|t| t.insecure.is_some())),
    ];
    for (name, _) in own.iter().filter(|(_, there)| *there) {
        let help = "the bundled server has a certificate of its own, which alone is trusted; only `resumption` is left to choose".to_owned();
        r.wrong(
            &key("tls").key(name),
            format!("`target.tls.{name}` is not for the bundled server"),
            Some(help),
        );
    }
    let at = |name| key("bundled").key(name);
    if bundled.fault.iter().flat_map(|f| &f.0).any(String::is_empty) {
        r.bad(&at("fault"), "a text in quotes, such as \"restart at 5s for 500ms\"");
    }
    BundledSpec {
        faults: bundled.fault.as_ref().map(|f| f.0.clone()).unwrap_or_default(),
        ping: bundled
            .ping
            .as_ref()
            .map(|p| whole_ms(duration(Some(p), Nanos::ZERO, &at("ping"), r), &at("ping"), r)),
        hold: bundled
            .hold
            .as_ref()
            .map(|h| whole_ms(nonzero(Some(h), Nanos::SECOND, &at("hold"), r), &at("hold"), r)),
        history: bundled.history,
        resumption: tls.and_then(|t| t.resumption).unwrap_or(false),
    }
}

/// The server's own flags take nothing finer.
fn whole_ms(d: Nanos, at: &KeyPath, r: &mut Report<'_>) -> Nanos {
    if !d.0.is_multiple_of(Nanos::from_millis(1).0) {
        r.bad(at, "whole milliseconds");
    }
    d
}
