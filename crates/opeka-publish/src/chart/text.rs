//! Widths of text, from the font that the chart is drawn with.
//!
//! A label is placed by what it measures, never by a guess: a guess by the number of bytes makes
//! Russian twice as wide as it is.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef};

/// The family, as SVG names it. The fallback is for viewers without the font; every text carries
/// its measured length, so that a fallback cannot make it wider.
pub(crate) const FAMILY: &str = "Noto Sans, sans-serif";

/// Height of a line of text over its font size.
pub(crate) const LINE: f64 = 1.28;
/// Height above the baseline over the font size: capitals with a mark above, as in `Й`.
pub(crate) const ASCENT: f64 = 0.92;
/// Depth below the baseline over the font size.
pub(crate) const DESCENT: f64 = 0.26;

static REGULAR: LazyLock<Option<FontRef<'static>>> =
    LazyLock::new(|| FontRef::try_from_slice(notosans::REGULAR_TTF).ok());
static BOLD: LazyLock<Option<FontRef<'static>>> =
    LazyLock::new(|| FontRef::try_from_slice(notosans::BOLD_TTF).ok());

/// Size in pixels and weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Type {
    pub(crate) size: f64,
    pub(crate) bold: bool,
}

impl Type {
    pub(crate) const fn regular(size: f64) -> Self {
        Self { size, bold: false }
    }

    pub(crate) const fn bold(size: f64) -> Self {
        Self { size, bold: true }
    }

    /// Distance from one baseline to the next.
    pub(crate) fn pitch(self) -> f64 {
        self.size * LINE
    }

    /// Width of one line. Kerning only makes text narrower, so leaving it out errs on the safe
    /// side.
    pub(crate) fn width(self, text: &str) -> f64 {
        let font = if self.bold { &*BOLD } else { &*REGULAR };
        let Some(font) = font else {
            return text.chars().count() as f64 * self.size;
        };
        let em = f64::from(font.units_per_em().unwrap_or(1000.0));
        let units: f64 =
            text.chars().map(|c| f64::from(font.h_advance_unscaled(font.glyph_id(c)))).sum();
        units / em * self.size
    }

    /// The text in lines no wider than `max`. A word that is wider by itself is cut between
    /// characters.
    pub(crate) fn wrap(self, text: &str, max: f64) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut line = String::new();
        // A no-break space is not a place to break, so the split is not by all white space.
        for word in text.split([' ', '\n', '\t']).filter(|word| !word.is_empty()) {
            let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(&joined) <= max {
                line = joined;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for c in word.chars() {
                line.push(c);
                if self.width(&line) > max && line.chars().count() > 1 {
                    line.pop();
                    lines.push(std::mem::replace(&mut line, c.to_string()));
                }
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }

    /// Width of the widest word.
    pub(crate) fn widest_word(self, text: &str) -> f64 {
        text.split([' ', '\n', '\t']).map(|word| self.width(word)).fold(0.0, f64::max)
    }

    /// As [`Type::wrap`], with lines of about equal length: no last line of one word.
    pub(crate) fn wrap_evenly(self, text: &str, max: f64) -> Vec<String> {
        let mut best = self.wrap(text, max);
        let count = best.len();
        if count < 2 {
            return best;
        }
        let widest = self.widest_word(text);
        for step in 1..=12 {
            let narrow = max * (1.0 - f64::from(step) * 0.04);
            let narrower = self.wrap(text, narrow);
            // No word is cut for the sake of even lines.
            if narrower.len() > count || narrow < widest {
                break;
            }
            best = narrower;
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_font() {
        let text = Type::regular(1000.0);
        // The advance of a digit in Noto Sans is 572 thousandths of an em, Cyrillic as Latin.
        assert!((text.width("2018") - 4.0 * 572.0).abs() < 2.0);
        assert_eq!(text.width("А"), text.width("A"));
        assert!(Type::bold(10.0).width("Опека") > Type::regular(10.0).width("Опека"));
    }

    #[test]
    fn lines_fit_and_nothing_is_lost() {
        let text = Type::regular(13.0);
        let name = "Дома ребёнка, детские дома и другие учреждения";
        for max in [5.0, 60.0, 120.0, 400.0] {
            for lines in [text.wrap(name, max), text.wrap_evenly(name, max)] {
                assert!(lines.iter().all(|l| text.width(l) <= max || l.chars().count() == 1));
                let letters = |s: &str| s.replace(' ', "");
                assert_eq!(letters(&lines.concat()), letters(name));
            }
        }
        assert!(text.wrap("", 10.0).is_empty());
        assert_eq!(text.wrap("1\u{a0}234", 20.0).concat(), "1\u{a0}234");
    }
}
