//! permessage-deflate: what a scripted server compressed comes out as it was, however it is cut, and
//! the bytes add up.

use crate::fake::*;
use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;
use pushbench::model::{Failure, Traffic};
use pushbench::scenario::{CarrierSpec, DeflateSpec};
use pushbench::transport::{Event, UnitKind};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Mutex, mpsc};

const TEXT: &str = "a text with a text in a text, and a text with a text in a text again: 0123456789";

fn compressed() -> CarrierSpec {
    websocket_with(|spec| spec.deflate = Some(DeflateSpec { no_context_takeover: false }))
}

/// A sender's side.
struct Deflate(Compress);

impl Deflate {
    fn new() -> Deflate {
        Deflate(Compress::new(Compression::best(), false))
    }

    fn message(&mut self, message: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(message.len() * 2 + 100);
        self.0.compress_vec(message, &mut out, FlushCompress::Sync).unwrap();
        out.truncate(out.len() - 4);
        out
    }
}

fn deflate(message: &[u8]) -> Vec<u8> {
    Deflate::new().message(message)
}

/// A frame with RSV1.
fn marked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = frame(opcode, payload);
    out[0] |= 0x40;
    out
}

/// A target that agrees to this and sends these bytes, then closes.
fn sending(extension: &'static str, frames: Vec<u8>) -> SocketAddr {
    serve(move |peer, _| {
        upgrade_with(peer, extension, &frames);
        linger(peer);
    })
}

/// What a session that agreed on compression comes to.
fn over(frames: Vec<u8>) -> (Failure, Client) {
    let address = serve(move |peer, _| upgrade_with(peer, "permessage-deflate", &frames));
    on_a_worker(async {
        let mut client = Client::open(&compressed(), address).await.unwrap();
        (client.until_over().await.unwrap_err(), client)
    })
}

#[test]
fn payload_is_what_was_inflated_and_the_rest_was_saved() {
    let mut sender = Deflate::new();
    let pieces = [sender.message(TEXT.as_bytes()), sender.message(TEXT.as_bytes())];
    assert!(pieces[1].len() < pieces[0].len(), "the second one refers to the first");
    let small = sender.message(b"\x01\xFE");
    let frames = [
        marked(1, &pieces[0]),
        frame(10, b"pong"),
        marked(2, &pieces[1]),
        frame(1, b"not compressed"),
        marked(2, &small),
    ];
    let lengths = [pieces[0].len() as u64, pieces[1].len() as u64, small.len() as u64];
    let address = sending("permessage-deflate; server_max_window_bits=15", frames.concat());
    on_a_worker(async {
        let mut client = Client::open(&compressed(), address).await.unwrap();
        while client.basket.units.len() < 6 {
            assert_eq!(client.next().await, Ok(Event::Received));
        }
        let [_, one, pong, two, plain, grown] = &client.basket.units[..] else { panic!("six units") };
        assert_eq!((&one.body[..], &two.body[..]), (TEXT.as_bytes(), TEXT.as_bytes()));
        assert_eq!((pong.kind, &plain.body[..]), (UnitKind::Control, &b"not compressed"[..]));
        let payload = TEXT.len() as u64;
        for (unit, length) in [(one, lengths[0]), (two, lengths[1])] {
            let traffic = unit.traffic;
            let want = Traffic {
                payload,
                framing: 2,
                saved: payload - length,
                wire_in: 2 + length,
                ..Traffic::default()
            };
            assert_eq!(traffic, want);
        }
        let want = Traffic { payload: 14, framing: 2, wire_in: 16, ..Traffic::default() };
        assert_eq!(plain.traffic, want);
        // Two bytes that became larger: what they grew by is framing.
        assert!(lengths[2] > 2);
        let wire_in = 2 + lengths[2];
        let want = Traffic { payload: 2, framing: lengths[2], wire_in, ..Traffic::default() };
        assert_eq!(grown.traffic, want);
        assert_eq!(client.session.wire(), client.told());
        assert!(client.told().saved > 0 && client.told().balances());
    });
}

#[test]
fn fragments_and_control_frames_between_them() {
    let whole = deflate(TEXT.as_bytes());
    let (a, b) = whole.split_at(whole.len() / 2);
    let mut first = marked(1, a);
    first[0] &= 0x7F;
    let frames = [first, frame(10, b""), vec![0x00, 0x00], frame(0, b), frame(2, b"")].concat();
    let address = sending("permessage-deflate", frames);
    on_a_worker(async {
        let mut client = Client::open(&compressed(), address).await.unwrap();
        while client.basket.units.len() < 4 {
            client.next().await.unwrap();
        }
        let [_, pong, text, empty] = &client.basket.units[..] else { panic!("four units") };
        assert_eq!((pong.kind, pong.traffic.wire_in), (UnitKind::Control, 2));
        assert_eq!(text.body, TEXT.as_bytes());
        assert_eq!(text.traffic.framing, 2 + 2 + 2);
        assert_eq!((empty.kind, empty.body.len()), (UnitKind::Data, 0));
        assert_eq!(client.session.wire(), client.told());
    });
}

#[test]
fn the_offer_is_a_browsers_and_its_refusal_is_no_failure() {
    let (tell, told) = mpsc::channel();
    let address = serve(move |peer, _| {
        let request = read_head(peer);
        let _ = peer.write_all(&[accepting(&request).as_bytes(), &frame(1, b"plain")].concat());
        tell.send(request).unwrap();
        linger(peer);
    });
    on_a_worker(async {
        let mut client = Client::open(&compressed(), address).await.unwrap();
        client.next().await.unwrap();
        assert_eq!((&client.last().body[..], client.told().saved), (&b"plain"[..], 0));
        let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
        assert!(told.recv().unwrap().contains(offer));
    });
}

#[test]
fn an_answer_that_was_not_offered_is_refused_and_told() {
    for extension in ["permessage-deflate; x=1", "permessage-foo", "permessage-deflate, permessage-deflate"] {
        let to = endpoint(sending(extension, vec![]));
        let failed = on_a_worker(async { Client::open_at(&compressed(), &to).await.err() });
        assert_eq!(failed, Some(Failure::UpgradeRefused), "{extension}");
        assert!(to.memory.borrow_mut().detail.take().unwrap().contains("target"));
        assert!(to.memory.borrow_mut().take_spent().unwrap().wire_in > 0);
    }
}

#[test]
fn each_message_by_itself() {
    let spec = websocket_with(|s| s.deflate = Some(DeflateSpec { no_context_takeover: true }));
    let frames = [marked(1, &deflate(TEXT.as_bytes())), marked(1, &deflate(TEXT.as_bytes()))].concat();
    let address = sending("permessage-deflate; server_no_context_takeover", frames);
    on_a_worker(async {
        let mut client = Client::open(&spec, address).await.unwrap();
        while client.basket.units.len() < 3 {
            client.next().await.unwrap();
        }
        assert!(client.basket.units[1..].iter().all(|u| u.body == TEXT.as_bytes()));
    });
    let lying = sending("permessage-deflate", vec![]);
    let failed = on_a_worker(async { Client::open(&spec, lying).await.err() });
    assert_eq!(failed, Some(Failure::UpgradeRefused));
}

#[test]
fn a_bomb_is_named_before_it_goes_off() {
    let (failure, client) = over(marked(2, &deflate(&vec![0; 50 << 20])));
    assert_eq!(failure, Failure::MessageTooLarge);
    assert_eq!(client.told().payload, 0);
    // Blocks that inflate to nothing, without end; the first fragment, then ever more.
    let mut first = marked(2, &[0, 0, 0, 0xFF, 0xFF].repeat(1000));
    first[0] &= 0x7F;
    let mut next = frame(0, &[0, 0, 0, 0xFF, 0xFF].repeat(10_000));
    next[0] &= 0x7F;
    let (failure, client) = over([first, next.repeat(100)].concat());
    assert_eq!(failure, Failure::MessageTooLarge);
    assert!(client.session.wire().wire_in < 400_000);
}

#[test]
fn what_breaks_the_extension_is_named() {
    let good = deflate(b"x");
    let unfinished = |mut frame: Vec<u8>| {
        frame[0] &= 0x7F;
        frame
    };
    assert_eq!(over(marked(1, &[0xFF, 0xFF])).0, Failure::BadDeflate);
    assert_eq!(over(marked(1, &deflate(b"\xFF"))).0, Failure::BadUtf8);
    for (what, bytes) in [
        ("on a control frame", marked(9, b"x")),
        ("on a later fragment", [unfinished(marked(1, &good)), marked(0, &good)].concat()),
        ("a message within one", [unfinished(marked(1, &good)), marked(1, &good)].concat()),
        ("a plain one within", [unfinished(marked(1, &good)), frame(1, b"x")].concat()),
        ("within a plain one", [unfinished(frame(1, b"x")), marked(1, &good)].concat()),
        ("another reserved bit", vec![0xE1, 1, b'x']),
        ("masked", vec![0xC1, 0x81, 0, 0, 0, 0, b'x']),
        ("nothing to continue", frame(0, b"x")),
    ] {
        assert_eq!(over(bytes).0, Failure::BadFrame, "{what}");
    }
}

/// Each connection is sent the same frames in the pieces of the current test case.
fn replaying() -> (SocketAddr, &'static Mutex<Vec<Vec<u8>>>) {
    let pieces: &'static Mutex<Vec<Vec<u8>>> = Box::leak(Box::default());
    let address = serve(move |peer, _| {
        peer.set_nodelay(true).unwrap();
        upgrade_with(peer, "permessage-deflate", b"");
        let pieces = std::mem::take(&mut *pieces.lock().unwrap());
        for piece in pieces {
            let _ = peer.write_all(&piece);
            std::thread::yield_now();
        }
        linger(peer);
    });
    (address, pieces)
}

#[test]
fn every_split_point_reads_alike() {
    let mut sender = Deflate::new();
    let mut second = marked(2, &sender.message(&[5; 400]));
    second[0] &= 0x7F;
    let frames = [
        marked(1, &sender.message(TEXT.as_bytes())),
        second,
        frame(10, b"p"),
        frame(0, &[]),
        frame(1, b"plain"),
        marked(1, &sender.message(TEXT.as_bytes())),
    ]
    .concat();
    let (address, pieces) = replaying();
    let read = |split: Vec<Vec<u8>>| {
        *pieces.lock().unwrap() = split;
        on_a_worker(async {
            let mut client = Client::open(&compressed(), address).await.unwrap();
            // Frames before the end of their message are told by a unit of their own, where a read ends.
            let data =
                |client: &Client| client.basket.units.iter().filter(|u| u.kind == UnitKind::Data).count();
            while data(&client) < 4 {
                client.next().await.unwrap();
            }
            assert_eq!(client.session.wire(), client.told());
            let units = client.basket.units.iter().filter(|u| u.kind == UnitKind::Data);
            let bodies: Vec<Vec<u8>> = units.map(|u| u.body.clone()).collect();
            let told = client.told();
            (bodies, told.payload, told.saved, told.wire_in)
        })
    };
    let whole = read(vec![frames.clone()]);
    assert_eq!((&whole.0[0][..], &whole.0[1][..]), (TEXT.as_bytes(), &[5; 400][..]));
    for at in 1..frames.len() {
        let (a, b) = frames.split_at(at);
        assert_eq!(read(vec![a.to_vec(), b.to_vec()]), whole, "split at {at}");
    }
    assert_eq!(read(frames.chunks(1).map(<[u8]>::to_vec).collect()), whole, "byte by byte");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_messages_in_any_fragments(
        messages in prop::collection::vec(("[a-e ]{0,2000}", 1_usize..5), 1..5),
    ) {
        let (mut sender, mut frames) = (Deflate::new(), Vec::new());
        for (message, parts) in &messages {
            let whole = sender.message(message.as_bytes());
            let step = whole.len().div_ceil(*parts).max(1);
            let count = whole.chunks(step).count();
            for (i, part) in whole.chunks(step).enumerate() {
                let mut bytes = if i == 0 { marked(1, part) } else { frame(0, part) };
                if i + 1 < count {
                    bytes[0] &= 0x7F;
                }
                frames.extend(bytes);
            }
        }
        let address = sending("permessage-deflate", frames);
        let want = messages.len() + 1;
        let (bodies, balanced) = on_a_worker(async {
            let mut client = Client::open(&compressed(), address).await.unwrap();
            while client.basket.units.len() < want {
                client.next().await.unwrap();
            }
            let balanced = client.session.wire() == client.told();
            (client.basket.units.into_iter().skip(1).map(|u| u.body).collect::<Vec<_>>(), balanced)
        });
        let sent: Vec<Vec<u8>> = messages.iter().map(|(m, _)| m.clone().into_bytes()).collect();
        prop_assert_eq!(bodies, sent);
        prop_assert!(balanced);
    }
}
