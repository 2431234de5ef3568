//! `power_of_design`: how surely a planned design sees an effect.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Power, PowerAlternative, PowerOptions, power_of_design};

use crate::EFFECTS;
use crate::minimum_detectable_effect::{
    ALTERNATIVE, ALTERNATIVE_ARGUMENT, DESIGN, LEVEL_ARGUMENT, N_CONTROL_ARGUMENT, N_POST_ARGUMENT,
    N_PRE_ARGUMENT, N_TREATED_ARGUMENT, RHO_ARGUMENT, SIGMA_ARGUMENT, design_of,
};
use crate::parameters::{Kind, Parameters};
use crate::scalar::{Arguments, Scalar};

pub(crate) struct PowerOfDesign;

impl Scalar for PowerOfDesign {
    const PARAMETERS: Parameters = Parameters {
        function: "power_of_design",
        list: &[
            DESIGN[0],
            DESIGN[1],
            DESIGN[2],
            DESIGN[3],
            DESIGN[4],
            DESIGN[5],
            ("effect", Kind::Number),
            ("conf_level", Kind::NumberOption(0.95)),
            ALTERNATIVE,
        ],
    };
    type Result = Power;

    fn method() -> impl FnMut(&Arguments<'_>) -> Self::Result {
        |row| {
            let options = PowerOptions {
                conf_level: row.number(7),
                alternative: PowerAlternative::named(row.word(8)).unwrap_or_default(),
                ..PowerOptions::default()
            };
            power_of_design(&design_of(row), row.number(6), &options)
        }
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "The probability with which a planned difference in differences sees an effect of a given \
        size.\n\
        \n\
        **What it estimates.** The share of designs like this one in which a test at the level `1 \
        - conf_level` finds the effect.\n\
        \n\
        **Assumptions.** Those of `minimum_detectable_effect`.\n\
        \n\
        **Formula.** Φ(effect/s − z_(1−α/2)) + Φ(−effect/s − z_(1−α/2)) with s = √(σ² (1/n_treated \
        + 1/n_control) (1/n_pre + 1/n_post) (1 − ρ)): Burlig, Preonas and Woerman (2020), equation \
        2 with equal correlations. One-sided tests have one of the parts and z_(1−α).\n\
        \n\
        **Returns** a struct: `estimate` (a probability), `std_error` (that the design will have), \
        `method`, `note`, `reason`.\n\
        \n\
        **Nulls and small samples.** Where an argument is NULL, a number of areas or periods is \
        not a whole number above zero, `sigma` is not above zero, `rho` lies outside −1/(T − 1) to \
        1, or `conf_level` outside 0 to 1, `estimate` is NULL and `reason` says which. With fewer \
        than 10 treated areas `note` says that normal theory is too optimistic.\n\
        \n\
        **Deviations.** None known from `PowerAnalysis().power` of Python's diff-diff, whose \
        numbers these are.\n\
        \n\
        **References.** Burlig, Preonas and Woerman (2020), Journal of Development Economics 144.",
        "power_of_design(n_treated, n_control, n_pre, n_post, sigma, rho, effect[, conf_level[, \
        alternative]])",
    )
    .with_argument("n_treated", N_TREATED_ARGUMENT)
    .with_argument("n_control", N_CONTROL_ARGUMENT)
    .with_argument("n_pre", N_PRE_ARGUMENT)
    .with_argument("n_post", N_POST_ARGUMENT)
    .with_argument("sigma", SIGMA_ARGUMENT)
    .with_argument("rho", RHO_ARGUMENT)
    .with_argument("effect", "The effect, in units of the outcome.")
    .with_argument("conf_level", LEVEL_ARGUMENT)
    .with_argument("alternative", ALTERNATIVE_ARGUMENT)
    .with_sql_example(
        "```sql
> select effect, round(power['estimate'], 3) as power
  from (select column1 as effect, power_of_design(20, 60, 5, 3, 4.0, 0.5, column1) as power
        from (values (1.0), (1.5), (2.0)))
  order by effect;
+--------+-------+
| effect | power |
+--------+-------+
| 1.0    | 0.466 |
| 1.5    | 0.803 |
| 2.0    | 0.963 |
+--------+-------+
```",
    )
    .with_related_udf("minimum_detectable_effect")
    .with_related_udf("detectable_effect")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Udf;
    use crate::testing::{floats, invoke, numbers, texts};

    #[test]
    fn the_example_and_what_has_no_answer() {
        let design = [20.0, 60.0, 5.0, 3.0, 4.0, 0.5].map(|value| floats(&[Some(value); 4]));
        let mut columns = design.to_vec();
        columns.push(floats(&[Some(1.0), Some(1.5), Some(2.0), None]));
        let result = invoke(&Udf::<PowerOfDesign>::new(), &columns, 4);
        let round = |value: &Option<f64>| value.map(|value| (value * 1e3).round() / 1e3);
        let found: Vec<Option<f64>> = numbers(&result, "estimate").iter().map(round).collect();
        assert_eq!(found, [Some(0.466), Some(0.803), Some(0.963), None]);
        let reasons = texts(&result, "reason");
        assert!(reasons[3].as_deref().is_some_and(|why| why.contains("effect is missing")));
    }
}
