//! Figures of one row each.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, StringArray};
use arrow::datatypes::DataType;
use datafusion_common::cast::{as_float64_array, as_string_array};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use opeka_stats::Reason;

use crate::parameters::{Kind, Parameters};
use crate::row::{Row, struct_array, struct_type};

/// A method that is given one row at a time. Its options may differ from row to row.
pub(crate) trait Scalar: Send + Sync + 'static {
    const PARAMETERS: Parameters;
    type Result: Row;

    /// What is called for each row of a batch; it may keep what does not change between them.
    fn method() -> impl FnMut(&Arguments<'_>) -> Self::Result;

    fn documentation() -> &'static Documentation;
}

/// The arguments in one row, by their place among the parameters.
pub(crate) struct Arguments<'a> {
    columns: &'a [Argument<'a>],
    row: usize,
}

enum Argument<'a> {
    Numbers(&'a Float64Array),
    Words(&'a StringArray),
    Number(f64),
    Word(&'static str),
}

impl Arguments<'_> {
    pub(crate) fn number(&self, parameter: usize) -> f64 {
        match self.columns.get(parameter) {
            Some(Argument::Numbers(array)) => array.value(self.row),
            Some(Argument::Number(value)) => *value,
            _ => f64::NAN,
        }
    }

    pub(crate) fn word(&self, parameter: usize) -> &str {
        match self.columns.get(parameter) {
            Some(Argument::Words(array)) => array.value(self.row),
            Some(Argument::Word(word)) => word,
            _ => "",
        }
    }

    fn is_missing(&self, parameter: usize) -> bool {
        match self.columns.get(parameter) {
            Some(Argument::Numbers(array)) => array.is_null(self.row),
            Some(Argument::Words(array)) => array.is_null(self.row),
            _ => false,
        }
    }
}

/// A [`Scalar`] as the engine sees it.
pub(crate) struct Udf<S> {
    signature: Signature,
    function: PhantomData<fn() -> S>,
}

pub(crate) fn scalar<S: Scalar>() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Udf::<S>::new()))
}

impl<S: Scalar> Udf<S> {
    pub(crate) fn new() -> Self {
        Self { signature: S::PARAMETERS.signature(), function: PhantomData }
    }
}

/// What was given, or the default.
fn argument<'a>(kind: Kind, given: Option<&'a ArrayRef>) -> Result<Argument<'a>> {
    Ok(match (kind, given) {
        (kind, Some(array))
            if kind.is_numbers() || matches!(kind, Kind::NumberOption(_) | Kind::NumberOrNone) =>
        {
            Argument::Numbers(as_float64_array(array)?)
        }
        (_, Some(array)) => Argument::Words(as_string_array(array)?),
        (Kind::NumberOption(default), None) => Argument::Number(default),
        (Kind::Choice(words), None) => Argument::Word(words.first().copied().unwrap_or_default()),
        (_, None) => Argument::Number(f64::NAN),
    })
}

impl<S: Scalar> ScalarUDFImpl for Udf<S> {
    fn name(&self) -> &str {
        S::PARAMETERS.function
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        S::PARAMETERS.coerce(arg_types)
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(struct_type::<S::Result>(false))
    }

    /// A row with a `NULL` argument gets the empty result, with the argument named in its reason,
    /// and so does one in which a word is not among those that are known.
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let n_rows = arrays.first().map_or(args.number_rows, |array| array.len());
        let list = S::PARAMETERS.list;
        let columns: Vec<Argument<'_>> = list
            .iter()
            .enumerate()
            .map(|(n, (_, kind))| argument(*kind, arrays.get(n)))
            .collect::<Result<_>>()?;

        let mut method = S::method();
        let result = |row: usize| {
            let arguments = Arguments { columns: &columns, row };
            for (n, (name, kind)) in list.iter().enumerate() {
                if arguments.is_missing(n) {
                    return S::Result::unknown(Reason::missing(name));
                }
                if let Kind::Choice(words) = kind
                    && !words.contains(&arguments.word(n))
                {
                    let known = words.join("`, `");
                    let why = format!("{name} is `{}` (it must be `{known}`)", arguments.word(n));
                    return S::Result::unknown(Reason::because(why));
                }
            }
            method(&arguments)
        };
        let rows: Vec<S::Result> = (0..n_rows).map(result).collect();
        let result: ArrayRef = Arc::new(struct_array::<S::Result, _>(&rows, None)?);
        if constant {
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?))
        } else {
            Ok(ColumnarValue::Array(result))
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(S::documentation())
    }
}

impl<S: Scalar> fmt::Debug for Udf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(S::PARAMETERS.function)
    }
}

impl<S> PartialEq for Udf<S> {
    fn eq(&self, other: &Self) -> bool {
        self.signature == other.signature
    }
}

impl<S> Eq for Udf<S> {}

impl<S: Scalar> Hash for Udf<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        S::PARAMETERS.function.hash(state);
    }
}
