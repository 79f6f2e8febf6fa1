//! Whether the peer is alive: our pings, and how long it has been silent. Holds no timer: it says
//! when it wants to be asked again.

use crate::model::Nanos;
use crate::scenario::PingSpec;

/// The pulse of one session.
pub(super) struct Pulse {
    ping: Option<PingSpec>,
    dead_after: Option<Nanos>,
    /// When the next ping is due; each on the grid of the first.
    next: Nanos,
    /// The ping that has no pong yet, and when it was sent.
    waiting: Option<(u32, Nanos)>,
    number: u32,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Nothing.
    Rest,
    /// Send a ping with this payload.
    Ping([u8; 4]),
    /// The peer counts as dead, for this reason.
    Dead(String),
}

impl Pulse {
    pub(super) fn new(ping: Option<PingSpec>, dead_after: Option<Nanos>, opened: Nanos) -> Pulse {
        let next = ping.map_or(Nanos::MAX, |p| opened + p.every);
        Pulse { ping, dead_after, next, waiting: None, number: 0 }
    }

    /// When to be asked again, if nothing comes; `heard`: when the last byte came.
    pub(super) fn deadline(&self, heard: Nanos) -> Nanos {
        let silent = self.dead_after.map_or(Nanos::MAX, |span| heard + span);
        let ping = match (self.ping, self.waiting) {
            (Some(spec), Some((_, sent))) => sent + spec.timeout,
            _ => self.next,
        };
        silent.min(ping)
    }

    /// What is to be done at `now`, when all that has come was read.
    pub(super) fn beat(&mut self, now: Nanos, heard: Nanos) -> Beat {
        if let Some(span) = self.dead_after.filter(|span| now >= heard + *span) {
            return Beat::Dead(format!("nothing came for {} (dead_after = {span})", now - heard));
        }
        let Some(spec) = self.ping else { return Beat::Rest };
        match self.waiting {
            Some((_, sent)) if now >= sent + spec.timeout => {
                let waited = now - sent;
                Beat::Dead(format!("a ping had no pong for {waited} (ping.timeout = {})", spec.timeout))
            }
            None if now >= self.next => {
                self.number = self.number.wrapping_add(1);
                self.waiting = Some((self.number, now));
                Beat::Ping(self.number.to_be_bytes())
            }
            _ => Beat::Rest,
        }
    }

    /// A pong came: how long that took, if it answers the ping under way. The next ping is due at the
    /// next step of the grid: one at a time, so that a slow peer is not sent more of them.
    pub(super) fn pong(&mut self, payload: &[u8], received: Nanos) -> Option<Nanos> {
        let (number, sent) = self.waiting?;
        let spec = self.ping?;
        if payload != number.to_be_bytes() {
            return None;
        }
        self.waiting = None;
        let passed = (received - self.next).0 / spec.every.0.max(1);
        self.next = self.next + spec.every * (passed + 1);
        Some(received - sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Nanos = Nanos::from_millis(1);

    fn ms(n: u64) -> Nanos {
        MS * n
    }

    fn pinging() -> Pulse {
        Pulse::new(Some(PingSpec { every: ms(100), timeout: ms(30) }), None, ms(1000))
    }

    #[test]
    fn pings_keep_their_grid_and_are_timed() {
        let mut pulse = pinging();
        assert_eq!(pulse.deadline(ms(1000)), ms(1100));
        assert_eq!(pulse.beat(ms(1099), ms(1000)), Beat::Rest);
        assert_eq!(pulse.beat(ms(1101), ms(1000)), Beat::Ping([0, 0, 0, 1]));
        assert_eq!((pulse.deadline(ms(1000)), pulse.beat(ms(1130), ms(1000))), (ms(1131), Beat::Rest));
        assert_eq!(pulse.pong(&[0, 0, 0, 9], ms(1105)), None, "somebody else's");
        assert_eq!(pulse.pong(&[0, 0, 0, 1], ms(1106)), Some(ms(5)));
        assert_eq!(pulse.pong(&[0, 0, 0, 1], ms(1107)), None, "twice");
        assert_eq!(pulse.deadline(ms(1107)), ms(1200));
        assert_eq!(pulse.beat(ms(1450), ms(1107)), Beat::Ping([0, 0, 0, 2]));
        assert_eq!(pulse.pong(&[0, 0, 0, 2], ms(1460)), Some(ms(10)));
        assert_eq!(pulse.deadline(ms(1460)), ms(1500), "missed steps are left out");
    }

    #[test]
    fn no_pong_in_time_is_the_end_whatever_else_came() {
        let mut pulse = pinging();
        pulse.beat(ms(1100), ms(1000));
        let Beat::Dead(why) = pulse.beat(ms(1131), ms(1130)) else { panic!("dead") };
        assert_eq!(why, "a ping had no pong for 31.0 ms (ping.timeout = 30.0 ms)");
    }

    #[test]
    fn silence_is_counted_from_the_last_byte() {
        let mut pulse = Pulse::new(None, Some(ms(50)), ms(1000));
        assert_eq!(pulse.deadline(ms(1020)), ms(1070));
        assert_eq!(pulse.beat(ms(1069), ms(1020)), Beat::Rest);
        assert!(matches!(pulse.beat(ms(1070), ms(1020)), Beat::Dead(_)));
    }
}
