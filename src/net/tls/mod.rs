//! TLS over our own metered socket: settings, one client's profile, and the session below a stream.
//!
//! rustls is driven without I/O of its own, so that every byte of a record is counted where it crosses
//! the socket. Knows no scenario and reads no file.

mod bytes;
mod config;
mod pump;
mod session;
#[cfg(test)]
mod tests;
mod verify;

pub use config::{TlsClient, TlsConfigError, TlsProfile, TlsSettings};
pub(super) use session::{HandshakeError, Session};
