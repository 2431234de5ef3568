//! `pretrend_equivalence`: how far apart trends can have been before treatment.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{
    EquivalenceOptions, LeadBound, PretrendEquivalence, Reason, pretrend_equivalence,
};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::did_twfe::{ERRORS, ERRORS_ARGUMENT};
use crate::effects::{
    ADOPTER, ADOPTER_ARGUMENT, CLUSTER, CLUSTER_ARGUMENT, CONF_LEVEL, COVARIATES,
    COVARIATES_ARGUMENT, FIRST_TREATED, FIRST_TREATED_ARGUMENT, PanelColumns, SEED, SEED_ARGUMENT,
    TIME, TIME_ARGUMENT, UNIT, UNIT_ARGUMENT, WEIGHTS, WEIGHTS_ARGUMENT, Y, Y_ARGUMENT, tell,
    whole_number,
};
use crate::event_study::{
    LAGS, LAGS_ARGUMENT, LEADS, LEADS_ARGUMENT, REFERENCE, REFERENCE_ARGUMENT, study_options,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, List, Row, text};
use crate::rows::Rows;

pub(crate) struct PretrendEquivalences;

impl Aggregate for PretrendEquivalences {
    const PARAMETERS: Parameters = Parameters {
        function: "pretrend_equivalence",
        list: &[
            Y,
            UNIT,
            TIME,
            FIRST_TREATED,
            ("threshold", Kind::NumberOrNone),
            COVARIATES,
            WEIGHTS,
            CLUSTER,
            ADOPTER,
            REFERENCE,
            LEADS,
            LAGS,
            ERRORS,
            CONF_LEVEL,
            SEED,
        ],
    };
    type Result = PretrendEquivalence;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        test(rows, options).unwrap_or_else(PretrendEquivalence::unknown)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn test(rows: &Rows, options: &Options) -> Result<PretrendEquivalence, Reason> {
    let parameters = &PretrendEquivalences::PARAMETERS;
    let panel = PanelColumns::of(parameters, rows, options)?;
    let first = panel.numbers(parameters, rows, "first_treated");
    let adopter = panel.flags(parameters, rows, options, "adopter")?;
    let with = EquivalenceOptions {
        study: study_options(options),
        threshold: options.number_or_none("threshold"),
        seed: whole_number(options, "seed")?,
    };
    let mut result =
        panel.with(|rows| pretrend_equivalence(rows, &first, adopter.as_deref(), &with));
    tell(&mut result.note, panel.note.as_ref());
    Ok(result)
}

impl Row for PretrendEquivalence {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("max_estimate", Column::Number(|r| r.max.estimate)),
        ("max_threshold", Column::Number(|r| r.max.threshold)),
        ("max_equivalent", Column::Flag(|r| r.max.equivalent)),
        ("mean_estimate", Column::Number(|r| r.mean.estimate)),
        ("mean_threshold", Column::Number(|r| r.mean.threshold)),
        ("mean_equivalent", Column::Flag(|r| r.mean.equivalent)),
        ("rms_estimate", Column::Number(|r| r.rms.estimate)),
        ("rms_threshold", Column::Number(|r| r.rms.threshold)),
        ("rms_equivalent", Column::Flag(|r| r.rms.equivalent)),
        ("rms_reason", Column::Text(|r| text(r.rms.reason.as_ref()))),
        ("n_leads", Column::Count(|r| r.n_leads)),
        ("n_obs", Column::Count(|r| r.n_obs)),
        ("n_units", Column::Count(|r| r.n_units)),
        ("method", Column::Text(|r| r.method.as_deref().map(Cow::from))),
        ("note", Column::Text(|r| r.note.as_deref().map(Cow::from))),
        ("reason", Column::Text(|r| text(r.reason.as_ref()))),
        ("bounds", Column::List(&List(|r: &Self| &r.bounds))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

impl Row for LeadBound {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("event_time", Column::Number(|b| Some(b.event_time))),
        ("bound", Column::Number(|b| b.bound)),
    ];

    fn unknown(_reason: Reason) -> Self {
        Self::default()
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "How far apart the trends of treated and other areas can have been before treatment, given \
        what was seen: the smallest difference that the data rule out, and whether a difference \
        of `threshold` is ruled out.\n\
        \n\
        **What it estimates.** The largest of the coefficients of `event_study` before treatment, \
        their mean and their root mean square, and for each the smallest threshold at which the \
        trends are found equivalent. The burden of proof is on parallel trends: with little data \
        the thresholds are large, where `pretrend_test` finds nothing.\n\
        \n\
        **Assumptions.** Those of `event_study`, and coefficients near enough to normal.\n\
        \n\
        **Formula.** With α = 1 − `conf_level`, coefficients b, their covariance V and errors s: \
        `max` is equivalent at δ where every |b| is at most the α quantile of |N(δ, s²)|; `mean` \
        at τ where |b̄| is at most that of |N(τ, 1'V1/q²)|; `rms` at ζ where r² ≤ ζ² + Q(α) v, with r² \
        the mean square, v² the mean of (r²(λ) − r²)² over shares λ = 1/5, …, 4/5 of the areas in \
        an order drawn with `seed`, and Q the quantile of the limit of (r² − ρ²)/v (Dette and \
        Schumann 2024, section 4). `bounds` are |b| + z(1 − α) s of each period.\n\
        \n\
        **Returns** a struct: `max_estimate`, `max_threshold`, `max_equivalent` (NULL without a \
        `threshold`), the same for `mean` and `rms`, `rms_reason`, `n_leads`, `n_obs`, `n_units`, \
        `method`, `note`, `reason`, and `bounds`, a list of structs (`event_time`, `bound`). All in \
        units of `y`.\n\
        \n\
        **Nulls and small samples.** As for `pretrend_test`. With two to nine treated areas `note` \
        says that thresholds are too small. An estimate that is tiny beside its error is found \
        equivalent at any threshold by these tests, and `note` says so: the `bounds` are never \
        that small. `rms` is missing alone, with `rms_reason`, where a share of the areas does \
        not have all periods.\n\
        \n\
        **Deviations.** The paper estimates from rows before treatment and one date; here the \
        coefficients are those of the whole event study, which for one date are the same. R's \
        EquiTrends draws each share of the areas anew, here they are nested as in the paper, and \
        Q is integrated and not drawn.\n\
        \n\
        **References.** Dette and Schumann (2024), JBES 42(4); Hartman and Hidalgo (2018), AJPS \
        62(4).",
        "pretrend_equivalence(y, unit, time, first_treated[, threshold[, covariates[, weights[, \
        cluster[, adopter[, reference[, leads[, lags[, errors[, conf_level[, seed]]]]]]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("first_treated", FIRST_TREATED_ARGUMENT)
    .with_argument(
        "threshold",
        "A difference of trends that would not matter, in units of `y`, above zero. Default: none.",
    )
    .with_argument("covariates", COVARIATES_ARGUMENT)
    .with_argument("weights", WEIGHTS_ARGUMENT)
    .with_argument("cluster", CLUSTER_ARGUMENT)
    .with_argument("adopter", ADOPTER_ARGUMENT)
    .with_argument("reference", REFERENCE_ARGUMENT)
    .with_argument("leads", LEADS_ARGUMENT)
    .with_argument("lags", LAGS_ARGUMENT)
    .with_argument("errors", ERRORS_ARGUMENT)
    .with_argument("conf_level", "One less the size of the tests. Default 0.95.")
    .with_argument("seed", SEED_ARGUMENT)
    .with_sql_example(
        "```sql
> select round(test['max_estimate'], 2) as largest, round(test['max_threshold'], 4) as smallest,
         test['max_equivalent'] as equivalent, test['n_leads'] as leads
  from (select pretrend_equivalence(column3, column1, column2, column4, 2.0) as test
        from (values ('a', 1, 10.0, 3), ('a', 2, 11.0, 3), ('a', 3, 16.0, 3),
                     ('b', 1, 12.0, 3), ('b', 2, 12.5, 3), ('b', 3, 16.0, 3),
                     ('c', 1, 9.0, null), ('c', 2, 9.0, null), ('c', 3, 10.0, null),
                     ('d', 1, 8.0, null), ('d', 2, 9.0, null), ('d', 3, 11.0, null)));
+---------+----------+------------+-------+
| largest | smallest | equivalent | leads |
+---------+----------+------------+-------+
| 0.25    | 1.154    | true       | 1     |
+---------+----------+------------+-------+
```",
    )
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_study::tests::batch;
    use crate::testing::{AggregateTester, field, number, word};
    use datafusion_common::ScalarValue;

    #[test]
    fn the_example() {
        let given = [("threshold", ScalarValue::from(2.0))];
        let result = AggregateTester::<PretrendEquivalences>::with(&given).aggregate(&[batch()]);
        let rounded = |name: &str| number(&result, name).map(|value| (value * 1e4).round() / 1e4);
        assert_eq!(rounded("max_estimate"), Some(0.25));
        assert_eq!(rounded("max_threshold"), Some(1.154));
        assert_eq!(field(&result, "max_equivalent"), ScalarValue::Boolean(Some(true)));
        assert_eq!(field(&result, "n_leads"), ScalarValue::Int64(Some(1)));
        // Of four areas a fifth is none.
        assert_eq!(number(&result, "rms_threshold"), None);
        assert!(word(&result, "rms_reason").unwrap().contains("do not tell all leads apart"));
    }

    #[test]
    fn what_cannot_be_is_a_reason() {
        let of = |name: &str, value: f64| {
            let given = [(name, ScalarValue::from(value))];
            let result =
                AggregateTester::<PretrendEquivalences>::with(&given).aggregate(&[batch()]);
            word(&result, "reason").unwrap()
        };
        assert!(of("seed", 0.5).contains("seed is 0.5"));
        assert!(of("threshold", -1.0).contains("threshold is -1 (it must be above zero)"));
        assert!(of("leads", 1.0).contains("no event time to test"));
        let without = AggregateTester::<PretrendEquivalences>::new().aggregate(&[batch()]);
        assert_eq!(field(&without, "max_equivalent"), ScalarValue::Boolean(None));
    }
}
