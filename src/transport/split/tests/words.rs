//! Bodies byte for byte, bad ones too, and what is held of an endless one.

use super::*;

fn newline() -> SplitSpec {
    SplitSpec::Delimiter(b"\n".to_vec())
}

fn framings(spec: &SplitSpec, body: &[u8]) -> Vec<(usize, u64)> {
    let mut found = Vec::new();
    splitter(spec).feed(body, Then::More, &mut |p| found.push((p.body.len(), p.framing))).unwrap();
    found
}

#[test]
fn framing_is_what_a_body_has_beside_its_units() {
    assert_eq!(
        framings(&SplitSpec::Sse, b": hi\n\nid: 1\ndata: abc\n\nevent: ping\n\n"),
        [(2, 3), (3, 15), (0, 13)]
    );
    assert_eq!(framings(&SplitSpec::Sse, b"data: a\r\ndata: b\r\n\r\n"), [(3, 17)]);
    assert_eq!(framings(&newline(), b"ab\r\n\ncd\n"), [(2, 2), (0, 1), (2, 1)]);
    assert_eq!(framings(&SplitSpec::Length(LengthPrefix::Varint), b"\x02ab\x00"), [(2, 1), (0, 1)]);
    assert_eq!(framings(&SplitSpec::JsonArray, b"[1, {}]"), [(1, 1), (2, 2)]);
    assert_eq!(framings(&SplitSpec::Script, b"<p><script>f()</script>\n"), [(3, 20)]);
    assert_eq!(framings(&SplitSpec::Multipart, b"--aab\r\nA: b\r\n\r\nhello\r\n--aab"), [(5, 22)]);
}

#[test]
fn a_part_is_told_as_soon_as_it_is_whole() {
    let told = |body: &str| framings(&SplitSpec::Multipart, body.as_bytes()).len();
    assert_eq!(told("--aab\r\n\r\nhello\r\n--aa"), 0);
    assert_eq!(told("--aab\r\n\r\nhello\r\n--aab"), 1, "its delimiter's line end is not waited for");
    assert_eq!(told("--aab\r\nContent-Length: 5\r\n\r\nhello"), 1, "nor the delimiter behind a length");
    assert_eq!(framings(&SplitSpec::Sse, b"data: x\r\r").len(), 1, "nor a LF behind a CR");
    assert_eq!(framings(&SplitSpec::JsonArray, b"[{}").len(), 1, "nor a comma");
}

#[test]
fn sse_fields_are_read_as_the_standard_has_them() {
    let body = "\u{FEFF}retry: 250\nretry: 1x\nid: a\0b\nid: 7\nevent: e\ndata:one\n:c\ndata:  two\nx\n\ndata\n\nid\n\n";
    let seen = whole(&SplitSpec::Sse, body.as_bytes());
    let [first, empty, reset] = &seen.parts[..] else { panic!("{seen:?}") };
    assert_eq!((&first.body[..], &first.event[..]), (&b"one\n two"[..], &b"e"[..]));
    assert_eq!((first.id.as_deref(), first.retry), (Some(&b"7"[..]), Some(Nanos::from_millis(250))));
    assert_eq!((empty.kind, &empty.body[..], &empty.id), (PartKind::Data, &b""[..], &None));
    assert_eq!((reset.kind, reset.id.as_deref()), (PartKind::Heartbeat, Some(&b""[..])));
}

#[test]
fn a_comment_is_a_heartbeat_and_takes_nothing_from_what_follows() {
    let seen = whole(&SplitSpec::Sse, b":410: 410 Gone\ndata: x\n\n: \n\nevent: ping\n\n");
    let told: Vec<_> = seen.parts.iter().map(|p| (p.kind, &p.body[..], &p.event[..])).collect();
    let beat = PartKind::Heartbeat;
    let want: [(_, &[u8], &[u8]); 4] =
        [(beat, b"410: 410 Gone", b""), (PartKind::Data, b"x", b""), (beat, b"", b""), (beat, b"", b"ping")];
    assert_eq!(told, want);
}

#[test]
fn an_event_without_its_empty_line_is_none_but_a_pause_holds() {
    let seen = whole(&SplitSpec::Sse, b"retry: 9\ndata: x\n");
    assert_eq!(seen.parts.len(), 1);
    assert_eq!((seen.parts[0].kind, seen.parts[0].retry), (PartKind::Prelude, Some(Nanos::from_millis(9))));
}

#[test]
fn well_known_servers() {
    let nchan = "--aab\r\nLast-Modified: Sun\r\nEtag: 0\r\n\r\none\r\n--aab\r\nEtag: 1\r\n\r\ntwo\r\n--aab";
    assert_eq!(texts(&SplitSpec::Multipart, nchan), ["one", "two"]);
    let htmlfile = "<html><body>\n<script>\np(\"a[1]\");\n</script>\r\n<script>\np(\"h\");\n</script>\r\n";
    assert_eq!(texts(&SplitSpec::Script, htmlfile), ["\np(\"a[1]\");\n", "\np(\"h\");\n"]);
    assert_eq!(texts(&SplitSpec::Delimiter(vec![0x1E]), "42[1]\u{1e}2\u{1e}42[2]"), ["42[1]", "2", "42[2]"]);
    assert_eq!(
        texts(&SplitSpec::JsonConcat, "{\"a\":\"}\"}[1]\"x\"12 true{}"),
        ["{\"a\":\"}\"}", "[1]", "\"x\"", "12", "true", "{}"]
    );
    let empty = whole(&SplitSpec::JsonArray, b" [ ]");
    assert_eq!((empty.parts[0].kind, &empty.parts[0].body[..]), (PartKind::Heartbeat, &b"[]"[..]));
}

#[test]
fn bad_framing_is_named() {
    let json = |body: &str| (fails(&SplitSpec::JsonArray, body), fails(&SplitSpec::JsonConcat, body));
    let bad = Failure::BadFraming;
    for body in ["{", "[1", "]", "[}", "\"a", &"[".repeat(150)] {
        assert_eq!(json(body), (bad, bad), "{body:?}");
    }
    for body in ["{}", "[1,,2]", "[1 2]", "[] []", "[1]x", "[,1]"] {
        assert_eq!(fails(&SplitSpec::JsonArray, body), bad, "{body:?}");
    }
    assert_eq!(fails(&SplitSpec::Length(LengthPrefix::U16 { little: false }), "\0"), bad);
    assert_eq!(fails(&SplitSpec::Length(LengthPrefix::Varint), "\u{1}ab"), bad);
    assert_eq!(whole(&SplitSpec::Length(LengthPrefix::Varint), &[0xFF; 6]).failure, Some(bad));
    assert_eq!(fails(&SplitSpec::Script, "<script>f()"), bad);
    for body in [
        "no boundary",
        "--aab\r\n\r\nhalf",
        "--aab what\r\n",
        "--aab\r\nContent-Length: 2\r\n\r\nabc\r\n--aab",
        "--aab\r\nContent-Length: x\r\n\r\n",
    ] {
        assert_eq!(fails(&SplitSpec::Multipart, body), bad, "{body:?}");
    }
    for content_type in [None, Some(&b"multipart/mixed"[..]), Some(b"multipart/mixed; boundary=\"")] {
        let fault = Splitter::new(&SplitSpec::Multipart, MAX, content_type).err().unwrap();
        assert_eq!((fault.failure, &fault.detail[..9]), (bad, "multipart"));
    }
}

/// Ten megabytes that never end a unit; the words of the failure.
fn endless(spec: &SplitSpec, start: &[u8]) -> Fault {
    let mut splitter = Splitter::new(spec, 100_000, Some(MIXED)).unwrap();
    let mut nothing = |part: Part<'_>| assert_eq!(part.kind, PartKind::Heartbeat, "{part:?}");
    splitter.feed(start, Then::More, &mut nothing).unwrap();
    let filler = [b'x'; 10_000];
    (0..1000).find_map(|_| splitter.feed(&filler, Then::More, &mut nothing).err()).expect("it fails")
}

#[test]
fn endless_units_are_refused_with_the_limit_in_words() {
    let cases: [(SplitSpec, &[u8]); 9] = [
        (SplitSpec::Whole, b""),
        (SplitSpec::Chunk, b""),
        (newline(), b""),
        (SplitSpec::Sse, b"data: "),
        (SplitSpec::Sse, b":"),
        (SplitSpec::Multipart, b"--aab\r\n\r\n"),
        (SplitSpec::Script, b"<script>"),
        (SplitSpec::JsonArray, b"[\""),
        (SplitSpec::JsonConcat, b"\""),
    ];
    for (spec, start) in cases {
        let fault = endless(&spec, start);
        assert_eq!(fault.failure, Failure::MessageTooLarge, "{spec:?}");
        assert!(fault.detail.starts_with(spec.key()) && fault.detail.contains("100000"), "{fault}");
    }
    assert_eq!(endless(&SplitSpec::Multipart, b"").failure, Failure::BadFraming);
    assert_eq!(endless(&SplitSpec::Multipart, b"--aab\r\n").failure, Failure::BadFraming);
}

#[test]
fn a_prefix_of_4_gib_is_refused_before_a_byte_of_it_is_held() {
    let big = LengthPrefix::U32 { little: false };
    for (prefix, bytes) in [(big, &[0xFF; 4][..]), (LengthPrefix::Varint, &[0xFF, 0xFF, 0xFF, 0xFF, 0x0F])] {
        let mut splitter = splitter(&SplitSpec::Length(prefix));
        let fault = splitter.feed(bytes, Then::More, &mut |_| panic!("no part")).unwrap_err();
        assert_eq!(fault.failure, Failure::MessageTooLarge);
        assert_eq!(fault.detail, "length: a unit of 4294967295 bytes is larger than max_message (200 bytes)");
    }
}

#[test]
fn many_lines_of_one_event_are_bounded_too() {
    let mut splitter = splitter(&SplitSpec::Sse);
    let failed = (0..1000).find_map(|_| splitter.feed(b"data: 0123456789\n", Then::More, &mut |_| {}).err());
    assert_eq!(failed.map(|f| f.failure), Some(Failure::MessageTooLarge));
}
