//! Each message of a run by itself, as its event log tells: what a histogram has forgotten.

use super::SelftestError;
use super::bench::Ran;
use super::witness::Stall;
use crate::model::Nanos;
use std::fs;
use std::path::Path;

/// How long after it was due a message may still be on its way to the server.
const GOING_OUT: Nanos = Nanos::from_millis(4);

/// One message that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flight {
    /// Number of its channel, as the scenario names them.
    pub(super) channel: usize,
    /// Its number on its channel, from 1.
    pub(super) number: u64,
    /// When it was due.
    pub(super) due: Nanos,
    /// When it was read.
    pub(super) at: Nanos,
}

impl Flight {
    /// Its delivery time, nanoseconds.
    pub(super) fn took(&self) -> f64 {
        (self.at - self.due).0 as f64
    }

    /// When a stall makes it late on its way to the server.
    pub(super) fn going_out(&self) -> Span {
        (self.due, self.due + GOING_OUT)
    }

    /// When a stall makes it late on its way back, having been `held` by the server.
    pub(super) fn coming_back(&self, held: Nanos) -> Span {
        (self.due + held, self.at)
    }
}

/// From, to.
pub(super) type Span = (Nanos, Nanos);

/// Those due in `measure`, in the order of the files of events of a run.
pub(super) fn read(folder: &Path, ran: &Ran) -> Result<Vec<Flight>, SelftestError> {
    let fail = |source| SelftestError::Helper { what: "read the events of a run", source };
    let mut flights = Vec::new();
    for entry in fs::read_dir(folder.join("events")).map_err(fail)? {
        let text = fs::read_to_string(entry.map_err(fail)?.path()).map_err(fail)?;
        let window = window(&text).ok_or(SelftestError::Missing("when `measure` was"))?;
        flights.extend(text.lines().filter_map(flight).filter(|f| window.contains(&f.due)));
    }
    match flights.len() as u64 == ran.run.delivery.count {
        true => Ok(flights),
        false => Err(SelftestError::Missing("every message of the run among its events")),
    }
}

fn window(text: &str) -> Option<std::ops::Range<Nanos>> {
    let line = text.lines().find_map(|line| line.strip_prefix("# measure\t"))?;
    let mut columns = line.split('\t').map(|n| n.parse().ok().map(Nanos));
    Some(columns.next()??..columns.next()??)
}

/// `recv`, at, client, channel, sequence, due.
fn flight(line: &str) -> Option<Flight> {
    let mut columns = line.strip_prefix("recv\t")?.split('\t').map(str::parse::<u64>);
    let mut next = || columns.next()?.ok();
    let (at, _client, channel, sequence, due) = (next()?, next()?, next()?, next()?, next()?);
    let number = sequence + 1;
    Some(Flight { channel: usize::try_from(channel).ok()?, number, due: Nanos(due), at: Nanos(at) })
}

/// Those that met no stall in the spans in which one matters to them.
pub(super) fn undisturbed<const N: usize>(
    flights: &[Flight],
    stalls: &[Stall],
    spans: impl Fn(&Flight) -> [Span; N],
) -> Vec<Flight> {
    let met = |(from, to): Span| stalls.iter().any(|s| s.from_ns < to.0 && s.to_ns > from.0);
    flights.iter().filter(|f| !spans(f).into_iter().any(met)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_flights() {
        let read = flight("recv\t1500\t3\t2\t0\t1000");
        assert_eq!(read, Some(Flight { channel: 2, number: 1, due: Nanos(1_000), at: Nanos(1_500) }));
        assert_eq!(flight("pub\t1500\t3\t2\t0"), None);
        let head =
            "# pushbench/events/1\n# measure\t00000000000000000007\t00000000000000000009\tdrained\tyes\n";
        assert_eq!(window(head), Some(Nanos(7)..Nanos(9)));
    }

    #[test]
    fn a_stall_counts_at_both_ends_and_not_while_the_server_holds_it() {
        let ms = Nanos::from_millis;
        let flight = Flight { channel: 0, number: 1, due: ms(100), at: ms(151) };
        let both_ways = |f: &Flight| [f.going_out(), f.coming_back(ms(50))];
        let left = |from, to| {
            undisturbed(&[flight], &[Stall { from_ns: ms(from).0, to_ns: ms(to).0 }], both_ways).len()
        };
        assert_eq!(
            (left(90, 99), left(99, 101), left(110, 140), left(149, 152), left(152, 160)),
            (1, 0, 1, 0, 1)
        );
    }
}
