//! First, median and last against sorted arrivals, on one worker and on several.

use super::*;
use crate::record::FanMerge;
use proptest::prelude::*;

const WINDOW: std::ops::Range<Nanos> = Nanos(0)..Nanos(1 << 40);

fn receipt(sequence: u32, due: u64, received: u64) -> Receipt {
    Receipt { channel: 0, sequence, due: Nanos(due), received: Nanos(received) }
}

fn ends(t: &Timing) -> Option<(u64, u64)> {
    t.min_ns().zip(t.max_ns())
}

/// What one worker alone says of messages with these arrivals after they were due.
fn alone(messages: &[Vec<u64>], subscribers: u32) -> Fan {
    let mut recorder = Recorder::new(WINDOW);
    let mut windows = FanWindows::new([false].into_iter());
    for (i, times) in messages.iter().enumerate() {
        for time in times {
            windows.receive(&receipt(i as u32, 1_000, 1_000 + time), &mut recorder, || subscribers);
        }
    }
    windows.close(&mut recorder);
    assert!(windows.take_pieces().is_empty());
    recorder.take().measured.fan
}

#[test]
fn the_median_is_the_one_with_whom_half_rounded_up_have_it() {
    for (times, median) in [(&[5, 7, 9][..], 7), (&[5, 7, 9, 11], 7), (&[5], 5), (&[5, 6], 5)] {
        let fan = alone(&[times.to_vec()], times.len() as u32);
        let last = times[times.len() - 1];
        assert_eq!(ends(&fan.first), Some((5, 5)));
        assert_eq!(ends(&fan.median), Some((median, median)));
        assert_eq!(ends(&fan.last), Some((last, last)));
        assert_eq!((fan.messages, fan.receivers, fan.incomplete), (1, times.len() as u64, 0));
    }
}

#[test]
fn what_not_all_have_is_incomplete_and_has_no_last() {
    let fan = alone(&[vec![5, 7, 9], vec![6]], 4);
    assert_eq!((fan.messages, fan.incomplete, fan.below_half, fan.pushed_out), (2, 2, 1, 0));
    assert_eq!((fan.first.count(), fan.median.count(), fan.last.count()), (2, 1, 0));
}

#[test]
fn a_much_later_message_drives_out_an_incomplete_one_and_the_window_stays_bounded() {
    let mut recorder = Recorder::new(WINDOW);
    let mut windows = FanWindows::new([false].into_iter());
    let most = MOST_OF_ONE as u32;
    let mut receive = |sequence, at| windows.receive(&receipt(sequence, 10, at), &mut recorder, || 2);
    receive(0, 11);
    receive(most, 12);
    // Too late: it was told as incomplete.
    receive(0, 13);
    receive(most, 14);
    windows.close(&mut recorder);
    let fan = recorder.take().measured.fan;
    assert_eq!((fan.messages, fan.incomplete, fan.pushed_out, fan.below_half), (2, 1, 1, 0));
    assert_eq!((ends(&fan.first), ends(&fan.last)), (Some((1, 2)), Some((4, 4))));
    assert_eq!(windows.channels[0].slots.len(), MOST_OF_ONE);
    assert_eq!(FanWindows::new(std::iter::repeat_n(false, 100_000)).most, LEAST_OF_ONE);
}

#[test]
fn only_what_was_due_in_measure_counts() {
    let mut recorder = Recorder::new(Nanos(100)..Nanos(200));
    let mut windows = FanWindows::new([false].into_iter());
    windows.receive(&receipt(0, 99, 150), &mut recorder, || 1);
    windows.receive(&receipt(1, 199, 250), &mut recorder, || 1);
    let fan = recorder.take().measured.fan;
    assert_eq!((fan.messages, ends(&fan.last)), (1, Some((51, 51))));
}

#[test]
fn sixteen_marks_lie_evenly_and_end_at_the_last() {
    for subscribers in [1_u32, 2, 7, 16, 17, 50, 1_000, 15_000] {
        let ranks: Vec<u32> = (0..MARKS.min(subscribers)).map(|j| rank_of_mark(j, subscribers)).collect();
        assert_eq!(ranks.last(), Some(&subscribers));
        let set: Vec<u32> = (1..=subscribers).filter(|n| mark_of(*n, subscribers).is_some()).collect();
        assert_eq!(set, ranks, "{subscribers}");
    }
}

/// The same arrivals, receiver `i` on worker `i % workers`.
fn spread_over(workers: usize, times: &[u64]) -> Fan {
    let mut merge = FanMerge::new(WINDOW, vec![workers as u32]);
    for worker in 0..workers {
        let mut own: Vec<u64> = times.iter().copied().skip(worker).step_by(workers).collect();
        own.sort_unstable();
        let mut recorder = Recorder::new(WINDOW);
        let mut windows = FanWindows::new([true].into_iter());
        for time in &own {
            let subscribers = own.len() as u32;
            windows.receive(&receipt(3, 1_000, 1_000 + time), &mut recorder, || subscribers);
        }
        windows.close(&mut recorder);
        windows.take_pieces().iter().for_each(|piece| merge.add(piece));
        assert_eq!(recorder.take().measured.fan.messages, 0, "it is not counted twice");
    }
    merge.finish(|_, _| times.len() as u32)
}

proptest! {
    #[test]
    fn several_workers_agree_with_one_but_for_the_median_of_many(
        mut times in proptest::collection::vec(1_u64..1_000_000, 1..300),
        workers in 1_usize..5,
    ) {
        let fan = spread_over(workers, &times);
        times.sort_unstable();
        let n = times.len();
        prop_assert_eq!(ends(&fan.first), Some((times[0], times[0])));
        prop_assert_eq!(ends(&fan.last), Some((times[n - 1], times[n - 1])));
        prop_assert_eq!((fan.messages, fan.receivers, fan.incomplete), (1, n as u64, 0));
        let median = fan.median.min_ns().unwrap();
        let exact = half(n as u32) as usize - 1;
        // Up to one mark's receivers of each worker later.
        let slack = workers * (n.div_ceil(workers).div_ceil(MARKS as usize) - 1);
        prop_assert!(times[exact] <= median && median <= times[(exact + slack).min(n - 1)]);
    }
}

#[test]
fn a_worker_none_of_whose_clients_had_it_makes_it_incomplete() {
    let piece = |receivers, pushed_out| Piece {
        channel: 0,
        sequence: 1,
        due: Nanos(5),
        subscribers: 2,
        receivers,
        first: Nanos(10),
        last: Nanos(20),
        marks: [Nanos(10), Nanos(20)]
            .into_iter()
            .chain([Nanos(0); 14])
            .collect::<Vec<_>>()
            .try_into()
            .unwrap(),
        pushed_out,
    };
    let mut merge = FanMerge::new(WINDOW, vec![2]);
    merge.add(&piece(2, false));
    let fan = merge.finish(|_, _| 6);
    assert_eq!((fan.messages, fan.receivers, fan.incomplete, fan.below_half), (1, 6, 1, 1));
    assert_eq!((ends(&fan.first), fan.last.count()), (Some((10, 10)), 0));
    // One that had it in part, and was driven out.
    let mut merge = FanMerge::new(WINDOW, vec![2]);
    [piece(2, false), piece(1, true)].iter().for_each(|p| merge.add(p));
    let fan = merge.finish(|_, _| unreachable!("both have told"));
    assert_eq!((fan.incomplete, fan.pushed_out, fan.below_half), (1, 1, 0));
}
