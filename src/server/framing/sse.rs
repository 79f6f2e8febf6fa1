//! A message as a server-sent event (HTML standard, section 9.2.6).

/// Adds the event. Each line of the payload (ended by CR, LF or both) is a `data` line: a client
/// puts them together again with line feeds, as the standard has it.
pub(super) fn event(sequence: u64, payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("id: {sequence}\n").as_bytes());
    let mut rest = payload;
    loop {
        let end = memchr::memchr2(b'\r', b'\n', rest);
        let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
        match after {
            [] => break,
            [b'\r', b'\n', more @ ..] | [_, more @ ..] => rest = more,
        }
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::event;

    #[test]
    fn every_line_end_makes_a_data_line() {
        let made = |payload: &str| {
            let mut out = Vec::new();
            event(3, payload.as_bytes(), &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(made(""), "id: 3\ndata: \n\n");
        assert_eq!(made("a"), "id: 3\ndata: a\n\n");
        assert_eq!(made("a\nb\r\nc\rd"), "id: 3\ndata: a\ndata: b\ndata: c\ndata: d\n\n");
        assert_eq!(made("\n\r\n"), "id: 3\ndata: \ndata: \ndata: \n\n");
    }
}
