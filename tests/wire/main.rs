//! The carriers on real sockets against scripted servers: bad input is named, bytes are exact,
//! broken connections are dialled anew.

#![expect(clippy::unwrap_used, reason = "tests, and the helpers of tests")]

mod bad_input;
mod byte_count;
mod fake;
mod publish;
mod reconnect;
mod sends;
mod stream;
mod tls;
mod websocket_deflate;
mod websocket_session;
