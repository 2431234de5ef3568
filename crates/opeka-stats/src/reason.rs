//! Why a number is missing, and the preconditions that methods share.

use std::borrow::Cow;
use std::fmt;

/// Why a figure, or a part of a result, was not calculated.
///
/// The text is meant for a table cell or a footnote of a brief, for instance
/// `cannot be calculated because population is 0 (it must be above zero)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The part of the result that is missing; empty when all of it is.
    part: &'static str,
    why: Cow<'static, str>,
}

impl Reason {
    /// Nothing could be calculated, because of `why`: a clause, without a full stop.
    pub fn because(why: impl Into<Cow<'static, str>>) -> Self {
        Self { part: "", why: why.into() }
    }

    /// The argument of this name was missing (`NULL`) in the data.
    pub fn missing(argument: &str) -> Self {
        Self::because(format!("{argument} is missing"))
    }

    /// The clause after "because".
    pub(crate) fn why(&self) -> &str {
        &self.why
    }

    /// The same, where only `part` of the result is missing.
    pub(crate) fn about(self, part: &'static str) -> Self {
        Self { part, ..self }
    }

    /// The estimate stands, but `part` of the result could not be calculated.
    pub(crate) fn of_part(part: &'static str, why: impl Into<Cow<'static, str>>) -> Self {
        Self { part, why: why.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.part.is_empty() {
            write!(f, "{} ", self.part)?;
        }
        write!(f, "cannot be calculated because {}", self.why)
    }
}

/// How many points there are, as the beginning of a clause.
pub(crate) fn there_are_points(n: usize) -> String {
    if n == 1 { "there is 1 point".to_owned() } else { format!("there are {n} points") }
}

fn must(name: &str, value: f64, holds: bool, rule: &str) -> Result<(), Reason> {
    if holds { Ok(()) } else { Err(Reason::because(format!("{name} is {value} (it must {rule})"))) }
}

/// `value` is a finite number of zero or more.
pub(crate) fn require_not_negative(name: &str, value: f64) -> Result<(), Reason> {
    must(name, value, value.is_finite(), "be a finite number")?;
    must(name, value, value >= 0.0, "not be negative")
}

/// `value` is a finite number above zero.
pub(crate) fn require_positive(name: &str, value: f64) -> Result<(), Reason> {
    must(name, value, value.is_finite(), "be a finite number")?;
    must(name, value, value > 0.0, "be above zero")
}

/// A confidence level is a share: 0.95, not 95.
pub(crate) fn require_conf_level(value: f64) -> Result<(), Reason> {
    must("conf_level", value, value > 0.0 && value < 1.0, "lie between 0 and 1")
}

/// `rule` holds for every number of a column. Of those for which it does not, the smallest is
/// named, whichever comes first.
pub(crate) fn require_each(
    rule: fn(&str, f64) -> Result<(), Reason>,
    name: &str,
    values: &[f64],
) -> Result<(), Reason> {
    let offenders = values.iter().copied().filter(|value| rule(name, *value).is_err());
    offenders.min_by(f64::total_cmp).map_or(Ok(()), |value| rule(name, value))
}

/// `value` is a finite number.
pub(crate) fn require_finite(name: &str, value: f64) -> Result<(), Reason> {
    must(name, value, value.is_finite(), "be a finite number")
}

/// Two columns belong to the same rows.
pub(crate) fn require_same_length(
    first: &str,
    a: &[f64],
    second: &str,
    b: &[f64],
) -> Result<(), Reason> {
    if a.len() == b.len() {
        return Ok(());
    }
    Err(Reason::because(format!("there are {} {first} and {} {second}", a.len(), b.len())))
}

/// Both ends of 64-bit floating point are far from any real figure, but a wrong unit can get there.
pub(crate) fn require_finite_result(values: &[f64]) -> Result<(), Reason> {
    if values.iter().all(|value| value.is_finite()) { Ok(()) } else { Err(too_large()) }
}

/// The result is beyond what a 64-bit number holds.
pub(crate) fn too_large() -> Reason {
    Reason::because("the result is too large for a 64-bit number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_judged_whatever_their_order() {
        let text = |values: &[f64]| {
            require_each(require_not_negative, "events", values).unwrap_err().to_string()
        };
        assert_eq!(text(&[-1.0, 2.0, -3.0]), text(&[-3.0, -1.0, 2.0]));
        assert!(text(&[-1.0, 2.0, -3.0]).contains("events is -3 (it must not be negative)"));
        assert!(require_each(require_positive, "population", &[1.0, 2.0]).is_ok());
        assert!(require_each(require_finite, "value", &[]).is_ok());
        assert!(require_each(require_finite, "value", &[f64::NAN]).is_err());
        assert!(require_same_length("values", &[1.0], "times", &[2.0]).is_ok());
        assert_eq!(
            require_same_length("values", &[1.0], "times", &[]).unwrap_err().to_string(),
            "cannot be calculated because there are 1 values and 0 times"
        );
    }

    #[test]
    fn reads_as_a_sentence() {
        assert_eq!(
            Reason::missing("events").to_string(),
            "cannot be calculated because events is missing"
        );
        assert_eq!(
            Reason::of_part("the limits", "3 points are too few").to_string(),
            "the limits cannot be calculated because 3 points are too few"
        );
        let text = |result: Result<(), Reason>| result.unwrap_err().to_string();
        assert_eq!(
            text(require_conf_level(95.0)),
            "cannot be calculated because conf_level is 95 (it must lie between 0 and 1)"
        );
        assert_eq!(
            text(require_positive("population", f64::NAN)),
            "cannot be calculated because population is NaN (it must be a finite number)"
        );
        assert_eq!(
            text(require_not_negative("events", -1.5)),
            "cannot be calculated because events is -1.5 (it must not be negative)"
        );
    }
}
