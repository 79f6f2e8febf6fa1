//! Messages: cut once, so that sending one is copying.

use crate::scenario::{MessagePiece, MessageTemplate};

/// What a message may hold beside text, for errors.
const KNOWN: &str = "${payload}, ${json(payload)}, ${channel}, ${json(channel)}, ${seq}";

/// Cuts a message into its pieces.
///
/// The payload is plain characters and so is every channel's name, so their JSON form is quotes
/// around them.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn cut(text: &str) -> Result<MessageTemplate, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        push_text(&mut pieces, &rest[..at]);
        let end = rest[at..].find('}').ok_or_else(|| format!("`{}` is never closed", &rest[at..]))?;
        let inner = rest[at + 2..at + end].trim();
        match inner.strip_prefix("json(").and_then(|i| i.strip_suffix(')')) {
            Some(name) => {
                push_text(&mut pieces, "\"");
                pieces.push(piece(name.trim()).ok_or_else(|| unknown(inner))?);
                push_text(&mut pieces, "\"");
            }
            None => pieces.push(piece(inner).ok_or_else(|| unknown(inner))?),
        }
        rest = &rest[at + end + 1..];
    }
    push_text(&mut pieces, rest);
    match pieces.iter().filter(|p| **p == MessagePiece::Payload).count() {
        1 => Ok(MessageTemplate(pieces)),
        0 => Err("it has no ${payload}: nobody could tell what arrives".to_owned()),
        n => Err(format!("it has the payload {n} times: each receiver would get {n} messages")),
    }
}

fn unknown(name: &str) -> String {
    format!("it has `${{{name}}}`, which is not known here ({KNOWN})")
}

fn piece(name: &str) -> Option<MessagePiece> {
    Some(match name {
        "payload" => MessagePiece::Payload,
        "channel" => MessagePiece::Channel,
        "seq" => MessagePiece::Sequence,
        _ => return None,
    })
}

/// Adds text, to the text before it when that is what came last.
fn push_text(pieces: &mut Vec<MessagePiece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(MessagePiece::Text(last)) => last.push_str(text),
        _ => pieces.push(MessagePiece::Text(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use MessagePiece::{Channel, Payload, Sequence};

    fn text(t: &str) -> MessagePiece {
        MessagePiece::Text(t.to_owned())
    }

    #[test]
    fn a_message_is_cut_at_its_names_and_text_is_joined() {
        assert_eq!(cut("${payload}").unwrap(), MessageTemplate::plain());
        assert_eq!(
            cut(r#"{"c":${json(channel)},"d":${ json(payload) },"n":${seq}}"#).unwrap().0,
            [
                text("{\"c\":\""),
                Channel,
                text("\",\"d\":\""),
                Payload,
                text("\",\"n\":"),
                Sequence,
                text("}")
            ]
        );
        assert_eq!(cut("a$b{${payload}}").unwrap().0, [text("a$b{"), Payload, text("}")]);
    }

    #[test]
    fn what_could_not_be_told_apart_or_sent_is_refused() {
        for (wrong, told) in [
            ("hello", "no ${payload}"),
            ("", "no ${payload}"),
            ("${payload}${payload}", "2 times"),
            ("${payload}${client}", "`${client}`"),
            ("${json(seq", "never closed"),
            ("${payload} ${json(n)}", "`${json(n)}`"),
        ] {
            assert!(cut(wrong).unwrap_err().contains(told), "{wrong}");
        }
    }
}
