//! The dialect's own keep-alive, and how long the peer may be silent. Holds no timer: it says when it
//! wants to be asked again.

use super::compiled::Compiled;
use super::vars::Vars;
use crate::model::Nanos;
use crate::scenario::{Template, units};

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing.
    Nothing,
    /// The keep-alive is to be sent.
    Send,
    /// The peer counts as dead.
    Dead,
}

/// See the module. The periods may come out of the handshake, so they are worked out once they can.
#[derive(Default)]
pub(super) struct Pulse {
    every: Option<Nanos>,
    timeout: Option<Nanos>,
    /// When the next keep-alive is due.
    next: Nanos,
    /// When the oldest unanswered one was sent.
    asked: Option<Nanos>,
    known: bool,
}

impl Pulse {
    /// Works out the periods, if they can be by now.
    ///
    /// # Errors
    /// In words: what a template came to is no duration.
    pub(super) fn learn(&mut self, vars: &mut Vars, compiled: &Compiled, now: Nanos) -> Result<(), String> {
        let Some(spec) = compiled.spec.keepalive.as_ref().filter(|_| !self.known) else { return Ok(()) };
        let mut time = |template: &Option<Template>| match template {
            None => Some(Ok(None)),
            Some(template) => vars.render(template, compiled.names()).ok().map(|text| {
                let text = String::from_utf8_lossy(&text).into_owned();
                let time = units::parse_duration(&text).filter(|t| *t >= Nanos::from_millis(1));
                time.map(Some).ok_or_else(|| format!("keepalive: {text:?} is no duration of at least 1 ms"))
            }),
        };
        // A variable that nothing has set yet may come with the handshake.
        let (Some(every), Some(timeout)) = (time(&spec.every), time(&spec.timeout)) else { return Ok(()) };
        (self.every, self.timeout) = (every?, timeout?);
        (self.known, self.next) = (true, now + self.every.unwrap_or(Nanos::ZERO));
        Ok(())
    }

    /// What is due; `heard` is when the peer last gave a sign that counts.
    pub(super) fn due(&mut self, now: Nanos, heard: Nanos) -> Due {
        if self.asked.is_some_and(|asked| heard >= asked) {
            self.asked = None;
        }
        if self.dead_at(heard).is_some_and(|at| now >= at) {
            return Due::Dead;
        }
        match self.every {
            Some(every) if self.known && now >= self.next => {
                self.next = now + every;
                self.asked = self.asked.or(Some(now));
                Due::Send
            }
            _ => Due::Nothing,
        }
    }

    fn dead_at(&self, heard: Nanos) -> Option<Nanos> {
        let since = if self.every.is_some() { self.asked.filter(|asked| heard < *asked)? } else { heard };
        Some(since + self.timeout?)
    }

    /// When it wants to be asked again.
    pub(super) fn next(&self, heard: Nanos) -> Option<Nanos> {
        let send = self.every.map(|_| self.next);
        [send, self.dead_at(heard)].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Nanos {
        Nanos::from_millis(n)
    }

    #[test]
    fn an_answer_keeps_the_peer_alive() {
        let (every, timeout) = (Some(ms(100)), Some(ms(30)));
        let mut pulse = Pulse { every, timeout, next: ms(100), asked: None, known: true };
        assert_eq!((pulse.due(ms(99), ms(0)), pulse.next(ms(0))), (Due::Nothing, Some(ms(100))));
        assert_eq!((pulse.due(ms(100), ms(0)), pulse.next(ms(0))), (Due::Send, Some(ms(130))));
        assert_eq!(pulse.due(ms(129), ms(110)), Due::Nothing);
        assert_eq!((pulse.due(ms(200), ms(110)), pulse.next(ms(110))), (Due::Send, Some(ms(230))));
        assert_eq!(pulse.due(ms(230), ms(199)), Due::Dead);
    }

    #[test]
    fn without_a_send_silence_counts() {
        let mut pulse = Pulse { timeout: Some(ms(50)), known: true, ..Pulse::default() };
        assert_eq!((pulse.due(ms(60), ms(20)), pulse.next(ms(20))), (Due::Nothing, Some(ms(70))));
        assert_eq!(pulse.due(ms(70), ms(20)), Due::Dead);
    }
}
