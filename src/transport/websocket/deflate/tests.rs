use super::*;
use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;

/// A sender's side: one message, without the tail.
fn deflate(state: &mut Compress, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() * 2 + 100);
    state.compress_vec(message, &mut out, FlushCompress::Sync).unwrap();
    assert!(out.ends_with(&TAIL));
    out.truncate(out.len() - TAIL.len());
    out
}

fn once(message: &[u8]) -> Vec<u8> {
    deflate(&mut Compress::new(Compression::fast(), false), message)
}

fn inflated(compressed: &[u8], takeover: bool, max: usize) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    let n = inflate(&mut Decompress::new(false), compressed, takeover, max, &mut out)?;
    Ok(out[..n].to_vec())
}

#[test]
fn the_examples_of_the_rfc() {
    let hello: [&[u8]; 4] = [
        // Section 7.2.3.1: one block; 7.2.3.3: a stored block; 7.2.3.4: the last block of a stream;
        // 7.2.3.5: two blocks.
        &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
        &[0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
        &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
        &[0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
    ];
    for bytes in hello {
        for takeover in [true, false] {
            assert_eq!(inflated(bytes, takeover, 5), Ok(b"Hello".to_vec()), "{bytes:x?}");
        }
    }
    assert_eq!(inflated(&[0x00], true, 0), Ok(vec![]), "an empty message, section 7.2.3.6");
}

#[test]
fn a_window_goes_on_only_where_it_was_agreed() {
    let mut state = Decompress::new(false);
    let mut out = Vec::new();
    // Section 7.2.3.2: the second message refers to the first one.
    for bytes in [&[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00][..], &[0xF2, 0x00, 0x11, 0x00, 0x00]] {
        let n = inflate(&mut state, bytes, true, 100, &mut out).unwrap();
        assert_eq!(&out[..n], b"Hello");
    }
    let mut sender = Compress::new(Compression::best(), false);
    let text = "a sentence that comes twice, and the second time is only referred to";
    let (first, second) = (deflate(&mut sender, text.as_bytes()), deflate(&mut sender, text.as_bytes()));
    assert!(second.len() < first.len(), "it refers to the first one");
    let mut state = Decompress::new(false);
    inflate(&mut state, &first, false, 100, &mut out).unwrap();
    let forgotten = inflate(&mut state, &second, false, 100, &mut out).map(|n| out[..n].to_vec());
    assert_ne!(forgotten, Ok(text.as_bytes().to_vec()), "nothing is left of the first one");
}

#[test]
fn a_bomb_is_stopped_at_the_limit() {
    let bomb = once(&vec![0; 64 << 20]);
    assert!(bomb.len() < 1 << 20);
    let mut out = Vec::new();
    let failed = inflate(&mut Decompress::new(false), &bomb, true, 100_000, &mut out);
    assert_eq!(failed, Err(Failure::MessageTooLarge));
    assert!(out.len() <= 100_001, "{}", out.len());
    assert_eq!(inflated(&once(&[7; 1000]), false, 1000).unwrap().len(), 1000);
    assert_eq!(inflated(&once(&[7; 1001]), false, 1000), Err(Failure::MessageTooLarge));
}

#[test]
fn what_is_broken_or_cut_short_is_told() {
    for broken in [&[0xFF, 0xFF][..], &[0x06, 1, 2, 3], &[0x00, 5, 0, 0, 0, 1]] {
        for takeover in [true, false] {
            assert_eq!(inflated(broken, takeover, 1000), Err(Failure::BadDeflate), "{broken:x?}");
        }
    }
    let text = b"one message with enough of a text that it is coded and not stored, 0123456789";
    let whole = once(text);
    for cut in 0..whole.len() - 1 {
        let cut_short = inflated(&whole[..cut], false, 1000);
        assert!(cut == 0 || cut_short == Err(Failure::BadDeflate), "{cut}: {cut_short:?}");
    }
}

proptest! {
    #[test]
    fn messages_come_out_as_they_went_in(
        messages in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..9000),
                "[a-d]{0,9000}".prop_map(String::into_bytes),
            ],
            1..6,
        ),
        takeover in any::<bool>(),
        level in 0_u32..10,
    ) {
        let mut sender = Compress::new(Compression::new(level), false);
        let (mut state, mut out) = (Decompress::new(false), Vec::new());
        for message in &messages {
            if !takeover {
                sender.reset();
            }
            let compressed = deflate(&mut sender, message);
            let n = inflate(&mut state, &compressed, takeover, 9000, &mut out);
            prop_assert_eq!(n.map(|n| &out[..n]), Ok(&message[..]));
        }
    }

    #[test]
    fn garbage_is_bounded(bytes in prop::collection::vec(any::<u8>(), 0..400), takeover in any::<bool>()) {
        let mut out = Vec::new();
        match inflate(&mut Decompress::new(false), &bytes, takeover, 2000, &mut out) {
            Ok(n) => prop_assert!(n <= 2000),
            Err(failure) => prop_assert!(matches!(failure, Failure::BadDeflate | Failure::MessageTooLarge)),
        }
        prop_assert!(out.len() <= FIRST_BYTES);
    }
}
