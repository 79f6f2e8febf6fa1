//! Where text goes on a line: widths of columns, heads, folding. Knows nothing of results.

use super::table::COLUMNS;

/// Columns of the case's name: what is longer is cut, and told whole below the table.
const NAME_MIN: usize = 12;

/// The heads of all columns.
pub(super) fn heads() -> Vec<&'static str> {
    ["case", "clients"].into_iter().chain(COLUMNS.iter().map(|c| c.head)).chain(["verdict"]).collect()
}

/// Widths of the columns; the name's gives way so that the line fits with gaps of one.
pub(super) fn widths(lines: &[Vec<String>], width: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = heads().iter().map(|h| h.len()).collect();
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let others: usize = widths[1..].iter().sum::<usize>() + widths.len() - 1;
    widths[0] = widths[0].min(width.saturating_sub(others).max(NAME_MIN));
    widths
}

/// Two spaces between columns where that fits, else one.
pub(super) fn gap(widths: &[usize], width: usize) -> usize {
    let wide = widths.iter().sum::<usize>() + 2 * (widths.len() - 1);
    if wide <= width { 2 } else { 1 }
}

/// Names and verdicts to the left, numbers to the right.
pub(super) fn laid_out(cells: &[&str], widths: &[usize], gap: usize) -> String {
    let last = cells.len() - 1;
    let padded = cells.iter().zip(widths).enumerate().map(|(i, (cell, width))| match i {
        0 => format!("{:width$}", cut(cell, *width)),
        _ if i == last => (*cell).to_owned(),
        _ => format!("{cell:>width$}"),
    });
    padded.collect::<Vec<_>>().join(&" ".repeat(gap))
}

/// The line above the heads: what neighbouring columns share, over them.
pub(super) fn group_line(widths: &[usize], gap: usize) -> String {
    let mut line = " ".repeat(widths[0] + gap + widths[1]);
    let mut i = 0;
    while i < COLUMNS.len() {
        let group = COLUMNS[i].group;
        let so_many = COLUMNS[i..].iter().take_while(|c| c.group == group).count();
        let span = widths[2 + i..2 + i + so_many].iter().sum::<usize>() + gap * (so_many - 1);
        let text = if so_many > 1 { ruled(group, span) } else { format!("{group:>span$}") };
        line = format!("{line}{}{text}", " ".repeat(gap));
        i += so_many;
    }
    line
}

/// `--- delivery time ---`, to the width.
fn ruled(text: &str, width: usize) -> String {
    format!("{:-^width$}", format!(" {text} "))
}

/// At most `width` characters: the middle goes, since sweeps differ at the end.
pub(super) fn cut(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let tail = kept / 2;
    let start: String = text.chars().take(kept - tail).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{start}…{end}")
}

/// Characters of the widest.
pub(super) fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|t| t.chars().count()).max().unwrap_or_default()
}

/// Lines of at most `width` characters, broken at spaces; a longer word stands alone.
pub(super) fn fold(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a line from the start");
        if line.is_empty() {
            *line = word.to_owned();
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_breaks_at_spaces_and_loses_nothing() {
        assert_eq!(fold("a bc def", 4), ["a bc", "def"]);
        assert_eq!(fold("longer than", 3), ["longer", "than"]);
        assert_eq!(cut("polling [rate 20/s]", 9), "poll…0/s]");
    }
}
