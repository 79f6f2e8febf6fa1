//! What the server says on each connection when it goes down in due form.

use super::frame;
use super::framing::Form;

/// The goodbye of a connection, by what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// There is none: an HTTP request may be under way that will never be answered.
    Reset,
    /// A close frame with the code 1001.
    WebSocket,
    /// The end of the body, while it is under way.
    Stream(Form),
}

impl Farewell {
    /// The bytes; `held`: an answer is not complete yet.
    pub(super) fn bytes(self, held: bool) -> Option<Vec<u8>> {
        match self {
            Farewell::WebSocket => Some(frame::close(Some(frame::code::GOING_AWAY), "restart")),
            Farewell::Stream(form) if held => {
                let mut out = Vec::new();
                form.end(&mut out);
                Some(out)
            }
            _ => None,
        }
    }
}
