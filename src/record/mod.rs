//! What was seen, gathered in each worker and merged afterwards. Knows no transport and no engine.

mod ends;
mod fanout;
mod fanout_merge;
mod followed;
mod ledger;
mod own;
mod pulled;
mod receivers;
mod recorder;
mod snapshot;
mod spread;
mod tally;
mod timing;

pub use ends::{Close, Closes, Details};
pub use fanout::{Fan, FanWindows, Piece, Receipt};
pub use fanout_merge::FanMerge;
pub use followed::Followed;
pub use ledger::{ChannelFeed, ClientLedger, Closed, Due, Seen, close_client};
pub use own::close_own;
pub use pulled::{Asked, Pulled};
pub use receivers::{Reconciled, reconcile};
pub use recorder::{Arrival, Recorder};
pub use snapshot::Snapshot;
pub use spread::{Left, Spread, SpreadWindows};
pub use tally::{Counts, Tally};
pub use timing::Timing;
