//! Whether texts name areas that the code list knows.

use std::collections::BTreeSet;

use crate::codelist::{Codelist, Codelists, Match};

/// What a code list knows of some labels.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Known {
    /// Labels that mean one area, or several of which the period decides.
    pub(super) known: BTreeSet<String>,
    /// Labels that mean one area without their trailing mark, and the mark.
    pub(super) marked: BTreeSet<(String, String)>,
    /// Labels that mean none, with the names that are spelt alike.
    pub(super) unknown: Vec<(String, Vec<String>)>,
}

impl Known {
    pub(super) fn total(&self) -> usize {
        self.known.len() + self.marked.len() + self.unknown.len()
    }

    fn found(&self) -> usize {
        self.known.len() + self.marked.len()
    }

    /// Whether most labels are areas of the list.
    pub(super) fn most(&self) -> bool {
        self.found() * 2 > self.total() && self.found() > 0
    }

    pub(super) fn share(&self) -> f64 {
        self.found() as f64 / self.total().max(1) as f64
    }
}

/// Looks labels up, each once.
pub(super) fn look_up(codelists: &Codelists, labels: impl IntoIterator<Item = String>) -> Known {
    let Some(list) = codelists.get("regions") else {
        let unknown = labels.into_iter().map(|label| (label, Vec::new())).collect();
        return Known { unknown, ..Known::default() };
    };
    let mut known = Known::default();
    let mut seen = BTreeSet::new();
    for label in labels {
        if !seen.insert(label.clone()) {
            continue;
        }
        if list.has(&label) {
            known.known.insert(label);
            continue;
        }
        match without_mark(&label) {
            Some((name, mark)) if knows(list, &name) => {
                known.marked.insert((label, mark));
            }
            _ => known.unknown.push((label, Vec::new())),
        }
    }
    // Names that are spelt alike are worth looking for where the column is one of areas.
    if known.most() && known.unknown.len() <= 60 {
        for (label, near) in &mut known.unknown {
            if let Match::Unknown(found) = list.find(label, None, None) {
                *near = found;
            }
        }
    }
    known
}

pub(super) fn knows(list: &Codelist, label: &str) -> bool {
    list.has(label)
}

/// A name without the footnote mark that trails it, and the mark: `Российская Федерация 2`,
/// `2022 2)`, `Wales *`. Bare digits are a mark only behind a space.
pub(super) fn without_mark(text: &str) -> Option<(String, String)> {
    let stars = text.trim_end_matches('*');
    if stars.len() < text.len() && !stars.trim().is_empty() {
        return Some((stars.trim_end().to_owned(), text[stars.len()..].to_owned()));
    }
    if let Some(body) = text.strip_suffix(')') {
        let name = body.trim_end_matches(|c: char| c.is_ascii_digit());
        let mark = &text[name.len()..];
        let digits = body.len() - name.len();
        let name = name.trim_end();
        if (1..=2).contains(&digits) && !name.is_empty() && !name.ends_with('(') {
            return Some((name.to_owned(), mark.to_owned()));
        }
        return None;
    }
    let (name, mark) = text.rsplit_once(' ')?;
    let digits = (1..=2).contains(&mark.len()) && mark.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| (name.trim_end().to_owned(), mark.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_taken_from_names() {
        for (text, name, mark) in [
            ("Российская Федерация 2", "Российская Федерация", "2"),
            ("2022 2)", "2022", "2)"),
            ("страховщиков3)", "страховщиков", "3)"),
            ("Wales **", "Wales", "**"),
        ] {
            assert_eq!(without_mark(text), Some((name.to_owned(), mark.to_owned())), "{text}");
        }
        for text in ["Darlington3", "Area (12)", "2019", "*", "Northern Ireland"] {
            assert_eq!(without_mark(text), None, "{text}");
        }
    }
}
