//! What another host's clock says in terms of ours, and how wrong that can be.
//!
//! Source: Cristian 1989 and NTP (RFC 5905, section 8). Of four stamps, `offset = ((t1 - t0) + (t2 - t3)) / 2`
//! and the truth lies within half the round trip of it, whatever the two ways took. Of many exchanges the
//! quickest are the best; a straight line through them is offset and drift. As the true offset is a line
//! too, the error is one, and between two exchanges it is no greater than at either of them.

/// Four instants of one exchange, nanoseconds, each on the clock of who took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// We sent the question (our clock).
    pub sent_ns: u64,
    /// The other received it (its clock).
    pub there_received_ns: u64,
    /// The other sent its answer (its clock).
    pub there_sent_ns: u64,
    /// We received the answer (our clock).
    pub received_ns: u64,
}

impl Exchange {
    /// How far its clock is ahead of ours by this exchange.
    pub fn offset_ns(&self) -> f64 {
        let ahead = |theirs: u64, ours: u64| theirs as i128 - ours as i128;
        (ahead(self.there_received_ns, self.sent_ns) + ahead(self.there_sent_ns, self.received_ns)) as f64
            / 2.0
    }

    /// Time on the way, both ways together; what the other took in between is not in it. Never below zero.
    pub fn round_trip_ns(&self) -> u64 {
        let whole = self.received_ns.saturating_sub(self.sent_ns);
        whole.saturating_sub(self.there_sent_ns.saturating_sub(self.there_received_ns))
    }

    fn middle_ns(&self) -> f64 {
        self.sent_ns as f64 / 2.0 + self.received_ns as f64 / 2.0
    }
}

/// The other's clock as a straight line over ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockFit {
    /// The instant of ours to which `offset_ns` belongs: the middle of the exchanges.
    pub at_ns: f64,
    /// How far its clock is ahead there; below zero: behind.
    pub offset_ns: f64,
    /// How much faster it runs, parts per million.
    pub drift_ppm: f64,
    /// The offset is at most so wrong, anywhere between the first and the last exchange that counted.
    pub epsilon_ns: f64,
    /// The quickest round trip.
    pub round_trip_min_ns: u64,
    /// Exchanges.
    pub exchanges: usize,
    /// Of these, those that the line goes through.
    pub used: usize,
}

/// Parts into which the time is cut; of each the quickest exchange counts.
const PARTS: usize = 24;
/// Of the quickest of the parts, those count whose round trip is at most so many times the best.
const QUICK: f64 = 2.0;

/// Fits offset and drift to exchanges before, during and after a run, in any order. `None` with fewer than
/// two of them.
pub fn fit(exchanges: &[Exchange]) -> Option<ClockFit> {
    let mut all = exchanges.to_vec();
    all.sort_unstable_by_key(|e| e.sent_ns);
    let (first, last) = (all.first()?.middle_ns(), all.last()?.middle_ns());
    if last <= first {
        return None;
    }
    let used = quickest(&all, first, last);
    let at_ns = used.iter().map(Exchange::middle_ns).sum::<f64>() / used.len() as f64;
    let (offset_ns, drift) = line(&used, at_ns);
    let mut fitted = ClockFit {
        at_ns,
        offset_ns,
        drift_ppm: drift * 1e6,
        epsilon_ns: 0.0,
        round_trip_min_ns: all.iter().map(Exchange::round_trip_ns).min()?,
        exchanges: all.len(),
        used: used.len(),
    };
    fitted.epsilon_ns = epsilon(&fitted, &used);
    Some(fitted)
}

/// The quickest exchange of each part of the time; the first and the last part always count, so that the
/// line is held at both ends.
fn quickest(sorted: &[Exchange], first: f64, last: f64) -> Vec<Exchange> {
    let mut parts: [Option<Exchange>; PARTS] = [None; PARTS];
    for e in sorted {
        let share = (e.middle_ns() - first) / (last - first);
        let part = &mut parts[((share * PARTS as f64) as usize).min(PARTS - 1)];
        if part.is_none_or(|best| e.round_trip_ns() < best.round_trip_ns()) {
            *part = Some(*e);
        }
    }
    let best = parts.iter().flatten().map(Exchange::round_trip_ns).min().unwrap_or(0);
    let is_end = |i: usize| i == 0 || i == PARTS - 1;
    let counts = |e: &Exchange| e.round_trip_ns() as f64 <= QUICK * best as f64;
    let kept = parts.into_iter().enumerate().filter_map(|(i, e)| e.filter(|e| is_end(i) || counts(e)));
    kept.collect()
}

/// Offset at `at` and drift, by least squares weighted by the inverse square of the round trip.
fn line(used: &[Exchange], at: f64) -> (f64, f64) {
    let weight = |e: &Exchange| 1.0 / (e.round_trip_ns().max(1) as f64).powi(2);
    let sum = |of: &dyn Fn(&Exchange) -> f64| used.iter().map(|e| weight(e) * of(e)).sum::<f64>();
    let all = sum(&|_| 1.0);
    let time = sum(&|e| e.middle_ns() - at) / all;
    let level = sum(&|e| e.offset_ns()) / all;
    let squares = sum(&|e| (e.middle_ns() - at - time).powi(2));
    let products = sum(&|e| (e.middle_ns() - at - time) * (e.offset_ns() - level));
    let drift = if squares > 0.0 { products / squares } else { 0.0 };
    (level - drift * time, drift)
}

/// The greater of the errors that are possible at the two ends: each is at most what the line misses the
/// exchange by and half its round trip.
fn epsilon(fitted: &ClockFit, used: &[Exchange]) -> f64 {
    let possible = |e: &Exchange| {
        let missed = (fitted.offset_at_ns(e.middle_ns()) - e.offset_ns()).abs();
        missed + e.round_trip_ns() as f64 / 2.0
    };
    let ends = used.first().into_iter().chain(used.last());
    ends.map(possible).fold(0.0, f64::max)
}

impl ClockFit {
    /// How far the other's clock is ahead at this instant of ours.
    pub fn offset_at_ns(&self, ours_ns: f64) -> f64 {
        self.offset_ns + self.drift_ppm / 1e6 * (ours_ns - self.at_ns)
    }

    /// The instant of our clock that the other called `theirs_ns`.
    pub fn ours_ns(&self, theirs_ns: u64) -> f64 {
        let since = theirs_ns as f64 - self.offset_ns - self.at_ns;
        self.at_ns + since / (1.0 + self.drift_ppm / 1e6)
    }

    /// Whether two times that rest on this clock may be called different.
    pub fn tells_apart(&self, a_ns: f64, b_ns: f64) -> bool {
        (a_ns - b_ns).abs() >= 2.0 * self.epsilon_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exchanges over `seconds`, one each, with a clock off by `offset` and `ppm`; ways of 20 us and up.
    fn exchanges(seconds: u64, offset_ns: f64, ppm: f64, lopsided: bool, seed: u64) -> Vec<Exchange> {
        let mut random = fastrand::Rng::with_seed(seed);
        let start = 7_000_000_000_000u64;
        let theirs = |ours: u64| {
            let since = ours as f64 - start as f64;
            (ours as i128 + (offset_ns + since * ppm / 1e6) as i128) as u64
        };
        let mut way = |more: u64| 20_000 + more + (200_000.0 * random.f64().powi(4)) as u64;
        let mut one = |s: u64| {
            let sent = start + s * 1_000_000_000;
            let there = sent + way(if lopsided { 60_000 } else { 0 });
            let answered = there + 5_000;
            Exchange {
                sent_ns: sent,
                there_received_ns: theirs(there),
                there_sent_ns: theirs(answered),
                received_ns: answered + way(0),
            }
        };
        (0..seconds).map(&mut one).collect()
    }

    #[test]
    fn one_exchange_by_hand() {
        let e =
            Exchange { sent_ns: 1_000, there_received_ns: 51_100, there_sent_ns: 51_150, received_ns: 1_250 };
        assert_eq!((e.offset_ns(), e.round_trip_ns()), (50_000.0, 200));
        assert_eq!(fit(&[e]), None);
    }

    #[test]
    fn an_injected_offset_and_drift_come_back_within_epsilon() {
        for seed in 0..200 {
            for (offset, ppm, lopsided) in [(50e6, 50.0, false), (-3e9, -20.0, false), (50e6, 50.0, true)] {
                let all = exchanges(40, offset, ppm, lopsided, seed);
                let found = fit(&all).unwrap();
                for s in [0.0, 10.0, 20.0, 39.0] {
                    let truth = offset + s * 1e9 * ppm / 1e6;
                    let error = found.offset_at_ns(7e12 + s * 1e9) - truth;
                    assert!(error.abs() <= found.epsilon_ns + 100.0, "{error} beyond {found:?} at {s} s");
                }
                assert!(found.epsilon_ns < 300_000.0, "{found:?}");
                assert!((found.drift_ppm - ppm).abs() < 10.0, "{found:?}");
            }
        }
    }

    #[test]
    fn its_times_become_ours_and_too_little_apart_is_the_same() {
        let found = fit(&exchanges(40, 50e6, 50.0, false, 3)).unwrap();
        let ours = 7_000_020_000_000_000.0 / 1_000.0;
        let theirs = (ours + found.offset_at_ns(ours)) as u64;
        assert!((found.ours_ns(theirs) - ours).abs() < 1_000.0);
        assert!(!found.tells_apart(1e6, 1e6 + 1.9 * found.epsilon_ns));
        assert!(found.tells_apart(1e6, 1e6 + 2.1 * found.epsilon_ns));
    }
}
