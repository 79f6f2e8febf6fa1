//! The whole way from text to plan.

use super::*;
use crate::model::Nanos;
use serde_json::{Value, json};

const GOOD: &str = r#"
title = "Does it hold?"
[target]
base = "http://127.0.0.1:18080"
start = "exec ./server"
[publish]
http = { put = "/pub/${channel}", headers = { Authorization = "Bearer ${env:KEY}", Accept = "*/*" } }
channels = 10
rate = "20/s"
[load]
clients = 500
[[case]]
name = "slow polling"
poll = { get = "/poll/${channel}", every = "3s", cursor = { regex = "id=(\\d+)", into_query = "since" } }
[[case]]
name = "websocket"
websocket = { path = "/ws/${channel}?key=${env:KEY}" }
headers = "browser"
"#;

fn env(name: &str) -> Option<String> {
    (name == "KEY").then(|| "s3cr3t".to_owned())
}

fn plan_of(text: &str, overrides: &Overrides) -> Plan {
    parse_with("test", text, overrides, &env).unwrap_or_else(|e| panic!("{e}"))
}

fn errors_of(text: &str, overrides: &Overrides) -> String {
    parse_with("test", text, overrides, &env).expect_err("it is broken").to_string()
}

#[test]
fn every_default_is_filled_in() {
    let plan = plan_of(GOOD, &Overrides::default());
    assert_eq!((plan.seed, plan.runs.len()), (1, 2));
    let [polling, socket] = plan.runs.as_slice() else { panic!("two runs") };
    assert_eq!(polling.case, "slow polling", "without sweep and repeat the file's order is kept");
    assert_eq!(polling.phases.drain, Nanos(4 * Nanos::SECOND.0), "the period and a second");
    assert_eq!(socket.phases.drain, Nanos(2 * Nanos::SECOND.0));
    assert_eq!((polling.seed, &polling.groups[0].headers), (socket.seed, &HeaderProfile::Minimal));
    assert_eq!(socket.groups[0].headers, HeaderProfile::Browser);
    let CarrierSpec::Poll(poll) = &polling.groups[0].carrier else { panic!("a poll") };
    assert_eq!((poll.fixed_rate, poll.latest_value), (true, false));
    assert_eq!((poll.pull.status.as_slice(), poll.pull.empty.as_slice()), (&[200][..], &[204, 304, 408][..]));
    let feed = polling.publish.as_ref().expect("a feed");
    let PublishVia::Http(http) = &feed.via else { panic!("by HTTP") };
    assert_eq!((http.method.as_str(), feed.payload_bytes, feed.connections()), ("PUT", 64, 1000));
    assert_eq!(http.body, MessageTemplate::plain());
    assert!(plan.notes[0].contains("without `target.ready`"), "{:?}", plan.notes);
}

#[test]
fn a_cost_section_adds_ladders_of_idle_clients_that_stay() {
    let text = GOOD.replace("[load]", "[cost]\nladder = [10, 20, 40, 80]\nhold = \"4s\"\nrepeat = 2\n[load]");
    let plan = plan_of(&text, &Overrides::default());
    assert_eq!((plan.runs.len(), plan.ladders.len()), (2, 4));
    for ladder in &plan.ladders {
        let stairs = ladder.stairs.as_ref().expect("steps");
        assert_eq!((stairs.counts().collect::<Vec<_>>(), ladder.clients), (vec![10, 20, 40, 80], 80));
        assert!(ladder.publish.is_none() && ladder.groups[0].life.stay.is_none());
        let last = stairs.steps[3];
        assert_eq!((ladder.phases.connect, ladder.phases.measure), (last.rest, stairs.hold));
        assert_eq!(
            ladder.phases.total(),
            last.end + Nanos::SECOND,
            "nobody leaves while the last step is read"
        );
        // Of a poller every 3 s: a whole number of its periods, and time to attach within one.
        let polling = ladder.transport() == "poll";
        let s = |n: u64| Nanos(n * Nanos::SECOND.0);
        assert_eq!(stairs.hold, if polling { s(6) } else { s(4) });
        assert!(!polling || stairs.steps[0].rest >= s(3));
    }
    assert_eq!(plan.ladders[0].seed, plan.ladders[1].seed, "the same in the same repeat");
    assert!(plan_of(GOOD, &Overrides::default()).ladders.is_empty());
}

#[test]
fn ladders_alone_need_no_section_and_leave_the_feed_alone() {
    let wish = LadderWish { hold: Some(Nanos(2 * Nanos::SECOND.0)), ..LadderWish::default() };
    let plan = plan_of(GOOD, &Overrides { ladder: Some(wish), ..Overrides::default() });
    let clients = parse_with("test", GOOD, &Overrides::default(), &env).expect("good").runs[0].clients;
    let counts: Vec<u32> = plan.ladders[0].stairs.as_ref().expect("steps").counts().collect();
    assert_eq!(counts, [clients.max(8) / 8, clients.max(8) / 4, clients.max(8) / 2, clients.max(8)]);
    assert!(plan.runs.is_empty() && plan.slo.is_empty() && plan.ladders.len() == 2);
    let wrong = LadderWish { counts: Some(vec![3, 2, 1]), ..LadderWish::default() };
    let told = errors_of(GOOD, &Overrides { ladder: Some(wrong), ..Overrides::default() });
    assert!(told.contains("`--ladder` will not do; want at least 4 rising counts"), "{told}");
    let few = GOOD.replace("clients = 500", "clients = 3");
    let wish = |counts| Some(LadderWish { counts, ..LadderWish::default() });
    let alone = |counts| Overrides { ladder: wish(counts), ..Overrides::default() };
    let told = errors_of(&few, &alone(None));
    for part in
        ["3 clients (`load.clients`) make no cost ladder", "`[cost] ladder` or --ladder", "1 error in"]
    {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    assert_eq!(plan_of(&few, &alone(Some(vec![1, 2, 3, 5]))).ladders.len(), 2, "as it is said");
}

#[test]
fn secrets_are_used_and_never_shown() {
    let plan = plan_of(GOOD, &Overrides::default());
    let feed = plan.runs[0].publish.as_ref().expect("a feed");
    let PublishVia::Http(http) = &feed.via else { panic!("by HTTP") };
    let headers: Vec<_> = http.headers.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(headers, [("Authorization", "Bearer s3cr3t"), ("Accept", "*/*")], "in the order of the file");
    let shown = plan.to_json().to_string();
    assert!(shown.contains("Bearer <env>") && shown.contains("key=<env>"), "{shown}");
    for text in [shown, plan.source.clone(), format!("{:?}", plan.secrets)] {
        assert!(!text.contains("s3cr3t"), "{text}");
    }
}

#[test]
fn a_value_from_the_environment_is_checked_and_not_shown() {
    let text = GOOD.replace("rate = \"20/s\"", "rate = \"${env:KEY}\"");
    let errors = errors_of(&text, &Overrides::default());
    assert!(errors.contains("`publish.rate` is \"${env:KEY}\"; want a rate"), "{errors}");
    assert!(!errors.contains("s3cr3t"), "{errors}");
}

#[test]
fn a_key_in_error_is_told_once() {
    let text = GOOD.replace("poll = { get", "polll = { get").replace("every = \"3s\"", "every = 3");
    let errors = errors_of(&text, &Overrides::default());
    assert!(errors.contains("did you mean `poll`?") && errors.ends_with("1 error in test"), "{errors}");
    let text = GOOD.replace("[load]", "[load]\ndrain = \"2s\"").replace("every = \"3s\"", "every = \"3\"");
    let errors = errors_of(&text, &Overrides::default());
    assert!(errors.ends_with("1 error in test"), "the drain is not held against a stand-in: {errors}");
}

#[test]
fn sweep_and_repeat_make_randomised_blocks() {
    let text = GOOD.to_owned() + "[sweep]\nclients = [10, 20]\npayload = [\"64 B\", \"1 KiB\"]\nrepeat = 5\n";
    let plan = plan_of(&text, &Overrides::default());
    assert_eq!(plan.runs.len(), 2 * 2 * 2 * 5);
    let blocks: Vec<_> = plan.runs.chunks(2).collect();
    for block in &blocks {
        let [a, b] = block else { panic!("a block holds every case") };
        assert_eq!((a.seed, a.repeat, &a.swept), (b.seed, b.repeat, &b.swept), "they get the same feed");
        assert_ne!(a.case, b.case);
        let feed = |r: &RunPlan| r.publish.as_ref().map(|p| (p.payload_bytes, p.rate_per_s, p.arrivals));
        assert_eq!((feed(a), a.clients, a.phases.measure), (feed(b), b.clients, b.phases.measure));
    }
    let firsts: std::collections::BTreeSet<_> = blocks.iter().map(|b| b[0].case.as_str()).collect();
    assert_eq!(firsts.len(), 2, "no case always goes first");
    let seeds: std::collections::BTreeSet<_> = blocks.iter().map(|b| b[0].seed).collect();
    assert_eq!(seeds.len(), blocks.len());
    let last = &plan.runs.iter().find(|r| r.swept[1].1 == "1 KiB").expect("it is swept");
    assert_eq!(last.publish.as_ref().map(|p| p.payload_bytes), Some(1024));
    let again = plan_of(&text, &Overrides::default());
    assert_eq!(again.to_json(), plan.to_json(), "the same seed, the same plan");
    let other = plan_of(&text, &Overrides { seed: Some(2), ..Overrides::default() });
    assert_ne!(other.to_json()["runs"], plan.to_json()["runs"]);
}

#[test]
fn overrides_replace_what_the_file_says() {
    let overrides = Overrides {
        clients: Some(7),
        duration: Some(Nanos(5 * Nanos::SECOND.0)),
        target: Some("http://127.0.0.1:9999".into()),
        cases: vec!["websocket".into()],
        seed: Some(3),
        ladder: None,
    };
    let plan = plan_of(&(GOOD.to_owned() + "[sweep]\nclients = [10, 20]\n"), &overrides);
    let [run] = plan.runs.as_slice() else { panic!("one run") };
    assert_eq!((run.clients, run.phases.measure.0, plan.seed), (7, 5_000_000_000, 3));
    let TargetPlan::External { base, start, .. } = &plan.target else { panic!("external") };
    assert_eq!((base.port, start), (9999, &None));
    assert_eq!(plan.notes.len(), 3, "the sweep, the start, idle channels: {:?}", plan.notes);
}

#[test]
fn overrides_are_checked_as_the_file_is() {
    let overrides = Overrides {
        clients: Some(15_001),
        target: Some("127.0.0.1".into()),
        cases: vec!["websockets".into()],
        seed: Some(u64::MAX),
        ..Overrides::default()
    };
    let errors = errors_of(GOOD, &overrides);
    assert!(errors.contains("`--clients` will not do; want 1 to 15000"), "{errors}");
    assert!(errors.contains("`--target` will not do; want scheme, host and port"), "{errors}");
    assert!(errors.contains("did you mean \"websocket\"?"), "{errors}");
    assert!(errors.contains("`--seed` will not do"), "{errors}");
    assert!(!errors.contains("-->"), "flags have no line: {errors}");
}

#[test]
fn another_target_keeps_the_paths_of_a_bundled_scenario() {
    let text = include_str!("../../scenarios/quickstart.toml");
    assert_eq!(plan_of(text, &Overrides::default()).target, TargetPlan::Bundled(BundledSpec::default()));
    let plan = plan_of(text, &Overrides { target: Some("http://[::1]:8080".into()), ..Overrides::default() });
    let TargetPlan::External { base, allow_remote, .. } = &plan.target else { panic!("external") };
    assert_eq!((base.authority().as_str(), *allow_remote), ("[::1]:8080", false));
    assert!(
        matches!(&plan.runs[2].groups[0].carrier, CarrierSpec::WebSocket(w) if w.path == "/ws/${channel}")
    );
}

#[test]
fn tls_of_a_target_is_laid_out() {
    let with = |target: &str, secure: &str| {
        format!(
            "title = \"t\"\n[target]\n{target}\n[load]\nclients = 2\n[[case]]\nname = \"ws\"\n{secure}\nwebsocket = {{ path = \"/ws\" }}\n"
        )
    };
    let here = std::env::temp_dir().join(format!("pushbench-tls-{}", std::process::id()));
    std::fs::create_dir_all(&here).expect("a folder");
    for file in ["ca.pem", "me.pem", "me.key"] {
        std::fs::write(here.join(file), "-----BEGIN THIS-----").expect("a file");
    }
    let own = r#"base = "http://127.0.0.1:80"
secure_base = "wss://push.example:8443"
tls = { ca = "ca.pem", cert = "me.pem", key = "me.key", server_name = "other.example", resumption = true }"#
        .replace("ca.pem", &here.join("ca.pem").display().to_string())
        .replace("me.", &here.join("me.").display().to_string());
    let plan = plan_of(&with(&own, "secure = true"), &Overrides::default());
    let TargetPlan::External { base, secure_base, tls, .. } = &plan.target else { panic!("external") };
    assert_eq!((base.tls, plan.runs[0].groups[0].secure, plan.target.is_insecure()), (false, true, false));
    assert_eq!(secure_base.as_ref().map(Base::url).as_deref(), Some("https://push.example:8443"));
    let want = TlsSpec {
        ca: Some(here.join("ca.pem")),
        identity: Some((here.join("me.pem"), here.join("me.key"))),
        server_name: Some("other.example".into()),
        insecure: false,
        resumption: true,
    };
    assert_eq!(*tls, want);
    assert_eq!(plan.to_json()["target"]["tls"]["key"], here.join("me.key").display().to_string());
    std::fs::remove_dir_all(&here).expect("it is ours");

    let plan = plan_of(
        &with("base = \"https://a\"\ntls = { insecure = true }", "secure = true"),
        &Overrides::default(),
    );
    assert!(
        plan.target.is_insecure() && plan.notes.iter().any(|n| n.contains("not verified")),
        "{:?}",
        plan.notes
    );

    let bundled =
        "bundled = { fault = \"restart at 5s\", ping = \"0s\", history = 5 }\ntls = { resumption = true }";
    let plan = plan_of(&with(bundled, "secure = true"), &Overrides::default());
    let want = BundledSpec {
        faults: vec!["restart at 5s".into()],
        ping: Some(Nanos::ZERO),
        hold: None,
        history: Some(5),
        resumption: true,
    };
    assert_eq!(plan.target, TargetPlan::Bundled(want));
    assert_eq!(plan.to_json()["target"]["bundled"]["history"], 5);
    let two = "bundled = { fault = [\"delay 5ms\", \"drop every 7\"] }";
    let planned = plan_of(&with(two, ""), &Overrides::default()).to_json();
    assert_eq!(planned["target"]["bundled"]["fault"], serde_json::json!(["delay 5ms", "drop every 7"]));
    let other = Overrides { target: Some("https://127.0.0.1:1".into()), ..Overrides::default() };
    assert!(
        matches!(plan_of(&with(bundled, ""), &other).target, TargetPlan::External { base, .. } if base.tls)
    );
}

#[test]
fn the_quick_form_needs_little_and_says_what_is_missing() {
    let bundled = Quick { transport: "long-poll".into(), ..Quick::default() };
    let plan = quick(&bundled).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        (&plan.target, plan.runs[0].transport()),
        (&TargetPlan::Bundled(BundledSpec::default()), "long_poll")
    );
    assert!(plan.runs[0].publish.is_some());
    let foreign = Quick {
        target: Some("ws://127.0.0.1:9000/ws/news".into()),
        transport: "websocket".into(),
        ..Quick::default()
    };
    let plan = quick(&foreign).unwrap_or_else(|e| panic!("{e}"));
    assert!(plan.runs[0].publish.is_none() && plan.notes[0].contains("--publish"), "{:?}", plan.notes);
    let wrong = Quick {
        transport: "carrier pigeon".into(),
        every: Some("1s".into()),
        rate: Some("1/s".into()),
        ..foreign
    };
    assert_eq!(quick(&wrong).expect_err("three faults").len(), 3);
}

const STREAMS: &str = r#"
title = "Which stream?"
[target]
base = "http://127.0.0.1:18080"
[load]
clients = 5
[[case]]
name = "events"
sse = { get = "/sse/${channel}", max_duration = "30s" }
[[case]]
name = "frame"
forever_iframe = { get = "/iframe/${channel}" }
[[case]]
name = "chunks"
chunked = { get = "/chunked/${channel}" }
[[case]]
name = "parts"
multipart = { get = "/multipart/${channel}", cursor = { part_header = "Etag", into_query = "e" } }
[[case]]
name = "lengths"
stream = { post = "/s/${channel}", body = "{}", split = { length = "u16", order = "little" }, max_events = 9, max_bytes = "1 KiB" }
[[case]]
name = "records"
stream = { get = "/s/${channel}", split = { delimiter = "\u001e" }, max_message = "2 KiB" }
"#;

#[test]
fn streams_have_their_own_splitters_and_cursors() {
    let plan = plan_of(STREAMS, &Overrides::default());
    let groups = || plan.runs.iter().map(|run| &run.groups[0].carrier);
    let keys: Vec<_> = groups().map(CarrierSpec::key).collect();
    assert_eq!(keys, ["sse", "forever_iframe", "chunked", "multipart", "stream", "stream"]);
    let specs = groups().map(|carrier| match carrier {
        CarrierSpec::Stream(spec) => spec,
        other => panic!("{other:?}"),
    });
    let [sse, frame, chunks, parts, lengths, records] = specs.collect::<Vec<_>>()[..] else { panic!("six") };
    let splits = [sse, frame, chunks, parts].map(|s| &s.split);
    assert_eq!(splits, [&SplitSpec::Sse, &SplitSpec::Script, &SplitSpec::Chunk, &SplitSpec::Multipart]);
    let (from, into) = (CursorFrom::SseId, CursorInto::Header("Last-Event-ID".into()));
    assert_eq!(sse.cursor, CursorSpec::Value { from, into, initial: None });
    assert_eq!((&frame.cursor, sse.most_duration), (&CursorSpec::None, Some(Nanos(30_000_000_000))));
    assert_eq!((lengths.method, lengths.body.as_str()), (Method::Post, "{}"));
    assert_eq!((lengths.most_events, lengths.most_bytes), (Some(9), Some(1024)));
    assert_eq!((&records.split, records.max_message_bytes), (&SplitSpec::Delimiter(vec![0x1E]), 2048));
    let shown = plan.to_json();
    let shown = |run: usize| &shown["runs"][run]["groups"][0];
    assert_eq!(shown(0)["sse"]["cursor"]["sse"], json!("id"));
    assert_eq!(shown(3)["multipart"]["cursor"]["part_header"], json!("Etag"));
    assert_eq!(shown(4)["stream"]["split"], json!({"length": "u16", "order": "little"}));
    assert_eq!(
        (&shown(4)["stream"]["post"], &shown(4)["stream"]["max_bytes"]),
        (&json!("/s/${channel}"), &json!(1024))
    );
    assert!(plan.notes.iter().any(|n| n.contains("\"lengths\" ends its answers itself")), "{:?}", plan.notes);
}

#[test]
fn every_transport_of_the_quick_form_has_its_path_on_the_bundled_server() {
    for transport in Quick::TRANSPORTS {
        let plan = quick(&Quick { transport: transport.into(), ..Quick::default() }).expect(transport);
        assert_eq!(plan.runs[0].transport(), transport);
        assert!(plan.runs[0].groups[0].carrier.path().ends_with("/${channel}"));
    }
}

#[test]
fn the_schema_alone_refuses_what_it_can_say() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    for entry in std::fs::read_dir(folder).expect("fixtures") {
        let path = entry.expect("readable").path();
        let text = std::fs::read_to_string(&path).expect("readable");
        let Ok(doc) = Doc::parse(&text) else { continue };
        let by_sense = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("sense-"));
        assert_eq!(walk::walk(&doc, &schema()).is_empty(), by_sense, "{}", path.display());
    }
}

#[test]
fn the_planned_form_has_every_value_with_its_unit() {
    let planned = plan_of(GOOD, &Overrides::default()).to_json();
    let run = &planned["runs"][0];
    assert_eq!(run["groups"][0]["poll"]["every_ns"], json!(3_000_000_000_u64));
    assert_eq!(
        run["groups"][0]["poll"]["cursor"],
        json!({"regex": "id=(\\d+)", "into_query": "since", "initial": null})
    );
    assert_eq!(run["publish"]["rate_per_s"], json!(20.0));
    assert_eq!(planned["target"]["cost_port"], json!(18080));
    assert_eq!(planned["slo"], Value::Array(vec![]));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\[?\\[?(title|load|case|publish|poll|x)\\]?\\]? ?=? ?[\\[{\"']?[a-z0-9$\\{\\}: ]{0,9}[\\]}\"']?\n?){0,12}") {
        if let Err(errors) = parse_with("test", &text, &Overrides::default(), &env) {
            proptest::prop_assert!(errors.to_string().contains("error"));
        }
    }
}
