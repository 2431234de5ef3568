//! Tables of shares, and the method that is recommended for each design.

#[path = "functions.rs"]
mod functions;

use rayon::prelude::*;

use opeka_stats::Effect;

use crate::designs::{self, AREAS, AUTOCORRELATIONS, Design, EFFECT, POINTS, TREATED};
use crate::methods::{METHODS, SERIES_METHODS};

/// Of one method in one design.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Share {
    /// Tries whose limits hold the true effect: the test of the true effect does not reject.
    holds: usize,
    /// Tries with limits.
    answers: usize,
    /// The sum of the widths of limits.
    width: f64,
}

impl Share {
    fn add(&mut self, effect: &Effect) {
        let Some((low, high)) = effect.conf_low.zip(effect.conf_high) else { return };
        self.answers += 1;
        self.holds += usize::from(low <= EFFECT && EFFECT <= high);
        self.width += high - low;
    }

    fn right(&self) -> Option<f64> {
        (self.answers > 0).then(|| self.holds as f64 / self.answers as f64)
    }
}

pub(crate) struct Cell {
    design: Design,
    tries: usize,
    /// In the order of [`METHODS`].
    shares: Vec<Share>,
}

fn shares(effects: &[Vec<Effect>], methods: usize) -> Vec<Share> {
    let mut shares = vec![Share::default(); methods];
    for of_try in effects {
        shares.iter_mut().zip(of_try).for_each(|(share, effect)| share.add(effect));
    }
    shares
}

/// The methods of one series, by its length and autocorrelation.
pub(crate) struct SeriesCell {
    points: usize,
    autocorrelation: f64,
    shares: Vec<Share>,
    tries: usize,
}

impl SeriesCell {
    pub(crate) fn all(tries: usize) -> Vec<Self> {
        let grid = AUTOCORRELATIONS.iter().flat_map(|a| POINTS.map(|points| (points, *a)));
        grid.map(|(points, autocorrelation)| {
            let of = |number: usize| -> Vec<Effect> {
                let series = designs::series(points, autocorrelation, number);
                SERIES_METHODS.iter().map(|method| (method.run)(&series)).collect()
            };
            let effects: Vec<Vec<Effect>> = (0..tries).into_par_iter().map(of).collect();
            let shares = shares(&effects, SERIES_METHODS.len());
            Self { points, autocorrelation, shares, tries }
        })
        .collect()
    }
}

/// 93 % to 97 % at a level of 95 %, as far as so many tries can tell: two standard errors of a share of
/// 95 % are allowed.
fn is_right(share: f64, tries: usize) -> bool {
    let slack = 2.0 * (0.95 * 0.05 / tries as f64).sqrt() + 1e-9;
    (0.93 - slack..=0.97 + slack).contains(&share)
}

impl Cell {
    pub(crate) fn of(design: Design, tries: usize) -> Self {
        let of = |number: usize| -> Vec<Effect> {
            let panel = design.panel(number);
            let run = |method: &crate::methods::Method| match design.areas <= method.most_areas {
                true => (method.run)(&panel),
                false => Effect::default(),
            };
            METHODS.iter().map(run).collect()
        };
        let effects: Vec<Vec<Effect>> = (0..tries).into_par_iter().map(of).collect();
        Self { design, tries, shares: shares(&effects, METHODS.len()) }
    }

    /// Of the methods that gave limits in nearly every try and hold, the one with the narrowest
    /// ones; where none holds, the one that misses least on the side of caution.
    fn recommended(&self) -> Option<usize> {
        let answers = |share: &Share| share.answers * 100 >= self.tries * 95;
        let known = self.shares.iter().enumerate().filter(|(_, share)| answers(share));
        let tries = self.tries;
        let known: Vec<(usize, f64, f64)> = known
            .filter_map(|(k, share)| Some((k, share.right()?, share.width / share.answers as f64)))
            .collect();
        let best = |of: &dyn Fn(f64) -> bool| {
            let right = known.iter().filter(|(_, right, _)| of(*right));
            right.min_by(|a, b| a.2.total_cmp(&b.2)).map(|(k, _, _)| *k)
        };
        best(&|right| is_right(right, tries))
            .or_else(|| best(&|right| right > 0.97))
            .or_else(|| known.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(k, _, _)| *k))
    }
}

const INTRODUCTION: &str = "\
# How often the limits of effects hold

Written by `cargo run --release -p opeka-stats --example effect_coverage`; not to be edited by hand.

Panels of areas over ten years, of which some are treated from the sixth year on, with normal
errors that resemble those of the year before to the degree that the table names. In the second part
the variance of an area is 1/population, with populations from 1 to 100, and treated areas are of any
size. Bootstrap and permutation take 199 draws, placebos of synthetic differences in differences 50.
Limits at a level of 95 % should hold the true effect in 95 of 100 cases; what they miss are
false positives of the test. Cells are in per cent; those that miss 93 to 97 by more than two standard
errors of so many tries are in **bold** where limits hold too rarely, in *italics* where they hold too
often. `none`: the method gives no limits
there, as it says itself.

The last column names the method with the narrowest limits among those that hold (of those that hold
too often where none does, and of all where all hold too rarely: marked with `!`).
";

pub(crate) fn markdown(cells: &[Cell], series: &[SeriesCell]) -> String {
    let mut text = INTRODUCTION.to_owned();
    text += "\n## By function\n\n";
    text += &functions::lines(cells, series);
    for unequal in [false, true] {
        let title = if unequal { "Areas of unequal size" } else { "Areas of equal size" };
        text += &format!("\n## {title}\n");
        for autocorrelation in AUTOCORRELATIONS {
            text += &format!("\n### Autocorrelation {autocorrelation}\n\n");
            let names: Vec<&str> = METHODS.iter().map(|method| method.name).collect();
            text += &format!("| areas | treated | tries | {} | recommended |\n", names.join(" | "));
            text += &format!("|---|---|---|{}---|\n", "---|".repeat(names.len()));
            for areas in AREAS {
                for treated in TREATED {
                    let design = Design { areas, treated, autocorrelation, unequal };
                    let cell = cells.iter().find(|cell| cell.design == design);
                    text.extend(cell.map(row));
                }
            }
        }
    }
    text += "\n## One series\n\nA series that is treated from its middle on; the structural model \
             also sees one that is not, and that shares half of the variance of its errors. The \
             average effect.\n\n";
    let names: Vec<&str> = SERIES_METHODS.iter().map(|method| method.name).collect();
    text += &format!("| points | autocorrelation | tries | {} |\n", names.join(" | "));
    text += &format!("|---|---|---|{}\n", "---|".repeat(names.len()));
    for cell in series {
        let figures: Vec<String> =
            cell.shares.iter().map(|share| figure(share, cell.tries)).collect();
        let figures = figures.join(" | ");
        let SeriesCell { points, autocorrelation, tries, .. } = cell;
        text += &format!("| {points} | {autocorrelation} | {tries} | {figures} |\n");
    }
    text
}

fn figure(share: &Share, tries: usize) -> String {
    let Some(right) = share.right() else { return "none".to_owned() };
    let text = format!("{:.1}", 100.0 * right);
    let text = match right {
        right if is_right(right, share.answers) => text,
        right if right < 0.95 => format!("**{text}**"),
        _ => format!("*{text}*"),
    };
    let none = 100.0 * (tries - share.answers) as f64 / tries as f64;
    if none > 0.0 { format!("{text} ({none:.0} none)") } else { text }
}

fn row(cell: &Cell) -> String {
    let figures: Vec<String> = cell.shares.iter().map(|share| figure(share, cell.tries)).collect();
    let recommended = cell.recommended().map_or("none".to_owned(), |k| {
        let right = cell.shares[k].right().unwrap_or(0.0);
        let mark = if right < 0.95 && !is_right(right, cell.tries) { " !" } else { "" };
        format!("{}{mark}", METHODS[k].name)
    });
    let (Design { areas, treated, .. }, tries) = (cell.design, cell.tries);
    format!("| {areas} | {treated} | {tries} | {} | {recommended} |\n", figures.join(" | "))
}
