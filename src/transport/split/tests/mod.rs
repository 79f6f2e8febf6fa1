//! What splitters make of bodies: against a second reading of the whole body, and alike however the
//! body is cut.

mod reference;
mod words;

use super::*;
use crate::model::{Failure, Nanos};
use crate::scenario::{LengthPrefix, SplitSpec};
use proptest::prelude::*;

const MAX: usize = 200;
const MIXED: &[u8] = b"multipart/mixed; charset=utf-8; Boundary=\"aab\"";

/// A part, kept; framing is summed up, since how a line end falls to parts depends on the cut.
#[derive(Clone, Debug, Default, PartialEq)]
struct Kept {
    kind: PartKind,
    body: Vec<u8>,
    event: Vec<u8>,
    id: Option<Vec<u8>>,
    retry: Option<Nanos>,
    headers: Vec<u8>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Seen {
    parts: Vec<Kept>,
    failure: Option<Failure>,
}

impl Seen {
    fn data(&self) -> Vec<&[u8]> {
        let data = self.parts.iter().filter(|p| p.kind == PartKind::Data);
        data.map(|p| p.body.as_slice()).collect()
    }
}

fn splitter(spec: &SplitSpec) -> Splitter {
    Splitter::new(spec, MAX, Some(MIXED)).unwrap()
}

/// Feeds the pieces and lets the body end; every byte must be told of exactly once.
fn split(splitter: &mut Splitter, pieces: &[(&[u8], Then)]) -> Seen {
    let mut seen = Seen::default();
    let (mut told, mut fed) = (0, 0);
    for (bytes, then) in pieces {
        let mut each = |part: Part<'_>| {
            told += part.framing + part.body.len() as u64;
            // The end of the body makes a part of what is left, which a cut CR LF may be.
            if part.kind != PartKind::Prelude || part.retry.is_some() {
                seen.parts.push(Kept {
                    kind: part.kind,
                    body: part.body.to_vec(),
                    event: part.event.to_vec(),
                    id: part.id.map(<[u8]>::to_vec),
                    retry: part.retry,
                    headers: part.headers.to_vec(),
                });
            }
        };
        if let Err(fault) = splitter.feed(bytes, *then, &mut each) {
            assert!(!fault.detail.is_empty());
            seen.failure = Some(fault.failure);
            return seen;
        }
        fed += bytes.len() as u64;
        assert_eq!(told + splitter.untold(), fed, "{pieces:?}");
    }
    assert_eq!(told, fed, "the end of a body tells of all of it");
    seen
}

/// The pieces of a body, and its end behind the last of them or apart.
fn ending<'a>(pieces: &[&'a [u8]], apart: bool) -> Vec<(&'a [u8], Then)> {
    let mut all: Vec<_> = pieces.iter().map(|p| (*p, Then::More)).collect();
    match all.last_mut() {
        Some(last) if !apart => last.1 = Then::End,
        _ => all.push((b"", Then::End)),
    }
    all
}

fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|c| c.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|w| &bytes[w[0]..w[1]]).collect()
}

/// What one piece gives, every cut into two gives, and single bytes give.
fn whole(spec: &SplitSpec, bytes: &[u8]) -> Seen {
    let seen = split(&mut splitter(spec), &ending(&[bytes], false));
    for at in 0..=bytes.len() {
        let (a, b) = bytes.split_at(at);
        let two = split(&mut splitter(spec), &ending(&[a, b], at % 2 == 0));
        assert_eq!(two, seen, "{spec:?} cut at {at}: {:?}", String::from_utf8_lossy(bytes));
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    let mut same = splitter(spec);
    assert_eq!(split(&mut same, &ending(&single, true)), seen, "{spec:?} in single bytes");
    if seen.failure.is_none() {
        assert_eq!(split(&mut same, &ending(&[bytes], true)), seen, "{spec:?}: the next body");
    }
    seen
}

fn texts(spec: &SplitSpec, body: &str) -> Vec<String> {
    let seen = whole(spec, body.as_bytes());
    assert_eq!(seen.failure, None, "{body:?}");
    seen.data().iter().map(|d| String::from_utf8_lossy(d).into_owned()).collect()
}

fn fails(spec: &SplitSpec, body: &str) -> Failure {
    whole(spec, body.as_bytes()).failure.expect("it fails")
}

/// Every splitter, with the prefixes and delimiters that matter.
fn specs() -> Vec<SplitSpec> {
    let prefixes = [
        LengthPrefix::U8,
        LengthPrefix::U16 { little: false },
        LengthPrefix::U16 { little: true },
        LengthPrefix::U32 { little: false },
        LengthPrefix::U32 { little: true },
    ];
    let more = [b"aab".to_vec(), b"\r\n".to_vec()].map(SplitSpec::Delimiter);
    let table = SPLITTERS.iter().map(|row| (row.example)());
    table.chain(prefixes.map(SplitSpec::Length)).chain(more).collect()
}

/// Bytes that mean something to one splitter or another.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static [u8]> = vec![
        b"\r",
        b"\n",
        b"\r\n",
        b"\n\n",
        b":",
        b"data:",
        b"data: x",
        b"id: 1",
        b"id:",
        b"event: e",
        b"retry: 9",
        b"\xEF\xBB\xBF",
        b"a",
        b"b",
        b"aab",
        b"--aab",
        b"\r\n--aab",
        b"--aab--",
        b"\r\n--aab\r\n",
        b"Content-Length: 3",
        b"\r\n\r\n",
        b"<script",
        b"<script>",
        b"</script",
        b"</script>",
        b"<SCRIPT a='>'>",
        b" ",
        b">",
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
        b"\"",
        b"\\",
        b"\"\\\"\"",
        b"12",
        b"true",
        b"\x1e",
        b"\x00",
        b"\x01",
        b"\x02",
        b"\x80",
        b"\xff",
    ];
    let word = prop_oneof![4 => prop::sample::select(words).prop_map(<[u8]>::to_vec), 1 => prop::collection::vec(any::<u8>(), 1..4)];
    prop::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_cut_of_anything_gives_the_same(bytes in soup()) {
        for spec in specs() {
            whole(&spec, &bytes);
        }
    }

    #[test]
    fn many_cuts_are_as_one(bytes in soup(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        for spec in specs() {
            let pieces = cut(&bytes, &cuts);
            prop_assert_eq!(split(&mut splitter(&spec), &ending(&pieces, false)), whole(&spec, &bytes));
        }
    }

    #[test]
    fn a_small_limit_is_met_wherever_the_cut_is(bytes in soup(), max in 1..12_usize) {
        for spec in specs() {
            let small = || Splitter::new(&spec, max, Some(MIXED)).unwrap();
            let seen = split(&mut small(), &ending(&[&bytes], false));
            prop_assert!(seen.parts.iter().all(|p| p.body.len() <= max.max(2) || p.kind == PartKind::Heartbeat));
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(split(&mut small(), &ending(&single, false)).failure.is_some(), seen.failure.is_some());
        }
    }
}
