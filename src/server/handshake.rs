//! The server's half of the WebSocket handshake (RFC 6455, section 4.2).

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// What a request said about WebSocket.
#[derive(Debug, Default)]
pub(super) struct Offer {
    /// `Upgrade` names `websocket`.
    pub(super) websocket: bool,
    /// `Connection` lists `upgrade`.
    pub(super) connection: bool,
    /// `Sec-WebSocket-Version`.
    pub(super) version: Option<Vec<u8>>,
    /// `Sec-WebSocket-Key`.
    pub(super) key: Option<Vec<u8>>,
}

/// Why there is no WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 426: a plain request.
    NoUpgrade,
    /// 426: another version than 13.
    Version,
    /// 400: no key, or one that is not 16 bytes of base64.
    Key,
}

/// Checks the offer and gives the 101 answer, for [`finished`].
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn accept(offer: Option<&Offer>) -> Result<String, Refusal> {
    let offer = offer.filter(|o| o.websocket && o.connection).ok_or(Refusal::NoUpgrade)?;
    if offer.version.as_deref() != Some(b"13") {
        return Err(Refusal::Version);
    }
    let key = offer.key.as_deref().ok_or(Refusal::Key)?;
    match data_encoding::BASE64.decode(key) {
        Ok(nonce) if nonce.len() == 16 => Ok(format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n",
            derive_accept_key(key)
        )),
        _ => Err(Refusal::Key),
    }
}

/// The whole answer; tells how many messages after the cursor are not kept any more.
pub(super) fn finished(mut answer: String, skipped: u64) -> Vec<u8> {
    if skipped > 0 {
        answer.push_str(&format!("X-Skipped: {skipped}\r\n"));
    }
    answer.push_str("\r\n");
    answer.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(version: &str, key: &str) -> Offer {
        Offer {
            websocket: true,
            connection: true,
            version: Some(version.as_bytes().to_vec()),
            key: Some(key.as_bytes().to_vec()),
        }
    }

    #[test]
    fn the_example_of_the_rfc() {
        let answer = accept(Some(&offer("13", "dGhlIHNhbXBsZSBub25jZQ=="))).unwrap();
        assert!(answer.ends_with("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        assert!(finished(answer.clone(), 0).ends_with(b"xOo=\r\n\r\n"));
        assert!(finished(answer, 3).ends_with(b"xOo=\r\nX-Skipped: 3\r\n\r\n"));
    }

    #[test]
    fn each_fault_has_its_name() {
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        assert_eq!(accept(None), Err(Refusal::NoUpgrade));
        assert_eq!(accept(Some(&Offer { connection: false, ..offer("13", key) })), Err(Refusal::NoUpgrade));
        assert_eq!(accept(Some(&Offer { websocket: false, ..offer("13", key) })), Err(Refusal::NoUpgrade));
        assert_eq!(accept(Some(&offer("8", key))), Err(Refusal::Version));
        assert_eq!(accept(Some(&Offer { version: None, ..offer("13", key) })), Err(Refusal::Version));
        assert_eq!(accept(Some(&offer("13", "c2hvcnQ="))), Err(Refusal::Key));
        assert_eq!(accept(Some(&offer("13", "not base64 at all!!!!!!!"))), Err(Refusal::Key));
        assert_eq!(accept(Some(&Offer { key: None, ..offer("13", key) })), Err(Refusal::Key));
    }
}
