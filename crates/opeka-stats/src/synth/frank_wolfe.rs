//! Least squares with weights that are not negative and add up to one, by Frank–Wolfe steps.

/// min |Ax − b|²/m + ζ²|x|² over x ≥ 0 with Σx = 1, where A has m rows (Arkhangelsky, Athey,
/// Hirshberg, Imbens and Wager 2021, equations 4 and 6).
#[derive(Debug)]
pub(super) struct SimplexProblem {
    /// The columns of A less b: as the weights add up to one, |Ax − b| is the length of their
    /// weighted sum.
    columns: Vec<Vec<f64>>,
    zeta: f64,
    /// Inner products of a column with all, as far as they were asked for.
    products: Vec<Option<Vec<f64>>>,
}

impl SimplexProblem {
    /// `intercept` leaves a constant free: columns and target are taken from their means.
    pub(super) fn new(
        mut columns: Vec<Vec<f64>>,
        target: &[f64],
        zeta: f64,
        intercept: bool,
    ) -> Self {
        for column in &mut columns {
            column.iter_mut().zip(target).for_each(|(a, b)| *a -= b);
            if intercept {
                let mean = column.iter().sum::<f64>() / column.len() as f64;
                column.iter_mut().for_each(|a| *a -= mean);
            }
        }
        let products = vec![None; columns.len()];
        Self { columns, zeta, products }
    }

    pub(super) fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }

    /// mζ²: what the squares of the weights cost where the sum of squares is not divided by m.
    pub(super) fn ridge(&self) -> f64 {
        self.columns.first().map_or(0.0, |column| column.len() as f64) * self.zeta * self.zeta
    }

    /// What is minimised.
    #[cfg(test)]
    pub(super) fn loss(&self, x: &[f64]) -> f64 {
        let residual = self.weighted_sum(x);
        dot(&residual, &residual) / residual.len() as f64 + self.zeta * self.zeta * dot(x, x)
    }

    fn weighted_sum(&self, x: &[f64]) -> Vec<f64> {
        let rows = self.columns.first().map_or(0, Vec::len);
        let mut sum = vec![0.0; rows];
        for (column, weight) in self.columns.iter().zip(x) {
            sum.iter_mut().zip(column).for_each(|(sum, a)| *sum += weight * a);
        }
        sum
    }

    /// Frank–Wolfe steps with exact line search from `x` on, until a step (after the first) lowers
    /// the loss by `min_decrease` squared or less, or there were `max_iter` of them.
    ///
    /// A step costs as many operations as there are weights: A'Ax is kept up to date, and A'A is
    /// calculated for the columns that steps go to.
    pub(super) fn frank_wolfe(
        &mut self,
        mut x: Vec<f64>,
        min_decrease: f64,
        max_iter: usize,
    ) -> Vec<f64> {
        let ridge = self.ridge();
        let rows = self.columns.first().map_or(0, Vec::len) as f64;
        let residual = self.weighted_sum(&x);
        let mut product: Vec<f64> = self.columns.iter().map(|a| dot(a, &residual)).collect();
        for step_number in 1..=max_iter {
            // Half the gradient; the first of equal ones.
            let gradient = |j: usize| product[j] + ridge * x[j];
            let mut to = 0;
            for j in 1..x.len() {
                if gradient(j) < gradient(to) {
                    to = j;
                }
            }
            let along: f64 = (0..x.len()).map(|j| gradient(j) * x[j]).sum();
            let slope = gradient(to) - along;
            let (x_product, x_square) = (dot(&x, &product), dot(&x, &x));
            let column = self.product_with(to);
            let curvature =
                column[to] - 2.0 * product[to] + x_product + ridge * (x_square - 2.0 * x[to] + 1.0);
            let at_vertex = x.iter().enumerate().all(|(j, x)| *x == f64::from(u8::from(j == to)));
            let step = match curvature > 0.0 && !at_vertex {
                true => (-slope / curvature).clamp(0.0, 1.0),
                false => 0.0,
            };
            for (j, (x, product)) in x.iter_mut().zip(&mut product).enumerate() {
                *x += step * (f64::from(u8::from(j == to)) - *x);
                *product += step * (column[j] - *product);
            }
            let decrease = -step * (2.0 * slope + step * curvature) / rows;
            if step_number > 1 && decrease <= min_decrease * min_decrease {
                break;
            }
        }
        x
    }

    fn product_with(&mut self, j: usize) -> &[f64] {
        let columns = &self.columns;
        self.products[j]
            .get_or_insert_with(|| columns.iter().map(|other| dot(other, &columns[j])).collect())
    }
}

/// Weights of a quarter of the largest or less are none; the others add up to one.
pub(super) fn sparsified(x: &[f64]) -> Vec<f64> {
    let cut = x.iter().copied().fold(0.0, f64::max) / 4.0;
    normalised(x.iter().map(|x| if *x <= cut { 0.0 } else { *x }).collect())
}

/// Weights that add up to one; all alike where they add up to nothing.
pub(super) fn normalised(mut x: Vec<f64>) -> Vec<f64> {
    let sum: f64 = x.iter().sum();
    let alike = 1.0 / x.len() as f64;
    x.iter_mut().for_each(|x| *x = if sum == 0.0 { alike } else { *x / sum });
    x
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::super::regularised;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_nearest_point_of_a_line_by_hand() {
        // Between (0, 0) and (4, 0), the nearest point to (1, 3) is (1, 0).
        let mut problem =
            SimplexProblem::new(vec![vec![0.0, 0.0], vec![4.0, 0.0]], &[1.0, 3.0], 0.0, false);
        let x = problem.frank_wolfe(vec![0.5, 0.5], 0.0, 100);
        assert!((x[0] - 0.75).abs() < 1e-12 && (x[1] - 0.25).abs() < 1e-12, "{x:?}");
        assert!((problem.loss(&x) - 4.5).abs() < 1e-12);
    }

    #[test]
    fn weights_are_cut_at_a_quarter_of_the_largest() {
        assert_eq!(sparsified(&[0.8, 0.2, 0.0]), [1.0, 0.0, 0.0]);
        assert_eq!(normalised(vec![0.0, 0.0]), [0.5, 0.5]);
        assert_eq!(normalised(vec![1.0, 3.0]), [0.25, 0.75]);
    }

    /// The steps as they are written in the paper, each from scratch.
    fn slow(
        columns: &[Vec<f64>],
        target: &[f64],
        zeta: f64,
        mut x: Vec<f64>,
        steps: usize,
    ) -> Vec<f64> {
        let rows = target.len();
        let ridge = rows as f64 * zeta * zeta;
        for _ in 0..steps {
            let fitted: Vec<f64> =
                (0..rows).map(|i| columns.iter().zip(&x).map(|(a, x)| a[i] * x).sum()).collect();
            let error: Vec<f64> = fitted.iter().zip(target).map(|(a, b)| a - b).collect();
            let gradient: Vec<f64> =
                columns.iter().zip(&x).map(|(a, x)| dot(a, &error) + ridge * x).collect();
            let to = (0..x.len()).min_by(|a, b| gradient[*a].total_cmp(&gradient[*b])).unwrap();
            let way: Vec<f64> =
                x.iter().enumerate().map(|(j, x)| f64::from(u8::from(j == to)) - x).collect();
            if way.iter().all(|way| *way == 0.0) {
                break;
            }
            let change: Vec<f64> =
                fitted.iter().zip(&columns[to]).map(|(fitted, a)| a - fitted).collect();
            let curvature = dot(&change, &change) + ridge * dot(&way, &way);
            let step = (-dot(&gradient, &way) / curvature).clamp(0.0, 1.0);
            x.iter_mut().zip(&way).for_each(|(x, way)| *x += step * way);
        }
        x
    }

    fn numbers(n: usize) -> impl Strategy<Value = Vec<f64>> {
        proptest::collection::vec(-10.0..10.0f64, n)
    }

    proptest! {
        #[test]
        fn steps_are_those_from_scratch(
            columns in proptest::collection::vec(numbers(5), 2..7),
            target in numbers(5),
            zeta in 0.1..5.0f64,
            steps in 1..30usize,
        ) {
            let start = vec![1.0 / columns.len() as f64; columns.len()];
            let expected = slow(&columns, &target, zeta, start.clone(), steps);
            let mut problem = SimplexProblem::new(columns, &target, zeta, false);
            let x = problem.frank_wolfe(start, 0.0, steps);
            let (ours, theirs) = (problem.loss(&x), problem.loss(&expected));
            prop_assert!((ours - theirs).abs() <= 1e-9 * theirs.max(1.0), "{} {}", ours, theirs);
        }

        /// The more steps, the nearer the optimum, and never beyond.
        #[test]
        fn reaches_the_optimum(
            columns in proptest::collection::vec(numbers(6), 2..6),
            target in numbers(6),
            zeta in 0.5..3.0f64,
            intercept in any::<bool>(),
        ) {
            let start = vec![1.0 / columns.len() as f64; columns.len()];
            let mut problem = SimplexProblem::new(columns, &target, zeta, intercept);
            let best = problem.loss(&regularised::optimum(&problem).unwrap());
            // As near as Jaggi (2013, theorem 1) says: 2C/(steps + 2), C being the largest
            // curvature between two corners.
            let apart = |a: &Vec<f64>, b: &Vec<f64>| {
                a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / a.len() as f64
            };
            let pairs = problem.columns.iter().flat_map(|a| problem.columns.iter().map(move |b| (a, b)));
            let largest = pairs.map(|(a, b)| apart(a, b)).fold(0.0, f64::max);
            let curvature = 2.0 * (largest + 2.0 * zeta * zeta);
            let mut last = problem.loss(&start);
            for steps in [1, 10, 100, 1000, 10_000] {
                let x = problem.frank_wolfe(start.clone(), 0.0, steps);
                let loss = problem.loss(&x);
                let rounding = 1e-9 * best.max(1.0);
                prop_assert!(loss <= last + rounding && loss >= best - rounding);
                prop_assert!(loss - best <= 2.0 * curvature / (steps + 2) as f64 + rounding);
                last = loss;
            }
        }
    }
}
