//! The rows of a panel, by unit and time.

use super::labels::Labels;
use crate::Reason;
use crate::reason::{require_each, require_finite, require_positive};

/// Rows of a panel in any order: what was measured of a unit at a time.
#[derive(Clone, Debug)]
pub struct PanelRows<'a> {
    /// The outcome.
    pub y: &'a [f64],
    /// The unit, such as an area.
    pub unit: &'a Labels,
    /// The period, as a number.
    pub time: &'a [f64],
    /// How much a row counts, such as the children of the area: above zero. All alike where `None`.
    pub weights: Option<&'a [f64]>,
    /// Columns of numbers, each with one number for each row.
    pub covariates: &'a [&'a [f64]],
    /// Units whose outcomes go together share a cluster; each is its own where `None`.
    pub cluster: Option<&'a Labels>,
}

impl<'a> PanelRows<'a> {
    /// Rows without weights, covariates and clusters.
    pub fn new(y: &'a [f64], unit: &'a Labels, time: &'a [f64]) -> Self {
        Self { y, unit, time, weights: None, covariates: &[], cluster: None }
    }
}

/// A panel in order: unit by unit, and in each the times ascending.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    /// The names of the units, in their order.
    pub(crate) units: Vec<String>,
    /// The times that occur, ascending.
    pub(crate) times: Vec<f64>,
    /// For each row, the row of the caller that it is.
    pub(crate) source: Vec<u32>,
    /// The unit of each row, as a place among `units`.
    pub(crate) unit: Vec<u32>,
    /// The time of each row, as a place among `times`.
    pub(crate) time: Vec<u32>,
    pub(crate) y: Vec<f64>,
    pub(crate) weights: Option<Vec<f64>>,
    /// One column for each covariate.
    pub(crate) covariates: Vec<Vec<f64>>,
    /// The cluster of each row, numbered from zero in the order of the clusters' names.
    pub(crate) cluster: Vec<u32>,
    pub(crate) n_clusters: usize,
    /// Where each unit's rows begin, and after the last one where they end.
    pub(crate) starts: Vec<usize>,
}

impl Panel {
    /// The panel, or the first of its faults: columns of different lengths, numbers that are not
    /// finite, weights that are not above zero, a unit with two rows for one time.
    pub(crate) fn new(rows: &PanelRows<'_>) -> Result<Self, Reason> {
        let n = rows.y.len();
        let optional = |column: Option<usize>| column.unwrap_or(n);
        let lengths = [
            ("units", rows.unit.len()),
            ("times", rows.time.len()),
            ("weights", optional(rows.weights.map(<[f64]>::len))),
            ("clusters", optional(rows.cluster.map(Labels::len))),
        ];
        let covariates =
            rows.covariates.iter().map(|column| ("values of a covariate", column.len()));
        for (name, length) in lengths.into_iter().chain(covariates) {
            if length != n {
                return Err(Reason::because(format!("there are {n} outcomes and {length} {name}")));
            }
        }
        if n == 0 {
            return Err(Reason::because("there are no rows"));
        }
        if n > u32::MAX as usize {
            return Err(Reason::because("there are more than 4,294,967,295 rows"));
        }
        require_each(require_finite, "the outcome", rows.y)?;
        require_each(require_finite, "time", rows.time)?;
        for column in rows.covariates {
            require_each(require_finite, "a covariate", column)?;
        }
        if let Some(weights) = rows.weights {
            require_each(require_positive, "a weight", weights)?;
        }

        let (units, unit_rank) = rows.unit.ranked();
        let times = distinct(rows.time);
        let (source, starts) = by_unit_and_time(&unit_rank, units.len(), rows.time);
        let unit: Vec<u32> = source.iter().map(|row| unit_rank[*row as usize]).collect();
        let time: Vec<u32> =
            source.iter().map(|row| place(&times, rows.time[*row as usize])).collect();
        let twice = (1..n).find(|row| unit[*row] == unit[row - 1] && time[*row] == time[row - 1]);
        if let Some(row) = twice {
            return Err(Reason::because(format!(
                "{} has more than one row for {}",
                units[unit[row] as usize], times[time[row] as usize]
            )));
        }
        let take = |column: &[f64]| source.iter().map(|row| column[*row as usize]).collect();
        let (n_clusters, cluster) = match rows.cluster {
            None => (units.len(), unit.clone()),
            Some(labels) => {
                let (names, rank) = labels.ranked();
                (names.len(), source.iter().map(|row| rank[*row as usize]).collect())
            }
        };
        Ok(Self {
            y: take(rows.y),
            weights: rows.weights.map(take),
            covariates: rows.covariates.iter().map(|column| take(column)).collect(),
            units,
            times,
            unit,
            time,
            cluster,
            n_clusters,
            starts,
            source,
        })
    }

    pub(crate) fn n_obs(&self) -> usize {
        self.y.len()
    }

    pub(crate) fn n_units(&self) -> usize {
        self.units.len()
    }

    pub(crate) fn n_times(&self) -> usize {
        self.times.len()
    }

    /// A column of the caller, in the order of the panel.
    pub(crate) fn arrange<T: Copy>(&self, column: &[T]) -> Vec<T> {
        self.source.iter().map(|row| column[*row as usize]).collect()
    }

    /// The rows of a unit.
    pub(crate) fn rows_of(&self, unit: usize) -> std::ops::Range<usize> {
        self.starts[unit]..self.starts[unit + 1]
    }

    /// Whether every unit has a row for every time. Then the row of unit `u` at time `t` is
    /// `u * n_times + t`.
    pub(crate) fn is_balanced(&self) -> bool {
        self.n_obs() == self.n_units() * self.n_times()
    }

    /// Why the panel is not balanced, naming the first gap; for methods that take no gaps.
    pub(crate) fn require_balanced(&self) -> Result<(), Reason> {
        if self.is_balanced() {
            return Ok(());
        }
        let missing = self.n_units() * self.n_times() - self.n_obs();
        let gap = (0..self.n_units()).find_map(|unit| {
            let rows = self.rows_of(unit);
            let gap = rows.clone().zip(0u32..).find(|(row, due)| self.time[*row] != *due);
            let due = gap.map_or(rows.len() as u32, |(_, due)| due);
            let time = self.times.get(due as usize)?;
            Some(format!("{} has no row for {time}", self.units[unit]))
        });
        let first = gap.unwrap_or_default();
        let more = if missing > 1 { format!(", one of {missing} gaps") } else { String::new() };
        Err(Reason::because(format!("{first}{more} (the method takes panels without gaps)")))
    }

    /// The panel of those rows alone that are to be kept; units and times without rows are gone.
    pub(crate) fn keep(&self, kept: impl Fn(usize) -> bool) -> Self {
        let rows: Vec<usize> = (0..self.n_obs()).filter(|row| kept(*row)).collect();
        let renumber = |codes: &[u32], n: usize| -> (Vec<u32>, Vec<usize>) {
            let mut occurs = vec![false; n];
            rows.iter().for_each(|row| occurs[codes[*row] as usize] = true);
            let old: Vec<usize> = (0..n).filter(|code| occurs[*code]).collect();
            let mut new = vec![0u32; n];
            old.iter().zip(0..).for_each(|(code, place)| new[*code] = place);
            (rows.iter().map(|row| new[codes[*row] as usize]).collect(), old)
        };
        let (unit, old_units) = renumber(&self.unit, self.n_units());
        let (time, old_times) = renumber(&self.time, self.n_times());
        let (cluster, old_clusters) = renumber(&self.cluster, self.n_clusters);
        let take = |column: &Vec<f64>| rows.iter().map(|row| column[*row]).collect();
        let mut starts = vec![0usize; old_units.len() + 1];
        unit.iter().for_each(|unit| starts[*unit as usize + 1] += 1);
        (1..starts.len()).for_each(|unit| starts[unit] += starts[unit - 1]);
        Self {
            units: old_units.iter().map(|unit| self.units[*unit].clone()).collect(),
            times: old_times.iter().map(|time| self.times[*time]).collect(),
            source: rows.iter().map(|row| self.source[*row]).collect(),
            y: take(&self.y),
            weights: self.weights.as_ref().map(take),
            covariates: self.covariates.iter().map(take).collect(),
            n_clusters: old_clusters.len(),
            unit,
            time,
            cluster,
            starts,
        }
    }
}

/// The numbers that occur, ascending.
fn distinct(numbers: &[f64]) -> Vec<f64> {
    let mut seen: Vec<f64> = Vec::new();
    let mut last = f64::NAN;
    for number in numbers {
        // Panels repeat few times in order: most rows need no search.
        if *number == last {
            continue;
        }
        last = *number;
        if let Err(place) = seen.binary_search_by(|known| known.total_cmp(&(number + 0.0))) {
            seen.insert(place, number + 0.0); // minus zero is zero
        }
    }
    seen
}

fn place(times: &[f64], time: f64) -> u32 {
    times.partition_point(|known| *known < time) as u32
}

/// The rows unit by unit, each in the order of time, and where each unit begins.
fn by_unit_and_time(unit: &[u32], n_units: usize, time: &[f64]) -> (Vec<u32>, Vec<usize>) {
    let mut starts = vec![0usize; n_units + 1];
    unit.iter().for_each(|unit| starts[*unit as usize + 1] += 1);
    (1..=n_units).for_each(|unit| starts[unit] += starts[unit - 1]);
    let mut next = starts.clone();
    let mut source = vec![0u32; unit.len()];
    for (row, unit) in (0u32..).zip(unit) {
        source[next[*unit as usize]] = row;
        next[*unit as usize] += 1;
    }
    for unit in 0..n_units {
        let rows = &mut source[starts[unit]..starts[unit + 1]];
        if !rows.is_sorted_by(|a, b| time[*a as usize] <= time[*b as usize]) {
            rows.sort_by(|a, b| time[*a as usize].total_cmp(&time[*b as usize]));
        }
    }
    (source, starts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::reason;

    fn panel(rows: &[(&str, f64, f64)]) -> Result<Panel, Reason> {
        let y: Vec<f64> = rows.iter().map(|row| row.2).collect();
        let time: Vec<f64> = rows.iter().map(|row| row.1).collect();
        let names: Vec<&str> = rows.iter().map(|row| row.0).collect();
        Panel::new(&PanelRows::new(&y, &Labels::new(&names), &time))
    }

    #[test]
    fn rows_are_put_in_order() {
        let panel = panel(&[
            ("b", 2002.0, 4.0),
            ("a", 2001.0, 1.0),
            ("b", 2001.0, 3.0),
            ("a", 2002.0, 2.0),
        ])
        .unwrap();
        assert_eq!(panel.units, ["a", "b"]);
        assert_eq!(panel.times, [2001.0, 2002.0]);
        assert_eq!(panel.y, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(panel.source, [1, 3, 2, 0]);
        assert_eq!(panel.arrange(&[10, 20, 30, 40]), [20, 40, 30, 10]);
        assert!(panel.is_balanced());
        assert_eq!(panel.cluster, [0, 0, 1, 1]);
        assert_eq!(panel.rows_of(1), 2..4);
    }

    #[test]
    fn faults_are_named() {
        let text = |rows| reason(panel(rows).err());
        assert_eq!(text(&[]), "cannot be calculated because there are no rows");
        let twice = [("a", 1.0, 2.0), ("a", 1.0, 2.0)];
        assert_eq!(text(&twice), "cannot be calculated because a has more than one row for 1");
        let infinite = [("a", 1.0, f64::INFINITY)];
        assert!(text(&infinite).contains("the outcome is inf (it must be a finite number)"));
        let gap = panel(&[("a", 1.0, 2.0), ("a", 2.0, 2.0), ("b", 1.0, 2.0)]).unwrap();
        assert_eq!(
            reason(gap.require_balanced().err()),
            "cannot be calculated because b has no row for 2 (the method takes panels without gaps)"
        );
        let y = [1.0, 2.0];
        let labels = Labels::new(&["a"]);
        let short = Panel::new(&PanelRows::new(&y, &labels, &y));
        assert!(reason(short.err()).contains("2 outcomes and 1 units"));
    }

    #[test]
    fn rows_that_go_take_their_units_and_times_along() {
        let all = panel(&[("a", 1.0, 1.0), ("b", 2.0, 2.0), ("c", 1.0, 3.0), ("c", 3.0, 4.0)]);
        let some = all.unwrap().keep(|row| row != 1);
        assert_eq!(some.units, ["a", "c"]);
        assert_eq!(some.times, [1.0, 3.0]);
        assert_eq!(some.y, [1.0, 3.0, 4.0]);
        assert_eq!(some.unit, [0, 1, 1]);
        assert_eq!(some.time, [0, 0, 1]);
        assert_eq!(some.starts, [0, 1, 3]);
        assert_eq!((some.cluster, some.n_clusters), (vec![0, 1, 1], 2));
        assert_eq!(some.source, [0, 2, 3]);
    }
}
