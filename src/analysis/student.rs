//! Limits of Student's t, two-sided at 1 %: how far apart two means of few values may lie by chance.
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
        assert!(ONE_PERCENT.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 > w[1].1));
    }
}
