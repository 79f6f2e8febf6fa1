//! Between a session and its client: every unit goes by the rules before the client sees it.

use super::Happening;
use super::engine::{Engine, Verdict};
use super::seen::Seen;
use crate::model::{Nanos, Stamp, Traffic};
use crate::transport::http1::Head;
use crate::transport::split::{Part, PartKind, Splitter, Then};
use crate::transport::{Sink, Stage, Unit, UnitKind};

/// What stands around the units to come, as far as rules ask for it.
#[derive(Default)]
pub(super) struct Around {
    status: u16,
    head: Vec<u8>,
    event: Vec<u8>,
}

impl Around {
    /// What stands around the units of one answer.
    pub(super) fn answer(status: u16, head: &[u8]) -> Around {
        Around { status, head: head.to_vec(), event: Vec::new() }
    }
}

/// Cuts the units of a session, where the dialect says so.
pub(super) struct Cutter {
    pub(super) splitter: Splitter,
    /// Whether a part may lie over several units.
    pub(super) across: bool,
    /// Bytes of units that no part has told of.
    pub(super) held: Traffic,
}

/// A session's parts and the client's sink, for the time of one poll.
pub(super) struct Filter<'a> {
    pub(super) engine: &'a mut Engine,
    pub(super) around: &'a mut Around,
    pub(super) cutter: Option<&'a mut Cutter>,
    pub(super) sink: &'a mut dyn Sink,
}

impl Sink for Filter<'_> {
    fn unit(&mut self, unit: &Unit<'_>) {
        if let Some(trace) = &self.engine.compiled.trace {
            trace.tell(&Happening::Unit { kind: unit.kind, body: unit.body });
        }
        match (unit.kind, self.cutter.take()) {
            (UnitKind::Control, cutter) => {
                self.cutter = cutter;
                self.engine.heard = unit.received;
                self.sink.unit(unit);
            }
            (UnitKind::Data, Some(cutter)) => {
                self.cut(unit, cutter);
                self.cutter = Some(cutter);
            }
            (_, cutter) => {
                self.cutter = cutter;
                self.whole(unit);
            }
        }
        self.around.event.clear();
    }

    fn head(&mut self, head: &Head<'_>) {
        self.around.status = head.status();
        if self.engine.compiled.heads {
            self.around.head.clear();
            self.around.head.extend_from_slice(head.raw_bytes());
        }
        if let Some(trace) = &self.engine.compiled.trace {
            trace.tell(&Happening::Head { raw: head.raw_bytes() });
        }
        self.sink.head(head);
    }

    fn part(&mut self, part: &Part<'_>) {
        self.around.event.clear();
        self.around.event.extend_from_slice(part.event);
        if self.engine.compiled.heads && !part.headers.is_empty() {
            self.around.head.clear();
            self.around.head.extend_from_slice(part.headers);
        }
        self.sink.part(part);
    }

    fn stage(&mut self, stage: Stage, took: Nanos) {
        self.sink.stage(stage, took);
    }

    fn connected(&mut self, started: Nanos, finished: Nanos) {
        self.sink.connected(started, finished);
    }
}

impl Filter<'_> {
    /// A unit that is not cut: handed on as it is, but for what it is taken for.
    fn whole(&mut self, unit: &Unit<'_>) {
        let verdict = self.judge(unit.body, unit.received, None);
        let kind = match (verdict, unit.kind) {
            (Verdict::Deliver, _) => UnitKind::Data,
            (Verdict::Empty, _) | (Verdict::Known, UnitKind::Empty) => UnitKind::Empty,
            (Verdict::Known, _) => UnitKind::Control,
            // Where rules say what a message is, what they do not know is none.
            (Verdict::Unknown, UnitKind::Data) if self.engine.compiled.delivers => UnitKind::Control,
            (Verdict::Unknown, kind) => kind,
        };
        self.sink.unit(&Unit { kind, ..*unit });
    }

    fn judge(&mut self, body: &[u8], received: Nanos, part: Option<&Part<'_>>) -> Verdict {
        let compiled = &self.engine.compiled;
        let stamped = holds_stamp(body, compiled);
        let verdict = if stamped && !compiled.stamped {
            self.engine.delivered(received);
            Verdict::Deliver
        } else {
            let mut seen = Seen::unit(body);
            (seen.status, seen.head, seen.event) =
                (self.around.status, &self.around.head, &self.around.event);
            if let Some(part) = part.filter(|p| !p.event.is_empty()) {
                seen.event = part.event;
            }
            seen.stamped = stamped;
            self.engine.judge(&seen, received)
        };
        if let (Some(trace), Verdict::Deliver) = (&self.engine.compiled.trace, verdict) {
            trace.tell(&Happening::Delivered { stamped });
        }
        verdict
    }

    /// A unit that is cut: each part that is a message is handed on with its bytes, and what is left
    /// of the unit behind them.
    fn cut(&mut self, unit: &Unit<'_>, cutter: &mut Cutter) {
        let Cutter { splitter, across, held } = cutter;
        *held += unit.traffic;
        let then = if *across { Then::More } else { Then::End };
        let mut rest = UnitKind::Control;
        let fed = splitter.feed(unit.body, then, &mut |part| {
            if part.kind == PartKind::Prelude {
                return;
            }
            if let Some(trace) = &self.engine.compiled.trace {
                trace.tell(&Happening::Part { body: part.body, event: part.event });
            }
            let verdict = self.judge(part.body, unit.received, Some(&part));
            let message = verdict == Verdict::Deliver
                || (verdict == Verdict::Unknown
                    && part.kind == PartKind::Data
                    && !self.engine.compiled.delivers);
            if verdict == Verdict::Empty {
                rest = UnitKind::Empty;
            }
            if message {
                let traffic = carve(held, part.body.len() as u64, part.framing);
                self.sink.unit(&Unit { kind: UnitKind::Data, body: part.body, traffic, ..*unit });
            }
        });
        if let Err(fault) = fed {
            self.engine.fail(fault.failure, fault.detail);
        }
        // What a later part will tell of is held back until it is whole.
        let mut told = std::mem::take(held);
        *held = carve(&mut told, splitter.untold(), 0);
        if told != Traffic::default() {
            self.sink.unit(&Unit { kind: rest, body: &[], traffic: told.with_payload(0), ..*unit });
        }
    }
}

/// Whether bytes hold a stamp of this run.
fn holds_stamp(body: &[u8], compiled: &super::compiled::Compiled) -> bool {
    Stamp::find_all(body).any(|found| found.is_ok_and(|stamp| stamp.run == compiled.tag))
}

/// Takes the bytes of one part out of those of its unit; both still balance.
pub(super) fn carve(rest: &mut Traffic, body: u64, framing: u64) -> Traffic {
    let body = body.min(rest.payload);
    let framing = framing.min(rest.payload - body);
    let saved = rest.saved.min(body + framing);
    let wire_in = (body + framing - saved).min(rest.wire_in);
    let wire_out = body + framing - saved - wire_in;
    rest.payload -= body + framing;
    rest.saved -= saved;
    rest.wire_in -= wire_in;
    rest.wire_out -= wire_out;
    Traffic { payload: body, framing, saved, wire_in, wire_out, ..Traffic::default() }
}
