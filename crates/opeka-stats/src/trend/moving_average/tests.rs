use super::MovingWindow::{Centred, Trailing};
use super::*;
use crate::testing::reason;
use proptest::prelude::*;

fn figures(averages: Vec<PointFigure>) -> Vec<Option<f64>> {
    averages.into_iter().map(|point| point.estimate).collect()
}

#[test]
fn trailing_and_centred() {
    let value = [8.0, 1.0, 3.0, 5.0];
    let time = [2013.0, 2010.0, 2011.0, 2012.0];
    let mean = |width, window| figures(moving_average(&value, &time, width, window));
    assert_eq!(mean(2, Trailing), [Some(6.5), None, Some(2.0), Some(4.0)]);
    assert_eq!(mean(3, Centred), [None, None, Some(3.0), Some(16.0 / 3.0)]);
    // Of an even width, the outer two by half: (1/2 + 3 + 5/2)/2.
    assert_eq!(mean(2, Centred), [None, None, Some(3.0), Some(5.25)]);
    for window in [Trailing, Centred] {
        assert_eq!(mean(1, window), value.map(Some));
    }
}

#[test]
fn edges() {
    let time = [1.0, 2.0, 4.0, 5.0];
    let averages = moving_average(&[1.0, 2.0, 3.0, 4.0], &time, 2, Trailing);
    assert_eq!(
        reason(averages[0].reason.clone()),
        "cannot be calculated because there is no value for 0"
    );
    assert_eq!(
        reason(averages[2].reason.clone()),
        "cannot be calculated because there is no value for 3"
    );
    assert_eq!(averages[3].estimate, Some(3.5));
    let averages = moving_average(&[1.0, 2.0], &[1.0, 1.0], 1, Trailing);
    assert!(reason(averages[0].reason.clone()).contains("more than one value for 1"));
    let averages = moving_average(&[1.0, f64::NAN], &[1.0, 2.0], 2, Trailing);
    assert!(reason(averages[1].reason.clone()).contains("the value for 2 is NaN"));
    let averages = moving_average(&[1.0], &[1.0], 0, Centred);
    assert!(reason(averages[0].reason.clone()).contains("width is 0"));
    let averages = moving_average(&[1.0], &[1.0], usize::MAX, Trailing);
    assert!(averages[0].reason.is_some());
    let averages = moving_average(&[1e308; 3], &[1.0, 2.0, 3.0], 3, Trailing);
    assert!(reason(averages[2].reason.clone()).contains("too large"));
}

proptest! {
    #[test]
    fn a_line_is_its_own_average(n in 5usize..30, width in 1usize..6, slope in -9i32..9) {
        let time: Vec<f64> = (0..n).map(|t| t as f64).collect();
        let value: Vec<f64> = time.iter().map(|t| 3.0 + f64::from(slope) * t).collect();
        let centred = moving_average(&value, &time, width, Centred);
        let trailing = moving_average(&value, &time, width, Trailing);
        let (mut centres, mut ends) = (0, 0);
        for (k, y) in value.iter().enumerate() {
            if let Some(mean) = centred[k].estimate {
                prop_assert!((mean - y).abs() < 1e-9);
                centres += 1;
            }
            if let Some(mean) = trailing[k].estimate {
                let lag = f64::from(slope) * 0.5 * (width as f64 - 1.0);
                prop_assert!((mean - y + lag).abs() < 1e-9);
                ends += 1;
            }
        }
        prop_assert_eq!(ends, n - width + 1);
        prop_assert_eq!(centres, n - 2 * (width / 2));
        // The order of the rows is that of the results, and nothing else.
        let backwards = |numbers: &[f64]| -> Vec<f64> { numbers.iter().rev().copied().collect() };
        let mut turned = moving_average(&backwards(&value), &backwards(&time), width, Centred);
        turned.reverse();
        prop_assert_eq!(turned, centred);
    }
}
