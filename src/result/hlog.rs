//! `latency.hlog`: every delivery time, second by second, as an HdrHistogram V2 interval log.
//!
//! Counts are kept exactly, values to 3 digits; the exact least and greatest are in the summary.
//! Tags are `run<i>:delivery` and `run<i>:from_send`, `i` the index of the run in the summary.

use super::{LatencyInterval, ResultError, Results};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriter, IntervalLogWriterBuilder, IntervalLogWriterError, LogEntry, Tag,
};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

const SCHEMA: &str = "pushbench/latency/1";
const ABOUT: [&str; 6] = [
    "[Histogram log format version 1.3]",
    "Delivery times in nanoseconds of the messages due in `measure`, by the second of receipt.",
    "Tag run<i>:delivery  publish intended -> received; the counts sum up to delivery.count of run i.",
    "Tag run<i>:from_send publish really sent -> received: the uncorrected figure.",
    "<i> is the index into `runs` of summary.json; exact least and greatest values are there.",
    "Time stamps are seconds since the first connect of that run was due.",
];

type Half = fn(&LatencyInterval) -> &Histogram<u64>;

/// The two histograms of an interval by the second half of their tags.
const KINDS: [(&str, Half); 2] = [("delivery", |i| &i.delivery), ("from_send", |i| &i.delivery_from_send)];

/// The bytes of `latency.hlog`.
pub(super) fn write(results: &Results) -> io::Result<Vec<u8>> {
    let mut log = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    builder.add_comment(&format!("[Schema: {SCHEMA}]"));
    for line in ABOUT {
        builder.add_comment(line);
    }
    // Without a start time readers take that of the first interval, and skip earlier ones.
    builder.with_start_time(start_time(&results.manifest));
    let mut writer = builder.begin_log_with(&mut log, &mut serializer)?;
    let runs = results.summary.runs.len();
    for (i, detail) in results.details.iter().enumerate().take(runs) {
        for interval in &detail.latency {
            put(&mut writer, i, interval).map_err(|e| io::Error::other(e.to_string()))?;
        }
    }
    Ok(log)
}

type Writer<'a, 'b> = IntervalLogWriter<'a, 'b, Vec<u8>, V2DeflateSerializer>;
type WriteError = IntervalLogWriterError<hdrhistogram::serialization::V2DeflateSerializeError>;

fn put(writer: &mut Writer<'_, '_>, run: usize, interval: &LatencyInterval) -> Result<(), WriteError> {
    let (start, length) = (duration(interval.start_s), duration(interval.length_s));
    for (kind, of) in KINDS {
        let tag = format!("run{run}:{kind}");
        let tag = Tag::new(&tag).expect("a tag of digits and letters is a tag");
        writer.write_histogram(of(interval), start, length, Some(tag))?;
    }
    Ok(())
}

/// Seconds as a duration; what is negative or not finite is zero.
fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// `started_at` of the manifest, or the epoch.
fn start_time(manifest: &serde_json::Value) -> SystemTime {
    let stamp = manifest["started_at"].as_str().and_then(|s| s.parse::<jiff::Timestamp>().ok());
    stamp.unwrap_or(jiff::Timestamp::UNIX_EPOCH).into()
}

/// The intervals of each run, by its index.
pub(super) fn read(path: &Path) -> Result<BTreeMap<usize, Vec<LatencyInterval>>, ResultError> {
    let log = std::fs::read(path).map_err(|source| ResultError::Read { path: path.to_owned(), source })?;
    check_schema(&log, path)?;
    parse(&log).map_err(|found| ResultError::Malformed { path: path.to_owned(), found })
}

fn check_schema(log: &[u8], path: &Path) -> Result<(), ResultError> {
    let first = String::from_utf8_lossy(log.split(|b| *b == b'\n').next().unwrap_or_default()).into_owned();
    if first == format!("#[Schema: {SCHEMA}]") {
        return Ok(());
    }
    Err(ResultError::UnknownSchema { path: path.to_owned(), found: first, want: SCHEMA })
}

fn parse(log: &[u8]) -> Result<BTreeMap<usize, Vec<LatencyInterval>>, String> {
    let mut runs: BTreeMap<usize, Vec<LatencyInterval>> = BTreeMap::new();
    let mut decode = Decoder(Deserializer::new());
    let mut halves: Option<(usize, LatencyInterval)> = None;
    for entry in IntervalLogIterator::new(log) {
        let LogEntry::Interval(entry) = entry.map_err(|e| format!("{e:?}"))? else { continue };
        let tag = entry.tag().map(|t| t.as_str().to_owned()).unwrap_or_default();
        let (run, kind) = split_tag(&tag).ok_or_else(|| format!("tag {tag:?} is not run<i>:<kind>"))?;
        let histogram = decode.histogram(entry.encoded_histogram())?;
        match (kind, halves.take()) {
            ("delivery", None) => {
                let (start_s, length_s) =
                    (entry.start_timestamp().as_secs_f64(), entry.duration().as_secs_f64());
                let delivery_from_send = histogram.clone();
                let half = LatencyInterval { start_s, length_s, delivery: histogram, delivery_from_send };
                halves = Some((run, half));
            }
            ("from_send", Some((of, half))) if of == run => {
                runs.entry(run).or_default().push(LatencyInterval { delivery_from_send: histogram, ..half });
            }
            _ => return Err(format!("{tag} is without its other half")),
        }
    }
    if halves.is_some() { Err("the last interval is half".to_owned()) } else { Ok(runs) }
}

fn split_tag(tag: &str) -> Option<(usize, &str)> {
    let (run, kind) = tag.strip_prefix("run")?.split_once(':')?;
    Some((run.parse().ok()?, kind))
}

struct Decoder(Deserializer);

impl Decoder {
    fn histogram(&mut self, base64: &str) -> Result<Histogram<u64>, String> {
        let bytes = data_encoding::BASE64.decode(base64.as_bytes()).map_err(|e| e.to_string())?;
        self.0.deserialize(&mut bytes.as_slice()).map_err(|e| e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{RunDetail, RunResult};

    fn interval(start_s: f64, values: &[u64]) -> LatencyInterval {
        let mut delivery = Histogram::new(3).unwrap();
        values.iter().for_each(|v| delivery.record(*v).unwrap());
        let mut delivery_from_send = delivery.clone();
        delivery_from_send.record_n(5, 3).unwrap();
        LatencyInterval { start_s, length_s: 1.0, delivery, delivery_from_send }
    }

    fn written(runs: Vec<Vec<LatencyInterval>>) -> Vec<u8> {
        let mut results = Results::default();
        for latency in runs {
            results.summary.runs.push(RunResult::default());
            results.details.push(RunDetail { latency, ..Default::default() });
        }
        write(&results).unwrap()
    }

    #[test]
    fn what_is_written_comes_back() {
        let runs = vec![
            vec![interval(10.0, &[1, 2_000, 3_000_000]), interval(11.0, &[])],
            vec![interval(9.5, &[60_000_000_000; 4])],
        ];
        let back = parse(&written(runs.clone())).unwrap();
        for (i, run) in runs.iter().enumerate() {
            assert_eq!(back[&i].len(), run.len());
            for (a, b) in back[&i].iter().zip(run) {
                assert_eq!((a.start_s, a.length_s), (b.start_s, b.length_s));
                assert_eq!(a.delivery, b.delivery);
                assert_eq!(a.delivery_from_send, b.delivery_from_send);
            }
        }
    }

    #[test]
    fn damage_is_told_not_hidden() {
        let log = written(vec![vec![interval(1.0, &[7])]]);
        let text = String::from_utf8(log).unwrap();
        let half: Vec<_> = text.lines().filter(|l| !l.contains("from_send,")).collect();
        assert!(parse((half.join("\n") + "\n").as_bytes()).unwrap_err().contains("half"));
        assert!(parse(text.replace("HISTF", "HISTX").as_bytes()).is_err());
        assert!(check_schema(b"#[Schema: pushbench/latency/2]\n", Path::new("x")).is_err());
    }
}
