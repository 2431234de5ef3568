//! `did_imputation`: treated outcomes against what they would have been without treatment.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{
    DidImputationOptions, EffectAt, ImputationAggregation, ImputationErrors, Reason, did_imputation,
};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::effects::{
    ADOPTER, ADOPTER_ARGUMENT, CLUSTER, CLUSTER_ARGUMENT, CONF_LEVEL, CONF_LEVEL_ARGUMENT,
    COVARIATES, COVARIATES_ARGUMENT, FIRST_TREATED, FIRST_TREATED_ARGUMENT, PanelColumns, TIME,
    TIME_ARGUMENT, UNIT, UNIT_ARGUMENT, WEIGHTS, WEIGHTS_ARGUMENT, Y, Y_ARGUMENT, tell,
    whole_number,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::Many;
use crate::rows::Rows;

pub(crate) struct DidImputation;

impl Aggregate for DidImputation {
    const PARAMETERS: Parameters = Parameters {
        function: "did_imputation",
        list: &[
            Y,
            UNIT,
            TIME,
            FIRST_TREATED,
            COVARIATES,
            WEIGHTS,
            CLUSTER,
            ADOPTER,
            ("aggregation", Kind::Choice(&["att", "event", "cohort"])),
            ("pretrends", Kind::NumberOption(0.0)),
            ("errors", Kind::Choice(&["conservative", "leave_out", "two_stage"])),
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
    let parameters = &DidImputation::PARAMETERS;
    let panel = PanelColumns::of(parameters, rows, options)?;
    let first = panel.numbers(parameters, rows, "first_treated");
    let adopter = panel.flags(parameters, rows, options, "adopter")?;
    let with = DidImputationOptions {
        adopter: adopter.as_deref(),
        aggregation: match options.choice("aggregation") {
            "event" => ImputationAggregation::Event,
            "cohort" => ImputationAggregation::Cohort,
            _ => ImputationAggregation::Att,
        },
        errors: match options.choice("errors") {
            "leave_out" => ImputationErrors::LeaveOut,
            "two_stage" => ImputationErrors::TwoStage,
            _ => ImputationErrors::Conservative,
        },
        pretrends: whole_number(options, "pretrends")? as usize,
        conf_level: options.number("conf_level"),
    };
    let mut effects = panel.with(|rows| did_imputation(rows, &first, &with)).effects;
    effects.iter_mut().for_each(|at| tell(&mut at.effect.note, panel.note.as_ref()));
    Ok(effects)
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "Effects on treated areas, each outcome against what it would have been without \
        treatment: effects of areas and periods are fitted to the untreated rows alone and taken \
        from the treated ones.\n\
        \n\
        **What it estimates.** The average effect over all treated rows ('att'), for each period \
        since treatment began ('event'), or for each cohort ('cohort'), rows weighted as `weights` \
        say. Effects may differ in any way.\n\
        \n\
        **Assumptions.** Without treatment, an outcome is an effect of the area, one of the period \
        and the covariates' part; nobody reacts before treatment; areas do not touch each other. \
        All periods before treatment must be parallel: where they are, the estimates are more \
        precise than those of `att_gt` and `sun_abraham`, which lean on the last one.\n\
        \n\
        **Formula.** τ_it = y_it − a_i − l_t − x_it'g of treated rows with a, l, g fitted to \
        untreated ones by (weighted) least squares; the estimate Σ w_it τ_it equals Σ v_it y_it \
        (Borusyak, Jaravel and Spiess 2024, theorem 2 and equation 6). Its error is √ Σ_c (Σ v_it \
        e_it)² over clusters c, e being the residual of untreated rows, and for treated rows, with \
        'conservative', τ less the average of its cohort and period, Σ_c (Σv)(Σvτ) / Σ_c (Σv)² \
        (equations 7 and 8); with 'leave_out' that average without the cluster itself (appendix \
        A.9); with 'two_stage' τ less the estimate (Gardner 2022). Limits and p-values are normal. \
        With `pretrends` = h the untreated rows are also regressed on indicators of 1 to h periods \
        before treatment, with errors by cluster times G/(G − 1) × (N − 1)/(N − K) and Student's t.\n\
        \n\
        **Returns** a list of structs, periods before treatment first, in ascending order: `term` \
        (`ATT`; `ATT(-1)` and `ATT(3)` for event times; `ATT(2004)` for cohorts), `cohort`, `time` \
        (NULL here), `event_time`, `estimate`, `std_error`, `statistic`, `p_value`, `conf_low`, \
        `conf_high`, `n_obs`, `n_units`, `method`, `note`, `reason`. `unnest` makes rows of it.\n\
        \n\
        **Nulls and small samples.** Rows in which `y`, `unit` or `time` is NULL are skipped. \
        Treated rows whose area or period is never seen untreated (or, where there are gaps, not \
        together) cannot be imputed: they are left out, and told. Treated areas are counted for \
        each effect: with one there is no standard error, with two to nine `note` says that errors \
        are too small. A cohort of one cluster adds nothing to 'conservative' errors, as `note` \
        says; with 'leave_out' there is no error then. No estimate, with a `reason`, where no row \
        is treated or none untreated, or where a covariate is explained by the others in untreated \
        rows but not in treated ones. The order of rows does not matter; `distinct` is refused.\n\
        \n\
        **Deviations.** None known from the authors' `did_imputation` in Stata with `autosample \
        minn(0)`. R's didimputation multiplies by the weights twice where there are weights; here \
        it is once, as in Stata. 'two_stage' is `did2s` of R and pyfixest for one indicator of \
        treatment, or one for each event time or cohort. They print errors for one treated area, \
        and here there are none.\n\
        \n\
        **References.** Borusyak, Jaravel and Spiess (2024), Review of Economic Studies 91(6); \
        Gardner (2022), Two-stage differences in differences, arXiv:2207.05943.",
        "did_imputation(y, unit, time, first_treated[, covariates[, weights[, cluster[, adopter[, \
        aggregation[, pretrends[, errors[, conf_level]]]]]]]])",
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
        "aggregation",
        "What effects are averaged to: 'att' (default), 'event' or 'cohort'.",
    )
    .with_argument(
        "pretrends",
        "For how many periods before treatment effects are estimated, to see whether trends were \
        parallel. Default 0.",
    )
    .with_argument(
        "errors",
        "How errors are calculated: 'conservative' (default), 'leave_out' or 'two_stage'.",
    )
    .with_argument("conf_level", CONF_LEVEL_ARGUMENT)
    .with_sql_example(
        "```sql
> select effect['term'] as term, round(effect['estimate'], 3) as estimate,
         round(effect['std_error'], 4) as error
  from (select unnest(did_imputation(column3, column1, column2, column4,
                                     aggregation => 'event', pretrends => 1)) as effect
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
| ATT(-1) | 0.125    | 0.2636 |
| ATT(0)  | 2.458    | 0.2579 |
| ATT(1)  | 3.333    | 0.2329 |
+---------+----------+--------+
```",
    )
    .with_related_udf("att_gt")
    .with_related_udf("sun_abraham")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sun_abraham::tests::{batch, rounded};
    use crate::testing::{AggregateTester, items, word};
    use arrow::array::ArrayRef;
    use datafusion_common::ScalarValue;

    #[test]
    fn the_example() {
        let given =
            [("aggregation", ScalarValue::from("event")), ("pretrends", ScalarValue::from(1.0))];
        let tester = AggregateTester::<DidImputation>::with(&given);
        let found = items(&tester.aggregate(&[batch()]));
        let expected =
            [("ATT(-1)", 0.125, 0.2636), ("ATT(0)", 2.4583, 0.2579), ("ATT(1)", 3.3333, 0.2329)];
        assert_eq!(found.len(), expected.len());
        for (at, (term, estimate, error)) in found.iter().zip(expected) {
            assert_eq!(word(at, "term").as_deref(), Some(term));
            assert_eq!(rounded(at, "estimate"), Some(estimate));
            assert_eq!(rounded(at, "std_error"), Some(error));
        }
        let halves: Vec<Vec<ArrayRef>> = [(0, 10), (10, 14)]
            .map(|(at, n)| batch().iter().map(|c| c.slice(at, n)).collect())
            .into();
        tester.check_merges(&halves);
    }

    #[test]
    fn errors_by_name() {
        let of = |name: &str| {
            let given = [("errors", ScalarValue::from(name))];
            let result = AggregateTester::<DidImputation>::with(&given).aggregate(&[batch()]);
            rounded(&items(&result)[0], "std_error").unwrap()
        };
        let (one, two, three) = (of("conservative"), of("leave_out"), of("two_stage"));
        assert!(one < two && one != three, "{one} {two} {three}");
        assert_eq!(three, 0.2743);
    }

    #[test]
    fn what_cannot_be_is_a_reason() {
        let tester = AggregateTester::<DidImputation>::new();
        let [nothing] = &items(&tester.aggregate(&[]))[..] else { panic!("one item") };
        assert!(word(nothing, "reason").unwrap().contains("there are no rows"));
        let half = [("pretrends", ScalarValue::from(0.5))];
        let tester = AggregateTester::<DidImputation>::with(&half);
        let [refused] = &items(&tester.aggregate(&[batch()]))[..] else { panic!("one item") };
        assert!(word(refused, "reason").unwrap().contains("pretrends is 0.5"));
    }
}
