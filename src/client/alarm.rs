//! Wakes a client that waits for its session: when the session wants to be polled again, and when the
//! client has waited long enough.
//!
//! A deadline that moves later with every message costs nothing: the alarm rings at the old instant,
//! finds that it is not due, and is set anew.

use crate::clock::Timer;
use crate::model::Nanos;
use crate::transport::LocalBoxFuture;
use std::task::{Context, Poll};

/// A session whose deadline has passed and does not move is not polled more often than this.
const LEAST_PAUSE: Nanos = Nanos::from_millis(1);

/// One client's alarm; takes memory beside itself only while it is set.
#[derive(Default)]
pub(super) struct Alarm {
    set: Option<(Nanos, LocalBoxFuture<'static, ()>)>,
    rang: Nanos,
}

impl Alarm {
    /// Whether it rings now. To be polled with every poll of the session; `at` is the earliest instant
    /// of interest, `Nanos::MAX`: none.
    pub(super) fn rings(&mut self, timer: &Timer, at: Nanos, cx: &mut Context<'_>) -> bool {
        if at == Nanos::MAX {
            self.set = None;
            return false;
        }
        if self.set.as_ref().is_none_or(|(set, _)| at < *set) {
            let (timer, at) = (timer.clone(), at.max(self.rang + LEAST_PAUSE));
            self.set = Some((at, Box::pin(async move { timer.sleep_until(at).await })));
        }
        let Some((at, sleep)) = &mut self.set else { return false };
        if sleep.as_mut().poll(cx) == Poll::Pending {
            return false;
        }
        self.rang = *at;
        self.set = None;
        true
    }
}
