//! What every series must be, and its points in the order of time.

use crate::Reason;
use crate::reason::there_are_points;

/// With more points than this the pairs no longer fit comfortably into memory (twelve million of
/// them at the limit); a series of 5 000 days spans nearly fourteen years.
pub const MAX_POINTS: usize = 5_000;

/// As many values as times, enough and not too many of them, all of them finite.
pub(super) fn require_series(value: &[f64], time: &[f64], least: usize) -> Result<(), Reason> {
    require_points(value, time, least)?;
    let n_obs = value.len();
    if n_obs > MAX_POINTS {
        return Err(Reason::because(format!(
            "{} (it takes {MAX_POINTS} or fewer; average them by period)",
            there_are_points(n_obs)
        )));
    }
    Ok(())
}

/// As many values as times, enough of them, all of them finite.
pub(super) fn require_points(value: &[f64], time: &[f64], least: usize) -> Result<(), Reason> {
    let n_obs = value.len();
    if time.len() != n_obs {
        return Err(Reason::because(format!("there are {n_obs} values and {} times", time.len())));
    }
    if n_obs < least {
        return Err(Reason::because(format!(
            "{} (it takes {least} or more)",
            there_are_points(n_obs)
        )));
    }
    if !value.iter().chain(time).all(|number| number.is_finite()) {
        return Err(Reason::because("a value or a time is not a finite number"));
    }
    Ok(())
}

/// The points in the order of time; those that share a time, in the order of their values.
pub(super) fn in_time_order(value: &[f64], time: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut points: Vec<(f64, f64)> = time.iter().copied().zip(value.iter().copied()).collect();
    points.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    points.into_iter().map(|(time, value)| (value, time)).unzip()
}

/// No time is there twice; `time` is sorted.
pub(super) fn require_distinct(time: &[f64]) -> Result<(), Reason> {
    match time.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Reason::because(format!("there is more than one value for {}", pair[0]))),
        None => Ok(()),
    }
}

/// A step may differ by this part of itself: twelfths of a year are not exact numbers.
const STEP_TOLERANCE: f64 = 1e-6;

/// Sorted times follow each other at one distance, and none is there twice.
pub(super) fn require_even_steps(time: &[f64]) -> Result<(), Reason> {
    require_distinct(time)?;
    let step = time.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    match time.windows(2).find(|pair| pair[1] - pair[0] > step * (1.0 + STEP_TOLERANCE)) {
        Some(pair) => Err(Reason::because(format!(
            "the years are not evenly spaced: {} to {}",
            pair[0], pair[1]
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_even_or_named() {
        let why = |time: &[f64]| require_even_steps(time).err().map(|reason| reason.to_string());
        assert_eq!(why(&[2012.0, 2013.0, 2014.0]), None);
        assert_eq!(why(&[2012.0, 2014.0, 2016.0]), None);
        let months: Vec<f64> = (0..40).map(|month| 2000.0 + f64::from(month) / 12.0).collect();
        assert_eq!(why(&months), None);
        assert_eq!(
            why(&[2013.0, 2014.0, 2016.0, 2017.0]).as_deref(),
            Some("cannot be calculated because the years are not evenly spaced: 2014 to 2016")
        );
        assert_eq!(
            why(&[2013.0, 2013.0, 2014.0]).as_deref(),
            Some("cannot be calculated because there is more than one value for 2013")
        );
    }
}
