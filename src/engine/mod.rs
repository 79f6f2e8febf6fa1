//! (to come)

pub mod preflight;
