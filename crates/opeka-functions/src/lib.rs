//! The SQL face of `opeka-stats`: one file per SQL function.
//!
//! This is the seam where a column becomes a vector. A file here says how a method is called in
//! SQL: its parameters and their defaults, what a `NULL` means, what must be kept while rows
//! arrive, and its documentation with an example. The arithmetic is the function of the same name
//! in `opeka-stats`.
//!
//! Every function returns a struct whose fields are named as in `opeka-stats`, so that the parts
//! of an answer stay together and a metric picks what it needs:
//!
//! ```sql
//! select ref_area, est['estimate'] as rate, est['conf_low'] as low, est['conf_high'] as high
//! from (select ref_area, rate_ci(placed, children, 10000) as est from placements)
//! ```
//!
//! House rules for all of them:
//!
//! - Arguments may be of any numeric type and are calculated as 64-bit floats. Optional ones come
//!   last, and all can be given by name: `rate_ci(events => 3, population => 100)`.
//! - The struct is never `NULL`. Where there is no figure, its fields are `NULL` and `reason` says
//!   why. A `NULL` argument of a scalar function is such a case; an aggregate skips rows in which
//!   one of its columns is `NULL`, but for those that would be wrong without the row (the age bands
//!   of `dsr`): there the figure is missing, with its reason.
//! - No result depends on the order of rows, of batches or of partitions.
//!
//! A function is a type without values that implements `Scalar`, `Aggregate` or `Window`: its
//! parameters, one call of the method, its documentation. The fields of a result are named where
//! `Row` is implemented for it, in the file of the function that returns it. Lists of structs are
//! `Column::List`. Functions of a series end their parameters with `STATUS`.
//!
//! In reading order:
//!
//! | module | what |
//! |---|---|
//! | `rate_ci`, `proportion_ci`, `dsr`, `isr`, `mean_ci`; `estimate` is what they share | rates and means |
//! | `compare`, `distance`, `position`, `quantile_group` | figures against a benchmark, areas among others |
//! | `slope_index`, `relative_index`; `gradient` | the social gradient |
//! | `coefficient_of_variation`, `gini`, `theil_index`; `inequality` | dispersion |
//! | `sigma_convergence`, `beta_convergence` | convergence |
//! | `mann_kendall`, `seasonal_mann_kendall`, `regional_mann_kendall`; `block_mann_kendall` | tests of trend |
//! | `theil_sen`, `ols_trend`, `aapc`, `poisson_trend`, `cagr` | slopes and rates of growth |
//! | `joinpoint`, `joinpoint_counts`, `pettitt` | where a trend changes |
//! | `trend_marker` | the published rule |
//! | `year_on_year`, `index_to_base`, `moving_average`; `point_figure` | changes between periods |
//! | `xmr`, `xmr_point`, `funnel_limits` | control charts and funnels |
//! | `benjamini_hochberg`, `holm` | many tests at once |
//! | `damped_holt`, `local_linear_trend`; `forecast` | forecasts |
//! | `did_2x2`, `did_twfe`, `event_study`, `pretrend_test`, `pretrend_equivalence` | differences in differences |
//! | `bacon`, `sun_abraham`, `did_imputation` | staggered adoption |
//! | `minimum_detectable_effect`, `power_of_design`, `detectable_effect` | what a design can see |
//! | `att_gt`, `att_aggregate`, `att_pretest` | effects by cohort and time |
//! | `synthetic_control`, `augmented_synthetic_control` | treated areas against weighted others |
//! | `synthetic_did`, `interactive_effects`, `matrix_completion` | treated areas against weighted others, or what factors predict |
//! | `its`, `controlled_its`, `causal_impact`; `counterfactual` | one series before and after |
//! | `honest_did` | effects when trends are not exactly parallel |
//! | `permutation_test`, `permutation_test_outcomes`, `wild_bootstrap` | p-values and limits by resampling |
//! | `effects` | what functions of intervention effects share |
//! | `parameters` | names, kinds and defaults of arguments; the values of options |
//! | `scalar`, `aggregate`, `window` | what a function declares, and how the engine calls it |
//! | `rows`; `words`, `lists` | the rows that an aggregate or a window function is given |
//! | `series` | breaks, provisional values and forecasts |
//! | `row` | results as Arrow structs |
//! | `documentation` | what the program prints of a function |

mod dsr;
mod estimate;
mod isr;
mod mean_ci;
mod proportion_ci;
mod rate_ci;

mod compare;
mod distance;
mod position;
mod quantile_group;

mod beta_convergence;
mod coefficient_of_variation;
mod gini;
mod gradient;
mod inequality;
mod relative_index;
mod sigma_convergence;
mod slope_index;
mod theil_index;

mod aapc;
mod block_mann_kendall;
mod cagr;
mod index_to_base;
mod joinpoint;
mod joinpoint_counts;
mod mann_kendall;
mod moving_average;
mod ols_trend;
mod pettitt;
mod point_figure;
mod poisson_trend;
mod regional_mann_kendall;
mod seasonal_mann_kendall;
mod theil_sen;
mod trend_marker;
mod year_on_year;

mod funnel_limits;
mod xmr;
mod xmr_point;

mod benjamini_hochberg;
mod holm;

mod damped_holt;
mod forecast;
mod local_linear_trend;

mod att_aggregate;
mod att_gt;
mod att_pretest;
mod bacon;
mod detectable_effect;
mod did_2x2;
mod did_imputation;
mod did_twfe;
mod event_study;
mod minimum_detectable_effect;
mod power_of_design;
mod pretrend_equivalence;
mod pretrend_test;
mod sun_abraham;

mod augmented_synthetic_control;
mod causal_impact;
mod controlled_its;
mod counterfactual;
mod honest_did;
mod interactive_effects;
mod its;
mod matrix_completion;
mod permutation_test;
mod permutation_test_outcomes;
mod synthetic_control;
mod synthetic_did;
mod wild_bootstrap;

mod aggregate;
mod documentation;
mod effects;
mod lists;
mod parameters;
mod row;
mod rows;
mod scalar;
mod series;
mod window;
mod words;

#[cfg(test)]
mod testing;

pub use documentation::{FunctionDocumentation, documentation};

use std::sync::Arc;

use datafusion_expr::{AggregateUDF, DocSection, ScalarUDF, WindowUDF};

use aggregate::{Aggregate, aggregate};
use opeka_stats::Polarity;
use parameters::{Kind, Parameters};
use scalar::{Scalar, scalar};
use window::{Window, window};

/// Lists functions, as the engine sees them and as their parameters.
macro_rules! functions {
    (
        $(#[$documentation:meta])*
        $all:ident -> $engine:ty, $parameters:ident, $kind:ident, $make:ident:
        $($function:path),* $(,)?
    ) => {
        $(#[$documentation])*
        pub fn $all() -> Vec<Arc<$engine>> {
            vec![$($make::<$function>()),*]
        }

        fn $parameters() -> Vec<Parameters> {
            vec![$(<$function as $kind>::PARAMETERS),*]
        }
    };
}

functions! {
    /// Figures of one row each, in the order of the reference.
    all_scalar_functions -> ScalarUDF, scalar_parameters, Scalar, scalar:
    rate_ci::RateCi,
    proportion_ci::ProportionCi,
    compare::Compare,
    distance::Distance,
    minimum_detectable_effect::MinimumDetectableEffect,
    power_of_design::PowerOfDesign,
}

functions! {
    /// Figures of many rows, in the order of the reference.
    all_aggregate_functions -> AggregateUDF, aggregate_parameters, Aggregate, aggregate:
    dsr::Dsr,
    isr::Isr,
    mean_ci::MeanCi,
    slope_index::SlopeIndex,
    relative_index::RelativeIndex,
    coefficient_of_variation::CoefficientOfVariation,
    gini::Gini,
    theil_index::TheilIndex,
    sigma_convergence::SigmaConvergence,
    beta_convergence::BetaConvergence,
    mann_kendall::MannKendall,
    seasonal_mann_kendall::SeasonalMannKendall,
    regional_mann_kendall::RegionalMannKendall,
    theil_sen::TheilSen,
    ols_trend::OlsTrend,
    aapc::Aapc,
    poisson_trend::PoissonTrend,
    cagr::Cagr,
    joinpoint::Joinpoint,
    joinpoint_counts::JoinpointCounts,
    pettitt::Pettitt,
    trend_marker::TrendMarker,
    xmr::Xmr,
    damped_holt::DampedHolt,
    local_linear_trend::LocalLinearTrend,
    did_2x2::Did2x2,
    did_twfe::DidTwfe,
    event_study::EventStudy,
    pretrend_test::PretrendTests,
    pretrend_equivalence::PretrendEquivalences,
    bacon::Bacon,
    sun_abraham::SunAbraham,
    did_imputation::DidImputation,
    detectable_effect::DetectableEffect,
    att_gt::AttGt,
    att_aggregate::AttAggregate,
    att_pretest::AttPretest,
    synthetic_control::SyntheticControl,
    augmented_synthetic_control::AugmentedSyntheticControl,
    synthetic_did::SyntheticDid,
    interactive_effects::InteractiveEffects,
    matrix_completion::MatrixCompletion,
    its::Its,
    controlled_its::ControlledIts,
    causal_impact::CausalImpact,
    honest_did::HonestDidOfRows,
    permutation_test::PermutationTest,
    permutation_test_outcomes::PermutationTestOutcomes,
    wild_bootstrap::WildBootstrap,
}

functions! {
    /// Figures of one row each that depend on its partition, in the order of the reference.
    all_window_functions -> WindowUDF, window_parameters, Window, window:
    position::Position,
    quantile_group::QuantileGroup,
    xmr_point::XmrPoints,
    funnel_limits::FunnelLimits,
    benjamini_hochberg::BenjaminiHochberg,
    holm::Holm,
    year_on_year::YearOnYear,
    index_to_base::IndexToBase,
    moving_average::MovingAverage,
}

/// Name and default of each parameter of one of our functions, as SQL would write them; no default
/// where it must be given. `None` where the function is not ours.
///
/// An engine that resolves named arguments by position needs it to fill what a call leaves out.
pub fn parameters_of(function: &str) -> Option<Vec<(&'static str, Option<String>)>> {
    let all = [scalar_parameters(), aggregate_parameters(), window_parameters()];
    let known = |parameters: &Parameters| parameters.function == function;
    Some(all.into_iter().flatten().find(known)?.defaults())
}

const RATES: DocSection = DocSection {
    include: true,
    label: "Rates and proportions",
    description: Some("Events per population and parts of a whole, with confidence limits."),
};

const COMPARISONS: DocSection = DocSection {
    include: true,
    label: "Comparisons",
    description: Some("Figures against a benchmark, and areas among others."),
};

const INEQUALITY: DocSection = DocSection {
    include: true,
    label: "Inequality and convergence",
    description: Some("Differences between areas, whom they follow, and whether they shrink."),
};

/// Which way is better.
const POLARITY: Kind = Kind::Choice(&Polarity::NAMES);

const TRENDS: DocSection = DocSection {
    include: true,
    label: "Trends",
    description: Some(
        "Slopes of short series, whether there is a trend at all, and changes from year to year.",
    ),
};

const CHARTS: DocSection = DocSection {
    include: true,
    label: "Control charts and funnels",
    description: Some("Which points of a series, and which areas, are more than chance."),
};

const MANY_TESTS: DocSection = DocSection {
    include: true,
    label: "Many tests at once",
    description: Some("p-values of a family of tests, so that chance makes no discoveries."),
};

const FORECASTS: DocSection = DocSection {
    include: true,
    label: "Forecasts",
    description: Some("The next years of a short series, with prediction intervals."),
};

/// The section of the functions that estimate effects of interventions.
pub const EFFECTS_SECTION: &str = EFFECTS.label;

/// The parts of the documentation of such a function, in their order.
pub const METHOD_PARTS: [&str; 7] = [
    "**What it estimates.**",
    "**Assumptions.**",
    "**Formula.**",
    "**Returns**",
    "**Nulls and small samples.**",
    "**Deviations.**",
    "**References.**",
];

const EFFECTS: DocSection = DocSection {
    include: true,
    label: "Intervention effects",
    description: Some(
        "Whether a programme changed anything, against areas without it or against the time before.",
    ),
};

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion_expr::{Documentation, Signature};
    use std::collections::BTreeSet;

    fn functions() -> Vec<(String, Signature, Option<Documentation>)> {
        let scalar = all_scalar_functions();
        let scalar = scalar.iter().map(|udf| {
            (udf.name().to_owned(), udf.signature().clone(), udf.documentation().cloned())
        });
        let aggregate = all_aggregate_functions();
        let aggregate = aggregate.iter().map(|udf| {
            (udf.name().to_owned(), udf.signature().clone(), udf.documentation().cloned())
        });
        let window = all_window_functions();
        let window = window.iter().map(|udf| {
            (udf.name().to_owned(), udf.signature().clone(), udf.documentation().cloned())
        });
        scalar.chain(aggregate).chain(window).collect()
    }

    #[test]
    fn names_are_unique() {
        let functions = functions();
        let names: BTreeSet<&String> = functions.iter().map(|(name, ..)| name).collect();
        assert_eq!(names.len(), functions.len());
    }

    #[test]
    fn every_function_is_documented() {
        for (name, signature, documentation) in functions() {
            let doc = documentation.unwrap_or_else(|| panic!("{name} has no documentation"));
            for part in ["**Nulls and small samples.**", "**Returns**", "**References.**"] {
                assert!(doc.description.contains(part), "{name}: description lacks {part}");
            }
            // The page of methods is made of these.
            if doc.doc_section.label == EFFECTS.label {
                for part in METHOD_PARTS {
                    assert!(doc.description.contains(part), "{name}: description lacks {part}");
                }
                let places: Vec<Option<usize>> =
                    METHOD_PARTS.iter().map(|part| doc.description.find(part)).collect();
                assert!(places.is_sorted(), "{name}: the parts are not in order");
            }
            assert!(doc.syntax_example.starts_with(&format!("{name}(")), "{name}: syntax");

            // Arguments are those of the signature, in its order, and the syntax names them all.
            let described: Vec<String> =
                doc.arguments.unwrap_or_default().into_iter().map(|(name, _)| name).collect();
            assert_eq!(Some(&described), signature.parameter_names.as_ref(), "{name}: arguments");
            for argument in &described {
                assert!(doc.syntax_example.contains(argument), "{name}: syntax lacks {argument}");
            }

            // A query after a prompt, then the table that it prints.
            let example = doc.sql_example.unwrap_or_default();
            assert!(example.starts_with("```sql\n> select"), "{name}: example");
            assert!(example.contains(&format!("{name}(")), "{name}: example does not call it");
            assert!(example.contains(";\n+-") && example.ends_with("+\n```"), "{name}: no output");
        }
    }
}
