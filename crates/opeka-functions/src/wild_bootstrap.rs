//! `wild_bootstrap`: the effect of a treatment, judged by the wild cluster bootstrap.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{
    Reason, WildBootstrapOptions, WildDistribution, WildTails, wild_bootstrap as calculate,
};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::effects::{
    CLUSTER, CLUSTER_ARGUMENT, CONF_LEVEL, CONF_LEVEL_ARGUMENT, COVARIATES, COVARIATES_ARGUMENT,
    PanelColumns, SEED, SEED_ARGUMENT, TIME, TIME_ARGUMENT, TREATED, TREATED_ARGUMENT, UNIT,
    UNIT_ARGUMENT, WEIGHTS, WEIGHTS_ARGUMENT, Y, Y_ARGUMENT, draws_of, effect_columns, tell,
    whole_number,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Row};
use crate::rows::Rows;

pub(crate) struct WildBootstrap;

impl Aggregate for WildBootstrap {
    const PARAMETERS: Parameters = Parameters {
        function: "wild_bootstrap",
        list: &[
            Y,
            UNIT,
            TIME,
            TREATED,
            COVARIATES,
            WEIGHTS,
            CLUSTER,
            CONF_LEVEL,
            ("draws", Kind::NumberOption(9_999.0)),
            SEED,
            ("distribution", Kind::Choice(&["rademacher", "webb", "mammen", "normal"])),
            ("impose_null", Kind::Flag(true)),
            ("tails", Kind::Choice(&["symmetric", "equal"])),
        ],
    };
    type Result = opeka_stats::WildBootstrap;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        test(rows, options).unwrap_or_else(opeka_stats::WildBootstrap::unknown)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn test(rows: &Rows, options: &Options) -> Result<opeka_stats::WildBootstrap, Reason> {
    let parameters = &WildBootstrap::PARAMETERS;
    let panel = PanelColumns::of(parameters, rows, options)?;
    let treated = panel.numbers(parameters, rows, "treated");
    let with = WildBootstrapOptions {
        distribution: match options.choice("distribution") {
            "webb" => WildDistribution::Webb,
            "mammen" => WildDistribution::Mammen,
            "normal" => WildDistribution::Normal,
            _ => WildDistribution::Rademacher,
        },
        impose_null: options.flag("impose_null"),
        tails: match options.choice("tails") {
            "equal" => WildTails::Equal,
            _ => WildTails::Symmetric,
        },
        draws: draws_of(options)?,
        seed: whole_number(options, "seed")?,
        conf_level: options.number("conf_level"),
    };
    let mut result = panel.with(|rows| calculate(rows, &treated, &with));
    tell(&mut result.effect.note, panel.note.as_ref());
    Ok(result)
}

impl Row for opeka_stats::WildBootstrap {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = effect_columns!(Self, r => r.effect; []; [
        ("n_clusters", Column::Count(|r| r.n_clusters)),
        ("n_draws", Column::Count(|r| r.n_draws)),
        ("enumerated", Column::Flag(|r| r.effect.p_value.map(|_| r.enumerated))),
    ]);

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "The effect of a programme as in `did_twfe`, with a p-value and limits by the wild cluster \
        bootstrap: for panels of few clusters, in which errors by cluster are too small.\n\
        \n\
        **What it estimates.** The coefficient of a treatment next to an effect of each area and \
        of each period; see `did_twfe` for what that is where treatment begins at different \
        times.\n\
        \n\
        **Assumptions.** Those of `did_twfe`, and that clusters are independent of each other. \
        Ten treated clusters and as many others are enough for most panels; with few of either \
        the bootstrap fails, too, and `permutation_test` leads.\n\
        \n\
        **Formula.** t is the coefficient over √(G/(G − 1) (N − 1)/(N − k) Σ s²)/Σ w d², with the \
        scores s of the G clusters, what is left of the treatment d, and k the treatment and the \
        covariates. In each draw the residuals of a cluster under the hypothesis are multiplied \
        by one random number, and t is calculated anew (Cameron, Gelbach and Miller 2008, section \
        III; by the fast algorithm of Roodman and others 2019, section 5). The p-value is the \
        share of draws whose t is further from zero than that of the data ('symmetric'), or twice \
        the smaller of the shares above and below ('equal'). 'rademacher' draws −1 or 1, and goes \
        through all 2^G assignments of signs, each once, where they are no more than `draws`; \
        'webb' draws one of six points, for fewer than about twelve clusters; 'mammen' is skewed; \
        'normal' is standard normal. `impose_null` takes residuals under the hypothesis that is \
        tested (WCR) rather than those of the fit (WCU). Limits are the ends of the set of \
        effects whose p-value is above 1 − `conf_level`.\n\
        \n\
        **Returns** a struct: `term` (`ATT`), `estimate`, `std_error` (of clusters, not of the \
        bootstrap), `statistic` (t), `p_value`, `conf_low`, `conf_high`, `n_obs`, `n_units`, \
        `method`, `note`, `reason`, `n_clusters`, `n_draws`, `enumerated` (whether all \
        assignments of signs were gone through).\n\
        \n\
        **Nulls and small samples.** Rows in which `y`, `unit` or `time` is NULL are skipped; an \
        area of which `treated` is not known in some row is left out, and told. With one treated \
        area or cluster there are neither error nor p-value nor limits. With two to nine `note` \
        says that the test rejects too rarely where the null is imposed and too often where it is \
        not. Where no draw lies beyond t, the p-value is 1/(`draws` + 1), or 2/2^G, and `note` says \
        so. Limits are missing where no effect, however large, is rejected. `draws` lies between \
        1 and 1,000,000. The order of rows does not matter; `distinct` is refused.\n\
        \n\
        **Deviations.** p-values of all assignments of signs equal those of R's fwildclusterboot \
        (`boottest` with the algorithm fnw11) to the last digit, estimates and t to 1e-12, drawn \
        p-values within the error of the draws. That package gives a p-value of 0 where no draw \
        lies beyond, and stops its search for limits at a tolerance of 1e-6; here they are found \
        to the last digits.\n\
        \n\
        **References.** Cameron, Gelbach and Miller (2008), REStat 90(3); Roodman, Nielsen, \
        MacKinnon and Webb (2019), Stata Journal 19(1); Webb (2014), Queen's Economics Department \
        working paper 1315; MacKinnon and Webb (2018), Econometrics Journal 21(2).",
        "wild_bootstrap(y, unit, time, treated[, covariates[, weights[, cluster[, conf_level[, \
        draws[, seed[, distribution[, impose_null[, tails]]]]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("treated", TREATED_ARGUMENT)
    .with_argument("covariates", COVARIATES_ARGUMENT)
    .with_argument("weights", WEIGHTS_ARGUMENT)
    .with_argument("cluster", CLUSTER_ARGUMENT)
    .with_argument("conf_level", CONF_LEVEL_ARGUMENT)
    .with_argument("draws", "How many draws. Default 9999.")
    .with_argument("seed", SEED_ARGUMENT)
    .with_argument(
        "distribution",
        "By what residuals are multiplied: 'rademacher' (default), 'webb', 'mammen' or 'normal'.",
    )
    .with_argument(
        "impose_null",
        "Whether residuals are those under the hypothesis that is tested. Default true.",
    )
    .with_argument("tails", "'symmetric' (default) or 'equal'.")
    .with_sql_example(
        "```sql
> select round(est['estimate'], 2) as effect,
         round(est['statistic'], 4) as t,
         round(est['p_value'], 4) as p,
         est['n_draws'] as draws
  from (select wild_bootstrap(column3, column1, column2, column4) as est
        from (values ('a', 1, 10.0, 0), ('a', 2, 16.0, 1), ('b', 1, 12.0, 0), ('b', 2, 16.0, 1),
                     ('c', 1, 9.0, 0), ('c', 2, 10.0, 0), ('d', 1, 8.0, 0), ('d', 2, 11.0, 0)));
+--------+--------+-------+-------+
| effect | t      | p     | draws |
+--------+--------+-------+-------+
| 3.0    | 2.5981 | 0.125 | 16    |
+--------+--------+-------+-------+
```",
    )
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, number, panel_batch, word};
    use arrow::array::ArrayRef;
    use datafusion_common::ScalarValue;

    fn batch() -> Vec<ArrayRef> {
        panel_batch(&[
            (10.0, "a", 1.0, Some(0.0)),
            (16.0, "a", 2.0, Some(1.0)),
            (12.0, "b", 1.0, Some(0.0)),
            (16.0, "b", 2.0, Some(1.0)),
            (9.0, "c", 1.0, Some(0.0)),
            (10.0, "c", 2.0, Some(0.0)),
            (8.0, "d", 1.0, Some(0.0)),
            (11.0, "d", 2.0, Some(0.0)),
        ])
    }

    fn rounded(result: &ScalarValue, name: &str) -> Option<f64> {
        number(result, name).map(|value| (value * 1e4).round() / 1e4)
    }

    #[test]
    fn the_example() {
        let tester = AggregateTester::<WildBootstrap>::new();
        let result = tester.aggregate(&[batch()]);
        assert_eq!(rounded(&result, "estimate"), Some(3.0));
        assert_eq!(rounded(&result, "statistic"), Some(2.5981));
        assert_eq!(rounded(&result, "p_value"), Some(0.125));
        assert_eq!(field(&result, "n_draws"), ScalarValue::Int64(Some(16)));
        assert_eq!(field(&result, "enumerated"), ScalarValue::Boolean(Some(true)));
        assert_eq!(word(&result, "term").as_deref(), Some("ATT"));
        let halves: Vec<Vec<ArrayRef>> =
            [(0, 3), (3, 5)].map(|(at, n)| batch().iter().map(|c| c.slice(at, n)).collect()).into();
        tester.check_merges(&halves);
    }

    #[test]
    fn options_arrive() {
        let method = |given: &[(&str, ScalarValue)]| {
            let result = AggregateTester::<WildBootstrap>::with(given).aggregate(&[batch()]);
            word(&result, "method").unwrap()
        };
        assert!(method(&[]).ends_with("null imposed, Rademacher weights, symmetric"));
        for (name, words) in
            [("webb", "Webb's"), ("mammen", "Mammen's"), ("normal", "normal weights")]
        {
            assert!(method(&[("distribution", ScalarValue::from(name))]).contains(words));
        }
        assert!(method(&[("impose_null", ScalarValue::from(false))]).contains("null not imposed"));
        assert!(method(&[("tails", ScalarValue::from("equal"))]).contains("equal-tailed"));
        let given = [("draws", ScalarValue::from(9.0)), ("seed", ScalarValue::from(7.0))];
        let result = AggregateTester::<WildBootstrap>::with(&given).aggregate(&[batch()]);
        assert_eq!(field(&result, "n_draws"), ScalarValue::Int64(Some(9)));
        assert_eq!(field(&result, "enumerated"), ScalarValue::Boolean(Some(false)));
    }

    #[test]
    fn what_cannot_be_is_a_reason() {
        let why = |given: &[(&str, ScalarValue)], batches: &[Vec<ArrayRef>]| {
            let result = AggregateTester::<WildBootstrap>::with(given).aggregate(batches);
            assert_eq!(number(&result, "estimate"), None);
            word(&result, "reason").unwrap()
        };
        assert_eq!(why(&[], &[]), "cannot be calculated because there are no rows");
        let draws = [("draws", ScalarValue::from(2e6))];
        assert!(why(&draws, &[batch()]).contains("draws is 2000000"));
        let draws = [("draws", ScalarValue::from(0.5))];
        assert!(why(&draws, &[batch()]).contains("draws is 0.5 (it must be a whole number"));
        let seed = [("seed", ScalarValue::from(-1.0))];
        assert!(why(&seed, &[batch()]).contains("seed is -1"));
        let one: Vec<ArrayRef> = batch().iter().map(|column| column.slice(2, 6)).collect();
        let result = AggregateTester::<WildBootstrap>::new().aggregate(&[one]);
        assert_eq!((number(&result, "std_error"), number(&result, "p_value")), (None, None));
        assert!(word(&result, "note").unwrap().starts_with("no standard error"));
    }
}
