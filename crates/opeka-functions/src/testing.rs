//! Testers: a scalar function called on columns, and an aggregate whose rows arrive in batches.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, NullArray, StringArray, StructArray,
};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use datafusion_common::ScalarValue;
use datafusion_common::config::ConfigOptions;
use datafusion_expr::function::StateFieldsArgs;
use datafusion_expr::{
    Accumulator, AggregateUDFImpl, ColumnarValue, EmitTo, GroupsAccumulator, PartitionEvaluator,
    ScalarFunctionArgs, ScalarUDFImpl,
};

use crate::aggregate::{Aggregate, Collector, Grouped, Udaf};
use crate::parameters::Options;
use crate::row::struct_type;
use crate::series::Series;
use crate::window::{Evaluator, Window};

pub(crate) fn floats(values: &[Option<f64>]) -> ColumnarValue {
    ColumnarValue::Array(Arc::new(Float64Array::from(values.to_vec())))
}

/// Calls a scalar function as the engine would, after coercion.
pub(crate) fn invoke(
    udf: &impl ScalarUDFImpl,
    args: &[ColumnarValue],
    number_rows: usize,
) -> ColumnarValue {
    let types: Vec<DataType> = args.iter().map(ColumnarValue::data_type).collect();
    let field = |data_type: &DataType| Arc::new(Field::new("a", data_type.clone(), true));
    let return_type = udf.return_type(&types).unwrap();
    let result = udf
        .invoke_with_args(ScalarFunctionArgs {
            args: args.to_vec(),
            arg_fields: types.iter().map(field).collect(),
            number_rows,
            return_field: field(&return_type),
            config_options: Arc::new(ConfigOptions::default()),
        })
        .unwrap();
    assert_eq!(result.data_type(), return_type);
    result
}

fn structs(result: &ColumnarValue) -> StructArray {
    let ColumnarValue::Array(array) = result else {
        return result.to_array(1).unwrap().as_struct().clone();
    };
    array.as_struct().clone()
}

/// A field of type double, for each row.
pub(crate) fn numbers(result: &ColumnarValue, field: &str) -> Vec<Option<f64>> {
    structs(result).column_by_name(field).unwrap().as_primitive::<Float64Type>().iter().collect()
}

/// A field of type bigint, for each row.
pub(crate) fn counts(result: &ColumnarValue, field: &str) -> Vec<Option<i64>> {
    structs(result).column_by_name(field).unwrap().as_primitive::<Int64Type>().iter().collect()
}

/// A field of type text, for each row.
pub(crate) fn texts(result: &ColumnarValue, field: &str) -> Vec<Option<String>> {
    let structs = structs(result);
    let column = structs.column_by_name(field).unwrap().as_string::<i32>();
    column.iter().map(|text| text.map(str::to_owned)).collect()
}

/// A batch of rows, column by column.
pub(crate) fn float_batch(columns: &[&[Option<f64>]]) -> Vec<ArrayRef> {
    let array =
        |column: &&[Option<f64>]| -> ArrayRef { Arc::new(Float64Array::from(column.to_vec())) };
    columns.iter().map(array).collect()
}

/// A field of the struct that an aggregate returned.
pub(crate) fn field(result: &ScalarValue, name: &str) -> ScalarValue {
    let ScalarValue::Struct(structs) = result else { panic!("not a struct: {result}") };
    ScalarValue::try_from_array(structs.column_by_name(name).unwrap(), 0).unwrap()
}

/// The structs of the list that an aggregate returned.
pub(crate) fn items(result: &ScalarValue) -> Vec<ScalarValue> {
    let ScalarValue::List(list) = result else { panic!("not a list: {result}") };
    let structs = list.value(0);
    (0..structs.len()).map(|row| ScalarValue::try_from_array(&structs, row).unwrap()).collect()
}

/// A field of type double of a struct.
pub(crate) fn number(result: &ScalarValue, name: &str) -> Option<f64> {
    let ScalarValue::Float64(value) = field(result, name) else { panic!("{name} is no double") };
    value
}

/// A field of type text of a struct.
pub(crate) fn word(result: &ScalarValue, name: &str) -> Option<String> {
    let ScalarValue::Utf8(value) = field(result, name) else { panic!("{name} is no text") };
    value
}

/// Outcome, unit, time, and another number.
type PanelRow<'a> = (f64, &'a str, f64, Option<f64>);

/// A panel as columns: outcome, unit, time, and a fourth column of numbers.
pub(crate) fn panel_batch(rows: &[PanelRow<'_>]) -> Vec<ArrayRef> {
    let numbers = |get: fn(&PanelRow<'_>) -> Option<f64>| -> ArrayRef {
        Arc::new(rows.iter().map(get).collect::<Float64Array>())
    };
    let unit: StringArray = rows.iter().map(|row| Some(row.1)).collect();
    vec![numbers(|r| Some(r.0)), Arc::new(unit), numbers(|r| Some(r.2)), numbers(|r| r.3)]
}

/// Runs an aggregate over batches in the ways in which an engine may.
pub(crate) struct AggregateTester<A> {
    options: Options,
    return_type: DataType,
    function: PhantomData<fn() -> A>,
}

impl<A: Aggregate> AggregateTester<A> {
    /// A call that gives no option.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// A call with these options.
    pub(crate) fn with(given: &[(&str, ScalarValue)]) -> Self {
        let options = A::PARAMETERS.options_of(given).unwrap();
        let return_type = Udaf::<A>::new().return_type(&[]).unwrap();
        Self { options, return_type, function: PhantomData }
    }

    fn accumulator(&self) -> Box<dyn Accumulator> {
        Box::new(Collector::<A>::new(self.options.clone()))
    }

    fn groups(&self) -> Box<dyn GroupsAccumulator> {
        Box::new(Grouped::<A>::new(self.options.clone()))
    }

    fn evaluate(&self, mut accumulator: Box<dyn Accumulator>) -> ScalarValue {
        let result = accumulator.evaluate().unwrap();
        assert_eq!(result.data_type(), self.return_type);
        // Growing windows ask more than once.
        assert_eq!(accumulator.evaluate().unwrap(), result);
        result
    }

    /// One accumulator sees all batches.
    pub(crate) fn aggregate(&self, batches: &[Vec<ArrayRef>]) -> ScalarValue {
        let mut accumulator = self.accumulator();
        for batch in batches {
            accumulator.update_batch(batch).unwrap();
        }
        self.evaluate(accumulator)
    }

    /// Makes one state per batch and one of nothing, and merges them forwards, backwards, outwards from the middle,
    /// one by one and all at once: the result must always be that of [`Self::aggregate`]. The same
    /// batches then make up groups.
    pub(crate) fn check_merges(&self, batches: &[Vec<ArrayRef>]) {
        let expected = self.aggregate(batches);
        let mut states: Vec<Vec<ScalarValue>> = batches
            .iter()
            .map(|batch| {
                let mut accumulator = self.accumulator();
                accumulator.update_batch(batch).unwrap();
                accumulator.state().unwrap()
            })
            .collect();
        // A partition may have no rows.
        states.push(self.accumulator().state().unwrap());
        self.check_state_types(&states);

        let n = states.len();
        let forwards: Vec<usize> = (0..n).collect();
        let backwards = forwards.iter().rev().copied().collect();
        let mut outwards = forwards.clone();
        outwards.sort_by_key(|position| position.abs_diff(n / 2));
        for order in [forwards, backwards, outwards] {
            let mut one_by_one = self.accumulator();
            for &position in &order {
                let state = states[position].iter().map(|part| part.to_array().unwrap());
                one_by_one.merge_batch(&state.collect::<Vec<_>>()).unwrap();
            }
            assert_eq!(self.evaluate(one_by_one), expected, "merged one by one: {order:?}");

            let mut at_once = self.accumulator();
            let columns: Vec<ArrayRef> = (0..states[0].len())
                .map(|part| {
                    let column = order.iter().map(|&position| states[position][part].clone());
                    ScalarValue::iter_to_array(column).unwrap()
                })
                .collect();
            at_once.merge_batch(&columns).unwrap();
            assert_eq!(self.evaluate(at_once), expected, "merged at once: {order:?}");
        }
        self.check_groups(batches, &expected);
    }

    /// Three groups: all rows, none, and all rows again but for those that a filter stops, which is
    /// every second. Once in one stage, once through states, and once with the first groups gone
    /// before the last rows come.
    fn check_groups(&self, batches: &[Vec<ArrayRef>], expected: &ScalarValue) {
        let halved: Vec<Vec<ArrayRef>> = batches
            .iter()
            .map(|batch| {
                let n_rows = batch.first().map_or(0, |array| array.len());
                let every_second: BooleanArray =
                    (0..n_rows).map(|row| Some(row % 2 == 0)).collect();
                batch.iter().map(|array| filter(array, &every_second).unwrap()).collect()
            })
            .collect();
        let expected = [expected.clone(), self.aggregate(&[]), self.aggregate(&halved)];

        let add = |groups: &mut dyn GroupsAccumulator, batch: &[ArrayRef], group: usize| {
            let n_rows = batch.first().map_or(0, |array| array.len());
            let passes = (0..n_rows).map(|row| Some(group != 2 || row % 2 == 0));
            let passes: BooleanArray = passes.collect();
            groups.update_batch(batch, &vec![group; n_rows], Some(&passes), 3).unwrap();
        };
        let same = |array: &ArrayRef, expected: &[ScalarValue], how: &str| {
            assert_eq!(array.len(), expected.len(), "{how}");
            for (group, expected) in expected.iter().enumerate() {
                let result = ScalarValue::try_from_array(array, group).unwrap();
                assert_eq!(&result, expected, "group {group}, {how}");
            }
        };

        let mut direct = self.groups();
        let mut merged = self.groups();
        for batch in batches {
            let mut partial = self.groups();
            for group in [2, 0] {
                add(direct.as_mut(), batch, group);
                add(partial.as_mut(), batch, group);
            }
            let state = partial.state(EmitTo::All).unwrap();
            merged.merge_batch(&state, &[0, 1, 2], 3).unwrap();
            let single = direct.convert_to_state(batch, None).unwrap();
            assert_eq!(single[0].len(), batch[0].len());
        }
        assert!(direct.size() > 0);
        same(&merged.evaluate(EmitTo::All).unwrap(), &expected, "through states");
        let first = direct.evaluate(EmitTo::First(1)).unwrap();
        same(&first, &expected[..1], "the first group");
        same(&direct.evaluate(EmitTo::All).unwrap(), &expected[1..], "the others");
    }

    /// States must have the types that they were declared to have.
    fn check_state_types(&self, states: &[Vec<ScalarValue>]) {
        let return_field = Arc::new(Field::new("result", self.return_type.clone(), true));
        let declared = Udaf::<A>::new()
            .state_fields(StateFieldsArgs {
                name: "result",
                input_fields: &[],
                return_field,
                ordering_fields: &[],
                is_distinct: false,
            })
            .unwrap();
        for state in states {
            let types: Vec<DataType> = state.iter().map(ScalarValue::data_type).collect();
            let fields: Vec<&DataType> = declared.iter().map(|field| field.data_type()).collect();
            assert_eq!(types.iter().collect::<Vec<_>>(), fields);
        }
    }

    /// Slides a window of so many batches, as the engine does for `rows between n preceding and
    /// current row`: rows enter, rows leave, and the result must be that of the window alone.
    pub(crate) fn check_slides(&self, batches: &[Vec<ArrayRef>], width: usize) {
        let mut sliding = self.accumulator();
        assert!(sliding.supports_retract_batch());
        for end in 1..=batches.len() {
            sliding.update_batch(&batches[end - 1]).unwrap();
            if end > width {
                sliding.retract_batch(&batches[end - 1 - width]).unwrap();
            }
            let window = &batches[end.saturating_sub(width)..end];
            assert_eq!(sliding.evaluate().unwrap(), self.aggregate(window), "window to {end}");
        }
    }
}

/// Calls a window function over one partition, of which these are the columns, with these options.
pub(crate) fn over<W: Window>(
    columns: &[ArrayRef],
    options: &[(&str, ScalarValue)],
) -> ColumnarValue {
    let n_rows = columns.first().map_or(0, |column| column.len());
    let options = W::PARAMETERS.options_of(options).unwrap();
    // Options stand between the columns and are known by name alone.
    let positions: Vec<usize> = W::PARAMETERS.columns().map(|(position, ..)| position).collect();
    let last = positions.iter().zip(columns).map(|(position, _)| *position).max().unwrap_or(0);
    let nothing: ArrayRef = Arc::new(NullArray::new(n_rows));
    let mut arguments = vec![nothing; last + 1];
    for (position, column) in positions.iter().zip(columns) {
        arguments[*position] = Arc::clone(column);
    }
    let result = Evaluator::<W>::new(options).evaluate_all(&arguments, n_rows).unwrap();
    let noted = Series::of(&W::PARAMETERS).is_some();
    assert_eq!(result.data_type(), &struct_type::<W::Result>(noted));
    ColumnarValue::Array(result)
}

/// A column of text.
pub(crate) fn words(words: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(words.to_vec()))
}
