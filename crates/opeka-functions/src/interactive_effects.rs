//! `interactive_effects`: treated areas against what common factors predict.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{EffectAt, FactorErrors, InteractiveEffectsOptions, Reason, interactive_effects};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::effects::{
    CONF_LEVEL, CONF_LEVEL_ARGUMENT, COVARIATES, COVARIATES_ARGUMENT, PanelColumns, SEED,
    SEED_ARGUMENT, TIME, TIME_ARGUMENT, TREATED, TREATED_ARGUMENT, UNIT, UNIT_ARGUMENT, WEIGHTS,
    WEIGHTS_ARGUMENT, Y, Y_ARGUMENT, tell, whole_number,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::Many;
use crate::rows::Rows;
use crate::synthetic_did::{FEWER_DRAWS, draws};

pub(crate) const ERRORS: (&str, Kind) =
    ("errors", Kind::Choice(&["auto", "bootstrap", "jackknife", "none"]));
const FACTORS: (&str, Kind) = ("factors", Kind::NumberOrNone);

/// The errors of a name of [`ERRORS`].
pub(crate) fn errors_of(options: &Options) -> Option<FactorErrors> {
    match options.choice("errors") {
        "bootstrap" => Some(FactorErrors::Bootstrap),
        "jackknife" => Some(FactorErrors::Jackknife),
        "none" => Some(FactorErrors::None),
        _ => None,
    }
}

pub(crate) struct InteractiveEffects;

impl Aggregate for InteractiveEffects {
    const PARAMETERS: Parameters = Parameters {
        function: "interactive_effects",
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
            FACTORS,
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
    let parameters = &InteractiveEffects::PARAMETERS;
    let panel = PanelColumns::of(parameters, rows, options)?;
    let treated = panel.numbers(parameters, rows, "treated");
    let factors = options.number_or_none("factors");
    if let Some(odd) = factors.filter(|n| n.fract() != 0.0 || !(0.0..=100.0).contains(n)) {
        return Err(Reason::because(format!(
            "factors is {odd} (it must be a whole number from 0 to 100)"
        )));
    }
    let with = InteractiveEffectsOptions {
        factors: factors.map(|factors| factors as usize),
        errors: errors_of(options),
        draws: draws(options)?,
        seed: whole_number(options, "seed")?,
        conf_level: options.number("conf_level"),
    };
    let mut effects = panel.with(|rows| interactive_effects(rows, &treated, &with)).effects;
    effects.iter_mut().for_each(|effect| tell(&mut effect.effect.note, panel.note.as_ref()));
    Ok(effects)
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "Effects of a programme on areas that respond in their own way to what moves all of them: \
        factors over time, such as the economy, are found among areas that never had the programme, \
        and what they predict for the treated ones is compared with what happened. Interactive \
        fixed effects, or generalised synthetic control.\n\
        \n\
        **What it estimates.** The average effect on treated rows (ATT), and effects by periods \
        since treatment began.\n\
        \n\
        **Assumptions.** Without treatment, all areas follow the same few factors, each area in its \
        own fixed proportion; nobody reacts before treatment; areas do not touch each other. Once \
        treated, an area stays treated. Rows are there for every area and period.\n\
        \n\
        **Formula.** Among controls, y_it = m + a_i + c_t + x_it'g + l_i'f_t + e_it by least squares \
        (Xu 2017, equation 3): g given the factors and the factors, as principal components, given \
        g, in turn until they rest. For treated areas, a_i and l_i by least squares on periods \
        before treatment (equation 4); the effect is y_it less what that predicts (equation 5). The \
        number of factors, 0 to 5, is that which best predicts each period before treatment from \
        the others (Algorithm 1); one more has to lower the mean squared error by 0.1 %. errors \
        'bootstrap' is Xu's parametric one (Algorithm 2): prediction errors of controls in the place \
        of treated areas, and residuals of controls, are drawn. 'jackknife' leaves out each area in \
        turn. Limits are normal. `weights` say how much treated rows count in means.\n\
        \n\
        **Returns** a list of structs, first the average effect, then effects by period: `term` \
        (`ATT`, `ATT(-2)`, `ATT(0)`), `cohort`, `time` (both NULL), `event_time` (periods since \
        treatment began; 0 is the first treated one), `estimate`, `std_error`, `statistic`, \
        `p_value`, `conf_low`, `conf_high`, `n_obs`, `n_units`, `method` (with the number of \
        factors), `note`, `reason`. Effects before treatment are residuals: small where factors \
        follow the treated areas.\n\
        \n\
        **Nulls and small samples.** Rows in which `y`, `unit` or `time` is NULL are skipped, and \
        an area that lacks a period so is a `reason`; an area of which `treated` is not known in \
        some row is left out, and told. With one treated area there is no standard error and `note` \
        says so, unless errors => 'bootstrap' is asked for: that supposes that it varies as the \
        controls do. With two to nine `note` says that errors lean on few areas. There is no \
        estimate, with a `reason`, where no area is treated or all are at some time, where \
        periods before treatment are no more than the factors, or controls or periods too few for \
        them. The order of rows does not matter; `distinct` is refused.\n\
        \n\
        **Deviations.** Numbers are those of R's gsynth 1.2.1 with force = \"two-way\". The \
        iterations go on until they rest, also where the package stops at its tolerance of 0.001. \
        Panels with gaps are refused. Where treatment begins at different times, effects before \
        treatment reach back as far as the longest series, not as the shortest.\n\
        \n\
        **References.** Xu (2017), Political Analysis 25(1); Bai (2009), Econometrica 77(4).",
        "interactive_effects(y, unit, time, treated[, covariates[, weights[, errors[, draws[, \
        seed[, conf_level[, factors]]]]]]])",
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
    .with_argument("factors", "How many factors. Default: cross-validated, up to 5.")
    .with_sql_example(
        "```sql
> select att['term'] as term, round(att['estimate'], 3) as effect, att['std_error'] as error
  from (select interactive_effects(column3, column1, column2, column4, factors => 1)[1] as att
        from (values ('a', 1, 10.0, 0), ('a', 2, 11.0, 0), ('a', 3, 13.0, 0), ('a', 4, 18.0, 1),
                     ('b', 1, 12.0, 0), ('b', 2, 13.5, 0), ('b', 3, 15.0, 0), ('b', 4, 16.0, 0),
                     ('c', 1, 9.0, 0), ('c', 2, 9.0, 0), ('c', 3, 10.0, 0), ('c', 4, 11.5, 0),
                     ('d', 1, 8.0, 0), ('d', 2, 9.5, 0), ('d', 3, 9.0, 0), ('d', 4, 10.0, 0)));
+------+--------+-------+
| term | effect | error |
+------+--------+-------+
| ATT  | 3.833  |       |
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
            AggregateTester::<InteractiveEffects>::with(&[("factors", ScalarValue::from(1.0))]);
        let result = tester.aggregate(&[batch()]);
        let all = items(&result);
        let estimates: Vec<Option<f64>> =
            all.iter().map(|item| rounded(item, "estimate")).collect();
        assert_eq!(estimates, [Some(3.833), Some(0.0), Some(0.0), Some(0.0), Some(3.833)]);
        assert_eq!(word(&all[1], "term").as_deref(), Some("ATT(-3)"));
        assert!(all.iter().all(|item| number(item, "std_error").is_none()));
        assert!(word(&all[0], "note").unwrap().starts_with("no standard error"));
        let halves: Vec<Vec<ArrayRef>> =
            [(0, 7), (7, 9)].map(|(at, n)| batch().iter().map(|c| c.slice(at, n)).collect()).into();
        tester.check_merges(&halves);
    }

    #[test]
    fn options_by_name() {
        let with = |given: &[(&str, ScalarValue)]| {
            let result = AggregateTester::<InteractiveEffects>::with(given).aggregate(&[batch()]);
            items(&result)[0].clone()
        };
        // Without factors, a difference of differences.
        let none = with(&[("factors", ScalarValue::from(0.0))]);
        assert_eq!(rounded(&none, "estimate"), Some(4.722));
        let asked = with(&[
            ("factors", ScalarValue::from(0.0)),
            ("errors", ScalarValue::from("bootstrap")),
            ("draws", ScalarValue::from(20.0)),
        ]);
        assert!(number(&asked, "std_error").unwrap() > 0.0);
        assert!(word(&asked, "method").unwrap().ends_with("parametric bootstrap of 20 draws"));
        for errors in ["jackknife", "none", "auto"] {
            let given = [("errors", ScalarValue::from(errors))];
            assert_eq!(number(&with(&given), "std_error"), None);
        }
        let odd = with(&[("factors", ScalarValue::from(1.5))]);
        assert!(word(&odd, "reason").unwrap().contains("factors is 1.5"));
        assert!(word(&with(&[]), "method").unwrap().contains("cross-validated"));
    }

    #[test]
    fn what_cannot_be_is_a_reason() {
        let nothing = items(&AggregateTester::<InteractiveEffects>::new().aggregate(&[]));
        assert_eq!(nothing.len(), 1);
        let reason = word(&nothing[0], "reason").unwrap();
        assert_eq!(reason, "cannot be calculated because there are no rows");
    }
}
