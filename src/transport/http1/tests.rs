//! What the decoder makes of answers, and that any split of the bytes decodes alike.

use super::*;
use proptest::prelude::*;

/// All that can be observed of a decoding.
#[derive(Clone, Debug, Default, PartialEq)]
struct Seen {
    heads: Vec<(u16, Vec<u8>)>,
    interim: usize,
    body: Vec<u8>,
    /// Body lengths at which a chunk ended.
    chunk_ends: Vec<usize>,
    ended: bool,
    keep_alive: bool,
    counts: Counts,
    left_over: Vec<u8>,
    failure: Option<Failure>,
}

fn decode(pieces: &[&[u8]]) -> Seen {
    let mut decoder = Decoder::new();
    let mut seen = Seen::default();
    for piece in pieces {
        let mut rest = *piece;
        if seen.ended || seen.failure.is_some() {
            seen.left_over.extend(rest);
            continue;
        }
        loop {
            let (n, step) = match decoder.next(rest) {
                Ok(next) => next,
                Err(failure) => {
                    seen.failure = Some(failure);
                    seen.left_over.clear();
                    break;
                }
            };
            rest = &rest[n..];
            match step {
                Step::More => {
                    assert!(rest.is_empty());
                    break;
                }
                Step::Interim => seen.interim += 1,
                Step::Head(head) => seen.heads.push((head.status(), head.raw_bytes().to_vec())),
                Step::Body(piece) => {
                    assert!(!piece.is_empty());
                    seen.body.extend(piece);
                }
                Step::ChunkEnd => seen.chunk_ends.push(seen.body.len()),
                Step::End => {
                    seen.ended = true;
                    seen.left_over.extend(rest);
                    break;
                }
            }
        }
    }
    seen.keep_alive = decoder.keep_alive();
    // How far a failing decoder got is of no interest, and depends on the split.
    if seen.failure.is_none() {
        seen.counts = decoder.counts();
    } else {
        seen.left_over.clear();
    }
    seen
}

fn whole(bytes: &[u8]) -> Seen {
    let seen = decode(&[bytes]);
    let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(decode(&bytewise), seen, "one-byte pieces");
    seen
}

fn fails(bytes: &[u8]) -> Failure {
    whole(bytes).failure.expect("it fails")
}

#[test]
fn a_length_is_kept_to_and_what_follows_is_not_touched() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    let seen = whole(&[head, &b"helloHTTP"[..]].concat());
    assert_eq!(seen.body, b"hello");
    assert_eq!(seen.left_over, b"HTTP");
    assert_eq!(seen.counts, Counts { headers: head.len() as u64, framing: 0, body: 5 });
    assert!(seen.ended && seen.keep_alive);
}

#[test]
fn chunks_trailers_and_interim_heads_are_counted_by_hand() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n";
    let text = format!("{interim}{head}3;x=\"y\"\r\nabc\r\n0A \r\n0123456789\r\n0\r\nT: v\r\n\r\n");
    let seen = whole(text.as_bytes());
    assert_eq!(seen.interim, 1);
    assert_eq!(seen.body, b"abc0123456789");
    assert_eq!(seen.chunk_ends, [3, 13]);
    // 3;x="y"CRLF 9, CRLF 2, 0A_CRLF 5, CRLF 2, 0CRLF 3, CRLF 2; the trailer T:_vCRLF 6.
    let headers = (interim.len() + head.len() + 6) as u64;
    assert_eq!(seen.counts, Counts { headers, framing: 23, body: 13 });
    assert_eq!(seen.counts.total(), text.len() as u64);
    assert!(seen.ended && seen.keep_alive);
}

#[test]
fn answers_without_a_body_end_with_their_head() {
    for status in ["204 No Content", "304 Not Modified", "101 Switching Protocols"] {
        let seen = whole(format!("HTTP/1.1 {status}\r\nContent-Length: 7\r\n\r\nrest").as_bytes());
        assert!(seen.ended, "{status}");
        assert_eq!(seen.left_over, b"rest");
    }
    let mut decoder = Decoder::for_head_requests();
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n";
    let (n, step) = decoder.next(bytes).unwrap();
    assert!(matches!(step, Step::Head(h) if h.status() == 200));
    assert_eq!(decoder.next(&bytes[n..]), Ok((0, Step::End)));
}

#[test]
fn a_body_may_end_by_the_close_only() {
    let mut decoder = Decoder::new();
    let bytes = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\ndata";
    let (n, _) = decoder.next(bytes).unwrap();
    assert_eq!(decoder.next(&bytes[n..]), Ok((4, Step::Body(b"data"))));
    assert!(!decoder.keep_alive());
    assert_eq!(decoder.close(), Ok(()));
    assert_eq!(decoder.next(b""), Ok((0, Step::End)));
}

#[test]
fn a_close_in_the_middle_is_early() {
    for part in ["", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na"] {
        let mut decoder = Decoder::new();
        let mut rest = part.as_bytes();
        while !rest.is_empty() {
            rest = &rest[decoder.next(rest).unwrap().0..];
        }
        assert_eq!(decoder.close(), Err(Failure::ClosedEarly), "{part:?}");
    }
}

#[test]
fn keep_alive_and_its_absence() {
    let kept = |head: &str| whole(format!("{head}\r\nContent-Length: 0\r\n\r\n").as_bytes()).keep_alive;
    assert!(kept("HTTP/1.1 200 OK"));
    assert!(!kept("HTTP/1.1 200 OK\r\nConnection: Upgrade, CLOSE"));
    assert!(!kept("HTTP/1.1 200 OK\r\nconnection: x\r\nConnection: Close"));
    assert!(!kept("HTTP/1.0 200 OK"));
    assert!(kept("HTTP/1.0 200 OK\r\nConnection: Keep-Alive"));
}

#[test]
fn a_coding_outranks_a_length_and_lengths_must_agree() {
    let both = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
    assert_eq!(whole(both).body, b"a");
    let agree = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1, 1\r\n\r\nx";
    assert_eq!(whole(agree).body, b"x");
    for bad in ["1\r\nContent-Length: 2", "1, 2", "+1", "", "1 1", "-1", "0x1"] {
        let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {bad}\r\n\r\n");
        assert_eq!(fails(text.as_bytes()), Failure::BadHttp, "{bad:?}");
    }
}

#[test]
fn sizes_have_limits() {
    let with = |fields: &str| fails(format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n").as_bytes());
    assert_eq!(with("Content-Length: 99999999999999999999999"), Failure::BodyTooLarge);
    assert_eq!(with("Content-Length: 16777217"), Failure::BodyTooLarge);
    assert_eq!(with(&format!("A: {}", "a".repeat(MAX_HEAD_BYTES))), Failure::HeadTooLarge);
    assert_eq!(with(&vec!["A: b"; 129].join("\r\n")), Failure::HeadTooLarge);
    let hints = "HTTP/1.1 100 Continue\r\n\r\n".repeat(MAX_HEAD_BYTES / 25 + 1);
    assert_eq!(fails(hints.as_bytes()), Failure::HeadTooLarge);
}

#[test]
fn a_head_of_the_largest_size_is_taken() {
    let fixed = "HTTP/1.1 204 No\r\nA: \r\n\r\n".len();
    let text = format!("HTTP/1.1 204 No\r\nA: {}\r\n\r\n", "a".repeat(MAX_HEAD_BYTES - fixed));
    assert!(decode(&[text.as_bytes()]).ended);
    let (a, b) = text.as_bytes().split_at(1000);
    assert!(decode(&[a, b]).ended);
}

#[test]
fn an_endless_head_holds_no_memory() {
    let mut decoder = Decoder::new();
    decoder.next(b"HTTP/1.1 200 OK\r\nA: ").unwrap();
    let failed = (0..1000).find_map(|_| decoder.next(&[b'a'; 10_000]).err());
    assert_eq!(failed, Some(Failure::HeadTooLarge));
    assert!(decoder.spill.capacity() <= 4 * MAX_HEAD_BYTES);
    decoder.reset();
    assert_eq!(decoder.spill.capacity(), 0);
}

#[test]
fn an_endless_body_may_outgrow_the_limit() {
    let piece = vec![b'x'; 1 << 20];
    let chunk = [b"100000\r\n", &piece[..], b"\r\n"].concat();
    for (head, piece) in [("Transfer-Encoding: chunked\r\n", &chunk), ("", &piece)] {
        let bodies = |mut decoder: Decoder| {
            decoder.next(format!("HTTP/1.1 200 OK\r\n{head}\r\n").as_bytes()).unwrap();
            let mut feed = || {
                let mut rest = &piece[..];
                loop {
                    let (n, step) = decoder.next(rest)?;
                    rest = &rest[n..];
                    if step == Step::More || rest.is_empty() && head.is_empty() {
                        return Ok(());
                    }
                }
            };
            (0..20).find_map(|_| feed().err())
        };
        assert_eq!(bodies(Decoder::new()), Some(Failure::BodyTooLarge));
        assert_eq!(bodies(Decoder::endless()), None);
    }
}

#[test]
fn bad_chunks_are_named() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let with = |body: &str| fails(format!("{head}{body}").as_bytes());
    for bad in [
        "FFFFFFFFFFFFFFFF\r\n",
        "10000000000000000\r\n",
        "1000001\r\n",
        "g\r\n",
        "\r\n",
        ";x\r\n",
        "-1\r\n",
        "1\nx",
        "1\r\nxy",
        "1\r\nx\n",
        "1;x\n",
        "0\r\n\rx",
    ] {
        assert_eq!(with(bad), Failure::BadChunk, "{bad:?}");
    }
    assert_eq!(with(&format!("1;{}", "x".repeat(5000))), Failure::BadChunk);
    assert_eq!(with(&format!("{}1", "0".repeat(40))), Failure::BadChunk);
    assert_eq!(with(&format!("0\r\n{}", "a: b\r\n".repeat(20_000))), Failure::HeadTooLarge);
}

#[test]
fn garbage_is_told_at_its_first_byte() {
    assert_eq!(fails(b"\x00\x01"), Failure::BadHttp);
    assert_eq!(fails(b"SSH-2.0-x\r\n"), Failure::BadHttp);
    assert_eq!(fails(b"HTTP/2 200 OK\r\n\r\n"), Failure::BadHttp);
    assert_eq!(fails(b"HTTP/1.1 099 No\r\n\r\n"), Failure::BadHttp);
    assert_eq!(fails(b"HTTP/1.1 2x0 No\r\n\r\n"), Failure::BadHttp);
    assert_eq!(fails(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), Failure::BadHttp);
    assert_eq!(fails(b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n"), Failure::BadHttp);
}

#[test]
fn fields_are_found_in_any_case() {
    let mut decoder = Decoder::new();
    let bytes = b"HTTP/1.1 204 OK\r\nX-Cursor:  a:1 \r\nVary: a\r\nvary: B, c\r\n\r\n";
    let (_, step) = decoder.next(bytes).unwrap();
    let Step::Head(head) = step else { panic!("{step:?}") };
    assert_eq!(head.header("x-cursor"), Some(&b"a:1"[..]));
    assert_eq!(head.header("cursor"), None);
    assert!(head.lists("VARY", "b") && head.lists("Vary", "A") && !head.lists("Vary", "d"));
}

fn body_and_framing() -> impl Strategy<Value = Vec<u8>> {
    let chunk = (prop::collection::vec(any::<u8>(), 1..40), prop_oneof![Just(""), Just(";a=b"), Just(" ")]);
    let chunked = (prop::collection::vec(chunk, 0..5), prop_oneof![Just(""), Just("T: v\r\nU: w\r\n")])
        .prop_map(|(chunks, trailers)| {
            let mut out = b"Transfer-Encoding: chunked\r\n\r\n".to_vec();
            for (data, extension) in chunks {
                out.extend(format!("{:x}{extension}\r\n", data.len()).bytes());
                out.extend(data);
                out.extend(b"\r\n");
            }
            out.extend(format!("0\r\n{trailers}\r\n").bytes());
            out
        });
    let length = prop::collection::vec(any::<u8>(), 0..100).prop_map(|data| {
        let mut out = format!("Content-Length: {}\r\n\r\n", data.len()).into_bytes();
        out.extend(data);
        out
    });
    let until_close = prop::collection::vec(any::<u8>(), 0..100).prop_map(|data| {
        let mut out = b"\r\n".to_vec();
        out.extend(data);
        out
    });
    prop_oneof![chunked, length, until_close]
}

fn answer() -> impl Strategy<Value = Vec<u8>> {
    let interim =
        prop_oneof![Just(""), Just("HTTP/1.1 100 Continue\r\n\r\n"), Just("HTTP/1.1 103 E\nA: b\n\n")];
    let status = prop_oneof![Just("HTTP/1.1 200 OK"), Just("HTTP/1.0 500 No"), Just("HTTP/1.1 304 Same")];
    let fields = prop_oneof![Just(""), Just("Connection: close\r\n"), Just("ETag: \"x\"\r\nA:\r\n")];
    (interim, status, fields, body_and_framing()).prop_map(|(interim, status, fields, body)| {
        let mut out = format!("{interim}{status}\r\n{fields}").into_bytes();
        out.extend(body);
        out
    })
}

/// Overwrites some bytes with ones that matter to the grammar.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let byte =
        prop_oneof![Just(b'\r'), Just(b'\n'), Just(b':'), Just(b'0'), Just(b'f'), Just(b' '), any::<u8>()];
    (answer(), prop::collection::vec((any::<prop::sample::Index>(), byte), 0..4)).prop_map(
        |(mut bytes, changes)| {
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes
        },
    )
}

fn split<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|c| c.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|w| &bytes[w[0]..w[1]]).collect()
}

proptest! {
    #[test]
    fn any_split_decodes_alike(bytes in mutated(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        prop_assert_eq!(decode(&split(&bytes, &cuts)), whole(&bytes));
    }

    #[test]
    fn what_is_valid_is_taken_to_the_last_byte(bytes in answer()) {
        let seen = whole(&bytes);
        prop_assert_eq!(seen.failure, None);
        prop_assert_eq!(seen.counts.total() as usize + seen.left_over.len(), bytes.len());
        prop_assert_eq!(seen.counts.body as usize, seen.body.len());
    }

    #[test]
    fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        whole(&bytes);
        whole(&[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &bytes[..]].concat());
        whole(&[b"HTTP/1.1 ", &bytes[..]].concat());
    }
}
