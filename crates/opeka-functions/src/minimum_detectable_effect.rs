//! `minimum_detectable_effect`: the smallest effect that a planned design detects.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{
    Power, PowerAlternative, PowerDesign, PowerOptions, Reason, minimum_detectable_effect,
};

use crate::EFFECTS;
use crate::parameters::{Kind, Parameters};
use crate::row::{Column, Row, text};
use crate::scalar::{Arguments, Scalar};

/// The columns of a design: they come first, in this order.
pub(crate) const DESIGN: [(&str, Kind); 6] = [
    ("n_treated", Kind::Number),
    ("n_control", Kind::Number),
    ("n_pre", Kind::Number),
    ("n_post", Kind::Number),
    ("sigma", Kind::Number),
    ("rho", Kind::Number),
];
pub(crate) const ALTERNATIVE: (&str, Kind) =
    ("alternative", Kind::Choice(&PowerAlternative::NAMES));

pub(crate) const N_TREATED_ARGUMENT: &str = "How many areas are treated.";
pub(crate) const N_CONTROL_ARGUMENT: &str = "How many are not.";
pub(crate) const N_PRE_ARGUMENT: &str = "How many periods there are before treatment.";
pub(crate) const N_POST_ARGUMENT: &str = "How many there are from treatment on.";
pub(crate) const SIGMA_ARGUMENT: &str = "The standard deviation of the outcome once effects of \
    periods are taken out: `sigma` of `detectable_effect`.";
pub(crate) const RHO_ARGUMENT: &str = "The correlation of two outcomes of one area, from -1/(T - 1) \
    to below 1: `rho` of `detectable_effect`.";
pub(crate) const ALTERNATIVE_ARGUMENT: &str =
    "Which effects the test looks for: 'two-sided' (default), 'greater' or 'less'.";
pub(crate) const LEVEL_ARGUMENT: &str =
    "One less the probability of seeing an effect where there is none. Default 0.95.";
pub(crate) const POWER_ARGUMENT: &str =
    "The probability with which the effect is to be seen. Default 0.8.";

/// The design of a row.
pub(crate) fn design_of(row: &Arguments<'_>) -> PowerDesign {
    PowerDesign {
        n_treated: row.number(0),
        n_control: row.number(1),
        n_pre: row.number(2),
        n_post: row.number(3),
        sigma: row.number(4),
        rho: row.number(5),
    }
}

pub(crate) struct MinimumDetectableEffect;

impl Scalar for MinimumDetectableEffect {
    const PARAMETERS: Parameters = Parameters {
        function: "minimum_detectable_effect",
        list: &[
            DESIGN[0],
            DESIGN[1],
            DESIGN[2],
            DESIGN[3],
            DESIGN[4],
            DESIGN[5],
            ("power", Kind::NumberOption(0.8)),
            ("conf_level", Kind::NumberOption(0.95)),
            ALTERNATIVE,
        ],
    };
    type Result = Power;

    fn method() -> impl FnMut(&Arguments<'_>) -> Self::Result {
        |row| {
            let options = PowerOptions {
                power: row.number(6),
                conf_level: row.number(7),
                alternative: PowerAlternative::named(row.word(8)).unwrap_or_default(),
            };
            minimum_detectable_effect(&design_of(row), &options)
        }
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for Power {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|r| r.estimate)),
        ("std_error", Column::Number(|r| r.std_error)),
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
        "The smallest effect that a planned difference in differences detects with the power asked \
        for: an effect below it may be there and will mostly not be seen.\n\
        \n\
        **What it estimates.** The effect of which a test at the level `1 - conf_level` finds a \
        share `power` of the times.\n\
        \n\
        **Assumptions.** One date of treatment; areas are independent of each other; outcomes have \
        one variance, and any two of an area are equally correlated; enough areas for normal \
        theory. What a panel says of its own outcomes without these is `detectable_effect`.\n\
        \n\
        **Formula.** (z_(1−α/2) + z_power) × √(σ² (1/n_treated + 1/n_control) (1/n_pre + 1/n_post) \
        (1 − ρ)): Burlig, Preonas and Woerman (2020), equation 2 with equal correlations, and \
        Bloom's (1995) multiplier. One-sided tests take z_(1−α), and 'less' has an effect below \
        zero.\n\
        \n\
        **Returns** a struct: `estimate` (in units of the outcome), `std_error` (that the design \
        will have), `method`, `note`, `reason`.\n\
        \n\
        **Nulls and small samples.** Where an argument is NULL, a number of areas or periods is \
        not a whole number above zero, `sigma` is negative, `rho` lies outside −1/(T − 1) to 1, or \
        a probability outside 0 to 1, `estimate` is NULL and `reason` says which. With fewer than \
        10 treated areas `note` says that normal theory is too optimistic.\n\
        \n\
        **Deviations.** None known from `PowerAnalysis().mde` of Python's diff-diff, whose numbers \
        these are. Burlig, Preonas and Woerman take quantiles of Student's t.\n\
        \n\
        **References.** Burlig, Preonas and Woerman (2020), Journal of Development Economics 144; \
        Bloom (1995), Evaluation Review 19(5).",
        "minimum_detectable_effect(n_treated, n_control, n_pre, n_post, sigma, rho[, power[, \
        conf_level[, alternative]]])",
    )
    .with_argument("n_treated", N_TREATED_ARGUMENT)
    .with_argument("n_control", N_CONTROL_ARGUMENT)
    .with_argument("n_pre", N_PRE_ARGUMENT)
    .with_argument("n_post", N_POST_ARGUMENT)
    .with_argument("sigma", SIGMA_ARGUMENT)
    .with_argument("rho", RHO_ARGUMENT)
    .with_argument("power", POWER_ARGUMENT)
    .with_argument("conf_level", LEVEL_ARGUMENT)
    .with_argument("alternative", ALTERNATIVE_ARGUMENT)
    .with_sql_example(
        "```sql
> select treated, round(mde['estimate'], 3) as smallest, round(mde['std_error'], 4) as error
  from (select column1 as treated, minimum_detectable_effect(column1, 60, 5, 3, 4.0, 0.5) as mde
        from (values (20), (40)))
  order by treated;
+---------+----------+--------+
| treated | smallest | error  |
+---------+----------+--------+
| 20      | 1.494    | 0.5333 |
| 40      | 1.181    | 0.4216 |
+---------+----------+--------+
```",
    )
    .with_related_udf("power_of_design")
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
        let columns = [
            floats(&[Some(20.0), Some(40.0), None, Some(2.0)]),
            floats(&[Some(60.0); 4]),
            floats(&[Some(5.0); 4]),
            floats(&[Some(3.0), Some(3.0), Some(3.0), Some(0.0)]),
            floats(&[Some(4.0); 4]),
            floats(&[Some(0.5); 4]),
        ];
        let result = invoke(&Udf::<MinimumDetectableEffect>::new(), &columns, 4);
        let round = |value: &Option<f64>| value.map(|value| (value * 1e3).round() / 1e3);
        let found: Vec<Option<f64>> = numbers(&result, "estimate").iter().map(round).collect();
        assert_eq!(found, [Some(1.494), Some(1.181), None, None]);
        let reasons = texts(&result, "reason");
        assert!(reasons[2].as_deref().is_some_and(|why| why.contains("n_treated is missing")));
        assert!(reasons[3].as_deref().is_some_and(|why| why.contains("n_post is 0")));
    }
}
