//! Tables of shares, and the method that is recommended for each design.

use crate::designs::{AREAS, AUTOCORRELATIONS, Design, EFFECT, TREATED};
use crate::methods::METHODS;

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

/// 93 % to 97 % at a level of 95 %.
fn is_right(share: f64) -> bool {
    (0.93 - 1e-9..=0.97 + 1e-9).contains(&share)
}

impl Cell {
    pub(crate) fn of(design: Design, tries: usize) -> Self {
        let mut shares = vec![Share::default(); METHODS.len()];
        for number in 0..tries {
            let panel = design.panel(number);
            for (share, method) in shares.iter_mut().zip(METHODS) {
                let effect = (method.run)(&panel);
                let Some((low, high)) = effect.conf_low.zip(effect.conf_high) else { continue };
                share.answers += 1;
                share.holds += usize::from(low <= EFFECT && EFFECT <= high);
                share.width += high - low;
            }
        }
        Self { design, tries, shares }
    }

    /// Of the methods that gave limits in nearly every try and hold, the one with the narrowest
    /// ones; where none holds, the one that misses least on the side of caution.
    fn recommended(&self) -> Option<usize> {
        let answers = |share: &Share| share.answers * 100 >= self.tries * 95;
        let known = self.shares.iter().enumerate().filter(|(_, share)| answers(share));
        let known: Vec<(usize, f64, f64)> = known
            .filter_map(|(k, share)| Some((k, share.right()?, share.width / share.answers as f64)))
            .collect();
        let best = |of: &dyn Fn(f64) -> bool| {
            let right = known.iter().filter(|(_, right, _)| of(*right));
            right.min_by(|a, b| a.2.total_cmp(&b.2)).map(|(k, _, _)| *k)
        };
        best(&is_right)
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
size. Bootstrap and permutation take 199 draws. Limits at a level of 95 % should hold the true effect in 95 of 100 cases; what they miss are
false positives of the test. Cells are in per cent; those that miss 93 to 97 are in **bold** where
limits hold too rarely, in *italics* where they hold too often. `none`: the method gives no limits
there, as it says itself.

The last column names the method with the narrowest limits among those that hold (of those that hold
too often where none does, and of all where all hold too rarely: marked with `!`).
";

pub(crate) fn markdown(cells: &[Cell]) -> String {
    let mut text = INTRODUCTION.to_owned();
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
    text
}

fn row(cell: &Cell) -> String {
    let figure = |share: &Share| match share.right() {
        None => "none".to_owned(),
        Some(right) => {
            let text = format!("{:.1}", 100.0 * right);
            let text = match right {
                right if is_right(right) => text,
                right if right < 0.95 => format!("**{text}**"),
                _ => format!("*{text}*"),
            };
            let none = 100.0 * (cell.tries - share.answers) as f64 / cell.tries as f64;
            if none > 0.0 { format!("{text} ({none:.0} none)") } else { text }
        }
    };
    let figures: Vec<String> = cell.shares.iter().map(figure).collect();
    let recommended = cell.recommended().map_or("none".to_owned(), |k| {
        let right = cell.shares[k].right().unwrap_or(0.0);
        let mark = if right < 0.93 - 1e-9 { " !" } else { "" };
        format!("{}{mark}", METHODS[k].name)
    });
    let (Design { areas, treated, .. }, tries) = (cell.design, cell.tries);
    format!("| {areas} | {treated} | {tries} | {} | {recommended} |\n", figures.join(" | "))
}
