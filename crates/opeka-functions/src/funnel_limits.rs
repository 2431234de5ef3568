//! `funnel_limits`: which areas differ from the benchmark by more than chance.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{
    FunnelArea, FunnelMethod, FunnelOptions, FunnelStatistic, Polarity, Reason, funnel_limits,
};

use crate::CHARTS;
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Row, text};
use crate::rows::Rows;
use crate::window::Window;
use crate::xmr::POLARITY_ARGUMENT;

pub(crate) struct FunnelLimits;

impl Window for FunnelLimits {
    const PARAMETERS: Parameters = Parameters {
        function: "funnel_limits",
        list: &[
            ("events", Kind::Number),
            ("denominator", Kind::Number),
            ("statistic", Kind::Choice(&FunnelStatistic::NAMES)),
            ("multiplier", Kind::NumberOrNone),
            ("method", Kind::Choice(&FunnelMethod::NAMES)),
            ("polarity", Kind::Choice(&Polarity::NAMES)),
        ],
    };
    type Result = FunnelArea;

    fn calculate(rows: &Rows, options: &Options) -> Vec<Self::Result> {
        let given = |column| rows.numbers(column).iter().copied().map(Some).collect::<Vec<_>>();
        let options = FunnelOptions {
            statistic: FunnelStatistic::named(options.choice("statistic")).unwrap_or_default(),
            multiplier: options.number_or_none("multiplier"),
            method: FunnelMethod::named(options.choice("method")).unwrap_or_default(),
            polarity: Polarity::named(options.choice("polarity")).unwrap_or_default(),
        };
        funnel_limits(&given(0), &given(1), options)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

impl Row for FunnelArea {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("estimate", Column::Number(|a| a.estimate)),
        ("benchmark", Column::Number(|a| a.benchmark)),
        ("conf_low", Column::Number(|a| a.conf_low)),
        ("conf_high", Column::Number(|a| a.conf_high)),
        ("conf_low_998", Column::Number(|a| a.conf_low_998)),
        ("conf_high_998", Column::Number(|a| a.conf_high_998)),
        ("category", Column::Text(|a| a.category.map(Cow::from))),
        ("comparison", Column::Text(|a| a.comparison.map(Cow::from))),
        ("z", Column::Number(|a| a.z)),
        ("phi", Column::Number(|a| a.phi)),
        ("tau_squared", Column::Number(|a| a.tau_squared)),
        ("n_obs", Column::Count(|a| a.n_obs)),
        ("method", Column::Text(|a| a.method.map(Cow::from))),
        ("reason", Column::Text(|a| text(a.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason, 0)
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        CHARTS,
        "Where each area lies in the funnel of its partition: its figure, the benchmark, and the \
        limits within which areas of its size lie if they do not differ from the benchmark.\n\
        \n\
        **What it estimates.** The benchmark is the figure of all areas together (1 for ratios). \
        Limits leave out 0.025 and 0.001 on each side. `wilson` is the method of the English \
        public health indicators: Wilson's score for proportions, the Poisson distribution for \
        rates and ratios, whose category is told by the limits of the area's own count (Byar's \
        from 10 events on), so that it may disagree with the limits in the third digit. `exact` \
        takes quantiles of the binomial or Poisson distribution. `over_dispersion` widens the \
        limits to √(s² + τ²) by the variance τ² between areas that chance does not explain, with a \
        tenth trimmed at each end: proportions by arcsine, rates and ratios by logarithm; \
        `over_dispersion_cqc` takes rates and ratios by square root.\n\
        \n\
        **Returns** a struct for each row: `estimate`, `benchmark`, `conf_low`, `conf_high` (95 \
        %), `conf_low_998`, `conf_high_998` (99.8 %; double, in the unit of `multiplier`), \
        `category` (`Low (0.001)`, `Low (0.025)`, `Not significant`, `High (0.025)` or `High \
        (0.001)`), `comparison` (`better`, `worse`, `similar`; `higher` or `lower` where no way is \
        better), `z`, `phi`, `tau_squared` (double), `n_obs` (bigint, the areas that count), \
        `method` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** An area in which `events` or `denominator` is NULL, or both \
        are 0, is not counted, and its `reason` says so. Where an area cannot be right (negative \
        or not finite, events without a denominator, a proportion above 1), no area of the \
        partition has figures. It takes two areas (a ratio, one) and some events. A `dsr` takes 10 \
        events; exact limits of proportions take whole denominators; logarithms take events in \
        every area. The partition must hold areas of one level, without their totals.\n\
        \n\
        A window function: `funnel_limits(placed, children) over (partition by time_period)`. An \
        order or a frame of the window changes nothing.\n\
        \n\
        **References.** Spiegelhalter (2005), Statistics in Medicine 24; Spiegelhalter and others \
        (2012), JRSS A 175; R packages PHEindicatormethods and FunnelPlotR.",
        "funnel_limits(events, denominator[, statistic[, multiplier[, method[, polarity]]]])",
    )
    .with_argument("events", "How many events there were in the area.")
    .with_argument(
        "denominator",
        "Among how many, or how many were expected (`ratio`). For a `dsr`, the population for \
        which the rate stands: events / rate * multiplier.",
    )
    .with_argument(
        "statistic",
        "`proportion`, `rate`, `dsr` (a directly standardised rate), `ratio` (observed to \
        expected) or `ratio_count` (the same less 1). Default `proportion`.",
    )
    .with_argument(
        "multiplier",
        "The figures are per so many. Default 100, and 1 for `ratio_count`.",
    )
    .with_argument(
        "method",
        "`wilson`, `exact`, `over_dispersion` or `over_dispersion_cqc`. Default `wilson`.",
    )
    .with_argument("polarity", POLARITY_ARGUMENT)
    .with_sql_example(
        "```sql
> select area, round(est['estimate'], 1) as share, round(est['conf_low'], 1) as low,
         round(est['conf_high'], 1) as high, est['category'] as category
  from (select column1 as area, funnel_limits(column2, column3) over () as est
        from (values ('east', 30, 100), ('north', 10, 100), ('south', 20, 100), ('west', 40, 100)))
  order by area;
+-------+-------+------+------+-----------------+
| area  | share | low  | high | category        |
+-------+-------+------+------+-----------------+
| east  | 30.0  | 16.5 | 33.5 | Not significant |
| north | 10.0  | 16.5 | 33.5 | Low (0.001)     |
| south | 20.0  | 16.5 | 33.5 | Not significant |
| west  | 40.0  | 16.5 | 33.5 | High (0.001)    |
+-------+-------+------+------+-----------------+
```",
    )
    .with_related_udf("xmr")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{float_batch, numbers, over, texts};
    use arrow::array::ArrayRef;
    use datafusion_common::ScalarValue;

    fn areas() -> Vec<ArrayRef> {
        let events = [30.0, 10.0, 20.0, 40.0].map(Some);
        float_batch(&[&events, &[Some(100.0); 4]])
    }

    #[test]
    fn the_example_of_the_documentation() {
        let rows = over::<FunnelLimits>(&areas(), &[]);
        assert_eq!(numbers(&rows, "estimate"), [30.0, 10.0, 20.0, 40.0].map(Some));
        let round = |name| numbers(&rows, name)[0].map(|x| (x * 10.0).round() / 10.0);
        assert_eq!((round("conf_low"), round("conf_high")), (Some(16.5), Some(33.5)));
        let categories: Vec<String> = texts(&rows, "category").into_iter().flatten().collect();
        let expected = ["Not significant", "Low (0.001)", "Not significant", "High (0.001)"];
        assert_eq!(categories, expected);
    }

    #[test]
    fn options_reach_the_method() {
        let given = [
            ("statistic", ScalarValue::from("rate")),
            ("multiplier", ScalarValue::from(1000.0)),
            ("method", ScalarValue::from("over_dispersion_cqc")),
            ("polarity", ScalarValue::from("low is good")),
        ];
        let rows = over::<FunnelLimits>(&areas(), &given);
        assert_eq!(numbers(&rows, "benchmark"), [Some(250.0); 4]);
        let method = texts(&rows, "method")[0].clone();
        assert_eq!(method.as_deref(), Some("over-dispersion (square root, winsorised)"));
        assert!(numbers(&rows, "phi")[0] > Some(1.0));
        let plain = [("polarity", ScalarValue::from("low is good"))];
        let comparison = texts(&over::<FunnelLimits>(&areas(), &plain), "comparison");
        let words = ["similar", "better", "similar", "worse"].map(|word| Some(word.to_owned()));
        assert_eq!(comparison, words);
    }

    #[test]
    fn rows_without_figures_say_why() {
        let events = [Some(3.0), None, Some(0.0), Some(5.0)];
        let denominator = [Some(10.0), Some(10.0), Some(0.0), Some(10.0)];
        let rows = over::<FunnelLimits>(&float_batch(&[&events, &denominator]), &[]);
        assert_eq!(numbers(&rows, "benchmark"), [Some(40.0), None, None, Some(40.0)]);
        let reasons = texts(&rows, "reason");
        assert!(reasons[1].as_deref().unwrap().contains("events is missing"));
        assert!(reasons[2].as_deref().unwrap().contains("denominator is 0"));
        let missing = [("method", ScalarValue::Utf8(None))];
        let reasons = texts(&over::<FunnelLimits>(&areas(), &missing), "reason");
        assert!(reasons[0].as_deref().unwrap().contains("method is missing"));
    }
}
