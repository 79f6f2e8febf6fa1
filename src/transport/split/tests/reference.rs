//! Each splitter against a reading of the whole body that is as plain as can be.

use super::*;

/// Bodies of units as a server would write them.
fn units() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 1..30), 0..6)
}

/// Text of printable characters.
fn lines() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[ -~é]{0,20}", 0..6)
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|w| w == needle)
}

fn delimited<'b>(mut body: &'b [u8], delimiter: &[u8]) -> Vec<&'b [u8]> {
    let mut found = Vec::new();
    while let Some(at) = find(body, delimiter) {
        found.push(&body[..at]);
        body = &body[at + delimiter.len()..];
    }
    found.push(body);
    if delimiter == b"\n" {
        found.iter_mut().for_each(|unit| *unit = unit.strip_suffix(b"\r").unwrap_or(unit));
    }
    found.retain(|unit| !unit.is_empty());
    found
}

/// The standard's own words: decode, normalise the line ends, go through the lines.
fn events(body: &str) -> Vec<(String, String, Option<String>)> {
    let text = body.strip_prefix('\u{FEFF}').unwrap_or(body).replace("\r\n", "\n").replace('\r', "\n");
    let (mut found, mut data, mut event, mut id) = (Vec::new(), String::new(), String::new(), None);
    let Some(end) = text.rfind('\n') else { return found };
    for line in text[..end].split('\n') {
        if line.is_empty() {
            if !data.is_empty() {
                data.pop();
                found.push((std::mem::take(&mut data), event.clone(), id.clone()));
            }
            (event, id) = (String::new(), None);
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => data += &format!("{value}\n"),
            "event" => event = value.to_owned(),
            "id" if !value.contains('\0') => id = Some(value.to_owned()),
            _ => {}
        }
    }
    found
}

fn sse_body() -> impl Strategy<Value = String> {
    let end = || prop_oneof![Just("\n"), Just("\r"), Just("\r\n")];
    let name = prop_oneof![Just("data"), Just("id"), Just("event"), Just("retry"), Just(""), Just("other")];
    let field = (name, prop_oneof![Just(":"), Just(": "), Just("")], "[0-9a-c:é\0 ]{0,6}", end()).prop_map(
        |(name, colon, value, end)| match colon {
            "" => format!("{name}{end}"),
            _ => format!("{name}{colon}{value}{end}"),
        },
    );
    let line = prop_oneof![3 => field, 1 => end().prop_map(str::to_owned)];
    (any::<bool>(), prop::collection::vec(line, 0..14))
        .prop_map(|(bom, lines)| format!("{}{}", if bom { "\u{FEFF}" } else { "" }, lines.concat()))
}

fn prefixed(units: &[Vec<u8>], prefix: LengthPrefix) -> Vec<u8> {
    let mut body = Vec::new();
    for unit in units {
        let n = unit.len() as u32;
        match prefix {
            LengthPrefix::U8 => body.push(n as u8),
            LengthPrefix::U16 { little: true } => body.extend((n as u16).to_le_bytes()),
            LengthPrefix::U16 { little: false } => body.extend((n as u16).to_be_bytes()),
            LengthPrefix::U32 { little: true } => body.extend(n.to_le_bytes()),
            LengthPrefix::U32 { little: false } => body.extend(n.to_be_bytes()),
            LengthPrefix::Varint if n < 128 => body.push(n as u8),
            LengthPrefix::Varint => body.extend([n as u8 | 0x80, (n >> 7) as u8]),
        }
        body.extend(unit);
    }
    body
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        (-1e9..1e9).prop_map(|n: f64| n.into()),
        "[a-z\"\\\\{}\\[\\],é ]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            prop::collection::vec(("[a-z\"\\\\]{0,3}", inner), 0..3)
                .prop_map(|pairs| pairs.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

fn parsed(seen: &Seen) -> Vec<serde_json::Value> {
    seen.data().iter().map(|unit| serde_json::from_slice(unit).unwrap()).collect()
}

fn multipart(parts: &[String], counted: bool, behind: bool) -> String {
    let mut body = String::from(if behind { "--aab" } else { "preamble\r\n--aab" });
    for (i, part) in parts.iter().enumerate() {
        let length = if counted { format!("Content-Length: {}\r\n", part.len()) } else { String::new() };
        body += &format!("\r\nEtag: {i}\r\n{length}\r\n{part}\r\n--aab");
    }
    if !behind {
        body += "--\r\nepilogue";
    }
    body
}

proptest! {
    #[test]
    fn delimiters(body in prop::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'\n'), Just(b'\r')], 0..40)) {
        for delimiter in [&b"\n"[..], b"a", b"aab", b"\r\n", b"abab"] {
            let seen = whole(&SplitSpec::Delimiter(delimiter.to_vec()), &body);
            prop_assert_eq!(seen.failure, None);
            prop_assert_eq!(seen.data(), delimited(&body, delimiter));
        }
    }

    #[test]
    fn server_sent_events(body in sse_body()) {
        let seen = whole(&SplitSpec::Sse, body.as_bytes());
        let data = seen.parts.iter().filter(|p| p.kind == PartKind::Data);
        let text = |b: &[u8]| String::from_utf8(b.to_vec()).unwrap();
        let got: Vec<_> = data.map(|p| (text(&p.body), text(&p.event), p.id.as_deref().map(text))).collect();
        prop_assert_eq!(got, events(&body));
    }

    #[test]
    fn lengths(units in units()) {
        for spec in specs() {
            let SplitSpec::Length(prefix) = spec else { continue };
            let seen = whole(&spec, &prefixed(&units, prefix));
            prop_assert_eq!(seen.failure, None);
            prop_assert_eq!(seen.data(), units.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_longer_varint(unit in prop::collection::vec(any::<u8>(), 120..MAX)) {
        let spec = SplitSpec::Length(LengthPrefix::Varint);
        let seen = whole(&spec, &prefixed(&[unit.clone()], LengthPrefix::Varint));
        prop_assert_eq!(seen.data(), [&unit[..]]);
    }

    #[test]
    fn chunks(units in units(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4)) {
        let mut pieces = Vec::new();
        for unit in &units {
            pieces.extend(cut(unit, &cuts).into_iter().map(|p| (p, Then::More)));
            pieces.last_mut().unwrap().1 = Then::ChunkEnd;
        }
        pieces.push((b"", Then::End));
        let seen = split(&mut splitter(&SplitSpec::Chunk), &pieces);
        prop_assert_eq!(seen.data(), units.iter().map(Vec::as_slice).collect::<Vec<_>>());
        // For all others a chunk is no boundary.
        let whole = units.concat();
        for spec in specs().into_iter().filter(|s| *s != SplitSpec::Chunk) {
            let one = split(&mut splitter(&spec), &ending(&[&whole], true));
            prop_assert_eq!(split(&mut splitter(&spec), &pieces), one);
        }
    }

    #[test]
    fn scripts(page in prop::collection::vec("(<b>|</b>|<scripty>|x|<|\n){0,4}", 1..5), texts in prop::collection::vec("(p\\(\"a>b\"\\);|<|</scrip|\n|</ script>|x){1,4}", 4..5)) {
        let tags = ["<script>", "<SCRIPT type=\"a>b\">", "<script\nasync>", "<script/>"];
        let ends = ["</script>", "</SCRIPT >", "</script\n>", "</Script>"];
        let mut body = String::new();
        for (i, between) in page.iter().enumerate() {
            body += between;
            if let Some(text) = texts.get(i) {
                body += &format!("{}{text}{}", tags[i], ends[i]);
            }
        }
        let pattern = r#"(?is)<script(?:[\s/](?:"[^"]*"|'[^']*'|[^>"'])*)?>(.*?)</script\s*>"#;
        let reference = regex_lite::Regex::new(pattern).unwrap();
        let want: Vec<&str> = reference.captures_iter(&body).map(|c| c.get(1).unwrap().as_str()).collect();
        let seen = whole(&SplitSpec::Script, body.as_bytes());
        prop_assert_eq!(seen.failure, None);
        prop_assert_eq!(seen.data(), want.iter().map(|t| t.as_bytes()).collect::<Vec<_>>());
    }

    #[test]
    fn json_values(values in prop::collection::vec(json(), 0..5), space in "[ \n\x1e]{1,3}", pretty in any::<bool>()) {
        let text = |v: &serde_json::Value| if pretty { serde_json::to_string_pretty(v).unwrap() } else { v.to_string() };
        let texts: Vec<String> = values.iter().map(text).filter(|t| t.len() <= MAX).collect();
        let want: Vec<serde_json::Value> = texts.iter().map(|t| serde_json::from_str(t).unwrap()).collect();
        let concat = whole(&SplitSpec::JsonConcat, texts.join(&space).as_bytes());
        prop_assert_eq!((parsed(&concat), concat.failure), (want.clone(), None));
        let array = whole(&SplitSpec::JsonArray, format!(" [ {} ]\n", texts.join(" ,\n")).as_bytes());
        prop_assert_eq!((parsed(&array), array.failure), (want, None));
    }

    #[test]
    fn multiparts(parts in lines(), counted in any::<bool>(), behind in any::<bool>()) {
        let seen = whole(&SplitSpec::Multipart, multipart(&parts, counted, behind).as_bytes());
        prop_assert_eq!(seen.failure, None);
        prop_assert_eq!(seen.parts.len(), parts.len());
        for (i, (got, want)) in seen.parts.iter().zip(&parts).enumerate() {
            prop_assert_eq!(&got.body, want.as_bytes());
            let etag = format!("Etag: {i}\r\n");
            prop_assert!(got.headers.starts_with(etag.as_bytes()));
        }
    }

    #[test]
    fn all_at_once(bytes in prop::collection::vec(any::<u8>(), 1..MAX)) {
        let seen = whole(&SplitSpec::Whole, &bytes);
        prop_assert_eq!(seen.data(), [&bytes[..]]);
    }
}
