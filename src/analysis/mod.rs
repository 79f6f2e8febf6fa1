//! Statistics and formulas, pure: numbers in, numbers out. One idea a file, each with its source.
//!
//! Nothing here reads a clock, a file or a result; randomness comes from a seed that the caller names.
//! Units are those of the caller unless a name ends in one.

pub mod bootstrap;
pub mod calibrate;
pub mod clock_fit;
pub mod decide;
pub mod describe;
pub mod formulas;
pub mod halves;
pub mod holm;
pub mod ks;
pub mod lindley;
pub mod mser;
pub mod paired;
pub mod ranks;
pub mod regression;
mod signed;
pub mod slope;
pub mod steady;
pub mod student;
pub mod trend;

pub use decide::{Decision, Interval};
