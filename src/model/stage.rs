//! The steps of attaching, and the states in which a client of a push transport is.

/// A stage of attaching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Until the TCP connection stands.
    Tcp,
    /// The TLS handshake.
    Tls,
    /// The WebSocket upgrade, or the head of an endless response.
    Upgrade,
    /// From there until it can receive: logins, subscriptions.
    Ready,
}

impl Stage {
    /// How many there are.
    pub const COUNT: usize = 4;
}

/// The four ready states of a browser's `WebSocket` object, kept for streams too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadyState {
    /// An attempt is under way: from its begin until the session can receive.
    Connecting,
    /// It can receive.
    Open,
    /// We said that we leave, and the peer has not answered yet.
    Closing,
    /// There is no session and no attempt: before a pause is over, away, or given up.
    #[default]
    Closed,
}

impl ReadyState {
    /// How many there are.
    pub const COUNT: usize = 4;
}
