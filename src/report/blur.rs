//! How exact delivery times are that rest on another host's clock, and which rows are not told apart by
//! them: in words (method, rule 7).

use super::table::Row;
use crate::model::Nanos;

/// What the mark `~` means in each row that has it, then the pairs of rows that are not told apart.
pub(super) fn lines(rows: &[Row<'_>], labels: &[String]) -> Vec<String> {
    let rows: Vec<(&Row<'_>, &String)> = rows.iter().zip(labels).collect();
    let mut lines = Vec::new();
    for (row, label) in &rows {
        let Some(epsilon) = row.epsilon_ns() else { continue };
        lines.push(format!(
            "{label}: delivery times rest on the target's clock and are right to +- {}: no difference below {} is one",
            Nanos(epsilon),
            Nanos(2 * epsilon)
        ));
    }
    for (i, a) in rows.iter().enumerate() {
        lines.extend(rows[i + 1..].iter().filter_map(|b| same(a, b)));
    }
    lines
}

/// Each may be off by its own error, each to its side.
fn same((a, a_label): &(&Row<'_>, &String), (b, b_label): &(&Row<'_>, &String)) -> Option<String> {
    let (of_a, of_b) = (a.epsilon_ns(), b.epsilon_ns());
    of_a.or(of_b)?;
    let limit = of_a.unwrap_or(0) + of_b.unwrap_or(0);
    let apart = (a.delivery_p50_ns()? - b.delivery_p50_ns()?).abs();
    (apart < limit as f64).then(|| {
        format!(
            "{a_label} and {b_label}: their median delivery times differ by {}, and both together can be wrong by {}: \
             not told apart",
            Nanos(apart as u64),
            Nanos(limit)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::{fixture, story::labels, table::rows};
    use super::*;
    use crate::result::{AskedClock, Summary};

    fn told(summary: &Summary) -> Vec<String> {
        let rows = rows(summary);
        lines(&rows, &labels(&rows))
    }

    #[test]
    fn rows_closer_than_both_errors_are_not_told_apart() {
        let mut summary = fixture::three().summary;
        assert_eq!(told(&summary), Vec::<String>::new());
        let clock = AskedClock { epsilon_ns: Some(200_000), ..AskedClock::default() };
        for (run, p50_ns) in summary.runs.iter_mut().zip([900_000_000, 4_000_000, 4_399_000]) {
            run.delivery.p50_ns = Some(p50_ns);
            run.asked_clock = Some(clock.clone());
        }
        let lines = told(&summary);
        assert_eq!(lines.len(), 3 + 1, "{lines:#?}");
        assert!(
            lines[0].ends_with("are right to +- 200 us: no difference below 400 us is one"),
            "{lines:#?}"
        );
        assert!(
            lines[3].contains("differ by 399 us, and both together can be wrong by 400 us"),
            "{lines:#?}"
        );
        assert!(rows(&summary)[0].cells()[0].middle.starts_with('~'));
        summary.runs[2].delivery.p50_ns = Some(4_401_000);
        assert_eq!(told(&summary).len(), 3);
    }
}
