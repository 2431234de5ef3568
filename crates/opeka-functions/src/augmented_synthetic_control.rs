//! `augmented_synthetic_control`: synthetic controls whose misfit is taken out by a ridge regression.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{
    AugmentedInference, AugmentedOptions, AugmentedPoint, AugmentedWeight, LambdaError, Reason,
    augmented_synthetic_control,
};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::effects::{
    CONF_LEVEL, CONF_LEVEL_ARGUMENT, COVARIATES, TIME, TIME_ARGUMENT, TREATED, TREATED_ARGUMENT,
    UNIT, UNIT_ARGUMENT, Y, Y_ARGUMENT, effect_columns,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, List, Row};
use crate::rows::Rows;
use crate::synthetic_control::{GAPS_ARGUMENT, LEAVE_OUT_GAPS, MEANS_ARGUMENT, MeansPanel};

const INFERENCE: (&str, Kind) =
    ("inference", Kind::Choice(&["conformal", "jackknife+", "jackknife", "none"]));

pub(crate) struct AugmentedSyntheticControl;

impl Aggregate for AugmentedSyntheticControl {
    const PARAMETERS: Parameters = Parameters {
        function: "augmented_synthetic_control",
        list: &[
            Y,
            UNIT,
            TIME,
            TREATED,
            COVARIATES,
            INFERENCE,
            ("lambda", Kind::NumberOrNone),
            ("fixed_effects", Kind::Flag(false)),
            ("ridge", Kind::Flag(true)),
            ("simplex", Kind::Flag(true)),
            LEAVE_OUT_GAPS,
            CONF_LEVEL,
        ],
    };
    type Result = opeka_stats::AugmentedSyntheticControl;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        estimate(rows, options).unwrap_or_else(opeka_stats::AugmentedSyntheticControl::unknown)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn estimate(
    rows: &Rows,
    options: &Options,
) -> Result<opeka_stats::AugmentedSyntheticControl, Reason> {
    let panel = MeansPanel::of(&AugmentedSyntheticControl::PARAMETERS, rows, options)?;
    let with = AugmentedOptions {
        conf_level: options.number("conf_level"),
        lambda: options.number_or_none("lambda"),
        ridge: options.flag("ridge"),
        simplex: options.flag("simplex"),
        fixed_effects: options.flag("fixed_effects"),
        inference: match options.choice("inference") {
            "jackknife+" => AugmentedInference::JackknifePlus,
            "jackknife" => AugmentedInference::Jackknife,
            "none" => AugmentedInference::None,
            _ => AugmentedInference::Conformal,
        },
        leave_out_gaps: options.flag("leave_out_gaps"),
    };
    Ok(panel.with(|rows, treated| augmented_synthetic_control(rows, treated, &with)))
}

impl Row for opeka_stats::AugmentedSyntheticControl {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = effect_columns!(Self, r => r.effect; []; [
        ("lambda", Column::Number(|r| r.lambda)),
        ("pre_rmspe", Column::Number(|r| r.pre_rmspe)),
        ("l2_imbalance", Column::Number(|r| r.l2_imbalance)),
        ("scaled_l2_imbalance", Column::Number(|r| r.scaled_l2_imbalance)),
        ("covariate_l2_imbalance", Column::Number(|r| r.covariate_l2_imbalance)),
        ("weights", Column::List(&List(|r: &Self| &r.weights))),
        ("path", Column::List(&List(|r: &Self| &r.path))),
        ("candidates", Column::List(&List(|r: &Self| &r.candidates))),
    ]);

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

impl Row for AugmentedWeight {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("unit", Column::Text(|w| Some(Cow::from(w.unit.as_str())))),
        ("weight", Column::Number(|w| Some(w.weight))),
        ("simplex_weight", Column::Number(|w| Some(w.simplex_weight))),
    ];

    fn unknown(_: Reason) -> Self {
        Self::default()
    }
}

impl Row for AugmentedPoint {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("time", Column::Number(|p| Some(p.time))),
        ("event_time", Column::Number(|p| Some(p.event_time))),
        ("observed", Column::Number(|p| Some(p.observed))),
        ("synthetic", Column::Number(|p| Some(p.synthetic))),
        ("gap", Column::Number(|p| Some(p.gap))),
        ("p_value", Column::Number(|p| p.p_value)),
        ("conf_low", Column::Number(|p| p.conf_low)),
        ("conf_high", Column::Number(|p| p.conf_high)),
    ];

    fn unknown(_: Reason) -> Self {
        Self::default()
    }
}

impl Row for LambdaError {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("lambda", Column::Number(|l| Some(l.lambda))),
        ("error", Column::Number(|l| Some(l.error))),
        ("std_error", Column::Number(|l| Some(l.std_error))),
    ];

    fn unknown(_: Reason) -> Self {
        Self::default()
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "The effect of a programme on an area against its synthetic control, where no weighted \
        average of other areas follows it closely before: what misfit is left is estimated by a \
        ridge regression and taken out.\n\
        \n\
        **What it estimates.** The average effect on treated areas over the periods from the \
        beginning of treatment on (ATT). All must begin in the same period; several areas are \
        averaged and compared as one.\n\
        \n\
        **Assumptions.** Without treatment, outcomes would have stayed where weights that match the \
        periods before put them. Weights may be negative: the figure leaves the range of the donors, \
        the further the smaller the penalty is. Donors are not touched by the treatment, and \
        nobody reacts before it. Once treated, an area stays treated. Rows are there for every \
        area and period.\n\
        \n\
        **Formula.** w + (x - X'w)' (X'X + lambda I)^-1 X', with w the weights of synthetic_control, x \
        the outcomes of the treated area before treatment and X those of the donors, less the \
        donors' mean of each period (Ben-Michael, Feller and Rothstein 2021, equations 8 to 12). \
        lambda: of 21 candidates, from the squared first singular value of X down to 1e-8 of it, the \
        largest whose squared error, with each period but the last held out in turn, is within \
        one standard error of the smallest. `fixed_effects` take the mean of each area before \
        treatment out of all its outcomes. Covariates, in means before treatment and brought to the \
        spread of the outcomes, are further columns of X. inference 'conformal': p_value is the \
        share of shifts in time of the residuals of a fit to all periods whose last ones, as many as \
        there are after treatment, are as large in absolute sum as they are; limits of a period \
        are the effects, of 50 within two root mean squared effects and 0, for which the same test \
        of that period alone has p >= 1 - conf_level (Chernozhukov, Wüthrich and Zhu 2021). \
        'jackknife+': limits from the predictions of fits without each period before treatment, plus \
        and minus their error there. 'jackknife': the error from fits without each area that has \
        weight, where several areas are treated. lambda is kept throughout.\n\
        \n\
        **Returns** a struct: `term` (`ATT`), `estimate`, `std_error`, `statistic` (NULL), `p_value`, \
        `conf_low`, `conf_high` ('jackknife+'), `n_obs`, `n_units`, `method`, `note`, `reason`; \
        `lambda`, `pre_rmspe` (the root mean squared gap before treatment), `l2_imbalance` (the root \
        of the sum), `scaled_l2_imbalance` (beside that of equal weights), \
        `covariate_l2_imbalance`; and lists of structs: `weights` (`unit`, `weight`, \
        `simplex_weight`: before the correction), `path` (`time`, `event_time`, `observed`, \
        `synthetic`, `gap`, `p_value`, `conf_low`, `conf_high`) and `candidates` (`lambda`, `error`, \
        `std_error`).\n\
        \n\
        **Nulls and small samples.** Rows in which `y`, `unit` or `time` is NULL are skipped, and an \
        area that lacks a period so is a `reason`, or left out with `leave_out_gaps`; an area of \
        which `treated` is not known in some row is left out, and told. A covariate that is NULL in \
        some rows is averaged over the others. Conformal p-values of n periods are multiples of 1/n: \
        with 19 periods before treatment no effect is rejected at 0.05. Where the smallest or the \
        largest effect tried is not rejected, that limit is NULL, and `note` says so. There is no \
        estimate, with a `reason`, where no area is treated or none is not, where areas begin at \
        different times, with one donor, with fewer than two periods before treatment (three \
        without `lambda`), or where the donors do not differ. The order of rows does not matter; \
        `distinct` is refused.\n\
        \n\
        **Deviations.** Numbers are those of R's augsynth 0.2.0; -15.95 for Proposition 99, with \
        limits -22.14 and -12.27 ('jackknife+') and p = 0.065 ('conformal'). The package gives the \
        ends of its grid for limits that do not exist, and a jackknife error with one treated area; \
        here both are NULL.\n\
        \n\
        **References.** Ben-Michael, Feller and Rothstein (2021), JASA 116; Chernozhukov, Wüthrich \
        and Zhu (2021), JASA 116; Barber, Candès, Ramdas and Tibshirani (2021), Annals of \
        Statistics 49.",
        "augmented_synthetic_control(y, unit, time, treated[, covariates[, inference[, lambda[, \
        fixed_effects[, ridge[, simplex[, leave_out_gaps[, conf_level]]]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("treated", TREATED_ARGUMENT)
    .with_argument("covariates", MEANS_ARGUMENT)
    .with_argument(
        "inference",
        "'conformal' (default), 'jackknife+', 'jackknife' or 'none'.",
    )
    .with_argument(
        "lambda",
        "The penalty of the ridge regression, above zero. Default: by cross-validation.",
    )
    .with_argument(
        "fixed_effects",
        "Whether each area's mean before treatment is taken out first. Default false.",
    )
    .with_argument(
        "ridge",
        "Whether the regression takes out the misfit; without it, a synthetic control as it is. \
        Default true.",
    )
    .with_argument(
        "simplex",
        "Whether the regression starts from a synthetic control, or else from equal weights. \
        Default true.",
    )
    .with_argument("leave_out_gaps", GAPS_ARGUMENT)
    .with_argument("conf_level", CONF_LEVEL_ARGUMENT)
    .with_sql_example(
        "```sql
> select round(est['estimate'], 2) as effect, round(est['l2_imbalance'], 2) as error_before,
         round(est['weights'][4]['weight'], 2) as weight_of_south
  from (select augmented_synthetic_control(column3, column1, column2,
                                           column1 = 'north' and column2 > 4,
                                           lambda => 10, inference => 'none') as est
        from (values
          ('north', 1, 41), ('north', 2, 40), ('north', 3, 39), ('north', 4, 38), ('north', 5, 33),
          ('north', 6, 31), ('north', 7, 30), ('east', 1, 44), ('east', 2, 42), ('east', 3, 42),
          ('east', 4, 40), ('east', 5, 40), ('east', 6, 38), ('east', 7, 37), ('south', 1, 35),
          ('south', 2, 35), ('south', 3, 33), ('south', 4, 34), ('south', 5, 32), ('south', 6, 33),
          ('south', 7, 31), ('west', 1, 50), ('west', 2, 47), ('west', 3, 48), ('west', 4, 44),
          ('west', 5, 45), ('west', 6, 42), ('west', 7, 41), ('coast', 1, 38), ('coast', 2, 39),
          ('coast', 3, 36), ('coast', 4, 35), ('coast', 5, 36), ('coast', 6, 34), ('coast', 7, 34),
          ('isles', 1, 28), ('isles', 2, 30), ('isles', 3, 27), ('isles', 4, 29), ('isles', 5, 26),
          ('isles', 6, 27), ('isles', 7, 28)));
+--------+--------------+-----------------+
| effect | error_before | weight_of_south |
+--------+--------------+-----------------+
| -5.0   | 0.09         | 0.53            |
+--------+--------------+-----------------+
```",
    )
    .with_related_udf("synthetic_control")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic_control::tests::{batch, rounded};
    use crate::testing::{AggregateTester, field, items, number, word};
    use arrow::array::ArrayRef;
    use datafusion_common::ScalarValue;

    fn with(inference: &str) -> AggregateTester<AugmentedSyntheticControl> {
        let given =
            [("lambda", ScalarValue::from(10.0)), ("inference", ScalarValue::from(inference))];
        AggregateTester::with(&given)
    }

    #[test]
    fn the_example() {
        // In exact fractions: -5.004026876…, 0.086372848…, 0.531883078….
        let result = with("none").aggregate(&[batch()]);
        assert_eq!(word(&result, "reason"), None);
        assert_eq!(rounded(&result, "estimate"), Some(-5.004027));
        assert_eq!(rounded(&result, "l2_imbalance"), Some(0.086373));
        assert_eq!(number(&result, "lambda"), Some(10.0));
        let weights = items(&field(&result, "weights"));
        assert_eq!(word(&weights[3], "unit").as_deref(), Some("south"));
        assert_eq!(rounded(&weights[3], "weight"), Some(0.531883));
        assert_eq!(rounded(&weights[3], "simplex_weight"), Some(0.530595));
        assert_eq!(rounded(&items(&field(&result, "path"))[4], "gap"), Some(-4.349364));
        assert!(items(&field(&result, "candidates")).is_empty());
    }

    #[test]
    fn tests_and_limits() {
        let conformal = with("conformal").aggregate(&[batch()]);
        assert!(number(&conformal, "p_value").is_some());
        let path = items(&field(&conformal, "path"));
        // Of five periods the one after treatment is the worst.
        assert_eq!(rounded(&path[4], "p_value"), Some(0.2));
        assert_eq!(number(&path[4], "conf_low"), None);
        assert!(word(&conformal, "note").unwrap().contains("3 of 3 periods lack a limit"));
        let plus = with("jackknife+").aggregate(&[batch()]);
        assert!(number(&plus, "conf_low") < number(&plus, "conf_high"));
        assert_eq!(number(&with("jackknife").aggregate(&[batch()]), "std_error"), None);
        let chosen = AggregateTester::<AugmentedSyntheticControl>::new().aggregate(&[batch()]);
        assert_eq!(items(&field(&chosen, "candidates")).len(), 21);
        assert!(number(&chosen, "lambda").is_some());
    }

    #[test]
    fn batches_merge_and_nothing_is_a_reason() {
        let all = batch();
        let parts: Vec<Vec<ArrayRef>> = [(0, 5), (5, 20), (25, 17)]
            .map(|(at, n)| all.iter().map(|column| column.slice(at, n)).collect())
            .into();
        with("none").check_merges(&parts);
        let nothing = with("none").aggregate(&[]);
        assert!(word(&nothing, "reason").unwrap().contains("there are no rows"));
        let given = [("lambda", ScalarValue::from(-1.0))];
        let result = AggregateTester::<AugmentedSyntheticControl>::with(&given).aggregate(&[all]);
        assert!(word(&result, "reason").unwrap().contains("lambda is -1"));
    }
}
