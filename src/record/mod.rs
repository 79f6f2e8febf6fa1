//! What was seen, gathered in each worker and merged afterwards. Knows no transport and no engine.

mod ledger;
mod own;
mod receivers;
mod snapshot;
mod spread;
mod timing;

pub use ledger::{ChannelFeed, ClientLedger, Closed, Seen, close_client};
pub use own::close_own;
pub use receivers::{Reconciled, reconcile};
pub use snapshot::{Arrival, Counts, Followed, Recorder, Snapshot, Tally};
pub use spread::{Left, Spread, SpreadWindows};
pub use timing::Timing;
