//! The chosen numbers of what real exporters write.

use super::*;

const NODE: &str = include_str!("../fixtures/node_exporter.txt");
const PROCESS: &str = include_str!("../fixtures/process_exporter.txt");

fn metric(name: &str, labels: &[(&str, &str)]) -> SeriesPlan {
    let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let pick = Pick::Metric { name: name.to_owned(), labels };
    SeriesPlan { name: "x".into(), pick, kind: SeriesKind::Counter, is: None, unit: String::new() }
}

fn value(text: &str, name: &str, labels: &[(&str, &str)]) -> Result<f64, String> {
    pick(MetricsFormat::Prometheus, text.as_bytes(), &[metric(name, labels)]).values.remove(0)
}

fn near(got: Result<f64, String>, want: f64) {
    let got = got.unwrap();
    assert!((got / want - 1.0).abs() < 1e-12, "{got} is not {want}");
}

#[test]
fn what_has_the_labels_is_added_up() {
    near(value(NODE, "node_cpu_seconds_total", &[("mode", "user")]), 30_213.04 + 29_876.5);
    near(value(NODE, "node_cpu_seconds_total", &[("mode", "user"), ("cpu", "1")]), 29_876.5);
    near(value(NODE, "node_memory_MemAvailable_bytes", &[]), 6.452_076_544e9);
    near(value(PROCESS, "namedprocess_namegroup_cpu_seconds_total", &[("groupname", "nginx")]), 34.03);
    near(
        value(PROCESS, "namedprocess_namegroup_cpu_seconds_total", &[("groupname", "bash \"login\"")]),
        0.75,
    );
    near(value(NODE, "go_gc_duration_seconds_count", &[]), 19_411.0);
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let none = value(NODE, "node_cpu_seconds", &[]).unwrap_err();
    assert_eq!(none, "there is no metric \"node_cpu_seconds\"; there is \"node_cpu_seconds_total\"");
    let others = value(PROCESS, "namedprocess_namegroup_num_procs", &[("groupname", "node")]).unwrap_err();
    assert_eq!(others, "no namedprocess_namegroup_num_procs has these labels; one has {groupname=\"nginx\"}");
}

#[test]
fn what_would_be_wrong_is_no_value() {
    let quantiles = value(NODE, "go_gc_duration_seconds", &[]).unwrap_err();
    assert!(quantiles.contains("differ in \"quantile\""), "{quantiles}");
    near(value(NODE, "go_gc_duration_seconds", &[("quantile", "0.5")]), 4.5373e-05);
    assert_eq!(value(NODE, "node_hwmon_temp_celsius", &[]), Err("its value is NaN".to_owned()));
    let buckets = "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\n";
    assert!(value(buckets, "h_bucket", &[]).is_err());
    near(value(buckets, "h_bucket", &[("le", "+Inf")]), 3.0);
    assert!(value("a 1\na 1\n", "a", &[]).unwrap_err().contains("more than once"));
    assert!(value("a 1\na{x 2\n", "a", &[]).unwrap_err().contains("cannot be read"));
    assert!(value("a +Inf\n", "a", &[]).is_err());
    assert!(value("<html>a 1</html>", "a", &[]).is_err());
}

#[test]
fn what_follows_the_end_is_not_read() {
    near(value("a_total 1\n# EOF\na_total 2\n", "a_total", &[]), 1.0);
}

#[test]
fn the_texts_own_types_are_held_against_the_scenarios() {
    let picked = pick(
        MetricsFormat::Prometheus,
        NODE.as_bytes(),
        &[metric("node_sockstat_TCP_mem_bytes", &[]), metric("node_cpu_seconds_total", &[("cpu", "0")])],
    );
    assert_eq!(
        picked.warnings,
        ["x: the target calls node_sockstat_TCP_mem_bytes a gauge, the scenario a counter"]
    );
    let cut = pick(MetricsFormat::Prometheus, b"a_total 12", &[metric("a_total", &[])]);
    assert!(cut.warnings[0].contains("cut off"), "{cut:?}");
    assert_eq!(cut.values, [Err(CUT.to_owned())]);
}

#[test]
fn a_text_that_was_cut_off_has_no_values() {
    let whole = "a_total{n=\"1\"} 5\nb_total 7\na_total{n=\"2\"} 1234\n";
    near(value(whole, "a_total", &[]), 1239.0);
    for cut in 1..whole.len() {
        // Cut between two lines, a text looks whole: only its connection can tell.
        if !whole[..cut].ends_with('\n') {
            assert!(value(&whole[..cut], "a_total", &[]).is_err(), "{}", &whole[..cut]);
            assert!(value(&whole[..cut], "b_total", &[]).is_err(), "{}", &whole[..cut]);
        }
    }
    near(value("a_total 1\n# EOF", "a_total", &[]), 1.0);
}

#[test]
fn a_counter_is_told_with_what_it_is_the_sum_of() {
    let gauge = SeriesPlan { kind: SeriesKind::Gauge, ..metric("a", &[]) };
    let picked = pick(MetricsFormat::Prometheus, b"a{n=\"1\"} 5\na{n=\"2\"} 6\n", &[metric("a", &[]), gauge]);
    assert_eq!(picked.values, [Ok(11.0), Ok(11.0)]);
    let parts = Parts::from([("{n=\"1\"}".to_owned(), 5.0), ("{n=\"2\"}".to_owned(), 6.0)]);
    assert_eq!(picked.parts, [parts, Parts::new()]);
    let pointers = other(Pick::Pointers(vec!["/a".into(), "/b".into()]));
    let picked = pick(MetricsFormat::Json, b"{\"a\": 1, \"b\": 2}", &[pointers]);
    assert_eq!(picked.parts, [Parts::from([("/a".to_owned(), 1.0), ("/b".to_owned(), 2.0)])]);
}

#[test]
fn a_sum_of_too_many_samples_is_refused() {
    let text = |n: usize| (0..n).map(|i| format!("a{{n=\"{i}\"}} 1\n")).collect::<String>();
    near(value(&text(MOST_PARTS), "a", &[]), MOST_PARTS as f64);
    let many = value(&text(MOST_PARTS + 1), "a", &[]).unwrap_err();
    assert_eq!(many, "it is the sum of 4097 samples, more than 4096: choose fewer by labels");
}

fn other(pick: Pick) -> SeriesPlan {
    SeriesPlan { pick, ..metric("", &[]) }
}

#[test]
fn json_and_pairs_are_read_by_their_own_selectors() {
    let varz = include_bytes!("../fixtures/varz.json");
    let picked =
        pick(MetricsFormat::Json, varz, &[other(Pick::Pointers(vec!["/out_msgs".into()])), metric("a", &[])]);
    assert_eq!(picked.values, [Ok(8_002_400.0), Err(MISFIT.to_owned())]);
    assert!(pick(MetricsFormat::Json, b"<html>", &[metric("a", &[])]).values[0].is_err());
    let stub = include_bytes!("../fixtures/nchan_stub_status.txt");
    let keys = ["subscribers", "nchan version", "total published"];
    let picked = pick(MetricsFormat::Text, stub, &keys.map(|k| other(Pick::Key(k.into()))));
    let told = "there is no key \"total published\"; there is \"total published messages\"".to_owned();
    assert_eq!(
        picked.values,
        [Ok(51.0), Err("what stands behind \"nchan version\" is no number".to_owned()), Err(told)]
    );
    assert!(pick(MetricsFormat::Text, b"\xff", &[other(Pick::Key("a".into()))]).values[0].is_err());
}
