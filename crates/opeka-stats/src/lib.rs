//! The numbers: rates, trends and their uncertainty over plain `f64`.
//!
//! One function per method, one file per function. Nothing here reads a file, a clock or an
//! Arrow array; the SQL face of each method is the file of the same name in `opeka-functions`.
//!
//! Three promises hold for every method:
//!
//! - **Plain in, plain out.** Arguments are numbers and slices; the result is a struct whose
//!   fields carry broom's names (`estimate`, `conf_low`, `conf_high`, `statistic`, `p_value`,
//!   `n_obs`), the `method` that was used and, where something is missing, the `reason`.
//! - **A number or a reason, never `NaN`.** A failed precondition is part of the answer: the
//!   fields it affects are `None` and [`Reason`] says why. Nothing panics on data.
//! - **The same bits everywhere.** Transcendental functions come from `libm`, and no result
//!   depends on the order in which rows arrive.
//!
//! How often limits hold the truth, and tests see what is not there, is simulated: `COVERAGE.md`,
//! beside this crate's manifest, says where each falls short of its claim.
//!
//! ```
//! use opeka_stats::{proportion_ci, rate_ci, theil_sen};
//!
//! // 65 children placed in a region where 100 thousand live, per 10 thousand children.
//! let rate = rate_ci(65.0, 100_000.0, 10_000.0, 0.95);
//! assert_eq!(rate.estimate, Some(6.5));
//! assert_eq!(rate.method, Some("Byar"));
//!
//! // Nobody to place: no rate, and the reason why.
//! let none = rate_ci(0.0, 0.0, 10_000.0, 0.95);
//! assert_eq!(none.estimate, None);
//! assert_eq!(
//!     none.reason.map(|reason| reason.to_string()).as_deref(),
//!     Some("cannot be calculated because population is 0 (it must be above zero)"),
//! );
//!
//! let share = proportion_ci(20.0, 100.0, 0.95);
//! assert_eq!(share.estimate, Some(0.2));
//!
//! // One year is missing: slopes are taken at the true spacing.
//! let trend = theil_sen(&[9.0, 8.0, 6.0, 5.0], &[2010.0, 2011.0, 2013.0, 2014.0], 0.95);
//! assert_eq!(trend.estimate, Some(-1.0));
//! ```
//!
//! In reading order:
//!
//! | module | what |
//! |---|---|
//! | `reason` | why a number is missing; the preconditions that methods share |
//! | `polarity` | whether a high figure is good news |
//! | `sum` | sums that do not depend on the order of their terms |
//! | `estimate` | the result of methods that give a figure and its limits |
//! | `rate` | events per population (exact Poisson, Byar), crude or standardised; proportions (Wilson); means |
//! | `compare` | figures against a benchmark, and the position of an area among others |
//! | `inequality` | differences between areas: gradients, dispersion, concentration, convergence |
//! | `trend` | slopes and tests of short series, lines that meet, the published marker, changes from year to year |
//! | `control` | control charts over time, funnels across areas, over-dispersion |
//! | `multiple` | p-values of many tests at once (Benjamini–Hochberg, Holm) |
//! | `forecast` | the next years of a short series (damped Holt, local linear trend) |
//! | `effect` | did it work? the words of intervention effects: panels, who is treated from when, results |
//! | `did` | differences in differences |
//! | `synth` | synthetic comparison areas |
//! | `its` | one series before and after |
//! | `inference` | how sure one can be of an effect |
//! | `state_space` | the Kalman filter with an exact diffuse start |
//! | `optimise` | the lowest point of a function of few variables |
//! | `least_squares` | linear models with few columns |
//! | `distribution` | normal, gamma, beta and Student's t, to the last digits |
//! | `random` | seeded draws |

mod reason;

mod sum;

mod polarity;

mod estimate;

mod rate;

mod compare;

mod inequality;

mod trend;

mod control;

mod multiple;

mod forecast;

mod effect;

mod did;

mod synth;

mod its;

mod inference;

#[doc(hidden)] // for structural models of other crates of the workspace, and for their trials
pub mod state_space;

mod optimise;

mod least_squares;

mod distribution;

mod random;

#[cfg(test)]
mod testing;

pub use compare::benchmark::{Comparison, Distance, compare, distance};
pub use compare::position::{Position, QuantileGroup, position, quantile_group};
pub use control::funnel::{FunnelArea, funnel_limits};
pub use control::funnel_options::{FunnelMethod, FunnelOptions, FunnelStatistic};
pub use control::overdispersion::{
    DispersedArea, DispersionScale, OverDispersion, over_dispersion,
};
pub use control::xmr::{Xmr, XmrPoint, xmr};
pub use control::xmr_options::{Rebase, XmrOptions};
pub use did::att_aggregate::{AttAggregate, AttAggregateOptions, AttAggregation, att_aggregate};
pub use did::att_gt::options::{AttBase, AttControl, AttErrors, AttGaps, AttGtOptions};
pub use did::att_gt::pretest::AttPretest;
pub use did::att_gt::{AttGt, att_gt, att_pretest};
pub use did::bacon::{BaconComparison, bacon};
pub use did::drdid::AttMethod;
pub use did::errors::{Degrees, Errors};
pub use did::event_study::{EventStudy, EventStudyOptions, event_study};
pub use did::imputation::{
    DidImputation, DidImputationOptions, ImputationAggregation, ImputationErrors, did_imputation,
};
pub use did::sun_abraham::{SunAbraham, SunAbrahamAggregation, SunAbrahamOptions, sun_abraham};
pub use did::twfe::{Twfe, TwfeInference, TwfeOptions, did_twfe};
pub use did::two_by_two::{Cell, TwoByTwo, TwoByTwoErrors, TwoByTwoOptions, did_2x2};
pub use effect::labels::Labels;
pub use effect::panel::PanelRows;
pub use effect::{Effect, EffectAt};
pub use estimate::Estimate;
pub use forecast::damped_holt::{DampedHolt, DampedHoltOptions, damped_holt};
pub use forecast::local_linear_trend::{
    LocalLinearTrend, LocalLinearTrendOptions, local_linear_trend,
};
pub use forecast::{ForecastPoint, MAX_HORIZON, MAX_PERIODS};
pub use inequality::concentration::{Inequality, gini, theil_index};
pub use inequality::convergence::{
    BetaConvergence, SigmaConvergence, beta_convergence, sigma_convergence,
};
pub use inequality::gradient::{InequalityIndex, relative_index, slope_index};
pub use inequality::variation::coefficient_of_variation;
pub use inference::detectable_effect::{
    DetectableEffect, DetectableEffectOptions, detectable_effect,
};
pub use inference::equivalence::{
    Equivalence, EquivalenceOptions, LeadBound, PretrendEquivalence, pretrend_equivalence,
};
pub use inference::honest::{
    HonestDelta, HonestDid, HonestDidOptions, HonestLimits, HonestMethod, HonestShape,
    HonestTarget, honest_did, honest_event_study,
};
pub use inference::many_outcomes::{OutcomeEffect, OutcomesOptions, permutation_test_outcomes};
pub use inference::permutation::{
    Alternative, PermutationOptions, PermutationStatistic, PermutationTest, permutation_test,
};
pub use inference::power::{
    MAX_REQUIRED_UNITS, Power, PowerAlternative, PowerDesign, PowerOptions,
    minimum_detectable_effect, power_of_design, required_units,
};
pub use inference::pretrend::{PretrendTest, WaldDistribution, pretrend_test};
pub use inference::resampling::MAX_DRAWS;
pub use inference::wild_bootstrap::{
    WildBootstrap, WildBootstrapOptions, WildDistribution, WildTails, wild_bootstrap,
};
pub use its::CounterfactualPoint;
pub use its::causal_impact::{
    CausalImpact, CausalImpactOptions, ImpactEstimator, ImpactLevel, ImpactPosterior, causal_impact,
};
pub use its::controlled::{ControlledIts, ControlledItsOptions, controlled_its};
pub use its::options::{
    ItsErrors, ItsFamily, ItsOptions, LevelAt, NeweyWestLag, RhoType, TestDistribution,
};
pub use its::segmented::{Its, its};
pub use multiple::adjust::{AdjustedP, benjamini_hochberg, family_reason, holm};
pub use polarity::Polarity;
pub use rate::direct::{Dsr, DsrLimits, dsr};
pub use rate::indirect::{Isr, isr};
pub use rate::mean::{MeanCi, mean_ci};
pub use rate::poisson::{RateMethod, byar_limits, exact_poisson_limits, rate_ci};
pub use rate::wilson::{ProportionMethod, proportion_ci};
pub use reason::Reason;
pub use synth::augmented::{
    AugmentedInference, AugmentedOptions, AugmentedPoint, AugmentedSyntheticControl,
    AugmentedWeight, augmented_synthetic_control,
};
pub use synth::interactive_effects::{
    FactorErrors, FactorsTried, InteractiveEffects, InteractiveEffectsOptions, MAX_FACTORS,
    interactive_effects,
};
pub use synth::matrix_completion::{
    MatrixCompletion, MatrixCompletionOptions, PenaltyTried, matrix_completion,
};
pub use synth::placebo::Placebo;
pub use synth::ridge::LambdaError;
pub use synth::synthetic_control::{
    DonorWeight, PredictorBalance, SyntheticControl, SyntheticControlOptions, SyntheticPoint,
    TreatedArea, synthetic_control,
};
pub use synth::synthetic_did::{
    SyntheticDid, SyntheticDidCohort, SyntheticDidErrors, SyntheticDidEstimator,
    SyntheticDidOptions, SyntheticDidPlacebo, SyntheticDidPoint, SyntheticDidWeights, TimeWeight,
    UnitWeight, synthetic_did,
};
pub use trend::aapc::{Aapc, aapc};
pub use trend::blocks::{
    BlockDependence, BlockMannKendall, regional_mann_kendall, seasonal_mann_kendall,
};
pub use trend::cagr::{Cagr, cagr};
pub use trend::index_to_base::index_to_base;
pub use trend::joinpoint::counts::{
    CountsSelection, JoinpointCounts, JoinpointCountsOptions, joinpoint_counts,
};
pub use trend::joinpoint::{
    Join, Joinpoint, JoinpointOptions, JoinpointTest, MAX_COMBINATIONS, MAX_JOINPOINT_POINTS,
    MAX_PERMUTATIONS, Scale as JoinpointScale, Search as JoinpointSearch, Segment,
    Selection as JoinpointSelection, joinpoint,
};
pub use trend::mann_kendall::{MannKendall, MannKendallVariant, mann_kendall};
pub use trend::moving_average::{MovingWindow, moving_average};
pub use trend::ols_trend::{OlsTrend, ols_trend};
pub use trend::periods::PointFigure;
pub use trend::pettitt::{Pettitt, pettitt};
pub use trend::poisson_trend::{PoissonTrend, PoissonVariance, poisson_trend};
pub use trend::theil_sen::{MAX_POINTS, TheilSen, theil_sen};
pub use trend::trend_marker::{Counts, Measure, TrendMarker, TrendMarkerOptions, trend_marker};
pub use trend::year_on_year::{YearOnYear, year_on_year};
