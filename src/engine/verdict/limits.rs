//! Every limit on generator and machine, with its unit; `docs/verdict.md` tells them to readers.
//!
//! They are those of the method (rules 5 and 22); where a breach is graded, the second limit is ours.

use crate::model::Nanos;

/// Most CPU that the workers together, or any one of them, may use of their cores: invalid at it.
pub(in crate::engine) const MOST_CPU_SHARE: f64 = 0.70;
/// Loop lag and send lag (p99) up to this are never blamed.
pub(in crate::engine) const LAG_FLOOR: Nanos = Nanos::from_millis(1);
/// Beyond the floor, lag may be this share of the reported delivery p99 before it is suspect ...
pub(in crate::engine) const LAG_SUSPECT: f64 = 0.10;
/// ... and this share before the generator counts as what was measured.
pub(in crate::engine) const LAG_INVALID: f64 = 0.25;
/// Share of the time that the generator may be kept waiting for a CPU before it is suspect ...
pub(in crate::engine) const RUN_DELAY_SUSPECT: f64 = 0.02;
/// ... and before it is no result.
pub(in crate::engine) const RUN_DELAY_INVALID: f64 = 0.05;
/// Share of the time that the host may take from the workers' cores before it is suspect ...
pub(in crate::engine) const STEAL_SUSPECT: f64 = 0.01;
/// ... and before it is no result.
pub(in crate::engine) const STEAL_INVALID: f64 = 0.05;
/// The kernel tells steal in ticks of this length: within an interval, one tick proves nothing.
pub(in crate::engine) const STEAL_TICK_S: f64 = 0.01;
/// Shorter intervals are judged by lag and drops only: their shares are of too few ticks.
pub(in crate::engine) const SHORTEST_S: f64 = 0.5;
/// Part of the intervals that may be invalid before the run is. One alone makes a run invalid only
/// when it is half of it.
pub(in crate::engine) const INVALID_INTERVALS: f64 = 0.05;
/// A message sent so long after it was due counts as late.
pub(in crate::engine) const SEND_LATE: Nanos = Nanos::from_millis(1);
/// Send lag (p99) beyond this ...
pub(in crate::engine) const SEND_LAG_FLOOR: Nanos = Nanos::from_micros(50);
/// ... and beyond this share of the delivery median is told in a note: times of that size are the
/// publisher's, not the target's.
pub(in crate::engine) const SEND_LAG_SHARE: f64 = 0.05;
