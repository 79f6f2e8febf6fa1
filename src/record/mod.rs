//! What was seen, gathered in each worker and merged afterwards. Knows no transport and no engine.

mod ends;
mod ledger;
mod recorder;
mod snapshot;
mod tally;
mod timing;

pub use ends::{Close, Closes, Details};
pub use ledger::{ChannelFeed, ClientLedger, Closed, Due, Seen, close_client};
pub use recorder::{Arrival, Recorder};
pub use snapshot::Snapshot;
pub use tally::{Counts, Tally};
pub use timing::Timing;
