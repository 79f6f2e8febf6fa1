//! The example of the documentation, against what the exporters really write.

use super::*;
use crate::scenario::{MetricsPlan, Overrides, parse};

const DOCS: &str = include_str!("../../../docs/probe.md");
const NODE: &str = include_str!("../fixtures/node_exporter_1.5.0.txt");
const PROCESS: &str = include_str!("../fixtures/process_exporter_0.7.10.txt");

/// What stands in the fixtures, added up by hand.
const WANT: [(&str, f64); 14] = [
    ("cpu_user_s", 20_765.46),
    ("cpu_system_s", 5_801.73),
    ("cpu_softirq_s", 622.32),
    ("cpu_idle_s", 49_947.91),
    ("memory_available_bytes", 20_613_480_448.0),
    ("slab_bytes", 667_992_064.0),
    ("tcp_bytes", 552_960.0),
    ("tcp_connections", 2.0),
    ("listen_overflows", 46.0),
    ("retransmits", 182_083.0),
    ("target_user_s", 0.01),
    ("target_system_s", 0.03),
    ("target_resident_bytes", 9_629_696.0),
    ("target_processes", 3.0),
];

/// The pages that the documentation shows, as a scenario has them.
fn pages() -> Vec<MetricsPlan> {
    let blocks = DOCS.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let shown = blocks.filter(|block| block.contains("[[metrics]]")).collect::<String>();
    let scenario = format!(
        "title = \"t\"\n[target]\nbase = \"http://10.0.0.5:80\"\n[load]\nclients = 1\n[[case]]\nname = \"a\"\n\
         websocket = {{ path = \"/\" }}\n{shown}"
    );
    parse("docs.toml", &scenario, &Overrides::default()).unwrap_or_else(|e| panic!("{e}")).metrics
}

#[test]
fn each_series_that_is_shown_is_there_and_is_what_it_says() {
    let pages = pages();
    assert_eq!(pages.len(), 2);
    let mut seen = Vec::new();
    for (page, text) in pages.iter().zip([NODE, PROCESS]) {
        let picked = pick(page.format, text.as_bytes(), &page.series);
        assert_eq!(picked.warnings, Vec::<String>::new(), "kinds differ from the text's own types");
        let names = page.series.iter().map(|s| s.name.clone());
        seen.extend(names.zip(picked.values.into_iter().map(Result::unwrap)));
    }
    assert_eq!(seen.len(), WANT.len());
    for ((name, got), (wanted, want)) in seen.iter().zip(WANT) {
        assert!(name == wanted && (got - want).abs() <= want * 1e-12, "{name} is {got}, not {wanted} {want}");
    }
}
