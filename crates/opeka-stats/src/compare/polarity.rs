//! Which direction of an indicator is the good one.

use std::cmp::Ordering;

use crate::Reason;

/// Whether high values of an indicator are good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polarity {
    HighIsGood,
    LowIsGood,
    /// Neither: values are higher or lower, not better or worse.
    None,
}

impl Polarity {
    /// `high is good`, `low is good` or `none`.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        match text {
            "high is good" => Ok(Self::HighIsGood),
            "low is good" => Ok(Self::LowIsGood),
            "none" => Ok(Self::None),
            _ => Err(Reason::because(format!(
                "polarity is '{text}' (it must be 'high is good', 'low is good' or 'none')"
            ))),
        }
    }

    /// The better value first; without a polarity, the higher one.
    pub(crate) fn order(self, a: f64, b: f64) -> Ordering {
        let order = b.partial_cmp(&a).unwrap_or(Ordering::Equal);
        match self {
            Self::HighIsGood | Self::None => order,
            Self::LowIsGood => order.reverse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_orders() {
        assert_eq!(Polarity::parse("high is good"), Ok(Polarity::HighIsGood));
        assert_eq!(Polarity::parse("low is good"), Ok(Polarity::LowIsGood));
        assert_eq!(Polarity::parse("none"), Ok(Polarity::None));
        assert_eq!(
            Polarity::parse("up").unwrap_err().to_string(),
            "cannot be calculated because polarity is 'up' (it must be 'high is good', \
             'low is good' or 'none')"
        );
        assert_eq!(Polarity::HighIsGood.order(2.0, 1.0), Ordering::Less);
        assert_eq!(Polarity::None.order(2.0, 1.0), Ordering::Less);
        assert_eq!(Polarity::LowIsGood.order(2.0, 1.0), Ordering::Greater);
        assert_eq!(Polarity::LowIsGood.order(-0.0, 0.0), Ordering::Equal);
    }
}
