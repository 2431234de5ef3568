//! The moving average of a series.

use super::periods::{Periods, PointFigure};
use crate::Reason;

/// Which times an average is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovingWindow {
    /// The time of the point and those before it.
    Trailing,
    /// As many times before the point as after it.
    Centred,
}

/// The mean of each value and its neighbours in time, `width` in all, in the order given.
///
/// **Formula.** Trailing: the mean of the values for t − width + 1 to t. Centred, with an odd
/// width: of those for t − (width − 1)/2 to t + (width − 1)/2. Centred, with an even width: of
/// those for t − width/2 to t + width/2, of which the first and the last count half (as in R's
/// `decompose`), so that the average stays at its time.
///
/// **Edge cases.** A point has no average, with a [`Reason`], where any of those times has no
/// value or more than one, a number is not finite, or the width is 0. Nothing is averaged over a gap.
pub fn moving_average(
    value: &[f64],
    time: &[f64],
    width: usize,
    window: MovingWindow,
) -> Vec<PointFigure> {
    let periods = Periods::new(value, time).and_then(|periods| match width {
        0 => Err(Reason::because("width is 0 (it must be above zero)")),
        _ => Ok(periods),
    });
    match periods {
        Ok(periods) => {
            time.iter().map(|&t| PointFigure::of(mean(&periods, t, width, window))).collect()
        }
        Err(reason) => value.iter().map(|_| PointFigure::unknown(reason.clone())).collect(),
    }
}

fn mean(periods: &Periods, time: f64, width: usize, window: MovingWindow) -> Result<f64, Reason> {
    let (before, steps) = match window {
        MovingWindow::Trailing => (width - 1, width),
        // An even width takes one more, and the outer two by half.
        MovingWindow::Centred => (width / 2, width / 2 * 2 + 1),
    };
    let first = time - before as f64;
    let halves = steps > width;
    let mut sum = 0.0;
    for step in 0..steps {
        let value = periods.at(first + step as f64)?;
        let outer = step == 0 || step + 1 == steps;
        sum += if halves && outer { 0.5 * value } else { value };
    }
    Ok(sum / width as f64)
}

#[cfg(test)]
mod tests;
