//! What the functions of intervention effects share: arguments, the panel that they make, and the
//! fields of results.

use opeka_stats::{Effect, EffectAt, Labels, MAX_DRAWS, PanelRows, Reason};

use crate::parameters::{Kind, Options, Parameters};
use crate::row::{Column, Row};
use crate::rows::Rows;

/// The columns that every panel has: they come first, in this order.
pub(crate) const Y: (&str, Kind) = ("y", Kind::Number);
pub(crate) const UNIT: (&str, Kind) = ("unit", Kind::Text);
pub(crate) const TIME: (&str, Kind) = ("time", Kind::Number);

/// Then one of these says who is treated.
pub(crate) const TREATED: (&str, Kind) = ("treated", Kind::FlagOrNull);
pub(crate) const FIRST_TREATED: (&str, Kind) = ("first_treated", Kind::NumberOrNull);

/// Options have the same names everywhere.
pub(crate) const ADOPTER: (&str, Kind) = ("adopter", Kind::FlagOrNothing);
pub(crate) const COVARIATES: (&str, Kind) = ("covariates", Kind::NumbersOrNothing);
pub(crate) const WEIGHTS: (&str, Kind) = ("weights", Kind::NumberOrNothing);
pub(crate) const CLUSTER: (&str, Kind) = ("cluster", Kind::TextOrNothing);
pub(crate) const CONF_LEVEL: (&str, Kind) = ("conf_level", Kind::NumberOption(0.95));
pub(crate) const DRAWS: (&str, Kind) = ("draws", Kind::NumberOption(999.0));
pub(crate) const SEED: (&str, Kind) = ("seed", Kind::NumberOption(1.0));

/// What is said of these arguments.
pub(crate) const Y_ARGUMENT: &str = "The outcome, such as a rate.";
pub(crate) const UNIT_ARGUMENT: &str = "The unit, such as an area: `ref_area`.";
pub(crate) const TIME_ARGUMENT: &str =
    "The period, as a number: `cast(time_period as int)`. One row for each unit and period.";
pub(crate) const TREATED_ARGUMENT: &str = "Whether the row is treated: true or 1 from the period \
    in which treatment begins. A unit with a row of which it is not known (NULL) is left out, and \
    told.";
pub(crate) const FIRST_TREATED_ARGUMENT: &str = "The period in which the treatment of the unit \
    begins, the same in all its rows; NULL is never.";
pub(crate) const ADOPTER_ARGUMENT: &str = "Whether the unit is known to have adopted. One that \
    has, and whose `first_treated` is NULL, adopted at an unknown time: it is neither treated nor \
    a control, is left out, and told. Default: none has.";
pub(crate) const COVARIATES_ARGUMENT: &str = "A number or a list of numbers for each row: \
    `[poverty, migration]`. Rows in which one is NULL are left out, and told. Default: none.";
pub(crate) const WEIGHTS_ARGUMENT: &str = "How much a row counts, such as the children of the \
    area. Rows in which it is NULL are left out, and told. Default: all alike.";
pub(crate) const CLUSTER_ARGUMENT: &str =
    "Units whose errors go together, such as a federal district. Default: each unit for itself.";
pub(crate) const CONF_LEVEL_ARGUMENT: &str = "The level of the limits. Default 0.95.";
pub(crate) const SEED_ARGUMENT: &str = "The seed of the draws: a whole number of 0 or more. The \
    same seed gives the same answer on any machine, whatever the number of threads. Default 1.";

/// The columns of a panel as a call gives them, without rows in which an optional column that is
/// given has a gap.
#[derive(Debug)]
pub(crate) struct PanelColumns {
    y: Vec<f64>,
    unit: Labels,
    time: Vec<f64>,
    weights: Option<Vec<f64>>,
    covariates: Vec<Vec<f64>>,
    cluster: Option<Labels>,
    /// The rows that are kept.
    kept: Vec<u32>,
    /// What was left out.
    pub(crate) note: Option<String>,
}

impl PanelColumns {
    /// The columns `y`, `unit`, `time` and, where the function has them, `weights`, `covariates`
    /// and `cluster`.
    pub(crate) fn of(
        parameters: &Parameters,
        rows: &Rows,
        options: &Options,
    ) -> Result<Self, Reason> {
        let given = |(name, _): (&'static str, Kind)| {
            let column = column_of(parameters, name);
            column.filter(|column| rows.is_given(*column, name, options))
        };
        let (weights, covariates, cluster) = (given(WEIGHTS), given(COVARIATES), given(CLUSTER));

        let mut width = None;
        let mut gaps = [0usize; 3];
        let mut kept = Vec::with_capacity(rows.len());
        for row in 0..rows.len() {
            let missing = |column: Option<usize>| column.is_some_and(|c| !rows.has(row, &[c]));
            let list = covariates.and_then(|column| rows.list(column, row));
            if let Some(list) = list {
                if width.is_some_and(|width| width != list.len()) {
                    return Err(Reason::because("rows have different numbers of covariates"));
                }
                width = Some(list.len());
            }
            let gap = covariates.is_some()
                && list.is_none_or(|list| list.iter().any(|value| value.is_nan()));
            let gap = [gap, missing(weights), missing(cluster)];
            match gap.iter().position(|gap| *gap) {
                Some(which) => gaps[which] += 1,
                None => kept.push(row as u32),
            }
        }
        let told = ["a covariate", "a weight", "a cluster"].iter().zip(gaps);
        let told: Vec<String> = told
            .filter(|(_, n)| *n > 0)
            .map(|(what, n)| {
                let rows = if n == 1 { "1 row".to_owned() } else { format!("{n} rows") };
                format!("{rows} left out for want of {what}")
            })
            .collect();

        let take = |column: usize| -> Vec<f64> {
            let numbers = rows.numbers(column);
            kept.iter().filter_map(|row| numbers.get(*row as usize).copied()).collect()
        };
        let required =
            |(name, _): (&'static str, Kind)| column_of(parameters, name).unwrap_or(usize::MAX);
        let unit = rows.labels(required(UNIT), &kept).unwrap_or_default();
        let covariate = |k: usize| -> Vec<f64> {
            let list = |row: &u32| rows.list(covariates?, *row as usize)?.get(k).copied();
            kept.iter().filter_map(list).collect()
        };
        Ok(Self {
            y: take(required(Y)),
            unit,
            time: take(required(TIME)),
            weights: weights.map(take),
            covariates: (0..width.unwrap_or(0)).map(covariate).collect(),
            cluster: cluster.and_then(|column| rows.labels(column, &kept)),
            note: (!told.is_empty()).then(|| told.join("; ")),
            kept,
        })
    }

    /// Another column of numbers, such as `first_treated`: nothing where a number is missing.
    pub(crate) fn numbers(
        &self,
        parameters: &Parameters,
        rows: &Rows,
        name: &str,
    ) -> Vec<Option<f64>> {
        let column = column_of(parameters, name).unwrap_or(usize::MAX);
        let numbers = rows.numbers_or_none(column);
        self.kept.iter().filter_map(|row| numbers.get(*row as usize).copied()).collect()
    }

    /// A column of numbers that may be left out, such as `population`: where it is given, each row
    /// must have one.
    pub(crate) fn given(
        &self,
        parameters: &Parameters,
        rows: &Rows,
        options: &Options,
        name: &str,
    ) -> Result<Option<Vec<f64>>, Reason> {
        let column = column_of(parameters, name).unwrap_or(usize::MAX);
        if !rows.is_given(column, name, options) {
            return Ok(None);
        }
        let numbers = self.numbers(parameters, rows, name);
        let missing = numbers.iter().filter(|number| number.is_none()).count();
        if missing > 0 {
            let n = numbers.len();
            let why = format!("{name} is missing in {missing} of {n} rows");
            return Err(Reason::because(why));
        }
        Ok(Some(numbers.into_iter().flatten().collect()))
    }

    /// A column of words that may be left out, such as `stratum`.
    pub(crate) fn words(
        &self,
        parameters: &Parameters,
        rows: &Rows,
        options: &Options,
        name: &str,
    ) -> Result<Option<Labels>, Reason> {
        let column = column_of(parameters, name).unwrap_or(usize::MAX);
        if !rows.is_given(column, name, options) {
            return Ok(None);
        }
        let missing = || Reason::because(format!("{name} is missing in some row"));
        rows.labels(column, &self.kept).ok_or_else(missing).map(Some)
    }

    /// A column of flags that may be left out, such as `adopter`; what is not known is not so.
    pub(crate) fn flags(
        &self,
        parameters: &Parameters,
        rows: &Rows,
        options: &Options,
        name: &str,
    ) -> Result<Option<Vec<bool>>, Reason> {
        let column = column_of(parameters, name).unwrap_or(usize::MAX);
        if !rows.is_given(column, name, options) {
            return Ok(None);
        }
        let flag = |value: Option<f64>| match value {
            None | Some(0.0) => Ok(false),
            Some(1.0) => Ok(true),
            Some(odd) => Err(Reason::because(format!("{name} is {odd} (it must be 0 or 1)"))),
        };
        self.numbers(parameters, rows, name)
            .into_iter()
            .map(flag)
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Calls a method with the rows of the panel.
    pub(crate) fn with<R>(&self, method: impl FnOnce(&PanelRows<'_>) -> R) -> R {
        let covariates: Vec<&[f64]> = self.covariates.iter().map(Vec::as_slice).collect();
        method(&PanelRows {
            y: &self.y,
            unit: &self.unit,
            time: &self.time,
            weights: self.weights.as_deref(),
            covariates: &covariates,
            cluster: self.cluster.as_ref(),
        })
    }
}

/// The place of a column among the columns of a function.
pub(crate) fn column_of(parameters: &Parameters, name: &str) -> Option<usize> {
    parameters.columns().position(|(_, known, _)| known == name)
}

/// A whole number of zero or more among the options, such as `draws` or `seed`.
pub(crate) fn whole_number(options: &Options, name: &str) -> Result<u64, Reason> {
    let value = options.number(name);
    let whole = value.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&value);
    match whole {
        true => Ok(value as u64),
        false => Err(Reason::because(format!(
            "{name} is {value} (it must be a whole number of 0 or more)"
        ))),
    }
}

/// How many draws: a method says itself when they are too few.
pub(crate) fn draws_of(options: &Options) -> Result<u32, Reason> {
    let draws = whole_number(options, "draws")?;
    u32::try_from(draws).ok().filter(|draws| *draws <= MAX_DRAWS).ok_or_else(|| {
        Reason::because(format!("draws is {draws} (it must lie between 1 and 1,000,000)"))
    })
}

/// Puts what was left out before a method was called in front of what the method tells.
pub(crate) fn tell(note: &mut Option<String>, first: Option<&String>) {
    if let Some(first) = first {
        *note = Some(match note.take() {
            None => first.clone(),
            Some(note) => format!("{first}; {note}"),
        });
    }
}

/// The fields of an [`Effect`] that is found in a row, between others:
/// `effect_columns!(EffectAt, r => r.effect; [before]; [after])`.
macro_rules! effect_columns {
    ($row:ty, $r:ident => $effect:expr; [$($before:tt)*]; [$($after:tt)*]) => {
        &[
            ("term", $crate::row::Column::Text(|$r: &$row| {
                let term = $effect.term.as_str();
                (!term.is_empty()).then(|| ::std::borrow::Cow::from(term))
            })),
            $($before)*
            ("estimate", $crate::row::Column::Number(|$r: &$row| $effect.estimate)),
            ("std_error", $crate::row::Column::Number(|$r: &$row| $effect.std_error)),
            ("statistic", $crate::row::Column::Number(|$r: &$row| $effect.statistic)),
            ("p_value", $crate::row::Column::Number(|$r: &$row| $effect.p_value)),
            ("conf_low", $crate::row::Column::Number(|$r: &$row| $effect.conf_low)),
            ("conf_high", $crate::row::Column::Number(|$r: &$row| $effect.conf_high)),
            ("n_obs", $crate::row::Column::Count(|$r: &$row| $effect.n_obs)),
            ("n_units", $crate::row::Column::Count(|$r: &$row| $effect.n_units)),
            ("method", $crate::row::Column::Text(|$r: &$row| {
                $effect.method.as_deref().map(::std::borrow::Cow::from)
            })),
            ("note", $crate::row::Column::Text(|$r: &$row| {
                $effect.note.as_deref().map(::std::borrow::Cow::from)
            })),
            ("reason", $crate::row::Column::Text(|$r: &$row| {
                $crate::row::text($effect.reason.as_ref())
            })),
            $($after)*
        ]
    };
}
#[allow(unused_imports, reason = "for functions with fields of their own")]
pub(crate) use effect_columns;

impl Row for Effect {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = effect_columns!(Self, r => r; []; []);

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

impl Row for EffectAt {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = effect_columns!(Self, r => r.effect; [
        ("cohort", Column::Number(|r| r.cohort)),
        ("time", Column::Number(|r| r.time)),
        ("event_time", Column::Number(|r| r.event_time)),
    ]; []);

    fn unknown(reason: Reason) -> Self {
        Self::unknown(reason)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};

    use arrow::array::{ArrayRef, Float64Array, ListArray};
    use arrow::datatypes::Float64Type;
    use datafusion_common::ScalarValue;
    use datafusion_expr::Documentation;

    use super::*;
    use crate::aggregate::Aggregate;
    use crate::row::Many;
    use crate::testing::{AggregateTester, field, items, number, panel_batch, word};

    /// Sums of the outcome, its weights and its covariates: enough to see what arrives.
    struct Sums;

    impl Aggregate for Sums {
        const PARAMETERS: Parameters = Parameters {
            function: "sums",
            list: &[Y, UNIT, TIME, TREATED, ADOPTER, COVARIATES, WEIGHTS, CLUSTER],
        };
        type Result = Many<EffectAt>;

        fn calculate(rows: &Rows, options: &Options) -> Self::Result {
            Many(sums(rows, options).unwrap_or_else(|reason| vec![EffectAt::unknown(reason)]))
        }

        fn documentation() -> &'static Documentation {
            static NOTHING: LazyLock<Documentation> =
                LazyLock::new(|| Documentation::builder(crate::EFFECTS, "", "").build());
            &NOTHING
        }
    }

    fn sums(rows: &Rows, options: &Options) -> Result<Vec<EffectAt>, Reason> {
        let parameters = &Sums::PARAMETERS;
        let panel = PanelColumns::of(parameters, rows, options)?;
        if rows.len() == 0 {
            return Err(Reason::because("there are no rows"));
        }
        let treated = panel.numbers(parameters, rows, "treated");
        let adopters = panel.flags(parameters, rows, options, "adopter")?;
        let sums = panel.with(|rows| {
            let mut sums = vec![rows.y.iter().sum::<f64>(), rows.time.iter().sum()];
            sums.extend(rows.weights.map(|weights| weights.iter().sum::<f64>()));
            sums.extend(rows.covariates.iter().map(|column| column.iter().sum::<f64>()));
            sums.push(treated.iter().flatten().sum());
            sums.push(adopters.map_or(-1.0, |a| a.iter().filter(|a| **a).count() as f64));
            sums
        });
        let each = sums.into_iter().map(|sum| {
            let mut effect = Effect { estimate: Some(sum), ..Effect::default() };
            tell(&mut effect.note, panel.note.as_ref());
            EffectAt { effect, ..EffectAt::default() }
        });
        Ok(each.collect())
    }

    fn batch() -> Vec<ArrayRef> {
        panel_batch(&[
            (1.0, "a", 1.0, Some(0.0)),
            (2.0, "a", 2.0, Some(1.0)),
            (4.0, "b", 1.0, None),
            (8.0, "b", 2.0, Some(0.0)),
        ])
    }

    fn estimates(result: &ScalarValue) -> Vec<f64> {
        items(result).iter().map(|item| number(item, "estimate").unwrap()).collect()
    }

    #[test]
    fn a_list_of_terms() {
        let tester = AggregateTester::<Sums>::new();
        let result = tester.aggregate(&[batch()]);
        assert_eq!(estimates(&result), [15.0, 6.0, 1.0, -1.0]);
        assert_eq!(word(&items(&result)[0], "note"), None);
        let halves = [
            batch().iter().map(|c| c.slice(0, 1)).collect(),
            batch().iter().map(|c| c.slice(1, 3)).collect(),
        ];
        tester.check_merges(&halves);
        let [nothing] = &items(&tester.aggregate(&[]))[..] else { panic!("one item") };
        let reason = "cannot be calculated because there are no rows";
        assert_eq!(word(nothing, "reason").as_deref(), Some(reason));
    }

    #[test]
    fn gaps_in_what_is_given_are_told() {
        let mut columns = batch();
        let adopter = Float64Array::from(vec![Some(1.0), Some(1.0), None, Some(0.0)]);
        let covariates = ListArray::from_iter_primitive::<Float64Type, _, _>([
            Some(vec![Some(1.0), Some(10.0)]),
            Some(vec![Some(2.0), None]),
            Some(vec![Some(4.0), Some(40.0)]),
            Some(vec![Some(8.0), Some(80.0)]),
        ]);
        let weights = Float64Array::from(vec![Some(1.0), Some(1.0), Some(1.0), None]);
        columns.extend([Arc::new(adopter) as ArrayRef, Arc::new(covariates), Arc::new(weights)]);
        let tester = AggregateTester::<Sums>::new();
        let result = tester.aggregate(&[columns.clone()]);
        // Of the second row a covariate is missing, of the last the weight.
        assert_eq!(estimates(&result), [5.0, 2.0, 2.0, 5.0, 50.0, 0.0, 1.0]);
        let note = "1 row left out for want of a covariate; 1 row left out for want of a weight";
        assert_eq!(word(&items(&result)[0], "note").as_deref(), Some(note));
        let halves: Vec<Vec<ArrayRef>> =
            [(0, 2), (2, 2)].map(|(at, n)| columns.iter().map(|c| c.slice(at, n)).collect()).into();
        tester.check_merges(&halves);
        tester.check_slides(&halves, 1);
    }

    #[test]
    fn what_cannot_be_is_a_reason() {
        let mut columns = batch();
        let adopter: ArrayRef = Arc::new(Float64Array::from(vec![2.0, 0.0, 0.0, 0.0]));
        columns.push(adopter);
        let result = AggregateTester::<Sums>::new().aggregate(&[columns]);
        let [item] = &items(&result)[..] else { panic!("{result}") };
        let reason = word(item, "reason").unwrap();
        assert_eq!(reason, "cannot be calculated because adopter is 2 (it must be 0 or 1)");
        assert_eq!(field(item, "estimate"), ScalarValue::Float64(None));
    }

    #[test]
    fn whole_numbers() {
        const SEEDED: Parameters = Parameters { function: "seeded", list: &[SEED, DRAWS] };
        let given = |seed: f64| {
            let options = SEEDED.options_of(&[("seed", ScalarValue::from(seed))]).unwrap();
            whole_number(&options, "seed")
        };
        assert_eq!(given(7.0), Ok(7));
        assert!(given(0.5).is_err_and(|reason| reason.to_string().contains("seed is 0.5")));
        assert!(given(-1.0).is_err() && given(f64::NAN).is_err());
        assert_eq!(whole_number(&SEEDED.default_options(), "draws"), Ok(999));
    }
}
