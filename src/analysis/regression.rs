//! Ordinary least squares of one value on several, with what each coefficient may be wrong by.
//!
//! Source: Björck, Numerical Methods for Least Squares Problems (1996): columns about their means, scaled to
//! length 1 and made orthogonal one by one, each twice (modified Gram-Schmidt). Standard errors, R2 and
//! intervals (Student's t) as in any textbook; the tolerance of a regressor (one over its variance inflation
//! factor) as in Belsley, Kuh and Welsch (1980). Held against the certified values of NIST's Longley data.

use super::student::limit_5_percent;

/// A regressor of which less than this share of its length is left when the others are taken out is a
/// combination of them: rounding alone leaves about 1e-15.
const DEPENDENT: f64 = 1e-9;

/// A coefficient with its error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficient {
    /// The estimate.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What a regression came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// What is there when every regressor is zero.
    pub base: Coefficient,
    /// One for each regressor, in their order.
    pub slopes: Vec<Coefficient>,
    /// For each regressor the share of its variance that the others do not explain: 1 stands alone, near 0
    /// cannot be told from them.
    pub tolerances: Vec<f64>,
    /// Share of the variance that the fit explains; `None` of values that do not vary.
    pub r_squared: Option<f64>,
    /// Value less fitted value, in the order of the values.
    pub residuals: Vec<f64>,
    /// Values less coefficients.
    pub degrees: usize,
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// No more values than coefficients: there is nothing to tell an error from.
    TooFew,
    /// This regressor (its index) is a constant, or a combination of those before it.
    Dependent(usize),
    /// A number that is none, or regressors of another length than the values.
    Malformed,
}

/// Fits `values` by a constant and a multiple of each of `regressors` (as long as `values` each).
///
/// # Errors
/// See [`Unfit`].
pub fn fit(regressors: &[Vec<f64>], values: &[f64]) -> Result<Fit, Unfit> {
    let (n, k) = (values.len(), regressors.len());
    let finite = |column: &[f64]| column.len() == n && column.iter().all(|v| v.is_finite());
    if !regressors.iter().all(|c| finite(c)) || !finite(values) {
        return Err(Unfit::Malformed);
    }
    let degrees = n.checked_sub(k + 1).filter(|d| *d > 0).ok_or(Unfit::TooFew)?;
    let (means, columns): (Vec<f64>, Vec<Vec<f64>>) = regressors.iter().map(|c| about_mean(c)).unzip();
    let (mean, centred) = about_mean(values);
    let basis = Basis::of(&columns)?;
    let slopes = basis.solve(&centred);
    let residuals: Vec<f64> =
        (0..n).map(|i| centred[i] - (0..k).map(|j| slopes[j] * columns[j][i]).sum::<f64>()).collect();
    let variance = dot(&residuals, &residuals) / degrees as f64;
    let inverse = basis.inverse();
    let across = |f: &dyn Fn(usize, usize) -> f64| {
        (0..k).flat_map(|i| (0..k).map(move |j| (i, j))).map(|(i, j)| f(i, j)).sum::<f64>()
    };
    let lever = 1.0 / n as f64 + across(&|i, j| means[i] * inverse[i][j] * means[j]);
    let told = |value: f64, factor: f64| coefficient(value, (variance * factor.max(0.0)).sqrt(), degrees);
    let total = dot(&centred, &centred);
    Ok(Fit {
        base: told(mean - dot(&slopes, &means), lever),
        slopes: (0..k).map(|j| told(slopes[j], inverse[j][j])).collect(),
        tolerances: (0..k).map(|j| 1.0 / (inverse[j][j] * dot(&columns[j], &columns[j]))).collect(),
        r_squared: (total > 0.0).then(|| 1.0 - variance * degrees as f64 / total),
        residuals,
        degrees,
    })
}

fn coefficient(value: f64, error: f64, degrees: usize) -> Coefficient {
    let reach = error * limit_5_percent(degrees as f64);
    Coefficient { value, error, low: value - reach, high: value + reach }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn about_mean(column: &[f64]) -> (f64, Vec<f64>) {
    let mean = column.iter().sum::<f64>() / column.len().max(1) as f64;
    (mean, column.iter().map(|v| v - mean).collect())
}

/// Columns as orthogonal ones times an upper triangle: `column j = sum of axes[i] * triangle[i][j]`.
struct Basis {
    axes: Vec<Vec<f64>>,
    triangle: Vec<Vec<f64>>,
}

impl Basis {
    fn of(columns: &[Vec<f64>]) -> Result<Basis, Unfit> {
        let k = columns.len();
        let mut basis = Basis { axes: Vec::new(), triangle: vec![vec![0.0; k]; k] };
        for (j, column) in columns.iter().enumerate() {
            let length = dot(column, column).sqrt();
            let mut rest = column.clone();
            for _ in 0..2 {
                for (i, axis) in basis.axes.iter().enumerate() {
                    let part = dot(axis, &rest);
                    basis.triangle[i][j] += part;
                    rest.iter_mut().zip(axis).for_each(|(r, a)| *r -= part * a);
                }
            }
            let left = dot(&rest, &rest).sqrt();
            if length == 0.0 || left < DEPENDENT * length {
                return Err(Unfit::Dependent(j));
            }
            basis.triangle[j][j] = left;
            basis.axes.push(rest.iter().map(|r| r / left).collect());
        }
        Ok(basis)
    }

    /// The multiples of the columns that come nearest to `values`.
    fn solve(&self, values: &[f64]) -> Vec<f64> {
        let mut rest = values.to_vec();
        let mut along = Vec::new();
        for axis in &self.axes {
            let part = dot(axis, &rest);
            rest.iter_mut().zip(axis).for_each(|(r, a)| *r -= part * a);
            along.push(part);
        }
        self.back(along)
    }

    /// Solves `triangle * x = right`, from the last row up.
    fn back(&self, right: Vec<f64>) -> Vec<f64> {
        let mut x = right;
        for i in (0..x.len()).rev() {
            let known: f64 = (i + 1..x.len()).map(|j| self.triangle[i][j] * x[j]).sum();
            x[i] = (x[i] - known) / self.triangle[i][i];
        }
        x
    }

    /// The inverse of (columns transposed x columns): the inverse of the triangle times its own transpose.
    fn inverse(&self) -> Vec<Vec<f64>> {
        let k = self.axes.len();
        let unit = |j: usize| (0..k).map(|i| f64::from(u8::from(i == j))).collect::<Vec<f64>>();
        let columns: Vec<Vec<f64>> = (0..k).map(|j| self.back(unit(j))).collect();
        let entry = |i: usize, j: usize| columns.iter().map(|c| c[i] * c[j]).sum();
        (0..k).map(|i| (0..k).map(|j| entry(i, j)).collect()).collect()
    }
}

#[cfg(test)]
mod tests;
