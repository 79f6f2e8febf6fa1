//! Conducts one run: target, workers, readings, in time; then gives what was gathered to be put
//! together.

use super::assemble::{Gathered, Interim};
use super::cores::{Cores, allowed, assign};
use super::events::Events;
use super::interrupt::Interrupt;
use super::pauses::{after, before, first_due, pause};
use super::program::Program;
use super::readings::{Readings, WORKER_NAME};
use super::scrapes::Scrapes;
use super::target::{Found, RunningTarget};
use super::their_clock::Asking;
use super::timeline::{Phase, Timeline};
use super::told::{Done, Report};
use super::trace::Trace;
use super::warm::WarmUp;
use super::worker::{CUT_AHEAD, Setup, Signal, cut_grace};
use super::{EngineError, Observer, Options, Progress, fan, worker};
use crate::clock::{Clock, LiveLine};
use crate::model::{Nanos, RunTag};
use crate::probe::Depth;
use crate::record::{FanMerge, Piece, Snapshot};
use crate::scenario::{Plan, PublishVia, RunPlan, Stair};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How often an observer is told, at least.
const TICK: Nanos = Nanos::from_millis(250);
/// Every so many seconds a reading takes the target's proportional set size too.
const FULL_EVERY_S: u64 = 10;
/// How much later than planned a worker may hand over before it is given up: it is stuck.
const PATIENCE: Nanos = Nanos::from_millis(30_000);

/// Does one run and gives what it left behind.
pub(super) fn conduct(
    plan: &Plan,
    run: &RunPlan,
    index: usize,
    options: &Options,
    interrupt: &Interrupt,
    observer: &mut dyn Observer,
) -> Result<Gathered, EngineError> {
    let found = Found::of(plan, run)?;
    let cores = assign(&allowed(), run.workers as usize, found.is_local(), run.pin);
    let mut target = RunningTarget::start(plan, run, found, options, (cores.target, interrupt), observer)?;
    let mut readings = Readings::new(target.probe(), pinned(&cores.workers));
    let mut scrapes = Scrapes::new(plan, &target.sites)?;
    readings.take_whole(Phase::Idle, Depth::Thorough);
    if !options.hurried {
        readings.take_whole(Phase::Idle, Depth::Full);
        pause(&readings, before(run), interrupt);
        readings.take_whole(Phase::Idle, Depth::Full);
    }
    scrapes.ask(Phase::Idle, true);
    scrapes.settle();
    let program = match run.publish.as_ref().map(|p| &p.via) {
        Some(PublishVia::Exec(exec)) => Some(Program::start(&exec.command, plan.path.as_deref())?),
        _ => None,
    };
    let asking = Asking::begin(plan, run, &target)?;
    let timeline = Timeline::new(first_due(run), &run.phases);
    let mut conductor = Conductor {
        run,
        interrupt,
        observer,
        timeline,
        pipe: program.as_ref().and_then(Program::pipe),
        their_clock: asking.as_ref().and_then(|asking| asking.line.clone()),
        stop: Signal::new(),
        begin: Signal::new(),
        warm_up: WarmUp::new(run.phases.warmup_least),
        trace: options.trace.clone(),
        events: options.events.as_ref().map(|files| Events::new(files, plan, run, index)),
        readings,
        scrapes,
        boundaries: timeline.boundaries(),
        interims: Vec::new(),
        groups: Vec::new(),
        fan: fan::merge(run, cores.workers.len(), timeline.measured()),
        done: Vec::new(),
    };
    let played = conductor.play(&target, &cores, index);
    if played.is_err() {
        conductor.events.iter().for_each(|events| events.discard(cores.workers.len()));
    }
    played?;
    let asked = asking.map(Asking::end);
    let settle = if options.hurried { Nanos::ZERO } else { after(run) };
    let settled = pause(&conductor.readings, settle, interrupt);
    conductor.readings.take_whole(Phase::After, Depth::Thorough);
    conductor.scrapes.settle();
    conductor.scrapes.ask(Phase::After, true);
    conductor.scrapes.settle();
    conductor.pipe = None;
    let mut gathered = conductor.gathered(&target, &cores);
    gathered.asked = asked;
    gathered.settled = settled;
    gathered.notes.extend(program.and_then(Program::end));
    drop(target);
    Ok(gathered)
}

struct Conductor<'a> {
    run: &'a RunPlan,
    interrupt: &'a Interrupt,
    observer: &'a mut dyn Observer,
    timeline: Timeline,
    /// The stdin of the program that publishes.
    pipe: Option<Arc<OwnedFd>>,
    /// The target's clock, where it is asked and was found.
    their_clock: Option<Arc<LiveLine>>,
    stop: Signal,
    begin: Signal,
    warm_up: WarmUp,
    trace: Option<Trace>,
    /// Where each event is written.
    events: Option<Events>,
    readings: Readings,
    /// The target's own counters.
    scrapes: Scrapes,
    /// The ends of the intervals.
    boundaries: Vec<Nanos>,
    /// What was handed over for each, as far as anything was.
    interims: Vec<Interim>,
    /// What each group saw; empty when there is one group.
    groups: Vec<Snapshot>,
    /// What the workers know together of messages whose receivers are spread over them.
    fan: Option<FanMerge>,
    done: Vec<Done>,
}

impl Conductor<'_> {
    fn play(&mut self, target: &RunningTarget, cores: &Cores, index: usize) -> Result<(), EngineError> {
        let setups: Vec<Setup> =
            (0..cores.workers.len()).map(|i| self.setup(target, cores, i, index)).collect();
        let (reports, inbox) = channel();
        let mut threads = Vec::new();
        for setup in setups {
            let reports = reports.clone();
            let thread = std::thread::Builder::new()
                .name(format!("{WORKER_NAME}{}", setup.index))
                .spawn(move || worker::main(&setup, &reports));
            threads.push(thread.map_err(|e| self.gives_up(EngineError::Worker(e.to_string())))?);
        }
        drop(reports);
        self.gather(&inbox, threads.len()).map_err(|e| self.gives_up(e))?;
        for thread in threads {
            thread.join().map_err(|_| EngineError::Worker("it panicked at its end".to_owned()))?;
        }
        Ok(())
    }

    /// Asks the workers to stop. They are not joined then: one that is stuck would hold us for ever.
    fn gives_up(&self, error: EngineError) -> EngineError {
        self.stop.set(Clock::Monotonic.now());
        error
    }

    fn setup(&self, target: &RunningTarget, cores: &Cores, worker: usize, index: usize) -> Setup {
        Setup {
            index: worker,
            workers: cores.workers.len(),
            run: self.run.clone(),
            sites: target.sites.clone(),
            timeline: self.timeline,
            // Any two runs differ, also those of two invocations against one server's history.
            tag: RunTag::new(
                (self.timeline.start.as_micros() as u32).wrapping_mul(0x9e37_79b9) >> 14 ^ index as u32,
            ),
            core: cores.workers[worker],
            stop: self.stop.clone(),
            begin: self.begin.clone(),
            trace: self.trace.clone(),
            events: self.events.clone(),
            pipe: self.pipe.clone(),
            their_clock: self.their_clock.clone(),
        }
    }

    /// Takes reports and readings until every worker is done.
    fn gather(&mut self, inbox: &Receiver<Report>, workers: usize) -> Result<(), EngineError> {
        let mut passed = 0;
        let mut next_tick = Nanos::ZERO;
        while self.done.len() < workers {
            let now = Clock::Monotonic.now();
            let reading_due = self.boundaries.get(passed).copied().unwrap_or(Nanos::MAX);
            if now >= reading_due {
                passed += 1;
                self.read_at(reading_due);
                continue;
            }
            if now >= next_tick {
                next_tick = now + TICK;
                self.heed_interrupt(now);
                self.scrapes.collect();
                self.tell(now);
            }
            if now > self.end() + PATIENCE {
                return Err(EngineError::Worker("it no longer answers".to_owned()));
            }
            let wait = Duration::from(reading_due.min(next_tick) - now);
            match inbox.recv_timeout(wait) {
                Ok(report) => self.take(report, workers)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(EngineError::Worker("it ended before its time".to_owned()));
                }
            }
        }
        Ok(())
    }

    fn end(&self) -> Nanos {
        self.stop.at().map_or(self.timeline.end, |at| self.timeline.cut(at, cut_grace(self.run)).end)
    }

    fn read_at(&mut self, boundary: Nanos) {
        // The phase that this boundary ends; a run cut short has no readings after the cut.
        if self.stop.at().is_some() {
            return;
        }
        let phase = self.timeline.phase(Nanos(boundary.0 - 1));
        let t = &self.timeline;
        let ends_phase = [t.measure, t.drain].contains(&boundary);
        let seconds = (boundary - t.start).0 / Nanos::SECOND.0;
        let step = |of: fn(&Stair) -> Nanos| {
            let steps = self.run.stairs.iter().flat_map(|stairs| &stairs.steps);
            steps.map(of).any(|at| t.start + at == boundary)
        };
        let depth = match seconds.is_multiple_of(FULL_EVERY_S) {
            _ if boundary == t.connected || step(|s| s.rest) => Depth::Thorough,
            every if every || ends_phase || step(|s| s.end) => Depth::Full,
            _ => Depth::Light,
        };
        self.scrapes.ask(phase, ends_phase || [t.connected, t.end].contains(&boundary));
        self.readings.take(phase, depth);
    }

    fn heed_interrupt(&mut self, now: Nanos) {
        if self.interrupt.requested() && self.stop.at().is_none() {
            self.stop.set(now + CUT_AHEAD);
            self.scrapes.ask(self.timeline.phase(now), true);
            self.readings.take(self.timeline.phase(now), Depth::Full);
        }
    }

    fn take(&mut self, report: Report, workers: usize) -> Result<(), EngineError> {
        match report {
            Report::Interval { worker, boundary, taken, moment } => {
                while self.interims.len() <= boundary {
                    let end = self.boundaries.get(self.interims.len()).copied().unwrap_or(self.timeline.end);
                    self.interims.push(Interim { end, ..Interim::default() });
                }
                let interim = &mut self.interims[boundary];
                interim.worker_cpu.push((worker, moment.cpu));
                interim.backlog_bytes += moment.backlog_bytes;
                interim.snapshot.merge(&taken.all);
                interim.attached += moment.attached;
                interim.workers += 1;
                add_groups(&mut self.groups, &taken.groups);
                self.add_pieces(&taken.pieces);
                if self.interims[boundary].workers as usize == workers {
                    self.heed_warmth(boundary);
                }
            }
            Report::Done(done) => {
                self.add_pieces(&done.rest.pieces);
                self.done.push(*done);
            }
            Report::Failed(error) => return Err(EngineError::Worker(error)),
        }
        Ok(())
    }

    /// All workers have handed over the interval: perhaps the run is warm by now.
    fn heed_warmth(&mut self, boundary: usize) {
        let now = Clock::Monotonic.now();
        let begin = self.warm_up.look(&self.interims[boundary], &self.timeline, now);
        if let Some(at) = begin.filter(|_| self.stop.at().is_none()) {
            self.begin.set(at);
            self.timeline = self.timeline.begun(at);
            self.boundaries = self.timeline.boundaries();
        }
    }

    fn add_pieces(&mut self, pieces: &[Piece]) {
        self.fan.iter_mut().for_each(|fan| pieces.iter().for_each(|piece| fan.add(piece)));
    }

    fn tell(&mut self, now: Nanos) {
        let whole = self.interims.iter().rev().find(|i| i.workers > 0);
        let length = whole.map_or(1.0, |i| self.length_of(i));
        let progress = Progress {
            phase: self.timeline.phase(now),
            attached: whole.map_or(0, |i| i.attached),
            clients: self.run.clients,
            delivered_per_s: whole.map_or(0, |i| i.snapshot.arrivals()) as f64 / length,
            p99_ns: whole.and_then(|i| i.snapshot.delivery_p99_ns()),
            failures: self.interims.iter().map(|i| i.failures()).sum(),
            left_s: (self.end() - now).as_secs_f64(),
        };
        self.observer.progress(&progress);
    }

    fn length_of(&self, interim: &Interim) -> f64 {
        let earlier = self.interims.iter().rev().map(|i| i.end).find(|end| *end < interim.end);
        (interim.end - earlier.unwrap_or(self.timeline.start)).as_secs_f64()
    }

    fn gathered(self, target: &RunningTarget, cores: &Cores) -> Gathered {
        let cut = self.stop.at();
        let grace = cut_grace(self.run);
        let timeline = cut.map_or(self.timeline, |at| self.timeline.cut(at, grace));
        let drained = cut.is_none() || grace >= self.run.phases.drain;
        let kept = self.events.as_ref().map(|events| events.keep(&self.done, &timeline, drained));
        let mut interims = self.interims;
        interims.retain(|i| i.workers > 0);
        let mut rest = Snapshot::default();
        let mut groups = self.groups;
        for done in &self.done {
            rest.merge(&done.rest.all);
            add_groups(&mut groups, &done.rest.groups);
        }
        match interims.last_mut() {
            // What was told as connections closed belongs to the last stretch of time: the series add up.
            Some(last) if last.end >= timeline.end => last.snapshot.merge(&rest),
            last => {
                let attached = last.map_or(0, |i| i.attached);
                let end = timeline.end;
                interims.push(Interim { end, attached, snapshot: rest, workers: 1, ..Interim::default() });
            }
        }
        Gathered {
            timeline,
            partial: cut.is_some(),
            drained,
            interims,
            groups,
            fan: self.fan,
            asked: None,
            done: self.done,
            readings: self.readings,
            scrapes: self.scrapes,
            settled: Nanos::ZERO,
            co_located: target.beside_us,
            loopback: target.sites.base.address.ip().is_loopback() || target.local,
            cores: distinct(&cores.workers),
            workers: cores.workers.len() as u32,
            shared_core: cores.shared,
            events: kept.is_some(),
            notes: cores.note(target.started_pid().is_some()).into_iter().chain(kept).collect(),
            warmed: self.warm_up.end(),
            insecure: target.insecure,
            dns: target.sites.dns,
        }
    }
}

/// Adds what each group saw to what it had seen.
fn add_groups(sum: &mut Vec<Snapshot>, more: &[Snapshot]) {
    sum.resize_with(sum.len().max(more.len()), Snapshot::default);
    sum.iter_mut().zip(more).for_each(|(a, b)| a.merge(b));
}

/// Cores that the workers have: several on one core have no more than it.
fn distinct(workers: &[Option<usize>]) -> u32 {
    let pinned = pinned(workers).len();
    let count = if pinned == 0 { workers.len().min(allowed().len()) } else { pinned };
    count.max(1) as u32
}

/// The cores that workers are kept on, each once.
fn pinned(workers: &[Option<usize>]) -> Vec<usize> {
    let cores: std::collections::BTreeSet<usize> = workers.iter().copied().flatten().collect();
    cores.into_iter().collect()
}
