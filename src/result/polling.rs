//! The part of `summary.json` about where the delivery time of pull transports goes.

use super::{Quantiles, finite};
use serde::{Deserialize, Serialize};

/// What pull clients waited for. Of each message `wait` + `rest` = its delivery time, to the nanosecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Polling {
    /// Interval polls: from the instant at which the message was due to the one at which the request
    /// that brought it began; zero when that was on its way already.
    pub wait: Quantiles,
    /// Interval polls: from then on, until the answer was read: server and network.
    pub rest: Quantiles,
    /// Long polls: first receipts in `measure`.
    pub held_messages: u64,
    /// Of these, sent before the request that brought them can have been at the target.
    pub in_gap: u64,
    /// `in_gap` / `held_messages`; `null` without messages.
    #[serde(with = "finite::option")]
    pub gap_share: Option<f64>,
    /// The same as expected: lambda G / (lambda G + exp(-lambda G)) for messages that come at random, with
    /// G = `turnaround` mean + `round_trip_min_ns`; `null` without either.
    #[serde(with = "finite::option")]
    pub gap_share_expected: Option<f64>,
    /// Long polls: from the read of an answer to the next request.
    pub turnaround: Quantiles,
    /// Long polls: the least time from a request to an answer with messages: network both ways and what
    /// the target needs.
    pub round_trip_min_ns: Option<u64>,
}

impl Polling {
    /// The share of messages that arrive while no request is with the target: each client is without one
    /// for `gap_s` after every answer, and messages come at random, `rate_per_s` for each client.
    pub fn expected_gap_share(rate_per_s: f64, gap_s: f64) -> f64 {
        let in_gap = rate_per_s * gap_s;
        in_gap / (in_gap + (-in_gap).exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long polling as it is, message by message: while a request is with the target the next message is
    /// answered at once; what comes within the gap after it waits and goes together.
    #[test]
    fn the_expected_share_is_that_of_a_simulation() {
        let (rate, gap) = (8.0, 0.05);
        let mut random = fastrand::Rng::with_seed(7);
        let (mut at, mut back, mut all, mut waited) = (0.0, 0.0, 0_u32, 0_u32);
        let mut waiting = false;
        for _ in 0..400_000 {
            at += -(1.0 - random.f64()).ln() / rate;
            // What waited goes out when the request is back, and the next gap begins.
            while waiting && at >= back {
                back += gap;
                waiting = false;
            }
            all += 1;
            if at < back {
                (waited, waiting) = (waited + 1, true);
            } else {
                back = at + gap;
            }
        }
        let share = f64::from(waited) / f64::from(all);
        let expected = Polling::expected_gap_share(rate, gap);
        assert!((share / expected - 1.0).abs() < 0.01, "{share} {expected}");
        assert!(Polling::expected_gap_share(8.0, 0.0).abs() < 1e-12);
    }
}
