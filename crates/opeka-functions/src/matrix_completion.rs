//! `matrix_completion`: treated areas against a matrix that few patterns explain.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{EffectAt, MatrixCompletionOptions, Reason, matrix_completion};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::effects::{
    CONF_LEVEL, CONF_LEVEL_ARGUMENT, COVARIATES, COVARIATES_ARGUMENT, PanelColumns, SEED,
    SEED_ARGUMENT, TIME, TIME_ARGUMENT, TREATED, TREATED_ARGUMENT, UNIT, UNIT_ARGUMENT, WEIGHTS,
    WEIGHTS_ARGUMENT, Y, Y_ARGUMENT, tell, whole_number,
};
use crate::interactive_effects::{ERRORS, errors_of};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::Many;
use crate::rows::Rows;
use crate::synthetic_did::{FEWER_DRAWS, draws};

const LAMBDA: (&str, Kind) = ("lambda", Kind::NumberOrNone);

pub(crate) struct MatrixCompletion;

impl Aggregate for MatrixCompletion {
    const PARAMETERS: Parameters = Parameters {
        function: "matrix_completion",
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
            LAMBDA,
        ],
    };
    type Result = Many<EffectAt>;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        Many(effects(rows, options).unwrap_or_else(|reason| vec![EffectAt::unknown(reason)]))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn effects(rows: &Rows, options: &Options) -> Result<Vec<EffectAt>, Reason> {
    let parameters = &MatrixCompletion::PARAMETERS;
    let panel = PanelColumns::of(parameters, rows, options)?;
    let treated = panel.numbers(parameters, rows, "treated");
    let with = MatrixCompletionOptions {
        lambda: options.number_or_none("lambda"),
        errors: errors_of(options),
        draws: draws(options)?,
        seed: whole_number(options, "seed")?,
        conf_level: options.number("conf_level"),
    };
    let mut effects = panel.with(|rows| matrix_completion(rows, &treated, &with)).effects;
    effects.iter_mut().for_each(|effect| tell(&mut effect.effect.note, panel.note.as_ref()));
    Ok(effects)
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "Effects of a programme against untreated outcomes that are filled in: area effects, period \
        effects and a matrix that few patterns explain are fitted to all rows that are not treated, \
        and say what the treated ones would have been.\n\
        \n\
        **What it estimates.** The average effect on treated rows (ATT), and effects by periods \
        since treatment began.\n\
        \n\
        **Assumptions.** Untreated outcomes are area and period effects and a matrix of low rank, \
        up to noise; which rows are treated does not depend on that noise; nobody reacts before \
        treatment; areas do not touch each other. Once treated, an area stays treated. Rows are \
        there for every area and period.\n\
        \n\
        **Formula.** The smallest 1/2 sum (y_it - a_i - c_t - x_it'g - L_it)^2 over untreated rows, \
        plus lambda N T |L|, where |L| is the sum of the singular values of the N x T matrix L \
        (Athey et al. 2021, equation 4.3, where area and period effects are not penalised). \
        Iterations fill in treated rows, take out effects, and lower singular values by lambda N T; \
        momentum speeds them up; they go on until they rest. By default lambda is one of ten, from \
        that at which L is nothing down to a thousandth of it, with the lowest mean squared error of \
        predicting rows that are left out, in five draws; each draw leaves out of the untreated rows \
        the share that is treated. errors 'bootstrap' draws areas anew, treated and controls apart; \
        'jackknife' leaves out each area in turn; both at the same lambda. Limits are normal. \
        `weights` say how much treated rows count in means.\n\
        \n\
        **Returns** a list of structs, first the average effect, then effects by period: `term` \
        (`ATT`, `ATT(-2)`, `ATT(0)`), `cohort`, `time` (both NULL), `event_time` (periods since \
        treatment began; 0 is the first treated one), `estimate`, `std_error`, `statistic`, \
        `p_value`, `conf_low`, `conf_high`, `n_obs`, `n_units`, `method` (with lambda), `note`, \
        `reason`. Effects before treatment are residuals of the fit.\n\
        \n\
        **Nulls and small samples.** Rows in which `y`, `unit` or `time` is NULL are skipped, and \
        an area that lacks a period so is a `reason`; an area of which `treated` is not known in \
        some row is left out, and told. With one treated area there is no standard error and `note` \
        says so; with two to nine `note` says that errors lean on few areas. There is no estimate, \
        with a `reason`, where no area is treated or all are at some time, where area and period \
        effects explain everything and no lambda is given, or where iterations do not come to rest. \
        The order of rows does not matter; `distinct` is refused.\n\
        \n\
        **Deviations.** Numbers are those of R's gsynth 1.2.1 with estimator = \"mc\" and force = \
        \"two-way\" at the same lambda. Cross-validation follows its plan, with draws of its own \
        and without a lambda of 0, at which the answer depends on where the iterations begin. \
        Panels with gaps are refused.\n\
        \n\
        **References.** Athey, Bayati, Doudchenko, Imbens and Khosravi (2021), Journal of the \
        American Statistical Association 116(536); Mazumder, Hastie and Tibshirani (2010), Journal \
        of Machine Learning Research 11.",
        "matrix_completion(y, unit, time, treated[, covariates[, weights[, errors[, draws[, seed[, \
        conf_level[, lambda]]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("treated", TREATED_ARGUMENT)
    .with_argument("covariates", COVARIATES_ARGUMENT)
    .with_argument("weights", WEIGHTS_ARGUMENT)
    .with_argument(
        "errors",
        "Where errors come from: 'bootstrap', 'jackknife', 'none', or 'auto' (default): the \
        bootstrap, and none with one treated area.",
    )
    .with_argument("draws", "How many samples the bootstrap draws. Default 200.")
    .with_argument("seed", SEED_ARGUMENT)
    .with_argument("conf_level", CONF_LEVEL_ARGUMENT)
    .with_argument(
        "lambda",
        "The price of the matrix for each row, in units of the outcome; above zero. Default: \
        cross-validated.",
    )
    .with_sql_example(
        "```sql
> select att['term'] as term, round(att['estimate'], 3) as effect, att['std_error'] as error
  from (select matrix_completion(column3, column1, column2, column4, lambda => 0.05)[1] as att
        from (values ('a', 1, 10.0, 0), ('a', 2, 11.0, 0), ('a', 3, 13.0, 0), ('a', 4, 18.0, 1),
                     ('b', 1, 12.0, 0), ('b', 2, 13.5, 0), ('b', 3, 15.0, 0), ('b', 4, 16.0, 0),
                     ('c', 1, 9.0, 0), ('c', 2, 9.0, 0), ('c', 3, 10.0, 0), ('c', 4, 11.5, 0),
                     ('d', 1, 8.0, 0), ('d', 2, 9.5, 0), ('d', 3, 9.0, 0), ('d', 4, 10.0, 0)));
+------+--------+-------+
| term | effect | error |
+------+--------+-------+
| ATT  | 4.413  |       |
+------+--------+-------+
```",
    )
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic_did::tests::{batch, rounded};
    use crate::testing::{AggregateTester, items, number, word};
    use arrow::array::ArrayRef;
    use datafusion_common::ScalarValue;

    #[test]
    fn the_example() {
        let tester =
            AggregateTester::<MatrixCompletion>::with(&[("lambda", ScalarValue::from(0.05))]);
        let result = tester.aggregate(&[batch()]);
        let all = items(&result);
        let estimates: Vec<Option<f64>> =
            all.iter().map(|item| rounded(item, "estimate")).collect();
        assert_eq!(estimates, [Some(4.413), Some(-0.169), Some(-0.188), Some(0.357), Some(4.413)]);
        assert!(all.iter().all(|item| number(item, "std_error").is_none()));
        let method = word(&all[0], "method").unwrap();
        assert_eq!(method, "matrix completion with unit and time effects; lambda 0.05");
        let halves: Vec<Vec<ArrayRef>> =
            [(0, 7), (7, 9)].map(|(at, n)| batch().iter().map(|c| c.slice(at, n)).collect()).into();
        tester.check_merges(&halves);
    }

    #[test]
    fn options_by_name() {
        let with = |given: &[(&str, ScalarValue)]| {
            let result = AggregateTester::<MatrixCompletion>::with(given).aggregate(&[batch()]);
            items(&result)[0].clone()
        };
        // Beyond all, a difference of differences.
        let beyond = with(&[("lambda", ScalarValue::from(100.0))]);
        assert_eq!(rounded(&beyond, "estimate"), Some(4.722));
        let zero = with(&[("lambda", ScalarValue::from(0.0))]);
        assert!(word(&zero, "reason").unwrap().contains("lambda is 0"));
        assert!(word(&with(&[]), "method").unwrap().ends_with("cross-validated"));
        for errors in ["bootstrap", "jackknife", "none"] {
            let given = [("errors", ScalarValue::from(errors))];
            assert_eq!(number(&with(&given), "std_error"), None);
        }
    }

    #[test]
    fn what_cannot_be_is_a_reason() {
        let nothing = items(&AggregateTester::<MatrixCompletion>::new().aggregate(&[]));
        assert_eq!(nothing.len(), 1);
        let reason = word(&nothing[0], "reason").unwrap();
        assert_eq!(reason, "cannot be calculated because there are no rows");
    }
}
