//! The entry points of the fuzz targets, over good inputs, mutated ones and noise: what a fuzzer
//! does for hours, every test run does for moments, always with the same inputs.

#[expect(unreachable_pub, reason = "a library of its own beside the fuzz targets")]
#[path = "../fuzz/src/lib.rs"]
mod entries;

use pushbench::transport::split::SPLITTERS;
use std::path::Path;

/// Inputs for each entry point.
const ROUNDS: usize = 4000;

/// Good bodies, whatever they are good for.
const SEEDS: &[&[u8]] = &[
    b"\x03{\"id\":7}\nword: x\nhello\nid 9\nother\n",
    b"\x03: hi\n\nid: 1\r\ndata: one\r\ndata: two\r\n\r\nevent: ping\n\nretry: 10\rdata\r\r",
    b"\x05--B\r\nContent-Length: 5\r\n\r\nhello\r\n--B\r\nEtag: 1\r\n\r\nworld\r\n--B--\r\n",
    b"\x01one\ntwo\r\n\nthree\x1efour",
    b"\x02\x05hello\x00\x85\x00world",
    b"\x07<html><SCRIPT type='a>b'>f(\"<\")</script>\n<script>g()</Script >",
    b"\x04[ {\"a\": [1, \"]\\\"\"]}, 12 ,true]\n",
    b"\x06{\"a\":1}[2]\"x\\\\\" 12 null{}",
    b"\x09HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: v\r\n\r\n",
    b"\x09HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
];

fn input(random: &mut fastrand::Rng) -> Vec<u8> {
    if random.u8(..) < 32 {
        return (0..random.usize(..200)).map(|_| random.u8(..)).collect();
    }
    let seed = |random: &mut fastrand::Rng| SEEDS[random.usize(..SEEDS.len())];
    let mut bytes = seed(random).to_vec();
    for _ in 0..random.usize(..6) {
        let at = random.usize(..=bytes.len());
        match random.u8(..4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.u8(..)),
            2 if at < bytes.len() => bytes[at] = b"\r\n:-\"\\<>[]{}, 0"[random.usize(..15)],
            _ => {
                let more = &seed(random)[1..];
                let (from, many) = (random.usize(..more.len()), random.usize(1..4));
                bytes.splice(at..at, more[from..].repeat(many));
            }
        }
    }
    bytes
}

#[test]
fn no_input_breaks_a_decoder() {
    let mut random = fastrand::Rng::with_seed(0x5EED);
    for _ in 0..ROUNDS {
        let data = input(&mut random);
        entries::http1(&data);
        entries::rules(&data);
        for row in SPLITTERS {
            entries::split(row.key, &data);
        }
    }
}

#[test]
fn each_decoder_has_its_fuzz_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("readable");
    let splitters = SPLITTERS.iter().map(|row| format!("split_{}", row.key.replace('-', "_")));
    for target in splitters.chain(["http1".to_owned()]) {
        assert!(folder.join(format!("fuzz_targets/{target}.rs")).exists(), "{target}");
        assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
    }
}
