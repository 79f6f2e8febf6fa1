//! Limits of Student's t, two-sided: how far apart two means of few values may lie by chance (at 1 %), and how
//! wide a 95 % interval is (at 5 %).
//!
//! Source: the published table (Fisher and Yates). Between rows the limit of the smaller row holds, which
//! errs on the side of saying nothing.

/// Degrees of freedom, and the limit from there on.
const ONE_PERCENT: [(f64, f64); 27] = [
    (1.0, 63.657),
    (2.0, 9.925),
    (3.0, 5.841),
    (4.0, 4.604),
    (5.0, 4.032),
    (6.0, 3.707),
    (7.0, 3.499),
    (8.0, 3.355),
    (9.0, 3.250),
    (10.0, 3.169),
    (11.0, 3.106),
    (12.0, 3.055),
    (13.0, 3.012),
    (14.0, 2.977),
    (15.0, 2.947),
    (16.0, 2.921),
    (17.0, 2.898),
    (18.0, 2.878),
    (19.0, 2.861),
    (20.0, 2.845),
    (25.0, 2.787),
    (30.0, 2.750),
    (40.0, 2.704),
    (60.0, 2.660),
    (80.0, 2.639),
    (120.0, 2.617),
    (1_000.0, 2.581),
];

/// The same at 5 %.
const FIVE_PERCENT: [(f64, f64); 35] = [
    (1.0, 12.706),
    (2.0, 4.303),
    (3.0, 3.182),
    (4.0, 2.776),
    (5.0, 2.571),
    (6.0, 2.447),
    (7.0, 2.365),
    (8.0, 2.306),
    (9.0, 2.262),
    (10.0, 2.228),
    (11.0, 2.201),
    (12.0, 2.179),
    (13.0, 2.160),
    (14.0, 2.145),
    (15.0, 2.131),
    (16.0, 2.120),
    (17.0, 2.110),
    (18.0, 2.101),
    (19.0, 2.093),
    (20.0, 2.086),
    (21.0, 2.080),
    (22.0, 2.074),
    (23.0, 2.069),
    (24.0, 2.064),
    (25.0, 2.060),
    (26.0, 2.056),
    (27.0, 2.052),
    (28.0, 2.048),
    (29.0, 2.045),
    (30.0, 2.042),
    (40.0, 2.021),
    (60.0, 2.000),
    (80.0, 1.990),
    (120.0, 1.980),
    (1_000.0, 1.962),
];

/// The limit of `|t|` that chance exceeds once in twenty times: half the width of a 95 % interval, in standard
/// errors. Infinite below one degree of freedom.
pub fn limit_5_percent(degrees: f64) -> f64 {
    FIVE_PERCENT.iter().rfind(|row| row.0 <= degrees).map_or(f64::INFINITY, |row| row.1)
}

/// The limit of `|t|` that chance exceeds once in a hundred times; infinite below one degree of freedom.
pub fn limit_1_percent(degrees: f64) -> f64 {
    ONE_PERCENT.iter().rfind(|row| row.0 <= degrees).map_or(f64::INFINITY, |row| row.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_table_and_what_lies_between() {
        assert_eq!(limit_1_percent(4.0), 4.604);
        assert_eq!(limit_1_percent(4.9), 4.604);
        assert_eq!(limit_1_percent(1e9), 2.581);
        assert_eq!(limit_1_percent(0.5), f64::INFINITY);
        assert_eq!((limit_5_percent(2.0), limit_5_percent(35.0)), (4.303, 2.042));
        assert_eq!(limit_5_percent(0.0), f64::INFINITY);
        assert!(FIVE_PERCENT.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 > w[1].1));
        assert!(ONE_PERCENT.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 > w[1].1));
    }
}
