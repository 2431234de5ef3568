//! Figures of many rows: methods that need all of them at once.
//!
//! Medians of pairs, permutations and panel estimators have no running sums to keep. Their
//! accumulator keeps the rows in which no column is `NULL`; the method itself sees to it that the
//! order of rows does not matter. One accumulator serves a window, one serves many groups.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::mem::size_of_val;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, ScalarValue, internal_err, not_impl_err, plan_err};
use datafusion_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator,
    Signature,
};
use opeka_stats::Reason;

use crate::parameters::{Options, Parameters};
use crate::row::Answer;
use crate::rows::{Batch, Rows, list_types};
use crate::series::Series;

/// A method that is given all rows of a group.
pub(crate) trait Aggregate: Send + Sync + 'static {
    const PARAMETERS: Parameters;
    /// A [`crate::row::Row`], or [`crate::row::Many`] of them.
    type Result: Answer;

    /// The columns of `rows` are those of the parameters, in their order; a column of options is
    /// not among them. Rows in which a column is `NULL` have been left out.
    fn calculate(rows: &Rows, options: &Options) -> Self::Result;

    fn documentation() -> &'static Documentation;
}

/// An [`Aggregate`] as the engine sees it.
pub(crate) struct Udaf<A> {
    signature: Signature,
    function: PhantomData<fn() -> A>,
}

pub(crate) fn aggregate<A: Aggregate>() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(Udaf::<A>::new()))
}

impl<A: Aggregate> Udaf<A> {
    pub(crate) fn new() -> Self {
        Self { signature: A::PARAMETERS.signature(), function: PhantomData }
    }
}

impl<A: Aggregate> AggregateUDFImpl for Udaf<A> {
    fn name(&self) -> &str {
        A::PARAMETERS.function
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        A::PARAMETERS.coerce(arg_types)
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(A::Result::data_type(Series::of(&A::PARAMETERS).is_some()))
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Collector::<A>::new(options_of::<A>(&args)?)))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Grouped::<A>::new(options_of::<A>(&args)?)))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let field = |(column, list): (&str, DataType)| {
            Arc::new(Field::new(format_state_name(args.name, column), list, true))
        };
        Ok(list_types(&A::PARAMETERS).into_iter().map(field).collect())
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    /// An empty window frame says why it has no figure, as an empty group does.
    fn default_value(&self, _data_type: &DataType) -> Result<ScalarValue> {
        let method = Method::<A>::new(A::PARAMETERS.default_options());
        method.scalar(&Rows::new(&A::PARAMETERS))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(A::documentation())
    }
}

impl<A: Aggregate> fmt::Debug for Udaf<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(A::PARAMETERS.function)
    }
}

impl<A> PartialEq for Udaf<A> {
    fn eq(&self, other: &Self) -> bool {
        self.signature == other.signature
    }
}

impl<A> Eq for Udaf<A> {}

impl<A: Aggregate> Hash for Udaf<A> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        A::PARAMETERS.function.hash(state);
    }
}

/// The options of a call, which must be one that the method can answer.
fn options_of<A: Aggregate>(args: &AccumulatorArgs) -> Result<Options> {
    if args.is_distinct {
        let name = A::PARAMETERS.function;
        return plan_err!("`{name}` does not take `distinct`: equal rows all count");
    }
    A::PARAMETERS.options(args.exprs)
}

/// A method with the options of a call.
struct Method<A> {
    options: Options,
    /// An option that was given as `NULL`.
    missing: Option<&'static str>,
    series: Option<Series>,
    method: PhantomData<fn() -> A>,
}

impl<A: Aggregate> Method<A> {
    fn new(options: Options) -> Self {
        let missing = options.missing(&A::PARAMETERS);
        Self { options, missing, series: Series::of(&A::PARAMETERS), method: PhantomData }
    }

    /// The result for the rows of one group; `kept` is space for those that belong to the series.
    fn call(&self, rows: &Rows, kept: &mut Rows) -> (A::Result, Option<String>) {
        if let Some(option) = self.missing {
            return (A::Result::refused(Reason::missing(option)), None);
        }
        match self.series.as_ref().and_then(|series| series.select(rows)) {
            None => (A::calculate(rows, &self.options), None),
            Some((selected, note)) => {
                kept.take(rows, &selected);
                (A::calculate(kept, &self.options), Some(note))
            }
        }
    }

    fn scalar(&self, rows: &Rows) -> Result<ScalarValue> {
        let (result, note) = self.call(rows, &mut Rows::new(&A::PARAMETERS));
        let notes = [note];
        let array = Answer::array(&[result], self.series.is_some().then_some(&notes[..]))?;
        ScalarValue::try_from_array(&array, 0)
    }
}

/// Collects the rows of one group or one window.
pub(crate) struct Collector<A> {
    method: Method<A>,
    rows: Rows,
}

impl<A: Aggregate> Collector<A> {
    pub(crate) fn new(options: Options) -> Self {
        Self { method: Method::new(options), rows: Rows::new(&A::PARAMETERS) }
    }
}

impl<A: Aggregate> Accumulator for Collector<A> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let batch = Batch::of(&A::PARAMETERS, values)?;
        self.rows.push(&batch, &batch.kept(self.method.series.as_ref()))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let all: Vec<u32> = (0..self.rows.len() as u32).collect();
        let lists = self.rows.to_lists(&all, &[all.len()])?;
        lists.iter().map(|list| ScalarValue::try_from_array(list, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.rows.push_lists(states).map(drop)
    }

    /// May be called again as a window grows, so it leaves the state as it is.
    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.method.scalar(&self.rows)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.rows.size()
    }

    /// Rows leave a sliding window in the order in which they came, so each is found at once.
    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let batch = Batch::of(&A::PARAMETERS, values)?;
        for row in batch.kept(self.method.series.as_ref()) {
            let Some(position) = self.rows.find(&batch, row)? else {
                return internal_err!("a row leaves a window that it never entered");
            };
            self.rows.remove(position);
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }
}

impl<A: Aggregate> fmt::Debug for Collector<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(A::PARAMETERS.function).field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// Collects the rows of many groups in one place: a row and the number of its group.
pub(crate) struct Grouped<A> {
    method: Method<A>,
    rows: Rows,
    groups: Vec<u32>,
    n_groups: usize,
}

impl<A: Aggregate> Grouped<A> {
    pub(crate) fn new(options: Options) -> Self {
        let rows = Rows::new(&A::PARAMETERS);
        Self { method: Method::new(options), rows, groups: Vec::new(), n_groups: 0 }
    }

    /// The rows of the first groups, group by group in the order in which they came, and how many
    /// rows each has.
    fn sorted(&self, n_groups: usize) -> (Vec<u32>, Vec<usize>) {
        let mut lengths = vec![0usize; n_groups];
        let count = |lengths: &mut Vec<usize>, group: &u32| {
            if let Some(length) = lengths.get_mut(*group as usize) {
                *length += 1;
            }
        };
        self.groups.iter().for_each(|group| count(&mut lengths, group));
        let mut next: Vec<usize> = lengths
            .iter()
            .scan(0, |start, length| {
                let this = *start;
                *start += length;
                Some(this)
            })
            .collect();
        let mut order = vec![0u32; lengths.iter().sum()];
        for (row, group) in (0u32..).zip(&self.groups) {
            if let Some(place) = next.get_mut(*group as usize) {
                order[*place] = row;
                *place += 1;
            }
        }
        (order, lengths)
    }

    fn emitted(&self, emit_to: EmitTo) -> usize {
        match emit_to {
            EmitTo::All => self.n_groups,
            EmitTo::First(n) => n.min(self.n_groups),
        }
    }

    /// Forgets the first groups, and numbers those that stay from zero.
    fn forget(&mut self, n_groups: usize) {
        let stays: Vec<u32> = (0u32..)
            .zip(&self.groups)
            .filter(|(_, group)| **group as usize >= n_groups)
            .map(|(row, _)| row)
            .collect();
        let mut rows = Rows::new(&A::PARAMETERS);
        rows.take(&self.rows, &stays);
        self.rows = rows;
        self.groups = stays
            .iter()
            .filter_map(|row| self.groups.get(*row as usize))
            .map(|group| group - n_groups as u32)
            .collect();
        self.n_groups -= n_groups;
    }

    fn add(&mut self, groups: impl Iterator<Item = usize>, total: usize) -> Result<()> {
        if total > u32::MAX as usize || self.rows.len() > u32::MAX as usize {
            let name = A::PARAMETERS.function;
            return not_impl_err!("`{name}` over more than 4,294,967,295 rows in one partition");
        }
        self.groups.extend(groups.map(|group| group as u32));
        self.n_groups = self.n_groups.max(total);
        Ok(())
    }
}

impl<A: Aggregate> GroupsAccumulator for Grouped<A> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let batch = Batch::of(&A::PARAMETERS, values)?;
        let passes = |row: &usize| {
            opt_filter.is_none_or(|filter| filter.is_valid(*row) && filter.value(*row))
        };
        let mut complete = batch.kept(self.method.series.as_ref());
        complete.retain(passes);
        self.rows.push(&batch, &complete)?;
        self.add(complete.iter().map(|row| group_indices[*row]), total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let n_groups = self.emitted(emit_to);
        let (order, lengths) = self.sorted(n_groups);
        let mut group = Rows::new(&A::PARAMETERS);
        let mut kept = Rows::new(&A::PARAMETERS);
        let (mut results, mut notes) = (Vec::with_capacity(n_groups), Vec::new());
        let mut start = 0;
        for length in lengths {
            group.take(&self.rows, &order[start..start + length]);
            start += length;
            let (result, note) = self.method.call(&group, &mut kept);
            results.push(result);
            if self.method.series.is_some() {
                notes.push(note);
            }
        }
        self.forget(n_groups);
        let notes = self.method.series.is_some().then_some(&notes[..]);
        Answer::array(&results, notes)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let n_groups = self.emitted(emit_to);
        let (order, lengths) = self.sorted(n_groups);
        let lists = self.rows.to_lists(&order, &lengths)?;
        self.forget(n_groups);
        Ok(lists)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        let lengths = self.rows.push_lists(values)?;
        let groups = lengths.iter().zip(group_indices);
        let groups = groups.flat_map(|(length, group)| std::iter::repeat_n(*group, *length));
        self.add(groups, total_num_groups)
    }

    /// A state of one row each, for an input that hardly groups.
    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let mut single = Self::new(self.method.options.clone());
        let n_rows = values.first().map_or(0, |array| array.len());
        let groups: Vec<usize> = (0..n_rows).collect();
        single.update_batch(values, &groups, opt_filter, n_rows)?;
        GroupsAccumulator::state(&mut single, EmitTo::All)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.rows.size() + self.groups.capacity() * size_of::<u32>()
    }
}
