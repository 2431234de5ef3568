//! `causal_impact`: what a structural model of the time before says of the time after.

use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{
    CausalImpact as Answer, CausalImpactOptions, ImpactLevel, Reason, causal_impact,
};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::counterfactual::{
    IMPACT_FIELDS, POINT_FIELDS, SERIES_TIME_ARGUMENT, SERIES_TREATED_ARGUMENT, impact_columns,
};
use crate::effects::{
    CONF_LEVEL, CONF_LEVEL_ARGUMENT, COVARIATES, PanelColumns, TIME, TREATED, Y, Y_ARGUMENT, tell,
    whole_number,
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
    let mut answer = series.with(|columns| {
        causal_impact(
            columns.y,
            columns.time,
            &treated,
            &CausalImpactOptions {
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
        Limits are plug-in: the estimated variances and, without `coefficient_errors`, coefficients are \
        taken for the true ones, so that they are too narrow after short times; with fewer than 8 \
        periods on either side `note` warns.\n\
        \n\
        **Deviations.** R's CausalImpact samples the posterior of the model under priors, with \
        spike-and-slab selection of control series; this is its maximum-likelihood counterpart, whose \
        likelihood, forecasts and effects are those of statsmodels' `UnobservedComponents` with \
        `use_exact_diffuse`. All control series are used: choose few.\n\
        \n\
        **References.** Brodersen, Gallusser, Koehler, Remy and Scott (2015), Annals of Applied \
        Statistics 9; Harvey (1989), Forecasting, structural time series models and the Kalman filter; \
        Durbin and Koopman (2012), Time Series Analysis by State Space Methods."
    );
    Documentation::builder(
        EFFECTS,
        description,
        "causal_impact(y, time, treated[, covariates[, conf_level[, level[, seasonal_period[, \
        coefficient_errors]]]]])",
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
        "Whether limits take in the errors of the coefficients of the control series. Default false.",
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
