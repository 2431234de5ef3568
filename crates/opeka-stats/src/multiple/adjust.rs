//! p-values of many tests, so that chance alone does not make discoveries.

use crate::Reason;

/// One p-value among those of its family.
#[derive(Clone, Debug, PartialEq)]
pub struct AdjustedP {
    /// The p-value to compare with the level of the whole family.
    pub p_adjusted: Option<f64>,
    /// The number of p-values of the family; missing ones are not counted.
    pub n_tests: usize,
    /// The place of the p-value from the smallest, counted from 1; equal ones share the first.
    pub rank: Option<usize>,
    pub method: Option<&'static str>,
    pub reason: Option<Reason>,
}

impl AdjustedP {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason, n_tests: usize) -> Self {
        Self { p_adjusted: None, n_tests, rank: None, method: None, reason: Some(reason) }
    }
}

/// The adjustment of Benjamini and Hochberg, which bounds the share of false discoveries.
///
/// **Estimates** for each test the smallest level q at which it is among the discoveries, where no
/// more than a share q of all discoveries is expected to be false. Holds for tests that are
/// independent or depend positively on each other.
///
/// **Formula.** With the p-values of the n tests sorted, p₍ᵢ₎: the least of 1 and of n/j p₍ⱼ₎ over
/// all j ≥ i (Benjamini and Hochberg 1995, "Controlling the false discovery rate", *JRSS* B 57).
/// Equal, bit for bit, to `p.adjust(p, "BH")` of R.
///
/// **Edge cases.** A missing p-value has a [`Reason`] and is not counted. One that is not between 0
/// and 1 leaves its whole family without figures: it is not a p-value, and the others depend on it.
/// A single test is not adjusted. The order does not matter.
pub fn benjamini_hochberg(p: &[Option<f64>]) -> Vec<AdjustedP> {
    adjust(p, "Benjamini-Hochberg", |sorted| {
        let n = sorted.len() as f64;
        let mut least = 1.0_f64;
        for (index, p) in sorted.iter_mut().enumerate().rev() {
            least = least.min(n / (index + 1) as f64 * *p);
            *p = least;
        }
    })
}

/// The adjustment of Holm, which bounds the probability of any false discovery at all.
///
/// **Estimates** for each test the smallest level at which it is rejected, where the probability of
/// one false rejection or more among all tests is no more than the level, however they depend on
/// each other.
///
/// **Formula.** With the p-values of the n tests sorted, p₍ᵢ₎: the least of 1 and the greatest of
/// (n + 1 − j) p₍ⱼ₎ over all j ≤ i (Holm 1979, "A simple sequentially rejective multiple test
/// procedure", *Scandinavian Journal of Statistics* 6). Equal, bit for bit, to
/// `p.adjust(p, "holm")` of R.
///
/// **Edge cases** are those of [`benjamini_hochberg`].
pub fn holm(p: &[Option<f64>]) -> Vec<AdjustedP> {
    adjust(p, "Holm", |sorted| {
        let n = sorted.len();
        let mut greatest = 0.0_f64;
        for (index, p) in sorted.iter_mut().enumerate() {
            greatest = greatest.max((n - index) as f64 * *p);
            *p = greatest.min(1.0);
        }
    })
}

/// Why tests are not one family: they are named as of several, or some are named and some are not.
/// Where none is named, there is nothing to check.
///
/// Areas of one level must not be adjusted together with their parents, of which they are parts.
pub fn family_reason<'a>(families: impl IntoIterator<Item = Option<&'a str>>) -> Option<Reason> {
    const TOLD: usize = 3;
    let families: std::collections::BTreeSet<Option<&str>> = families.into_iter().collect();
    let names: Vec<&str> = families.iter().copied().flatten().collect();
    if names.len() < families.len() {
        return Some(Reason::because("a row does not say to which family it belongs"));
    }
    if names.len() < 2 {
        return None;
    }
    let more = if names.len() > TOLD { ", …" } else { "" };
    Some(Reason::because(format!(
        "the rows belong to {} families ({}{more})",
        names.len(),
        names.get(..TOLD).unwrap_or(&names).join(", ")
    )))
}

/// Adjusts the p-values that are there; `rule` turns the sorted ones into adjusted ones.
fn adjust(p: &[Option<f64>], method: &'static str, rule: fn(&mut [f64])) -> Vec<AdjustedP> {
    let mut sorted: Vec<f64> = p.iter().flatten().copied().collect();
    let n_tests = sorted.len();
    let is_p = |p: f64| (0.0..=1.0).contains(&p);
    let all = sorted.iter().all(|p| is_p(*p));
    sorted.sort_unstable_by(f64::total_cmp);
    let mut adjusted = sorted.clone();
    rule(&mut adjusted);

    let row = |p: &Option<f64>| {
        let Some(p) = *p else { return Err(Reason::missing("p_value")) };
        if !is_p(p) {
            return Err(Reason::because(format!("p_value is {p} (it must lie between 0 and 1)")));
        }
        if !all {
            return Err(Reason::because(
                "another p_value of the family does not lie between 0 and 1",
            ));
        }
        // Equal p-values have equal adjusted ones: of Benjamini and Hochberg the last of them
        // decides, of Holm the first, and the others take it over.
        let first = sorted.partition_point(|other| *other < p);
        Ok(AdjustedP {
            p_adjusted: adjusted.get(first).copied(),
            n_tests,
            rank: Some(first + 1),
            method: Some(method),
            reason: None,
        })
    };
    p.iter().map(|p| row(p).unwrap_or_else(|why| AdjustedP::unknown(why, n_tests))).collect()
}

#[cfg(test)]
mod tests;
