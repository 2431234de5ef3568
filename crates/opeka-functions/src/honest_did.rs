//! `honest_did`: limits of an effect that hold when trends are not exactly parallel.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{
    EventStudyOptions, HonestDelta, HonestDid, HonestDidOptions, HonestMethod, HonestShape,
    HonestTarget, Reason, event_study, honest_event_study,
};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::effects::{
    ADOPTER, ADOPTER_ARGUMENT, CLUSTER, CLUSTER_ARGUMENT, CONF_LEVEL, CONF_LEVEL_ARGUMENT,
    COVARIATES, COVARIATES_ARGUMENT, FIRST_TREATED, FIRST_TREATED_ARGUMENT, PanelColumns, SEED,
    SEED_ARGUMENT, TIME, TIME_ARGUMENT, UNIT, UNIT_ARGUMENT, WEIGHTS, WEIGHTS_ARGUMENT, Y,
    Y_ARGUMENT, tell, whole_number,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Many, Row, text};
use crate::rows::Rows;

pub(crate) struct HonestDidOfRows;

const DELTAS: [&str; 3] = ["relative_magnitudes", "smoothness", "relative_smoothness"];
const METHODS: [&str; 5] = ["default", "flci", "c-f", "c-lf", "conditional"];
const SHAPES: [&str; 5] = ["any", "positive_bias", "negative_bias", "increasing", "decreasing"];

impl Aggregate for HonestDidOfRows {
    const PARAMETERS: Parameters = Parameters {
        function: "honest_did",
        list: &[
            Y,
            UNIT,
            TIME,
            FIRST_TREATED,
            ("delta", Kind::Choice(&DELTAS)),
            ("m", Kind::NumbersOrNone),
            ("event_time", Kind::NumberOption(0.0)),
            ("average", Kind::Flag(false)),
            ("method", Kind::Choice(&METHODS)),
            ("shape", Kind::Choice(&SHAPES)),
            ("leads", Kind::NumberOrNone),
            ("lags", Kind::NumberOrNone),
            CONF_LEVEL,
            ("draws", Kind::NumberOption(10_000.0)),
            SEED,
            ADOPTER,
            COVARIATES,
            WEIGHTS,
            CLUSTER,
        ],
    };
    type Result = Many<HonestRow>;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        Many(calculate(rows, options).unwrap_or_else(|reason| vec![HonestRow::unknown(reason)]))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

/// One interval: the usual one, or the robust one for a bound.
#[derive(Clone, Debug, Default)]
pub(crate) struct HonestRow {
    term: String,
    m: Option<f64>,
    estimate: Option<f64>,
    std_error: Option<f64>,
    conf_low: Option<f64>,
    conf_high: Option<f64>,
    breakdown: Option<f64>,
    n_obs: usize,
    n_units: usize,
    method: Option<String>,
    note: Option<String>,
    reason: Option<Reason>,
}

fn calculate(rows: &Rows, options: &Options) -> Result<Vec<HonestRow>, Reason> {
    let parameters = &HonestDidOfRows::PARAMETERS;
    let honest = honest_options(options)?;
    let at = options.number("event_time");
    let (target, term) = match options.flag("average") {
        true => (HonestTarget::Average, "ATT".to_owned()),
        false => (HonestTarget::At(at), format!("ATT({at})")),
    };
    let study_options = EventStudyOptions {
        leads: options.number_or_none("leads"),
        lags: options.number_or_none("lags"),
        conf_level: honest.conf_level,
        ..EventStudyOptions::default()
    };
    let panel = PanelColumns::of(parameters, rows, options)?;
    let first_treated = panel.numbers(parameters, rows, FIRST_TREATED.0);
    let adopter = panel.flags(parameters, rows, options, ADOPTER.0)?;
    let study =
        panel.with(|rows| event_study(rows, &first_treated, adopter.as_deref(), &study_options));
    let result = honest_event_study(&study, target, &honest);
    let row = HonestRow {
        term,
        estimate: result.estimate,
        breakdown: result.breakdown,
        n_obs: study.n_obs,
        n_units: study.n_units,
        ..HonestRow::default()
    };
    let mut lines = lines(&result, &row);
    for line in &mut lines {
        tell(&mut line.note, study.note.as_ref());
        tell(&mut line.note, panel.note.as_ref());
    }
    Ok(lines)
}

/// The usual interval, then the robust ones. What is told of the breakdown value stands with the
/// first.
fn lines(result: &HonestDid, row: &HonestRow) -> Vec<HonestRow> {
    let original = HonestRow {
        std_error: result.std_error,
        conf_low: result.original.conf_low,
        conf_high: result.original.conf_high,
        method: result.original.method.clone(),
        note: result.note.clone(),
        reason: result.reason.clone(),
        ..row.clone()
    };
    let robust = result.robust.iter().map(|limits| HonestRow {
        m: limits.m,
        conf_low: limits.conf_low,
        conf_high: limits.conf_high,
        method: limits.method.clone(),
        note: limits.note.clone(),
        reason: limits.reason.clone(),
        ..row.clone()
    });
    std::iter::once(original).chain(robust).collect()
}

fn honest_options(options: &Options) -> Result<HonestDidOptions, Reason> {
    let draws = whole_number(options, "draws")?;
    Ok(HonestDidOptions {
        delta: match options.choice("delta") {
            "smoothness" => HonestDelta::Smoothness,
            "relative_smoothness" => HonestDelta::RelativeSmoothness,
            _ => HonestDelta::RelativeMagnitudes,
        },
        shape: match options.choice("shape") {
            "positive_bias" => HonestShape::PositiveBias,
            "negative_bias" => HonestShape::NegativeBias,
            "increasing" => HonestShape::Increasing,
            "decreasing" => HonestShape::Decreasing,
            _ => HonestShape::Any,
        },
        method: match options.choice("method") {
            "flci" => Some(HonestMethod::FixedLength),
            "c-f" => Some(HonestMethod::ConditionalFixedLength),
            "c-lf" => Some(HonestMethod::LeastFavourable),
            "conditional" => Some(HonestMethod::Conditional),
            _ => None,
        },
        bounds: options.numbers_or_none("m").unwrap_or_default().to_vec(),
        conf_level: options.number("conf_level"),
        seed: whole_number(options, "seed")?,
        draws: usize::try_from(draws).unwrap_or(usize::MAX),
        ..HonestDidOptions::default()
    })
}

impl Row for HonestRow {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("term", Column::Text(|r| (!r.term.is_empty()).then(|| Cow::from(r.term.as_str())))),
        ("m", Column::Number(|r| r.m)),
        ("estimate", Column::Number(|r| r.estimate)),
        ("std_error", Column::Number(|r| r.std_error)),
        ("conf_low", Column::Number(|r| r.conf_low)),
        ("conf_high", Column::Number(|r| r.conf_high)),
        ("breakdown", Column::Number(|r| r.breakdown)),
        ("n_obs", Column::Count(|r| r.n_obs)),
        ("n_units", Column::Count(|r| r.n_units)),
        ("method", Column::Text(|r| r.method.as_deref().map(Cow::from))),
        ("note", Column::Text(|r| r.note.as_deref().map(Cow::from))),
        ("reason", Column::Text(|r| text(r.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self { reason: Some(reason), ..Self::default() }
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "Limits of an effect that hold although trends are not exactly parallel, as long as their \
        difference keeps to a bound; and the bound at which the effect is no longer apart from \
        zero.\n\
        \n\
        **What it estimates.** The effect at an event time, or the mean over all of them after \
        treatment, of the event study with effects of units and times: β = τ + δ, where δ is the \
        difference in trends. Before treatment δ is what the event study shows; after it, δ is not \
        known but bounded.\n\
        \n\
        **Assumptions.** Instead of parallel trends (δ = 0) one of these. `relative_magnitudes`: \
        from one period to the next δ changes after treatment by at most m times the largest \
        change before it. `smoothness`: the slope of δ changes by at most m, in units of the \
        outcome, between neighbouring periods; m = 0 extrapolates a line. `relative_smoothness`: \
        the slope changes by at most m times its largest change before treatment. A `shape` can be \
        known as well: a bias that is not negative or not positive after treatment, a difference \
        in trends that never falls or never rises. Coefficients are near enough to normal and \
        their covariance is known; with many dates of treatment effects do not differ between \
        them.\n\
        \n\
        **Formula.** Rambachan and Roth (2023). `flci`: of the estimates a'β that extrapolate \
        lines without bias, the one with the smallest half-length h cv(m b / h), where h is its \
        standard error, m b its largest bias, and cv(t) the quantile of |N(t, 1)| (their section \
        4). `conditional`: the values of the effect at which the moment inequalities A β − d − \
        A (0, τ) ≤ 0 are not rejected by the conditional test of Andrews, Roth and Pakes (2023, \
        their equation 15 and section 4), for each polyhedron of which the restriction is the \
        union. `c-lf` and `c-f` are the same after a first stage of a tenth of its size: with the \
        least favourable critical value, from `draws`, or with `flci`. Default: `flci` for \
        smoothness, `c-f` for smoothness with a shape, `c-lf` for the others. `breakdown` is \
        found by bisection.\n\
        \n\
        **Returns** a list of structs: first the usual interval, of which `m` is NULL, then one for \
        each bound: `term` (text, such as `ATT(0)`, or `ATT` for the mean), `m`, `estimate` (that \
        of the event study), `std_error` (with the usual interval), `conf_low`, `conf_high`, \
        `breakdown` (double; the largest m for which zero is outside the limits), `n_obs`, \
        `n_units` (bigint), `method`, `note` and `reason` (text).\n\
        \n\
        **Nulls and small samples.** Rows in which `y`, `unit` or `time` is NULL are skipped. The \
        limits lean on the covariance of the event study, which is too small with few treated \
        units: `note` says so with two to nine at an event time, and with one there are no limits. \
        There is no answer, but a `reason`, where event times do not follow each other, where there \
        is no coefficient before the last period without treatment (relative smoothness takes two) \
        or none after it, where the covariance is singular (as with fewer clusters than \
        coefficients), and for faults of the panel. Limits of a bound are NULL where the bound is \
        negative or every value is rejected. Where there is no breakdown value, the note of the \
        first row says why.\n\
        \n\
        **Deviations.** R's HonestDiD tests 1,000 values within 20 standard errors of zero and \
        answers with the first and the last that are not rejected; here the ends are found to the \
        last digits, wherever they are. Its critical values come from 1,000 draws and, for \
        `flci`, a million; here from 10,000, each with both signs, and from the distribution \
        itself: limits differ by a step of its grid (0.04 standard errors), those of `flci` by \
        0.002 standard errors. Its bias for weights of which the sum with time is negative is too \
        large; here it is exact. With one period after treatment its least favourable hybrid does \
        not bound the second stage by the first, and neither does this. A shape is worked out for \
        up to 10 periods after treatment.\n\
        \n\
        **References.** Rambachan and Roth (2023), A More Credible Approach to Parallel Trends, \
        Review of Economic Studies 90(5); Andrews, Roth and Pakes (2023), Inference for Linear \
        Conditional Moment Inequalities, Review of Economic Studies 90(6); R package HonestDiD.",
        "honest_did(y, unit, time, first_treated[, delta[, m[, event_time[, average[, method[, \
        shape[, leads[, lags[, conf_level[, draws[, seed[, adopter[, covariates[, weights[, \
        cluster]]]]]]]]]]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("first_treated", FIRST_TREATED_ARGUMENT)
    .with_argument(
        "delta",
        "What bounds the difference in trends: `relative_magnitudes`, `smoothness` or \
        `relative_smoothness`. Default `relative_magnitudes`.",
    )
    .with_argument(
        "m",
        "The bounds, as a list such as `[0.5, 1, 1.5, 2]`. Default: these; for smoothness ten from 0 \
        to what the changes of the slope before treatment allow.",
    )
    .with_argument("event_time", "Periods after treatment began. Default 0, the first treated one.")
    .with_argument(
        "average",
        "Whether the effect is the mean over all event times after treatment. Default false.",
    )
    .with_argument(
        "method",
        "`default`, `flci`, `c-f`, `c-lf` or `conditional`. Default `default`.",
    )
    .with_argument(
        "shape",
        "`any`, `positive_bias`, `negative_bias`, `increasing` or `decreasing`. Default `any`.",
    )
    .with_argument(
        "leads",
        "Event times further back than so many periods count as that far back. Default: all for \
        themselves.",
    )
    .with_argument("lags", "The same after treatment began. Default: all for themselves.")
    .with_argument("conf_level", CONF_LEVEL_ARGUMENT)
    .with_argument("draws", "Draws of the least favourable critical value. Default 10000.")
    .with_argument("seed", SEED_ARGUMENT)
    .with_argument("adopter", ADOPTER_ARGUMENT)
    .with_argument("covariates", COVARIATES_ARGUMENT)
    .with_argument("weights", WEIGHTS_ARGUMENT)
    .with_argument("cluster", CLUSTER_ARGUMENT)
    .with_sql_example(
        "```sql
> select a['m'] as m, round(a['estimate'], 3) as effect, round(a['conf_low'], 2) as low,
         round(a['conf_high'], 2) as high, round(a['breakdown'], 1) as breakdown
  from (select unnest(honest_did(y, unit, time, first_treated, m => [0.5, 1])) as a
        from (select unit, time, case when unit <= 10 then 4 end as first_treated,
                     unit + time + (unit * unit * 7 + unit * time * time * 3) % 11 * 0.1
                     + case when unit <= 10 and time >= 4 then 2 else 0 end as y
              from (values (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13),
                           (14), (15), (16), (17), (18), (19), (20)) as units(unit)
              cross join (values (1), (2), (3), (4), (5)) as times(time)))
  where a['m'] is not null;
+-----+--------+------+------+-----------+
| m   | effect | low  | high | breakdown |
+-----+--------+------+------+-----------+
| 0.5 | 2.01   | 1.57 | 2.44 | 5.2       |
| 1.0 | 2.01   | 1.47 | 2.52 | 5.2       |
+-----+--------+------+------+-----------+
```",
    )
    .with_related_udf("event_study")
    .build()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, items, number, panel_batch, word};
    use arrow::array::{ArrayRef, ListArray};
    use arrow::datatypes::Float64Type;
    use datafusion_common::ScalarValue;
    use std::sync::Arc;

    /// The panel of the example.
    fn rows(treated: u32) -> Vec<(f64, String, f64, Option<f64>)> {
        let row = |unit: u32, time: u32| {
            let noise = f64::from((unit * unit * 7 + unit * time * time * 3) % 11) * 0.1;
            let effect = if unit <= treated && time >= 4 { 2.0 } else { 0.0 };
            let first = (unit <= treated).then_some(4.0);
            (f64::from(unit + time) + noise + effect, unit.to_string(), f64::from(time), first)
        };
        (1..=20).flat_map(|unit| (1..=5).map(move |time| row(unit, time))).collect()
    }

    fn batch(rows: &[(f64, String, f64, Option<f64>)]) -> Vec<ArrayRef> {
        let rows: Vec<_> = rows.iter().map(|r| (r.0, r.1.as_str(), r.2, r.3)).collect();
        panel_batch(&rows)
    }

    fn list(numbers: &[f64]) -> ScalarValue {
        let numbers = numbers.iter().copied().map(Some);
        let array = ListArray::from_iter_primitive::<Float64Type, _, _>([Some(numbers)]);
        ScalarValue::List(Arc::new(array))
    }

    fn run(given: &[(&str, ScalarValue)], treated: u32) -> Vec<ScalarValue> {
        items(&AggregateTester::<HonestDidOfRows>::with(given).aggregate(&[batch(&rows(treated))]))
    }

    fn figures(row: &ScalarValue) -> Vec<Option<f64>> {
        let round = |x: f64, by: f64| (x * by).round() / by;
        ["m", "estimate", "conf_low", "conf_high", "breakdown"]
            .iter()
            .zip([1.0, 1e3, 1e2, 1e2, 10.0])
            .map(|(name, by)| {
                number(row, name).map(|x| round(x, if *name == "m" { 1e6 } else { by }))
            })
            .collect()
    }

    #[test]
    fn the_example_of_the_documentation() {
        let answer = run(&[("m", list(&[0.5, 1.0]))], 10);
        let rows = answer.iter().map(figures);
        let figures: Vec<Vec<Option<f64>>> = rows.collect();
        let row = |m: Option<f64>, low: f64, high: f64| {
            vec![m, Some(2.01), Some(low), Some(high), Some(5.2)]
        };
        let expected =
            [row(None, 1.62, 2.4), row(Some(0.5), 1.57, 2.44), row(Some(1.0), 1.47, 2.52)];
        assert_eq!(figures, expected);
        assert_eq!(word(&answer[0], "term").as_deref(), Some("ATT(0)"));
        assert!(number(&answer[0], "std_error").is_some());
        assert_eq!(number(&answer[1], "std_error"), None);
        assert_eq!(field(&answer[2], "n_units"), ScalarValue::Int64(Some(20)));
        let method = word(&answer[1], "method").unwrap();
        assert_eq!(method, "relative magnitudes: conditional test, least favourable hybrid (C-LF)");
    }

    #[test]
    fn options_reach_the_method() {
        let terms = |given: &[(&str, ScalarValue)]| -> Vec<(Option<f64>, String)> {
            let row = |row: &ScalarValue| (number(row, "m"), word(row, "method").unwrap());
            run(given, 10).iter().map(row).collect()
        };
        let smooth = ("delta", ScalarValue::from("smoothness"));
        let found = terms(std::slice::from_ref(&smooth));
        assert_eq!(found.len(), 11);
        assert_eq!(
            found[1],
            (Some(0.0), "smoothness: shortest interval of fixed length (FLCI)".into())
        );
        let shape = ("shape", ScalarValue::from("positive_bias"));
        let found = terms(&[smooth.clone(), shape, ("m", list(&[0.1]))]);
        let method = "smoothness, bias not negative: conditional test, hybrid with FLCI (C-F)";
        assert_eq!(found[1], (Some(0.1), method.to_owned()));
        let mean = run(&[("average", ScalarValue::from(true)), smooth], 10);
        assert_eq!(word(&mean[0], "term").as_deref(), Some("ATT"));
        // The mean over event times 0 and 1 of an effect of 2 and some noise.
        assert!((number(&mean[0], "estimate").unwrap() - 2.0).abs() < 0.3);
        let default = terms(&[]);
        let bounds: Vec<f64> = default.iter().filter_map(|row| row.0).collect();
        assert_eq!(bounds, [0.5, 1.0, 1.5, 2.0]);
        let seeded = |seed: f64| {
            let given = [("seed", ScalarValue::from(seed)), ("draws", ScalarValue::from(500.0))];
            number(&run(&given, 10)[1], "conf_low")
        };
        assert_eq!(seeded(3.0), seeded(3.0));
        assert_ne!(seeded(3.0), seeded(4.0));
    }

    #[test]
    fn what_cannot_be_is_a_reason() {
        let why = |given: &[(&str, ScalarValue)], treated: u32| {
            let [row] = &run(given, treated)[..] else { panic!("one row") };
            assert_eq!(number(row, "conf_low"), None);
            word(row, "reason").unwrap()
        };
        let flci = ("method", ScalarValue::from("flci"));
        assert!(why(&[flci], 10).contains("for smoothness"));
        assert!(why(&[("event_time", ScalarValue::from(2.0))], 10).contains("effects from 0 to 1"));
        assert!(why(&[("draws", ScalarValue::from(0.5))], 10).contains("draws is 0.5"));
        assert!(why(&[("draws", ScalarValue::from(5.0))], 10).contains("5 draws"));
        assert!(why(&[], 0).contains("cannot be calculated"));
        let [nothing] = &items(&AggregateTester::<HonestDidOfRows>::new().aggregate(&[]))[..]
        else {
            panic!("one row")
        };
        assert!(word(nothing, "reason").unwrap().contains("there are no rows"));
    }

    #[test]
    fn few_treated_units_are_told() {
        let few = run(&[("m", list(&[1.0]))], 4);
        assert!(few.iter().all(|row| word(row, "note").unwrap().contains("4 treated units")));
        // With one treated unit no errors are invented.
        let one = run(&[("m", list(&[1.0]))], 1);
        assert!(one.iter().all(|row| number(row, "conf_low").is_none()));
        assert!(one.iter().all(|row| number(row, "std_error").is_none()));
    }

    #[test]
    fn batches_merge() {
        let rows = rows(10);
        let batches: Vec<Vec<ArrayRef>> = rows.chunks(35).map(batch).collect();
        let given = [("m", list(&[1.0])), ("draws", ScalarValue::from(200.0))];
        AggregateTester::<HonestDidOfRows>::with(&given).check_merges(&batches);
    }
}
