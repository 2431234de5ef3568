//! What is simulated: methods, the data they are tried on, and how often they are right.

use opeka_stats::{
    Aapc, DampedHoltOptions, ForecastPoint, LocalLinearTrendOptions, MannKendallVariant, OlsTrend,
    TheilSen, aapc, byar_limits, damped_holt, exact_poisson_limits, local_linear_trend,
    mann_kendall, ols_trend, proportion_ci, rate_ci, theil_sen,
};

use crate::draws::Draws;

/// Of all tries that gave an answer, how many it was right in; and how many gave none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Share {
    right: f64,
    answers: f64,
    none: f64,
}

impl Share {
    fn count(&mut self, right: Option<bool>) {
        self.weigh(1.0, right);
    }

    fn weigh(&mut self, weight: f64, right: Option<bool>) {
        match right {
            Some(right) => {
                self.answers += weight;
                self.right += if right { weight } else { 0.0 };
            }
            None => self.none += weight,
        }
    }

    /// Between 0 and 1; `None` where there was no answer at all.
    pub(crate) fn right(&self) -> Option<f64> {
        (self.answers > 0.0).then(|| self.right / self.answers)
    }

    /// The share of tries that gave no answer.
    pub(crate) fn none(&self) -> f64 {
        self.none / (self.answers + self.none)
    }
}

pub(crate) type Limits = Option<(f64, f64)>;

/// Limits of the mean of a count, from the count and the level.
pub(crate) struct CountMethod {
    pub(crate) name: &'static str,
    pub(crate) limits: fn(f64, f64) -> Limits,
    /// The smallest mean at which the method is meant to be used.
    pub(crate) from: f64,
}

pub(crate) const COUNT_METHODS: &[CountMethod] = &[
    CountMethod {
        name: "`rate_ci`",
        limits: |count, level| {
            let rate = rate_ci(count, 1.0, 1.0, level);
            rate.conf_low.zip(rate.conf_high)
        },
        from: 0.0,
    },
    CountMethod { name: "exact throughout", limits: exact_poisson_limits, from: 0.0 },
    CountMethod { name: "Byar throughout", limits: byar_limits, from: 10.0 },
];

/// How often limits hold the mean of a Poisson count: the sum of the probabilities of the counts
/// whose limits do. Exact, so nothing is drawn.
pub(crate) fn count_coverage(method: &CountMethod, mean: f64, level: f64) -> Share {
    let far = 12.0 * mean.sqrt() + 30.0;
    let (first, last) = ((mean - far).max(0.0).floor() as u32, (mean + far) as u32);
    let mut share = Share::default();
    for count in first..=last {
        let count = f64::from(count);
        let probability = libm::exp(count * libm::log(mean) - mean - libm::lgamma(count + 1.0));
        let limits = (method.limits)(count, level);
        share.weigh(probability, limits.map(|(low, high)| low <= mean && mean <= high));
    }
    share
}

/// As above for a share: Wilson's limits of successes in so many trials.
pub(crate) fn proportion_coverage(trials: u32, share_of: f64, level: f64) -> Share {
    let n = f64::from(trials);
    let mut share = Share::default();
    for successes in 0..=trials {
        let x = f64::from(successes);
        let orders = libm::lgamma(n + 1.0) - libm::lgamma(x + 1.0) - libm::lgamma(n - x + 1.0);
        let log = orders + x * libm::log(share_of) + (n - x) * libm::log1p(-share_of);
        let estimate = proportion_ci(x, n, level);
        let limits = estimate.conf_low.zip(estimate.conf_high);
        let holds = limits.map(|(low, high)| low <= share_of && share_of <= high);
        share.weigh(libm::exp(log), holds);
    }
    share
}

/// A yearly series of so many points, whose errors are alike from year to year to this degree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Design {
    pub(crate) points: usize,
    pub(crate) autocorrelation: f64,
}

impl Design {
    /// The same errors for every method, so that their differences are those of the methods.
    fn draws(&self) -> Draws {
        Draws::new(1_000 * self.points as u64 + (100.0 * self.autocorrelation) as u64)
    }

    fn time(&self) -> Vec<f64> {
        (0..self.points).map(|year| 2000.0 + year as f64).collect()
    }
}

/// Limits of the trend of a series.
pub(crate) struct TrendMethod {
    pub(crate) name: &'static str,
    pub(crate) limits: fn(&[f64], &[f64]) -> Limits,
    /// The value of a year, from the years since the first one and the error.
    pub(crate) value: fn(f64, f64) -> f64,
    /// What the limits should hold.
    pub(crate) truth: f64,
}

pub(crate) const TREND_METHODS: &[TrendMethod] = &[
    TrendMethod {
        name: "Theil–Sen (`theil_sen`)",
        limits: |value, time| {
            let TheilSen { conf_low, conf_high, .. } = theil_sen(value, time, 0.95);
            conf_low.zip(conf_high)
        },
        value: |year, error| 100.0 - year + error,
        truth: -1.0,
    },
    TrendMethod {
        name: "Least squares (`ols_trend`)",
        limits: |value, time| {
            let OlsTrend { conf_low, conf_high, .. } = ols_trend(value, time, 0.95);
            conf_low.zip(conf_high)
        },
        value: |year, error| 100.0 - year + error,
        truth: -1.0,
    },
    TrendMethod {
        name: "Annual change in per cent (`aapc`)",
        limits: |value, time| {
            let Aapc { conf_low, conf_high, .. } = aapc(value, time, None, 0.95);
            conf_low.zip(conf_high)
        },
        value: |year, error| 100.0 * libm::exp(libm::log(0.97) * year + 0.05 * error),
        truth: -3.0,
    },
];

pub(crate) fn trend_coverage(method: &TrendMethod, design: Design, tries: u32) -> Share {
    let (mut draws, time) = (design.draws(), design.time());
    let mut share = Share::default();
    for _ in 0..tries {
        let errors = draws.errors(design.points, design.autocorrelation);
        let years = (0..design.points).map(|year| year as f64);
        let value: Vec<f64> = years.zip(errors).map(|(t, e)| (method.value)(t, e)).collect();
        let limits = (method.limits)(&value, &time);
        share.count(limits.map(|(low, high)| low <= method.truth && method.truth <= high));
    }
    share
}

/// A test of whether there is a trend.
pub(crate) struct TrendTest {
    pub(crate) name: &'static str,
    pub(crate) p_value: fn(&[f64], &[f64]) -> Option<f64>,
}

macro_rules! mann_kendall_test {
    ($name:literal, $variant:expr) => {
        TrendTest {
            name: $name,
            p_value: |value, time| mann_kendall(value, time, $variant).p_value,
        }
    };
}

pub(crate) const TREND_TESTS: &[TrendTest] = &[
    mann_kendall_test!("Mann–Kendall", MannKendallVariant::Original),
    mann_kendall_test!("Mann–Kendall, Hamed–Rao", MannKendallVariant::HamedRao { lag: None }),
    mann_kendall_test!("Mann–Kendall, Yue–Wang", MannKendallVariant::YueWang { lag: None }),
    mann_kendall_test!("Mann–Kendall, pre-whitened", MannKendallVariant::PreWhitening),
    mann_kendall_test!(
        "Mann–Kendall, trend-free pre-whitened",
        MannKendallVariant::TrendFreePreWhitening
    ),
];

/// How often a test at 5 % finds a trend in a series that has none.
pub(crate) fn false_positives(test: &TrendTest, design: Design, tries: u32) -> Share {
    let (mut draws, time) = (design.draws(), design.time());
    let mut share = Share::default();
    for _ in 0..tries {
        let errors = draws.errors(design.points, design.autocorrelation);
        share.count((test.p_value)(&errors, &time).map(|p| p < 0.05));
    }
    share
}

/// Prediction intervals, and the series of which the model behind them is true.
pub(crate) struct ForecastMethod {
    pub(crate) name: &'static str,
    pub(crate) points: fn(&[f64], &[f64], usize) -> Vec<ForecastPoint>,
    pub(crate) simulate: fn(&mut Draws, usize) -> Vec<f64>,
}

pub(crate) const FORECAST_METHODS: &[ForecastMethod] = &[
    ForecastMethod {
        name: "Damped Holt (`damped_holt`)",
        points: |value, time, horizon| {
            damped_holt(value, time, horizon, 0.95, &DampedHoltOptions::default()).points
        },
        simulate: |draws, n| {
            let (mut level, mut slope) = (100.0, -2.0);
            let mut next = || {
                let (error, forecast) = (draws.normal(), level + 0.9 * slope);
                level = forecast + 0.5 * error;
                slope = 0.9 * slope + 0.1 * error;
                forecast + error
            };
            (0..n).map(|_| next()).collect()
        },
    },
    ForecastMethod {
        name: "Local linear trend (`local_linear_trend`)",
        points: |value, time, horizon| {
            let options = LocalLinearTrendOptions::default();
            local_linear_trend(value, time, horizon, 0.95, &options).points
        },
        simulate: |draws, n| {
            let (mut level, mut slope) = (100.0, -1.0);
            let mut next = || {
                let value = level + draws.normal();
                level += slope + 0.5 * draws.normal();
                slope += 0.1 * draws.normal();
                value
            };
            (0..n).map(|_| next()).collect()
        },
    },
];

/// How often the value of each of the periods up to `horizon` lies within its limits.
pub(crate) fn forecast_coverage(
    method: &ForecastMethod,
    points: usize,
    horizon: usize,
    tries: u32,
) -> Vec<Share> {
    let mut draws = Draws::new(points as u64);
    let time: Vec<f64> = (0..points).map(|year| 2000.0 + year as f64).collect();
    let mut shares = vec![Share::default(); horizon];
    for _ in 0..tries {
        let series = (method.simulate)(&mut draws, points + horizon);
        let (known, then) = series.split_at(points);
        let forecasts = (method.points)(known, &time, horizon);
        for (h, (share, value)) in shares.iter_mut().zip(then).enumerate() {
            let limits = forecasts.get(h).and_then(|point| point.conf_low.zip(point.conf_high));
            share.count(limits.map(|(low, high)| low <= *value && *value <= high));
        }
    }
    shares
}
