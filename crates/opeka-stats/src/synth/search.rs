//! The lowest point of a function of several variables within a box, without derivatives.

/// Runs from a new simplex at the best point so far.
const MAX_RUNS: usize = 12;

/// Steps of a run, for each variable.
const STEPS: usize = 150;

/// A run ends where the values at the corners are this near, relative to the best of them.
const TOLERANCE: f64 = 1e-11;

/// A point and the value of the function there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lowest {
    pub(crate) point: Vec<f64>,
    pub(crate) value: f64,
}

/// Nelder and Mead (1965) with the coefficients of Gao and Han (2012), which fit the number of
/// variables; points outside the box are moved onto it. From new simplexes of changing size until
/// two bring nothing more.
pub(crate) fn descend(
    start: Vec<f64>,
    bounds: (f64, f64),
    mut function: impl FnMut(&[f64]) -> f64,
) -> Lowest {
    let value = function(&start);
    let mut best = Lowest { point: start, value };
    let mut idle = 0;
    for run in 0..MAX_RUNS {
        let step = [1.0, -0.25, 0.05][run % 3];
        let found = run_simplex(best.clone(), bounds, step, &mut function);
        let gain = best.value - found.value;
        idle = if gain > 1e-9 * best.value.abs() { 0 } else { idle + 1 };
        if gain > 0.0 {
            best = found;
        }
        if idle >= 2 {
            break;
        }
    }
    best
}

fn run_simplex(
    start: Lowest,
    (low, high): (f64, f64),
    step: f64,
    function: &mut impl FnMut(&[f64]) -> f64,
) -> Lowest {
    let d = start.point.len();
    let n = d as f64;
    let (expand, contract, shrink) = (1.0 + 2.0 / n, 0.75 - 0.5 / n, 1.0 - 1.0 / n.max(2.0));
    let mut at = |mut point: Vec<f64>| {
        point.iter_mut().for_each(|x| *x = x.clamp(low, high));
        let value = function(&point);
        Lowest { point, value: if value.is_nan() { f64::INFINITY } else { value } }
    };
    let mut simplex = vec![start.clone()];
    for k in 0..d {
        let mut point = start.point.clone();
        let moved = point[k] + step;
        point[k] = if moved >= low && moved <= high { moved } else { point[k] - step };
        simplex.push(at(point));
    }
    for _ in 0..STEPS * d {
        simplex.sort_by(|a, b| a.value.total_cmp(&b.value));
        if simplex[d].value - simplex[0].value <= TOLERANCE * simplex[0].value.abs() {
            break;
        }
        let middle: Vec<f64> =
            (0..d).map(|k| simplex[..d].iter().map(|c| c.point[k]).sum::<f64>() / n).collect();
        let worst = simplex[d].clone();
        let mut towards =
            |by: f64| at(middle.iter().zip(&worst.point).map(|(m, w)| m + by * (w - m)).collect());
        let reflected = towards(-1.0);
        let next = if reflected.value < simplex[0].value {
            let expanded = towards(-expand);
            Some(if expanded.value < reflected.value { expanded } else { reflected })
        } else if reflected.value < simplex[d - 1].value {
            Some(reflected)
        } else {
            let outside = reflected.value < worst.value;
            let contracted = towards(if outside { -contract } else { contract });
            let limit = reflected.value.min(worst.value);
            Some(contracted).filter(|contracted| contracted.value < limit)
        };
        match next {
            Some(next) => simplex[d] = next,
            None => {
                let best = simplex[0].point.clone();
                for corner in &mut simplex[1..] {
                    let point = best.iter().zip(&corner.point);
                    *corner = at(point.map(|(b, c)| b + shrink * (c - b)).collect());
                }
            }
        }
    }
    simplex.into_iter().min_by(|a, b| a.value.total_cmp(&b.value)).unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_end_of_a_curved_valley() {
        let valley = |x: &[f64]| {
            x.windows(2).map(|p| (1.0 - p[0]).powi(2) + 100.0 * (p[1] - p[0] * p[0]).powi(2)).sum()
        };
        let found = descend(vec![-1.0, 0.5, -0.5, 0.0], (-3.0, 3.0), valley);
        assert!(found.value < 1e-6, "{found:?}");
        assert!(found.point.iter().all(|x| (x - 1.0).abs() < 1e-2), "{found:?}");
    }

    #[test]
    fn finds_a_corner_of_the_box() {
        let found = descend(vec![0.0; 3], (-3.0, 3.0), |x| x[0] - 2.0 * x[1] + (x[2] - 1.0).abs());
        assert!((found.value + 9.0).abs() < 1e-6, "{found:?}");
    }
}
