//! Known answers, and what holds of every fit.

use super::*;
use proptest::prelude::*;

/// NIST Statistical Reference Datasets, Longley (1967): employment, then six regressors.
const LONGLEY: [[f64; 7]; 16] = [
    [60_323.0, 83.0, 234_289.0, 2_356.0, 1_590.0, 107_608.0, 1_947.0],
    [61_122.0, 88.5, 259_426.0, 2_325.0, 1_456.0, 108_632.0, 1_948.0],
    [60_171.0, 88.2, 258_054.0, 3_682.0, 1_616.0, 109_773.0, 1_949.0],
    [61_187.0, 89.5, 284_599.0, 3_351.0, 1_650.0, 110_929.0, 1_950.0],
    [63_221.0, 96.2, 328_975.0, 2_099.0, 3_099.0, 112_075.0, 1_951.0],
    [63_639.0, 98.1, 346_999.0, 1_932.0, 3_594.0, 113_270.0, 1_952.0],
    [64_989.0, 99.0, 365_385.0, 1_870.0, 3_547.0, 115_094.0, 1_953.0],
    [63_761.0, 100.0, 363_112.0, 3_578.0, 3_350.0, 116_219.0, 1_954.0],
    [66_019.0, 101.2, 397_469.0, 2_904.0, 3_048.0, 117_388.0, 1_955.0],
    [67_857.0, 104.6, 419_180.0, 2_822.0, 2_857.0, 118_734.0, 1_956.0],
    [68_169.0, 108.4, 442_769.0, 2_936.0, 2_798.0, 120_445.0, 1_957.0],
    [66_513.0, 110.8, 444_546.0, 4_681.0, 2_637.0, 121_950.0, 1_958.0],
    [68_655.0, 112.6, 482_704.0, 3_813.0, 2_552.0, 123_366.0, 1_959.0],
    [69_564.0, 114.2, 502_601.0, 3_931.0, 2_514.0, 125_368.0, 1_960.0],
    [69_331.0, 115.7, 518_173.0, 4_806.0, 2_572.0, 127_852.0, 1_961.0],
    [70_551.0, 116.9, 554_894.0, 4_007.0, 2_827.0, 130_081.0, 1_962.0],
];

/// Certified estimates with their standard deviations, the constant first.
const CERTIFIED: [(f64, f64); 7] = [
    (-3_482_258.634_595_82, 890_420.383_607_373),
    (15.061_872_271_373_3, 84.914_925_774_766_9),
    (-0.035_819_179_292_591_0, 0.033_491_007_772_243_2),
    (-2.020_229_803_816_83, 0.488_399_681_651_699),
    (-1.033_226_867_173_59, 0.214_274_163_161_675),
    (-0.051_104_105_653_580_7, 0.226_073_200_069_370),
    (1_829.151_464_613_55, 455.478_499_142_212),
];

fn close(a: f64, b: f64, share: f64) {
    assert!((a - b).abs() <= share * b.abs(), "{a} is not {b}");
}

#[test]
fn longley_comes_out_as_certified() {
    let column = |j: usize| LONGLEY.iter().map(|row| row[j]).collect::<Vec<f64>>();
    let fit = fit(&(1..7).map(column).collect::<Vec<_>>(), &column(0)).unwrap();
    for (told, (value, error)) in std::iter::once(&fit.base).chain(&fit.slopes).zip(CERTIFIED) {
        close(told.value, value, 1e-9);
        close(told.error, error, 1e-9);
        // Nine degrees of freedom.
        close(told.high - told.low, 2.0 * 2.262 * error, 1e-9);
    }
    close(fit.r_squared.unwrap(), 0.995_479_004_577_296, 1e-12);
    close((dot(&fit.residuals, &fit.residuals) / 9.0).sqrt(), 304.854_073_561_965, 1e-9);
    // The greatest variance inflation factor of these data is a byword: 1789.
    let least = fit.tolerances.iter().copied().fold(f64::MAX, f64::min);
    close(1.0 / least, 1_788.51, 1e-4);
}

#[test]
fn one_regressor_is_a_straight_line() {
    let fit = fit(&[vec![1.0, 2.0, 3.0, 4.0]], &[2.0, 4.0, 5.0, 8.0]).unwrap();
    close(fit.slopes[0].value, 1.9, 1e-12);
    assert!(fit.base.value.abs() < 1e-12);
    // SSE 0.7 over 2, Sxx 5.
    close(fit.slopes[0].error, (0.35_f64 / 5.0).sqrt(), 1e-12);
    close(fit.base.error, (0.35_f64 * (0.25 + 6.25 / 5.0)).sqrt(), 1e-12);
    close(fit.tolerances[0], 1.0, 1e-12);
    assert_eq!(fit.degrees, 2);
}

#[test]
fn what_cannot_be_told_apart_is_refused() {
    let clients = [100.0, 200.0, 400.0, 800.0, 1_600.0];
    let deliveries: Vec<f64> = clients.iter().map(|c| 20.0 * c).collect();
    let values = [1.0, 2.0, 4.0, 8.0, 16.5];
    assert_eq!(fit(&[clients.to_vec(), deliveries], &values), Err(Unfit::Dependent(1)));
    assert_eq!(fit(&[vec![7.0; 5]], &values), Err(Unfit::Dependent(0)));
    assert_eq!(fit(&[vec![0.0; 5]], &values), Err(Unfit::Dependent(0)));
    assert_eq!(fit(&[vec![1.0, 2.0]], &[1.0, 2.0]), Err(Unfit::TooFew));
    assert_eq!(fit(&[vec![1.0, 2.0, f64::NAN]], &[1.0, 2.0, 3.0]), Err(Unfit::Malformed));
    assert_eq!(fit(&[vec![1.0, 2.0]], &[1.0, 2.0, 3.0]), Err(Unfit::Malformed));
}

#[test]
fn nearly_together_has_a_small_tolerance() {
    let clients = [100.0, 200.0, 400.0, 800.0, 1_600.0];
    let deliveries: Vec<f64> =
        clients.iter().enumerate().map(|(i, c)| (20.0 + 0.01 * i as f64) * c).collect();
    let fit = fit(&[clients.to_vec(), deliveries], &[1.0, 2.0, 4.0, 8.0, 16.5]).unwrap();
    assert!(fit.tolerances.iter().all(|t| *t < 1e-5), "{:?}", fit.tolerances);
}

#[test]
fn values_that_do_not_vary_have_no_share_to_explain() {
    let fit = fit(&[vec![1.0, 2.0, 3.0]], &[4.0; 3]).unwrap();
    assert_eq!((fit.r_squared, fit.base.value, fit.slopes[0].value), (None, 4.0, 0.0));
}

#[test]
fn the_intervals_hold_the_truth_as_often_as_they_say() {
    let mut random = fastrand::Rng::with_seed(5);
    let noise = |r: &mut fastrand::Rng| (0..12).map(|_| r.f64()).sum::<f64>() - 6.0;
    let mut held = [0; 3];
    for _ in 0..4_000 {
        let points: Vec<(f64, f64)> =
            [100.0, 400.0, 900.0].iter().flat_map(|c| [1.0, 5.0, 20.0].map(|r| (*c, r * c))).collect();
        let (clients, deliveries) = points.iter().copied().unzip();
        let values: Vec<f64> =
            points.iter().map(|(c, d)| 3_000.0 + 2.0 * c + 4.0 * d + 900.0 * noise(&mut random)).collect();
        let fit = fit(&[deliveries, clients], &values).unwrap();
        let truths = [(fit.base, 3_000.0), (fit.slopes[0], 4.0), (fit.slopes[1], 2.0)];
        for (n, (told, truth)) in held.iter_mut().zip(truths) {
            *n += u32::from(told.low <= truth && truth <= told.high);
        }
    }
    // 95 % of 4,000, plus or minus four standard deviations.
    assert!(held.iter().all(|n| (3_745..=3_855).contains(n)), "{held:?}");
}

proptest! {
    #[test]
    fn residuals_are_orthogonal_to_everything(
        rows in prop::collection::vec((0.0..1e3_f64, 0.0..1e5_f64, -1e4..1e4_f64), 6..30)
    ) {
        let a: Vec<f64> = rows.iter().map(|r| r.0).collect();
        let b: Vec<f64> = rows.iter().map(|r| r.1).collect();
        let y: Vec<f64> = rows.iter().map(|r| r.2).collect();
        let fit = fit(&[a.clone(), b.clone()], &y).unwrap();
        let scale = dot(&y, &y).sqrt().max(1.0);
        for column in [vec![1.0; y.len()], a, b] {
            let length = dot(&column, &column).sqrt();
            prop_assert!(dot(&column, &fit.residuals).abs() <= 1e-9 * scale * length);
        }
        prop_assert!(fit.r_squared.is_none_or(|r| (-1e-9..=1.0).contains(&r)));
    }

    #[test]
    fn what_is_exact_is_found(base in -1e3..1e3_f64, a in -50.0..50.0_f64, b in -50.0..50.0_f64) {
        let points = [(1.0, 10.0), (2.0, 70.0), (3.0, 20.0), (4.0, 90.0), (5.0, 10.0)];
        let (x, z): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
        let y: Vec<f64> = points.iter().map(|(x, z)| base + a * x + b * z).collect();
        let fit = fit(&[x, z], &y).unwrap();
        prop_assert!((fit.base.value - base).abs() < 1e-8);
        prop_assert!((fit.slopes[0].value - a).abs() < 1e-8 && (fit.slopes[1].value - b).abs() < 1e-8);
        prop_assert!(fit.residuals.iter().all(|r| r.abs() < 1e-8));
    }
}
