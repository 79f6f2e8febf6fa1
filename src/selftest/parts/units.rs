//! How many bytes the bundled server sends for one message, from its documented formats (F6 and
//! `docs/server.md`): written apart from the code that makes and from the code that counts them.

/// What a TLS 1.3 record adds: 5 bytes of header, 1 of content type, 16 of authentication tag.
pub(super) const TLS_RECORD: u64 = 22;

/// Bytes of the boundary that the server draws: `pushbench-` and 16 digits.
const BOUNDARY: u64 = 26;

/// What a stream is made of.
pub(super) struct Format {
    /// Bytes before the first message.
    pub(super) first: u64,
    /// Bytes of the message with this sequence and payload.
    pub(super) unit: fn(sequence: u64, payload: u64) -> u64,
}

/// The format of a transport; `None`: its answers hold more than messages.
pub(super) fn format_of(transport: &str) -> Option<Format> {
    let format = |first, unit| Some(Format { first, unit });
    match transport {
        "websocket" => format(0, |_, payload| 2 + payload),
        "chunked" => format(0, |_, payload| chunk(payload)),
        "sse" => format(0, |sequence, payload| {
            chunk(len("id: ") + digits(sequence) + len("\n") + len("data: ") + payload + len("\n\n"))
        }),
        "forever iframe" => {
            format(chunk(len("<!doctype html><meta charset=\"utf-8\"><body>\n")), |sequence, payload| {
                let script = len("<script>parent.p(") + digits(sequence) + len(",\"");
                chunk(script + payload + len("\")</script>\n"))
            })
        }
        "multipart" => format(chunk(len("--") + BOUNDARY), |sequence, payload| {
            let head = len("\r\nContent-Type: text/plain\r\nContent-Length: ") + digits(payload);
            let tail = len("\r\nX-Seq: ") + digits(sequence) + len("\r\n\r\n");
            chunk(head + tail + payload + len("\r\n--") + BOUNDARY)
        }),
        _ => None,
    }
}

const fn len(text: &str) -> u64 {
    text.len() as u64
}

fn digits(n: u64) -> u64 {
    n.to_string().len() as u64
}

/// One HTTP/1.1 chunk: its length in hexadecimal, two line ends, the data.
fn chunk(data: u64) -> u64 {
    format!("{data:x}").len() as u64 + 4 + data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_by_hand() {
        let of = |name: &str| (format_of(name).unwrap().unit)(7, 64);
        assert_eq!(of("websocket"), 66);
        assert_eq!(of("chunked"), "40\r\n".len() as u64 + 64 + 2);
        let event = format!("id: 7\ndata: {}\n\n", "x".repeat(64));
        assert_eq!(of("sse"), format!("{:x}\r\n{event}\r\n", event.len()).len() as u64);
        assert!(format_of("poll").is_none());
    }
}
