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

/// Both ends of 64-bit floating point are far from any real figure, but a wrong unit can get there.
pub(crate) fn require_finite_result(values: &[f64]) -> Result<(), Reason> {
    if values.iter().all(|value| value.is_finite()) {
        Ok(())
    } else {
        Err(Reason::because("the result is too large for a 64-bit number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
