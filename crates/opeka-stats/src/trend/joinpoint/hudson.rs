//! Hudson's search: the least squares solution with joins anywhere.
//!
//! Fix which observations belong to which segment. Either the lines fitted to each segment by
//! itself cross between its last observation and the next one's first: then these are the best
//! lines. Or, at the best ones, some joins lie on one of these two observations: then segments that
//! meet there are fitted together and the others by themselves (Hudson 1966). Lines by themselves are never worse
//! than lines that must meet, so that most partitions are ruled out by a sum of tabulated numbers.

use std::ops::Range;

use super::JoinpointOptions;
use super::series::Series;
use crate::least_squares;

/// A line through part of the series.
#[derive(Clone, Copy, Default)]
struct Line {
    rss: f64,
    slope: f64,
    /// A point on it.
    time: f64,
    value: f64,
}

impl Line {
    /// Where two lines cross.
    fn crossing(&self, other: &Line) -> Option<f64> {
        let turn = self.slope - other.slope;
        let apart = other.value - self.value + self.slope * (self.time - other.time);
        // Counted from the other line's point, which keeps the digits of calendar years.
        let after = apart / turn;
        after.is_finite().then_some(other.time + after)
    }
}

/// Adds weighted points one by one (Welford 1962; West 1979).
#[derive(Default)]
struct Moments {
    weight: f64,
    time: f64,
    value: f64,
    tt: f64,
    tv: f64,
    vv: f64,
}

impl Moments {
    fn add(&mut self, time: f64, value: f64, weight: f64) {
        self.weight += weight;
        let (dt, dv) = (time - self.time, value - self.value);
        self.time += dt * weight / self.weight;
        self.value += dv * weight / self.weight;
        self.tt += weight * dt * (time - self.time);
        self.tv += weight * dt * (value - self.value);
        self.vv += weight * dv * (value - self.value);
    }

    fn line(&self) -> Line {
        let slope = if self.tt > 0.0 { self.tv / self.tt } else { 0.0 };
        let rss = (self.vv - slope * self.tv).max(0.0);
        Line { rss, slope, time: self.time, value: self.value }
    }
}

struct Hudson<'a> {
    series: &'a Series,
    min_to_end: usize,
    min_between: usize,
    /// The first row of each distinct time, and the number of rows.
    rows: Vec<usize>,
    /// Lines through the distinct times up to each, and from each on.
    heads: Vec<Line>,
    tails: Vec<Line>,
    /// Lines through the distinct times i to i + j; empty for a single join.
    middles: Vec<Vec<Line>>,
    best: (f64, Vec<f64>),
}

/// The joins of the least sum of squares; `start` are the best joins at observed times.
pub(super) fn search(
    series: &Series,
    start: Vec<f64>,
    options: &JoinpointOptions<'_>,
) -> Option<Vec<f64>> {
    let joins = start.len();
    if joins == 0 {
        return Some(start);
    }
    let rss = series.fit(&start)?.rss;
    let times = series.distinct.len();
    let rows: Vec<usize> = (0..=times)
        .map(|k| match series.distinct.get(k) {
            Some(time) => series.time.partition_point(|t| t < time),
            None => series.len(),
        })
        .collect();
    let weight = |row: usize| series.weights.as_ref().map_or(1.0, |weights| weights[row]);
    let lines = |order: &mut dyn Iterator<Item = usize>| -> Vec<Line> {
        let mut moments = Moments::default();
        order
            .map(|k| {
                for row in rows[k]..rows[k + 1] {
                    moments.add(series.time[row], series.y[row], weight(row));
                }
                moments.line()
            })
            .collect()
    };
    let heads = lines(&mut (0..times));
    let mut tails = lines(&mut (0..times).rev());
    tails.reverse();
    let middles = match joins {
        1 => Vec::new(),
        _ => (0..times).map(|first| lines(&mut (first..times))).collect(),
    };
    let mut hudson = Hudson {
        series,
        min_to_end: options.min_to_end,
        min_between: options.min_between,
        rows,
        heads,
        tails,
        middles,
        best: (rss, start),
    };
    hudson.partition(joins, 0.0, &mut Vec::new());
    Some(hudson.best.1)
}

impl Hudson<'_> {
    /// Extends `ends`, the last distinct time of each segment so far, in all ways.
    fn partition(&mut self, joins: usize, rss: f64, ends: &mut Vec<usize>) {
        let times = self.heads.len();
        let left = joins - ends.len();
        if left == 0 {
            let after = ends.last().map_or(0, |end| end + 1);
            if rss + self.tails[after].rss < self.best.0 {
                self.place(ends);
            }
            return;
        }
        let after = ends.last().map_or(0, |end| end + 1);
        let least = if ends.is_empty() { self.min_to_end } else { self.min_between };
        let room = self.min_to_end + (left - 1) * self.min_between;
        for end in (after + least - 1)..times.saturating_sub(room) {
            let line = match ends.is_empty() {
                true => self.heads[end],
                false => self.middles[after][end - after],
            };
            if rss + line.rss < self.best.0 {
                ends.push(end);
                self.partition(joins, rss + line.rss, ends);
                ends.pop();
            }
        }
    }

    /// Tries each join between the last time of a segment and the first of the next, or on either.
    fn place(&mut self, ends: &[usize]) {
        for mut code in 0..3usize.pow(ends.len() as u32) {
            let fixed: Vec<Option<f64>> = ends
                .iter()
                .map(|end| {
                    let digit = code % 3;
                    code /= 3;
                    digit.checked_sub(1).map(|right| self.series.distinct[end + right])
                })
                .collect();
            if let Some((rss, joins)) = self.solve(ends, &fixed)
                && rss < self.best.0
            {
                self.best = (rss, joins);
            }
        }
    }

    /// The sum of squares and the joins, where those that are not fixed fall into their intervals.
    fn solve(&self, ends: &[usize], fixed: &[Option<f64>]) -> Option<(f64, Vec<f64>)> {
        let distinct = &self.series.distinct;
        let (mut rss, mut joins) = (0.0, Vec::with_capacity(ends.len()));
        let mut before: Option<(Line, usize)> = None;
        let (mut start, mut inner) = (0, Vec::new());
        for join in 0..=ends.len() {
            if let Some(Some(time)) = fixed.get(join) {
                inner.push(*time);
                continue;
            }
            let end = ends.get(join).map_or(distinct.len() - 1, |end| *end);
            let (sum, first, last) = self.group(start..end + 1, &inner)?;
            rss += sum;
            if let Some((line, end)) = before {
                let crossing = line.crossing(&first)?;
                if crossing < distinct[end] || crossing > distinct[end + 1] {
                    return None;
                }
                joins.push(crossing);
            }
            joins.append(&mut inner);
            before = Some((last, end));
            start = end + 1;
        }
        Some((rss, joins))
    }

    /// The lines that meet at `inner` through some of the distinct times: the sum of squares, the
    /// first and the last line.
    fn group(&self, times: Range<usize>, inner: &[f64]) -> Option<(f64, Line, Line)> {
        if inner.is_empty() {
            let line = match (times.start, times.end) {
                (0, end) => self.heads[end - 1],
                (start, end) if end == self.tails.len() => self.tails[start],
                (start, end) => self.middles[start][end - 1 - start],
            };
            return Some((line.rss, line, line));
        }
        let rows = self.rows[times.start]..self.rows[times.end];
        let clock = &self.series.time[rows.clone()];
        let origin = inner[0];
        let ones = vec![1.0; clock.len()];
        let since: Vec<f64> = clock.iter().map(|t| t - origin).collect();
        let hinges: Vec<Vec<f64>> =
            inner.iter().map(|join| clock.iter().map(|t| (t - join).max(0.0)).collect()).collect();
        let mut columns: Vec<&[f64]> = vec![&ones, &since];
        columns.extend(hinges.iter().map(Vec::as_slice));
        let weights = self.series.weights.as_ref().map(|weights| &weights[rows.clone()]);
        let fit = least_squares::fit(&columns, &self.series.y[rows], weights)?;
        let first =
            Line { rss: 0.0, slope: fit.coefficients[1], time: origin, value: fit.coefficients[0] };
        let mut last = first;
        for (join, change) in inner.iter().zip(&fit.coefficients[2..]) {
            last.value += last.slope * (join - last.time);
            last.time = *join;
            last.slope += change;
        }
        Some((fit.rss, first, last))
    }
}
