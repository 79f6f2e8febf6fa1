//! The part of `summary.json` that says what was owed and what came.

use serde::{Deserialize, Serialize};

/// What was owed to the clients and what came: `expected = delivered + lost + conflated + in_flight`, and
/// published x clients = `expected + missed + replayed + unattached`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// Messages of `measure` x the clients subscribed when they were published.
    pub expected: u64,
    /// Of these, received at least once.
    pub delivered: u64,
    /// Of these, never received.
    pub lost: u64,
    /// Of the lost, those that were due in a session that was cut, after the last message its client
    /// had received by then.
    pub lost_at_disconnect: u64,
    /// Of these, overwritten at the target before the client asked (latest-value endpoints).
    pub conflated: u64,
    /// Of these, still under way when a run was cut short, or when their client left on purpose.
    pub in_flight: u64,
    /// Messages of `measure` x the clients that were between two of their sessions when they were
    /// published, never received.
    pub missed: u64,
    /// The same, received after the return; not in the delivery times.
    pub replayed: u64,
    /// Messages of `measure` x the clients that had no session yet, or none any more, when they were
    /// published: never attached, or gone for good. Nobody's loss by the transport, but the user's.
    pub unattached: u64,
    /// Received though they were published before the client counted as subscribed: replayed, or
    /// just ahead of the answer that said so. Not in the delivery times.
    pub early: u64,
    /// Received though the target never acknowledged them: in the delivery times, not expected.
    pub unacknowledged: u64,
    /// Received again in `measure` although the transport should deliver once.
    pub duplicate: u64,
    /// Received after a later message of the same channel.
    pub reordered: u64,
    /// Received again in `measure` from an endpoint that tells its latest value, or history that a
    /// newcomer was given.
    pub redundant: u64,
}
