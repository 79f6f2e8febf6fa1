//! The one feed that both sides receive.

use std::fmt;

/// Clients and messages.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(crate) clients: u32,
    pub(crate) channels: u32,
    /// On each channel.
    pub(crate) rate_per_s: f64,
    pub(crate) payload_bytes: usize,
    /// Length of the window that is measured.
    pub(crate) seconds: u32,
}

impl Feed {
    /// Messages flow for so long before anything counts.
    pub(crate) const WARMUP_S: u32 = 1;

    /// The channel of client `i`, as pushbench deals them.
    pub(crate) fn channel_of(&self, client: u32) -> String {
        self.channel(client % self.channels)
    }

    /// The name of channel `i`.
    pub(crate) fn channel(&self, i: u32) -> String {
        format!("floor{i}")
    }
}

impl Default for Feed {
    fn default() -> Feed {
        Feed { clients: 2_000, channels: 10, rate_per_s: 10.0, payload_bytes: 64, seconds: 10 }
    }
}

impl fmt::Display for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deliveries = f64::from(self.clients) * self.rate_per_s;
        write!(
            f,
            "{} WebSocket clients, {} channels x {}/s, {} B: {deliveries:.0} deliveries a second for {} s",
            self.clients, self.channels, self.rate_per_s, self.payload_bytes, self.seconds
        )
    }
}
