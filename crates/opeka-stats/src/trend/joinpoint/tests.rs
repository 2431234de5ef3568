use super::*;
use crate::random::Random;
use crate::testing::{assert_close, reason};
use proptest::prelude::*;

const FIXED: JoinpointOptions<'static> = JoinpointOptions {
    scale: Scale::Linear,
    search: Search::Grid,
    selection: Selection::Fixed,
    min_to_end: 2,
    min_between: 2,
    std_error: None,
    conf_level: 0.95,
};

const ANYWHERE: JoinpointOptions<'static> =
    JoinpointOptions { search: Search::Continuous, ..FIXED };

const CASE_VALUE: [f64; 12] =
    [19.296, 20.364, 23.28, 26.076, 29.277, 30.129, 31.575, 29.101, 29.296, 28.552, 24.869, 21.506];
const CASE_ERROR: [f64; 12] =
    [0.8895, 1.5976, 1.7195, 1.8424, 1.2748, 1.4938, 1.9135, 0.6882, 1.5625, 1.0361, 1.8099, 0.513];

fn years(n: u32) -> Vec<f64> {
    (0..n).map(|t| 2000.0 + f64::from(t)).collect()
}

fn noise(n: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed, 0);
    (0..n).map(|_| random.normal()).collect()
}

/// Every combination of observed times, each fitted for itself.
fn slow_grid(series: &Series, joins: usize, options: &JoinpointOptions<'_>) -> (f64, Vec<f64>) {
    let times = &series.distinct;
    let (mut best, mut chosen) = (f64::INFINITY, Vec::new());
    let mut places: Vec<usize> = (0..joins).collect();
    'next: loop {
        let inside = |from: usize, to: usize| to - from - 1;
        let ends = places[0] >= options.min_to_end
            && times.len() - 1 - places[joins - 1] >= options.min_to_end;
        if ends && places.windows(2).all(|p| inside(p[0], p[1]) >= options.min_between) {
            let at: Vec<f64> = places.iter().map(|k| times[*k]).collect();
            let rss = series.fit(&at).unwrap().rss;
            if rss < best {
                (best, chosen) = (rss, at);
            }
        }
        for k in (0..joins).rev() {
            if places[k] < times.len() - joins + k {
                places[k] += 1;
                for later in k + 1..joins {
                    places[later] = places[later - 1] + 1;
                }
                continue 'next;
            }
        }
        return (best, chosen);
    }
}

#[test]
fn exact_lines_are_found() {
    let time = years(12);
    let value: Vec<f64> = time
        .iter()
        .map(|t| libm::exp(0.1 * (t - 2000.0) - 0.3 * (t - 2006.0f64).max(0.0)))
        .collect();
    let log = JoinpointOptions { scale: Scale::Log, ..FIXED };
    let trend = joinpoint(&value, &time, 1, &log);
    assert_eq!(trend.joins[0].time, 2006.0);
    assert_close(trend.segments[0].slope, 0.1, 1e-12);
    assert_close(trend.segments[1].slope, -0.2, 1e-12);
    assert_close(trend.segments[0].estimate, 100.0 * libm::expm1(0.1), 1e-12);
    // Six years at 0.1 and five at −0.2.
    assert_close(trend.slope.unwrap(), -0.4 / 11.0, 1e-11);
    assert!(reason(trend.reason).contains("the lines meet every point"));
    // A crossing between two observations.
    let value: Vec<f64> = time.iter().map(|t| (t - 2004.3f64).max(0.0)).collect();
    let trend = joinpoint(&value, &time, 1, &ANYWHERE);
    assert_close(trend.joins[0].time, 2004.3, 1e-13);
    // A line needs no test.
    let line: Vec<f64> = time.iter().map(|t| 3.0 * t).collect();
    let trend = joinpoint(
        &line,
        &time,
        2,
        &JoinpointOptions { scale: Scale::Linear, ..JoinpointOptions::default() },
    );
    assert_eq!(trend.n_joins, Some(0));
    assert_eq!(trend.tests.len(), 2);
    assert!(trend.tests.iter().all(|test| test.p_value.is_none()));
    assert_eq!(
        joinpoint(&line, &time, 2, &JoinpointOptions { selection: Selection::Bic, ..FIXED })
            .n_joins,
        Some(0)
    );
}

/// numpy 2.4.6: least squares on every combination of observed times, and Nelder–Mead from the
/// best of a dense set of starts for joins anywhere; two joins, two or more times per segment.
#[test]
fn agrees_with_an_exhaustive_search_elsewhere() {
    let time = years(12);
    let value = CASE_VALUE;
    let log = JoinpointOptions { scale: Scale::Log, ..FIXED };
    let grid = joinpoint(&value, &time, 2, &log);
    assert_eq!([grid.joins[0].time, grid.joins[1].time], [2005.0, 2009.0]);
    assert_close(grid.rss.unwrap(), 0.005_739_742_449_950_972, 1e-10);
    let anywhere =
        joinpoint(&value, &time, 2, &JoinpointOptions { search: Search::Continuous, ..log });
    assert_close(anywhere.rss.unwrap(), 0.004_344_132_251_914_07, 1e-10);
    assert_close(anywhere.joins[0].time, 2_004.600_906_818_000_6, 1e-9);
    assert_close(anywhere.joins[1].time, 2_008.942_708_934_533_4, 1e-9);

    let weighted = JoinpointOptions { std_error: Some(&CASE_ERROR), ..log };
    let grid = joinpoint(&value, &time, 2, &weighted);
    assert_eq!([grid.joins[0].time, grid.joins[1].time], [2004.0, 2009.0]);
    assert_close(grid.rss.unwrap(), 2.386_159_325_949_495_5, 1e-10);
    let anywhere =
        joinpoint(&value, &time, 2, &JoinpointOptions { search: Search::Continuous, ..weighted });
    assert_close(anywhere.rss.unwrap(), 1.477_821_770_791_450_5, 1e-10);
    assert_close(anywhere.joins[0].time, 2_004.480_586_786_956_3, 1e-9);
}

/// R segmented 2.1.4 on ln(value) of Lake Huron: what it says of the joins at which it stopped.
#[test]
fn errors_are_those_of_segmented_where_it_stopped() {
    let text =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/lake_huron.csv"));
    let (time, value): (Vec<f64>, Vec<f64>) = text
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap())
        .map(|(year, value)| (year.parse::<f64>().unwrap(), value.trim().parse::<f64>().unwrap()))
        .unzip();
    let options = JoinpointOptions { scale: Scale::Log, ..ANYWHERE };
    let series = Series::new(&value, &time, None, Scale::Log).unwrap();
    let at = |joins: &[f64]| {
        let fit = series.fit(joins).unwrap();
        let fitted = selection::Fitted { joins: joins.to_vec(), fit };
        inference::describe(&series, &fitted, &options).unwrap()
    };
    let two = at(&[1940.9999, 1943.0001]);
    assert_close(two.rss.unwrap(), 0.000_251_601_708_433_715_56, 1e-6);
    for (segment, error) in two.segments.iter().zip([1.0685e-5, 1.1694e-3, 3.6704e-5]) {
        assert_close(segment.std_error.unwrap(), error, 5e-5);
    }
    let half = two.joins[1].conf_high.unwrap() - two.joins[1].time;
    assert_close(half / 1.986_086_3, 0.955_273_796, 1e-3);
    let three = at(&[1_936.977_122_693_115, 1_952.998_430_505_096_2, 1_964.000_093_314_606_8]);
    assert_close(three.rss.unwrap(), 0.000_183_080_044_616_806_66, 1e-9);
    assert_close(three.bic.unwrap(), -973.297_688_744_380_9, 1e-9);
    for (segment, error) in three.segments.iter().zip([1.0122e-5, 7.735e-5, 1.1927e-4, 2.2008e-4]) {
        assert_close(segment.std_error.unwrap(), error, 5e-5);
    }
    for (join, error) in three.joins.iter().zip([2.118_228_917_6, 1.367_757_756, 1.019_270_217_4]) {
        // t with 90 degrees of freedom.
        let half = join.conf_high.unwrap() - join.time;
        assert_close(half / 1.986_674_540_703_772, error, 2e-4);
    }
    assert_close(three.std_error.unwrap(), 1.018_327_476e-5, 1e-4);
}

#[test]
fn limits_of_the_grid_are_lermans() {
    let time = years(16);
    let value: Vec<f64> =
        time.iter().zip(noise(16, 3)).map(|(t, e)| (t - 2008.0f64).max(0.0) + 0.6 * e).collect();
    let trend = joinpoint(&value, &time, 1, &FIXED);
    let series = Series::new(&value, &time, None, Scale::Linear).unwrap();
    // t with 12 degrees of freedom, squared, is F with 1 and 12.
    let most = trend.rss.unwrap() * (1.0 + 2.178_812_829_667_228f64.powi(2) / 12.0);
    let inside: Vec<f64> = time[2..14]
        .iter()
        .copied()
        .filter(|join| series.fit(&[*join]).unwrap().rss <= most)
        .collect();
    assert!(inside.len() > 1, "{inside:?}");
    let join = &trend.joins[0];
    assert_eq!((join.conf_low, join.conf_high), (inside.first().copied(), inside.last().copied()));
}

#[test]
fn errors_of_the_grid_leave_points_on_joins_out() {
    let time = years(9);
    let value = [1.0, 2.2, 2.9, 4.1, 5.3, 4.2, 2.8, 2.1, 1.2];
    let trend = joinpoint(&value, &time, 1, &FIXED);
    assert_eq!(trend.joins[0].time, 2004.0);
    // Lines by themselves through four points each: Sxx = 5, slopes 1.00 and −0.97.
    let rss = |y: [f64; 4]| {
        let x = [-1.5, -0.5, 0.5, 1.5];
        let mean = y.iter().sum::<f64>() / 4.0;
        let slope = x.iter().zip(&y).map(|(x, y)| x * y).sum::<f64>() / 5.0;
        x.iter().zip(&y).map(|(x, y)| (y - mean - slope * x).powi(2)).sum::<f64>()
    };
    let variance = (rss([1.0, 2.2, 2.9, 4.1]) + rss([4.2, 2.8, 2.1, 1.2])) / 4.0;
    for segment in &trend.segments {
        assert_close(segment.std_error.unwrap(), (variance / 5.0).sqrt(), 1e-12);
        let t = segment.slope / segment.std_error.unwrap();
        assert_close(segment.statistic.unwrap(), t, 1e-12);
    }
}

#[test]
fn without_a_join_it_is_the_line() {
    // R 4.5.0: lm(log(value) ~ year), confint.
    let value = [3.0, 3.1, 3.4, 3.2, 3.6];
    let log = JoinpointOptions { scale: Scale::Log, ..FIXED };
    let trend = joinpoint(&value, &years(5), 0, &log);
    assert_eq!(trend.n_joins, Some(0));
    assert_eq!(trend.joins, []);
    let segment = &trend.segments[0];
    assert_eq!(trend.estimate, Some(segment.estimate));
    assert_eq!(trend.conf_low, segment.conf_low);
    assert_eq!(trend.conf_high, segment.conf_high);
    assert_eq!(trend.p_value, segment.p_value);
    assert_eq!((segment.start, segment.end), (2000.0, 2004.0));
    assert_eq!(trend.reason, None);
}

#[test]
fn edges() {
    let why = |value: &[f64], time: &[f64], options: &JoinpointOptions<'_>| {
        reason(joinpoint(value, time, 1, options).reason)
    };
    let t = years(9);
    let y = [1.0, 2.0, 3.0, 2.5, 2.0, 1.0, 1.5, 2.0, 3.0];
    let default = JoinpointOptions::default();
    assert!(why(&[], &[], &default).contains("there are 0 different times (it takes 3 or more)"));
    assert!(why(&y, &t[..4], &default).contains("9 values and 4 times"));
    assert!(why(&y, &[1.0; 9], &default).contains("1 different times"));
    assert!(why(&[f64::NAN; 9], &t, &default).contains("not a finite number"));
    assert!(why(&[0.0; 9], &t, &default).contains("a value is 0 and has no logarithm"));
    let level = JoinpointOptions { conf_level: 95.0, ..default };
    assert!(why(&y, &t, &level).contains("conf_level is 95"));
    let errors = JoinpointOptions { std_error: Some(&[1.0; 3]), ..default };
    assert!(why(&y, &t, &errors).contains("3 standard errors"));
    let errors = JoinpointOptions { std_error: Some(&[0.0; 9]), ..default };
    assert!(why(&y, &t, &errors).contains("a standard error is 0"));
    let few = JoinpointOptions { min_between: 1, ..default };
    assert!(why(&y, &t, &few).contains("min_between is 1 (it must be 2 or more)"));
    let none = Selection::Permutation { permutations: 0, seed: 1, alpha: 0.05 };
    let none = JoinpointOptions { selection: none, ..default };
    assert!(why(&y, &t, &none).contains("permutations is 0"));
    let many = vec![1.0; 1001];
    assert!(why(&many, &many, &default).contains("there are 1001 points"));

    // Five times have room for one join with two on each side, but the residuals need a sixth.
    let short = joinpoint(&y[..5], &t[..5], 2, &FIXED);
    assert_eq!(short.n_joins, Some(1));
    assert!(short.joins.iter().all(|join| join.conf_low.is_none() && join.conf_high.is_none()));
    assert!(reason(short.reason).contains("the segments leave no degree of freedom"));
    assert!(short.estimate.is_some() && short.conf_low.is_none());
    let short = joinpoint(&y[..6], &t[..6], 2, &default);
    assert!(reason(short.reason).contains("6 times have room for 1 of 2"));
    let long = years(200);
    let wide = joinpoint(&long, &long, 3, &default);
    assert!(reason(wide.reason).contains("3 joins in 200 times can lie in more than 500000 ways"));
}

#[test]
fn equal_values_have_no_trend() {
    let trend = joinpoint(&[2.0; 10], &years(10), 1, &JoinpointOptions::default());
    assert_eq!((trend.n_joins, trend.estimate), (Some(0), Some(0.0)));
    assert_eq!(trend.p_value, None);
    assert!(reason(trend.reason).contains("the test cannot be calculated"));
}

/// The level of the sequence and its power, in 300 series; limits are four standard deviations.
#[test]
fn the_tests_hold_their_level_and_see_a_bend() {
    let (mut wrong, mut single, mut found) = (0, 0, 0);
    let time = years(20);
    for run in 0..300 {
        let noise: Vec<f64> = noise(20, run).iter().map(|e| 0.1 * e).collect();
        let fit = |most: usize, bend: f64| {
            let with = |(t, e): (&f64, &f64)| libm::exp(e + bend * (t - 2009.0).max(0.0));
            let value: Vec<f64> = time.iter().zip(&noise).map(with).collect();
            let selection = Selection::Permutation { permutations: 199, seed: run, alpha: 0.05 };
            let options = JoinpointOptions { selection, ..JoinpointOptions::default() };
            joinpoint(&value, &time, most, &options).n_joins.unwrap()
        };
        wrong += u32::from(fit(2, 0.0) > 0);
        single += u32::from(fit(1, 0.0) > 0);
        found += u32::from(fit(2, 0.1) == 1);
    }
    // 5 % of 300 are 15; the sequence is allowed less.
    assert!((1..=30).contains(&wrong), "{wrong}");
    assert!((2..=30).contains(&single), "{single}");
    assert!(found > 255, "{found}");
}

#[test]
fn permutations_of_few_points_approach_the_enumeration() {
    // Six points, one join at the third or fourth: all 720 orders of the residuals.
    let time = years(6);
    let value = [1.0, 2.1, 2.8, 2.9, 2.2, 1.3];
    let series = Series::new(&value, &time, None, Scale::Linear).unwrap();
    let line = series.fit(&[]).unwrap();
    let ratio = |y: &[f64]| {
        let series = Series::new(y, &time, None, Scale::Linear).unwrap();
        let (rss, _) = slow_grid(&series, 1, &FIXED);
        series.fit(&[]).unwrap().rss / rss
    };
    let seen = ratio(&value);
    let (mut order, mut as_large, mut all) = (vec![0usize; 6], 0.0, 0.0);
    for code in 0..6usize.pow(6) {
        let mut rest = code;
        for place in &mut order {
            *place = rest % 6;
            rest /= 6;
        }
        if (0..6).all(|k| order.contains(&k)) {
            let y: Vec<f64> =
                (0..6).map(|k| value[k] - line.residuals[k] + line.residuals[order[k]]).collect();
            all += 1.0;
            as_large += f64::from(u8::from(ratio(&y) >= seen * (1.0 - 1e-9)));
        }
    }
    assert_eq!(all, 720.0);
    let selection = Selection::Permutation { permutations: 20_000, seed: 5, alpha: 0.05 };
    let trend = joinpoint(&value, &time, 1, &JoinpointOptions { selection, ..FIXED });
    let p: f64 = as_large / all;
    let deviation = (p * (1.0 - p) / 20_000.0).sqrt();
    let ours = trend.tests[0].p_value.unwrap();
    assert!((ours - p).abs() < 4.0 * deviation + 1e-4, "{ours} {p}");
}

fn series_of(n: std::ops::Range<usize>) -> impl Strategy<Value = (Vec<f64>, Vec<f64>, Vec<f64>)> {
    let row = (-40i32..40, 1i32..5, 1i32..9);
    proptest::collection::vec(row, n).prop_map(|rows| {
        let mut clock = 1990;
        let mut columns = (Vec::new(), Vec::new(), Vec::new());
        for (value, step, error) in rows {
            // A quarter of the points share their time with the one before.
            clock += step % 4;
            columns.0.push(f64::from(value) / 8.0);
            columns.1.push(f64::from(clock));
            columns.2.push(f64::from(error) / 4.0);
        }
        columns
    })
}

proptest! {
    #[test]
    fn the_tree_is_the_exhaustive_search((value, time, error) in series_of(12..22), joins in 1usize..4) {
        for std_error in [None, Some(error.as_slice())] {
            let options = JoinpointOptions { std_error, ..FIXED };
            let Ok(series) = Series::new(&value, &time, std_error, Scale::Linear) else { continue };
            let most = series.most_joins(2, 2);
            prop_assume!(most >= 1);
            let joins = joins.min(most);
            let (rss, _) = slow_grid(&series, joins, &options);
            let trend = joinpoint(&value, &time, joins, &options);
            let ours = trend.rss.unwrap();
            let size = series.negligible() * 1e24;
            prop_assert!((ours - rss).abs() <= 1e-9 * rss + 1e-13 * size, "{ours} {rss}");
        }
    }

    #[test]
    fn anywhere_is_never_worse((value, time, error) in series_of(10..20), draws in proptest::collection::vec(0.0..1.0f64, 40)) {
        for std_error in [None, Some(error.as_slice())] {
            let options = JoinpointOptions { std_error, ..ANYWHERE };
            let Ok(series) = Series::new(&value, &time, std_error, Scale::Linear) else { continue };
            prop_assume!(series.most_joins(2, 2) >= 2);
            let size = series.negligible() * 1e24;
            for joins in 1..=2 {
                let trend = joinpoint(&value, &time, joins, &options);
                let ours = trend.rss.unwrap();
                let at: Vec<f64> = trend.joins.iter().map(|join| join.time).collect();
                prop_assert!(at.is_sorted());
                // It is the fit at its joins, and no worse than on the grid or at random places.
                let fit = series.fit(&at).unwrap();
                prop_assert!((ours - fit.rss).abs() <= 1e-9 * ours + 1e-13 * size);
                let (grid, _) = slow_grid(&series, joins, &options);
                prop_assert!(ours <= grid + 1e-9 * grid + 1e-13 * size, "{ours} {grid}");
                for pair in draws.chunks(2) {
                    let range = series.end() - series.start();
                    let mut places: Vec<f64> =
                        pair[..joins].iter().map(|x| series.start() + x * range).collect();
                    places.sort_by(f64::total_cmp);
                    let bounds = [&[f64::NEG_INFINITY][..], &places, &[f64::INFINITY]].concat();
                    let enough = bounds.windows(2).all(|b| {
                        series.distinct.iter().filter(|t| b[0] < **t && **t < b[1]).count() >= 2
                    });
                    if let Some(fit) = series.fit(&places).filter(|_| enough) {
                        prop_assert!(ours <= fit.rss + 1e-9 * fit.rss + 1e-13 * size);
                    }
                }
            }
        }
    }

    #[test]
    fn order_does_not_matter((value, time, error) in series_of(9..16), seed in 1usize..1000) {
        let mut order: Vec<usize> = (0..value.len()).collect();
        order.sort_by_key(|k| (k * 7919 + seed * 104_729) % 1009);
        let mix = |x: &[f64]| order.iter().map(|&k| x[k]).collect::<Vec<f64>>();
        let selection = Selection::Permutation { permutations: 19, seed: 1, alpha: 0.5 };
        let mixed = mix(&error);
        let options = JoinpointOptions { selection, std_error: Some(&error), ..FIXED };
        let shuffled = JoinpointOptions { std_error: Some(&mixed), ..options };
        prop_assert_eq!(
            joinpoint(&mix(&value), &mix(&time), 2, &shuffled),
            joinpoint(&value, &time, 2, &options)
        );
    }

    #[test]
    fn follows_shift_scale_and_reversal(seed in 0u64..10_000, joins in 0usize..3) {
        let time = years(18);
        let value: Vec<f64> = noise(18, seed).iter().map(|e| libm::exp(0.2 * e)).collect();
        for search in [Search::Grid, Search::Continuous] {
            let options = JoinpointOptions { scale: Scale::Log, search, ..FIXED };
            let fit = |y: &dyn Fn(f64) -> f64, t: &dyn Fn(f64) -> f64| {
                let value: Vec<f64> = value.iter().copied().map(y).collect();
                let time: Vec<f64> = time.iter().copied().map(t).collect();
                joinpoint(&value, &time, joins, &options)
            };
            let plain = fit(&|y| y, &|t| t);
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-7 * (a.abs() + b.abs()) + 1e-9;
            // Units of the value do not matter, those of time divide slopes.
            let scaled = fit(&|y| 1000.0 * y, &|t| 2.0 * (t - 2000.0));
            prop_assert!(close(scaled.slope.unwrap(), 0.5 * plain.slope.unwrap()));
            prop_assert!(close(scaled.statistic.unwrap(), plain.statistic.unwrap()));
            prop_assert!(close(scaled.rss.unwrap(), plain.rss.unwrap()));
            // Backwards, joins are mirrored and slopes turned round. A point that a join meets
            // belongs to the earlier segment where joins lie anywhere: then errors differ.
            let back = fit(&|y| y, &|t| -t);
            prop_assert!(close(back.slope.unwrap(), -plain.slope.unwrap()));
            prop_assert!(close(back.rss.unwrap(), plain.rss.unwrap()));
            for (a, b) in back.joins.iter().rev().zip(&plain.joins) {
                prop_assert!(close(a.time, -b.time), "{} {}", a.time, b.time);
            }
            if search == Search::Grid {
                prop_assert!(close(back.std_error.unwrap(), plain.std_error.unwrap()));
                for (a, b) in back.joins.iter().rev().zip(&plain.joins) {
                    prop_assert_eq!(a.conf_low, b.conf_high.map(|x| -x));
                }
            }
            // Segments cover the range and the mean slope is theirs.
            let length: f64 = plain.segments.iter().map(|s| s.end - s.start).sum();
            let rise: f64 = plain.segments.iter().map(|s| s.slope * (s.end - s.start)).sum();
            prop_assert!(close(rise / length, plain.slope.unwrap()));
        }
    }
}
