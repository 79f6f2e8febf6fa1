//! What was seen, gathered in each worker and merged afterwards. Knows no transport and no engine.

mod ledger;
mod snapshot;
mod timing;

pub use ledger::{ChannelFeed, ClientLedger, Closed, Seen, close_client};
pub use snapshot::{Arrival, Counts, Recorder, Snapshot, Tally};
pub use timing::Timing;
