//! Whole charts: nothing overlaps, the files are what they should be.

use super::picture::{HEIGHT, Picture, Rect, WIDTH};
use super::{PlotError, charts, draw_all, file, fixture};
use crate::result::Results;

/// Every situation a chart must bear, with a name.
fn situations() -> Vec<(&'static str, Results)> {
    vec![
        ("three", fixture::three_cases()),
        ("repeats", fixture::repeats()),
        ("sweep", fixture::sweep()),
        ("one case", fixture::many(1)),
        ("nine long names", fixture::many(9)),
        ("twelve long names", fixture::many(12)),
        ("doubtful", fixture::doubtful_runs()),
        ("left out", fixture::watched(fixture::fanned(fixture::left_out()))),
        ("no deliveries", fixture::no_deliveries()),
        ("few a second", fixture::few_a_second()),
        ("lopsided", fixture::lopsided()),
        ("one second", fixture::one_second()),
        ("restart", fixture::restart()),
        ("fanned", fixture::fanned(fixture::three_cases())),
        ("fanned repeats", fixture::fanned(fixture::repeats())),
        ("fanned twelve", fixture::fanned(fixture::many(12))),
        ("fanned doubtful", fixture::fanned(fixture::doubtful_runs())),
        ("late and lost", fixture::late_and_lost()),
        ("counted", fixture::counted(fixture::three_cases(), 3)),
        ("counted repeats", fixture::counted(fixture::repeats(), 1)),
        ("counted twelve", fixture::counted(fixture::many(12), 7)),
        ("crossed", fixture::crossed()),
        ("rates only", fixture::rates_only()),
        ("watched", fixture::watched(fixture::three_cases())),
        ("watched repeats", fixture::watched(fixture::repeats())),
        ("watched twelve", fixture::watched(fixture::many(12))),
        ("partly watched", fixture::partly_watched()),
        ("laddered", fixture::laddered(fixture::three_cases(), 1)),
        ("laddered thrice", fixture::laddered(fixture::many(12), 3)),
        ("ladders alone", fixture::ladders_alone()),
    ]
}

#[test]
fn no_text_overlaps_another_or_leaves_the_picture() {
    let whole = Rect::new(0.0, 0.0, WIDTH, HEIGHT);
    for (situation, results) in situations() {
        for (name, picture) in charts(&results).expect("there are runs") {
            let texts: Vec<_> = picture.texts().collect();
            for (i, a) in texts.iter().enumerate() {
                let r = a.covers();
                let inside = r.left >= whole.left && r.right <= whole.right && r.bottom <= whole.bottom;
                assert!(inside, "{situation}, {name}: {:?} leaves the picture: {r:?}", a.text);
                for b in &texts[..i] {
                    assert!(!r.overlaps(b.covers()), "{situation}, {name}: {:?} on {:?}", a.text, b.text);
                }
            }
        }
    }
}

#[test]
fn every_text_is_readable_on_a_slide() {
    for (_, results) in situations() {
        for (name, picture) in charts(&results).expect("there are runs") {
            assert!(picture.texts().all(|t| t.size >= 16.0), "{name}");
        }
    }
}

#[test]
fn each_chart_is_there_when_there_is_something_to_show() {
    let names = |results: &Results| -> Vec<&str> {
        charts(results).expect("there are runs").into_iter().map(|(name, _)| name).collect()
    };
    let four = ["delivery-percentiles", "delivery-over-time", "bytes-per-message", "target-cost"];
    assert_eq!(names(&fixture::no_deliveries()), four);
    assert_eq!(names(&fixture::repeats()), [&four[..], &["coordinated-omission"]].concat());
    assert_eq!(names(&fixture::sweep())[4], "by-clients");
    assert_eq!(names(&fixture::restart())[4], "herd");
    let fanned = fixture::fanned(fixture::repeats());
    assert_eq!(names(&fanned)[4..], ["coordinated-omission", "fan-out"]);
}

#[test]
fn what_the_target_counted_is_drawn_and_what_has_no_room_is_said() {
    let of = |series| charts(&fixture::counted(fixture::three_cases(), series)).expect("there are runs");
    let said = |series, words: &str| {
        let all = of(series);
        let (name, picture) = all.last().expect("there are charts");
        assert_eq!(*name, "target-metrics");
        picture.texts().any(|t| t.text.contains(words))
    };
    assert!(said(2, "series 0, messages each second (thin: our own count)") && said(2, "series 1, bytes"));
    assert!(said(7, "3 more series are in metrics.csv") && !said(2, "more series"));
    assert!(said(1, "agrees with our count"));
}

#[test]
fn costs_of_a_sweep_have_a_line_for_each_case_and_say_what_it_is() {
    let names = |results: &Results| -> Vec<&str> {
        charts(results).expect("there are runs").into_iter().map(|(name, _)| name).collect()
    };
    let crossed = fixture::crossed();
    assert_eq!(names(&crossed)[6..], ["cost-by-clients", "cost-by-rate"]);
    assert!(!names(&fixture::rates_only()).contains(&"cost-by-clients"));
    assert!(!names(&fixture::three_cases()).iter().any(|n| n.starts_with("cost-by")));
    let said = |results: &Results, chart: &str, words: &str| {
        let all = charts(results).expect("there are runs");
        let (_, picture) = all.iter().find(|(name, _)| *name == chart).expect("it is drawn");
        picture.texts().filter(|t| t.text.contains(words)).count()
    };
    assert_eq!(said(&crossed, "cost-by-clients", "at 20/s of each channel"), 1);
    assert_eq!(said(&crossed, "cost-by-clients", "lines: cost model"), 1);
    assert_eq!(said(&crossed, "cost-by-rate", " µs each, idle "), 3);
    assert_eq!(said(&crossed, "cost-by-rate", "2,000 clients (the sweep's largest)"), 1);
    assert_eq!(said(&fixture::rates_only(), "cost-by-rate", "lines: medians"), 1);
    assert_eq!(said(&fixture::rates_only(), "cost-by-rate", "µs each"), 0);
}

#[test]
fn the_target_is_drawn_over_time_and_its_costs_are_called_its_own() {
    let results = fixture::watched(fixture::repeats());
    let all = charts(&results).expect("there are runs");
    let (name, picture) = all.last().expect("there are charts");
    assert_eq!(*name, "target");
    let texts: Vec<_> = picture.texts().map(|t| t.text.as_str()).collect();
    for word in ["idle", "connect", "warm-up", "measure", "drain", "after", "open descriptors"] {
        assert!(texts.contains(&word), "{word}: {texts:?}");
    }
    assert!(texts.iter().any(|t| t.contains("not of a transport in general · the first run of each case")));
    let said = |words: &str| all[3].1.texts().any(|t| t.text.contains(words));
    assert!(said("whiskers: 95 % of the mean") && said("charged to nobody") && said("system"));
    let partly = charts(&fixture::partly_watched()).expect("there are runs");
    let texts: Vec<_> = partly[3].1.texts().map(|t| t.text.as_str()).collect();
    let with_nobody = texts.iter().filter(|t| t.contains(" + ") && t.ends_with(" s")).count();
    assert!(texts.contains(&"charged to it") && with_nobody == 1, "{texts:?}");
}

#[test]
fn an_idle_connection_is_told_with_its_intervals_and_its_steps() {
    let all = charts(&fixture::ladders_alone()).expect("there are ladders");
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["bytes-per-connection", "idle-connections"]);
    let said = |i: usize, words: &str| all[i].1.texts().filter(|t| t.text.contains(words)).count();
    assert_eq!(said(0, "2.25 ± 0.25 KiB (kernel not measured)"), 1);
    assert_eq!(said(0, "4.27 ± 0.47 + 2.45 ± 0.040 KiB"), 1);
    assert_eq!((said(0, "not measured"), said(0, "1.09 ± 0.070 µs")), (2, 1));
    assert_eq!(
        said(1, "nothing published · 250–2,000 idle clients in 4 steps · 1 ladder each · co-located"),
        1
    );
    let words: Vec<_> =
        all.iter().map(|(name, picture)| format!("== {name}\n{}", svg_texts(picture))).collect();
    insta::assert_snapshot!(words.join("\n"));
}

#[test]
fn the_herd_tells_who_came_back_and_who_gave_up() {
    let all = charts(&fixture::restart()).expect("there are runs");
    let said = |words: &str| all[4].1.texts().filter(|t| t.text == words).count();
    assert_eq!(
        (said("nobody was lost"), said("all back within 1.8 s"), said("20 gave up, others 5.4 s")),
        (1, 1, 1)
    );
}

#[test]
fn what_never_came_is_told_as_at_least_the_time_it_was_given() {
    let said = |results: &Results, chart: &str, words: &str| {
        let all = charts(results).expect("there are runs");
        let (_, picture) = all.iter().find(|(name, _)| *name == chart).expect("it is drawn");
        picture.texts().filter(|t| t.text.contains(words)).count()
    };
    assert_eq!(said(&fixture::late_and_lost(), "delivery-percentiles", "p99 ≥ 2 s"), 1);
    assert_eq!(said(&fixture::fanned(fixture::three_cases()), "fan-out", "p99 ≥ 2 s"), 1);
    // One gap is large, and marked.
    let all = charts(&fixture::late_and_lost()).expect("there are runs");
    let marked = all[4].1.texts().filter(|t| t.bold && t.text.contains("p99 900 ms · sent"));
    assert_eq!(marked.count(), 1);
}

#[test]
fn no_runs_is_an_error() {
    assert!(matches!(charts(&Results::default()), Err(PlotError::NoRuns)));
}

#[test]
fn missing_values_are_named_and_never_drawn_as_zero() {
    let all = charts(&fixture::no_deliveries()).expect("there are runs");
    let said = |i: usize, words: &str| all[i].1.texts().filter(|t| t.text == words).count();
    assert!(said(0, "no deliveries") >= 1);
    assert!(said(1, "no deliveries") >= 1);
    assert_eq!(said(2, "no deliveries"), 3);
    assert_eq!(said(3, "not measured"), 6);
}

#[test]
fn a_second_with_too_few_samples_is_not_called_empty() {
    let all = charts(&fixture::few_a_second()).expect("there are runs");
    let texts: Vec<_> = all[1].1.texts().map(|t| t.text.as_str()).collect();
    let said = |words: &str| texts.iter().filter(|t| **t == words).count();
    assert_eq!(said("no p99 for any second"), 2);
    assert_eq!(said("no percentile for any second"), 1);
    assert_eq!(said("no deliveries"), 0);
    assert_eq!(said("not measured"), 3);
}

#[test]
fn doubtful_runs_are_marked_at_their_lines_and_in_the_caption() {
    for (name, picture) in charts(&fixture::doubtful_runs()).expect("there are runs") {
        let texts: Vec<_> = picture.texts().map(|t| t.text.as_str()).collect();
        for word in ["websocket (invalid)", "long polling (suspect)"] {
            assert!(texts.contains(&word), "{name}: {texts:?}");
        }
        assert!(texts.iter().any(|t| t.starts_with("Verdict: invalid: ")), "{name}");
    }
}

#[test]
fn what_is_left_out_is_said_beneath_every_chart() {
    for (name, picture) in charts(&fixture::left_out()).expect("there are runs") {
        let texts: Vec<_> = picture.texts().map(|t| t.text.as_str()).collect();
        assert!(texts.iter().any(|t| t.contains("3 invalid runs left out")), "{name}: {texts:?}");
        assert!(texts.contains(&"websocket (invalid)"), "{name}: {texts:?}");
    }
}

/// What stands between the tags `<text ..>` and `</text>`, a line each.
fn svg_texts(picture: &Picture) -> String {
    let svg = file::svg(picture).expect("painted");
    let inside = svg.split("<text").skip(1).filter_map(|t| {
        let (_, rest) = t.split_once('>')?;
        Some(rest.split_once("</text>")?.0.trim().to_owned())
    });
    inside.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_words_of_each_chart() {
    let all = charts(&fixture::sweep()).expect("there are runs");
    let words = all.iter().map(|(name, picture)| format!("== {name}\n{}", svg_texts(picture)));
    insta::assert_snapshot!(words.collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_svg_brings_its_font_and_hides_no_markup_in_names() {
    let (_, picture) = &charts(&fixture::many(12)).expect("there are runs")[2];
    let svg = file::svg(picture).expect("painted");
    assert!(svg.contains("font-family:pushbench;font-weight:700;src:url(data:font/ttf;base64,"));
    assert!(svg.contains("viewBox=\"0 0 1280 720\""));
    assert!(svg.contains("websocket &amp; TLS &lt;"));
    assert_eq!(svg.matches("<svg").count(), 1);
    assert_eq!(svg.matches("</svg>").count(), 1);
}

#[test]
fn files_are_whole_and_the_same_each_time() {
    let results = fixture::invalid_run();
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("charts");
    let written = draw_all(&results, &into).expect("drawn");
    assert_eq!(written.len(), 10);
    assert_eq!(std::fs::read_dir(&into).expect("there").count(), 10, "no temporary file is left");
    for (name, picture) in charts(&results).expect("there are runs") {
        let stored = std::fs::read_to_string(into.join(format!("{name}.svg"))).expect("written");
        assert!(stored == file::svg(&picture).expect("painted"), "{name}");
    }
    let (name, picture) = &charts(&results).expect("there are runs")[0];
    let stored = std::fs::read(into.join(format!("{name}.png"))).expect("written");
    assert!(stored == file::png(picture).expect("painted"), "{name}");
}

#[test]
fn a_png_is_twice_as_large_and_shows_what_was_drawn() {
    let (_, picture) = &charts(&fixture::three_cases()).expect("there are runs")[2];
    let bytes = file::png(picture).expect("painted");
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG");
    assert_eq!((reader.info().width, reader.info().height), (2560, 1440));
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    reader.next_frame(&mut pixels).expect("whole");
    let at = |x: usize, y: usize| &pixels[(y * 2560 + x) * 3..][..3];
    assert_eq!(at(10, 10), [0xff, 0xff, 0xff], "white ground");
    // The key's first square: payload.
    assert_eq!(at(2 * 36, 2 * 106), [0x00, 0x4a, 0x80]);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_with_its_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let error = draw_all(&fixture::one_second(), &file.join("charts")).expect_err("a file is in the way");
    assert!(error.to_string().contains("file/charts"), "{error}");
}
