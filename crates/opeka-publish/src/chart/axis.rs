//! Where the ticks of the two axes stand.

use std::collections::BTreeSet;

use super::text::Type;

/// The vertical axis: ticks at `first · step, … , last · step`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ValueAxis {
    first: f64,
    last: f64,
    step: f64,
    /// Decimals that tell neighbouring ticks apart.
    pub(crate) decimals: usize,
}

impl ValueAxis {
    /// An axis over the values with about `wanted` steps, with zero on it if so asked.
    pub(crate) fn new(values: impl Iterator<Item = f64>, zero: bool, wanted: f64) -> Self {
        let (mut low, mut high) = values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if zero {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        // Values that are equal to the last digit still need an axis with two ends.
        let size = low.abs().max(high.abs());
        if high - low <= size * 1e-9 || high - low < 1e-290 {
            let room = if size < 1e-200 { 1.0 } else { size * 0.1 };
            low = if low > 0.0 { (low - room).max(0.0) } else { low - room };
            high += room;
            if zero {
                (low, high) =
                    if high - room > 0.0 || size < 1e-200 { (0.0, high) } else { (low, 0.0) };
            }
        }
        let rough = (high - low) / wanted.max(1.0);
        let exponent = libm::floor(libm::log10(rough));
        let power = libm::pow(10.0, exponent);
        let (mantissa, exponent) = match rough / power {
            m if m <= 1.0 => (1.0, exponent),
            m if m <= 2.0 => (2.0, exponent),
            m if m <= 5.0 => (5.0, exponent),
            _ => (1.0, exponent + 1.0),
        };
        let step = mantissa * libm::pow(10.0, exponent);
        // A hair of tolerance keeps 0.3 / 0.1 from asking for one step more.
        let first = libm::floor(low / step + 1e-9);
        let last = libm::ceil(high / step - 1e-9).max(first + 1.0);
        Self { first, last, step, decimals: (-exponent).clamp(0.0, 12.0) as usize }
    }

    pub(crate) fn low(&self) -> f64 {
        self.first * self.step
    }

    pub(crate) fn high(&self) -> f64 {
        self.last * self.step
    }

    pub(crate) fn ticks(&self) -> Vec<f64> {
        let count = (self.last - self.first) as usize;
        (0..=count).map(|i| (self.first + i as f64) * self.step).collect()
    }
}

/// The axis of time: true distances, ticks on whole years.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimeAxis {
    low: f64,
    high: f64,
    /// Years for which something is published.
    published: BTreeSet<i64>,
}

impl TimeAxis {
    pub(crate) fn new(times: impl Iterator<Item = f64> + Clone) -> Self {
        let published = times.clone().map(|time| libm::floor(time) as i64).collect();
        let (low, high) = times
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), t| (low.min(t), high.max(t)));
        if low > high {
            return Self { low: 0.0, high: 0.0, published };
        }
        // Quarters and months need the start of their year on the axis: ticks are whole years.
        Self { low: libm::floor(low), high, published }
    }

    /// Place of a time between `left` and `right`; a single time stands in the middle.
    pub(crate) fn place(&self, time: f64, left: f64, right: f64) -> f64 {
        if self.high > self.low {
            left + (time - self.low) / (self.high - self.low) * (right - left)
        } else {
            (left + right) / 2.0
        }
    }

    /// The closest round years whose labels stand apart from each other; where figures come every
    /// five years, the ticks do.
    pub(crate) fn ticks(&self, left: f64, right: f64, label: Type) -> Vec<i64> {
        const APART: f64 = 12.0;
        let (low, high) = (libm::ceil(self.low) as i64, libm::floor(self.high) as i64);
        if low > high {
            return Vec::new();
        }
        let fits = |years: &[i64]| {
            years.windows(2).all(|pair| {
                let x = |year: i64| self.place(year as f64, left, right);
                let half = |year: i64| label.width(&year.to_string()) / 2.0;
                x(pair[1]) - half(pair[1]) - x(pair[0]) - half(pair[0]) >= APART
            })
        };
        let mut closest = None;
        for step in [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 2000, 5000] {
            let first = low + (step - low.rem_euclid(step)) % step;
            let years: Vec<i64> = (first..=high).step_by(step.unsigned_abs() as usize).collect();
            if years.len() < 2 || !fits(&years) {
                continue;
            }
            let published = years.iter().filter(|year| self.published.contains(year)).count();
            if years.len() >= 3 && published * 5 >= years.len() * 3 {
                return years;
            }
            closest = closest.or(Some(years));
        }
        if let Some(years) = closest {
            return years;
        }
        let ends = [low, high];
        if low < high && fits(&ends) { ends.to_vec() } else { vec![low] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_between_round_ticks() {
        for (values, zero, ticks) in [
            (vec![60.0, 71.0], true, vec![0.0, 20.0, 40.0, 60.0, 80.0]),
            (vec![60.0, 71.0], false, vec![60.0, 65.0, 70.0, 75.0]),
            (vec![-3.0, 4.0], false, vec![-4.0, -2.0, 0.0, 2.0, 4.0]),
            (vec![0.0], true, vec![0.0, 0.5, 1.0]),
            (vec![], true, vec![0.0, 0.5, 1.0]),
        ] {
            let axis = ValueAxis::new(values.iter().copied(), zero, 4.0);
            assert_eq!(axis.ticks(), ticks, "{values:?}");
        }
    }

    #[test]
    fn no_values_are_too_odd_for_an_axis() {
        let odd = [0.0, -0.0, 1.0, -1.0, 1e300, -1e300, 1e-300, f64::MIN_POSITIVE, 5.0e-324, 0.1];
        for a in odd {
            for b in odd {
                for zero in [false, true] {
                    let axis = ValueAxis::new([a, b].into_iter(), zero, 5.0);
                    let ticks = axis.ticks();
                    assert!((2..=13).contains(&ticks.len()), "{a} {b} {zero}: {ticks:?}");
                    assert!(ticks.iter().all(|t| t.is_finite()), "{a} {b}");
                    assert!(
                        axis.low() <= a.min(b) + 1e-9 * a.abs().max(b.abs()),
                        "{a} {b} {axis:?}"
                    );
                    assert!(
                        axis.high() >= a.max(b) - 1e-9 * a.abs().max(b.abs()),
                        "{a} {b} {axis:?}"
                    );
                    assert!(!zero || (axis.low() <= 0.0 && axis.high() >= 0.0), "{a} {b}");
                }
            }
        }
    }

    #[test]
    fn years_keep_their_distances_and_their_names_are_whole() {
        let label = Type::regular(12.5);
        let axis = TimeAxis::new([1990.0, 1995.0, 2000.0, 2005.0, 2006.0, 2010.0].into_iter());
        assert_eq!(axis.ticks(0.0, 400.0, label), [1990, 1995, 2000, 2005, 2010]);
        assert_eq!(axis.place(2000.0, 0.0, 400.0), 200.0);
        let quarters = TimeAxis::new([2018.25, 2018.75, 2020.5].into_iter());
        assert_eq!(quarters.ticks(0.0, 400.0, label), [2018, 2019, 2020]);
        let one = TimeAxis::new([2018.0].into_iter());
        assert_eq!(one.ticks(0.0, 400.0, label), [2018]);
        let ages = TimeAxis::new([1000.0, 9999.0].into_iter());
        assert!(ages.ticks(0.0, 300.0, label).len() > 2);
        let narrow = TimeAxis::new([2016.0, 2025.0].into_iter());
        assert!(narrow.ticks(0.0, 20.0, label).len() == 1);
    }
}
