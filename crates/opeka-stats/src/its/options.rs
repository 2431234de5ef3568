//! What can be asked of a segmented regression.

use crate::Reason;
use crate::reason::require_conf_level;

/// How the errors of a segmented regression are calculated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ItsErrors {
    /// Robust to autocorrelation and unequal variances (Newey and West 1987), with Bartlett's kernel.
    #[default]
    NeweyWest,
    /// Those of the model: ordinary least squares, or the family's variance.
    Model,
    /// Robust to unequal variances, times n/(n − k) (White 1980; MacKinnon and White 1985).
    Hc1,
    /// The same by leverage: residuals over 1 − h.
    Hc3,
    /// Generalised least squares with errors that lean on the last one (Prais and Winsten 1954),
    /// iterated until the autocorrelation settles; the first time is kept.
    PraisWinsten,
    /// The same without the first time (Cochrane and Orcutt 1949).
    CochraneOrcutt,
    /// The same by maximum likelihood.
    Ar1,
    /// The same by restricted maximum likelihood.
    Ar1Reml,
}

/// How the autocorrelation of residuals e is estimated in Prais–Winsten and Cochrane–Orcutt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RhoType {
    /// Σ e_t e_(t−1) / Σ e²_(t−1): Stata's `rhotype(regress)`.
    #[default]
    Regress,
    /// Σ e_t e_(t−1) / Σ e²_t: Stata's `rhotype(tscorr)`.
    Autocorrelation,
    /// Of centred residuals, sums over their numbers of terms: statsmodels' `yule_walker`.
    YuleWalker,
}

/// How many neighbours the errors of Newey and West take in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NeweyWestLag {
    /// ⌊4 (n/100)^(2/9)⌋, a rule that looks at the number of points alone (Newey and West 1994).
    #[default]
    Rule,
    /// From the autocovariances of the scores (Newey and West 1994, table I and II): R's
    /// `sandwich::bwNeweyWest`.
    Automatic,
    /// This many.
    Fixed(usize),
}

/// What an outcome is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ItsFamily {
    /// A measure: effects are differences.
    #[default]
    Gaussian,
    /// A count, with the variance of independent events: effects are rate ratios.
    Poisson,
    /// A count, with a variance that is a multiple of that.
    QuasiPoisson,
}

/// Where `level change` is read off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LevelAt {
    /// One step before the first treated time: time since the intervention counts 1, 2, …, as in
    /// Wagner et al. (2002).
    #[default]
    LastBefore,
    /// At the first treated time: time since the intervention counts 0, 1, …, as in Linden (2015),
    /// Stata's `itsa`.
    FirstAfter,
}

/// The distribution that tests and limits of coefficients are taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TestDistribution {
    /// Normal for counts of a given variance, Student's t for all else.
    #[default]
    ByFamily,
    /// Student's t with n − k degrees of freedom.
    T,
    Normal,
}

/// The options of [`its`](crate::its).
#[derive(Clone, Debug, PartialEq)]
pub struct ItsOptions<'a> {
    pub errors: ItsErrors,
    /// For [`ItsErrors::NeweyWest`].
    pub lag: NeweyWestLag,
    /// For [`ItsErrors::NeweyWest`]: the scores are first freed of what a VAR(1) explains of them
    /// (Andrews and Monahan 1992), R's default.
    pub prewhiten: bool,
    /// For [`ItsErrors::NeweyWest`]: the covariance times n/(n − k), as in Stata.
    pub small_sample: bool,
    /// For [`ItsErrors::PraisWinsten`] and [`ItsErrors::CochraneOrcutt`].
    pub rho_type: RhoType,
    /// The autocorrelation where it is known, for the four methods that have one.
    pub rho: Option<f64>,
    pub family: ItsFamily,
    /// For counts: how many people the events are of. Its logarithm is the offset.
    pub population: Option<&'a [f64]>,
    /// Columns of numbers, each with one number for each row.
    pub covariates: &'a [&'a [f64]],
    /// Pairs of sine and cosine of the season, of `period`, `period`/2, ….
    pub harmonics: usize,
    /// The length of the season in units of time, such as 12 for months that are counted.
    pub period: f64,
    /// Whether the slope may change too.
    pub slope_change: bool,
    pub level_at: LevelAt,
    /// Times since the intervention, in units of time, of which the effect is asked.
    pub horizons: &'a [f64],
    pub distribution: TestDistribution,
    pub conf_level: f64,
}

impl Default for ItsOptions<'_> {
    fn default() -> Self {
        Self {
            errors: ItsErrors::default(),
            lag: NeweyWestLag::default(),
            prewhiten: false,
            small_sample: true,
            rho_type: RhoType::default(),
            rho: None,
            family: ItsFamily::default(),
            population: None,
            covariates: &[],
            harmonics: 0,
            period: 12.0,
            slope_change: true,
            level_at: LevelAt::default(),
            horizons: &[],
            distribution: TestDistribution::default(),
            conf_level: 0.95,
        }
    }
}

impl ItsOptions<'_> {
    /// The options by themselves are in order.
    pub(super) fn check(&self) -> Result<(), Reason> {
        require_conf_level(self.conf_level)?;
        let counts = self.family != ItsFamily::Gaussian;
        if counts && self.errors.has_rho() {
            return Err(Reason::because(
                "errors that lean on the last one are for measures (for counts take newey_west)",
            ));
        }
        if !counts && self.population.is_some() {
            return Err(Reason::because(
                "population is for counts (family poisson or quasipoisson)",
            ));
        }
        if let Some(rho) = self.rho.filter(|rho| rho.is_nan() || rho.abs() >= 1.0) {
            return Err(Reason::because(format!("rho is {rho} (it must lie between -1 and 1)")));
        }
        if self.harmonics > 0 && !(self.period.is_finite() && self.period > 0.0) {
            return Err(Reason::because(format!(
                "period is {} (it must be a finite number above zero)",
                self.period
            )));
        }
        Ok(())
    }
}

impl ItsErrors {
    /// Whether the errors are those of a model with an autocorrelation.
    pub(super) fn has_rho(self) -> bool {
        matches!(self, Self::PraisWinsten | Self::CochraneOrcutt | Self::Ar1 | Self::Ar1Reml)
    }

    /// Whether it takes times at one distance.
    pub(super) fn needs_even_steps(self) -> bool {
        self.has_rho() || self == Self::NeweyWest
    }
}
