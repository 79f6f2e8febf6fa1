//! What a process or a thread has used so far.

/// Counters that only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) cpu_ns: u64,
    pub(super) run_delay_ns: u64,
    pub(super) voluntary: u64,
    pub(super) involuntary: u64,
    /// How often put on a CPU; only of a thread, tells whether it ran at all.
    pub(super) runs: u64,
    /// Of `cpu_ns`, by what the ticks of the process tell; only of a process.
    pub(super) user_ns: u64,
    pub(super) system_ns: u64,
    /// Only of a process.
    pub(super) minor_faults: u64,
    pub(super) major_faults: u64,
}

impl Totals {
    pub(super) fn add(&mut self, o: Totals) {
        self.cpu_ns += o.cpu_ns;
        self.run_delay_ns += o.run_delay_ns;
        self.voluntary += o.voluntary;
        self.involuntary += o.involuntary;
        self.user_ns += o.user_ns;
        self.system_ns += o.system_ns;
        self.minor_faults += o.minor_faults;
        self.major_faults += o.major_faults;
    }

    /// What came since an earlier reading of the same.
    pub(super) fn less(self, o: Totals) -> Totals {
        Totals {
            cpu_ns: self.cpu_ns.saturating_sub(o.cpu_ns),
            run_delay_ns: self.run_delay_ns.saturating_sub(o.run_delay_ns),
            voluntary: self.voluntary.saturating_sub(o.voluntary),
            involuntary: self.involuntary.saturating_sub(o.involuntary),
            runs: self.runs,
            user_ns: self.user_ns.saturating_sub(o.user_ns),
            system_ns: self.system_ns.saturating_sub(o.system_ns),
            minor_faults: self.minor_faults.saturating_sub(o.minor_faults),
            major_faults: self.major_faults.saturating_sub(o.major_faults),
        }
    }

    /// Whether these may be a later reading of what `before` was read from.
    pub(super) fn follows(self, before: Totals) -> bool {
        self.cpu_ns >= before.cpu_ns
            && self.run_delay_ns >= before.run_delay_ns
            && self.voluntary >= before.voluntary
            && self.involuntary >= before.involuntary
    }
}
