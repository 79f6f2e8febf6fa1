//! The rules over units that somebody gives, without a connection: what property tests, fuzz targets
//! and benches drive. The same filter and engine as in a session, and nothing else of it.

use super::filter::{Around, Cutter, Filter};
use super::{Dialect, Engine, Outgoing, cutter};
use crate::model::{Nanos, Traffic};
use crate::net::Endpoint;
use crate::transport::{Sink, Unit, UnitKind};

/// A session's part of a dialect, in rehearsal.
pub struct Rehearsal {
    engine: Engine,
    around: Around,
    cutter: Option<Box<Cutter>>,
    now: Nanos,
}

impl Rehearsal {
    /// A session of this client that was just opened.
    ///
    /// # Errors
    /// In words: a variable that cannot be worked out, a splitter that cannot be made.
    pub fn new(dialect: &Dialect, to: &Endpoint) -> Result<Rehearsal, String> {
        let mut engine = dialect.engine(to)?;
        engine.opened(0, Nanos::ZERO);
        let cutter = cutter(&dialect.compiled.spec)?;
        Ok(Rehearsal { engine, around: Around::default(), cutter, now: Nanos::ZERO })
    }

    /// Hands over one unit of the transport, a millisecond after the last one.
    pub fn feed(&mut self, body: &[u8], sink: &mut dyn Sink) {
        self.now += Nanos::from_millis(1);
        let payload = body.len() as u64;
        let traffic = Traffic { payload, wire_in: payload, ..Traffic::default() };
        let unit = Unit { kind: UnitKind::Data, received: self.now, body, traffic };
        let Rehearsal { engine, around, cutter, .. } = self;
        Filter { engine, around, cutter: cutter.as_deref_mut(), sink }.unit(&unit);
    }

    /// The next text that the rules want sent.
    pub fn next_text(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Outgoing::Text(text) = self.engine.next_out()? {
                return Some(text);
            }
        }
    }

    /// Whether the session can receive.
    pub fn is_ready(&self) -> bool {
        self.engine.is_ready()
    }

    /// Whether a rule or a limit has ended the session.
    pub fn is_over(&self) -> bool {
        self.engine.end.is_some()
    }
}
