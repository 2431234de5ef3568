//! Parameters of a function: names, defaults, coercion, and the loop over rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use datafusion_common::cast::as_float64_array;
use datafusion_common::{Result, ScalarValue, internal_err, plan_err};
use datafusion_expr::function::AccumulatorArgs;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs, Signature, Volatility};

use crate::row::{Row, struct_array};

/// The parameters of a function, all of them numbers.
#[derive(Debug)]
pub(crate) struct Parameters {
    pub(crate) function: &'static str,
    pub(crate) required: &'static [&'static str],
    /// These follow the required ones and may be left out.
    pub(crate) optional: &'static [(&'static str, f64)],
}

impl Parameters {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.required.iter().copied().chain(self.optional.iter().map(|(name, _)| *name))
    }

    /// Calls may name their arguments. The types are checked by [`Self::coerce`], because
    /// DataFusion's own message would print the signature instead of saying what to do.
    pub(crate) fn signature(&self) -> Signature {
        Signature {
            parameter_names: Some(self.names().map(str::to_owned).collect()),
            ..Signature::user_defined(Volatility::Immutable)
        }
    }

    /// Numbers of any type become 64-bit floats; an untyped `NULL` is a number too.
    pub(crate) fn coerce(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let (least, most) = (self.required.len(), self.required.len() + self.optional.len());
        if !(least..=most).contains(&types.len()) {
            let count =
                if least == most { format!("{most}") } else { format!("{least} to {most}") };
            let names: Vec<&str> = self.names().collect();
            return plan_err!(
                "`{}` takes {count} arguments ({}), not {}",
                self.function,
                names.join(", "),
                types.len()
            );
        }
        for (name, data_type) in self.names().zip(types) {
            if !data_type.is_numeric() && !data_type.is_null() {
                return plan_err!(
                    "argument `{name}` of `{}` must be a number, not {data_type}; \
                     hint: cast it, as in `cast({name} as double)`",
                    self.function
                );
            }
        }
        Ok(vec![DataType::Float64; types.len()])
    }

    /// Calls a method for each row, with defaults for what was left out.
    ///
    /// `N` is the number of parameters. A row with a `NULL` argument gets the method's empty
    /// result, with the argument named in its reason.
    pub(crate) fn invoke<const N: usize, R: Row>(
        &self,
        args: ScalarFunctionArgs,
        method: impl Fn([f64; N]) -> R,
    ) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let columns: Vec<&Float64Array> =
            arrays.iter().map(|array| as_float64_array(array)).collect::<Result<_>>()?;
        let n_rows = columns.first().map_or(args.number_rows, |column| column.len());

        let mut values = [f64::NAN; N];
        if self.required.len() + self.optional.len() != N || columns.len() > N {
            return internal_err!("`{}` has other parameters than its method", self.function);
        }
        for (value, (_, default)) in values[self.required.len()..].iter_mut().zip(self.optional) {
            *value = *default;
        }
        let rows: Vec<R> = (0..n_rows)
            .map(|row| {
                for ((value, column), name) in values.iter_mut().zip(&columns).zip(self.names()) {
                    if column.is_null(row) {
                        return R::missing(name);
                    }
                    *value = column.value(row);
                }
                method(values)
            })
            .collect();

        let result: ArrayRef = Arc::new(struct_array(&rows)?);
        if constant {
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?))
        } else {
            Ok(ColumnarValue::Array(result))
        }
    }

    /// The value of an aggregate's optional parameter, which must be the same for all rows.
    ///
    /// `None` where it was given as `NULL`; the default where it was not given.
    pub(crate) fn constant(&self, args: &AccumulatorArgs, name: &str) -> Result<Option<f64>> {
        let Some(position) = self.names().position(|known| known == name) else {
            return internal_err!("`{}` has no parameter `{name}`", self.function);
        };
        let Some(expr) = args.exprs.get(position) else {
            return match self.optional.iter().find(|(known, _)| *known == name) {
                Some((_, default)) => Ok(Some(*default)),
                None => internal_err!("`{}` has no default for `{name}`", self.function),
            };
        };
        // Only an expression without columns can be evaluated over a table without columns.
        let nothing = RecordBatch::new_empty(Arc::new(Schema::empty()));
        match expr.evaluate(&nothing) {
            Ok(ColumnarValue::Scalar(ScalarValue::Float64(value))) => Ok(value),
            _ => plan_err!("argument `{name}` of `{}` must be a constant number", self.function),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: Parameters = Parameters {
        function: "area",
        required: &["width", "height"],
        optional: &[("scale", 1.0)],
    };

    #[test]
    fn any_number_becomes_a_float() {
        let types = [DataType::Int32, DataType::Decimal128(10, 2), DataType::Null];
        assert_eq!(PARAMETERS.coerce(&types).unwrap(), vec![DataType::Float64; 3]);
        assert_eq!(PARAMETERS.coerce(&types[..2]).unwrap().len(), 2);
    }

    #[test]
    fn messages_say_what_to_do() {
        let text = |types: &[DataType]| {
            PARAMETERS.coerce(types).unwrap_err().strip_backtrace().to_string()
        };
        assert_eq!(
            text(&[DataType::Int32]),
            "Error during planning: `area` takes 2 to 3 arguments (width, height, scale), not 1"
        );
        assert_eq!(
            text(&[DataType::Int32, DataType::Utf8]),
            "Error during planning: argument `height` of `area` must be a number, not Utf8; \
             hint: cast it, as in `cast(height as double)`"
        );
    }
}
