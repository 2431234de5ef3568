//! `sun_abraham`: effects by cohort and event time, weighted as the areas are.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{EffectAt, Reason, SunAbrahamAggregation, SunAbrahamOptions, sun_abraham};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::effects::{
    ADOPTER, ADOPTER_ARGUMENT, CLUSTER, CLUSTER_ARGUMENT, CONF_LEVEL, CONF_LEVEL_ARGUMENT,
    COVARIATES, COVARIATES_ARGUMENT, FIRST_TREATED, FIRST_TREATED_ARGUMENT, PanelColumns, TIME,
    TIME_ARGUMENT, UNIT, UNIT_ARGUMENT, WEIGHTS, WEIGHTS_ARGUMENT, Y, Y_ARGUMENT, tell,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::Many;
use crate::rows::Rows;

pub(crate) struct SunAbraham;

impl Aggregate for SunAbraham {
    const PARAMETERS: Parameters = Parameters {
        function: "sun_abraham",
        list: &[
            Y,
            UNIT,
            TIME,
            FIRST_TREATED,
            COVARIATES,
            WEIGHTS,
            CLUSTER,
            ADOPTER,
            ("reference", Kind::NumberOption(-1.0)),
            ("aggregation", Kind::Choice(&["event", "att", "cohort", "cohort_event"])),
            CONF_LEVEL,
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
    let parameters = &SunAbraham::PARAMETERS;
    let panel = PanelColumns::of(parameters, rows, options)?;
    let first = panel.numbers(parameters, rows, "first_treated");
    let adopter = panel.flags(parameters, rows, options, "adopter")?;
    let with = SunAbrahamOptions {
        adopter: adopter.as_deref(),
        reference: options.number("reference"),
        aggregation: match options.choice("aggregation") {
            "att" => SunAbrahamAggregation::Att,
            "cohort" => SunAbrahamAggregation::Cohort,
            "cohort_event" => SunAbrahamAggregation::CohortEvent,
            _ => SunAbrahamAggregation::Event,
        },
        conf_level: options.number("conf_level"),
    };
    let mut effects = panel.with(|rows| sun_abraham(rows, &first, &with)).effects;
    effects.iter_mut().for_each(|at| tell(&mut at.effect.note, panel.note.as_ref()));
    Ok(effects)
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "Effects by the period since treatment began where areas are treated from different times \
        on and effects may differ between them: an effect of each cohort at each time, averaged \
        with the shares of the cohorts.\n\
        \n\
        **What it estimates.** For each event time the average effect on the areas that are seen \
        at it, weighted as their rows are; with 'att' the average over all treated rows, with \
        'cohort' that of each cohort, with 'cohort_event' each cohort at each time. Event times \
        before treatment show how far trends were apart.\n\
        \n\
        **Assumptions.** Without treatment all cohorts and the never treated would have moved in \
        parallel; nobody reacts before treatment (as far as the reference period); areas do not \
        touch each other. Effects may differ by cohort and time.\n\
        \n\
        **Formula.** b_ce of y_it = a_i + l_t + x_it'g + Σ_c Σ_(e ≠ reference) b_ce 1(cohort c, t − \
        c = e) + u_it by (weighted) least squares, never treated areas being the controls; then Σ \
        s_ce b_ce with the shares s of rows (Sun and Abraham 2021, section 4.1). Errors by cluster \
        times G/(G − 1) × (N − 1)/(N − K), K counting interactions, covariates and periods; shares \
        are taken as known. Limits and p-values of Student's t with G − 1 degrees of freedom.\n\
        \n\
        **Returns** a list of structs in ascending order: `term` (`ATT(-2)`; `ATT`; `ATT(2004)`; \
        `ATT(2004,2006)` for cohort and time), `cohort`, `time`, `event_time` (0 is the first \
        treated period), `estimate`, `std_error`, `statistic`, `p_value`, `conf_low`, `conf_high`, \
        `n_obs`, `n_units`, `method`, `note`, `reason`. The reference is not among them. `unnest` \
        makes rows of it.\n\
        \n\
        **Nulls and small samples.** Rows in which `y`, `unit` or `time` is NULL are skipped. \
        Treated areas are counted for each effect: with one there is no standard error, with two \
        to nine `note` says that errors are too small. Areas that are always treated are left out, \
        and told. Where nobody is never treated, the last cohort is the control and the periods \
        from its treatment on are left out. A cohort without a row at the reference is compared \
        with its last period before treatment. Where gaps leave a cohort and time without \
        comparison, it has a `reason` and is not averaged. Covariates that the others explain are \
        left out, and told. The order of rows does not matter; `distinct` is refused.\n\
        \n\
        **Deviations.** The numbers are those of `feols(y ~ sunab(cohort, time) | unit + time, \
        cluster = ~unit)` of R's fixest where all cohorts are among the periods. It takes cohorts \
        that are not for never treated, even those before the first period, which are always \
        treated and left out here; where nobody is never treated it drops the interactions that \
        it meets last; and it prints errors for one treated area.\n\
        \n\
        **References.** Sun and Abraham (2021), Journal of Econometrics 225(2).",
        "sun_abraham(y, unit, time, first_treated[, covariates[, weights[, cluster[, adopter[, \
        reference[, aggregation[, conf_level]]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("first_treated", FIRST_TREATED_ARGUMENT)
    .with_argument("covariates", COVARIATES_ARGUMENT)
    .with_argument("weights", WEIGHTS_ARGUMENT)
    .with_argument("cluster", CLUSTER_ARGUMENT)
    .with_argument("adopter", ADOPTER_ARGUMENT)
    .with_argument(
        "reference",
        "The event time that the others are compared with, below 0. Default -1, the last period \
        before treatment.",
    )
    .with_argument(
        "aggregation",
        "What effects are averaged to: 'event' (default), 'att', 'cohort' or 'cohort_event'.",
    )
    .with_argument("conf_level", CONF_LEVEL_ARGUMENT)
    .with_sql_example(
        "```sql
> select effect['term'] as term, round(effect['estimate'], 3) as estimate,
         round(effect['std_error'], 4) as error
  from (select unnest(sun_abraham(column3, column1, column2, column4)) as effect
        from (values ('a', 1, 10.0, 3), ('a', 2, 11.0, 3), ('a', 3, 15.0, 3), ('a', 4, 16.0, 3),
                     ('b', 1, 12.0, 3), ('b', 2, 12.5, 3), ('b', 3, 16.0, 3), ('b', 4, 18.0, 3),
                     ('c', 1, 9.0, 4), ('c', 2, 10.0, 4), ('c', 3, 10.5, 4), ('c', 4, 13.0, 4),
                     ('d', 1, 13.0, 4), ('d', 2, 14.0, 4), ('d', 3, 15.5, 4), ('d', 4, 19.0, 4),
                     ('e', 1, 8.0, null), ('e', 2, 9.0, null), ('e', 3, 9.5, null),
                     ('e', 4, 11.0, null), ('f', 1, 11.0, null), ('f', 2, 11.0, null),
                     ('f', 3, 12.5, null), ('f', 4, 13.0, null)));
+---------+----------+--------+
| term    | estimate | error  |
+---------+----------+--------+
| ATT(-3) | -0.5     | 0.4964 |
| ATT(-2) | -0.125   | 0.2775 |
| ATT(0)  | 2.375    | 0.2775 |
| ATT(1)  | 3.25     | 0.2482 |
+---------+----------+--------+
```",
    )
    .with_related_udf("att_gt")
    .with_related_udf("event_study")
    .with_related_udf("did_imputation")
    .build()
});

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::testing::{AggregateTester, items, number, panel_batch, word};
    use arrow::array::ArrayRef;
    use datafusion_common::ScalarValue;

    /// Six areas over four periods: two treated from 3, two from 4, two never.
    pub(crate) fn batch() -> Vec<ArrayRef> {
        const Y: [f64; 24] = [
            10.0, 11.0, 15.0, 16.0, 12.0, 12.5, 16.0, 18.0, 9.0, 10.0, 10.5, 13.0, 13.0, 14.0,
            15.5, 19.0, 8.0, 9.0, 9.5, 11.0, 11.0, 11.0, 12.5, 13.0,
        ];
        let first = [Some(3.0), Some(3.0), Some(4.0), Some(4.0), None, None];
        let names = ["a", "b", "c", "d", "e", "f"];
        let row = |k: usize| (Y[k], names[k / 4], (k % 4) as f64 + 1.0, first[k / 4]);
        panel_batch(&(0..24).map(row).collect::<Vec<_>>())
    }

    pub(crate) fn rounded(result: &ScalarValue, name: &str) -> Option<f64> {
        number(result, name).map(|value| (value * 1e4).round() / 1e4)
    }

    #[test]
    fn the_example() {
        let tester = AggregateTester::<SunAbraham>::new();
        let found = items(&tester.aggregate(&[batch()]));
        let shown: Vec<(String, Option<f64>, Option<f64>)> = found
            .iter()
            .map(|at| {
                (word(at, "term").unwrap(), rounded(at, "estimate"), rounded(at, "std_error"))
            })
            .collect();
        let expected = [
            ("ATT(-3)", -0.5, 0.4964),
            ("ATT(-2)", -0.125, 0.2775),
            ("ATT(0)", 2.375, 0.2775),
            ("ATT(1)", 3.25, 0.2482),
        ];
        for ((term, estimate, error), expected) in shown.iter().zip(expected) {
            assert_eq!(
                (term.as_str(), *estimate, *error),
                (expected.0, Some(expected.1), Some(expected.2))
            );
        }
        assert_eq!(shown.len(), expected.len());
        let halves: Vec<Vec<ArrayRef>> = [(0, 10), (10, 14)]
            .map(|(at, n)| batch().iter().map(|c| c.slice(at, n)).collect())
            .into();
        tester.check_merges(&halves);
    }

    #[test]
    fn averages_by_name() {
        let of = |name: &str| {
            let given = [("aggregation", ScalarValue::from(name))];
            let result = AggregateTester::<SunAbraham>::with(&given).aggregate(&[batch()]);
            items(&result).iter().map(|at| word(at, "term").unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(of("att"), ["ATT"]);
        assert_eq!(of("cohort"), ["ATT(3)", "ATT(4)"]);
        let cells = ["ATT(4,1)", "ATT(3,1)", "ATT(4,2)", "ATT(3,3)", "ATT(4,4)", "ATT(3,4)"];
        assert_eq!(of("cohort_event"), cells);
    }

    #[test]
    fn what_cannot_be_is_a_reason() {
        let tester = AggregateTester::<SunAbraham>::new();
        let [nothing] = &items(&tester.aggregate(&[]))[..] else { panic!("one item") };
        assert!(word(nothing, "reason").unwrap().contains("there are no rows"));
        let far = [("reference", ScalarValue::from(0.0))];
        let tester = AggregateTester::<SunAbraham>::with(&far);
        let [refused] = &items(&tester.aggregate(&[batch()]))[..] else { panic!("one item") };
        assert!(word(refused, "reason").unwrap().contains("reference is 0"));
    }
}
