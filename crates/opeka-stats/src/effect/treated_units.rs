//! What can be said of errors with few treated units.
//!
//! Errors by cluster lean on many treated clusters (Conley and Taber 2011; MacKinnon and Webb 2018):
//! with few they are far too small, and with one there is nothing to estimate a variance from.

/// From this many treated units on, errors by cluster are taken for what they claim.
pub(crate) const ENOUGH: usize = 10;

/// What to tell of errors by cluster when so many units are treated.
pub(crate) fn note(n_treated: usize) -> Option<String> {
    match n_treated {
        0 => None,
        1 => Some(
            "no standard error: with one treated unit there is nothing to estimate it from; \
             a permutation test ranks the unit among the others"
                .to_owned(),
        ),
        2..ENOUGH => Some(format!(
            "standard errors by cluster are too small with {n_treated} treated units; \
             randomisation inference leads"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_flagged() {
        assert_eq!(note(0), None);
        assert!(note(1).is_some_and(|text| text.starts_with("no standard error")));
        assert!(note(9).is_some_and(|text| text.contains("9 treated units")));
        assert_eq!(note(10), None);
    }
}
