//! The rules by which a point on a control chart is more than chance ("Making Data Count").

/// How a run of one chart went: seven points on one side, or six steps one way.
const RUN: usize = 7;

/// A sign of special cause: what the point is part of.
///
/// Where a point is part of several, the first in this order is told, as NHSRplotthedots does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Beyond a process limit.
    Outside { above: bool },
    /// One of seven points of which each is above, or each below, the one before.
    Trend { rising: bool },
    /// Beyond two thirds of the way to a limit, like one or two more of three points in a row that
    /// lie on that side of the mean.
    TwoInThree { above: bool },
    /// One of seven points on one side of the mean.
    Shift { above: bool },
}

impl Signal {
    /// Whether the figures are higher, or rise.
    pub(super) fn upwards(self) -> bool {
        match self {
            Self::Outside { above } | Self::TwoInThree { above } | Self::Shift { above } => above,
            Self::Trend { rising } => rising,
        }
    }

    /// The words of NHSRplotthedots.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Outside { above: true } => "Above UCL",
            Self::Outside { above: false } => "Below LCL",
            Self::Trend { rising: true } => "7 Point Trend (Increasing)",
            Self::Trend { rising: false } => "7 Point Trend (Decreasing)",
            Self::TwoInThree { above: true } => "2 in 3 Above CL",
            Self::TwoInThree { above: false } => "2 in 3 Below CL",
            Self::Shift { above: true } => "7 Points Above CL",
            Self::Shift { above: false } => "7 Points Below CL",
        }
    }
}

/// Where a point lies: what the rules need to know of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) value: f64,
    /// −1, 0 or 1: below the mean, on it, above it.
    pub(super) side: i8,
    pub(super) outside: bool,
    /// Inside the limits, but beyond two thirds of the way to one.
    pub(super) close: bool,
}

/// The signal of each point of one phase, in the order of time.
pub(super) fn signals(places: &[Place]) -> Vec<Option<Signal>> {
    let trends = trends(places);
    let shifts = shifts(places);
    let two_in_three = two_in_three(places);
    let mut result = Vec::with_capacity(places.len());
    for (((place, trend), shift), close) in places.iter().zip(trends).zip(shifts).zip(two_in_three)
    {
        let above = place.side > 0;
        result.push(if place.outside {
            Some(Signal::Outside { above })
        } else if let Some(rising) = trend {
            Some(Signal::Trend { rising })
        } else if close {
            Some(Signal::TwoInThree { above })
        } else if shift {
            Some(Signal::Shift { above })
        } else {
            None
        });
    }
    result
}

/// For each point, whether the run of steps that it is part of rises; `None` where it is of none.
///
/// The point at which one run ends and another begins is of both, and takes the direction of the
/// later one.
fn trends(places: &[Place]) -> Vec<Option<bool>> {
    let mut result = vec![None; places.len()];
    for start in 0..places.len() {
        let Some(run) = places.get(start..start + RUN) else { break };
        let rises = run.windows(2).all(|pair| pair[1].value > pair[0].value);
        let falls = run.windows(2).all(|pair| pair[1].value < pair[0].value);
        if rises || falls {
            result[start..start + RUN].fill(Some(rises));
        }
    }
    result
}

/// For each point, whether it is one of seven on one side of the mean.
fn shifts(places: &[Place]) -> Vec<bool> {
    let mut result = vec![false; places.len()];
    for start in 0..places.len() {
        let Some(run) = places.get(start..start + RUN) else { break };
        if run[0].side != 0 && run.iter().all(|place| place.side == run[0].side) {
            result[start..start + RUN].fill(true);
        }
    }
    result
}

/// For each point, whether it is close to a limit and so is another of three in a row that lie on
/// one side of the mean. Points outside the limits are not close to one, but count as on that side.
fn two_in_three(places: &[Place]) -> Vec<bool> {
    let mut result = vec![false; places.len()];
    for (start, three) in places.windows(3).enumerate() {
        let one_side = three.iter().map(|place| place.side).sum::<i8>().abs() == 3;
        if one_side && three.iter().filter(|place| place.close).count() >= 2 {
            for (flag, place) in result[start..].iter_mut().zip(three) {
                *flag |= place.close;
            }
        }
    }
    result
}

#[cfg(test)]
mod tests;
