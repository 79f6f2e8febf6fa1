//! What was seen, gathered in each worker and merged afterwards. Knows no transport and no engine.

mod followed;
mod ledger;
mod own;
mod receivers;
mod snapshot;
mod spread;
mod timing;

pub use followed::Followed;
pub use ledger::{ChannelFeed, ClientLedger, Closed, Seen, close_client};
pub use own::close_own;
pub use receivers::{Reconciled, reconcile};
pub use snapshot::{Arrival, Counts, Recorder, Snapshot, Tally};
pub use spread::{Left, Spread, SpreadWindows};
pub use timing::Timing;
