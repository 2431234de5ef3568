//! A figure against a benchmark: is the difference more than chance, and how large is it?

use crate::reason::{require_finite, require_finite_result};
use crate::{Polarity, Reason};

/// The result of [`compare`].
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// `better`, `similar` or `worse`; without a polarity `higher`, `similar` or `lower`.
    pub comparison: Option<&'static str>,
    /// Why there is no comparison.
    pub reason: Option<Reason>,
}

impl Comparison {
    /// No comparison, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { comparison: None, reason: Some(reason) }
    }
}

/// Whether confidence limits exclude a benchmark, and on which side.
///
/// **Rule** of the English public health indicators (Public Health England, *Technical guide:
/// confidence intervals for commonly used public health indicators*, 2018): a figure differs from
/// the benchmark where the benchmark lies outside the limits, and is similar to it otherwise. A
/// benchmark equal to a limit is similar. The benchmark is taken as known without error: compare
/// with the figure of a far larger area, or with a target. At limits of 0.95, one of twenty areas
/// that are like the benchmark is called different; limits of 0.998 make it one of 500.
///
/// **Edge cases.** There is no comparison, but a [`Reason`], where a number is not finite or
/// `conf_low` is above `conf_high`.
pub fn compare(conf_low: f64, conf_high: f64, benchmark: f64, polarity: Polarity) -> Comparison {
    match verdict(conf_low, conf_high, benchmark, polarity) {
        Ok(comparison) => Comparison { comparison: Some(comparison), reason: None },
        Err(reason) => Comparison::unknown(reason),
    }
}

fn verdict(
    low: f64,
    high: f64,
    benchmark: f64,
    polarity: Polarity,
) -> Result<&'static str, Reason> {
    require_finite("conf_low", low)?;
    require_finite("conf_high", high)?;
    require_finite("benchmark", benchmark)?;
    if low > high {
        return Err(Reason::because(format!("conf_low, {low}, is above conf_high, {high}")));
    }
    let (above, below) = match polarity {
        Polarity::HighIsGood => ("better", "worse"),
        Polarity::LowIsGood => ("worse", "better"),
        Polarity::None => ("higher", "lower"),
    };
    Ok(if low > benchmark {
        above
    } else if high < benchmark {
        below
    } else {
        "similar"
    })
}

/// The result of [`distance`].
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// value − benchmark.
    pub difference: Option<f64>,
    /// value / benchmark.
    pub ratio: Option<f64>,
    /// 100 (value / benchmark − 1): by how many per cent of the benchmark the value is above it.
    pub per_cent: Option<f64>,
    /// Why something is missing: everything, or what the text names.
    pub reason: Option<Reason>,
}

impl Distance {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { difference: None, ratio: None, per_cent: None, reason: Some(reason) }
    }
}

/// How far a value is from a benchmark: as a difference, a ratio and a percentage.
///
/// **Edge cases.** Ratio and percentage are missing where the benchmark is not above zero: a
/// percentage of nothing, or of a debt, says nothing. All of it is missing where a number is not
/// finite.
pub fn distance(value: f64, benchmark: f64) -> Distance {
    measure(value, benchmark).unwrap_or_else(Distance::unknown)
}

fn measure(value: f64, benchmark: f64) -> Result<Distance, Reason> {
    require_finite("value", value)?;
    require_finite("benchmark", benchmark)?;
    let difference = value - benchmark;
    require_finite_result(&[difference])?;
    if benchmark <= 0.0 {
        let why = format!("benchmark is {benchmark} (it must be above zero)");
        let reason = Reason::of_part("the ratio and the percentage", why);
        return Ok(Distance { difference: Some(difference), ..Distance::unknown(reason) });
    }
    let (ratio, per_cent) = (value / benchmark, 100.0 * (difference / benchmark));
    require_finite_result(&[ratio, per_cent])?;
    Ok(Distance {
        difference: Some(difference),
        ratio: Some(ratio),
        per_cent: Some(per_cent),
        reason: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, reason};
    use proptest::prelude::*;

    #[test]
    fn limits_that_exclude_the_benchmark_decide() {
        let verdicts = |polarity| {
            [(2.0, 3.0), (0.0, 0.5), (0.5, 2.0), (1.0, 2.0), (0.5, 1.0)]
                .map(|(low, high)| compare(low, high, 1.0, polarity).comparison.unwrap())
        };
        let similar = "similar";
        assert_eq!(verdicts(Polarity::HighIsGood), ["better", "worse", similar, similar, similar]);
        assert_eq!(verdicts(Polarity::LowIsGood), ["worse", "better", similar, similar, similar]);
        assert_eq!(verdicts(Polarity::None), ["higher", "lower", similar, similar, similar]);

        let why = |low, high, b| reason(compare(low, high, b, Polarity::None).reason);
        assert!(why(2.0, 1.0, 0.0).contains("conf_low, 2, is above conf_high, 1"));
        assert!(why(f64::NAN, 1.0, 0.0).contains("conf_low is NaN"));
        assert!(why(0.0, f64::INFINITY, 0.0).contains("conf_high is inf"));
        assert!(why(0.0, 1.0, f64::NAN).contains("benchmark is NaN"));
    }

    #[test]
    fn distances() {
        let d = distance(15.0, 12.0);
        assert_eq!((d.difference, d.ratio), (Some(3.0), Some(1.25)));
        assert_eq!((d.per_cent, d.reason), (Some(25.0), None));

        let d = distance(3.0, 0.0);
        assert_eq!((d.difference, d.ratio, d.per_cent), (Some(3.0), None, None));
        assert_eq!(
            reason(d.reason),
            "the ratio and the percentage cannot be calculated because benchmark is 0 (it must be \
             above zero)"
        );
        assert!(reason(distance(f64::NAN, 1.0).reason).contains("value is NaN"));
        assert!(reason(distance(1e300, 1e-300).reason).contains("too large"));
    }

    proptest! {
        #[test]
        fn opposite_polarities_give_opposite_verdicts(
            low in -9.0..9.0f64, width in 0.0..9.0f64, benchmark in -9.0..9.0f64
        ) {
            let verdict = |low, high, b, p| compare(low, high, b, p).comparison.unwrap();
            let good = verdict(low, low + width, benchmark, Polarity::HighIsGood);
            let mirrored = verdict(-low - width, -low, -benchmark, Polarity::LowIsGood);
            prop_assert_eq!(good, mirrored);
            let bad = verdict(low, low + width, benchmark, Polarity::LowIsGood);
            prop_assert_eq!(good == bad, good == "similar");
        }

        #[test]
        fn the_three_distances_are_one(value in -9.0..9.0f64, benchmark in 0.1..9.0f64) {
            let d = distance(value, benchmark);
            prop_assert!((d.ratio.unwrap() * benchmark - value).abs() < 1e-12);
            prop_assert!((d.per_cent.unwrap() - 100.0 * (d.ratio.unwrap() - 1.0)).abs() < 1e-10);
            assert_close(d.difference.unwrap(), value - benchmark, 1e-15);
        }
    }
}
