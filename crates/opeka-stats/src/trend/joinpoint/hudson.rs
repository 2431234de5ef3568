//! Hudson's search: the best joins anywhere.
//!
//! Fix which observations belong to which segment. Either the lines fitted to each segment by
//! itself cross between its last observation and the next one's first: then these are the best
//! lines. Or, at the best ones, some joins lie on one of these two observations: then segments that
//! meet there are fitted together and the others by themselves (Hudson 1966). Lines by themselves are never worse
//! than lines that must meet, so that most partitions are ruled out by a sum of tabulated numbers.

use std::ops::Range;

/// What is fitted: a loss that is a sum over segments which do not touch.
pub(super) trait Pieces {
    fn distinct(&self) -> &[f64];

    /// The best line through these distinct times by itself.
    ///
    /// Where there is none, a loss that no line is below, and a slope that is not a number.
    fn line(&self, times: Range<usize>) -> Line;

    /// The best lines through these times that meet at `inner`: their loss, the first and the last.
    fn group(&self, times: Range<usize>, inner: &[f64]) -> Option<(f64, Line, Line)>;
}

/// A line through part of the series.
#[derive(Clone, Copy)]
pub(super) struct Line {
    /// Of the points it was fitted to: never negative.
    pub(super) loss: f64,
    pub(super) slope: f64,
    /// A point on it.
    pub(super) time: f64,
    pub(super) value: f64,
}

impl Line {
    /// The line after joins at which its slope changes.
    pub(super) fn bent(mut self, inner: &[f64], changes: &[f64]) -> Self {
        for (join, change) in inner.iter().zip(changes) {
            self.value += self.slope * (join - self.time);
            self.time = *join;
            self.slope += change;
        }
        self
    }

    /// Where two lines cross.
    fn crossing(&self, other: &Line) -> Option<f64> {
        let turn = self.slope - other.slope;
        let apart = other.value - self.value + self.slope * (self.time - other.time);
        // Counted from the other line's point, which keeps the digits of calendar years.
        let after = apart / turn;
        after.is_finite().then_some(other.time + after)
    }
}

struct Hudson<'a, P> {
    pieces: &'a P,
    min_to_end: usize,
    min_between: usize,
    /// Lines through the distinct times up to each, and from each on.
    heads: Vec<Line>,
    tails: Vec<Line>,
    /// Lines through the distinct times i to i + j; empty for a single join.
    middles: Vec<Vec<Line>>,
    best: (f64, Vec<f64>),
}

/// The joins of the least loss; `start` are good ones and `loss` is theirs.
pub(super) fn search<P: Pieces>(
    pieces: &P,
    (loss, start): (f64, Vec<f64>),
    (min_to_end, min_between): (usize, usize),
) -> Vec<f64> {
    let joins = start.len();
    if joins == 0 {
        return start;
    }
    let times = pieces.distinct().len();
    let from = |first: usize| {
        (first + 1..times + 1).map(|end| pieces.line(first..end)).collect::<Vec<Line>>()
    };
    let mut hudson = Hudson {
        pieces,
        min_to_end,
        min_between,
        heads: from(0),
        tails: (0..times).map(|first| pieces.line(first..times)).collect(),
        middles: if joins == 1 { Vec::new() } else { (0..times).map(from).collect() },
        best: (loss, start),
    };
    hudson.partition(joins, 0.0, &mut Vec::new());
    hudson.best.1
}

impl<P: Pieces> Hudson<'_, P> {
    /// Extends `ends`, the last distinct time of each segment so far, in all ways.
    fn partition(&mut self, joins: usize, loss: f64, ends: &mut Vec<usize>) {
        let times = self.heads.len();
        let left = joins - ends.len();
        if left == 0 {
            let after = ends.last().map_or(0, |end| end + 1);
            if loss + self.tails[after].loss < self.best.0 {
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
            if loss + line.loss < self.best.0 {
                ends.push(end);
                self.partition(joins, loss + line.loss, ends);
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
                    digit.checked_sub(1).map(|right| self.pieces.distinct()[end + right])
                })
                .collect();
            if let Some((loss, joins)) = self.solve(ends, &fixed)
                && loss < self.best.0
            {
                self.best = (loss, joins);
            }
        }
    }

    /// The loss and the joins, where those that are not fixed fall into their intervals.
    fn solve(&self, ends: &[usize], fixed: &[Option<f64>]) -> Option<(f64, Vec<f64>)> {
        let distinct = self.pieces.distinct();
        let (mut loss, mut joins) = (0.0, Vec::with_capacity(ends.len()));
        let mut before: Option<(Line, usize)> = None;
        let (mut start, mut inner) = (0, Vec::new());
        for join in 0..=ends.len() {
            if let Some(Some(time)) = fixed.get(join) {
                inner.push(*time);
                continue;
            }
            let end = ends.get(join).map_or(distinct.len() - 1, |end| *end);
            let (sum, first, last) = self.group(start..end + 1, &inner)?;
            loss += sum;
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
        Some((loss, joins))
    }

    fn group(&self, times: Range<usize>, inner: &[f64]) -> Option<(f64, Line, Line)> {
        if !inner.is_empty() {
            return self.pieces.group(times, inner);
        }
        let line = match (times.start, times.end) {
            (0, end) => self.heads[end - 1],
            (start, end) if end == self.tails.len() => self.tails[start],
            (start, end) => self.middles[start][end - 1 - start],
        };
        Some((line.loss, line, line))
    }
}
