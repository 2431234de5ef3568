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
//!   one of its columns is `NULL`.
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
//! | `rate_ci`, `proportion_ci` | scalar functions |
//! | `theil_sen`, `xmr` | aggregate functions, also over windows |
//! | `xmr_point`, `funnel_limits`, `benjamini_hochberg`, `holm` | window functions |
//! | `theil_sen` | aggregate functions, also over windows |
//! | `damped_holt`, `local_linear_trend` | forecasts; `forecast` is what they share |
//! | `parameters` | names, kinds and defaults of arguments; the values of options |
//! | `scalar`, `aggregate`, `window` | what a function declares, and how the engine calls it |
//! | `rows` | the rows that an aggregate or a window function is given |
//! | `series` | breaks, provisional values and forecasts |
//! | `row`, `estimate` | results as Arrow structs |
//! | `documentation` | what the program prints of a function |

#![allow(dead_code, unused_imports, reason = "functions that use all of this are on their way")]

mod proportion_ci;
mod rate_ci;

mod theil_sen;

mod funnel_limits;
mod xmr;
mod xmr_point;

mod benjamini_hochberg;
mod damped_holt;
mod forecast;
mod holm;
mod local_linear_trend;

mod aggregate;
mod documentation;
mod estimate;
mod parameters;
mod row;
mod rows;
mod scalar;
mod series;
mod window;

#[cfg(test)]
mod testing;

pub use documentation::{FunctionDocumentation, documentation};

use std::sync::Arc;

use datafusion_expr::{AggregateUDF, DocSection, ScalarUDF, WindowUDF};

use aggregate::{Aggregate, aggregate};
use parameters::Parameters;
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
}

functions! {
    /// Figures of many rows, in the order of the reference.
    all_aggregate_functions -> AggregateUDF, aggregate_parameters, Aggregate, aggregate:
    theil_sen::TheilSen,
    xmr::Xmr,
    damped_holt::DampedHolt,
    local_linear_trend::LocalLinearTrend,
}

functions! {
    /// Figures of one row each that depend on its partition, in the order of the reference.
    all_window_functions -> WindowUDF, window_parameters, Window, window:
    xmr_point::XmrPoints,
    funnel_limits::FunnelLimits,
    benjamini_hochberg::BenjaminiHochberg,
    holm::Holm,
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

const TRENDS: DocSection = DocSection {
    include: true,
    label: "Trends",
    description: Some("Slopes of short series, and whether there is a trend at all."),
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
