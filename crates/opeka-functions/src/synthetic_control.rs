//! `synthetic_control`: treated areas against weighted averages of untreated ones.

use std::borrow::Cow;
use std::sync::LazyLock;

use datafusion_expr::Documentation;
use opeka_stats::{
    DonorWeight, Labels, PanelRows, Placebo, PredictorBalance, Reason, SyntheticControlOptions,
    SyntheticPoint, TreatedArea, synthetic_control,
};

use crate::EFFECTS;
use crate::aggregate::Aggregate;
use crate::effects::{
    CONF_LEVEL, COVARIATES, DRAWS, SEED, SEED_ARGUMENT, TIME, TIME_ARGUMENT, TREATED,
    TREATED_ARGUMENT, UNIT, UNIT_ARGUMENT, Y, Y_ARGUMENT, column_of, effect_columns, whole_number,
};
use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, List, Row, text};
use crate::rows::Rows;
use crate::synthetic_did::draws;

/// Whether donors with gaps are left out; otherwise a gap is a reason.
pub(crate) const LEAVE_OUT_GAPS: (&str, Kind) = ("leave_out_gaps", Kind::Flag(false));

pub(crate) const MEANS_ARGUMENT: &str = "A number or a list of numbers for each row: `[income, \
    age]`. What counts of an area is the mean of its values before treatment that are there. \
    Default: none.";
pub(crate) const GAPS_ARGUMENT: &str = "Whether donors that lack a period are left out, and told; \
    otherwise a gap is a `reason`. Default false.";

pub(crate) struct SyntheticControl;

impl Aggregate for SyntheticControl {
    const PARAMETERS: Parameters = Parameters {
        function: "synthetic_control",
        list: &[
            Y,
            UNIT,
            TIME,
            TREATED,
            COVARIATES,
            ("outcome_times", Kind::NumbersOrNone),
            ("predictor_weights", Kind::NumbersOrNone),
            ("separate", Kind::Flag(false)),
            ("placebos", Kind::Flag(true)),
            ("treated_as_donors", Kind::Flag(false)),
            LEAVE_OUT_GAPS,
            DRAWS,
            SEED,
            CONF_LEVEL,
        ],
    };
    type Result = opeka_stats::SyntheticControl;

    fn calculate(rows: &Rows, options: &Options) -> Self::Result {
        estimate(rows, options).unwrap_or_else(opeka_stats::SyntheticControl::unknown)
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn estimate(rows: &Rows, options: &Options) -> Result<opeka_stats::SyntheticControl, Reason> {
    let panel = MeansPanel::of(&SyntheticControl::PARAMETERS, rows, options)?;
    let with = SyntheticControlOptions {
        conf_level: options.number("conf_level"),
        outcome_times: options.numbers_or_none("outcome_times").unwrap_or_default(),
        predictor_weights: options.numbers_or_none("predictor_weights"),
        separate: options.flag("separate"),
        placebos: options.flag("placebos"),
        treated_as_donors: options.flag("treated_as_donors"),
        leave_out_gaps: options.flag("leave_out_gaps"),
        draws: draws(options)?,
        seed: whole_number(options, "seed")?,
    };
    Ok(panel.with(|rows, treated| synthetic_control(rows, treated, &with)))
}

/// A panel of which covariates are averaged: a row counts, whether its covariates are known or not.
pub(crate) struct MeansPanel<'a> {
    y: &'a [f64],
    unit: Labels,
    time: &'a [f64],
    treated: Vec<Option<f64>>,
    /// `NaN` where one is missing.
    covariates: Vec<Vec<f64>>,
}

impl<'a> MeansPanel<'a> {
    pub(crate) fn of(
        parameters: &Parameters,
        rows: &'a Rows,
        options: &Options,
    ) -> Result<Self, Reason> {
        let place =
            |(name, _): (&'static str, Kind)| column_of(parameters, name).unwrap_or(usize::MAX);
        let every: Vec<u32> = (0..rows.len() as u32).collect();
        let given = rows.is_given(place(COVARIATES), COVARIATES.0, options);
        let list = |row: usize| rows.list(place(COVARIATES), row).filter(|_| given);
        let mut width = None;
        for list in (0..rows.len()).filter_map(list) {
            if *width.get_or_insert(list.len()) != list.len() {
                return Err(Reason::because("rows have different numbers of covariates"));
            }
        }
        if given && width.is_none() && rows.len() > 0 {
            return Err(Reason::because("covariates are missing in every row"));
        }
        let covariate = |k: usize| -> Vec<f64> {
            let of_row = |row: usize| list(row).and_then(|list| list.get(k)).copied();
            (0..rows.len()).map(|row| of_row(row).unwrap_or(f64::NAN)).collect()
        };
        Ok(Self {
            y: rows.numbers(place(Y)),
            unit: rows.labels(place(UNIT), &every).unwrap_or_default(),
            time: rows.numbers(place(TIME)),
            treated: rows.numbers_or_none(place(TREATED)),
            covariates: (0..width.unwrap_or(0)).map(covariate).collect(),
        })
    }

    /// Calls a method with the rows of the panel, and whether they are treated.
    pub(crate) fn with<R>(&self, method: impl FnOnce(&PanelRows<'_>, &[Option<f64>]) -> R) -> R {
        let covariates: Vec<&[f64]> = self.covariates.iter().map(Vec::as_slice).collect();
        let rows = PanelRows::new(self.y, &self.unit, self.time);
        method(&PanelRows { covariates: &covariates, ..rows }, &self.treated)
    }
}

impl Row for opeka_stats::SyntheticControl {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = effect_columns!(Self, r => r.effect; []; [
        ("pre_rmspe", Column::Number(|r| r.pre_rmspe)),
        ("post_rmspe", Column::Number(|r| r.post_rmspe)),
        ("rmspe_ratio", Column::Number(|r| r.rmspe_ratio)),
        ("rank", Column::CountOrNone(|r| r.rank)),
        ("n_placebos", Column::Count(|r| r.n_placebos)),
        ("weights", Column::List(&List(|r: &Self| &r.weights))),
        ("predictors", Column::List(&List(|r: &Self| &r.predictors))),
        ("path", Column::List(&List(|r: &Self| &r.path))),
        ("areas", Column::List(&List(|r: &Self| &r.areas))),
        ("placebos", Column::List(&List(|r: &Self| &r.placebos))),
    ]);

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

impl Row for DonorWeight {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("treated", Column::Text(|w| Some(Cow::from(w.treated.as_str())))),
        ("unit", Column::Text(|w| Some(Cow::from(w.unit.as_str())))),
        ("weight", Column::Number(|w| Some(w.weight))),
    ];

    fn unknown(_: Reason) -> Self {
        Self::default()
    }
}

impl Row for PredictorBalance {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("treated", Column::Text(|p| Some(Cow::from(p.treated.as_str())))),
        ("predictor", Column::Text(|p| Some(Cow::from(p.predictor.as_str())))),
        ("weight", Column::Number(|p| Some(p.weight))),
        ("value", Column::Number(|p| Some(p.value))),
        ("synthetic", Column::Number(|p| Some(p.synthetic))),
        ("donors", Column::Number(|p| Some(p.donors))),
    ];

    fn unknown(_: Reason) -> Self {
        Self::default()
    }
}

impl Row for SyntheticPoint {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("time", Column::Number(|p| p.time)),
        ("event_time", Column::Number(|p| Some(p.event_time))),
        ("n_units", Column::Count(|p| p.n_units)),
        ("observed", Column::Number(|p| Some(p.observed))),
        ("synthetic", Column::Number(|p| Some(p.synthetic))),
        ("gap", Column::Number(|p| Some(p.gap))),
    ];

    fn unknown(_: Reason) -> Self {
        Self::default()
    }
}

impl Row for TreatedArea {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("unit", Column::Text(|a| Some(Cow::from(a.unit.as_str())))),
        ("first_treated", Column::Number(|a| Some(a.first_treated))),
        ("estimate", Column::Number(|a| Some(a.estimate))),
        ("pre_rmspe", Column::Number(|a| Some(a.pre_rmspe))),
        ("post_rmspe", Column::Number(|a| Some(a.post_rmspe))),
        ("rmspe_ratio", Column::Number(|a| a.rmspe_ratio)),
    ];

    fn unknown(_: Reason) -> Self {
        Self::default()
    }
}

impl Row for Placebo {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("unit", Column::Text(|p| Some(Cow::from(p.unit.as_str())))),
        ("first_treated", Column::Number(|p| Some(p.first_treated))),
        ("pre_rmspe", Column::Number(|p| p.pre_rmspe)),
        ("post_rmspe", Column::Number(|p| p.post_rmspe)),
        ("rmspe_ratio", Column::Number(|p| p.rmspe_ratio)),
        ("reason", Column::Text(|p| text(p.reason.as_ref()))),
    ];

    fn unknown(reason: Reason) -> Self {
        Self { reason: Some(reason), ..Self::default() }
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        EFFECTS,
        "The effect of a programme on an area against its synthetic control: the weighted average of \
        areas that never had it which followed the area most closely before.\n\
        \n\
        **What it estimates.** The average effect on treated areas over the periods from the \
        beginning of treatment on (ATT). Areas that are treated from the same period on are averaged \
        and compared as one; from different periods on, or with `separate`, each has its own \
        synthetic control, and the effect is the mean of the areas' effects.\n\
        \n\
        **Assumptions.** Without treatment, the area would have gone on as the weighted average did \
        that followed it before; many periods before treatment make that credible, and `pre_rmspe` \
        says how well it did. Donors are not touched by the treatment, and nobody reacts before it. \
        Once treated, an area stays treated. Rows are there for every area and period.\n\
        \n\
        **Formula.** Weights w >= 0 of the donors, adding up to 1, with the smallest (x - X w)' V (x - \
        X w) (Abadie, Diamond and Hainmueller 2010, section 2.3). Without `covariates` and \
        `outcome_times`, x and X are all outcomes before treatment and V counts them alike: a \
        convex problem, solved to full accuracy. With them, x and X are the means of the covariates \
        before treatment and the outcomes of these times, each over its standard deviation among \
        all areas, and V is diagonal: `predictor_weights`, or those for which the weighted average \
        has the smallest mean squared error over all periods before treatment, none below 1e-8 of \
        the largest. The effect is the mean of the gap between area and average from treatment on. \
        p_value (section 2.4): each donor in turn is taken for treated, with the others as donors; \
        the rank of the ratio of root mean squared gaps after and before, over the number of ratios. \
        For n areas averaged, groups of n donors are taken; for areas on their own, one donor for \
        each (Cavallo et al. 2013): all combinations if they are at most `draws`, otherwise so \
        many at random.\n\
        \n\
        **Returns** a struct: `term` (`ATT`), `estimate`, `std_error` (NULL), `statistic` (NULL), \
        `p_value`, `conf_low` (NULL), `conf_high` (NULL), `n_obs`, `n_units`, `method`, `note`, \
        `reason`; `pre_rmspe`, `post_rmspe`, `rmspe_ratio` (double), `rank` (of the ratio, 1 the \
        largest) and `n_placebos` (bigint); and lists of structs: `weights` (`treated`, `unit`, \
        `weight`), `predictors` (`treated`, `predictor`, `weight`, `value`, `synthetic`, `donors`: \
        the mean of all), `path` (`time`: NULL where areas begin at different times, `event_time`, \
        `n_units`, `observed`, `synthetic`, `gap`), `areas` (`unit`, `first_treated`, `estimate`, \
        `pre_rmspe`, `post_rmspe`, `rmspe_ratio`) and `placebos` (`unit`, `first_treated`, \
        `pre_rmspe`, `post_rmspe`, `rmspe_ratio`, `reason`).\n\
        \n\
        **Nulls and small samples.** Rows in which `y`, `unit` or `time` is NULL are skipped, and an \
        area that lacks a period so is a `reason`, or left out with `leave_out_gaps`; an area of \
        which `treated` is not known in some row is left out, and told. A covariate that is NULL in \
        some rows is averaged over the others. There is no standard error. With n placebos no p is \
        below 1/(n + 1), and `note` says so where that is above 1 - conf_level. A placebo that \
        cannot be calculated is told in `note`; one that is matched without error before treatment \
        counts as one with a ratio as large. An area that is itself matched without error has no \
        ratio and no p_value. Where several weights match equally well, the most even ones are \
        taken, and told. There is no estimate, with a `reason`, where no area is treated or none is \
        not, with fewer than two periods before treatment, or where a predictor is the same for \
        every donor. The order of rows does not matter; `distinct` is refused.\n\
        \n\
        **Deviations.** Outcomes only: none known; -19.51 for Proposition 99. With predictors, R's \
        Synth searches V from two starts and solves for w to its solver's margin; here w is exact \
        and V is searched from many starts, so that the error before treatment is smaller (3.077 \
        beside 3.163 for Proposition 99, on the five states of the published table, with the \
        published p of 1/39). Several areas are averaged as in augsynth.\n\
        \n\
        **References.** Abadie, Diamond and Hainmueller (2010), JASA 105; Abadie (2021), Journal of \
        Economic Literature 59; Abadie and L'Hour (2021), JASA 116; Becker and Klößner (2018), \
        Econometrics and Statistics 5; Cavallo, Galiani, Noy and Pantano (2013), Review of Economics \
        and Statistics 95.",
        "synthetic_control(y, unit, time, treated[, covariates[, outcome_times[, \
        predictor_weights[, separate[, placebos[, treated_as_donors[, leave_out_gaps[, draws[, \
        seed[, conf_level]]]]]]]]]])",
    )
    .with_argument("y", Y_ARGUMENT)
    .with_argument("unit", UNIT_ARGUMENT)
    .with_argument("time", TIME_ARGUMENT)
    .with_argument("treated", TREATED_ARGUMENT)
    .with_argument("covariates", MEANS_ARGUMENT)
    .with_argument(
        "outcome_times",
        "A constant list of times before treatment whose outcomes are predictors, too: `[1975, \
        1980, 1988]`. Default: none, and without covariates all outcomes before treatment are matched.",
    )
    .with_argument(
        "predictor_weights",
        "A constant list of how much each predictor counts, above zero: first the covariates, then \
        the outcomes. Default: found by a search.",
    )
    .with_argument(
        "separate",
        "Whether each treated area has its own synthetic control even where all begin at the same \
        time. Default false.",
    )
    .with_argument(
        "placebos",
        "Whether placebos are calculated, for `p_value`. With predictors they take seconds. Default \
        true.",
    )
    .with_argument(
        "treated_as_donors",
        "Whether treated areas may have weight in the placebos. Default false.",
    )
    .with_argument("leave_out_gaps", GAPS_ARGUMENT)
    .with_argument(
        "draws",
        "How many placebos are drawn where several areas are treated and there are more \
        combinations of donors. Default 999.",
    )
    .with_argument("seed", SEED_ARGUMENT)
    .with_argument(
        "conf_level",
        "Where no p_value can be below 1 - conf_level, `note` says so. Default 0.95.",
    )
    .with_sql_example(
        "```sql
> select round(est['estimate'], 2) as effect, round(est['pre_rmspe'], 2) as error_before,
         round(est['p_value'], 2) as p, round(est['weights'][4]['weight'], 2) as weight_of_south
  from (select synthetic_control(column3, column1, column2, column1 = 'north' and column2 > 4) as est
        from (values
          ('north', 1, 41), ('north', 2, 40), ('north', 3, 39), ('north', 4, 38), ('north', 5, 33),
          ('north', 6, 31), ('north', 7, 30), ('east', 1, 44), ('east', 2, 42), ('east', 3, 42),
          ('east', 4, 40), ('east', 5, 40), ('east', 6, 38), ('east', 7, 37), ('south', 1, 35),
          ('south', 2, 35), ('south', 3, 33), ('south', 4, 34), ('south', 5, 32), ('south', 6, 33),
          ('south', 7, 31), ('west', 1, 50), ('west', 2, 47), ('west', 3, 48), ('west', 4, 44),
          ('west', 5, 45), ('west', 6, 42), ('west', 7, 41), ('coast', 1, 38), ('coast', 2, 39),
          ('coast', 3, 36), ('coast', 4, 35), ('coast', 5, 36), ('coast', 6, 34), ('coast', 7, 34),
          ('isles', 1, 28), ('isles', 2, 30), ('isles', 3, 27), ('isles', 4, 29), ('isles', 5, 26),
          ('isles', 6, 27), ('isles', 7, 28)));
+--------+--------------+------+-----------------+
| effect | error_before | p    | weight_of_south |
+--------+--------------+------+-----------------+
| -5.0   | 0.04         | 0.17 | 0.53            |
+--------+--------------+------+-----------------+
```",
    )
    .with_related_udf("augmented_synthetic_control")
    .with_related_udf("synthetic_did")
    .build()
});

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::testing::{AggregateTester, field, items, number, panel_batch, word};
    use arrow::array::{ArrayRef, ListArray};
    use arrow::datatypes::Float64Type;
    use datafusion_common::ScalarValue;
    use std::sync::Arc;

    const REGIONS: [(&str, [f64; 7]); 6] = [
        ("north", [41.0, 40.0, 39.0, 38.0, 33.0, 31.0, 30.0]),
        ("east", [44.0, 42.0, 42.0, 40.0, 40.0, 38.0, 37.0]),
        ("south", [35.0, 35.0, 33.0, 34.0, 32.0, 33.0, 31.0]),
        ("west", [50.0, 47.0, 48.0, 44.0, 45.0, 42.0, 41.0]),
        ("coast", [38.0, 39.0, 36.0, 35.0, 36.0, 34.0, 34.0]),
        ("isles", [28.0, 30.0, 27.0, 29.0, 26.0, 27.0, 28.0]),
    ];

    /// The regions of the examples, of which the north is treated from the fifth period on.
    pub(crate) fn batch() -> Vec<ArrayRef> {
        let mut rows = Vec::new();
        for (unit, series) in REGIONS {
            for (t, y) in series.into_iter().enumerate() {
                let treated = f64::from(u8::from(unit == "north" && t >= 4));
                rows.push((y, unit, (t + 1) as f64, Some(treated)));
            }
        }
        panel_batch(&rows)
    }

    pub(crate) fn rounded(result: &ScalarValue, name: &str) -> Option<f64> {
        number(result, name).map(|value| (value * 1e6).round() / 1e6)
    }

    #[test]
    fn the_example() {
        // In exact fractions: -5.003073484…, 0.043428…, 0.530595….
        let result = AggregateTester::<SyntheticControl>::new().aggregate(&[batch()]);
        assert_eq!(word(&result, "reason"), None);
        assert_eq!(rounded(&result, "estimate"), Some(-5.003073));
        assert_eq!(rounded(&result, "pre_rmspe"), Some(0.043428));
        assert_eq!(rounded(&result, "post_rmspe"), Some(5.027789));
        assert_eq!(rounded(&result, "p_value"), Some(0.166667));
        assert_eq!(field(&result, "rank"), ScalarValue::Int64(Some(1)));
        assert_eq!(number(&result, "std_error"), None);
        let weights = items(&field(&result, "weights"));
        assert_eq!(word(&weights[3], "unit").as_deref(), Some("south"));
        assert_eq!(rounded(&weights[3], "weight"), Some(0.530595));
        let placebos = items(&field(&result, "placebos"));
        assert_eq!(word(&placebos[1], "unit").as_deref(), Some("east"));
        assert_eq!(rounded(&placebos[1], "rmspe_ratio"), Some(2.880498));
        let path = items(&field(&result, "path"));
        assert_eq!(rounded(&path[4], "gap"), Some(-4.347863));
        let note = word(&result, "note").unwrap();
        assert!(note.contains("with 5 placebos no p-value is below 0.167"), "{note}");
        assert!(items(&field(&result, "predictors")).is_empty());
    }

    #[test]
    fn batches_merge_in_any_order() {
        let all = batch();
        let parts: Vec<Vec<ArrayRef>> = [(0, 5), (5, 20), (25, 17)]
            .map(|(at, n)| all.iter().map(|column| column.slice(at, n)).collect())
            .into();
        let given = [("placebos", ScalarValue::from(false))];
        AggregateTester::<SyntheticControl>::with(&given).check_merges(&parts);
    }

    #[test]
    fn covariates_are_averaged_over_what_is_there() {
        let mut columns = batch();
        let income = [1.0, 3.0, 0.5, 2.0, 1.5, 0.2];
        let lists = (0..42).map(|row| {
            let known = (row % 7 != 2).then_some(income[row / 7]);
            (row != 3).then(|| vec![known])
        });
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(lists));
        columns.push(lists);
        let times = ScalarValue::List(ScalarValue::new_list_nullable(
            &[ScalarValue::from(4.0)],
            &arrow::datatypes::DataType::Float64,
        ));
        let given = [("outcome_times", times), ("placebos", ScalarValue::from(false))];
        let tester = AggregateTester::<SyntheticControl>::with(&given);
        let result = tester.aggregate(&[columns]);
        assert_eq!(word(&result, "reason"), None);
        let predictors = items(&field(&result, "predictors"));
        assert_eq!(word(&predictors[0], "predictor").as_deref(), Some("covariate 1"));
        assert_eq!(number(&predictors[0], "value"), Some(1.0));
        assert_eq!(word(&predictors[1], "predictor").as_deref(), Some("outcome of 4"));
        assert_eq!(field(&result, "n_obs"), ScalarValue::Int64(Some(42)));
        assert_eq!(number(&result, "p_value"), None);
    }

    #[test]
    fn what_cannot_be_is_a_reason() {
        let nothing = AggregateTester::<SyntheticControl>::new().aggregate(&[]);
        assert_eq!(
            word(&nothing, "reason").as_deref(),
            Some("cannot be calculated because there are no rows")
        );
        let gap: Vec<ArrayRef> = batch().iter().map(|column| column.slice(0, 41)).collect();
        let result =
            AggregateTester::<SyntheticControl>::new().aggregate(std::slice::from_ref(&gap));
        assert!(word(&result, "reason").unwrap().contains("isles has no row for 7"));
        let given = [("leave_out_gaps", ScalarValue::from(true))];
        let result = AggregateTester::<SyntheticControl>::with(&given).aggregate(&[gap]);
        assert_eq!(rounded(&result, "estimate"), Some(-5.003073));
        assert!(word(&result, "note").unwrap().contains("isles left out: there are gaps"));
        let given = [("draws", ScalarValue::from(0.5))];
        let result = AggregateTester::<SyntheticControl>::with(&given).aggregate(&[batch()]);
        assert!(word(&result, "reason").unwrap().contains("draws is 0.5"));
    }
}
