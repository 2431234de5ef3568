//! Names of areas that no code list knows, and who they may be.
//!
//! A score says how alike two names are written. Whether they are the same area is another question:
//! `Тюменская область` and `Тюменская область без автономных округов` are written much alike and are
//! two areas. So a score only proposes, and what tells areas apart (a qualifier, a compass word, a
//! number, the kind of the area) forbids, whatever the score.

mod map;
mod name;
mod unmatched;

pub use map::{Answer, AreaMap};
pub use unmatched::{Unmatched, unmatched_areas, unmatched_in_column};

use std::collections::BTreeMap;

use crate::codelist::{Code, Codelist};
use name::Name;

/// An area that a name may mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its code.
    pub code: String,
    /// The name, or alias, of it that is written most like the label.
    pub name: String,
    /// From 0 to 1; equal spellings have 1.
    pub score: f64,
    /// What tells it from the label, where something does.
    pub differs: Option<String>,
}

/// Why no candidate is accepted without asking.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// Nothing is written alike.
    Nothing,
    /// The best is below the score that was asked for.
    Low(f64),
    /// Another is written nearly as much alike.
    Close { second: String, lead: f64 },
    /// Something tells the best from the label.
    Differs(String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => write!(f, "nothing in the code list is written alike"),
            Self::Low(score) => write!(f, "the best candidate scores {score:.2} only"),
            Self::Close { second, lead } => {
                write!(f, "`{second}` is only {lead:.2} behind")
            }
            Self::Differs(what) => write!(f, "{what}"),
        }
    }
}

/// What may be accepted without asking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// The least score.
    pub score: f64,
    /// The least lead over the second.
    pub margin: f64,
}

/// The areas of the list that are written most like the label, the best first. Of two that may be
/// meant, the second is among them, however many that differ are written more alike.
pub fn candidates(list: &Codelist, label: &str, most: usize) -> Vec<Candidate> {
    let wanted = Name::new(label);
    let mut best: BTreeMap<&str, Candidate> = BTreeMap::new();
    for code in &list.codes {
        for name in names(code) {
            let other = Name::new(name);
            let score = wanted.score(&other);
            if score < 0.5 {
                continue;
            }
            let candidate = Candidate {
                code: code.code.clone(),
                name: name.to_owned(),
                score,
                differs: wanted.differs(&other),
            };
            // A name of the area that nothing tells from the label counts before one that differs.
            let rank = |c: &Candidate| (c.differs.is_none(), c.score);
            match best.get(&*code.code) {
                Some(known) if rank(known) >= rank(&candidate) => {}
                _ => {
                    best.insert(&code.code, candidate);
                }
            }
        }
    }
    let mut found: Vec<Candidate> = best.into_values().collect();
    found.sort_by(|a, b| {
        (b.score.total_cmp(&a.score))
            .then(a.differs.is_some().cmp(&b.differs.is_some()))
            .then(a.code.cmp(&b.code))
    });
    let rival = (0..found.len()).filter(|at| found[*at].differs.is_none()).nth(1);
    if let (Some(rival), Some(last)) = (rival, most.checked_sub(1))
        && rival > last
        && last > 0
    {
        found.swap(last, rival);
    }
    found.truncate(most);
    found
}

/// The candidate that may be taken without asking.
///
/// # Errors
/// Why none may: what is doubtful is asked, never guessed.
pub fn accept(found: &[Candidate], threshold: Threshold) -> Result<&Candidate, Refusal> {
    let best = found.first().ok_or(Refusal::Nothing)?;
    if let Some(differs) = &best.differs {
        return Err(Refusal::Differs(differs.clone()));
    }
    if best.score < threshold.score {
        return Err(Refusal::Low(best.score));
    }
    // What differs is another area, however it is written; what does not may be the one that is meant.
    let second = found.iter().skip(1).find(|other| other.differs.is_none());
    if let Some(second) = second
        && best.score - second.score < threshold.margin
    {
        let lead = best.score - second.score;
        return Err(Refusal::Close { second: format!("{} ({})", second.name, second.code), lead });
    }
    Ok(best)
}

fn names(code: &Code) -> impl Iterator<Item = &str> {
    let fields = ["name_en", "name_ru", "aliases"];
    let fields = fields.into_iter().filter_map(|column| code.columns.get(column));
    fields.flat_map(|field| field.split('|')).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
