//! What is offered and agreed of `permessage-deflate` (RFC 7692, section 7.1).

use crate::scenario::DeflateSpec;

/// What both sides go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport) struct Agreed {
    /// Whether the server's window goes on from message to message.
    pub(in crate::transport) takeover: bool,
}

/// The request's line, CRLF included. What desktop browsers send, to the byte, unless the server is
/// asked to forget.
pub(in crate::transport) fn offer(spec: Option<DeflateSpec>) -> &'static str {
    match spec {
        None => "",
        Some(DeflateSpec { no_context_takeover: false }) => {
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
        }
        Some(DeflateSpec { no_context_takeover: true }) => {
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; \
             server_no_context_takeover; client_no_context_takeover\r\n"
        }
    }
}

/// What the answer's fields agree to; `None`: the server takes no extension.
///
/// # Errors
/// What is wrong with it, in words: an extension or a parameter that was not offered, twice, or with
/// a value that it cannot have.
pub(in crate::transport) fn agreed<'v>(
    fields: impl Iterator<Item = &'v [u8]>,
    offered: Option<DeflateSpec>,
) -> Result<Option<Agreed>, String> {
    let mut found = fields.flat_map(|field| field.split(|&b| b == b',')).map(<[u8]>::trim_ascii);
    let mut found = found.by_ref().filter(|extension| !extension.is_empty());
    let Some(extension) = found.next() else { return Ok(None) };
    if found.next().is_some() {
        return Err("the target uses more extensions than one".to_owned());
    }
    let extension = String::from_utf8_lossy(extension).into_owned();
    let spec = offered.ok_or_else(|| format!("the target uses an extension nobody offered: {extension}"))?;
    let mut parts = extension.split(';').map(str::trim);
    if !parts.next().is_some_and(|name| name.eq_ignore_ascii_case("permessage-deflate")) {
        return Err(format!("the target uses an extension nobody offered: {extension}"));
    }
    let parameters: Vec<Parameter<'_>> = parts.map(Parameter::of).collect();
    judge(&parameters, spec).map(Some)
}

fn judge(parameters: &[Parameter<'_>], spec: DeflateSpec) -> Result<Agreed, String> {
    for (i, parameter) in parameters.iter().enumerate() {
        if !parameter.is_good() {
            return Err(format!("the target's permessage-deflate has a bad parameter: {parameter:?}"));
        }
        if parameters[..i].iter().any(|earlier| earlier.name == parameter.name) {
            return Err(format!("the target's permessage-deflate has `{}` twice", parameter.name));
        }
    }
    let takeover = !parameters.iter().any(|p| p.name == "server_no_context_takeover");
    if takeover && spec.no_context_takeover {
        return Err("the target was asked for server_no_context_takeover and does not say it".to_owned());
    }
    Ok(Agreed { takeover })
}

/// One parameter of an answer.
#[derive(Debug)]
struct Parameter<'a> {
    name: &'a str,
    value: Option<&'a str>,
}

impl<'a> Parameter<'a> {
    fn of(text: &'a str) -> Parameter<'a> {
        let Some((name, value)) = text.split_once('=') else { return Parameter { name: text, value: None } };
        let value = value.trim();
        let quoted = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
        Parameter { name: name.trim(), value: Some(quoted.unwrap_or(value)) }
    }

    /// Sections 7.1.1 and 7.1.2: an answer's parameters are these, the windows with a size in bits.
    fn is_good(&self) -> bool {
        match self.name {
            "server_no_context_takeover" | "client_no_context_takeover" => self.value.is_none(),
            "server_max_window_bits" | "client_max_window_bits" => {
                matches!(self.value, Some("8" | "9" | "10" | "11" | "12" | "13" | "14" | "15"))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Option<DeflateSpec> = Some(DeflateSpec { no_context_takeover: false });
    const FORGET: Option<DeflateSpec> = Some(DeflateSpec { no_context_takeover: true });

    fn of(fields: &[&str], offered: Option<DeflateSpec>) -> Result<Option<Agreed>, String> {
        agreed(fields.iter().map(|f| f.as_bytes()), offered)
    }

    #[test]
    fn what_servers_answer() {
        assert_eq!(of(&[], PLAIN), Ok(None));
        assert_eq!(of(&["", " , "], None), Ok(None));
        let (kept, forgotten) = (Ok(Some(Agreed { takeover: true })), Ok(Some(Agreed { takeover: false })));
        assert_eq!(of(&["permessage-deflate"], PLAIN), kept);
        assert_eq!(
            of(&["Permessage-Deflate;client_max_window_bits=15 ; server_max_window_bits=\"10\""], PLAIN),
            kept
        );
        assert_eq!(of(&["permessage-deflate; server_no_context_takeover"], PLAIN), forgotten);
        assert_eq!(
            of(&["permessage-deflate; client_no_context_takeover; server_no_context_takeover"], FORGET),
            forgotten
        );
    }

    #[test]
    fn what_was_not_offered_is_told_in_words() {
        for (field, offered, word) in [
            ("permessage-deflate", None, "nobody offered"),
            ("x-webkit-deflate-frame", PLAIN, "nobody offered"),
            ("permessage-deflate, permessage-deflate", PLAIN, "more extensions"),
            ("permessage-deflate; mystery", PLAIN, "mystery"),
            ("permessage-deflate; server_no_context_takeover=1", PLAIN, "bad parameter"),
            ("permessage-deflate; server_max_window_bits", PLAIN, "bad parameter"),
            ("permessage-deflate; client_max_window_bits=16", PLAIN, "bad parameter"),
            ("permessage-deflate; client_max_window_bits=09", PLAIN, "bad parameter"),
            ("permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", PLAIN, "twice"),
            ("permessage-deflate", FORGET, "does not say it"),
        ] {
            let told = of(&[field], offered).expect_err(field);
            assert!(told.contains(word), "{field}: {told}");
        }
        assert!(of(&["permessage-deflate", "other"], PLAIN).is_err(), "in two fields");
    }
}
