//! All faults of a server together: one of each kind, and none that makes another impossible.

use super::{Delay, Fault, FaultError, Refuse, Service, Skew, Slow, Swap, Withhold};

/// What was asked for, by kind; restarts and freezes, of which there may be several, go by the list.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::server) struct Plan {
    pub(super) delay: Option<Delay>,
    pub(super) service: Option<Service>,
    pub(super) slow: Option<Slow>,
    pub(super) drop: Option<u64>,
    pub(super) duplicate: Option<u64>,
    pub(super) swap: Option<Swap>,
    pub(super) withhold: Option<Withhold>,
    pub(in crate::server) refuse: Option<Refuse>,
    pub(in crate::server) burn: Option<u64>,
    pub(in crate::server) memory: Option<u64>,
    pub(in crate::server) clock: Option<Skew>,
}

impl Plan {
    /// Puts them together.
    ///
    /// # Errors
    /// Two of one kind, or one that another one leaves nothing to do.
    pub(in crate::server) fn of(faults: &[Fault]) -> Result<Plan, FaultError> {
        let mut plan = Plan::default();
        for fault in faults {
            let twice = match *fault {
                Fault::Restart(_) | Fault::Freeze(_) => false,
                Fault::Delay(delay) => plan.delay.replace(delay).is_some(),
                Fault::Service(service) => plan.service.replace(service).is_some(),
                Fault::Slow(slow) => plan.slow.replace(slow).is_some(),
                Fault::Drop(every) => plan.drop.replace(every).is_some(),
                Fault::Duplicate(every) => plan.duplicate.replace(every).is_some(),
                Fault::Swap(swap) => plan.swap.replace(swap).is_some(),
                Fault::Withhold(withhold) => plan.withhold.replace(withhold).is_some(),
                Fault::Refuse(refuse) => plan.refuse.replace(refuse).is_some(),
                Fault::Burn(share) => plan.burn.replace(share).is_some(),
                Fault::Memory(bytes) => plan.memory.replace(bytes).is_some(),
                Fault::Clock(skew) => plan.clock.replace(skew).is_some(),
            };
            if twice {
                return Err(FaultError::Twice(fault.kind()));
            }
        }
        plan.checked()
    }

    fn checked(self) -> Result<Plan, FaultError> {
        if self.delay.is_some() && self.service.is_some() {
            return Err(FaultError::Pair(
                "`delay` and `service` both say when a message is given out: leave one of them out",
            ));
        }
        let always = |first: Option<u64>, second: Option<u64>| {
            first.zip(second).is_some_and(|(first, second)| second.is_multiple_of(first))
        };
        let withheld = self.withhold.map(|w| w.every);
        let swapped = self.swap.map(|s| s.every);
        let pairs = [
            (self.drop, withheld, "every message to withhold is dropped: choose another N"),
            (self.drop, self.duplicate, "every message to duplicate is dropped: choose another N"),
            (self.drop, swapped, "every message to swap is dropped: choose another N"),
            (withheld, swapped, "every message to swap is withheld: choose another N"),
            (
                withheld.filter(|_| self.withhold.is_some_and(|w| w.back.is_none())),
                self.duplicate,
                "every message to duplicate is withheld for ever: choose another N",
            ),
        ];
        match pairs.into_iter().find(|(first, second, _)| always(*first, *second)) {
            Some((.., why)) => Err(FaultError::Pair(why)),
            None => Ok(self),
        }
    }

    /// Whether messages go through a line at all.
    pub(in crate::server) fn touches_messages(&self) -> bool {
        self.delay.is_some()
            || self.service.is_some()
            || self.slow.is_some()
            || self.drop.is_some()
            || self.duplicate.is_some()
            || self.swap.is_some()
            || self.withhold.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(faults: &[&str]) -> Result<Plan, String> {
        let faults: Vec<Fault> = faults.iter().map(|f| f.parse().unwrap()).collect();
        Plan::of(&faults).map_err(|e| e.to_string())
    }

    #[test]
    fn what_cannot_go_together_is_refused() {
        for (faults, told) in [
            (["drop every 2", "drop every 3"], "two faults of the kind `drop`"),
            (["delay 1ms", "delay exponential 1ms"], "two faults of the kind `delay`"),
            (["delay 1ms", "service exponential 1ms"], "`delay` and `service` both"),
            (["drop every 2", "withhold every 4"], "every message to withhold is dropped"),
            (["duplicate every 2", "drop every 2"], "every message to duplicate is dropped"),
            (["swap every 3", "drop every 1"], "every message to swap is dropped"),
            (["swap every 6", "withhold every 3 for 1s"], "every message to swap is withheld"),
            (["duplicate every 3", "withhold every 3"], "withheld for ever"),
        ] {
            let error = plan(&faults).unwrap_err();
            assert!(error.contains(told), "{faults:?}: {error}");
        }
    }

    #[test]
    fn what_can_go_together_does() {
        for faults in [
            ["drop every 1000", "duplicate every 777"],
            ["restart every 5s for 1s", "restart at 7s for 1s"],
            ["freeze at 1s for 1s", "freeze at 3s for 1s"],
            ["duplicate every 3", "withhold every 3 for 1s"],
        ] {
            plan(&faults).unwrap();
        }
        assert!(!plan(&["burn 0.5", "memory 1KiB"]).unwrap().touches_messages());
        assert!(plan(&["burn 0.5", "drop every 3"]).unwrap().touches_messages());
    }
}
