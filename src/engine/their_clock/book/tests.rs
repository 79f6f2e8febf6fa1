//! What a book of exchanges with a known clock comes to.

use super::*;

const START: u64 = 7_000_000_000_000;

/// A clock of 1970 that is 50 ms ahead of that and gains `ppm`, asked with ways of 20 us and up.
struct Truth {
    ppm: f64,
    step_ns: u64,
    random: fastrand::Rng,
}

impl Truth {
    fn new(ppm: f64) -> Truth {
        Truth { ppm, step_ns: 1, random: fastrand::Rng::with_seed(7) }
    }

    fn offset_ns(&self, ours: u64) -> i64 {
        1_790_000_000_050_000_000 + ((ours as f64 - START as f64) * self.ppm / 1e6) as i64
    }

    fn theirs(&self, ours: u64) -> u64 {
        let exact = (ours as i64 + self.offset_ns(ours)) as u64;
        exact - exact % self.step_ns
    }

    fn burst(&mut self, at_ns: u64) -> Vec<Exchange> {
        let mut one = |i: u64| {
            let mut way = || 20_000 + self.random.u64(0..300_000);
            let sent = at_ns + i * 1_000_000;
            let there = sent + way();
            let received_ns = there + 5_000 + way();
            let (there_received_ns, there_sent_ns) = (self.theirs(there), self.theirs(there + 5_000));
            Exchange { sent_ns: sent, there_received_ns, there_sent_ns, received_ns }
        };
        (0..8).map(&mut one).collect()
    }
}

fn second(s: u64) -> Nanos {
    Nanos(START + s * 1_000_000_000)
}

/// A run of 20 s, a burst each second, as it is asked in earnest.
fn played(truth: &mut Truth) -> Book {
    let mut book = Book::default();
    for s in 0..=20 {
        book.add(&truth.burst(second(s).0));
        book.draw(second(s) + Nanos::from_millis(10)).unwrap();
    }
    book
}

#[test]
fn offset_and_drift_of_a_clock_are_found_and_each_line_used_lies_within_epsilon() {
    let mut truth = Truth::new(50.0);
    let book = played(&mut truth);
    let window = second(2)..second(19);
    let known = book.close(&window).unwrap();
    let epsilon = known.epsilon_ns() as i64;
    assert!((10_000..400_000).contains(&epsilon), "{known:?}");
    let middle = START + 10_500_000_000;
    assert!((known.offset_ns - truth.offset_ns(middle)).abs() <= known.fit_error_ns as i64, "{known:?}");
    assert!((known.drift_ppm - 50.0).abs() < 10.0, "{known:?}");
    assert_eq!((known.step_ns, book.answered, book.failed), (1, 21 * 8, 0));
    for (from, line) in book.used.iter().filter(|u| window.contains(&u.0)) {
        for ours in [from.0, from.0 + 999_000_000] {
            let wrong = line.ours(Nanos(truth.theirs(ours))).0 as i64 - ours as i64;
            assert!(wrong.abs() <= epsilon, "{wrong} ns of {epsilon} at {ours}: {line:?}");
        }
    }
}

#[test]
fn what_was_used_while_the_drift_was_not_known_is_in_epsilon() {
    let book = played(&mut Truth::new(500.0));
    let (late, early) = (book.close(&(second(8)..second(19))), book.close(&(second(0)..second(19))));
    // A second of 500 ppm is 500 us, as long as no drift is assumed.
    assert!(early.unwrap().live_error_ns > 450_000.0, "{early:?}");
    assert!(late.unwrap().live_error_ns < 300_000.0, "{late:?}");
}

#[test]
fn a_clock_that_tells_milliseconds_is_known_no_better_than_that() {
    let mut truth = Truth { step_ns: 1_000_000, ..Truth::new(0.0) };
    let book = played(&mut truth);
    let known = book.close(&(second(2)..second(19))).unwrap();
    assert_eq!(known.step_ns, 1_000_000);
    assert!(known.epsilon_ns() >= 1_500_000, "{known:?}");
    assert!((known.offset_ns - truth.offset_ns(START)).unsigned_abs() <= known.epsilon_ns(), "{known:?}");
}

#[test]
fn where_nobody_answers_any_more_the_error_grows() {
    let mut truth = Truth::new(50.0);
    let mut book = Book::default();
    (0..=5).for_each(|s| book.add(&truth.burst(second(s).0)));
    let of = |until| book.close(&(second(1)..second(until))).unwrap().fit_error_ns;
    assert!(of(50) > 5.0 * of(5), "{} and {}", of(50), of(5));
}

#[test]
fn a_clock_that_was_set_is_no_line_and_epsilon_holds_the_jump() {
    let mut truth = Truth::new(0.0);
    let mut book = Book::default();
    for s in 0..=20 {
        let mut burst = truth.burst(second(s).0);
        let jump = if s < 10 { 0 } else { 40_000_000 };
        burst.iter_mut().for_each(|e| {
            e.there_received_ns += jump;
            e.there_sent_ns += jump;
        });
        book.add(&burst);
    }
    let known = book.close(&(second(2)..second(19))).unwrap();
    assert!(known.epsilon_ns() > 10_000_000, "{known:?}");
}

#[test]
fn nothing_answered_is_nothing_known_and_nonsense_is_no_answer() {
    let mut book = Book::default();
    book.fail("it answered 404".to_owned());
    book.fail("it answered 500".to_owned());
    let backwards = Exchange { sent_ns: 10, there_received_ns: 2_003, there_sent_ns: 1_001, received_ns: 20 };
    book.add(&[backwards]);
    assert_eq!((book.draw(second(0)), book.close(&(second(0)..second(1)))), (None, None));
    assert_eq!((book.failed, book.answered, book.first_failure.as_str()), (3, 0, "it answered 404"));
    assert!(!book.is_known());
}
