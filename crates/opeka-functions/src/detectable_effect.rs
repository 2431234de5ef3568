//! `detectable_effect`: the smallest effect that a panel as it is can show.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{DetectableEffectOptions, Reason, detectable_effect};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::effects::{
    DRAWS, PanelColumns, SEED, SEED_ARGUMENT, TIME, TIME_ARGUMENT, TREATED, TREATED_ARGUMENT, UNIT,
    UNIT_ARGUMENT, Y, Y_ARGUMENT, tell, whole_number,
};
use crate::minimum_detectable_effect::{LEVEL_ARGUMENT, POWER_ARGUMENT};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Row, text};
use crate::rows::Rows;

pub(crate) struct DetectableEffect;

impl Aggregate for DetectableEffect {
    const PARAMETERS: Parameters = Parameters {
        function: "detectable_effect",
        list: &[
            Y,
            UNIT,
            TIME,
            TREATED,
            ("power", Kind::NumberOption(0.8)),
            ("conf_level", Kind::NumberOption(0.95)),
            DRAWS,
            SEED,
        ],
    };
    type Result = opeka_stats::DetectableEffect;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        find(rows, options).unwrap_or_else(opeka_stats::DetectableEffect::unknown)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn find(rows: &Rows, options: &Options) -> Result<opeka_stats::DetectableEffect, Reason> {
    let parameters = &DetectableEffect::PARAMETERS;
    let panel = PanelColumns::of(parameters, rows, options)?;
    let treated = panel.numbers(parameters, rows, "treated");
    let with = DetectableEffectOptions {
        power: options.number("power"),
        conf_level: options.number("conf_level"),
        draws: whole_number(options, "draws")? as usize,
        seed: whole_number(options, "seed")?,
    };
    let mut result = panel.with(|rows| detectable_effect(rows, &treated, &with));
    tell(&mut result.note, panel.note.as_ref());
    Ok(result)
}

impl Row for opeka_stats::DetectableEffect {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|r| r.estimate)),
        ("std_error", Column::Number(|r| r.std_error)),
        ("equal_correlation", Column::Number(|r| r.equal_correlation)),
        ("permutation", Column::Number(|r| r.permutation)),
        ("n_placebos", Column::Count(|r| r.n_placebos)),
        ("sigma", Column::Number(|r| r.sigma)),
        ("rho", Column::Number(|r| r.rho)),
        ("covariance_pre", Column::Number(|r| r.covariance_pre)),
        ("covariance_post", Column::Number(|r| r.covariance_post)),
        ("covariance_cross", Column::Number(|r| r.covariance_cross)),
        ("n_treated", Column::Count(|r| r.n_treated)),
        ("n_control", Column::Count(|r| r.n_control)),
        ("n_pre", Column::Count(|r| r.n_pre)),
        ("n_post", Column::Count(|r| r.n_post)),
        ("n_obs", Column::Count(|r| r.n_obs)),
        ("method", Column::Text(|r| r.method.map(Cow::from))),
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
        "The smallest effect that two-way effects (`did_twfe`) would detect in this panel, with its \
        areas, periods and dates of treatment: where the estimate is smaller, that nothing was \
        found says little.\n\
        \n\
        **What it estimates.** The effect of which a test at the level `1 - conf_level` finds a \
        share `power` of the times, the outcomes of treated areas spreading without treatment as \
        those of the never treated do.\n\
        \n\
        **Assumptions.** Areas are independent of each other and spread alike, whatever the \
        correlation of an area's outcomes. `estimate` and `equal_correlation` also take enough \
        areas for normal theory, `permutation` that any area could have been the treated one.\n\
        \n\
        **Formula.** (z_(1−α/2) + z_power) × √(Σ_i d_i' W d_i) / Σ d_it² with d treatment less its \
        area and period means and W the covariances of an area's outcomes once means of periods are \
        taken out, from areas that are never treated. For one date of treatment this is Burlig, \
        Preonas and Woerman's (2020) equation 2 with average covariances before, after and across, \
        the variances of both sides apart. `equal_correlation` takes one variance and one \
        correlation, as `minimum_detectable_effect` does. `permutation`: the dates of treatment are \
        given to never treated areas, in all possible ways or in `draws` of them where there are \
        more, and two-way effects estimated among these; an effect is found where (1 + placebos as \
        far from zero)/(1 + placebos) is at most α, and the smallest is the critical value plus the \
        placebos' quantile of the power, for the worse of both signs.\n\
        \n\
        **Returns** a struct: `estimate`, `std_error` (behind it), `equal_correlation`, \
        `permutation`, `n_placebos`, `sigma`, `rho` (of `equal_correlation`), `covariance_pre`, \
        `covariance_post`, `covariance_cross` (averages over pairs of periods; NULL for many \
        dates), `n_treated`, `n_control` (areas), `n_pre`, `n_post` (periods before and from the \
        first treatment), `n_obs`, `method`, `note`, `reason`. Effects are in units of `y`.\n\
        \n\
        **Nulls and small samples.** Rows in which `y`, `unit` or `time` is NULL are skipped; an \
        area of which `treated` is not known in some row is left out, and told; so are areas that \
        are always treated. With fewer than 10 treated areas `note` says that normal theory is too \
        optimistic: `permutation` leads. It is NULL, and `note` says why, where there are too few \
        untreated areas, or placebos for the level (19 for 0.95). No figures, with a `reason`, \
        where the panel has gaps, fewer than three areas are never treated, nobody is untreated \
        first and treated later, or the never treated all change alike. The order of rows \
        does not matter; `distinct` is refused.\n\
        \n\
        **Deviations.** Burlig, Preonas and Woerman take quantiles of Student's t and correct \
        residuals of area and period effects for their bias; contrasts over periods, in which area \
        effects cancel, need no such correction. Placebos have fewer controls than the design, so \
        that `permutation` errs on the side of caution.\n\
        \n\
        **References.** Burlig, Preonas and Woerman (2020), Journal of Development Economics 144; \
        Bloom (1995), Evaluation Review 19(5); Conley and Taber (2011), REStat 93(1).",
        "detectable_effect(y, unit, time, treated[, power[, conf_level[, draws[, seed]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("treated", TREATED_ARGUMENT)
    .with_argument("power", POWER_ARGUMENT)
    .with_argument("conf_level", LEVEL_ARGUMENT)
    .with_argument(
        "draws",
        "How many placebos are drawn where there are more possible ones. Default 999.",
    )
    .with_argument("seed", SEED_ARGUMENT)
    .with_sql_example(
        "```sql
> select round(est['estimate'], 3) as smallest,
         round(est['equal_correlation'], 3) as equal_correlation,
         round(est['permutation'], 2) as by_placebos, est['n_placebos'] as placebos
  from (select detectable_effect(column3, column1, column2, column4, conf_level => 0.8) as est
        from (values ('a', 1, 10.0, 0), ('a', 2, 11.0, 0), ('a', 3, 15.0, 1),
                     ('b', 1, 12.0, 0), ('b', 2, 12.5, 0), ('b', 3, 16.0, 1),
                     ('c', 1, 9.0, 0), ('c', 2, 10.0, 0), ('c', 3, 10.5, 0),
                     ('d', 1, 14.0, 0), ('d', 2, 14.0, 0), ('d', 3, 15.5, 0),
                     ('e', 1, 8.0, 0), ('e', 2, 9.0, 0), ('e', 3, 9.5, 0),
                     ('f', 1, 11.0, 0), ('f', 2, 11.0, 0), ('f', 3, 12.5, 0),
                     ('g', 1, 7.0, 0), ('g', 2, 8.5, 0), ('g', 3, 9.0, 0),
                     ('h', 1, 10.0, 0), ('h', 2, 9.5, 0), ('h', 3, 11.5, 0)));
+----------+-------------------+-------------+----------+
| smallest | equal_correlation | by_placebos | placebos |
+----------+-------------------+-------------+----------+
| 0.525    | 0.902             | 0.69        | 15       |
+----------+-------------------+-------------+----------+
```",
    )
    .with_related_udf("minimum_detectable_effect")
    .with_related_udf("power_of_design")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, number, panel_batch, word};
    use arrow::array::ArrayRef;
    use datafusion_common::ScalarValue;

    fn batch() -> Vec<ArrayRef> {
        const Y: [f64; 24] = [
            10.0, 11.0, 15.0, 12.0, 12.5, 16.0, 9.0, 10.0, 10.5, 14.0, 14.0, 15.5, 8.0, 9.0, 9.5,
            11.0, 11.0, 12.5, 7.0, 8.5, 9.0, 10.0, 9.5, 11.5,
        ];
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let treated = |k: usize| Some(f64::from(u8::from(k < 6 && k % 3 == 2)));
        let row = |k: usize| (Y[k], names[k / 3], (k % 3) as f64 + 1.0, treated(k));
        panel_batch(&(0..24).map(row).collect::<Vec<_>>())
    }

    #[test]
    fn the_example() {
        let given = [("conf_level", ScalarValue::from(0.8))];
        let tester = AggregateTester::<DetectableEffect>::with(&given);
        let result = tester.aggregate(&[batch()]);
        let round = |name| (number(&result, name).unwrap() * 1e3).round() / 1e3;
        assert_eq!(round("estimate"), 0.525);
        assert_eq!(round("equal_correlation"), 0.902);
        assert_eq!(round("permutation"), 0.687);
        assert_eq!(field(&result, "n_placebos"), ScalarValue::Int64(Some(15)));
        assert_eq!(field(&result, "n_control"), ScalarValue::Int64(Some(6)));
        assert!(word(&result, "note").unwrap().contains("2 treated units"));
        let halves: Vec<Vec<ArrayRef>> = [(0, 10), (10, 14)]
            .map(|(at, n)| batch().iter().map(|c| c.slice(at, n)).collect())
            .into();
        tester.check_merges(&halves);
    }

    #[test]
    fn what_cannot_be_is_a_reason() {
        let nothing = AggregateTester::<DetectableEffect>::new().aggregate(&[]);
        assert!(word(&nothing, "reason").unwrap().contains("there are no rows"));
        let half = [("draws", ScalarValue::from(0.5))];
        let result = AggregateTester::<DetectableEffect>::with(&half).aggregate(&[batch()]);
        assert!(word(&result, "reason").unwrap().contains("draws is 0.5"));
        let result = AggregateTester::<DetectableEffect>::new().aggregate(&[batch()]);
        assert_eq!(number(&result, "permutation"), None);
        assert!(word(&result, "note").unwrap().contains("too few"));
    }
}
