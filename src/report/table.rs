//! The cells of the table, computed once for every format: a row a run, or for repeats a row of
//! medians with the least and the greatest.

use super::number::Kind;
use super::value::{Value, middle};
use crate::result::{RunResult, Summary, Verdict, at_least, median};

/// One column of numbers.
pub(super) struct Column {
    /// What several columns share, such as `delivery time`.
    pub(super) group: &'static str,
    /// Its own head.
    pub(super) head: &'static str,
    kind: Kind,
    of: fn(&RunResult) -> Option<f64>,
    /// The key of the objective that is about the same quantile: what never came may be what it is.
    quantile: &'static str,
    /// Why a run may have no value here.
    absent: fn(&RunResult) -> &'static str,
}

impl Column {
    /// Its head on one line: `message hdr : payload`, `delivery time p50`.
    pub(super) fn full_head(&self) -> String {
        format!("{} {}", self.group, self.head).trim_start().to_owned()
    }
}

/// The columns of delivery times.
const DELIVERY: &str = "delivery time";
const TOO_FEW: &str = "fewer than 10 publishes lie beyond this quantile (copies of one are one sample)";
const NO_DELIVERY: &str = "nothing was delivered";
const NO_TIME: &str = "the target's messages carry no time: delivery time cannot be told";
const AMONG_THE_LOST: &str = "it falls among the messages that never came";
const UNSEEN: &str = "what the target paid is not known (see notes)";

fn quantile_absent(run: &RunResult) -> &'static str {
    match run.delivery.count {
        0 if matches!(run.cooperation.as_str(), "sequence" | "nothing") => NO_TIME,
        0 => NO_DELIVERY,
        // What came has samples enough: only the lost can have taken it away.
        n if run.ledger.lost > 0 && n >= 1_000 => AMONG_THE_LOST,
        _ => TOO_FEW,
    }
}

fn greatest_absent(run: &RunResult) -> &'static str {
    if matches!(run.cooperation.as_str(), "sequence" | "nothing") {
        NO_TIME
    } else if run.delivery.count == 0 {
        NO_DELIVERY
    } else {
        AMONG_THE_LOST
    }
}

fn cost_absent(run: &RunResult) -> &'static str {
    match &run.target_cost {
        None => UNSEEN,
        Some(_) if run.bytes.messages == 0 => NO_DELIVERY,
        Some(_) => "the target's cost could not be told (see notes)",
    }
}

fn memory_absent(run: &RunResult) -> &'static str {
    match &run.target_cost {
        Some(cost)
            if cost.memory.pss_bytes_end < cost.pss_bytes_idle && cost.memory.pss_bytes_end.is_some() =>
        {
            "the target held less memory at the end than before the first client: that tells nothing of connections"
        }
        Some(_) => "the target's memory was not read before the first client and at the end (see notes)",
        None => UNSEEN,
    }
}

/// Message layer: what is not payload, over the payload. Results of before the layers have its parts.
fn message_header(run: &RunResult) -> Option<f64> {
    let b = &run.bytes;
    let overhead = (b.framing + b.headers) as f64 - b.saved as f64;
    run.layers.message_header_to_payload.or((b.payload > 0).then(|| overhead / b.payload as f64))
}

/// TCP stream layer, of one message; the same rule.
fn stream_bytes(run: &RunResult) -> Option<f64> {
    let b = &run.bytes;
    let stream = (b.payload + b.framing + b.headers + b.tls).saturating_sub(b.saved) as f64;
    run.layers.stream_bytes_per_message.or((b.messages > 0).then(|| stream / b.messages as f64))
}

/// Every column, in order.
pub(super) static COLUMNS: &[Column] = &[
    Column {
        group: DELIVERY,
        head: "p50",
        kind: Kind::Time,
        quantile: "delivery_p50",
        of: |r| r.delivery.p50_ns.map(|v| v as f64),
        absent: quantile_absent,
    },
    Column {
        group: DELIVERY,
        head: "p99",
        kind: Kind::Time,
        quantile: "delivery_p99",
        of: |r| r.delivery.p99_ns.map(|v| v as f64),
        absent: quantile_absent,
    },
    Column {
        group: DELIVERY,
        head: "max",
        kind: Kind::Time,
        quantile: "delivery_max",
        of: |r| r.delivery.max_ns.map(|v| v as f64),
        absent: greatest_absent,
    },
    Column {
        group: "",
        head: "lost",
        kind: Kind::Count,
        quantile: "",
        of: |r| r.tells_loss().then_some(r.ledger.lost as f64),
        absent: |_| "the target's messages carry no number: what did not come cannot be told",
    },
    Column {
        group: "message hdr",
        head: ": payload",
        kind: Kind::Ratio,
        quantile: "",
        of: message_header,
        absent: |_| "no payload was carried",
    },
    Column {
        group: "stream",
        head: "B/msg",
        kind: Kind::Plain,
        quantile: "",
        of: stream_bytes,
        absent: |_| NO_DELIVERY,
    },
    Column {
        group: "CPU",
        head: "us/msg",
        kind: Kind::Plain,
        quantile: "",
        of: |r| r.target_cost.as_ref()?.cpu_us_per_delivery,
        absent: cost_absent,
    },
    Column {
        group: "memory",
        head: "B/conn",
        kind: Kind::Plain,
        quantile: "",
        of: |r| r.target_cost.as_ref()?.bytes_per_connection,
        absent: memory_absent,
    },
];

/// One row: a run, or the repeats of one.
pub(super) struct Row<'a> {
    /// The case, with the swept values that no other column shows.
    pub(super) name: String,
    /// Virtual clients.
    pub(super) clients: u32,
    /// Its runs with their index in the summary, by repeat.
    pub(super) runs: Vec<(usize, &'a RunResult)>,
    /// Those that its figures are of: the believed ones where there are any.
    pub(super) told: Vec<(usize, &'a RunResult)>,
}

/// A number of a row.
pub(super) struct Cell {
    /// The value, or the median of the repeats; `-` where a run has none.
    pub(super) middle: String,
    /// Least and greatest of the repeats; `None` for a single run, and where all show the same.
    pub(super) range: Option<(String, String)>,
}

impl Row<'_> {
    /// The worst verdict of its runs.
    pub(super) fn verdict(&self) -> Verdict {
        self.runs.iter().map(|(_, r)| r.verdict).max().unwrap_or_default()
    }

    /// The verdict in words: `suspect`, or `suspect 2/5` when other repeats are better.
    pub(super) fn verdict_words(&self) -> String {
        let worst = self.verdict();
        let so_many = self.runs.iter().filter(|(_, r)| r.verdict == worst).count();
        let all = self.runs.len();
        if so_many == all { word(worst).to_owned() } else { format!("{} {so_many}/{all}", word(worst)) }
    }

    /// That invalid runs are in no figure of it.
    pub(super) fn left_out(&self) -> Option<String> {
        let (all, n) = (self.runs.len(), self.runs.len() - self.told.len());
        let plural = if n == 1 { "run" } else { "runs" };
        (n > 0).then(|| format!("figures leave out {n} invalid {plural} of {all}"))
    }

    /// Its numbers, one for each of [`COLUMNS`].
    pub(super) fn cells(&self) -> Vec<Cell> {
        COLUMNS.iter().map(|c| self.cell(c)).collect()
    }

    fn cell(&self, column: &Column) -> Cell {
        let values: Option<Vec<Value>> = self.told.iter().map(|(_, r)| value(column, r)).collect();
        let Some(mut values) = values.filter(|v| !v.is_empty()) else {
            return Cell { middle: "-".to_owned(), range: None };
        };
        values.sort_by(Value::order);
        let blurred = column.group == DELIVERY && self.epsilon_ns().is_some();
        let mark = if blurred { "~" } else { "" };
        let show = |v: Value| format!("{mark}{}", v.shown(column.kind));
        let (least, greatest) = (show(values[0]), show(values[values.len() - 1]));
        let range = (least != greatest).then_some((least, greatest));
        Cell { middle: show(middle(&values)), range }
    }

    /// How wrong its delivery times can be because they rest on another host's clock: of its runs the most.
    pub(super) fn epsilon_ns(&self) -> Option<u64> {
        self.told.iter().filter_map(|(_, r)| r.delivery_epsilon_ns()).max()
    }

    /// The median delivery time: of repeats the median of it.
    pub(super) fn delivery_p50_ns(&self) -> Option<f64> {
        let values: Option<Vec<f64>> =
            self.told.iter().map(|(_, r)| r.delivery.p50_ns.map(|v| v as f64)).collect();
        median(values?)
    }

    /// Why cells of this row hold no number: `p99: fewer than ...`.
    pub(super) fn absences(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for column in COLUMNS {
            let lacking = self.told.iter().find(|(_, r)| value(column, r).is_none());
            if let Some((_, run)) = lacking {
                found.push(format!("{}: {}", column.full_head(), (column.absent)(run)));
            }
        }
        found
    }
}

fn value(column: &Column, run: &RunResult) -> Option<Value> {
    let known = (column.of)(run).filter(|v| v.is_finite());
    known.map(Value::Known).or_else(|| at_least(column.quantile, run).map(Value::AtLeast))
}

/// A verdict as a word.
pub(super) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "valid",
        Verdict::Suspect => "suspect",
        Verdict::Invalid => "invalid",
    }
}

/// The rows: cases in the order in which they first ran, then by clients, then by swept values.
///
/// Runs are done in random order; a table is read in the same order every time.
pub(super) fn rows(summary: &Summary) -> Vec<Row<'_>> {
    let mut cases: Vec<&str> = Vec::new();
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (i, run) in summary.runs.iter().enumerate() {
        if !cases.contains(&run.case.as_str()) {
            cases.push(&run.case);
        }
        let same = |row: &&mut Row<'_>| row.runs[0].1.is_repeat_of(run);
        match rows.iter_mut().find(same) {
            Some(row) => row.runs.push((i, run)),
            None => rows.push(Row {
                name: name(run),
                clients: run.clients,
                runs: vec![(i, run)],
                told: Vec::new(),
            }),
        }
    }
    for row in &mut rows {
        row.runs.sort_by_key(|(_, r)| r.repeat);
        let all = || row.runs.iter().map(|(_, r)| *r);
        row.told = row.runs.iter().filter(|(_, r)| r.is_told(all())).copied().collect();
    }
    rows.sort_by_key(|row| {
        let first = row.runs[0].1;
        (cases.iter().position(|c| *c == first.case), row.clients, row.name.len(), row.name.clone())
    });
    rows
}

fn name(run: &RunResult) -> String {
    let others = run.swept.iter().filter(|(k, _)| *k != "clients");
    let values: Vec<_> = others.map(|(k, v)| format!("{k} {v}")).collect();
    if values.is_empty() { run.case.clone() } else { format!("{} [{}]", run.case, values.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn columns_of_bytes_are_of_the_layer_that_they_name() {
        let mut run = RunResult::default();
        (run.bytes.messages, run.bytes.payload, run.bytes.headers, run.bytes.tls) = (10, 1_000, 500, 220);
        assert_eq!((message_header(&run), stream_bytes(&run)), (Some(0.5), Some(172.0)));
        run.bytes.saved = 700;
        assert_eq!((message_header(&run), stream_bytes(&run)), (Some(-0.2), Some(102.0)));
        run.layers.message_header_to_payload = Some(3.0);
        run.layers.stream_bytes_per_message = Some(99.0);
        assert_eq!((message_header(&run), stream_bytes(&run)), (Some(3.0), Some(99.0)));
    }

    #[test]
    fn repeats_are_one_row_whatever_their_order() {
        let mut results = fixture::repeated();
        results.summary.runs.reverse();
        let rows = rows(&results.summary);
        let names: Vec<_> = rows.iter().map(|r| (r.name.as_str(), r.runs.len())).collect();
        assert_eq!(names, [("websocket", 3), ("long polling", 3), ("polling, 1 s", 3)]);
        assert!(rows.iter().all(|r| r.runs.iter().map(|(_, r)| r.repeat).eq(0..3)));
        assert_eq!(rows[2].verdict_words(), "suspect");
        assert!(rows[0].cells()[0].range.is_some());
    }

    #[test]
    fn one_better_repeat_does_not_clear_a_row() {
        let mut results = fixture::repeated();
        results.summary.runs[2].verdict = Verdict::Invalid;
        let rows = rows(&results.summary);
        assert_eq!(rows[2].verdict_words(), "invalid 1/3");
        assert_eq!(rows[2].verdict(), Verdict::Invalid);
    }

    #[test]
    fn figures_are_of_believed_runs_where_there_are_any() {
        let mut results = fixture::repeated();
        let only = |cells: Vec<Cell>| cells.into_iter().map(|c| (c.middle, c.range)).collect::<Vec<_>>();
        results.summary.runs[2].verdict = Verdict::Invalid;
        let two = only(rows(&results.summary)[2].cells());
        assert_eq!(rows(&results.summary)[2].left_out().unwrap(), "figures leave out 1 invalid run of 3");
        // The same as if it were not there, whatever it has or lacks.
        let mut without = fixture::repeated();
        without.summary.runs[2].delivery.p99_ns = None;
        without.summary.runs[2].verdict = Verdict::Invalid;
        assert_eq!(only(rows(&without.summary)[2].cells()), two);
        assert!(rows(&without.summary)[2].absences().is_empty());
        without.summary.runs.remove(2);
        assert_eq!(only(rows(&without.summary)[2].cells()), two);
        assert_eq!(rows(&without.summary)[2].left_out(), None);
        // Where none is believed, all are told.
        let all = only(rows(&fixture::repeated().summary)[2].cells());
        results.summary.runs.iter_mut().for_each(|r| r.verdict = Verdict::Invalid);
        let row = &rows(&results.summary)[2];
        assert_eq!((only(row.cells()), row.left_out()), (all, None));
        assert_ne!(two, only(row.cells()));
    }

    #[test]
    fn what_the_lost_took_away_is_said_so() {
        let mut results = fixture::repeated();
        let run = &mut results.summary.runs[2];
        (run.delivery.p99_ns, run.delivery.max_ns, run.delivery.count) = (None, None, 2_500);
        run.ledger.lost = 2_500;
        let told = rows(&results.summary)[2].absences();
        let of = |what: &str| format!("delivery time {what}: {AMONG_THE_LOST}");
        assert_eq!(told, [of("p99"), of("max")]);
    }

    #[test]
    fn a_quantile_among_the_lost_is_at_least_the_timeout() {
        let mut results = fixture::repeated();
        let lose = |run: &mut RunResult| {
            (run.delivery.p99_ns, run.delivery.max_ns) = (None, None);
            run.ledger.lost = run.delivery.count / 10;
            run.delivery_censored_at_ns = Some(2_000_000_000);
        };
        lose(&mut results.summary.runs[2]);
        let cells = rows(&results.summary)[2].cells();
        // One repeat of three: the median is a number, the greatest is not.
        assert!(!cells[1].middle.starts_with(">="), "{}", cells[1].middle);
        assert_eq!(cells[1].range.as_ref().unwrap().1, ">= 2.00 s");
        assert!(rows(&results.summary)[2].absences().is_empty());
        results.summary.runs.iter_mut().for_each(lose);
        let cells = rows(&results.summary)[2].cells();
        assert_eq!((cells[1].middle.as_str(), cells[2].middle.as_str()), (">= 2.00 s", ">= 2.00 s"));
        assert_eq!(cells[1].range, None);
    }

    #[test]
    fn a_value_that_one_repeat_lacks_is_not_shown() {
        let mut results = fixture::repeated();
        results.summary.runs[2].delivery.p99_ns = None;
        let rows = rows(&results.summary);
        assert_eq!(rows[2].cells()[1].middle, "-");
        assert_eq!(rows[2].absences(), [format!("delivery time p99: {TOO_FEW}")]);
    }
}
