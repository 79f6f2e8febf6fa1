//! Asks a probe on a thread of its own, so that one that hangs (a process stuck with its memory locked, a
//! dead file server behind `/proc`) holds up nobody: it is given up after a deadline, and told.

use crate::clock::Clock;
use crate::model::{Cost, Nanos};
use crate::probe::{Depth, Probe};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};

/// How long one reading may take before the probe is given up.
const PATIENCE: Nanos = Nanos::from_millis(5_000);
/// Readings that may be under way or wait: with more, the next one is left out.
const MOST_WAITING: usize = 2;

/// One reading as it came back.
pub(super) struct Answer {
    /// Which it was asked as.
    pub(super) index: usize,
    /// The reading, or why there is none.
    pub(super) cost: Result<Cost, String>,
    /// What is being read.
    pub(super) found: Vec<String>,
    /// What could not be.
    pub(super) warnings: Vec<String>,
    /// By how much its instant may be wrong, when it is of another clock.
    pub(super) clock_error: Option<Nanos>,
}

/// The thread that reads, from outside.
pub(super) struct Asker {
    questions: Option<Sender<(usize, Depth)>>,
    answers: Receiver<Answer>,
    /// Since when each that is not answered is waited for: the first since it was its turn.
    waiting: VecDeque<Nanos>,
    patience: Nanos,
    /// Readings left out.
    left_out: u32,
}

impl Asker {
    /// Puts a probe on a thread of its own, which ends with this value, or never if the probe hangs.
    pub(super) fn new(probe: Box<dyn Probe>) -> std::io::Result<Asker> {
        Asker::with_patience(probe, PATIENCE)
    }

    /// The same with another deadline.
    pub(super) fn with_patience(mut probe: Box<dyn Probe>, patience: Nanos) -> std::io::Result<Asker> {
        let (questions, asked) = channel::<(usize, Depth)>();
        let (answer, answers) = channel();
        std::thread::Builder::new().name("probe".to_owned()).spawn(move || {
            for (index, depth) in asked {
                let cost = probe.read(depth).map_err(|e| e.to_string());
                let (found, warnings) = (probe.found(), probe.warnings());
                let told = Answer { index, cost, found, warnings, clock_error: probe.clock_error() };
                if answer.send(told).is_err() {
                    return;
                }
            }
        })?;
        Ok(Asker { questions: Some(questions), answers, waiting: VecDeque::new(), patience, left_out: 0 })
    }

    /// Asks for a reading; never waits. It is left out when the probe is still busy with others.
    pub(super) fn ask(&mut self, index: usize, depth: Depth) {
        let asked = self.questions.as_ref().filter(|_| self.waiting.len() < MOST_WAITING);
        match asked.map(|questions| questions.send((index, depth))) {
            Some(Ok(())) => self.waiting.push_back(Clock::Monotonic.now()),
            _ => self.left_out += 1,
        }
    }

    /// What has come back; never waits.
    pub(super) fn collect(&mut self) -> Vec<Answer> {
        let come: Vec<Answer> = self.answers.try_iter().collect();
        self.answered(come.len());
        if self.waiting.front().is_some_and(|asked| Clock::Monotonic.now() > *asked + self.patience) {
            self.give_up();
        }
        come
    }

    /// What has come back once all that was asked is answered or given up.
    pub(super) fn wait(&mut self) -> Vec<Answer> {
        let mut come = self.collect();
        while let Some(asked) = self.waiting.front() {
            let left = *asked + self.patience - Clock::Monotonic.now();
            match self.answers.recv_timeout(left.into()) {
                Ok(answer) => {
                    self.answered(1);
                    come.push(answer);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => self.give_up(),
            }
        }
        come
    }

    /// So many are answered: now it is the turn of the next, which could not begin before.
    fn answered(&mut self, n: usize) {
        self.waiting.drain(..n.min(self.waiting.len()));
        if let Some(since) = self.waiting.front_mut().filter(|_| n > 0) {
            *since = Clock::Monotonic.now();
        }
    }

    fn give_up(&mut self) {
        self.questions = None;
        self.left_out += self.waiting.len() as u32;
        self.waiting.clear();
    }

    /// What went wrong, if it did.
    pub(super) fn warning(&self) -> Option<String> {
        let n = self.left_out;
        match (&self.questions, n) {
            (None, _) => Some(format!(
                "reading the target's cost took longer than {}: it was given up, {n} readings are missing",
                self.patience
            )),
            (Some(_), 0) => None,
            (Some(_), _) => Some(format!("reading the target's cost was slow: {n} readings were left out")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::ProbeError;
    use std::sync::{Arc, Mutex, MutexGuard};

    /// Reads only while nobody else holds the lock.
    struct Locked(Arc<Mutex<u32>>);

    impl Probe for Locked {
        fn read(&mut self, _: Depth) -> Result<Cost, ProbeError> {
            let mut taken = self.0.lock().unwrap();
            *taken += 1;
            Ok(Cost { at: Clock::Monotonic.now(), processes: *taken, ..Cost::default() })
        }

        fn found(&self) -> Vec<String> {
            vec!["7 it".to_owned()]
        }
    }

    fn asker(lock: &Arc<Mutex<u32>>, patience_ms: u64) -> Asker {
        Asker::with_patience(Box::new(Locked(Arc::clone(lock))), Nanos::from_millis(patience_ms)).unwrap()
    }

    fn processes(answers: &[Answer]) -> Vec<(usize, u32)> {
        answers.iter().map(|a| (a.index, a.cost.as_ref().unwrap().processes)).collect()
    }

    #[test]
    fn answers_come_back_in_order() {
        let lock = Arc::new(Mutex::new(0));
        let mut asker = asker(&lock, 60_000);
        asker.ask(0, Depth::Light);
        assert_eq!(processes(&asker.wait()), [(0, 1)]);
        asker.ask(1, Depth::Light);
        asker.ask(2, Depth::Full);
        assert_eq!(processes(&asker.wait()), [(1, 2), (2, 3)]);
        assert_eq!(asker.warning(), None);
    }

    #[test]
    fn a_late_reading_is_stamped_when_it_was_taken() {
        let lock = Arc::new(Mutex::new(0));
        let mut asker = asker(&lock, 60_000);
        let held: MutexGuard<'_, u32> = lock.lock().unwrap();
        (0..5).for_each(|i| asker.ask(i, Depth::Light));
        assert!(asker.collect().is_empty(), "asking waits for nobody");
        let released = Clock::Monotonic.now();
        drop(held);
        let come = asker.wait();
        assert_eq!(processes(&come), [(0, 1), (1, 2)]);
        assert!(come[0].cost.as_ref().unwrap().at >= released);
        assert!(asker.warning().unwrap().contains("3 readings were left out"));
    }

    /// Takes its time for each.
    struct Slow(Nanos);

    impl Probe for Slow {
        fn read(&mut self, _: Depth) -> Result<Cost, ProbeError> {
            crate::clock::sleep_blocking(self.0);
            Ok(Cost::default())
        }

        fn found(&self) -> Vec<String> {
            Vec::new()
        }
    }

    #[test]
    fn one_that_waited_for_its_turn_has_all_its_time_then() {
        let slow = Box::new(Slow(Nanos::from_millis(300)));
        let mut asker = Asker::with_patience(slow, Nanos::from_millis(500)).unwrap();
        (0..2).for_each(|i| asker.ask(i, Depth::Light));
        assert_eq!(asker.wait().len(), 2, "600 ms after it was asked, 300 ms after its turn");
        assert_eq!(asker.warning(), None);
    }

    #[test]
    fn a_probe_that_hangs_is_given_up_and_told() {
        let lock = Arc::new(Mutex::new(0));
        let mut asker = asker(&lock, 50);
        let _held = lock.lock().unwrap();
        asker.ask(0, Depth::Light);
        assert!(asker.wait().is_empty());
        asker.ask(1, Depth::Light);
        assert!(asker.wait().is_empty(), "nobody is asked any more");
        let told = asker.warning().unwrap();
        assert!(told.contains("given up") && told.contains("2 readings are missing"), "{told}");
    }
}
