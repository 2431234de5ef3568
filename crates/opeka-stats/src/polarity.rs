//! Which way is better.

/// Whether a high figure is good news.
///
/// A chart cannot know: more adoptions may be good, more children placed in institutions are not,
/// and of many figures neither way is. It has to be said by whoever knows the indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Polarity {
    /// Higher is better.
    HighIsGood,
    /// Lower is better.
    LowIsGood,
    /// Neither way is better, or nobody has said which.
    #[default]
    None,
}

impl Polarity {
    /// The names by which [`Polarity::named`] knows them, the default first.
    pub const NAMES: [&'static str; 3] = ["none", "high is good", "low is good"];

    pub fn named(name: &str) -> Option<Self> {
        match name {
            "high is good" => Some(Self::HighIsGood),
            "low is good" => Some(Self::LowIsGood),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::HighIsGood => "high is good",
            Self::LowIsGood => "low is good",
            Self::None => "none",
        }
    }

    /// Whether a move in this direction is good; `None` where neither way is.
    pub(crate) fn is_good(self, upwards: bool) -> Option<bool> {
        match self {
            Self::HighIsGood => Some(upwards),
            Self::LowIsGood => Some(!upwards),
            Self::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for name in Polarity::NAMES {
            assert_eq!(Polarity::named(name).map(Polarity::name), Some(name));
        }
        assert_eq!(Polarity::named("up"), None);
        assert_eq!(Polarity::LowIsGood.is_good(true), Some(false));
        assert_eq!(Polarity::None.is_good(true), None);
    }
}
