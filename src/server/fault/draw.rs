//! Random draws that anybody can repeat: each depends on the seed, the channel and the number of the
//! message alone, so that a run can be computed before it is played.

use crate::model::Nanos;

/// The step of SplitMix64 (Steele, Lea and Flood 2014): 2^64 over the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The draw of the `n`-th message of a channel, counted from 1: uniform over (0, 1]. It is the `n`-th
/// output of SplitMix64 that was started with `seed`, mixed with the FNV-1a hash of the channel's name.
pub fn draw(seed: u64, channel: &str, n: u64) -> f64 {
    let start = mix(seed.wrapping_add(GOLDEN)) ^ fnv1a(channel);
    let word = mix(start.wrapping_add(n.wrapping_mul(GOLDEN)));
    ((word >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

/// An exponential time of this mean for a draw, rounded to the nanosecond.
pub fn exponential(mean: Nanos, draw: f64) -> Nanos {
    Nanos::from_secs_f64(-draw.ln() * mean.as_secs_f64())
}

/// The output function of SplitMix64.
fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn fnv1a(text: &str) -> u64 {
    let start = 0xCBF2_9CE4_8422_2325;
    text.bytes().fold(start, |hash: u64, b| (hash ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        // Seed 0 of the reference implementation.
        let outputs: Vec<u64> = (1..=3_u64).map(|n| mix(n.wrapping_mul(GOLDEN))).collect();
        assert_eq!(outputs, [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F]);
        // The published test vectors of 64-bit FNV-1a.
        assert_eq!([fnv1a(""), fnv1a("a")], [0xCBF2_9CE4_8422_2325, 0xAF63_DC4C_8601_EC8C]);
    }

    #[test]
    fn draws_are_uniform_apart_and_repeatable() {
        const N: u64 = 200_000;
        let mut bins = [0_u32; 10];
        let mut sum = 0.0;
        for n in 1..=N {
            let u = draw(7, "c0", n);
            assert!(u > 0.0 && u <= 1.0);
            bins[((u * 10.0).ceil() as usize - 1).min(9)] += 1;
            sum += exponential(Nanos::from_millis(5), u).as_secs_f64();
        }
        // Six standard deviations of a binomial count of 20,000.
        assert!(bins.iter().all(|b| b.abs_diff(20_000) < 810), "{bins:?}");
        assert!((sum / N as f64 / 0.005 - 1.0).abs() < 0.015, "mean {}", sum / N as f64);
        assert_eq!(draw(7, "c0", 1), draw(7, "c0", 1));
        let others = [draw(8, "c0", 1), draw(7, "c1", 1), draw(7, "c0", 2)];
        assert!(others.iter().all(|u| *u != draw(7, "c0", 1)));
        assert_eq!(exponential(Nanos::SECOND, 1.0), Nanos::ZERO);
    }
}
