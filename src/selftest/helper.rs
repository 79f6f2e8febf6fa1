//! What a helper process is to be, as words: `pushbench selftest --helper "relay tls gap 20ms cpu 0"`.

use super::relay::RelaySpec;
use crate::clock;
use crate::model::Nanos;
use crate::scenario::units;
use std::str::{FromStr, SplitWhitespace};

/// A helper process of a part; not for users.
#[derive(Clone, Debug, PartialEq)]
pub enum Helper {
    /// The bundled server behind a relay that counts and delays.
    Relay {
        /// What the relay does.
        spec: RelaySpec,
        /// The core to stay on.
        cpu: Option<usize>,
    },
    /// Threads that sleep in short steps, one on each of these cores, and write down when a step took too
    /// long.
    Witness {
        /// The cores.
        cpus: Vec<usize>,
    },
    /// Threads that burn a core.
    Hog {
        /// So many.
        threads: usize,
        /// The core they burn.
        cpu: Option<usize>,
    },
}

/// Words that are no helper.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to understand `{0}`: want relay [tls] [gap TIME] [hold TIME] [refuse N of M] [cpu N], witness cpu N..., or hog N [cpu N]"
)]
pub struct HelperError(String);

impl FromStr for Helper {
    type Err = HelperError;

    fn from_str(text: &str) -> Result<Helper, HelperError> {
        let mut words = text.split_whitespace();
        let helper = match words.next() {
            Some("relay") => relay(&mut words),
            Some("hog") => hog(&mut words),
            Some("witness") => witness(&mut words),
            _ => None,
        };
        helper.ok_or_else(|| HelperError(text.to_owned()))
    }
}

fn relay(words: &mut SplitWhitespace<'_>) -> Option<Helper> {
    let (mut spec, mut cpu) = (RelaySpec::default(), None);
    while let Some(word) = words.next() {
        match word {
            "tls" => spec.tls = true,
            "gap" => spec.gap = time(words)?,
            "hold" => spec.hold = time(words)?,
            "cpu" => cpu = Some(words.next()?.parse().ok()?),
            "refuse" => {
                let share = words.next()?.parse().ok()?;
                words.next().filter(|w| *w == "of")?;
                spec.refuse = (share, words.next()?.parse().ok().filter(|m| *m > 0)?);
            }
            _ => return None,
        }
    }
    Some(Helper::Relay { spec, cpu })
}

fn hog(words: &mut SplitWhitespace<'_>) -> Option<Helper> {
    let threads = words.next()?.parse().ok()?;
    let cpu = match words.next() {
        None => None,
        Some("cpu") => Some(words.next()?.parse().ok()?),
        Some(_) => return None,
    };
    words.next().is_none().then_some(Helper::Hog { threads, cpu })
}

fn witness(words: &mut SplitWhitespace<'_>) -> Option<Helper> {
    words.next().filter(|w| *w == "cpu")?;
    let cpus: Vec<usize> = words.map(|cpu| cpu.parse().ok()).collect::<Option<_>>()?;
    (!cpus.is_empty()).then_some(Helper::Witness { cpus })
}

fn time(words: &mut SplitWhitespace<'_>) -> Option<Nanos> {
    units::parse_duration(words.next()?)
}

/// Uses up the core it runs on until `ended` says so.
pub fn burn(ended: impl Fn() -> bool) {
    let mut sum = clock::Clock::Monotonic.now().0;
    while !ended() {
        for i in 0..10_000_u64 {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(i));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_helpers() {
        let spec =
            RelaySpec { tls: true, gap: Nanos::from_millis(20), hold: Nanos::from_millis(5), refuse: (3, 5) };
        let read: Helper = "relay tls gap 20ms hold 5ms refuse 3 of 5 cpu 1".parse().unwrap();
        assert_eq!(read, Helper::Relay { spec, cpu: Some(1) });
        assert_eq!("relay".parse(), Ok(Helper::Relay { spec: RelaySpec::default(), cpu: None }));
        assert_eq!("hog 3 cpu 1".parse(), Ok(Helper::Hog { threads: 3, cpu: Some(1) }));
        assert_eq!("witness cpu 0 1".parse(), Ok(Helper::Witness { cpus: vec![0, 1] }));
        for wrong in [
            "witness cpu",
            "witness 1",
            "",
            "relay gap",
            "relay refuse 1 of 0",
            "hog",
            "hog 1 2",
            "hog 1 cpu 2 3",
        ] {
            assert_eq!(wrong.parse::<Helper>(), Err(HelperError(wrong.to_owned())));
        }
    }
}
