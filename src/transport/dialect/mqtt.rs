//! MQTT 3.1.1 (OASIS, 2014) over the messages of a WebSocket, as much as a subscriber needs: connect,
//! subscribe, receive with quality 0 or 1, ping. Packets may share messages or lie over several.

mod packet;

use super::compiled::Compiled;
use super::filter::carve;
use super::vars::Vars;
use crate::clock::Clock;
use crate::model::{Failure, Nanos, Traffic};
use crate::net::{Endpoint, Memory};
use crate::scenario::MqttSpec;
use crate::transport::http1::Head;
use crate::transport::{Closing, Event, Session, Sink, Stage, Unit, UnitKind};
use packet::Incoming;
use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll};

/// A session that speaks MQTT over another one.
///
/// # Errors
/// In words: a template that cannot be worked out, or is too long for MQTT.
pub(super) fn over(
    mut inner: Box<dyn Session>,
    spec: &MqttSpec,
    vars: &mut Vars,
    compiled: &Compiled,
    clock: Clock,
    to: &Endpoint,
) -> Result<Box<dyn Session>, String> {
    let names = compiled.names();
    let mut text = |template: &crate::scenario::Template| vars.render(template, names);
    let username = spec.username.as_ref().map(&mut text).transpose()?;
    let password = spec.password.as_ref().map(&mut text).transpose()?;
    let seconds = (spec.keepalive.0 / Nanos::SECOND.0) as u16;
    let login = packet::Login { client: text(&spec.client_id)?, username, password, seconds };
    let subscribe = packet::subscribe(&text(&spec.topic)?, spec.qos)?;
    inner.send(&packet::connect(&login)?, true).map_err(|_| "the first packet cannot be sent".to_owned())?;
    let every = Nanos(spec.keepalive.0 / 2);
    let talk = Talk { subscribe, ..Talk::default() };
    let next_ping = clock.now() + every;
    Ok(Box::new(Mqtt { inner, talk, clock, every, next_ping, memory: Rc::clone(&to.memory) }))
}

struct Mqtt {
    inner: Box<dyn Session>,
    talk: Talk,
    clock: Clock,
    /// How often we ping; zero: never.
    every: Nanos,
    next_ping: Nanos,
    memory: Rc<RefCell<Memory>>,
}

/// What is known of the conversation.
#[derive(Default)]
struct Talk {
    subscribe: Vec<u8>,
    /// Bytes of a packet that is not whole.
    partial: Vec<u8>,
    /// The bytes of units that no message has told of.
    held: Traffic,
    /// Packets to send.
    out: Vec<Vec<u8>>,
    subscribed: bool,
    fault: Option<(Failure, String)>,
}

impl Session for Mqtt {
    fn request(&mut self) {
        self.inner.request();
    }

    fn poll_event(&mut self, cx: &mut Context<'_>, sink: &mut dyn Sink) -> Poll<Result<Event, Failure>> {
        let now = self.clock.now();
        if self.every > Nanos::ZERO && self.talk.subscribed && now >= self.next_ping {
            self.next_ping = now + self.every;
            self.talk.out.push(packet::PING.to_vec());
        }
        if let Err(failure) = self.send_out() {
            return Poll::Ready(Err(failure));
        }
        let polled = self.inner.poll_event(cx, &mut Decode { talk: &mut self.talk, sink });
        if let Err(failure) = self.send_out() {
            return Poll::Ready(Err(failure));
        }
        match self.talk.fault.take() {
            Some((failure, detail)) => {
                self.memory.borrow_mut().tell(detail);
                self.inner.abort();
                Poll::Ready(Err(failure))
            }
            None => polled,
        }
    }

    fn abort(&mut self) {
        self.inner.abort();
    }

    fn is_ready(&self) -> bool {
        self.talk.subscribed && self.inner.is_ready()
    }

    fn send(&mut self, body: &[u8], binary: bool) -> Result<(), Failure> {
        self.inner.send(body, binary)
    }

    fn leave(&mut self) -> bool {
        // A server that has gone already has no use for it.
        let _ = self.inner.send(packet::DISCONNECT, true);
        self.inner.leave()
    }

    fn is_closing(&self) -> bool {
        self.inner.is_closing()
    }

    fn closing(&self) -> Option<&Closing> {
        self.inner.closing()
    }

    fn next_deadline(&self) -> Option<Nanos> {
        let ping = (self.every > Nanos::ZERO && self.talk.subscribed).then_some(self.next_ping);
        [ping, self.inner.next_deadline()].into_iter().flatten().min()
    }

    fn wire(&self) -> Traffic {
        self.inner.wire()
    }
}

impl Mqtt {
    fn send_out(&mut self) -> Result<(), Failure> {
        for packet in std::mem::take(&mut self.talk.out) {
            if !self.inner.is_closing() {
                self.inner.send(&packet, true)?;
            }
        }
        Ok(())
    }
}

/// Takes the packets out of units, for the time of one poll.
struct Decode<'a> {
    talk: &'a mut Talk,
    sink: &'a mut dyn Sink,
}

impl Sink for Decode<'_> {
    fn unit(&mut self, unit: &Unit<'_>) {
        if unit.kind != UnitKind::Data || self.talk.fault.is_some() {
            return self.sink.unit(unit);
        }
        self.talk.held += unit.traffic;
        let mut joined = std::mem::take(&mut self.talk.partial);
        let bytes = if joined.is_empty() {
            unit.body
        } else {
            joined.extend_from_slice(unit.body);
            &joined
        };
        let rest = self.packets(bytes, unit).len();
        self.talk.partial = if joined.is_empty() {
            unit.body[unit.body.len() - rest..].to_vec()
        } else {
            joined.drain(..joined.len() - rest);
            joined
        };
        let mut told = std::mem::take(&mut self.talk.held);
        self.talk.held = carve(&mut told, self.talk.partial.len() as u64, 0);
        if told != Traffic::default() {
            let traffic = told.with_payload(0);
            self.sink.unit(&Unit { kind: UnitKind::Control, body: &[], traffic, ..*unit });
        }
    }

    fn head(&mut self, head: &Head<'_>) {
        self.sink.head(head);
    }

    fn stage(&mut self, stage: Stage, took: Nanos) {
        self.sink.stage(stage, took);
    }

    fn connected(&mut self, started: Nanos, finished: Nanos) {
        self.sink.connected(started, finished);
    }
}

impl Decode<'_> {
    /// Deals with every packet that is whole; what is left.
    fn packets<'b>(&mut self, mut bytes: &'b [u8], unit: &Unit<'_>) -> &'b [u8] {
        while self.talk.fault.is_none() {
            match packet::next(bytes) {
                Ok(None) => return bytes,
                Ok(Some((packet, taken))) => {
                    self.packet(&packet, taken as u64, unit);
                    bytes = &bytes[taken..];
                }
                Err((failure, why)) => self.talk.fault = Some((failure, format!("mqtt: {why}"))),
            }
        }
        &[]
    }

    fn packet(&mut self, packet: &Incoming<'_>, taken: u64, unit: &Unit<'_>) {
        let talk = &mut *self.talk;
        match *packet {
            Incoming::Connected(0) => talk.out.push(std::mem::take(&mut talk.subscribe)),
            Incoming::Connected(code) => {
                talk.fault = Some((Failure::NotReady, format!("mqtt: CONNACK refuses with code {code}")));
            }
            Incoming::Subscribed(0x80) => {
                talk.fault = Some((Failure::NotReady, "mqtt: SUBACK refuses the topic".to_owned()));
            }
            Incoming::Subscribed(_) => talk.subscribed = true,
            Incoming::Published { id, payload } => {
                talk.out.extend(id.map(packet::acknowledge));
                let body = payload.len() as u64;
                let traffic = carve(&mut talk.held, body, taken - body);
                self.sink.unit(&Unit { kind: UnitKind::Data, body: payload, traffic, ..*unit });
            }
            Incoming::Other => {}
        }
    }
}
