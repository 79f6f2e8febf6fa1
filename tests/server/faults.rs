//! Faults of messages, of the whole server, and what it tells of them.

use crate::raw::{Raw, masked, request, until_stats};
use pushbench::clock::{Clock, sleep_blocking};
use pushbench::model::Nanos;
use pushbench::server::fault::{Delay, Service};
use pushbench::server::{Bound, Config, Fault, Running, start_on_thread};
use serde_json::Value;
use std::net::SocketAddr;

const MS: Nanos = Nanos::from_millis(1);

fn server(faults: &[&str]) -> (Running, SocketAddr) {
    let faults: Vec<Fault> = faults.iter().map(|f| f.parse().unwrap()).collect();
    crate::raw::server(Config { faults, ..Config::default() })
}

fn now() -> Nanos {
    Clock::Monotonic.now()
}

/// The numbers N of all `mN.` in a text.
fn numbers(text: &str) -> Vec<u64> {
    let parts = text.split('m').skip(1).filter_map(|part| part.split_once('.'));
    parts.filter_map(|(number, _)| number.parse().ok()).collect()
}

/// The numbers in the frames of a WebSocket, as they come.
fn framed(raw: &mut Raw, count: usize) -> Vec<u64> {
    (0..count).flat_map(|_| numbers(&String::from_utf8(raw.frame().1).unwrap())).collect()
}

fn publish(raw: &mut Raw, channel: &str, numbers: impl IntoIterator<Item = u64>) {
    for n in numbers {
        assert_eq!(raw.publish(channel, format!("m{n}.")).status, 202);
    }
}

/// What the server says that it did.
fn counts(address: SocketAddr) -> Value {
    let stats: Value = serde_json::from_str(&Raw::open(address).get("/stats").body).unwrap();
    stats["faults"].clone()
}

/// Drop every 5, withhold every 9 for ever, duplicate every 4, swap every 7, of 30. The message after 14 is
/// dropped, so that nothing overtakes it.
const GIVEN: [u64; 27] =
    [1, 2, 3, 4, 4, 6, 8, 8, 7, 11, 12, 12, 13, 14, 16, 16, 17, 19, 22, 21, 23, 24, 24, 26, 29, 28, 28];

#[test]
fn messages_fare_alike_whatever_carries_them() {
    let faults = ["drop every 5", "withhold every 9", "duplicate every 4", "swap every 7"];
    let (_running, address) = server(&faults);
    let streams = ["sse", "iframe", "chunked", "multipart", "lines", "lenpref"];
    let mut open = streams.map(|name| {
        let mut raw = Raw::open(address);
        raw.send(request("GET", &format!("/{name}/c?limit={}", GIVEN.len()), ""));
        raw.head();
        raw
    });
    let mut sockets = ["/ws/c", "/duplex/c"].map(|path| Raw::upgraded(address, path));
    publish(&mut Raw::open(address), "c", 1..=30);
    for (raw, name) in open.iter_mut().zip(streams) {
        let body: String = std::iter::repeat_with(|| raw.chunk()).take_while(|c| !c.is_empty()).collect();
        assert_eq!(numbers(&body), GIVEN, "{name}");
    }
    for raw in &mut sockets {
        assert_eq!(framed(raw, GIVEN.len()), GIVEN);
    }
    let mut raw = Raw::open(address);
    let mut polled = Vec::new();
    let mut cursor = 0;
    while polled.len() < GIVEN.len() {
        let answer = raw.get(&format!("/lp/c?after={cursor}"));
        cursor = answer.etag;
        polled.extend(numbers(&answer.body));
    }
    assert_eq!((polled.as_slice(), cursor), (&GIVEN[..], 27), "what was not given out has no sequence");
    assert_eq!(numbers(&raw.get("/poll/c?after=0").body), GIVEN);
    assert_eq!(numbers(&raw.get("/latest/c").body), [28]);
    let told = counts(address);
    let of = |key: &str| told[key].as_u64().unwrap();
    assert_eq!([of("dropped"), of("withheld"), of("duplicated"), of("swapped")], [6, 3, 6, 3]);
    until_stats(address, "\"published\":30,");
}

#[test]
fn what_a_websocket_publishes_fares_alike_and_channels_count_apart() {
    let (_running, address) = server(&["drop every 3", "refuse every 5 with 503"]);
    let mut duplex = Raw::upgraded(address, "/duplex/d");
    for n in 1..=10 {
        duplex.send(masked(0x81, format!("m{n}.").as_bytes()));
    }
    // 5 and 10 are refused; of the other eight the third and the sixth are dropped: 3 and 7.
    assert_eq!(framed(&mut duplex, 6), [1, 2, 4, 6, 8, 9]);
    let mut raw = Raw::open(address);
    let statuses: Vec<u16> = (1..=10).map(|n| raw.publish("e", format!("m{n}.")).status).collect();
    assert_eq!(statuses, [202, 202, 202, 202, 503, 202, 202, 202, 202, 503]);
    assert_eq!(numbers(&raw.get("/poll/e?after=0").body), [1, 2, 4, 6, 8, 9]);
    let told = counts(address);
    assert_eq!((told["dropped"].as_u64(), told["refused"].as_u64()), (Some(4), Some(4)));
}

/// Publishes `count` messages and takes them from a WebSocket: when each request was begun, and when each
/// number came.
fn timed(address: SocketAddr, count: u64) -> (Vec<Nanos>, Vec<(u64, Nanos)>) {
    let mut socket = Raw::upgraded(address, "/ws/t");
    let taking = std::thread::spawn(move || {
        (0..count).map(|_| (framed(&mut socket, 1)[0], now())).collect::<Vec<_>>()
    });
    let mut raw = Raw::open(address);
    let sent = (1..=count).map(|n| {
        let begun = now();
        publish(&mut raw, "t", [n]);
        begun
    });
    (sent.collect(), taking.join().unwrap())
}

#[test]
fn a_delay_is_never_shorter_than_it_was_drawn() {
    for words in ["delay 15ms", "delay 1ms or 40ms for 30% seed 3", "delay exponential 10ms"] {
        let (_running, address) = server(&[words]);
        let Ok(Fault::Delay(delay)) = words.parse() else { panic!("{words}") };
        let (sent, came) = timed(address, 40);
        for (n, at) in &came {
            assert!(*at >= sent[*n as usize - 1] + delay.of("t", *n), "{words}: message {n}");
        }
        let mut all: Vec<u64> = came.iter().map(|(n, _)| *n).collect();
        if let Delay::Fixed(_) = delay {
            assert!(all.is_sorted(), "the same delay for all keeps the order");
        }
        all.sort_unstable();
        assert_eq!(all, (1..=40).collect::<Vec<_>>(), "{words}");
        until_stats(address, "\"held\":0,");
    }
}

#[test]
fn one_worker_serves_in_order_and_never_sooner_than_its_draws() {
    let words = "service exponential 5ms seed 4";
    let (_running, address) = server(&[words]);
    let (sent, came) = timed(address, 40);
    let service = Service { mean: MS * 5, seed: 4 };
    let mut done = Nanos::ZERO;
    for (n, (number, at)) in (1..).zip(&came) {
        assert_eq!(*number, n, "first come first served");
        done = done.max(sent[n as usize - 1]) + service.of("t", n);
        assert!(*at >= done, "message {n}");
    }
}

#[test]
fn early_messages_are_slow_and_late_ones_overtake_none() {
    let (_running, address) = server(&["slow 600ms for the first 300ms"]);
    let mut socket = Raw::upgraded(address, "/ws/s");
    let mut raw = Raw::open(address);
    let begun = now();
    publish(&mut raw, "s", [1]);
    while now() < begun + MS * 350 {
        sleep_blocking(MS);
    }
    publish(&mut raw, "s", [2]);
    assert_eq!(framed(&mut socket, 2), [1, 2]);
    let late = now();
    // A machine so slow that the first one was late itself has told nothing.
    assert!(late >= begun + MS * 600 || counts(address)["held"] == 0);
    publish(&mut raw, "s", [3]);
    assert_eq!(framed(&mut socket, 1), [3]);
}

#[test]
fn a_withheld_message_enters_the_history_when_it_is_given_out() {
    let (_running, address) = server(&["withhold every 2 for 400ms"]);
    let mut socket = Raw::upgraded(address, "/ws/w");
    let mut raw = Raw::open(address);
    let begun = now();
    publish(&mut raw, "w", [1, 2, 3]);
    let before = numbers(&raw.get("/poll/w?after=0").body);
    assert!(before == [1, 3] || now() >= begun + MS * 400, "{before:?}");
    assert_eq!(framed(&mut socket, 3), [1, 3, 2]);
    assert!(now() >= begun + MS * 400);
    let answer = raw.get("/poll/w?after=0");
    assert_eq!((numbers(&answer.body), answer.etag), (vec![1, 3, 2], 3));
    assert_eq!(counts(address)["withheld"], 1);
}

#[test]
fn a_message_waits_in_vain_for_one_to_overtake_it_only_so_long() {
    let (_running, address) = server(&["swap every 2 within 50ms"]);
    let mut raw = Raw::open(address);
    let begun = now();
    publish(&mut raw, "p", [1, 2]);
    let answer = raw.get("/lp/p?after=1");
    assert_eq!(numbers(&answer.body), [2]);
    assert!(now() >= begun + MS * 50);
    publish(&mut raw, "p", [3]);
    assert_eq!(numbers(&raw.get("/poll/p?after=0").body), [1, 2, 3]);
    assert_eq!(counts(address)["swapped"], 0);
}

/// What `GET /clock` tells: received and sent, in nanoseconds.
fn told(raw: &mut Raw) -> [i64; 2] {
    let told: Value = serde_json::from_str(&raw.get("/clock").body).unwrap();
    ["received_ns", "sent_ns"].map(|key| told[key].as_i64().unwrap())
}

#[test]
fn a_clock_tells_the_true_time_or_one_that_is_off() {
    let minute = 60_000_000_000;
    for (faults, off) in [(&[][..], 0), (&["clock ahead 1m"], minute), (&["clock behind 1m"], -minute)] {
        let (_running, address) = server(faults);
        let mut raw = Raw::open(address);
        let before = now().0 as i64;
        let [received, sent] = told(&mut raw);
        assert!(before <= received - off && received <= sent && sent - off <= now().0 as i64, "{faults:?}");
    }
}

#[test]
fn a_frozen_server_answers_nobody() {
    let (_running, address) = server(&["freeze at 200ms for 500ms"]);
    let mut raw = Raw::open(address);
    let mut longest = 0;
    let [_, mut last] = told(&mut raw);
    while longest < 500_000_000 {
        let [received, sent] = told(&mut raw);
        longest = longest.max(received - last);
        last = sent;
    }
    assert_eq!(counts(address)["frozen"], 1);
    assert_eq!(raw.get("/ok").body, "ok\n", "and goes on with the same connections");
}

#[test]
fn memory_is_held_for_each_subscribing_connection_and_no_other() {
    let (_running, address) = server(&["memory 10KiB"]);
    let mut publisher = Raw::open(address);
    publish(&mut publisher, "m", [1]);
    let sockets = [(); 3].map(|()| Raw::upgraded(address, "/ws/m"));
    let mut poller = Raw::open(address);
    for _ in 0..5 {
        assert_eq!(numbers(&poller.get("/latest/m").body), [1]);
    }
    assert_eq!(counts(address)["memory_bytes"], 4 * 10_240);
    drop(sockets);
    until_stats(address, "\"memory_bytes\":10240}");
    drop(poller);
    until_stats(address, "\"memory_bytes\":0}");
}

#[test]
fn held_messages_outlive_a_restart_unless_it_loses_history() {
    for (more, kept) in [("", vec![1]), (" losing history", vec![])] {
        let restart = format!("restart at 400ms for 100ms{more}");
        let (_running, address) = server(&["withhold every 1 for 1500ms", &restart]);
        publish(&mut Raw::open(address), "r", [1]);
        // Nobody is there to ask while it is down.
        while std::net::TcpStream::connect(address).is_ok() {
            sleep_blocking(MS);
        }
        while std::net::TcpStream::connect(address).is_err() {
            sleep_blocking(MS);
        }
        until_stats(address, "\"held\":0,");
        assert_eq!(numbers(&Raw::open(address).get("/poll/r?after=0").body), kept, "{restart}");
        assert_eq!(counts(address)["forgotten"], 1 - kept.len() as u64);
    }
}

#[test]
fn a_held_message_keeps_its_channel() {
    let (_running, address) = server(&["delay 200ms", "drop every 2"]);
    let mut raw = Raw::open(address);
    publish(&mut raw, "k", [1]);
    // Whoever leaves last would take a channel away that never had a message.
    drop(Raw::upgraded(address, "/ws/k"));
    until_stats(address, "\"websocket\":0,");
    until_stats(address, "\"held\":0,");
    publish(&mut raw, "k", [2]);
    assert_eq!(numbers(&raw.get("/poll/k?after=0").body), [1]);
    assert_eq!(counts(address)["dropped"], 1, "counting went on");
}

#[test]
fn contradictions_are_refused() {
    let faults = ["delay 1ms", "service exponential 1ms"].map(|f| f.parse().unwrap()).into();
    let config = Config { faults, ..Config::default() };
    let error = Bound::bind(([127, 0, 0, 1], 0).into(), config.clone()).err().unwrap();
    assert!(error.to_string().contains("leave one of them out"), "{error}");
    assert!(start_on_thread(config).is_err());
}
