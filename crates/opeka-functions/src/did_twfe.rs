//! `did_twfe`: one coefficient for treatment, next to unit and time effects.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{Errors, Reason, TwfeInference, TwfeOptions, did_twfe};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::effects::{
    CLUSTER, CLUSTER_ARGUMENT, CONF_LEVEL, CONF_LEVEL_ARGUMENT, COVARIATES, COVARIATES_ARGUMENT,
    DRAWS, PanelColumns, SEED, SEED_ARGUMENT, TIME, TIME_ARGUMENT, TREATED, TREATED_ARGUMENT, UNIT,
    UNIT_ARGUMENT, WEIGHTS, WEIGHTS_ARGUMENT, Y, Y_ARGUMENT, draws_of, effect_columns, tell,
    whole_number,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Row};
use crate::rows::Rows;

/// How errors of regressions with unit and time effects are calculated; the first is the default.
pub(crate) const ERRORS: (&str, Kind) = (
    "errors",
    Kind::Choice(&[
        "cluster",
        "cr0",
        "cr1",
        "cr2",
        "cr3",
        "two_way",
        "driscoll_kraay",
        "hc1",
        "iid",
    ]),
);

pub(crate) const ERRORS_ARGUMENT: &str = "How errors are calculated: 'cluster' (default), 'cr0', \
    'cr1', 'cr2', 'cr3', 'two_way', 'driscoll_kraay', 'hc1' or 'iid'.";

/// The errors of a name of [`ERRORS`].
pub(crate) fn errors_of(options: &Options) -> Errors {
    match options.choice("errors") {
        "cr0" => Errors::Cr0,
        "cr1" => Errors::Cr1,
        "cr2" => Errors::Cr2,
        "cr3" => Errors::Cr3,
        "two_way" => Errors::TwoWay,
        "driscoll_kraay" => Errors::DriscollKraay,
        "hc1" => Errors::Hc1,
        "iid" => Errors::Iid,
        _ => Errors::Cluster,
    }
}

const INFERENCE: (&str, Kind) =
    ("inference", Kind::Choice(&["by_treated_units", "errors", "randomisation"]));

const POPULATION: (&str, Kind) = ("population", Kind::NumberOrNothing);

pub(crate) struct DidTwfe;

impl Aggregate for DidTwfe {
    const PARAMETERS: Parameters = Parameters {
        function: "did_twfe",
        list: &[
            Y, UNIT, TIME, TREATED, COVARIATES, WEIGHTS, CLUSTER, ERRORS, CONF_LEVEL, INFERENCE,
            POPULATION, DRAWS, SEED,
        ],
    };
    type Result = opeka_stats::Twfe;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        estimate(rows, options).unwrap_or_else(opeka_stats::Twfe::unknown)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn estimate(rows: &Rows, options: &Options) -> Result<opeka_stats::Twfe, Reason> {
    let parameters = &DidTwfe::PARAMETERS;
    let panel = PanelColumns::of(parameters, rows, options)?;
    let treated = panel.numbers(parameters, rows, "treated");
    let population = panel.given(parameters, rows, options, "population")?;
    let with = TwfeOptions {
        errors: errors_of(options),
        inference: match options.choice("inference") {
            "errors" => TwfeInference::Errors,
            "randomisation" => TwfeInference::Randomisation,
            _ => TwfeInference::ByTreatedUnits,
        },
        population: population.as_deref(),
        draws: draws_of(options)?,
        seed: whole_number(options, "seed")?,
        conf_level: options.number("conf_level"),
        ..TwfeOptions::default()
    };
    let mut result = panel.with(|rows| did_twfe(rows, &treated, &with));
    tell(&mut result.effect.note, panel.note.as_ref());
    Ok(result)
}

impl Row for opeka_stats::Twfe {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = effect_columns!(Self, r => r.effect; []; [
        ("df", Column::Number(|r| r.df)),
        ("n_treated", Column::Count(|r| r.n_treated)),
        ("n_clusters", Column::Count(|r| r.n_clusters)),
        ("within_r_squared", Column::Number(|r| r.within_r_squared)),
    ]);

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "The effect of a programme as the coefficient of a treatment that is switched on in some \
        areas and periods, next to an effect of each area and of each period: two-way fixed \
        effects. With two periods and one group that is treated in the second it is the \
        difference of differences.\n\
        \n\
        **What it estimates.** The average effect on treated rows, where effects are the same for \
        all areas and periods. Treatment may end. Where it begins at different times and effects \
        differ, the coefficient is a weighted mean of effects whose weights may be negative.\n\
        \n\
        **Assumptions.** Without treatment, treated and other areas would have moved in parallel; \
        nobody reacts before treatment; areas do not touch each other. One effect for all.\n\
        \n\
        **Formula.** b of y_it = a_i + c_t + b D_it + x_it'g + e_it by (weighted) least squares; a \
        and c are taken out exactly, without iteration. With G clusters, N rows and K \
        coefficients: 'cr0' is Liang and Zeger's sandwich; 'cr1' multiplies its variance by G/(G − \
        1); 'cluster' also by (N − 1)/(N − K), where K leaves out effects that are nested in the \
        clusters; 'cr2' makes up for the leverage of clusters, with Satterthwaite's degrees of \
        freedom (Pustejovsky and Tipton 2018, equations 9 to 15); 'cr3' is the jackknife over \
        clusters; 'two_way' clusters by area and by period; 'driscoll_kraay' by period, with \
        neighbours up to the fourth root of their number; 'hc1' and 'iid' take rows as \
        independent. Limits and p-value are of Student's t, with G − 1 degrees of freedom unless \
        said otherwise.\n\
        \n\
        **Returns** a struct: `term` (`ATT`), `estimate`, `std_error`, `statistic`, `p_value`, \
        `conf_low`, `conf_high`, `n_obs`, `n_units`, `method`, `note`, `reason`, `df` (of t), \
        `n_treated` (areas whose treatment changes), `n_clusters`, `within_r_squared` (the share \
        of the variance within areas and periods that is explained).\n\
        \n\
        **Nulls and small samples.** Rows in which `y`, `unit` or `time` is NULL are skipped; an \
        area of which `treated` is not known in some row is left out, and told. With one area \
        whose treatment changes, or one to compare with, there is no standard error and `note` \
        says so; with two to nine of either `note` says that errors are too small. In both cases \
        randomisation inference leads: `p_value`, `conf_low` and `conf_high` are those of \
        `permutation_test`, with one treated area the p-value is its rank among all. With \
        `inference => 'errors'` they are of Student's t, where there is an error. The same holds for clusters where they are fewer. \
        There is no estimate, with a `reason`, where the outcome is constant or where areas and \
        periods explain the treatment. Covariates that the columns before them explain are left \
        out, and told. The order of rows does not matter; `distinct` is refused.\n\
        \n\
        **Deviations.** None known from `feols(y ~ D + x | unit + time, cluster = ~cluster)` of R's \
        fixest ('cluster', 'hc1', 'iid', 'two_way', 'driscoll_kraay'), whose numbers these are, \
        nor from clubSandwich ('cr0' to 'cr3'), except that clubSandwich takes 'cr3' with \
        Satterthwaite's degrees of freedom and here they are G − 1. With one treated area those \
        packages print an error and here there is none.\n\
        \n\
        **References.** Angrist and Pischke (2009), Mostly Harmless Econometrics, section 5.2; \
        Liang and Zeger (1986), Biometrika 73(1); Bell and McCaffrey (2002), Survey Methodology \
        28(2); Pustejovsky and Tipton (2018), JBES 36(4); Driscoll and Kraay (1998), REStat 80(4); \
        de Chaisemartin and D'Haultfœuille (2020), AER 110(9); Goodman-Bacon (2021), Journal of \
        Econometrics 225(2).",
        "did_twfe(y, unit, time, treated[, covariates[, weights[, cluster[, errors[, \
        conf_level[, inference[, population[, draws[, seed]]]]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("treated", TREATED_ARGUMENT)
    .with_argument("covariates", COVARIATES_ARGUMENT)
    .with_argument("weights", WEIGHTS_ARGUMENT)
    .with_argument("cluster", CLUSTER_ARGUMENT)
    .with_argument("errors", ERRORS_ARGUMENT)
    .with_argument("conf_level", CONF_LEVEL_ARGUMENT)
    .with_argument(
        "inference",
        "Where p-value and limits come from: 'by_treated_units' (default: randomisation with fewer \
        than ten treated areas or areas to compare with, errors elsewhere), 'errors' or \
        'randomisation'.",
    )
    .with_argument(
        "population",
        "Of randomisation inference: how many people the outcome of a row is a mean of, for areas of \
        unequal size (Ferman and Pinto 2019). Default: none.",
    )
    .with_argument("draws", "Of randomisation inference, where there are more than 50,000 assignments. Default 999.")
    .with_argument("seed", SEED_ARGUMENT)
    .with_sql_example(
        "```sql
> select round(est['estimate'], 2) as effect,
         round(est['std_error'], 4) as error,
         round(est['p_value'], 4) as p,
         est['n_treated'] as treated
  from (select did_twfe(column3, column1, column2, column4) as est
        from (values ('a', 1, 10.0, 0), ('a', 2, 16.0, 1), ('b', 1, 12.0, 0), ('b', 2, 16.0, 1),
                     ('c', 1, 9.0, 0), ('c', 2, 10.0, 0), ('d', 1, 8.0, 0), ('d', 2, 11.0, 0)));
+--------+--------+--------+---------+
| effect | error  | p      | treated |
+--------+--------+--------+---------+
| 3.0    | 1.3663 | 0.3333 | 2       |
+--------+--------+--------+---------+
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
        number(result, name).map(|value| (value * 1e3).round() / 1e3)
    }

    #[test]
    fn the_example() {
        let tester = AggregateTester::<DidTwfe>::new();
        let result = tester.aggregate(&[batch()]);
        assert_eq!(rounded(&result, "estimate"), Some(3.0));
        assert_eq!(rounded(&result, "std_error"), Some(1.366));
        assert_eq!(rounded(&result, "p_value"), Some(0.333));
        assert_eq!(field(&result, "n_treated"), ScalarValue::Int64(Some(2)));
        assert_eq!(word(&result, "term").as_deref(), Some("ATT"));
        let halves: Vec<Vec<ArrayRef>> =
            [(0, 3), (3, 5)].map(|(at, n)| batch().iter().map(|c| c.slice(at, n)).collect()).into();
        tester.check_merges(&halves);
    }

    #[test]
    fn errors_by_name() {
        let of = |name: &str| {
            let result = AggregateTester::<DidTwfe>::with(&[("errors", ScalarValue::from(name))])
                .aggregate(&[batch()]);
            (rounded(&result, "std_error"), rounded(&result, "df"))
        };
        assert_eq!(of("cr0"), (Some(1.0), Some(3.0)));
        assert_eq!(of("cr1"), (Some(1.155), Some(3.0)));
        assert_eq!(of("cr2"), (Some(1.414), Some(2.0)));
        assert_eq!(of("cr3"), (Some(2.0), Some(3.0)));
        assert_eq!(of("iid"), (Some(1.414), Some(2.0)));
        let Kind::Choice(names) = ERRORS.1 else { panic!("not a choice") };
        // Each name is another kind.
        let kinds: Vec<Errors> = names
            .iter()
            .map(|name| {
                let given = [("errors", ScalarValue::from(*name))];
                errors_of(&DidTwfe::PARAMETERS.options_of(&given).unwrap())
            })
            .collect();
        for (place, kind) in kinds.iter().enumerate() {
            assert!(!kinds[..place].contains(kind), "{}", names[place]);
        }
    }

    #[test]
    fn what_cannot_be_is_a_reason() {
        let nothing = AggregateTester::<DidTwfe>::new().aggregate(&[]);
        let reason = word(&nothing, "reason").unwrap();
        assert_eq!(reason, "cannot be calculated because there are no rows");
        let one: Vec<ArrayRef> = batch().iter().map(|column| column.slice(2, 6)).collect();
        let result = AggregateTester::<DidTwfe>::new().aggregate(&[one]);
        assert_eq!(number(&result, "std_error"), None);
        assert!(word(&result, "note").unwrap().starts_with("no standard error"));
    }
}
