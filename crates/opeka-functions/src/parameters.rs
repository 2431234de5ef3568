//! Parameters of a function: names, kinds, defaults, coercion, and the values of options.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use datafusion_common::{Result, ScalarValue, internal_err, plan_err};
use datafusion_expr::{ColumnarValue, Signature, Volatility};
use datafusion_physical_expr_common::physical_expr::PhysicalExpr;

use crate::lists::{list_at, list_of_numbers};

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A column of numbers.
    Number,
    /// A column of numbers in which `NULL` is kept: a row that is not there would make the figure
    /// wrong, so that the method must see it. See [`crate::rows::Rows::whole`].
    NumberOrNull,
    /// As above, for a column that may be left out. See [`crate::rows::Rows::given`].
    NumberOrNothing,
    /// A column of true and false, or of 1 and 0, in which `NULL` is kept: it is not known.
    FlagOrNull,
    /// As above, for a column that may be left out.
    FlagOrNothing,
    /// A column of lists of numbers that may be left out, such as `[poverty, migration]`; a single
    /// number is a list of one. See [`crate::rows::Rows::list`].
    NumbersOrNothing,
    /// A column of text, such as a season or a region; numbers and booleans are taken as text.
    Text,
    /// A column of text that may be left out, and in which `NULL` says nothing.
    TextOrNothing,
    /// A number that is the same for all rows, with its default.
    NumberOption(f64),
    /// As above, where the default is to have none.
    NumberOrNone,
    /// A list of numbers that is the same for all rows; the default is to have none.
    NumbersOrNone,
    /// One of these words, the same for all rows; the first is the default.
    Choice(&'static [&'static str]),
    /// A text that is the same for all rows; the default is to have none.
    TextOrNone,
    /// True or false, the same for all rows.
    Flag(bool),
}

impl Kind {
    /// Columns are collected from the rows; options are known before the first row.
    fn is_column(self) -> bool {
        matches!(
            self,
            Self::Number
                | Self::NumberOrNull
                | Self::NumberOrNothing
                | Self::FlagOrNull
                | Self::FlagOrNothing
                | Self::NumbersOrNothing
                | Self::Text
                | Self::TextOrNothing
        )
    }

    /// Columns of numbers; the others are columns of words.
    pub(crate) fn is_numbers(self) -> bool {
        matches!(
            self,
            Self::Number
                | Self::NumberOrNull
                | Self::NumberOrNothing
                | Self::FlagOrNull
                | Self::FlagOrNothing
        )
    }

    /// Columns of lists of numbers.
    pub(crate) fn is_lists(self) -> bool {
        matches!(self, Self::NumbersOrNothing)
    }

    /// A row in which such a column is `NULL` is left out.
    pub(crate) fn is_needed(self) -> bool {
        matches!(self, Self::Number | Self::Text)
    }

    fn is_required(self) -> bool {
        matches!(self, Self::Number | Self::NumberOrNull | Self::FlagOrNull | Self::Text)
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Number
            | Self::NumberOrNull
            | Self::NumberOrNothing
            | Self::FlagOrNull
            | Self::FlagOrNothing
            | Self::NumberOption(_)
            | Self::NumberOrNone => DataType::Float64,
            Self::NumbersOrNothing | Self::NumbersOrNone => list_of_numbers(),
            Self::Flag(_) => DataType::Boolean,
            Self::Text | Self::TextOrNothing | Self::Choice(_) | Self::TextOrNone => DataType::Utf8,
        }
    }

    /// What an argument must be, and how to make it so; `None` where this type will do.
    fn refuses(self, data_type: &DataType) -> Option<(&'static str, &'static str)> {
        let text =
            |d: &DataType| matches!(d, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        if data_type.is_null() {
            return None;
        }
        match self {
            Self::Number
            | Self::NumberOrNull
            | Self::NumberOrNothing
            | Self::NumberOption(_)
            | Self::NumberOrNone => (!data_type.is_numeric()).then_some(("a number", "double")),
            Self::FlagOrNull | Self::FlagOrNothing => {
                let fits = data_type.is_numeric() || data_type == &DataType::Boolean;
                (!fits).then_some(("true or false, or 1 or 0", "boolean"))
            }
            Self::NumbersOrNothing | Self::NumbersOrNone => {
                let fits = match data_type {
                    DataType::List(item)
                    | DataType::LargeList(item)
                    | DataType::FixedSizeList(item, _) => {
                        item.data_type().is_numeric() || item.data_type().is_null()
                    }
                    other => other.is_numeric(),
                };
                (!fits).then_some(("a list of numbers such as `[a, b]`", "double"))
            }
            Self::Flag(_) => {
                (data_type != &DataType::Boolean).then_some(("true or false", "boolean"))
            }
            Self::Choice(_) | Self::TextOrNone | Self::TextOrNothing => {
                (!text(data_type)).then_some(("text", "varchar"))
            }
            Self::Text => {
                let plain = text(data_type)
                    || data_type.is_numeric()
                    || matches!(data_type, DataType::Boolean | DataType::Date32);
                (!plain).then_some(("text", "varchar"))
            }
        }
    }

    /// The default as SQL would write it; `None` for what must be given.
    fn default_sql(self) -> Option<String> {
        match self {
            Self::Number | Self::NumberOrNull | Self::FlagOrNull | Self::Text => None,
            Self::NumberOrNothing
            | Self::FlagOrNothing
            | Self::NumbersOrNothing
            | Self::TextOrNothing
            | Self::NumberOrNone
            | Self::NumbersOrNone
            | Self::TextOrNone => Some("NULL".to_owned()),
            Self::NumberOption(value) => Some(value.to_string()),
            Self::Choice(words) => {
                Some(words.first().map_or("NULL".to_owned(), |word| format!("'{word}'")))
            }
            Self::Flag(value) => Some(value.to_string()),
        }
    }
}

/// The parameters of a function, in order: columns that must be given, then options; a column that
/// may be left out comes last.
#[derive(Debug)]
pub(crate) struct Parameters {
    pub(crate) function: &'static str,
    pub(crate) list: &'static [(&'static str, Kind)],
}

/// The name of the column that says which points belong together: see [`crate::series`].
pub(crate) const STATUS: (&str, Kind) = ("status", Kind::TextOrNothing);

impl Parameters {
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.list.iter().map(|(name, _)| *name)
    }

    /// Name and default of each parameter, as SQL would write it.
    pub(crate) fn defaults(&self) -> Vec<(&'static str, Option<String>)> {
        self.list.iter().map(|(name, kind)| (*name, kind.default_sql())).collect()
    }

    #[cfg(test)]
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.names().position(|known| known == name)
    }

    /// The columns that are collected: position among the arguments, name and kind.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (usize, &'static str, Kind)> {
        let numbered = self.list.iter().enumerate();
        numbered
            .filter(|(_, (_, kind))| kind.is_column())
            .map(|(n, (name, kind))| (n, *name, *kind))
    }

    /// Calls may name their arguments. The types are checked by [`Self::coerce`], because
    /// DataFusion's own message would print the signature instead of saying what to do.
    pub(crate) fn signature(&self) -> Signature {
        Signature {
            parameter_names: Some(self.names().map(str::to_owned).collect()),
            ..Signature::user_defined(Volatility::Immutable)
        }
    }

    /// Numbers of any type become 64-bit floats; an untyped `NULL` is of any kind.
    pub(crate) fn coerce(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let least = self.list.iter().filter(|(_, kind)| kind.is_required()).count();
        let most = self.list.len();
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
        for ((name, kind), data_type) in self.list.iter().zip(types) {
            if let Some((due, cast)) = kind.refuses(data_type) {
                return plan_err!(
                    "argument `{name}` of `{}` must be {due}, not {data_type}; \
                     hint: cast it: `cast(… as {cast})`",
                    self.function
                );
            }
        }
        Ok(self.list.iter().take(types.len()).map(|(_, kind)| kind.data_type()).collect())
    }

    /// The values of the options, from the expressions of a call.
    pub(crate) fn options(&self, exprs: &[Arc<dyn PhysicalExpr>]) -> Result<Options> {
        let mut values = Vec::new();
        for (position, (name, kind)) in self.list.iter().enumerate() {
            let value = match exprs.get(position) {
                Some(expr) if kind.is_column() => OptionValue::Column { nothing: is_null(expr) },
                Some(expr) => self.option(name, *kind, Some(self.constant(name, *kind, expr)?))?,
                None => self.option(name, *kind, None)?,
            };
            values.push((*name, value));
        }
        Ok(Options { values })
    }

    /// Only an expression without columns can be evaluated over a table without columns.
    fn constant(
        &self,
        name: &str,
        kind: Kind,
        expr: &Arc<dyn PhysicalExpr>,
    ) -> Result<ScalarValue> {
        let nothing = RecordBatch::new_empty(Arc::new(Schema::empty()));
        let value = match expr.evaluate(&nothing) {
            Ok(ColumnarValue::Scalar(value)) => value,
            _ => {
                let due = match kind {
                    Kind::Flag(_) => "true or false",
                    Kind::Choice(_) | Kind::TextOrNone => "text",
                    Kind::NumbersOrNone => "list of numbers",
                    _ => "number",
                };
                return plan_err!(
                    "argument `{name}` of `{}` must be a constant {due}",
                    self.function
                );
            }
        };
        value.cast_to(&kind.data_type())
    }

    /// An option's value, or its default.
    fn option(&self, name: &str, kind: Kind, given: Option<ScalarValue>) -> Result<OptionValue> {
        if kind.is_column() {
            return Ok(OptionValue::Column { nothing: false });
        }
        Ok(match (kind, given) {
            (Kind::NumbersOrNone, None) => OptionValue::Numbers(None),
            (Kind::NumbersOrNone, Some(ScalarValue::List(list))) => {
                OptionValue::Numbers(list_at(&list, 0)?.map(Vec::from))
            }
            (Kind::NumberOption(default), None) => OptionValue::Number(Some(default)),
            (Kind::NumberOrNone, None) => OptionValue::Number(None),
            (Kind::NumberOption(_) | Kind::NumberOrNone, Some(ScalarValue::Float64(value))) => {
                OptionValue::Number(value)
            }
            (Kind::Flag(default), None) => OptionValue::Flag(Some(default)),
            (Kind::Flag(_), Some(ScalarValue::Boolean(value))) => OptionValue::Flag(value),
            (Kind::Choice(words), None) => OptionValue::Choice(words.first().copied()),
            (Kind::Choice(_), Some(ScalarValue::Utf8(None))) => OptionValue::Choice(None),
            (Kind::Choice(words), Some(ScalarValue::Utf8(Some(value)))) => {
                let Some(word) = words.iter().find(|word| **word == value) else {
                    let known: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
                    return plan_err!(
                        "argument `{name}` of `{}` must be one of {}, not '{value}'",
                        self.function,
                        known.join(", ")
                    );
                };
                OptionValue::Choice(Some(word))
            }
            (Kind::TextOrNone, None) => OptionValue::Text(None),
            (Kind::TextOrNone, Some(ScalarValue::Utf8(value))) => OptionValue::Text(value),
            (_, value) => {
                return internal_err!("`{name}` of `{}` is {value:?}", self.function);
            }
        })
    }

    /// The options of a call that gives none.
    pub(crate) fn default_options(&self) -> Options {
        self.options(&[]).unwrap_or(Options { values: Vec::new() })
    }

    /// The options of a call that gives these.
    #[cfg(test)]
    pub(crate) fn options_of(&self, given: &[(&str, ScalarValue)]) -> Result<Options> {
        let unknown = |name: &str| self.position(name).is_none();
        assert!(!given.iter().any(|(name, _)| unknown(name)), "{given:?}");
        let value = |(name, kind): &(&'static str, Kind)| {
            let given = given.iter().find(|(known, _)| known == name);
            let given = given.map(|(_, value)| value.cast_to(&kind.data_type())).transpose()?;
            Ok((*name, self.option(name, *kind, given)?))
        };
        Ok(Options { values: self.list.iter().map(value).collect::<Result<_>>()? })
    }
}

/// Whether an argument is a literal `NULL` and not a column in which all happen to be.
fn is_null(expr: &Arc<dyn PhysicalExpr>) -> bool {
    let nothing = RecordBatch::new_empty(Arc::new(Schema::empty()));
    matches!(expr.evaluate(&nothing), Ok(ColumnarValue::Scalar(value)) if value.is_null())
}

#[derive(Clone, Debug)]
enum OptionValue {
    /// Not an option; `nothing` is a literal `NULL`, which is as good as leaving it out.
    Column {
        nothing: bool,
    },
    Number(Option<f64>),
    Numbers(Option<Vec<f64>>),
    Choice(Option<&'static str>),
    Text(Option<String>),
    Flag(Option<bool>),
}

/// The values of a call's options: what was given, or the defaults.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    values: Vec<(&'static str, OptionValue)>,
}

impl Options {
    fn get(&self, name: &str) -> Option<&OptionValue> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The first option that was given as `NULL` although it has a default.
    pub(crate) fn missing(&self, parameters: &Parameters) -> Option<&'static str> {
        let missing = |(name, kind): &&(&'static str, Kind)| {
            let has_default = !matches!(kind, Kind::NumberOrNone | Kind::TextOrNone);
            let none = matches!(
                self.get(name),
                Some(
                    OptionValue::Number(None) | OptionValue::Choice(None) | OptionValue::Flag(None)
                )
            );
            has_default && none
        };
        parameters.list.iter().find(missing).map(|(name, _)| *name)
    }

    /// A number with a default; `NaN`, which every method refuses, where there is none.
    pub(crate) fn number(&self, name: &str) -> f64 {
        self.number_or_none(name).unwrap_or(f64::NAN)
    }

    pub(crate) fn number_or_none(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            Some(OptionValue::Number(value)) => *value,
            _ => None,
        }
    }

    /// The list of a [`Kind::NumbersOrNone`].
    pub(crate) fn numbers_or_none(&self, name: &str) -> Option<&[f64]> {
        match self.get(name) {
            Some(OptionValue::Numbers(value)) => value.as_deref(),
            _ => None,
        }
    }

    /// One of the words of a [`Kind::Choice`].
    pub(crate) fn choice(&self, name: &str) -> &'static str {
        match self.get(name) {
            Some(OptionValue::Choice(Some(word))) => word,
            _ => "",
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(OptionValue::Text(value)) => value.as_deref(),
            _ => None,
        }
    }

    /// Whether a column was given as a literal `NULL`.
    pub(crate) fn is_nothing(&self, column: &str) -> bool {
        matches!(self.get(column), Some(OptionValue::Column { nothing: true }))
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some(OptionValue::Flag(Some(true))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: Parameters = Parameters {
        function: "area",
        list: &[
            ("width", Kind::Number),
            ("height", Kind::Number),
            ("scale", Kind::NumberOption(1.5)),
            ("unit", Kind::Choice(&["metre", "foot"])),
            ("closed", Kind::Flag(true)),
            STATUS,
        ],
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
            "Error during planning: `area` takes 2 to 6 arguments (width, height, scale, unit, closed, status), not 1"
        );
        assert_eq!(
            text(&[DataType::Int32, DataType::Utf8]),
            "Error during planning: argument `height` of `area` must be a number, not Utf8; \
             hint: cast it: `cast(… as double)`"
        );
    }

    #[test]
    fn defaults_are_those_that_sql_would_write() {
        let defaults: Vec<Option<String>> =
            PARAMETERS.defaults().into_iter().map(|(_, default)| default).collect();
        let texts = [None, None, Some("1.5"), Some("'metre'"), Some("true"), Some("NULL")];
        assert_eq!(defaults, texts.map(|text| text.map(str::to_owned)));

        let options = PARAMETERS.default_options();
        assert_eq!(options.number("scale"), 1.5);
        assert_eq!(options.choice("unit"), "metre");
        assert!(options.flag("closed"));
        assert_eq!(options.missing(&PARAMETERS), None);
    }

    #[test]
    fn a_choice_is_one_of_its_words() {
        let given = |word: &str| {
            let value = Some(ScalarValue::from(word));
            PARAMETERS.option("unit", Kind::Choice(&["metre", "foot"]), value)
        };
        assert!(matches!(given("foot").unwrap(), OptionValue::Choice(Some("foot"))));
        assert!(
            given("yard").unwrap_err().to_string().contains("one of 'metre', 'foot', not 'yard'")
        );
    }
}
