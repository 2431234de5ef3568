//! Limits of coefficients, exactly: where each assignment begins to be less extreme than the data.

use super::Alternative;
use crate::inference::inversion::Ratio;

/// How far c may be from 1 or −1 to be taken for it: an assignment that equals that of the data, or
/// mirrors it.
const ALIKE: f64 = 1e-9;

/// The ends of the set of effects τ whose p-value is above `alpha`.
///
/// With the estimate b₀ and τ = b₀ + δ, the coefficient of the data is −δ and that of an assignment
/// f − c δ, with f = b − c b₀. Where |c| < 1, as it is in a balanced panel, |f − c δ| ≥ |δ| holds
/// on an interval around δ = 0, of which the ends are f/(1 + c) or −f/(1 − c): the two crossing
/// points. So the p-value falls on both sides of the estimate, and each limit is an order statistic
/// of the crossing points: that of rank ⌊alpha N⌋ + 1 from outside. One-sided tests cross once, at
/// δ = −f/(1 − c). Assignments with |c| > 1 (possible with weights, gaps or covariates) are taken to
/// be as extreme at every τ on that side, which can only widen the limits. `extra` assignments, those
/// of the data beside drawn ones, are as extreme everywhere.
pub(super) fn limits(
    draws: &[Ratio],
    estimate: f64,
    alternative: Alternative,
    alpha: f64,
    extra: usize,
) -> [Option<f64>; 2] {
    let scale = draws.iter().map(|draw| draw.a.abs()).fold(estimate.abs(), f64::max);
    let reach = |side: f64| {
        let of = |draw: &Ratio| {
            let c = -draw.b;
            let f = draw.a - c * estimate;
            match alternative {
                Alternative::TwoSided => both(f, side * c, 1e-12 * scale),
                Alternative::Greater | Alternative::Less => one(-side * f, c, 1e-12 * scale),
            }
        };
        let mut reaches: Vec<f64> = draws.iter().map(of).collect();
        reaches.resize(reaches.len() + extra, f64::INFINITY);
        reaches.sort_unstable_by(|a, b| b.total_cmp(a));
        let rank = (alpha * reaches.len() as f64 + 1e-9).floor() as usize;
        let reach = reaches.get(rank).copied().filter(|reach| reach.is_finite());
        reach.map(|reach| estimate + side * reach)
    };
    match alternative {
        Alternative::TwoSided => [reach(-1.0), reach(1.0)],
        Alternative::Greater => [reach(-1.0), None],
        Alternative::Less => [None, reach(1.0)],
    }
}

/// As far as |f − c δ| ≥ δ for δ from 0 upwards.
fn both(f: f64, c: f64, tiny: f64) -> f64 {
    if c.abs() >= 1.0 - ALIKE && (f.abs() <= tiny || c.abs() > 1.0 + ALIKE) {
        return f64::INFINITY;
    }
    let closing = if f >= 0.0 { 1.0 + c } else { 1.0 - c };
    if closing <= ALIKE { f64::INFINITY } else { f.abs() / closing }
}

/// As far as f + c δ ≥ δ, for δ towards the limit, on either side of 0: as far as δ (1 − c) ≤ f.
fn one(f: f64, c: f64, tiny: f64) -> f64 {
    let closing = 1.0 - c;
    if closing > ALIKE {
        f / closing
    } else if f >= -tiny || closing < -ALIKE {
        f64::INFINITY
    } else {
        f64::NEG_INFINITY
    }
}
