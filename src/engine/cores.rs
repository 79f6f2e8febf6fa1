//! Which core does what: a local target keeps one to itself, workers get the others. A target that
//! was there before cannot be pinned by us: workers leave it a core all the same.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Cores handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cores {
    /// For a local target, kept there if the run starts it; `None`: not pinned.
    pub(super) target: Option<usize>,
    /// One entry a worker; `None`: not pinned.
    pub(super) workers: Vec<Option<usize>>,
    /// Whether generator and local target have to share a core.
    pub(super) shared: bool,
}

impl Cores {
    /// What a reader must know about where a local target ran; nothing when nobody was pinned.
    pub(super) fn note(&self, started: bool) -> Option<String> {
        let target = self.target?;
        if !started {
            return Some(
                "the target was already running and was not pinned: it may share the generator's core"
                    .to_owned(),
            );
        }
        let mut cores: Vec<usize> = self.workers.iter().flatten().copied().collect();
        cores.sort_unstable();
        cores.dedup();
        let word = if cores.len() == 1 { "core" } else { "cores" };
        let cores: Vec<String> = cores.iter().map(usize::to_string).collect();
        Some(format!("target pinned to core {target}, generator to {word} {}", cores.join(", ")))
    }
}

/// The cores this process may use, ascending; a local target that a run starts gets the first.
pub fn allowed() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(None) else { return vec![0] };
    (0..CpuSet::MAX_CPU).filter(|i| set.is_set(*i)).collect()
}

/// Hands out `allowed` cores: the first to a local target, the rest to `wanted` workers (0: one for
/// each core left). More workers than cores go round.
pub(super) fn assign(allowed: &[usize], wanted: usize, local_target: bool, pin: bool) -> Cores {
    let shared = local_target && allowed.len() < 2;
    let for_target = usize::from(local_target && !shared);
    let free = &allowed[for_target.min(allowed.len())..];
    let count = if wanted == 0 { free.len().max(1) } else { wanted };
    let core = |i: usize| (pin && !free.is_empty()).then(|| free[i % free.len()]);
    Cores {
        target: (pin && local_target).then(|| allowed.first().copied()).flatten(),
        workers: (0..count).map(core).collect(),
        shared,
    }
}

/// Keeps the calling thread, and whatever it starts from now on, on one core. Best effort: a
/// refusal only costs precision.
pub fn pin_this_thread(core: Option<usize>) {
    let Some(core) = core else { return };
    let mut set = CpuSet::new();
    set.set(core);
    let _ = sched_setaffinity(None, &set);
}

/// Runs `work` on a thread that is kept on `core`, so that a process it starts inherits that.
pub(super) fn on_core<T: Send>(core: Option<usize>, work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            pin_this_thread(core);
            work()
        });
        thread.join().expect("the work does not panic")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_target_keeps_a_core_of_its_own() {
        let cores = assign(&[0, 1], 0, true, true);
        assert_eq!(cores, Cores { target: Some(0), workers: vec![Some(1)], shared: false });
        assert_eq!(assign(&[0, 1, 2, 3], 0, true, true).workers, [Some(1), Some(2), Some(3)]);
        assert_eq!(assign(&[0, 1], 0, false, true).workers, [Some(0), Some(1)]);
    }

    #[test]
    fn one_core_is_shared_and_said_so() {
        let cores = assign(&[3], 0, true, true);
        assert!(cores.shared);
        assert_eq!(cores.workers, [Some(3)]);
    }

    #[test]
    fn unpinned_workers_float() {
        let cores = assign(&[0, 1], 3, true, false);
        assert_eq!(cores.workers, [None, None, None]);
        assert_eq!(cores.note(true), None);
    }

    #[test]
    fn who_ran_where_is_told_for_local_targets() {
        let told = |allowed: &[usize], started| assign(allowed, 0, true, true).note(started).unwrap();
        assert_eq!(told(&[0, 1], true), "target pinned to core 0, generator to core 1");
        assert_eq!(told(&[2, 4, 6], true), "target pinned to core 2, generator to cores 4, 6");
        assert!(told(&[0, 1], false).contains("was not pinned"));
        assert_eq!(assign(&[0, 1], 0, false, true).note(false), None, "another machine's cores are its own");
    }
}
