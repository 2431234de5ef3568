//! `att_gt`: effects by cohort and time; and what its relatives share with it.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{
    AttBase, AttControl, AttErrors, AttGaps, AttGtOptions, AttMethod, EffectAt, PanelRows, Reason,
    att_gt,
};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::effects::{
    ADOPTER, ADOPTER_ARGUMENT, CLUSTER, CLUSTER_ARGUMENT, CONF_LEVEL, CONF_LEVEL_ARGUMENT,
    COVARIATES, COVARIATES_ARGUMENT, DRAWS, FIRST_TREATED, FIRST_TREATED_ARGUMENT, PanelColumns,
    SEED, SEED_ARGUMENT, TIME, TIME_ARGUMENT, UNIT, UNIT_ARGUMENT, WEIGHTS, WEIGHTS_ARGUMENT, Y,
    Y_ARGUMENT, tell, whole_number,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::Many;
use crate::rows::Rows;

/// How a comparison is made.
pub(crate) const METHOD: (&str, Kind) = ("method", Kind::Choice(&["dr", "reg", "ipw"]));
pub(crate) const CONTROL: (&str, Kind) =
    ("control", Kind::Choice(&["never_treated", "not_yet_treated"]));
pub(crate) const ANTICIPATION: (&str, Kind) = ("anticipation", Kind::NumberOption(0.0));
pub(crate) const BASE_PERIOD: (&str, Kind) =
    ("base_period", Kind::Choice(&["varying", "universal"]));
pub(crate) const UNBALANCED: (&str, Kind) = ("unbalanced", Kind::Choice(&["keep", "drop"]));
pub(crate) const ERRORS: (&str, Kind) = ("errors", Kind::Choice(&["analytic", "bootstrap"]));
pub(crate) const BAND: (&str, Kind) = ("band", Kind::Choice(&["pointwise", "uniform"]));

/// What is said of these arguments.
pub(crate) const DRAWS_ARGUMENT: &str =
    "Draws of the bootstrap, where errors or a band are drawn: from 2 on. Default 999.";
pub(crate) const ERRORS_ARGUMENT: &str = "`'analytic'` (of the influence function; the default) \
    or `'bootstrap'` (the multiplier bootstrap).";
pub(crate) const BAND_ARGUMENT: &str = "Limits that hold for each effect alone (`'pointwise'`, \
    the default), or for all at once (`'uniform'`, drawn).";
pub(crate) const METHOD_ARGUMENT: &str = "How units with other covariates are made comparable: \
    doubly robust (`'dr'`, the default), by outcome regression (`'reg'`) or by inverse probability \
    weighting (`'ipw'`). Without covariates all three are the same.";
pub(crate) const CONTROL_ARGUMENT: &str = "Who a cohort is compared with: `'never_treated'` (the \
    default) or `'not_yet_treated'` (these and all whose treatment has not begun).";
pub(crate) const ANTICIPATION_ARGUMENT: &str =
    "How long before treatment units react, in units of `time`. Default 0.";
pub(crate) const BASE_PERIOD_ARGUMENT: &str = "What periods before treatment are compared with: \
    `'varying'` (the period before; the default) or `'universal'` (the last one before treatment, \
    as event studies do). From treatment on it is that one in both.";
pub(crate) const UNBALANCED_ARGUMENT: &str = "Units that lack periods: `'keep'` (the default; \
    levels are then compared instead of changes) or `'drop'` (left out, and told).";

/// Asks a method of this family: with the rows, from when each is treated, who has adopted, and the
/// options.
pub(crate) fn ask<R>(
    parameters: &Parameters,
    rows: &Rows,
    options: &Options,
    method: impl FnOnce(&PanelRows<'_>, &[Option<f64>], Option<&[bool]>, AttGtOptions) -> R,
) -> Result<(R, Option<String>), Reason> {
    let chosen = AttGtOptions {
        method: match options.choice("method") {
            "reg" => AttMethod::Regression,
            "ipw" => AttMethod::InverseProbability,
            _ => AttMethod::DoublyRobust,
        },
        control: match options.choice("control") {
            "not_yet_treated" => AttControl::NotYetTreated,
            _ => AttControl::NeverTreated,
        },
        anticipation: options.number("anticipation"),
        base_period: match options.choice("base_period") {
            "universal" => AttBase::Universal,
            _ => AttBase::Varying,
        },
        gaps: match options.choice("unbalanced") {
            "drop" => AttGaps::Drop,
            _ => AttGaps::Keep,
        },
        errors: match options.choice("errors") {
            "bootstrap" => AttErrors::Bootstrap,
            _ => AttErrors::Analytic,
        },
        uniform_band: options.choice("band") == "uniform",
        ..AttGtOptions::default()
    };
    let drawn = AttGtOptions {
        draws: match parameters.list.iter().any(|(name, _)| *name == "draws") {
            true => usize::try_from(whole_number(options, "draws")?).unwrap_or(usize::MAX),
            false => chosen.draws,
        },
        seed: match parameters.list.iter().any(|(name, _)| *name == "seed") {
            true => whole_number(options, "seed")?,
            false => chosen.seed,
        },
        conf_level: match parameters.list.iter().any(|(name, _)| *name == "conf_level") {
            true => options.number("conf_level"),
            false => chosen.conf_level,
        },
        ..chosen
    };
    let panel = PanelColumns::of(parameters, rows, options)?;
    let first = panel.numbers(parameters, rows, "first_treated");
    let adopter = panel.flags(parameters, rows, options, "adopter")?;
    let answer = panel.with(|rows| method(rows, &first, adopter.as_deref(), drawn));
    Ok((answer, panel.note))
}

/// Lines of a table, each with what was left out before the method was called.
pub(crate) fn told(answer: Result<(Vec<EffectAt>, Option<String>), Reason>) -> Many<EffectAt> {
    let lines = answer.map(|(mut effects, note)| {
        effects.iter_mut().for_each(|line| tell(&mut line.effect.note, note.as_ref()));
        effects
    });
    Many(lines.unwrap_or_else(|reason| vec![EffectAt::unknown(reason)]))
}

pub(crate) struct AttGt;

impl Aggregate for AttGt {
    const PARAMETERS: Parameters = Parameters {
        function: "att_gt",
        list: &[
            Y,
            UNIT,
            TIME,
            FIRST_TREATED,
            COVARIATES,
            WEIGHTS,
            CLUSTER,
            ADOPTER,
            CONF_LEVEL,
            DRAWS,
            SEED,
            ERRORS,
            BAND,
            METHOD,
            CONTROL,
            ANTICIPATION,
            BASE_PERIOD,
            UNBALANCED,
        ],
    };
    type Result = Many<EffectAt>;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        told(ask(&Self::PARAMETERS, rows, options, |rows, first, adopter, options| {
            att_gt(rows, first, adopter, &options).effects
        }))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "The effect of a programme on each cohort of areas (those that it reached in the same \
        period), in each period, where it came at different times.\n\
        \n\
        **What it estimates.** ATT(g,t) = E[Y_t(g) - Y_t(never) | G = g]: how far the outcome of \
        the units that are treated from period g on is, in period t, from what it would have been \
        without treatment, on average. Units that are already treated are never controls, so that \
        effects may differ between cohorts and grow with time. Effects of periods before treatment \
        show whether cohorts and controls moved alike.\n\
        \n\
        **Assumptions.** Parallel trends, given the covariates, against the controls that are \
        chosen (Callaway and Sant'Anna 2021, assumptions 4 and 5); no effect earlier than \
        `anticipation` before treatment (3); treatment does not end (1); for every treated unit \
        there are comparable controls (6). Units, or clusters, are independent of each other.\n\
        \n\
        **Formula.** Equations 2.2 to 2.4 of Callaway and Sant'Anna (2021) by those of Sant'Anna \
        and Zhao (2020), 3.1: the change of the outcome from the base period to t, of the cohort \
        less that of the controls. `'reg'`: less what a regression on covariates among the \
        controls predicts. `'ipw'`: controls are weighted with p/(1 - p), p from a logistic \
        regression; those with p of 0.995 and more are left out. `'dr'`: both. The base period is \
        the last one before g less `anticipation`; before treatment it is the period before t, or \
        the same one throughout. Periods are those that occur. The error is sqrt(sum psi^2)/n of \
        the influence function psi, summed by cluster first; or the distance of the quartiles of \
        the draws of the multiplier bootstrap (signs of probability one half) over 1.349. A \
        uniform band takes the quantile of the largest |draw/error| for the normal point.\n\
        \n\
        **Returns** a list of structs, by cohort and time: `term` (`ATT(2004,2006)` is the effect \
        in 2006 on units that are treated from 2004), `cohort`, `time`, `event_time` (time less \
        cohort), `estimate`, `std_error`, `statistic`, `p_value`, `conf_low`, `conf_high` (double), \
        `n_obs`, `n_units` (bigint), `method`, `note` and `reason` (text). `unnest` makes rows of \
        it.\n\
        \n\
        **Nulls and small samples.** Rows in which `y`, `unit` or `time` is NULL are skipped. A \
        unit with NULL in `first_treated` is never treated; one that is treated after the last \
        period counts as never treated; one that is treated in the first period or before is left \
        out, and told. Where all units are treated at last, those treated last are the comparison \
        and periods from their treatment on are left out, and told. An effect on one unit, or \
        against one control, has no error; with fewer than ten the note says that errors are too \
        small. An effect that cannot be estimated, because covariates go together, tell who is \
        treated, or nobody is there to compare, has a `reason` of its own. The order of rows does \
        not matter.\n\
        \n\
        **Deviations.** From the R package did, version 2.5.1: units that lack periods are kept by \
        default (its `allow_unbalanced_panel = TRUE`; `unbalanced => 'drop'` is its default); \
        errors are analytic by default (it draws); fewer than five never-treated units are told \
        and not refused; where all are treated at last and some from the beginning on, those \
        treated last stay among the not-yet-treated controls; an error that is zero but for \
        rounding is judged by the size of the outcome and not by 1.5e-7; covariates are centred \
        and scaled, so that large ones are not taken for collinear. Errors of one treated unit are \
        not reported. For panels with gaps and covariates the doubly robust error takes one term \
        with the sign that the package gives it, which is not that of its derivative (a difference \
        of less than 0.1 %).\n\
        \n\
        **References.** Callaway and Sant'Anna (2021), Journal of Econometrics 225; Sant'Anna and \
        Zhao (2020), Journal of Econometrics 219.",
        "att_gt(y, unit, time, first_treated[, covariates[, weights[, cluster[, adopter\
         [, conf_level[, draws[, seed[, errors[, band[, method[, control[, anticipation\
         [, base_period[, unbalanced]]]]]]]]]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("first_treated", FIRST_TREATED_ARGUMENT)
    .with_argument("covariates", COVARIATES_ARGUMENT)
    .with_argument("weights", WEIGHTS_ARGUMENT)
    .with_argument("cluster", CLUSTER_ARGUMENT)
    .with_argument("adopter", ADOPTER_ARGUMENT)
    .with_argument("conf_level", CONF_LEVEL_ARGUMENT)
    .with_argument("draws", DRAWS_ARGUMENT)
    .with_argument("seed", SEED_ARGUMENT)
    .with_argument("errors", ERRORS_ARGUMENT)
    .with_argument("band", BAND_ARGUMENT)
    .with_argument("method", METHOD_ARGUMENT)
    .with_argument("control", CONTROL_ARGUMENT)
    .with_argument("anticipation", ANTICIPATION_ARGUMENT)
    .with_argument("base_period", BASE_PERIOD_ARGUMENT)
    .with_argument("unbalanced", UNBALANCED_ARGUMENT)
    .with_sql_example(
        "```sql
> select e['term'] as term,
         round(e['estimate'], 4) as estimate,
         round(e['std_error'], 4) as error,
         round(e['conf_low'], 4) as low,
         round(e['conf_high'], 4) as high
  from (select unnest(effects) as e
        from (select att_gt(column3, column1, column2, column4) as effects
              from (values ('a', 2001, 10.0, null), ('a', 2002, 11.0, null), ('a', 2003, 12.0, null),
                           ('b', 2001, 20.0, null), ('b', 2002, 20.0, null), ('b', 2003, 21.0, null),
                           ('c', 2001, 15.0, null), ('c', 2002, 17.0, null), ('c', 2003, 19.0, null),
                           ('d', 2001, 12.0, 2003), ('d', 2002, 13.0, 2003), ('d', 2003, 10.0, 2003),
                           ('e', 2001, 18.0, 2003), ('e', 2002, 18.0, 2003), ('e', 2003, 16.0, 2003),
                           ('f', 2001, 13.0, 2003), ('f', 2002, 16.0, 2003), ('f', 2003, 15.0, 2003))));
+----------------+----------+--------+---------+---------+
| term           | estimate | error  | low     | high    |
+----------------+----------+--------+---------+---------+
| ATT(2003,2002) | 0.3333   | 0.8607 | -1.3535 | 2.0202  |
| ATT(2003,2003) | -3.3333  | 0.5443 | -4.4002 | -2.2665 |
+----------------+----------+--------+---------+---------+
```",
    )
    .build()
});

#[cfg(test)]
pub(crate) mod tests {
    use arrow::array::ArrayRef;
    use datafusion_common::ScalarValue;

    use super::*;
    use crate::testing::{AggregateTester, field, items, number, panel_batch, word};

    /// Three areas without the programme, three that have it from 2003 on.
    pub(crate) fn batch() -> Vec<ArrayRef> {
        let areas: [(&str, [f64; 3], Option<f64>); 6] = [
            ("a", [10.0, 11.0, 12.0], None),
            ("b", [20.0, 20.0, 21.0], None),
            ("c", [15.0, 17.0, 19.0], None),
            ("d", [12.0, 13.0, 10.0], Some(2003.0)),
            ("e", [18.0, 18.0, 16.0], Some(2003.0)),
            ("f", [13.0, 16.0, 15.0], Some(2003.0)),
        ];
        let rows: Vec<(f64, &str, f64, Option<f64>)> = areas
            .iter()
            .flat_map(|(area, rates, first)| {
                let years = [2001.0, 2002.0, 2003.0];
                years.into_iter().zip(rates).map(|(year, rate)| (*rate, *area, year, *first))
            })
            .collect();
        panel_batch(&rows)
    }

    pub(crate) fn near(value: Option<f64>, expected: f64) {
        let value = value.unwrap();
        assert!((value - expected).abs() < 1e-12, "{value} is not {expected}");
    }

    #[test]
    fn effects_by_hand() {
        let tester = AggregateTester::<AttGt>::new();
        let result = tester.aggregate(&[batch()]);
        let [before, after] = &items(&result)[..] else { panic!("{result}") };
        assert_eq!(word(before, "term").as_deref(), Some("ATT(2003,2002)"));
        near(number(before, "estimate"), 1.0 / 3.0);
        near(number(before, "std_error"), (42.0f64 / 81.0 + 2.0 / 9.0).sqrt());
        assert_eq!(word(after, "term").as_deref(), Some("ATT(2003,2003)"));
        near(number(after, "estimate"), -10.0 / 3.0);
        near(number(after, "std_error"), (2.0f64 / 9.0 + 6.0 / 81.0).sqrt());
        assert_eq!(number(after, "event_time"), Some(0.0));
        assert_eq!(field(after, "n_units"), ScalarValue::from(6i64));
        let note = word(after, "note").unwrap();
        assert!(note.contains("too small with 3 treated units"), "{note}");
        let rounded = |name| (number(after, name).unwrap() * 1e4).round() / 1e4;
        assert_eq!(["conf_low", "conf_high"].map(rounded), [-4.4002, -2.2665]); // as the example says

        let parts = [(0, 7), (7, 3), (10, 8)];
        let parts = parts.map(|(at, n)| batch().iter().map(|c| c.slice(at, n)).collect());
        tester.check_merges(&parts);
    }

    #[test]
    fn options_arrive() {
        let estimates = |given: &[(&str, ScalarValue)]| -> Vec<(String, Option<f64>, Option<f64>)> {
            let result = AggregateTester::<AttGt>::with(given).aggregate(&[batch()]);
            items(&result)
                .iter()
                .map(|e| (word(e, "term").unwrap(), number(e, "estimate"), number(e, "conf_high")))
                .collect()
        };
        let universal = estimates(&[("base_period", ScalarValue::from("universal"))]);
        let terms: Vec<&str> = universal.iter().map(|(term, ..)| term.as_str()).collect();
        assert_eq!(terms, ["ATT(2003,2001)", "ATT(2003,2002)", "ATT(2003,2003)"]);
        near(universal[0].1, -1.0 / 3.0);
        assert_eq!((universal[1].1, universal[1].2), (Some(0.0), None));
        let ahead = estimates(&[("anticipation", ScalarValue::from(1.0))]);
        near(ahead[1].1, -3.0); // from 2001 on: −2/3 against 7/3
        let narrow = estimates(&[("conf_level", ScalarValue::from(0.5))]);
        let wide = estimates(&[
            ("band", ScalarValue::from("uniform")),
            ("draws", ScalarValue::from(199.0)),
            ("seed", ScalarValue::from(3.0)),
        ]);
        let plain = estimates(&[]);
        assert!(narrow[1].2 < plain[1].2 && plain[1].2 <= wide[1].2);
        let drawn = estimates(&[("errors", ScalarValue::from("bootstrap"))]);
        assert_ne!(drawn[1].2, plain[1].2);

        let reason = |given: &[(&str, ScalarValue)]| {
            let result = AggregateTester::<AttGt>::with(given).aggregate(&[batch()]);
            let [line] = &items(&result)[..] else { panic!("{result}") };
            word(line, "reason").unwrap()
        };
        let half = reason(&[("draws", ScalarValue::from(0.5))]);
        assert!(half.contains("draws is 0.5 (it must be a whole number of 0 or more)"));
        assert!(reason(&[("conf_level", ScalarValue::from(95.0))]).contains("conf_level is 95"));
    }

    #[test]
    fn nothing_is_a_reason() {
        let result = AggregateTester::<AttGt>::new().aggregate(&[]);
        let [line] = &items(&result)[..] else { panic!("{result}") };
        let reason = "cannot be calculated because there are no rows";
        assert_eq!(word(line, "reason").as_deref(), Some(reason));
    }
}
