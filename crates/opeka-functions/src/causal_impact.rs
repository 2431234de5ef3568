//! `causal_impact`: what a structural model of the time before says of the time after.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{
    CausalImpact as Answer, CausalImpactOptions, ImpactEstimator, ImpactLevel, ImpactPosterior,
    Reason, causal_impact,
};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::counterfactual::{
    IMPACT_FIELDS, POINT_FIELDS, SERIES_TIME_ARGUMENT, SERIES_TREATED_ARGUMENT, impact_columns,
};
use crate::effects::{
    CONF_LEVEL, CONF_LEVEL_ARGUMENT, COVARIATES, PanelColumns, SEED, SEED_ARGUMENT, TIME, TREATED,
    Y, Y_ARGUMENT, draws_of, tell, whole_number,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Row};
use crate::rows::Rows;

pub(crate) struct CausalImpact;

impl Aggregate for CausalImpact {
    const PARAMETERS: Parameters = Parameters {
        function: "causal_impact",
        list: &[
            Y,
            TIME,
            TREATED,
            COVARIATES,
            CONF_LEVEL,
            ("level", Kind::Choice(&["local_level", "local_linear_trend", "static"])),
            ("seasonal_period", Kind::NumberOrNone),
            ("coefficient_errors", Kind::Flag(false)),
            ("estimator", Kind::Choice(&["likelihood", "posterior"])),
            ("draws", Kind::NumberOption(1000.0)),
            SEED,
            ("prior_level_sd", Kind::NumberOption(0.01)),
            ("expected_model_size", Kind::NumberOption(3.0)),
        ],
    };
    type Result = Answer;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        calculate(rows, options).unwrap_or_else(Answer::unknown)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn calculate(rows: &Rows, options: &Options) -> Result<Answer, Reason> {
    let parameters = &CausalImpact::PARAMETERS;
    let series = PanelColumns::of(parameters, rows, options)?;
    let treated = series.numbers(parameters, rows, "treated");
    let seasonal_period = match options.number_or_none("seasonal_period") {
        Some(_) => Some(whole_number(options, "seasonal_period")? as usize),
        None => None,
    };
    let estimator = match options.choice("estimator") {
        "posterior" => ImpactEstimator::Posterior(ImpactPosterior {
            draws: draws_of(options)?,
            seed: whole_number(options, "seed")?,
            prior_level_sd: options.number("prior_level_sd"),
            expected_model_size: options.number("expected_model_size"),
        }),
        _ => ImpactEstimator::Likelihood,
    };
    let mut answer = series.with(|columns| {
        causal_impact(
            columns.y,
            columns.time,
            &treated,
            &CausalImpactOptions {
                estimator,
                level: match options.choice("level") {
                    "local_linear_trend" => ImpactLevel::LocalLinearTrend,
                    "static" => ImpactLevel::Static,
                    _ => ImpactLevel::LocalLevel,
                },
                seasonal_period,
                covariates: columns.covariates,
                coefficient_errors: options.flag("coefficient_errors"),
                conf_level: options.number("conf_level"),
                ..CausalImpactOptions::default()
            },
        )
    });
    tell(&mut answer.average.note, series.note.as_ref());
    Ok(answer)
}

impl Row for Answer {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = impact_columns!(Answer; [
        ("tail_area", Column::Number(|r| r.tail_area)),
        ("n_before", Column::Count(|r| r.n_before)),
        ("irregular_variance", Column::Number(|r| r.irregular_variance)),
        ("level_variance", Column::Number(|r| r.level_variance)),
        ("slope_variance", Column::Number(|r| r.slope_variance)),
        ("seasonal_variance", Column::Number(|r| r.seasonal_variance)),
        ("log_likelihood", Column::Number(|r| r.log_likelihood)),
    ]);

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    let description = format!(
        "What became of a series after something was done, less what a structural time-series model \
        of the time before, with control series, forecast for it.\n\
        \n\
        **What it estimates.** The effect in each period since the intervention, the average, the sum, \
        and the sum as a share of the forecast.\n\
        \n\
        **Assumptions.** The model of the time before would have held on; the control series go with \
        the outcome as they did before and were not touched by the intervention; nothing else changed.\n\
        \n\
        **Formula.** y = level + season + x'b + noise, the level drifting (Brodersen et al. 2015, \
        equations 2.1 to 2.5, with coefficients that do not change), fitted to the time before by \
        maximum likelihood: Kalman filter with an exact diffuse start (Durbin and Koopman 2012, chapter \
        5), b by generalised least squares, variances by a search in which each may be exactly zero. \
        Limits are forecast -/+ z times its standard error; those of sums take in the covariance of the \
        forecasts.\n\
        \n\
        With `estimator => 'posterior'` the model (a level, drifting or not, without season) is sampled \
        instead, under the priors of R's CausalImpact and bsts: standardised over the time before, the \
        drift about `prior_level_sd`, noise of a regression that explains 0.8 of the variance, b under \
        spike and slab with `expected_model_size` of the control series thought to matter (Brodersen et \
        al. 2015, sections 2.2 and 2.3; Scott and Varian 2014; George and McCulloch 1997; the level by \
        Carter and Kohn 1994). The forecast is the posterior mean, limits are quantiles of the draws, \
        `std_error` is their standard deviation, variances are posterior means; `note` tells how often \
        each control series was in the model.\n\
        \n\
        **Returns** a struct. {IMPACT_FIELDS} `tail_area`, the probability of a sum at least as far out \
        on this side had there been no effect; `n_before`; `irregular_variance`, `level_variance`, \
        `slope_variance`, `seasonal_variance` (per period); `log_likelihood`; {POINT_FIELDS} Before the \
        intervention the counterfactual is the forecast from the periods before.\n\
        \n\
        **Nulls and small samples.** Rows in which `y` or `time` is NULL are skipped, and a period that \
        is not there is a missing observation; rows in which `treated` or a covariate is NULL are left \
        out, and told. A reason stands where fewer than two periods more than the model has states and \
        covariates lie before, none after, periods that are no multiples of a step, covariates that \
        cannot be told apart, or an outcome that is constant before or follows its model exactly. \
        A posterior takes 3 periods before, whatever control series there are, as long as none is \
        constant. Limits of the likelihood are plug-in: the estimated variances and, without `coefficient_errors`, coefficients are \
        taken for the true ones, so that they are too narrow after short times; with fewer than 8 \
        periods on either side `note` warns.\n\
        \n\
        **Deviations.** Maximum likelihood is the counterpart of R's CausalImpact whose likelihood, \
        forecasts and effects are those of statsmodels' `UnobservedComponents` with \
        `use_exact_diffuse`; it uses all control series: choose few. The posterior has R's priors; \
        its draws are its own, there is no intercept among the control series, and their prior rests on \
        the time before alone. bsts-causalimpact 1.7.0 agrees with \
        one control series; where it selects, its Bayes factor lacks a factor, so that it leaves control \
        series out too often.\n\
        \n\
        **References.** Brodersen, Gallusser, Koehler, Remy and Scott (2015), Annals of Applied \
        Statistics 9; Harvey (1989), Forecasting, structural time series models and the Kalman filter; \
        Durbin and Koopman (2012), Time Series Analysis by State Space Methods; Scott and Varian (2014), \
        International Journal of Mathematical Modelling and Numerical Optimisation 5; George and \
        McCulloch (1997), Statistica Sinica 7; Carter and Kohn (1994), Biometrika 81."
    );
    Documentation::builder(
        EFFECTS,
        description,
        "causal_impact(y, time, treated[, covariates[, conf_level[, level[, seasonal_period[, \
        coefficient_errors[, estimator[, draws[, seed[, prior_level_sd[, expected_model_size]]]]]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("time", SERIES_TIME_ARGUMENT)
    .with_argument("treated", SERIES_TREATED_ARGUMENT)
    .with_argument(
        "covariates",
        "Control series: a number or a list of numbers for each row, such as `[south, west]`. Rows in \
        which one is NULL are left out, and told. Default: none.",
    )
    .with_argument("conf_level", CONF_LEVEL_ARGUMENT)
    .with_argument(
        "level",
        "How the level moves: 'local_level' (it drifts), 'local_linear_trend' (so does its slope) or \
        'static' (a regression). Default 'local_level'.",
    )
    .with_argument("seasonal_period", "Periods in a season, 2 to 12. Default: no season.")
    .with_argument(
        "coefficient_errors",
        "Whether limits take in the errors of the coefficients of the control series; a posterior \
        always does. Default false.",
    )
    .with_argument(
        "estimator",
        "'likelihood' (maximum likelihood, plug-in limits) or 'posterior' (draws of a Gibbs sampler, as R's \
        CausalImpact). Default 'likelihood'.",
    )
    .with_argument("draws", "Of a posterior: how many are kept, 100 or more. Default 1000.")
    .with_argument("seed", SEED_ARGUMENT)
    .with_argument(
        "prior_level_sd",
        "Of a posterior: the prior guess of how far the level drifts in a period, in standard deviations \
        of the outcome before; 1 at most. Limits grow with it. Default 0.01.",
    )
    .with_argument(
        "expected_model_size",
        "Of a posterior: how many of the control series are thought to matter; all are used where there \
        are no more. Default 3.",
    )
    .with_sql_example(
        "```sql
> select round(est['estimate'], 2) as average, round(est['conf_low'], 2) as low,
         round(est['conf_high'], 2) as high, round(est['cumulative'], 2) as cumulative
  from (select causal_impact(column2, column1, column1 >= 2011, column3) as est
        from (values (2001, 50.2, 20.3), (2002, 49.1, 19.8), (2003, 51.7, 21.2), (2004, 50.2, 20.1),
                     (2005, 52.9, 21.6), (2006, 52.3, 21.4), (2007, 51.6, 20.9), (2008, 50.1, 20.2),
                     (2009, 52.4, 21.5), (2010, 51.0, 20.6), (2011, 46.1, 20.4), (2012, 45.9, 20.1),
                     (2013, 47.2, 20.9), (2014, 46.6, 20.5)));
+---------+-------+------+------------+
| average | low   | high | cumulative |
+---------+-------+------+------------+
| -4.23   | -4.56 | -3.9 | -16.91     |
+---------+-------+------+------------+
```",
    )
    .with_related_udf("its")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, items, number, word};
    use arrow::array::{Array, ArrayRef, Float64Array, ListArray};
    use arrow::datatypes::Float64Type;
    use datafusion_common::ScalarValue;
    use std::sync::Arc;

    const OUTCOME: [f64; 14] =
        [50.2, 49.1, 51.7, 50.2, 52.9, 52.3, 51.6, 50.1, 52.4, 51.0, 46.1, 45.9, 47.2, 46.6];
    const CONTROL: [f64; 14] =
        [20.3, 19.8, 21.2, 20.1, 21.6, 21.4, 20.9, 20.2, 21.5, 20.6, 20.4, 20.1, 20.9, 20.5];

    fn batch() -> Vec<ArrayRef> {
        let time: Float64Array = (0..14).map(|t| Some(2001.0 + f64::from(t))).collect();
        let treated: Float64Array = (0..14).map(|t| Some(if t < 10 { 0.0 } else { 1.0 })).collect();
        let lists = CONTROL.iter().map(|x| Some(vec![Some(*x)]));
        let control = ListArray::from_iter_primitive::<Float64Type, _, _>(lists);
        let outcome = Float64Array::from(OUTCOME.to_vec());
        vec![Arc::new(outcome), Arc::new(time), Arc::new(treated), Arc::new(control)]
    }

    #[test]
    fn the_example_of_the_documentation() {
        let result = AggregateTester::<CausalImpact>::new().aggregate(&[batch()]);
        let round = |name: &str| (100.0 * number(&result, name).unwrap()).round() / 100.0;
        let figures = ["estimate", "conf_low", "conf_high", "cumulative"].map(round);
        assert_eq!(figures, [-4.23, -4.56, -3.9, -16.91]);
        assert!(word(&result, "method").unwrap().contains("1 control series"));
        let points = items(&field(&result, "points"));
        assert_eq!(points.len(), 14);
        assert!(number(&points[13], "cumulative_low").is_some());
    }

    #[test]
    fn options_arrive() {
        let with = |given: &[(&str, ScalarValue)]| {
            AggregateTester::<CausalImpact>::with(given).aggregate(&[batch()])
        };
        let trend = with(&[("level", ScalarValue::from("local_linear_trend"))]);
        assert!(number(&trend, "slope_variance").is_some());
        let season = with(&[("seasonal_period", ScalarValue::from(2.5))]);
        assert!(word(&season, "reason").unwrap().contains("seasonal_period is 2.5"));
        let plain = with(&[]);
        let wide = with(&[("coefficient_errors", ScalarValue::from(true))]);
        assert!(number(&wide, "std_error").unwrap() > number(&plain, "std_error").unwrap());
    }

    #[test]
    fn a_posterior_is_drawn() {
        let with = |given: &[(&str, ScalarValue)]| {
            let estimator = ("estimator", ScalarValue::from("posterior"));
            let given: Vec<_> = std::iter::once(estimator).chain(given.iter().cloned()).collect();
            AggregateTester::<CausalImpact>::with(&given).aggregate(&[batch()])
        };
        let plain = with(&[]);
        let estimate = number(&plain, "estimate").unwrap();
        assert!((-5.0..-3.5).contains(&estimate), "{estimate}");
        assert!(word(&plain, "method").unwrap().contains("1000 draws of the posterior"));
        assert!(word(&plain, "note").unwrap().contains("in 100 % of draws"));
        assert_eq!(number(&plain, "log_likelihood"), None);
        assert_eq!(number(&with(&[]), "estimate"), Some(estimate));
        let other = with(&[("seed", ScalarValue::from(2.0))]);
        assert_ne!(number(&other, "estimate"), Some(estimate));
        let wide = with(&[("prior_level_sd", ScalarValue::from(0.5))]);
        assert!(number(&wide, "std_error").unwrap() > number(&plain, "std_error").unwrap());
        let few = with(&[("draws", ScalarValue::from(20.0))]);
        assert!(word(&few, "reason").unwrap().contains("draws is 20"));
        let none = with(&[("expected_model_size", ScalarValue::from(0.0))]);
        assert!(word(&none, "reason").unwrap().contains("expected_model_size is 0"));
        let season = with(&[("seasonal_period", ScalarValue::from(4.0))]);
        assert!(word(&season, "reason").unwrap().contains("season is not sampled"));
    }

    #[test]
    fn batches_merge_and_nothing_has_a_reason() {
        let columns = batch();
        let rows: Vec<Vec<ArrayRef>> = (0..2)
            .map(|part| columns.iter().map(|column| column.slice(7 * part, 7)).collect())
            .collect();
        AggregateTester::<CausalImpact>::new().check_merges(&rows);
        let empty = AggregateTester::<CausalImpact>::new().aggregate(&[]);
        assert!(word(&empty, "reason").unwrap().contains("there are no rows"));
    }
}
