//! `[slo]`: a relation and a bound, in the unit of what is measured.

use super::text::{Bytes, Text, Written};
use crate::model::Nanos;
use crate::scenario::{Objective, OnInvalid, Relation};
use schemars::JsonSchema;
use serde::Deserialize;
use std::marker::PhantomData;

/// Objectives of every run; one that is missed makes the exit code 10.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Slo {
    /// Median delivery time.
    delivery_p50: Option<Text<Bound<Nanos>>>,
    /// Delivery time that 90 % keep below.
    delivery_p90: Option<Text<Bound<Nanos>>>,
    /// Delivery time that 99 % keep below.
    delivery_p99: Option<Text<Bound<Nanos>>>,
    /// Delivery time that 99.9 % keep below.
    delivery_p999: Option<Text<Bound<Nanos>>>,
    /// The longest delivery time.
    delivery_max: Option<Text<Bound<Nanos>>>,
    /// Connect time that 99 % keep below.
    connect_p99: Option<Text<Bound<Nanos>>>,
    /// Median time from the end of a session to the next one, of clients that came back.
    reconnect_p50: Option<Text<Bound<Nanos>>>,
    /// Time to come back that 99 % keep below.
    reconnect_p99: Option<Text<Bound<Nanos>>>,
    /// The longest time to come back.
    reconnect_max: Option<Text<Bound<Nanos>>>,
    /// Clients that gave up coming back.
    gave_up: Option<Text<Bound<Count>>>,
    /// Messages published between two sessions of a client that it never got.
    missed: Option<Text<Bound<Count>>>,
    /// Messages published between two sessions of a client that it got after its return.
    replayed: Option<Text<Bound<Count>>>,
    /// Messages that were expected and never came.
    lost: Option<Text<Bound<Count>>>,
    /// Messages published while a client was not subscribed, though it was to be.
    unattached: Option<Text<Bound<Count>>>,
    /// Messages that came twice.
    duplicate: Option<Text<Bound<Count>>>,
    /// Messages that the target did not take.
    publish_failed: Option<Text<Bound<Count>>>,
    /// Failures of all classes.
    failures: Option<Text<Bound<Count>>>,
    /// Bytes that are not payload, over bytes that are.
    overhead_to_payload: Option<Text<Bound<Ratio>>>,
    /// Message layer: bytes that are not payload of messages received for the first time, over bytes that are.
    message_header_to_payload: Option<Text<Bound<Ratio>>>,
    /// Message layer: the same against the payload of all that were delivered, again ones too.
    message_header_to_delivered_payload: Option<Text<Bound<Ratio>>>,
    /// TCP stream layer: the same as at the message layer, with TLS records.
    stream_header_to_payload: Option<Text<Bound<Ratio>>>,
    /// Wire layer: the same with TCP and IP headers.
    wire_header_to_payload: Option<Text<Bound<Ratio>>>,
    /// CPU time of the target for each delivered message.
    cpu_us_per_delivery: Option<Text<Bound<Nanos>>>,
    /// Memory of the target for each connection.
    bytes_per_connection: Option<Text<Bound<Bytes>>>,
    /// What an invalid run is to the objectives: `ignore` (the default), it neither meets nor misses
    /// them, and delivery times are held without the seconds that are invalid; `fail`, it misses them.
    on_invalid: Option<Invalid>,
}

/// What to do with what cannot be believed.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum Invalid {
    /// Neither met nor missed; invalid seconds are left out.
    Ignore,
    /// Missed.
    Fail,
}

impl Slo {
    /// What an invalid run is to them.
    pub(in crate::scenario) fn on_invalid(&self) -> OnInvalid {
        match self.on_invalid {
            None | Some(Invalid::Ignore) => OnInvalid::Ignore,
            Some(Invalid::Fail) => OnInvalid::Fail,
        }
    }

    /// The lines that are there, in the order above.
    pub(in crate::scenario) fn objectives(&self) -> Vec<Objective> {
        fn line<U>(key: &str, bound: Option<&Text<Bound<U>>>) -> Option<Objective> {
            let Text(b) = bound?;
            Some(Objective {
                key: key.to_owned(),
                text: b.text.clone(),
                relation: b.relation,
                bound: b.bound,
            })
        }
        let all = [
            line("delivery_p50", self.delivery_p50.as_ref()),
            line("delivery_p90", self.delivery_p90.as_ref()),
            line("delivery_p99", self.delivery_p99.as_ref()),
            line("delivery_p999", self.delivery_p999.as_ref()),
            line("delivery_max", self.delivery_max.as_ref()),
            line("connect_p99", self.connect_p99.as_ref()),
            line("reconnect_p50", self.reconnect_p50.as_ref()),
            line("reconnect_p99", self.reconnect_p99.as_ref()),
            line("reconnect_max", self.reconnect_max.as_ref()),
            line("gave_up", self.gave_up.as_ref()),
            line("missed", self.missed.as_ref()),
            line("replayed", self.replayed.as_ref()),
            line("lost", self.lost.as_ref()),
            line("unattached", self.unattached.as_ref()),
            line("duplicate", self.duplicate.as_ref()),
            line("publish_failed", self.publish_failed.as_ref()),
            line("failures", self.failures.as_ref()),
            line("overhead_to_payload", self.overhead_to_payload.as_ref()),
            line("message_header_to_payload", self.message_header_to_payload.as_ref()),
            line("message_header_to_delivered_payload", self.message_header_to_delivered_payload.as_ref()),
            line("stream_header_to_payload", self.stream_header_to_payload.as_ref()),
            line("wire_header_to_payload", self.wire_header_to_payload.as_ref()),
            line("cpu_us_per_delivery", self.cpu_us_per_delivery.as_ref()),
            line("bytes_per_connection", self.bytes_per_connection.as_ref()),
        ];
        all.into_iter().flatten().collect()
    }
}

/// `< 250 ms`
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Bound<U> {
    text: String,
    relation: Relation,
    bound: f64,
    unit: PhantomData<U>,
}

impl<U> Bound<U> {
    fn split(text: &str, value: impl Fn(&str) -> Option<f64>) -> Option<Bound<U>> {
        let (relation, rest) = Relation::split(text)?;
        Some(Bound { text: text.to_owned(), relation, bound: value(rest)?, unit: PhantomData })
    }
}

/// A whole number of things.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Count;

/// One thing over another.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Ratio;

impl Written for Bound<Nanos> {
    const NAME: &'static str = "DurationBound";
    const PATTERN: &'static str = r"(<|<=|==|>=|>) ?[0-9]{1,9}(\.[0-9]{1,9})? ?(ns|us|µs|ms|s|min|h)";
    const WANT: &'static str = "a relation and a duration, such as \"< 250 ms\"";
    const EXAMPLES: &'static [&'static str] = &["< 250 ms", "<= 1 s"];
    fn read(text: &str) -> Option<Self> {
        Bound::split(text, |t| Nanos::read(t).map(|d| d.0 as f64))
    }
}

impl Written for Bound<Count> {
    const NAME: &'static str = "CountBound";
    const PATTERN: &'static str = r"(<|<=|==|>=|>) ?[0-9]{1,15}";
    const WANT: &'static str = "a relation and a count, such as \"== 0\"";
    const EXAMPLES: &'static [&'static str] = &["== 0", "< 10"];
    fn read(text: &str) -> Option<Self> {
        Bound::split(text, |t| t.parse::<u64>().ok().map(|n| n as f64))
    }
}

impl Written for Bound<Ratio> {
    const NAME: &'static str = "RatioBound";
    const PATTERN: &'static str = r"(<|<=|==|>=|>) ?[0-9]{1,9}(\.[0-9]{1,9})?";
    const WANT: &'static str = "a relation and a plain number, such as \"< 2.5\"";
    const EXAMPLES: &'static [&'static str] = &["< 2.5"];
    fn read(text: &str) -> Option<Self> {
        Bound::split(text, |t| t.parse().ok())
    }
}

impl Written for Bound<Bytes> {
    const NAME: &'static str = "SizeBound";
    const PATTERN: &'static str =
        r"(<|<=|==|>=|>) ?([0-9]{1,12} ?B|[0-9]{1,6}(\.(5|25|75|125))? ?(kB|KiB|MB|MiB))";
    const WANT: &'static str = "a relation and a size, such as \"< 8 KiB\"";
    const EXAMPLES: &'static [&'static str] = &["< 8 KiB"];
    fn read(text: &str) -> Option<Self> {
        Bound::split(text, |t| Bytes::read(t).map(|b| b.0 as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relation_and_a_bound_in_the_metrics_own_unit() {
        let read = |text| <Bound<Nanos> as Written>::read(text).map(|b| (b.relation, b.bound));
        assert_eq!(read("< 250 ms"), Some((Relation::Less, 250e6)));
        assert_eq!(read("<=1s"), Some((Relation::AtMost, 1e9)));
        assert_eq!(read("250 ms"), None);
        assert_eq!(read("< 250"), None);
        let size = <Bound<Bytes> as Written>::read(">= 8 KiB").map(|b| (b.relation, b.bound));
        assert_eq!(size, Some((Relation::AtLeast, 8192.0)));
        assert!(<Bound<Count> as Written>::read("== 0.5").is_none());
    }
}
