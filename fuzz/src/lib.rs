//! What is fuzzed: each decoder of bytes that a target chooses. Fuzz targets and a test of the stable
//! toolchain call the same functions; a panic is a finding.
//!
//! The first byte of an input tells how the rest is cut. However it is cut, the outcome is the same,
//! and every byte is counted once.

use pushbench::model::Failure;
use pushbench::scenario::SplitSpec;
use pushbench::transport::http1::{Decoder, Step};
use pushbench::transport::split::{Part, PartKind, SPLITTERS, Splitter, Then};

/// Largest unit.
const MAX: usize = 4096;

/// The splitter with this key over these bytes.
pub fn split(key: &str, data: &[u8]) {
    let row = SPLITTERS.iter().find(|row| row.key == key).expect("a key of the table");
    let Some((seed, body)) = data.split_first() else { return };
    let spec = (row.example)();
    let whole = units(&spec, &[body]);
    let pieces: Vec<&[u8]> = body.chunks(usize::from(seed % 16) + 1).collect();
    assert_eq!(units(&spec, &pieces), whole);
}

/// The HTTP/1.1 answer decoder over these bytes.
pub fn http1(data: &[u8]) {
    let Some((seed, body)) = data.split_first() else { return };
    for endless in [false, true] {
        let whole = decoded(&[body], endless);
        let pieces: Vec<&[u8]> = body.chunks(usize::from(seed % 16) + 1).collect();
        assert_eq!(decoded(&pieces, endless), whole);
    }
}

type Units = (Vec<(bool, Vec<u8>)>, bool);

/// Every unit, and whether the body was refused in the end.
fn units(spec: &SplitSpec, pieces: &[&[u8]]) -> Units {
    let content_type = Some(&b"multipart/mixed; boundary=B"[..]);
    let mut splitter = Splitter::new(spec, MAX, content_type).expect("a boundary");
    let (mut found, mut told, mut fed) = (Vec::new(), 0, 0);
    for (i, piece) in pieces.iter().enumerate() {
        let then = if i + 1 == pieces.len() { Then::End } else { Then::More };
        let mut each = |part: Part<'_>| {
            told += part.framing + part.body.len() as u64;
            if part.kind != PartKind::Prelude {
                assert!(part.body.len() <= MAX + 16);
                found.push((part.kind == PartKind::Data, part.body.to_vec()));
            }
        };
        if splitter.feed(piece, then, &mut each).is_err() {
            return (found, true);
        }
        fed += piece.len() as u64;
        assert_eq!(told + splitter.untold(), fed);
    }
    (found, false)
}

/// Status, body, where chunks ended, the end, the failure.
type Decoded = (Vec<u16>, Vec<u8>, Vec<usize>, bool, Option<Failure>);

fn decoded(pieces: &[&[u8]], endless: bool) -> Decoded {
    let mut decoder = if endless { Decoder::endless() } else { Decoder::new() };
    let mut seen = Decoded::default();
    for piece in pieces {
        let mut rest = *piece;
        loop {
            let (n, step) = match decoder.next(rest) {
                Ok(next) => next,
                Err(failure) => {
                    seen.4 = Some(failure);
                    return seen;
                }
            };
            rest = &rest[n..];
            match step {
                Step::More => break,
                Step::Interim => {}
                Step::Head(head) => seen.0.push(head.status()),
                Step::Body(body) => seen.1.extend_from_slice(body),
                Step::ChunkEnd => seen.2.push(seen.1.len()),
                Step::End => {
                    seen.3 = true;
                    return seen;
                }
            }
        }
    }
    seen
}
