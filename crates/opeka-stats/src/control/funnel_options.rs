//! How a funnel is to be drawn.

use super::overdispersion::DispersionScale;
use crate::Polarity;

/// What the areas of a funnel are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FunnelStatistic {
    /// Parts of a whole: events among the denominator.
    #[default]
    Proportion,
    /// Events per population.
    Rate,
    /// Directly standardised rates: as [`FunnelStatistic::Rate`], where the denominator is the
    /// population that the rate stands for, events / rate × multiplier. None below 10 events.
    StandardisedRate,
    /// Observed to expected events; the benchmark is 1. Default multiplier 100.
    Ratio,
    /// The same less 1, so that the benchmark is 0. Default multiplier 1.
    RatioCount,
}

impl FunnelStatistic {
    /// The names by which [`FunnelStatistic::named`] knows them, the default first.
    pub const NAMES: [&'static str; 5] = ["proportion", "rate", "dsr", "ratio", "ratio_count"];

    pub fn named(name: &str) -> Option<Self> {
        match name {
            "proportion" => Some(Self::Proportion),
            "rate" => Some(Self::Rate),
            "dsr" => Some(Self::StandardisedRate),
            "ratio" => Some(Self::Ratio),
            "ratio_count" => Some(Self::RatioCount),
            _ => None,
        }
    }

    pub(super) fn is_ratio(self) -> bool {
        matches!(self, Self::Ratio | Self::RatioCount)
    }

    pub(super) fn default_multiplier(self) -> f64 {
        if self == Self::RatioCount { 1.0 } else { 100.0 }
    }
}

/// How the limits of a funnel are calculated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FunnelMethod {
    /// As the English public health indicators: limits of Wilson's score for proportions, of the
    /// Poisson distribution for the others.
    #[default]
    Wilson,
    /// Quantiles of the binomial or the Poisson distribution.
    Exact,
    /// Limits widened by the variance between areas that chance does not explain.
    OverDispersion,
    /// The same on the scale of square roots, for rates and ratios.
    OverDispersionCqc,
}

impl FunnelMethod {
    /// The names by which [`FunnelMethod::named`] knows them, the default first.
    pub const NAMES: [&'static str; 4] =
        ["wilson", "exact", "over_dispersion", "over_dispersion_cqc"];

    pub fn named(name: &str) -> Option<Self> {
        match name {
            "wilson" => Some(Self::Wilson),
            "exact" => Some(Self::Exact),
            "over_dispersion" => Some(Self::OverDispersion),
            "over_dispersion_cqc" => Some(Self::OverDispersionCqc),
            _ => None,
        }
    }

    /// The scale of an over-dispersed funnel; `None` for the other methods.
    pub(super) fn scale(self, statistic: FunnelStatistic) -> Option<DispersionScale> {
        match self {
            Self::Wilson | Self::Exact => None,
            Self::OverDispersionCqc => Some(DispersionScale::SquareRootRatio),
            Self::OverDispersion => Some(match statistic {
                FunnelStatistic::Proportion => DispersionScale::Arcsine,
                FunnelStatistic::Rate | FunnelStatistic::StandardisedRate => {
                    DispersionScale::LogCounts
                }
                FunnelStatistic::Ratio | FunnelStatistic::RatioCount => DispersionScale::LogRatio,
            }),
        }
    }

    /// In words for a footnote.
    pub(super) fn text(self, statistic: FunnelStatistic) -> &'static str {
        let proportion = statistic == FunnelStatistic::Proportion;
        match (self, self.scale(statistic)) {
            (_, Some(DispersionScale::Arcsine)) => "over-dispersion (arcsine, winsorised)",
            (_, Some(DispersionScale::LogRatio)) => "over-dispersion (log ratio, truncated)",
            (_, Some(DispersionScale::SquareRootRatio)) => {
                "over-dispersion (square root, winsorised)"
            }
            (_, Some(DispersionScale::LogCounts)) => "over-dispersion (log rate, winsorised)",
            (Self::Exact, None) if proportion => "exact binomial",
            (Self::Exact, None) => "exact Poisson",
            (_, None) if proportion => "Wilson",
            (_, None) => "Poisson",
        }
    }
}

/// The options of [`funnel_limits`](crate::funnel_limits).
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct FunnelOptions {
    pub statistic: FunnelStatistic,
    /// The unit of the figures: 100 for per cent. Where not given, 100, and 1 for
    /// [`FunnelStatistic::RatioCount`].
    pub multiplier: Option<f64>,
    pub method: FunnelMethod,
    pub polarity: Polarity,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known() {
        assert!(FunnelStatistic::NAMES.into_iter().all(|n| FunnelStatistic::named(n).is_some()));
        assert!(FunnelMethod::NAMES.into_iter().all(|n| FunnelMethod::named(n).is_some()));
        assert_eq!(FunnelMethod::named("Wilson"), None);
        assert_eq!(FunnelStatistic::named("isr"), None);
        assert_eq!(FunnelMethod::Wilson.text(FunnelStatistic::Rate), "Poisson");
        assert_eq!(FunnelMethod::Exact.text(FunnelStatistic::Proportion), "exact binomial");
    }
}
