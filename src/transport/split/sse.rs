//! `sse`: Server-Sent Events as the HTML standard has them (section 9.2), field by field.
//!
//! A block ends with an empty line. One with data is an event. One without (`event: ping`), and a
//! comment outside an event's data, is a sign of life. LF, CR and CR LF end a line.

use super::out::{Limit, Out, Part, PartKind, clear};
use super::{Fault, Machine, Then};
use crate::model::{Failure, Nanos};

const BOM: &[u8] = b"\xEF\xBB\xBF";
/// Largest `id`: it is kept for each client and sent back in the head of a request, where servers
/// take 8 KiB in all.
const MOST_ID: usize = 8 * 1024;
/// What a line may have beside its value: a field's name, the colon, a space, the mark of a body.
const BESIDE: usize = 16;

pub(super) struct Sse {
    limit: Limit,
    /// A line that was cut.
    line: Vec<u8>,
    /// The data lines of the block, joined by LF, when they are not one line of this call.
    data: Vec<u8>,
    event: Vec<u8>,
    id: Vec<u8>,
    retry: Option<Nanos>,
    has: Has,
    /// The first line of a body may begin with a byte order mark.
    first: bool,
    /// The last byte was a CR: a LF that follows belongs to it.
    after_cr: bool,
}

/// What the block under way has.
#[derive(Clone, Copy, Default)]
struct Has {
    data: bool,
    id: bool,
    /// Any field that means something.
    any: bool,
}

/// A line, read.
enum Line<'l> {
    Empty,
    Comment(&'l [u8]),
    Data(&'l [u8]),
    Event(&'l [u8]),
    Id(&'l [u8]),
    Retry(Nanos),
    Unknown,
}

impl Sse {
    pub(super) fn new(limit: Limit) -> Sse {
        Sse {
            limit,
            line: Vec::new(),
            data: Vec::new(),
            event: Vec::new(),
            id: Vec::new(),
            retry: None,
            has: Has::default(),
            first: true,
            after_cr: false,
        }
    }

    /// Takes a whole line that lies in this call. `held` is the one data line of the block, as long
    /// as it has but one: it is not copied.
    fn line<'b>(
        &mut self,
        line: &'b [u8],
        held: &mut Option<&'b [u8]>,
        at: usize,
        out: &mut Out<'_>,
    ) -> Result<(), Fault> {
        match self.read(line)? {
            Line::Data(value) if !self.has.data => {
                *held = Some(value);
                self.has.data = true;
                self.limit.check(value.len(), "an event")?;
            }
            Line::Data(value) => {
                self.settle(held);
                self.more_data(value)?;
            }
            Line::Empty => self.dispatch(held.take(), at, out),
            other => self.field(&other, at, out),
        }
        Ok(())
    }

    /// Takes a line that was cut and put together: its data is copied.
    fn cut_line(&mut self, line: &[u8], at: usize, out: &mut Out<'_>) -> Result<(), Fault> {
        match self.read(line)? {
            Line::Data(value) => self.more_data(value)?,
            Line::Empty => self.dispatch(None, at, out),
            other => self.field(&other, at, out),
        }
        Ok(())
    }

    fn read<'l>(&mut self, line: &'l [u8]) -> Result<Line<'l>, Fault> {
        if line.len() > self.limit.max.saturating_add(BESIDE) {
            return Err(self.limit.too_large("a line"));
        }
        let first = std::mem::take(&mut self.first);
        let line = parse(if first { line.strip_prefix(BOM).unwrap_or(line) } else { line });
        match line {
            Line::Id(id) if id.len() > MOST_ID => Err(Fault {
                failure: Failure::MessageTooLarge,
                detail: format!("sse: an id above {MOST_ID} B, which would go back in a header"),
            }),
            line => Ok(line),
        }
    }

    fn more_data(&mut self, value: &[u8]) -> Result<(), Fault> {
        let joint = usize::from(self.has.data);
        self.limit.check(self.data.len() + joint + value.len(), "an event")?;
        if self.has.data {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(value);
        self.has.data = true;
        Ok(())
    }

    /// Keeps the data line that will not be handed on where it lies.
    fn settle(&mut self, held: &mut Option<&[u8]>) {
        if let Some(value) = held.take() {
            self.data.extend_from_slice(value);
        }
    }

    fn field(&mut self, line: &Line<'_>, at: usize, out: &mut Out<'_>) {
        match line {
            // The bytes of data that is under way are told of with it, and so is what stands within.
            Line::Comment(text) if !self.has.data => {
                out.part(at, Part { kind: PartKind::Heartbeat, body: text, ..Part::default() });
            }
            Line::Event(name) => {
                self.event.clear();
                self.event.extend_from_slice(name);
                self.has.any = true;
            }
            Line::Id(id) => {
                self.id.clear();
                self.id.extend_from_slice(id);
                (self.has.id, self.has.any) = (true, true);
            }
            Line::Retry(pause) => {
                self.retry = Some(*pause);
                self.has.any = true;
            }
            _ => {}
        }
    }

    /// The block has ended.
    fn dispatch(&mut self, held: Option<&[u8]>, at: usize, out: &mut Out<'_>) {
        if self.has.data || self.has.any {
            let kind = if self.has.data { PartKind::Data } else { PartKind::Heartbeat };
            let id = self.has.id.then_some(&self.id[..]);
            let body = held.unwrap_or(&self.data);
            let part =
                Part { kind, body, event: &self.event, id, retry: self.retry.take(), ..Part::default() };
            out.part(at, part);
        }
        self.new_block();
    }

    fn new_block(&mut self) {
        clear(&mut self.data);
        clear(&mut self.event);
        clear(&mut self.id);
        self.has = Has::default();
    }

    /// Keeps what is left of a call: a line that was cut.
    fn rest(&mut self, rest: &[u8]) -> Result<(), Fault> {
        if self.line.len() + rest.len() > self.limit.max.saturating_add(BESIDE) {
            return Err(self.limit.too_large("a line without its end"));
        }
        self.line.extend_from_slice(rest);
        Ok(())
    }

    /// The body has ended: a block without its empty line is no event, but a pause asked for holds.
    fn end(&mut self, at: usize, out: &mut Out<'_>) {
        if let Some(retry) = self.retry.take() {
            out.part(at, Part { kind: PartKind::Prelude, retry: Some(retry), ..Part::default() });
        }
        clear(&mut self.line);
        self.new_block();
        (self.first, self.after_cr) = (true, false);
    }
}

impl Machine for Sse {
    fn feed(&mut self, bytes: &[u8], then: Then, out: &mut Out<'_>) -> Result<(), Fault> {
        let mut held = None;
        let mut at = 0;
        if !bytes.is_empty() && std::mem::take(&mut self.after_cr) {
            at = usize::from(bytes[0] == b'\n');
        }
        while let Some(n) = memchr::memchr2(b'\r', b'\n', &bytes[at..]) {
            let (line, mut next) = (&bytes[at..at + n], at + n + 1);
            if bytes[at + n] == b'\r' {
                self.after_cr = next == bytes.len();
                next += usize::from(bytes.get(next) == Some(&b'\n'));
            }
            at = next;
            if self.line.is_empty() {
                self.line(line, &mut held, at, out)?;
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                self.cut_line(&whole, at, out)?;
                clear(&mut whole);
                self.line = whole;
            }
        }
        self.settle(&mut held);
        self.rest(&bytes[at..])?;
        if then == Then::End {
            self.end(bytes.len(), out);
        }
        Ok(())
    }
}

fn parse(line: &[u8]) -> Line<'_> {
    let colon = memchr::memchr(b':', line);
    let (name, value) = match colon {
        _ if line.is_empty() => return Line::Empty,
        None => (line, &b""[..]),
        Some(at) => (&line[..at], line[at + 1..].strip_prefix(b" ").unwrap_or(&line[at + 1..])),
    };
    match name {
        b"" => Line::Comment(value),
        b"data" => Line::Data(value),
        b"event" => Line::Event(value),
        // An id with a NUL would not survive the header it comes back in.
        b"id" if !value.contains(&0) => Line::Id(value),
        b"retry" => pause(value).map_or(Line::Unknown, Line::Retry),
        _ => Line::Unknown,
    }
}

/// Milliseconds in ASCII digits and nothing else; at most some weeks.
fn pause(value: &[u8]) -> Option<Nanos> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let number = |ms: u64, d: &u8| ms.saturating_mul(10).saturating_add(u64::from(d - b'0'));
    digits.then(|| Nanos::from_millis(value.iter().fold(0, number).min(u64::from(u32::MAX))))
}
