//! `pretrend_test`: whether treated and other areas were apart before treatment.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{EventStudyOptions, PretrendTest, Reason, WaldDistribution, pretrend_test};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::did_twfe::{ERRORS, ERRORS_ARGUMENT};
use crate::effects::{
    ADOPTER, ADOPTER_ARGUMENT, CLUSTER, CLUSTER_ARGUMENT, COVARIATES, COVARIATES_ARGUMENT,
    FIRST_TREATED, FIRST_TREATED_ARGUMENT, PanelColumns, TIME, TIME_ARGUMENT, UNIT, UNIT_ARGUMENT,
    WEIGHTS, WEIGHTS_ARGUMENT, Y, Y_ARGUMENT, tell,
};
use crate::event_study::{
    LAGS, LAGS_ARGUMENT, LEADS, LEADS_ARGUMENT, REFERENCE, REFERENCE_ARGUMENT, study_options,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Row, text};
use crate::rows::Rows;

pub(crate) struct PretrendTests;

impl Aggregate for PretrendTests {
    const PARAMETERS: Parameters = Parameters {
        function: "pretrend_test",
        list: &[
            Y,
            UNIT,
            TIME,
            FIRST_TREATED,
            COVARIATES,
            WEIGHTS,
            CLUSTER,
            ADOPTER,
            REFERENCE,
            LEADS,
            LAGS,
            ERRORS,
            ("distribution", Kind::Choice(&["f", "f_residual", "chi2"])),
        ],
    };
    type Result = PretrendTest;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        test(rows, options).unwrap_or_else(PretrendTest::unknown)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn test(rows: &Rows, options: &Options) -> Result<PretrendTest, Reason> {
    let parameters = &PretrendTests::PARAMETERS;
    let panel = PanelColumns::of(parameters, rows, options)?;
    let first = panel.numbers(parameters, rows, "first_treated");
    let adopter = panel.flags(parameters, rows, options, "adopter")?;
    // A test has no limits, and so no level.
    let conf_level = EventStudyOptions::default().conf_level;
    let with = EventStudyOptions { conf_level, ..study_options(options) };
    let distribution = match options.choice("distribution") {
        "f_residual" => WaldDistribution::FResidual,
        "chi2" => WaldDistribution::ChiSquared,
        _ => WaldDistribution::F,
    };
    let mut result =
        panel.with(|rows| pretrend_test(rows, &first, adopter.as_deref(), &with, distribution));
    tell(&mut result.note, panel.note.as_ref());
    Ok(result)
}

impl Row for PretrendTest {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("statistic", Column::Number(|r| r.statistic)),
        ("p_value", Column::Number(|r| r.p_value)),
        ("df", Column::Number(|r| r.df)),
        ("df_residual", Column::Number(|r| r.df_residual)),
        ("n_obs", Column::Count(|r| r.n_obs)),
        ("n_units", Column::Count(|r| r.n_units)),
        ("method", Column::Text(|r| r.method.as_deref().map(Cow::from))),
        ("note", Column::Text(|r| r.note.as_deref().map(Cow::from))),
        ("reason", Column::Text(|r| text(r.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "Tests whether the effects that `event_study` finds before treatment are zero together: \
        whether treated and other areas were already apart.\n\
        \n\
        **What it estimates.** Nothing: it tests the hypothesis that all coefficients before \
        treatment, without the reference, are zero. That it is not rejected is no proof of \
        parallel trends; with few areas it sees little. `pretrend_equivalence` turns the \
        hypothesis round.\n\
        \n\
        **Assumptions.** Those of the errors of `event_study`.\n\
        \n\
        **Formula.** F = b'V⁻¹b/q for the q coefficients b and their covariance V (Wald). The \
        p-value is of F with q and G − 1 degrees of freedom for G clusters ('f'), of F with q and \
        N − K ('f_residual'), or of χ² with q, where the statistic is b'V⁻¹b ('chi2').\n\
        \n\
        **Returns** a struct: `statistic`, `p_value`, `df` (q), `df_residual` (of the denominator), \
        `n_obs`, `n_units`, `method`, `note`, `reason`.\n\
        \n\
        **Nulls and small samples.** As for `event_study`. No test, with a `reason`, where a period \
        before treatment has one treated area: its variance cannot be estimated, and `leads` puts \
        far periods together. Nor where the covariance is singular, as with as many periods as \
        clusters. With two to nine treated areas `note` says that the test rejects too often.\n\
        \n\
        **Deviations.** R's fixest, `wald()`, takes F with N − K: `distribution => 'f_residual'`. \
        G − 1 is the more careful choice, and that of Stata.\n\
        \n\
        **References.** Wald (1943), Transactions of the AMS 54(3); Roth (2022), AER: Insights \
        4(3); Freyaldenhoven, Hansen and Shapiro (2019), AER 109(9).",
        "pretrend_test(y, unit, time, first_treated[, covariates[, weights[, cluster[, adopter[, \
        reference[, leads[, lags[, errors[, distribution]]]]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("first_treated", FIRST_TREATED_ARGUMENT)
    .with_argument("covariates", COVARIATES_ARGUMENT)
    .with_argument("weights", WEIGHTS_ARGUMENT)
    .with_argument("cluster", CLUSTER_ARGUMENT)
    .with_argument("adopter", ADOPTER_ARGUMENT)
    .with_argument("reference", REFERENCE_ARGUMENT)
    .with_argument("leads", LEADS_ARGUMENT)
    .with_argument("lags", LAGS_ARGUMENT)
    .with_argument("errors", ERRORS_ARGUMENT)
    .with_argument("distribution", "'f' (default), 'f_residual' or 'chi2'.")
    .with_sql_example(
        "```sql
> select round(test['statistic'], 4) as f, round(test['p_value'], 4) as p,
         test['df'] as df, test['df_residual'] as df2
  from (select pretrend_test(column3, column1, column2, column4) as test
        from (values ('a', 1, 10.0, 3), ('a', 2, 11.0, 3), ('a', 3, 16.0, 3),
                     ('b', 1, 12.0, 3), ('b', 2, 12.5, 3), ('b', 3, 16.0, 3),
                     ('c', 1, 9.0, null), ('c', 2, 9.0, null), ('c', 3, 10.0, null),
                     ('d', 1, 8.0, null), ('d', 2, 9.0, null), ('d', 3, 11.0, null)));
+--------+--------+-----+-----+
| f      | p      | df  | df2 |
+--------+--------+-----+-----+
| 0.1909 | 0.6917 | 1.0 | 3.0 |
+--------+--------+-----+-----+
```",
    )
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_study::tests::batch;
    use crate::testing::{AggregateTester, number, word};
    use datafusion_common::ScalarValue;

    #[test]
    fn the_example() {
        let result = AggregateTester::<PretrendTests>::new().aggregate(&[batch()]);
        let rounded = |name: &str| number(&result, name).map(|value| (value * 1e4).round() / 1e4);
        assert_eq!((rounded("statistic"), rounded("p_value")), (Some(0.1909), Some(0.6917)));
        assert_eq!((rounded("df"), rounded("df_residual")), (Some(1.0), Some(3.0)));
        assert!(word(&result, "note").unwrap().contains("2 treated units"));
    }

    #[test]
    fn distributions_by_name() {
        let of = |name: &str| {
            let given = [("distribution", ScalarValue::from(name))];
            let result = AggregateTester::<PretrendTests>::with(&given).aggregate(&[batch()]);
            (number(&result, "p_value").unwrap(), number(&result, "df_residual"))
        };
        assert!(of("chi2").0 < of("f_residual").0 && of("f_residual").0 < of("f").0);
        assert_eq!((of("f").1, of("f_residual").1, of("chi2").1), (Some(3.0), Some(4.0), None));
        let nothing = AggregateTester::<PretrendTests>::new().aggregate(&[]);
        let reason = word(&nothing, "reason").unwrap();
        assert_eq!(reason, "cannot be calculated because there are no rows");
    }
}
