//! `synthetic_did`: treated areas against weighted others, before and after.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{
    Reason, SyntheticDidCohort, SyntheticDidErrors, SyntheticDidEstimator, SyntheticDidOptions,
    SyntheticDidPlacebo, SyntheticDidPoint, SyntheticDidWeights, TimeWeight, UnitWeight,
    synthetic_did,
};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::effects::{
    CONF_LEVEL, CONF_LEVEL_ARGUMENT, COVARIATES, COVARIATES_ARGUMENT, PanelColumns, SEED,
    SEED_ARGUMENT, TIME, TIME_ARGUMENT, TREATED, TREATED_ARGUMENT, UNIT, UNIT_ARGUMENT, WEIGHTS,
    WEIGHTS_ARGUMENT, Y, Y_ARGUMENT, effect_columns, tell, whole_number,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, List, Row};
use crate::rows::Rows;

/// Each draw finds weights anew: fewer than elsewhere.
pub(crate) const FEWER_DRAWS: (&str, Kind) = ("draws", Kind::NumberOption(200.0));

const ERRORS: (&str, Kind) =
    ("errors", Kind::Choice(&["auto", "placebo", "jackknife", "bootstrap", "none"]));
const ESTIMATOR: (&str, Kind) = ("estimator", Kind::Choice(&["sdid", "sc", "did"]));
const WEIGHTS_METHOD: (&str, Kind) = ("weights_method", Kind::Choice(&["default", "converged"]));

pub(crate) struct SyntheticDid;

impl Aggregate for SyntheticDid {
    const PARAMETERS: Parameters = Parameters {
        function: "synthetic_did",
        list: &[
            Y,
            UNIT,
            TIME,
            TREATED,
            COVARIATES,
            WEIGHTS,
            ERRORS,
            FEWER_DRAWS,
            SEED,
            CONF_LEVEL,
            ESTIMATOR,
            WEIGHTS_METHOD,
        ],
    };
    type Result = opeka_stats::SyntheticDid;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        estimate(rows, options).unwrap_or_else(opeka_stats::SyntheticDid::unknown)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn estimate(rows: &Rows, options: &Options) -> Result<opeka_stats::SyntheticDid, Reason> {
    let parameters = &SyntheticDid::PARAMETERS;
    let panel = PanelColumns::of(parameters, rows, options)?;
    let treated = panel.numbers(parameters, rows, "treated");
    let with = SyntheticDidOptions {
        estimator: match options.choice("estimator") {
            "sc" => SyntheticDidEstimator::Sc,
            "did" => SyntheticDidEstimator::Did,
            _ => SyntheticDidEstimator::Sdid,
        },
        weights_method: match options.choice("weights_method") {
            "converged" => SyntheticDidWeights::Converged,
            _ => SyntheticDidWeights::Default,
        },
        errors: match options.choice("errors") {
            "placebo" => Some(SyntheticDidErrors::Placebo),
            "jackknife" => Some(SyntheticDidErrors::Jackknife),
            "bootstrap" => Some(SyntheticDidErrors::Bootstrap),
            "none" => Some(SyntheticDidErrors::None),
            _ => None,
        },
        draws: draws(options)?,
        seed: whole_number(options, "seed")?,
        conf_level: options.number("conf_level"),
    };
    let mut result = panel.with(|rows| synthetic_did(rows, &treated, &with));
    tell(&mut result.effect.note, panel.note.as_ref());
    Ok(result)
}

/// As many draws as one waits for.
pub(crate) fn draws(options: &Options) -> Result<usize, Reason> {
    match whole_number(options, "draws")? {
        draws @ 0..=1_000_000 => Ok(draws as usize),
        draws => Err(Reason::because(format!("draws is {draws} (it must not be above 1,000,000)"))),
    }
}

impl Row for opeka_stats::SyntheticDid {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = effect_columns!(Self, r => r.effect; []; [
        ("unit_weights", Column::List(&List(|r: &Self| &r.unit_weights))),
        ("time_weights", Column::List(&List(|r: &Self| &r.time_weights))),
        ("path", Column::List(&List(|r: &Self| &r.path))),
        ("cohorts", Column::List(&List(|r: &Self| &r.cohorts))),
        ("placebos", Column::List(&List(|r: &Self| &r.placebos))),
    ]);

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

impl Row for UnitWeight {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("cohort", Column::Number(|w| Some(w.cohort))),
        ("unit", Column::Text(|w| Some(Cow::from(w.unit.as_str())))),
        ("weight", Column::Number(|w| Some(w.weight))),
    ];

    fn unknown(_: Reason) -> Self {
        Self::default()
    }
}

impl Row for TimeWeight {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("cohort", Column::Number(|w| Some(w.cohort))),
        ("time", Column::Number(|w| Some(w.time))),
        ("weight", Column::Number(|w| Some(w.weight))),
    ];

    fn unknown(_: Reason) -> Self {
        Self::default()
    }
}

impl Row for SyntheticDidPoint {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("cohort", Column::Number(|p| Some(p.cohort))),
        ("time", Column::Number(|p| Some(p.time))),
        ("event_time", Column::Number(|p| Some(p.event_time))),
        ("observed", Column::Number(|p| Some(p.observed))),
        ("synthetic", Column::Number(|p| Some(p.synthetic))),
        ("gap", Column::Number(|p| Some(p.gap))),
    ];

    fn unknown(_: Reason) -> Self {
        Self::default()
    }
}

impl Row for SyntheticDidCohort {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("cohort", Column::Number(|c| c.effect.cohort)),
        ("estimate", Column::Number(|c| c.effect.effect.estimate)),
        ("n_treated", Column::Count(|c| c.n_treated)),
        ("noise_level", Column::Number(|c| c.noise_level)),
        ("zeta_omega", Column::Number(|c| c.zeta_omega)),
        ("zeta_lambda", Column::Number(|c| c.zeta_lambda)),
    ];

    fn unknown(_: Reason) -> Self {
        Self::default()
    }
}

impl Row for SyntheticDidPlacebo {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("unit", Column::Text(|p| Some(Cow::from(p.unit.as_str())))),
        ("estimate", Column::Number(|p| p.estimate)),
    ];

    fn unknown(_: Reason) -> Self {
        Self::default()
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "The effect of a programme against a weighted mean of areas that never had it, and against \
        a weighted mean of the years before: synthetic differences in differences. Areas that moved \
        as the treated ones did count more, and so do years that are like those after.\n\
        \n\
        **What it estimates.** The average effect on treated areas over the periods from the \
        beginning of treatment on (ATT). Where areas begin at different times, the effects of \
        those that begin together are averaged by treated areas and periods.\n\
        \n\
        **Assumptions.** Without treatment, treated areas would have moved in parallel to the \
        weighted controls; nobody reacts before treatment; treated areas do not touch the controls. \
        Once treated, an area stays treated. Rows are there for every area and period.\n\
        \n\
        **Formula.** Algorithm 1 of Arkhangelsky et al. (2021). With s the standard deviation of \
        changes from period to period among controls before treatment, and z = (treated areas x \
        treated periods)^(1/4) s: weights w >= 0 of controls, adding up to 1, with the smallest \
        sum over periods before treatment of (a + sum w_i y_it - mean of treated y_t)^2, plus \
        (periods before) x z^2 x sum w_i^2 (equation 4); weights v >= 0 of the periods before, \
        adding up to 1, that bring each control near its mean after, with z = s/1,000,000 (equation \
        6). The effect is the mean of the gap between treated areas and weighted controls after \
        treatment began, less its v-weighted mean before: the coefficient of treatment in a \
        regression with area and period effects, weighted by w v (equation 1). Weights are searched \
        by Frank-Wolfe steps: 100; then those of at most a quarter of the largest are cut; then \
        until a step lowers the loss by (s/100,000)^2 or less. weights_method 'converged' takes the \
        exact optimum of the same problem instead. estimator 'sc' (synthetic control) has no a, no \
        v, and z = s/1,000,000; 'did' counts all controls and periods alike. Covariates are taken \
        out beforehand, with coefficients from untreated rows next to area and period effects \
        (Kranz 2022). `weights` say how much treated areas count in means, by their mean over \
        treated periods; weights of controls come from the data alone. Limits are normal.\n\
        \n\
        **Returns** a struct: `term` (`ATT`), `estimate`, `std_error`, `statistic`, `p_value`, \
        `conf_low`, `conf_high`, `n_obs`, `n_units`, `method`, `note`, `reason`, and lists of \
        structs: `unit_weights` (`cohort`: the period in which treatment begins, `unit`, `weight`), \
        `time_weights` (`cohort`, `time`, `weight`), `path` (`cohort`, `time`, `event_time`, \
        `observed`, `synthetic`, `gap`: after treatment began, the effect at that time), `cohorts` \
        (`cohort`, `estimate`, `n_treated`, `noise_level`, `zeta_omega`, `zeta_lambda`) and \
        `placebos` (`unit`, `estimate`: the effect that a control would have had in the place of \
        the one treated area).\n\
        \n\
        **Nulls and small samples.** Rows in which `y`, `unit` or `time` is NULL are skipped, and \
        an area that lacks a period so is a `reason`; an area of which `treated` is not known in \
        some row is left out, and told, as are areas with fewer than two periods before treatment. \
        With one treated area there is no standard error and `note` says so; `p_value` is the rank \
        of its effect among `placebos`, (1 + those at least as large)/(1 + all). Who asks for \
        errors => 'placebo' then supposes that it varies as the controls do, and gets the standard \
        deviation of all placebos. With two to nine, errors come from placebo draws (Algorithm 4), \
        and `note` says that they lean on few areas; with ten or more from the bootstrap (Algorithm \
        2). The jackknife is Algorithm 3. There is no estimate, with a `reason`, where no area is \
        treated or all are at some time, with fewer than two controls (one for 'did'), or where \
        controls all change alike. The order of rows does not matter; `distinct` is refused.\n\
        \n\
        **Deviations.** Numbers are those of R's synthdid 0.0.9; -15.6038 for Proposition 99. With \
        one treated area the package draws placebos, and here each is taken once: 9.37 where 200 \
        draws gave the published 8.37. Its covariates are estimated together with the weights; here \
        they are projected out, as in xsynthdid. Effects of several dates of treatment are \
        those of Stata's sdid, which projects covariates on never-treated areas alone.\n\
        \n\
        **References.** Arkhangelsky, Athey, Hirshberg, Imbens and Wager (2021), American Economic \
        Review 111(12); Clarke, Pailañir, Athey and Imbens (2023), Synthetic Difference-in-\
        Differences Estimation, arXiv 2301.11859; Kranz (2022), Synthetic Difference-in-Differences \
        with Time-Varying Covariates.",
        "synthetic_did(y, unit, time, treated[, covariates[, weights[, errors[, draws[, seed[, \
        conf_level[, estimator[, weights_method]]]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("treated", TREATED_ARGUMENT)
    .with_argument("covariates", COVARIATES_ARGUMENT)
    .with_argument("weights", WEIGHTS_ARGUMENT)
    .with_argument(
        "errors",
        "Where the error comes from: 'placebo', 'jackknife', 'bootstrap', 'none', or 'auto' \
        (default), by the number of treated areas.",
    )
    .with_argument("draws", "How many placebos or samples are drawn. Default 200.")
    .with_argument("seed", SEED_ARGUMENT)
    .with_argument("conf_level", CONF_LEVEL_ARGUMENT)
    .with_argument(
        "estimator",
        "'sdid' (default), 'sc' (synthetic control) or 'did' (difference in differences).",
    )
    .with_argument(
        "weights_method",
        "'default': weights as the package synthdid finds them; 'converged': the optimum.",
    )
    .with_sql_example(
        "```sql
> select round(est['estimate'], 3) as effect, est['std_error'] as error,
         round(est['p_value'], 2) as p,
         round(est['unit_weights'][1]['weight'], 3) as weight_of_b
  from (select synthetic_did(column3, column1, column2, column4) as est
        from (values ('a', 1, 10.0, 0), ('a', 2, 11.0, 0), ('a', 3, 13.0, 0), ('a', 4, 18.0, 1),
                     ('b', 1, 12.0, 0), ('b', 2, 13.5, 0), ('b', 3, 15.0, 0), ('b', 4, 16.0, 0),
                     ('c', 1, 9.0, 0), ('c', 2, 9.0, 0), ('c', 3, 10.0, 0), ('c', 4, 11.5, 0),
                     ('d', 1, 8.0, 0), ('d', 2, 9.5, 0), ('d', 3, 9.0, 0), ('d', 4, 10.0, 0)));
+--------+-------+------+-------------+
| effect | error | p    | weight_of_b |
+--------+-------+------+-------------+
| 3.951  |       | 0.25 | 0.592       |
+--------+-------+------+-------------+
```",
    )
    .build()
});

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, items, number, panel_batch, word};
    use arrow::array::ArrayRef;
    use datafusion_common::ScalarValue;

    pub(crate) fn batch() -> Vec<ArrayRef> {
        let outcomes = [
            ("a", [10.0, 11.0, 13.0, 18.0]),
            ("b", [12.0, 13.5, 15.0, 16.0]),
            ("c", [9.0, 9.0, 10.0, 11.5]),
            ("d", [8.0, 9.5, 9.0, 10.0]),
        ];
        let mut rows = Vec::new();
        for (unit, outcomes) in outcomes {
            for (t, y) in outcomes.into_iter().enumerate() {
                let treated = f64::from(u8::from(unit == "a" && t == 3));
                rows.push((y, unit, (t + 1) as f64, Some(treated)));
            }
        }
        panel_batch(&rows)
    }

    pub(crate) fn rounded(result: &ScalarValue, name: &str) -> Option<f64> {
        number(result, name).map(|value| (value * 1e3).round() / 1e3)
    }

    #[test]
    fn the_example() {
        let tester = AggregateTester::<SyntheticDid>::new();
        let result = tester.aggregate(&[batch()]);
        assert_eq!(rounded(&result, "estimate"), Some(3.951));
        assert_eq!(number(&result, "std_error"), None);
        assert_eq!(number(&result, "p_value"), Some(0.25));
        assert!(word(&result, "note").unwrap().starts_with("no standard error"));
        let weights = items(&field(&result, "unit_weights"));
        assert_eq!(word(&weights[0], "unit").as_deref(), Some("b"));
        assert_eq!(rounded(&weights[0], "weight"), Some(0.592));
        assert_eq!(items(&field(&result, "time_weights")).len(), 3);
        let path = items(&field(&result, "path"));
        assert_eq!(number(&path[3], "gap"), number(&result, "estimate"));
        assert_eq!(number(&path[0], "event_time"), Some(-3.0));
        assert_eq!(items(&field(&result, "placebos")).len(), 3);
        let cohorts = items(&field(&result, "cohorts"));
        assert_eq!(number(&cohorts[0], "cohort"), Some(4.0));
        let halves: Vec<Vec<ArrayRef>> =
            [(0, 7), (7, 9)].map(|(at, n)| batch().iter().map(|c| c.slice(at, n)).collect()).into();
        tester.check_merges(&halves);
    }

    #[test]
    fn options_by_name() {
        let with = |given: &[(&str, &str)]| {
            let given: Vec<(&str, ScalarValue)> =
                given.iter().map(|(name, value)| (*name, ScalarValue::from(*value))).collect();
            AggregateTester::<SyntheticDid>::with(&given).aggregate(&[batch()])
        };
        // 18 less the mean of 10, 11 and 13, less the same of the others.
        let did = with(&[("estimator", "did")]);
        assert_eq!(rounded(&did, "estimate"), Some(4.722));
        let sc = with(&[("estimator", "sc")]);
        assert_eq!((rounded(&sc, "estimate"), number(&sc, "p_value")), (Some(4.265), Some(0.5)));
        let placebo = with(&[("errors", "placebo")]);
        assert!(number(&placebo, "std_error").unwrap() > 0.0);
        let none = with(&[("errors", "none")]);
        assert_eq!(number(&none, "p_value"), None);
        for errors in ["jackknife", "bootstrap"] {
            assert_eq!(number(&with(&[("errors", errors)]), "std_error"), None);
        }
        let exact = with(&[("weights_method", "converged")]);
        assert!(word(&exact, "method").unwrap().contains("optimal weights"));
    }

    #[test]
    fn what_cannot_be_is_a_reason() {
        let nothing = AggregateTester::<SyntheticDid>::new().aggregate(&[]);
        let reason = word(&nothing, "reason").unwrap();
        assert_eq!(reason, "cannot be calculated because there are no rows");
        assert_eq!(items(&field(&nothing, "path")).len(), 0);
        let gap: Vec<ArrayRef> = batch().iter().map(|column| column.slice(0, 15)).collect();
        let result = AggregateTester::<SyntheticDid>::new().aggregate(&[gap]);
        assert!(word(&result, "reason").unwrap().contains("d has no row for 4"));
        let many = [("draws", ScalarValue::from(1e7))];
        let result = AggregateTester::<SyntheticDid>::with(&many).aggregate(&[batch()]);
        assert!(word(&result, "reason").unwrap().contains("draws is 10000000"));
    }
}
