//! Figures of one row each that depend on the whole partition: adjusted p-values, positions.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, internal_err};
use datafusion_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion_expr::{
    Documentation, LimitEffect, PartitionEvaluator, Signature, WindowUDF, WindowUDFImpl,
};
use datafusion_physical_expr_common::physical_expr::PhysicalExpr;
use opeka_stats::Reason;

use crate::parameters::{Options, Parameters};
use crate::row::{Row, struct_array, struct_type};
use crate::rows::{Batch, Rows};
use crate::series::Series;

/// A method that is given all rows of a partition, and answers for each of them.
pub(crate) trait Window: Send + Sync + 'static {
    const PARAMETERS: Parameters;
    type Result: Row;

    /// As many results as there are rows, in their order. Rows in which a column is `NULL` have
    /// been left out; they get a result that says so.
    fn calculate(rows: &Rows, options: &Options) -> Vec<Self::Result>;

    fn documentation() -> &'static Documentation;
}

/// A [`Window`] as the engine sees it.
pub(crate) struct Udwf<W> {
    signature: Signature,
    function: PhantomData<fn() -> W>,
}

pub(crate) fn window<W: Window>() -> Arc<WindowUDF> {
    Arc::new(WindowUDF::from(Udwf::<W>::new()))
}

impl<W: Window> Udwf<W> {
    pub(crate) fn new() -> Self {
        Self { signature: W::PARAMETERS.signature(), function: PhantomData }
    }
}

impl<W: Window> WindowUDFImpl for Udwf<W> {
    fn name(&self) -> &str {
        W::PARAMETERS.function
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        W::PARAMETERS.coerce(arg_types)
    }

    fn partition_evaluator(
        &self,
        args: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        let options = W::PARAMETERS.options(args.input_exprs())?;
        Ok(Box::new(Evaluator::<W>::new(options)))
    }

    fn field(&self, field_args: WindowUDFFieldArgs) -> Result<FieldRef> {
        let data_type = struct_type::<W::Result>(Series::of(&W::PARAMETERS).is_some());
        Ok(Arc::new(Field::new(field_args.name(), data_type, true)))
    }

    /// A row's figure depends on rows that a limit would leave out.
    fn limit_effect(&self, _args: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        LimitEffect::Unknown
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(W::documentation())
    }
}

impl<W: Window> fmt::Debug for Udwf<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(W::PARAMETERS.function)
    }
}

impl<W> PartialEq for Udwf<W> {
    fn eq(&self, other: &Self) -> bool {
        self.signature == other.signature
    }
}

impl<W> Eq for Udwf<W> {}

impl<W: Window> Hash for Udwf<W> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        W::PARAMETERS.function.hash(state);
    }
}

pub(crate) struct Evaluator<W> {
    options: Options,
    function: PhantomData<fn() -> W>,
}

impl<W> Evaluator<W> {
    pub(crate) fn new(options: Options) -> Self {
        Self { options, function: PhantomData }
    }
}

impl<W: Window> PartitionEvaluator for Evaluator<W> {
    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        let batch = Batch::of(&W::PARAMETERS, values)?;
        let series = Series::of(&W::PARAMETERS);
        let missing_option = self.options.missing(&W::PARAMETERS);
        let kept = batch.kept(series.as_ref());
        let mut rows = Rows::new(&W::PARAMETERS);
        rows.push(&batch, &kept)?;

        let mut known: Vec<Option<W::Result>> = (0..num_rows).map(|_| None).collect();
        let pieces = series.as_ref().and_then(|series| series.pieces(&rows));
        let (pieces, note) = match pieces {
            Some((pieces, note)) => (pieces, Some(note)),
            None => (vec![(0..kept.len() as u32).collect()], None),
        };
        if missing_option.is_none() {
            let mut part = Rows::new(&W::PARAMETERS);
            for piece in &pieces {
                part.take(&rows, piece);
                let results = W::calculate(&part, &self.options);
                if results.len() != piece.len() {
                    let name = W::PARAMETERS.function;
                    return internal_err!(
                        "{} results of `{name}` for {} rows",
                        results.len(),
                        piece.len()
                    );
                }
                for (row, result) in piece.iter().zip(results) {
                    known[kept[*row as usize]] = Some(result);
                }
            }
        }
        let unknown = |row: usize| {
            let missing = missing_option.or_else(|| batch.missing(&W::PARAMETERS, row));
            W::Result::unknown(match missing {
                Some(name) => Reason::missing(name),
                None => Reason::because("the point is a forecast"),
            })
        };
        let results: Vec<W::Result> = known
            .into_iter()
            .enumerate()
            .map(|(row, result)| result.unwrap_or_else(|| unknown(row)))
            .collect();
        let notes = series.map(|_| vec![note; num_rows]);
        Ok(Arc::new(struct_array::<W::Result, _>(&results, notes.as_deref())?))
    }
}

impl<W: Window> fmt::Debug for Evaluator<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(W::PARAMETERS.function)
    }
}
