//! What a worker hands over each second; merged over workers, processes and machines.

use super::Tally;
use crate::model::Op;

/// What a worker hands over: what belongs to `measure`, and the rest.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Operations intended in `measure`, bytes that crossed in it.
    pub measured: Tally,
    /// Everything else: connecting, warm-up, drain.
    pub other: Tally,
}

impl Snapshot {
    /// Adds all of another: commutative and associative, so that a thread, a process and a machine
    /// are merged alike.
    pub fn merge(&mut self, other: &Snapshot) {
        self.measured.merge(&other.measured);
        self.other.merge(&other.other);
    }

    /// First receipts, whatever part they belong to.
    pub fn arrivals(&self) -> u64 {
        self.measured.arrivals + self.other.arrivals
    }

    /// The 99th percentile of delivery time of the part that received more.
    pub fn delivery_p99_ns(&self) -> Option<u64> {
        let parts = [&self.measured, &self.other].map(|t| t.response_of(Op::Deliver));
        parts.into_iter().max_by_key(|t| t.count())?.quantile_ns(0.99)
    }

    /// Both parts together.
    pub fn whole(&self) -> Tally {
        let mut all = self.measured.clone();
        all.merge(&self.other);
        all
    }
}
