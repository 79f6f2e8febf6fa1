//! `script`: a page that never ends and brings one script element for each message, as a forever
//! iframe has it.
//!
//! What browsers run is the text of each element; all else in the page is framing.

use super::out::{Limit, Out, Part, clear};
use super::{Fault, Machine, Then};

const OPEN: &[u8] = b"<script";
const CLOSE: &[u8] = b"</script";
/// Most bytes of space in a closing tag, its `>` included.
const MOST_SPACE: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Outside; so many bytes of `<script` are there.
    Page(usize),
    /// In the opening tag, inside this quote if it is not 0.
    Tag { quote: u8 },
    /// In the text.
    Text,
}

pub(super) struct Script {
    at: At,
    limit: Limit,
    spill: Vec<u8>,
}

impl Script {
    pub(super) fn new(limit: Limit) -> Script {
        Script { at: At::Page(0), limit, spill: Vec::new() }
    }

    /// Goes through the page up to behind `<script`; how far it got.
    fn page(&mut self, bytes: &[u8], mut have: usize) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            if have == 0 {
                let Some(next) = memchr::memchr(b'<', &bytes[at..]) else { break };
                (at, have) = (at + next + 1, 1);
                continue;
            }
            let byte = bytes[at];
            if have == OPEN.len() {
                // The name ends here, or it was another name. The byte is looked at again.
                let ends = byte.is_ascii_whitespace() || byte == b'>' || byte == b'/';
                if ends {
                    self.at = At::Tag { quote: 0 };
                    return at;
                }
                have = 0;
            } else if byte.eq_ignore_ascii_case(&OPEN[have]) {
                (at, have) = (at + 1, have + 1);
            } else {
                have = 0;
            }
        }
        self.at = At::Page(have);
        bytes.len()
    }

    /// Goes through the opening tag; how far it got.
    fn tag(&mut self, bytes: &[u8], mut quote: u8) -> usize {
        for (i, &byte) in bytes.iter().enumerate() {
            match (quote, byte) {
                (0, b'>') => {
                    self.at = At::Text;
                    return i + 1;
                }
                (0, b'"' | b'\'') => quote = byte,
                (open, _) if open == byte => quote = 0,
                _ => {}
            }
        }
        self.at = At::Tag { quote };
        bytes.len()
    }

    /// Goes through the text; how far it got.
    fn text(&mut self, bytes: &[u8], base: usize, out: &mut Out<'_>) -> Result<usize, Fault> {
        let cut = !self.spill.is_empty();
        let mut taken = 0;
        for end in memchr::memchr_iter(b'>', bytes) {
            if cut {
                self.spill.extend_from_slice(&bytes[taken..=end]);
            }
            taken = end + 1;
            let whole = if cut { &self.spill[..] } else { &bytes[..taken] };
            if let Some(text) = closed(whole) {
                self.limit.check(text.len(), "a script")?;
                out.part(base + taken, Part::of(text));
                clear(&mut self.spill);
                self.at = At::Page(0);
                return Ok(taken);
            }
        }
        self.spill.extend_from_slice(if cut { &bytes[taken..] } else { bytes });
        // A closing tag that is not whole, with some space in it, is no part of the text.
        if self.spill.len() > self.limit.max.saturating_add(CLOSE.len() + MOST_SPACE) {
            return Err(self.limit.too_large("a script without its end"));
        }
        Ok(bytes.len())
    }
}

/// The text before a closing tag that ends here.
fn closed(bytes: &[u8]) -> Option<&[u8]> {
    let tag = bytes.strip_suffix(b">")?.trim_ascii_end();
    if bytes.len() - tag.len() > MOST_SPACE {
        return None;
    }
    let at = tag.len().checked_sub(CLOSE.len())?;
    tag[at..].eq_ignore_ascii_case(CLOSE).then_some(&tag[..at])
}

impl Machine for Script {
    fn feed(&mut self, bytes: &[u8], then: Then, out: &mut Out<'_>) -> Result<(), Fault> {
        let mut at = 0;
        while at < bytes.len() {
            at += match self.at {
                At::Page(have) => self.page(&bytes[at..], have),
                At::Tag { quote } => self.tag(&bytes[at..], quote),
                At::Text => self.text(&bytes[at..], at, out)?,
            };
        }
        if then == Then::End {
            if !matches!(self.at, At::Page(_)) {
                return Err(self.limit.bad("the body ends inside a script element"));
            }
            self.at = At::Page(0);
        }
        Ok(())
    }
}
