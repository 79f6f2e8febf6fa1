//! Series of window values with a known spread and correlation, for simulations.

/// Log-normal values about 1, each correlated with the one before (AR(1) of the logarithms).
pub(in crate::analysis) struct Noise {
    spread: f64,
    phi: f64,
    state: f64,
    random: fastrand::Rng,
}

impl Noise {
    pub(in crate::analysis) fn new(spread: f64, phi: f64, seed: u64) -> Noise {
        let mut random = fastrand::Rng::with_seed(seed);
        let state = normal(&mut random);
        Noise { spread, phi, state, random }
    }

    pub(in crate::analysis) fn next(&mut self) -> f64 {
        let fresh = normal(&mut self.random);
        self.state = self.phi * self.state + (1.0 - self.phi * self.phi).sqrt() * fresh;
        (self.spread * self.state).exp()
    }

    pub(in crate::analysis) fn series(mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.next()).collect()
    }
}

/// A standard normal value (Box and Muller).
pub(in crate::analysis) fn normal(random: &mut fastrand::Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.f64()).cos()
}
