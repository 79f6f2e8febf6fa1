//! The text formats of Prometheus and OpenMetrics, a line at a time. Histograms and summaries are
//! plain samples here.
//!
//! Formats: <https://prometheus.io/docs/instrumenting/exposition_formats/>,
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>. Taken from both: labels with the escapes
//! `\\`, `\"` and `\n`, names in quotes (UTF-8), time stamps, exemplars (passed over), `# EOF`.

use std::borrow::Cow;

/// What one line says.
#[derive(Debug, PartialEq)]
pub(super) enum Line<'a> {
    /// A value.
    Sample(Sample<'a>),
    /// `# TYPE name type`
    Type(&'a str, &'a str),
    /// The end of an OpenMetrics text: what follows is none of it.
    End,
    /// Nothing, or a comment.
    Empty,
    /// No line of this format.
    Malformed,
}

/// One sample.
#[derive(Debug, PartialEq)]
pub(super) struct Sample<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// May be NaN or infinite: the format allows it.
    pub(super) value: f64,
}

/// Reads a line, without its line feed.
pub(super) fn line(text: &str) -> Line<'_> {
    let text = text.trim_matches([' ', '\t', '\r']);
    if let Some(comment) = text.strip_prefix('#') {
        return said(comment);
    }
    if text.is_empty() {
        return Line::Empty;
    }
    sample(text).map_or(Line::Malformed, Line::Sample)
}

/// The name with which a line begins, when it is written plainly: enough to pass over most lines.
pub(super) fn plain_name(text: &str) -> Option<&str> {
    let text = text.trim_start_matches([' ', '\t']);
    let end = text.find(|c: char| !is_name(c)).unwrap_or(text.len());
    (end > 0 && !text.starts_with('#')).then(|| &text[..end])
}

fn said(comment: &str) -> Line<'_> {
    let mut words = comment.split_ascii_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some("TYPE"), Some(name), Some(kind)) => Line::Type(name, kind),
        (Some("EOF"), None, None) => Line::End,
        _ => Line::Empty,
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

fn sample(text: &str) -> Option<Sample<'_>> {
    let end = text.find(|c: char| !is_name(c))?;
    let (name, rest) = text.split_at(end);
    let rest = rest.trim_start_matches([' ', '\t']);
    let (quoted, labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => braces(inside)?,
        None => (None, Vec::new(), rest),
    };
    let name = match (name.is_empty(), quoted) {
        (false, None) => Cow::Borrowed(name),
        (true, Some(quoted)) => quoted,
        _ => return None,
    };
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some(Sample { name, labels, value: value(rest)? })
}

type Labels<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// What stands in braces: a quoted name of the sample itself, then labels; and what follows them.
fn braces(mut text: &str) -> Option<(Option<Cow<'_, str>>, Labels<'_>, &str)> {
    let mut name = None;
    let mut labels = Vec::new();
    loop {
        text = blanks(text);
        if let Some(rest) = text.strip_prefix('}') {
            return Some((name, labels, rest));
        }
        let (key, in_quotes, rest) = word(text)?;
        let rest = blanks(rest);
        text = match rest.strip_prefix('=') {
            Some(rest) => {
                let (said, rest) = quoted(blanks(rest).strip_prefix('"')?)?;
                labels.push((key, said));
                rest
            }
            None if in_quotes && name.is_none() && labels.is_empty() => {
                name = Some(key);
                rest
            }
            None => return None,
        };
        text = blanks(text);
        match text.strip_prefix(',') {
            Some(rest) => text = rest,
            None if text.starts_with('}') => {}
            None => return None,
        }
    }
}

fn blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// The name of a label, plain or in quotes; whether it was in quotes; and what follows.
fn word(text: &str) -> Option<(Cow<'_, str>, bool, &str)> {
    if let Some(rest) = text.strip_prefix('"') {
        let (said, rest) = quoted(rest)?;
        return Some((said, true, rest));
    }
    let end = text.find(|c: char| !is_name(c))?;
    (end > 0).then(|| (Cow::Borrowed(&text[..end]), false, &text[end..]))
}

/// A text behind its opening quote, escapes undone, and what follows its closing one.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut said: Option<String> = None;
    let mut from = 0;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let rest = &text[from..at];
                let whole = match said {
                    Some(said) => Cow::Owned(said + rest),
                    None => Cow::Borrowed(rest),
                };
                return Some((whole, &text[at + 1..]));
            }
            b'\\' => {
                let said = said.get_or_insert_default();
                said.push_str(&text[from..at]);
                match bytes.get(at + 1)? {
                    b'n' => said.push('\n'),
                    b'\\' => said.push('\\'),
                    b'"' => said.push('"'),
                    // Unknown escapes stay as they are, as Prometheus has it.
                    _ => {
                        said.push('\\');
                        from = at + 1;
                        at += 1;
                        continue;
                    }
                }
                at += 2;
                from = at;
            }
            _ => at += 1,
        }
    }
    None
}

/// The value, and behind it at most a time stamp; an exemplar begins with `#`.
fn value(text: &str) -> Option<f64> {
    let text = text.split_once(" #").map_or(text, |(before, _)| before);
    let mut words = text.split_ascii_whitespace();
    let value = number(words.next()?)?;
    let stamp = words.next();
    (stamp.is_none_or(|s| number(s).is_some()) && words.next().is_none()).then_some(value)
}

/// As Go writes numbers: `+Inf`, `NaN`, `1e+06`.
fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Sample<'_> {
        match line(text) {
            Line::Sample(sample) => sample,
            other => panic!("{text:?} is {other:?}"),
        }
    }

    fn labels(sample: &Sample<'_>) -> Vec<String> {
        sample.labels.iter().map(|(k, v)| format!("{k}={v}")).collect()
    }

    #[test]
    fn names_labels_values_and_time_stamps() {
        let plain = read("go_goroutines 8");
        assert_eq!((plain.name.as_ref(), plain.value), ("go_goroutines", 8.0));
        let told = read(r#"http_requests_total{method="post",code="200"} 1.027e+03 1395066363000"#);
        assert_eq!(labels(&told), ["method=post", "code=200"]);
        assert_eq!(told.value.to_bits(), 1027.0_f64.to_bits());
        let odd = read("\tmetric_without_timestamp_and_labels\t12.47 ");
        assert_eq!(odd.name, "metric_without_timestamp_and_labels");
        assert_eq!(labels(&read(r#"a{ le = "+Inf" , } 3"#)), ["le=+Inf"]);
        assert_eq!(labels(&read("a{} 3")), Vec::<String>::new());
    }

    #[test]
    fn infinities_and_nan_are_values() {
        assert!(read(r#"a{le="+Inf"} +Inf"#).value.is_infinite());
        assert!(read("a -Inf").value < 0.0);
        assert!(read("rpc_duration_seconds{quantile=\"0.99\"} NaN -3982045").value.is_nan());
    }

    #[test]
    fn escapes_are_undone() {
        // The example of the format's own page.
        let told = read(
            r#"msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9"#,
        );
        assert_eq!(told.labels[0].1, "C:\\DIR\\FILE.TXT");
        assert_eq!(told.labels[1].1, "Cannot find file:\n\"FILE.TXT\"");
        assert_eq!(read(r#"a{b="x\d}, ü"} 1"#).labels[0].1, "x\\d}, ü");
    }

    #[test]
    fn open_metrics_has_exemplars_units_and_an_end() {
        let told = read(r#"foo_bucket{le="0.1"} 8 # {trace_id="KOO5S4vxi0o"} 0.067"#);
        assert_eq!((told.value, labels(&told)), (8.0, vec!["le=0.1".to_owned()]));
        assert_eq!(
            read("foo_total 17.0 1520879607.789 # {id=\"x\"} 1 2").value.to_bits(),
            17.0_f64.to_bits()
        );
        assert_eq!(line("# EOF"), Line::End);
        assert_eq!(line("# TYPE foo counter"), Line::Type("foo", "counter"));
        assert_eq!(
            (line("# HELP foo A \\n b"), line("#"), line("")),
            (Line::Empty, Line::Empty, Line::Empty)
        );
    }

    #[test]
    fn names_in_quotes_may_hold_anything() {
        let told = read(r#"{"my.dotted \"metric\"", "a label"="x", b="y"} 2"#);
        assert_eq!(told.name, "my.dotted \"metric\"");
        assert_eq!(labels(&told), ["a label=x", "b=y"]);
    }

    #[test]
    fn what_is_no_sample_is_told() {
        for wrong in [
            "a",
            "a b",
            "1a 2",
            "a{b} 1",
            "a{b=c} 1",
            "a{b=\"c} 1",
            "a{b=\"c\" d=\"e\"} 1",
            "a{b=\"c\"",
            "a 1 2 3",
            "a 1 x",
            "{a=\"b\"} 1",
            "<html>",
            "a{\"x\"} 1",
            "a{b=\"\\",
        ] {
            assert_eq!(line(wrong), Line::Malformed, "{wrong}");
        }
    }

    #[test]
    fn plain_names_are_found_without_reading_the_line() {
        assert_eq!(plain_name("  a:b_1{x=\"y\"} 1"), Some("a:b_1"));
        assert_eq!((plain_name("# TYPE a b"), plain_name("{\"a\"} 1"), plain_name("")), (None, None, None));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a{}\"\\\\=, #\u{fc}n1.]{0,24}") {
            let _ = (line(&text), plain_name(&text));
        }

        #[test]
        fn what_is_written_by_the_rules_is_read_back(said in "[^\u{0}]{0,12}", n in -1e9..1e9_f64) {
            let escaped = said.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let text = format!("m{{l=\"{escaped}\"}} {n}");
            let Line::Sample(sample) = line(&text) else { panic!("{text:?}") };
            proptest::prop_assert_eq!(sample.labels[0].1.as_ref(), said.as_str());
            proptest::prop_assert_eq!(sample.value, n);
        }
    }
}
