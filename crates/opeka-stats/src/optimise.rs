//! The lowest point of a smooth function of few variables within a box, without derivatives.

/// Steps of one run; a function of three variables needs some hundred.
const MAX_STEPS: usize = 2_000;

/// A run ends where the values at the corners of the simplex, and the corners, are this near.
const VALUE_TOLERANCE: f64 = 1e-13;
const POINT_TOLERANCE: f64 = 1e-8;

/// Runs from a new simplex at the best point so far: a simplex may have collapsed, for instance
/// onto a side of the box.
const MAX_RUNS: usize = 8;

/// A box: the lowest and the highest value of each variable.
pub(crate) type Bounds<const D: usize> = [(f64, f64); D];

/// A point and the value of the function there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Minimum<const D: usize> {
    pub(crate) point: [f64; D],
    pub(crate) value: f64,
}

/// The best of the minima that are reached from the `starts` most promising points of a grid.
///
/// The grid is the product of `axes`. Nothing is drawn at random: equal functions give equal
/// minima. The function may be infinite where it is not defined. `None` where it is so on the
/// whole grid.
pub(crate) fn minimise<const D: usize>(
    bounds: &Bounds<D>,
    axes: [&[f64]; D],
    starts: usize,
    function: impl Fn(&[f64; D]) -> f64,
) -> Option<Minimum<D>> {
    let mut grid: Vec<Minimum<D>> = product(axes)
        .into_iter()
        .map(|point| Minimum { point, value: function(&point) })
        .filter(|minimum| minimum.value.is_finite())
        .collect();
    // Stable: of equal points the first of the grid comes first.
    grid.sort_by(|a, b| a.value.total_cmp(&b.value));
    // Neighbours of a start lead where it leads.
    let mut chosen: Vec<Minimum<D>> = Vec::with_capacity(starts);
    for candidate in grid {
        let index = |point: &[f64; D]| {
            std::array::from_fn::<_, D, _>(|d| axes[d].iter().position(|x| *x == point[d]))
        };
        let far = |other: &Minimum<D>| {
            let (a, b) = (index(&candidate.point), index(&other.point));
            a.iter().zip(&b).any(|(a, b)| a.zip(*b).is_some_and(|(a, b)| a.abs_diff(b) > 1))
        };
        if chosen.len() < starts && chosen.iter().all(far) {
            chosen.push(candidate);
        }
    }
    chosen
        .into_iter()
        .map(|start| descend(bounds, start, &function))
        .min_by(|a, b| a.value.total_cmp(&b.value))
}

fn product<const D: usize>(axes: [&[f64]; D]) -> Vec<[f64; D]> {
    let mut points = vec![[0.0; D]];
    for (d, axis) in axes.iter().enumerate() {
        points = points
            .iter()
            .flat_map(|point| {
                axis.iter().map(move |x| {
                    let mut point = *point;
                    point[d] = *x;
                    point
                })
            })
            .collect();
    }
    points
}

/// Nelder and Mead (1965), "A simplex method for function minimization", *The Computer Journal* 7,
/// with points outside the box moved onto it, from new simplexes until one brings nothing more.
fn descend<const D: usize>(
    bounds: &Bounds<D>,
    start: Minimum<D>,
    function: &impl Fn(&[f64; D]) -> f64,
) -> Minimum<D> {
    let mut best = start;
    for run in 0..MAX_RUNS {
        // Simplexes of different sizes, so that none repeats the one that got stuck.
        let share = if run % 2 == 0 { 0.1 } else { 0.01 };
        let found = run_simplex(bounds, best, share, function);
        let gain = best.value - found.value;
        if gain > 0.0 {
            best = found;
        }
        if run > 0 && gain <= VALUE_TOLERANCE * (1.0 + best.value.abs()) {
            break;
        }
    }
    best
}

fn run_simplex<const D: usize>(
    bounds: &Bounds<D>,
    start: Minimum<D>,
    share: f64,
    function: &impl Fn(&[f64; D]) -> f64,
) -> Minimum<D> {
    let at = |point: [f64; D]| {
        let point = std::array::from_fn(|d| point[d].clamp(bounds[d].0, bounds[d].1));
        Minimum { point, value: function(&point) }
    };
    let mut simplex = vec![start];
    for d in 0..D {
        let mut point = start.point;
        let step = share * (bounds[d].1 - bounds[d].0);
        point[d] += if point[d] + step <= bounds[d].1 { step } else { -step };
        simplex.push(at(point));
    }

    for _ in 0..MAX_STEPS {
        simplex.sort_by(|a, b| a.value.total_cmp(&b.value));
        let (best, worst) = (simplex[0], simplex[D]);
        let width = |d: usize| {
            let far = simplex.iter().map(|corner| (corner.point[d] - best.point[d]).abs());
            far.fold(0.0, f64::max) / (bounds[d].1 - bounds[d].0)
        };
        if worst.value - best.value <= VALUE_TOLERANCE * (1.0 + best.value.abs())
            && (0..D).all(|d| width(d) <= POINT_TOLERANCE)
        {
            break;
        }

        let middle: [f64; D] = std::array::from_fn(|d| {
            simplex[..D].iter().map(|corner| corner.point[d]).sum::<f64>() / D as f64
        });
        let towards =
            |by: f64| at(std::array::from_fn(|d| middle[d] + by * (worst.point[d] - middle[d])));
        let reflected = towards(-1.0);
        let second_worst = simplex[D - 1].value;
        let next = if reflected.value < best.value {
            let expanded = towards(-2.0);
            if expanded.value < reflected.value { Some(expanded) } else { Some(reflected) }
        } else if reflected.value < second_worst || (D == 1 && reflected.value < worst.value) {
            Some(reflected)
        } else {
            let outside = reflected.value < worst.value;
            let contracted = towards(if outside { -0.5 } else { 0.5 });
            let limit = reflected.value.min(worst.value);
            Some(contracted).filter(|contracted| contracted.value < limit)
        };
        match next {
            Some(next) => simplex[D] = next,
            None => {
                for corner in &mut simplex[1..] {
                    let halved: [f64; D] =
                        std::array::from_fn(|d| 0.5 * (corner.point[d] + best.point[d]));
                    *corner = at(halved);
                }
            }
        }
    }
    simplex.into_iter().min_by(|a, b| a.value.total_cmp(&b.value)).unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: Bounds<2> = [(-3.0, 3.0), (-3.0, 3.0)];
    const AXIS: &[f64] = &[-2.0, -1.0, 0.0, 1.0, 2.0];

    #[test]
    fn finds_the_end_of_a_curved_valley() {
        let valley = |[x, y]: &[f64; 2]| (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2);
        let found = minimise(&BOX, [AXIS, AXIS], 2, valley).unwrap();
        assert!(found.value < 1e-12, "{found:?}");
        assert!((found.point[0] - 1.0).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn finds_a_corner_and_a_side_of_the_box() {
        let slope = |[x, y]: &[f64; 2]| x - 2.0 * y;
        let corner = minimise(&BOX, [AXIS, AXIS], 1, slope).unwrap();
        assert_eq!(corner.point, [-3.0, 3.0]);
        let gutter = |[x, y]: &[f64; 2]| x + (y - 0.3 * x - 0.123).powi(2);
        let side = minimise(&BOX, [AXIS, AXIS], 1, gutter).unwrap();
        assert_eq!(side.point[0], -3.0);
        assert!((side.point[1] + 0.777).abs() < 1e-6, "{side:?}");
    }

    #[test]
    fn finds_the_deeper_of_two_valleys() {
        let two = |[x]: &[f64; 1]| (x * x - 1.0).powi(2) + 0.01 * x;
        let found = minimise(&[(-3.0, 3.0)], [AXIS], 2, two).unwrap();
        assert!((found.point[0] + 1.0).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn stays_where_the_function_is_defined() {
        let half = |[x, y]: &[f64; 2]| if *x < 0.5 { f64::INFINITY } else { x * x + y * y };
        let found = minimise(&BOX, [AXIS, AXIS], 2, half).unwrap();
        assert!((found.value - 0.25).abs() < 1e-6, "{found:?}");
        assert!(minimise(&BOX, [AXIS, AXIS], 2, |_| f64::NAN).is_none());
    }
}
