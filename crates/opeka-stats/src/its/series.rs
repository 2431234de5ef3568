//! A series in the order of time, with the time from which it is treated.

use crate::Reason;
use crate::reason::{require_each, require_finite, require_positive, there_are_points};

/// Times may differ from a whole number of steps by this part of a step: twelfths of a year are
/// not exact numbers.
const STEP_TOLERANCE: f64 = 1e-6;

/// A series spans no more steps than this.
const MAX_STEPS: f64 = 100_000.0;

/// The points of one series in the order of time.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) time: Vec<f64>,
    pub(super) y: Vec<f64>,
    /// Those of the caller, in this order.
    pub(super) covariates: Vec<Vec<f64>>,
    pub(super) population: Option<Vec<f64>>,
    /// The first treated point.
    pub(super) first_treated: usize,
    /// The shortest interval between times.
    pub(super) step: f64,
    /// What was left out.
    pub(super) notes: Vec<String>,
}

/// The columns of a series, one number for each row.
pub(super) struct Columns<'a> {
    pub(super) y: &'a [f64],
    pub(super) time: &'a [f64],
    /// 0 or 1; `None` where it is not known, such as while an intervention comes in.
    pub(super) treated: &'a [Option<f64>],
    pub(super) covariates: &'a [&'a [f64]],
    pub(super) population: Option<&'a [f64]>,
}

impl Series {
    pub(super) fn new(columns: &Columns<'_>) -> Result<Self, Reason> {
        let Columns { y, time, treated, covariates, population } = *columns;
        let n = y.len();
        let named = [("times", time.len()), ("values of treated", treated.len())];
        let more = covariates.iter().map(|column| ("values of a covariate", column.len()));
        let people = population.map(|column| ("populations", column.len()));
        for (name, length) in named.into_iter().chain(more).chain(people) {
            if length != n {
                return Err(Reason::because(format!("there are {n} outcomes and {length} {name}")));
            }
        }
        require_each(require_finite, "the outcome", y)?;
        require_each(require_finite, "time", time)?;
        for column in covariates {
            require_each(require_finite, "a covariate", column)?;
        }
        if let Some(population) = population {
            require_each(require_positive, "population", population)?;
        }
        let odd = treated.iter().flatten().filter(|value| !matches!(**value, 0.0 | 1.0));
        if let Some(odd) = odd.copied().min_by(f64::total_cmp) {
            return Err(Reason::because(format!("treated is {odd} (it must be 0 or 1)")));
        }

        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|a, b| time[*a].total_cmp(&time[*b]));
        if let Some(pair) = order.windows(2).find(|pair| time[pair[0]] == time[pair[1]]) {
            return Err(Reason::because(format!(
                "there is more than one value for {}",
                time[pair[0]]
            )));
        }
        let (known, unknown): (Vec<usize>, Vec<usize>) =
            order.into_iter().partition(|row| treated[*row].is_some());
        let is_treated = |row: &usize| treated[*row] == Some(1.0);
        if known.is_empty() {
            return Err(Reason::because(if n == 0 {
                "there are no rows"
            } else {
                "of no time it is known whether it was treated"
            }));
        }
        let first_treated = known
            .iter()
            .position(is_treated)
            .ok_or_else(|| Reason::because("no time is treated: nothing is known of an effect"))?;
        if first_treated == 0 {
            return Err(Reason::because(
                "all times are treated: nothing is known of the time before",
            ));
        }
        if let Some(row) = known[first_treated..].iter().find(|row| !is_treated(row)) {
            return Err(Reason::because(format!(
                "the treatment ends in {} (once treated, the series must stay treated)",
                time[*row]
            )));
        }
        let take = |column: &[f64]| -> Vec<f64> { known.iter().map(|row| column[*row]).collect() };
        let times = take(time);
        let step = times.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
        let notes = if unknown.is_empty() {
            Vec::new()
        } else {
            let times: Vec<String> = unknown.iter().map(|row| time[*row].to_string()).collect();
            let times: Vec<&str> = times.iter().map(String::as_str).collect();
            vec![format!(
                "{} left out: whether it was treated is not known",
                crate::effect::treatment::listed(&times)
            )]
        };
        Ok(Self {
            time: times,
            y: take(y),
            covariates: covariates.iter().map(|column| take(column)).collect(),
            population: population.map(take),
            first_treated,
            step,
            notes,
        })
    }

    pub(super) fn n_obs(&self) -> usize {
        self.y.len()
    }

    pub(super) fn n_after(&self) -> usize {
        self.n_obs() - self.first_treated
    }

    /// The first treated time.
    pub(super) fn start(&self) -> f64 {
        self.time[self.first_treated]
    }

    /// So many points before the intervention, and so many from it on.
    pub(super) fn require_points(&self, before: usize, after: usize) -> Result<(), Reason> {
        for (n, least, which) in [
            (self.first_treated, before, "before the intervention"),
            (self.n_after(), after, "from the intervention on"),
        ] {
            if n < least {
                return Err(Reason::because(format!(
                    "{} {which} (it takes {least} or more)",
                    there_are_points(n)
                )));
            }
        }
        Ok(())
    }

    pub(super) fn require_change(&self) -> Result<(), Reason> {
        match self.y.first() {
            Some(first) if self.y.iter().all(|y| y == first) => Err(Reason::because(format!(
                "the outcome is {first} throughout: nothing varies that errors could rest on"
            ))),
            _ => Ok(()),
        }
    }

    /// The first interval that is longer than a step, if there is one.
    pub(super) fn gap(&self) -> Option<(f64, f64)> {
        let long = |pair: &&[f64]| pair[1] - pair[0] > self.step * (1.0 + STEP_TOLERANCE);
        self.time.windows(2).find(long).map(|pair| (pair[0], pair[1]))
    }

    /// The number of the step of each time, the first being 0.
    pub(super) fn steps(&self) -> Result<Vec<usize>, Reason> {
        let mut steps = vec![0];
        let mut at = 0.0;
        for pair in self.time.windows(2) {
            let ratio = (pair[1] - pair[0]) / self.step;
            let whole = ratio.round();
            at += whole;
            if at > MAX_STEPS {
                return Err(Reason::because(format!(
                    "the times span more than {MAX_STEPS} steps of {}",
                    self.step
                )));
            }
            if (ratio - whole).abs() > STEP_TOLERANCE * whole {
                return Err(Reason::because(format!(
                    "the times are not evenly spaced: {} to {} is no multiple of {}",
                    pair[0], pair[1], self.step
                )));
            }
            steps.push(at as usize);
        }
        Ok(steps)
    }

    /// What whoever signs the figures must know of the series.
    pub(super) fn caution(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        let (before, after) = (self.first_treated, self.n_after());
        if before.min(after) < ENOUGH {
            notes.push(format!(
                "{before} points before and {after} after are few: errors are too small with fewer \
                 than {ENOUGH} on either side, 12 are advised"
            ));
        }
        notes
    }
}

/// Wagner et al. (2002) advise twelve points before and after; with fewer than eight, tests of
/// autocorrelation and errors that take it in see next to nothing.
const ENOUGH: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::reason;

    fn series(y: &[f64], time: &[f64], treated: &[Option<f64>]) -> Result<Series, Reason> {
        Series::new(&Columns { y, time, treated, covariates: &[], population: None })
    }

    #[test]
    fn points_are_in_the_order_of_time() {
        let (yes, no) = (Some(1.0), Some(0.0));
        let found = series(&[4.0, 1.0, 2.0, 3.0], &[5.0, 1.0, 2.0, 3.0], &[yes, no, no, yes]);
        let found = found.unwrap();
        assert_eq!(found.y, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!((found.first_treated, found.start(), found.step), (2, 3.0, 1.0));
        assert_eq!(found.gap(), Some((3.0, 5.0)));
        assert_eq!(found.steps().unwrap(), [0, 1, 2, 4]);

        // While the intervention comes in, a time is neither.
        let found = series(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], &[no, None, yes]).unwrap();
        assert_eq!(found.y, [1.0, 3.0]);
        assert_eq!(found.notes, ["2 left out: whether it was treated is not known"]);
    }

    #[test]
    fn faults_are_named() {
        let (yes, no) = (Some(1.0), Some(0.0));
        let t = [1.0, 2.0, 3.0];
        let why = |y: &[f64], time: &[f64], treated: &[Option<f64>]| {
            reason(series(y, time, treated).err())
        };
        assert!(why(&t, &t, &[no, no, no]).contains("no time is treated"));
        assert!(why(&t, &t, &[yes, yes, yes]).contains("all times are treated"));
        assert!(why(&t, &t, &[no, yes, no]).contains("the treatment ends in 3"));
        assert!(why(&t, &t, &[no, Some(0.5), yes]).contains("treated is 0.5"));
        assert!(why(&t, &[1.0, 2.0, 2.0], &[no, yes, yes]).contains("more than one value for 2"));
        assert!(why(&t, &t[..2], &[no, no, yes]).contains("3 outcomes and 2 times"));
        assert!(why(&[1.0, f64::NAN, 2.0], &t, &[no, no, yes]).contains("finite"));
        assert!(why(&t, &[1.0, f64::INFINITY, 2.0], &[no, no, yes]).contains("finite"));
        assert!(why(&t, &t, &[None; 3]).contains("of no time"));
        assert!(why(&[], &[], &[]).contains("no rows"));
        let uneven = series(&t, &[1.0, 2.0, 3.5], &[no, no, yes]).unwrap();
        assert!(reason(uneven.steps().err()).contains("not evenly spaced"));
    }
}
