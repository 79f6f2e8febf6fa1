//! Publishers: nothing but the instant at which a message is due decides when it goes out.

use crate::fake::read_head;
use pushbench::client::{Feed, FeedChannel, HttpWay, Publisher, Way, Workplace};
use pushbench::clock::{Clock, Timer};
use pushbench::model::{LifeSpec, Nanos, Op, ReconnectSpec, RunTag, Stamp};
use pushbench::net::{Dialer, Place};
use pushbench::pace::{Constant, Schedule};
use pushbench::record::Recorder;
use pushbench::scenario::MessageTemplate;
use pushbench::transport::{MessageMaker, PostHead};
use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::rc::Rc;

const TAG: RunTag = RunTag::new(5);

fn on_a_worker<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

fn workplace() -> Rc<Workplace> {
    let clock = Clock::Monotonic;
    Rc::new(Workplace {
        timer: Timer::start(clock).unwrap(),
        pulse: Rc::default(),
        dialer: Rc::new(Dialer::new(clock)),
        recorder: RefCell::new(Recorder::new(Nanos::ZERO..Nanos::MAX)),
        events: None,
        tag: TAG,
        payload_bytes: 64,
        latest_value: false,
        echo: false,
        follow: None,
        fan_out: None,
        close_codes: false,
        life: LifeSpec::default(),
        reconnect: ReconnectSpec::default(),
        connect_timeout: Nanos::SECOND,
        request_timeout: Nanos::SECOND * 5,
    })
}

/// One channel, a message each millisecond for a hundred of them.
fn feed(place: &Workplace, way: Way) -> Feed {
    let start = place.now() + Nanos::from_millis(20);
    Feed {
        channels: vec![FeedChannel {
            index: 0,
            name: "c".into(),
            schedule: Schedule::Constant(Constant::new(1_000.0, 0.0)),
        }],
        start,
        measure: start..start + Nanos::from_millis(100),
        message: MessageMaker::new(&MessageTemplate::plain(), 64),
        way,
    }
}

/// Keeps the thread, as a loop does that has a thousand reads to handle.
fn busy_until(place: &Workplace, at: Nanos) {
    while place.now() < at {
        std::hint::spin_loop();
    }
}

#[test]
fn what_becomes_due_while_the_loop_is_busy_goes_out_between_two_reads() {
    on_a_worker(async {
        let place = workplace();
        let (mut reader, writer) = std::io::pipe().unwrap();
        let feed = feed(&place, Way::Pipe(OwnedFd::from(writer)));
        let start = feed.start;
        let publisher = Publisher::new(Rc::clone(&place), feed).unwrap();
        publisher.start();
        // Its pacing task begins, and waits for the first message.
        place.timer.sleep_until(start - Nanos::from_millis(10)).await;
        busy_until(&place, start + Nanos::from_micros(2_500));
        place.pulse.beat(start + Nanos::from_micros(2_500));
        // Not one task of the loop has had a turn meanwhile.
        let mut lines = vec![0; 3 * ("c\t".len() + 64 + 1)];
        reader.read_exact(&mut lines).unwrap();
        let stamps: Vec<Stamp> = Stamp::find_all(&lines).map(|found| found.unwrap()).collect();
        let dues: Vec<Nanos> = stamps.iter().map(|s| s.due).collect();
        let ms = Nanos::from_millis;
        let whole = |at: Nanos| Nanos(at.0 - at.0 % 1_000);
        assert_eq!(dues, [start, start + ms(1), start + ms(2)].map(whole));
        publisher.abort();
    });
}

/// Answers each publish request of a connection.
fn answer_all(peer: &mut TcpStream) {
    while !read_head(peer).is_empty() {
        let mut body = [0; 64];
        peer.read_exact(&mut body).unwrap();
        if peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}

#[test]
fn connections_are_made_before_the_first_message_and_every_answer_is_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for peer in listener.incoming() {
            let mut peer = peer.unwrap();
            std::thread::spawn(move || answer_all(&mut peer));
        }
    });
    on_a_worker(async {
        let place = workplace();
        let way = HttpWay {
            to: Place::plain(address),
            heads: vec![PostHead::new("POST", "/pub", "h", "")],
            status: vec![200],
            connections: 64,
            receivers: None,
        };
        let feed = feed(&place, Way::Http(way));
        let (start, end) = (feed.start, feed.measure.end);
        let publisher = Publisher::new(Rc::clone(&place), feed).unwrap();
        publisher.start();
        let deadline = end + Nanos::SECOND * 5;
        let mut all = place.recorder.borrow_mut().take();
        while all.measured.operations_of(Op::Publish).finished < 100 && place.now() < deadline {
            place.timer.sleep(Nanos::from_millis(5)).await;
            all.merge(&place.recorder.borrow_mut().take());
        }
        publisher.abort();
        let counts = all.measured.operations_of(Op::Publish);
        assert_eq!((counts.started, counts.finished, counts.failed), (100, 100, 0));
        assert_eq!(all.measured.lateness.count(), 100);
        let report = publisher.report();
        assert_eq!((report.open, report.channels[0].1.failed.len()), (0, 0));
        assert_eq!(report.channels[0].1.dues.first(), Some(&start));
    });
}
