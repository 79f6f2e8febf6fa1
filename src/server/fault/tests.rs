//! Faults as people write them.

use super::*;
use crate::model::Nanos;

const S: Nanos = Nanos::SECOND;
const MS: Nanos = Nanos::from_millis(1);

fn parse(text: &str) -> Result<Fault, String> {
    text.parse().map_err(|e: FaultError| e.to_string())
}

#[test]
fn restarts_are_read() {
    let plain = Restart { when: When::At(S * 5), down: MS * 500, gracefully: false, losing_history: false };
    assert_eq!(parse("restart at 5s for 500ms"), Ok(Fault::Restart(plain)));
    let every = Restart { when: When::Every(S * 5), gracefully: true, losing_history: true, ..plain };
    assert_eq!(parse("restart every 5s for 500ms losing history gracefully"), Ok(Fault::Restart(every)));
}

#[test]
fn every_kind_is_read() {
    let exponential = Delay::Exponential { mean: MS * 5, seed: 1 };
    let bimodal = |seed| Delay::Bimodal { usual: MS, other: MS * 100, share_ppm: 10_000, seed };
    for (text, fault) in [
        ("freeze every 5s for 1400ms", Fault::Freeze(Freeze { when: When::Every(S * 5), lasts: MS * 1400 })),
        ("delay 5ms", Fault::Delay(Delay::Fixed(MS * 5))),
        ("delay 250us", Fault::Delay(Delay::Fixed(Nanos::from_micros(250)))),
        ("delay 1ms or 100ms for 1%", Fault::Delay(bimodal(1))),
        ("delay 1ms or 100ms for 1.0 % seed 9", Fault::Delay(bimodal(9))),
        ("delay exponential 5ms", Fault::Delay(exponential)),
        ("service exponential 5ms seed 2", Fault::Service(Service { mean: MS * 5, seed: 2 })),
        ("slow 50ms for the first 5s", Fault::Slow(Slow { extra: MS * 50, first: S * 5 })),
        ("drop every 1000", Fault::Drop(1000)),
        ("duplicate every 777", Fault::Duplicate(777)),
        ("swap every 501", Fault::Swap(Swap { every: 501, within: S * 5 })),
        ("swap every 2 within 20ms", Fault::Swap(Swap { every: 2, within: MS * 20 })),
        ("withhold every 50", Fault::Withhold(Withhold { every: 50, back: None })),
        ("withhold every 50 for 2s", Fault::Withhold(Withhold { every: 50, back: Some(S * 2) })),
        ("refuse every 10 with 503", Fault::Refuse(Refuse { every: 10, status: 503 })),
        ("burn 0.5", Fault::Burn(500_000)),
        ("burn 1", Fault::Burn(1_000_000)),
        ("memory 10KiB", Fault::Memory(10_240)),
        ("clock ahead 50ms", Fault::Clock(Skew { ahead_ns: 50_000_000, drift_ppm: 0 })),
        ("clock behind 1s drift -50 ppm", Fault::Clock(Skew { ahead_ns: -1_000_000_000, drift_ppm: -50 })),
    ] {
        assert_eq!(parse(text), Ok(fault), "{text}");
        assert!(text.starts_with(fault.kind()));
    }
}

#[test]
fn mistakes_are_told_with_what_would_do() {
    for (text, told) in [
        ("", "unknown fault ``: want restart at|every TIME"),
        ("explode", "unknown fault `explode`"),
        ("restart", "found `` where `at` or `every` is wanted: restart at|every"),
        ("restart at", "a time such as 500ms or 5s is wanted"),
        ("restart at 5 for 1s", "bad time `5`: want a number and a unit"),
        ("restart at 5s", "found `` where `for` is wanted"),
        ("restart at 5s for 1s quietly", "found `quietly` where `gracefully` or `losing history`"),
        ("restart at 5s for 1s losing face", "found `face` where `history` is wanted"),
        ("restart at 0 for 1s", "times above 0"),
        ("restart at 5s for 0", "times above 0"),
        ("restart every 1s for 1s", "want `for` below `every`"),
        ("freeze every 1s for 2s", "want `for` below `every`"),
        ("freeze at 1s for 2s gracefully", "found `gracefully` where the end is wanted: freeze"),
        ("delay", "a time such as 500ms or 5s is wanted: delay TIME |"),
        ("delay 0ms", "times above 0"),
        ("delay 5ms or", "a time such as"),
        ("delay 1ms or 2ms for 100%", "found `100%` where a share such as 1%"),
        ("delay 1ms or 2ms for 1", "found `` where a share such as 1%"),
        ("delay 1ms or 2ms for 0.00001%", "found `0.00001%` where a share"),
        ("delay gaussian 5ms", "bad time `gaussian`"),
        ("delay exponential 5ms sead 1", "found `sead` where `seed` or the end"),
        ("delay exponential 5ms seed x", "found `x` where a whole number"),
        ("service 5ms", "found `5ms` where `exponential` is wanted: service"),
        ("slow 5ms for 5s", "found `5s` where `for the first` is wanted"),
        ("drop 5", "found `5` where `every` is wanted: drop every N"),
        ("drop every 0", "found `0` where a whole number above 0"),
        ("swap every 1", "found `1` where a whole number above 1"),
        ("withhold every 2 until 5s", "found `until` where `for` or the end"),
        ("refuse every 2 with 200", "found `200` where a status from 400 to 599"),
        ("burn 1.5", "found `1.5` where a share of one core"),
        ("burn 50%", "found `50%` where a share of one core"),
        ("memory 10kb", "found `10kb` where a size such as 10KiB"),
        ("memory 2000MiB", "at most 1 GiB"),
        ("clock fast", "found `fast` where `ahead` or `behind`"),
        ("clock ahead 5ms drift 5", "found `` where `ppm`"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(told), "{text}: {error}");
    }
}
