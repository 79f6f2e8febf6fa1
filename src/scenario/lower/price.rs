//! `[price]`: every default filled in.

use super::Report;
use crate::scenario::PriceSpec;
use crate::scenario::path::KeyPath;
use crate::scenario::raw::Price;

pub(super) fn lower(raw: Option<&Price>, r: &mut Report<'_>) -> Option<PriceSpec> {
    let raw = raw?;
    let at = KeyPath::at("price");
    let plain = PriceSpec::of_instance(raw.instance_hour.unwrap_or_default());
    let spec = PriceSpec {
        cores: raw.cores.unwrap_or(plain.cores),
        memory_bytes: raw.memory.as_ref().map(|m| m.0.0),
        egress_gb: raw.egress_gb,
        currency: raw.currency.clone().unwrap_or(plain.currency.clone()),
        headroom: raw.headroom.unwrap_or(plain.headroom),
        ..plain
    };
    // What the schema refused is told already.
    if let Some((key, want)) = spec.fault().filter(|(key, _)| !r.is_broken(&at.key(key))) {
        r.bad(&at.key(key), want);
    }
    Some(spec)
}
