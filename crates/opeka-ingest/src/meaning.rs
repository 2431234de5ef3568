//! What a written label means, by the recipe's `values` and by the code lists.

use std::collections::HashMap;

use opeka_model::{Kind, Place, Problem, TimePeriod, closest};

use crate::codelist::{Codelists, Match, normalise};
use crate::periods::{PeriodRules, parse_period};
use crate::recipe::{Column, Dimension, OneOrMany};

/// The meanings found so far; a label that stands on every row is looked up once.
pub(crate) struct Meanings<'a> {
    codelists: &'a Codelists,
    known: HashMap<(Column, String, Option<String>), Result<String, Problem>>,
}

/// What stands for a code.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Written<'w> {
    /// A label, to be looked up.
    Label(&'w str),
    /// A code that the recipe gave this very label.
    Code(&'w str),
}

impl<'a> Meanings<'a> {
    pub(crate) fn new(codelists: &'a Codelists) -> Self {
        Self { codelists, known: HashMap::new() }
    }

    /// What a label of one dimension means in a period; a problem without a place where that
    /// cannot be said.
    pub(crate) fn of(
        &mut self,
        what: Column,
        dimension: &Dimension,
        rules: PeriodRules,
        written: Written,
        period: Option<&TimePeriod>,
    ) -> Result<String, Problem> {
        // Only the meaning of an area depends on the period.
        let period = period.filter(|_| what == Column::RefArea);
        let codelists = self.codelists;
        match written {
            Written::Code(code) => known(codelists, what, dimension, rules, code, period),
            Written::Label(label) => {
                let key = (what, label.to_owned(), period.map(ToString::to_string));
                let found = || {
                    let code = by_values(what, dimension, label)?;
                    known(codelists, what, dimension, rules, &code, period)
                };
                self.known.entry(key).or_insert_with(found).clone()
            }
        }
    }
}

/// The code that is meant by what the recipe or the sheet says.
fn known(
    codelists: &Codelists,
    what: Column,
    dimension: &Dimension,
    rules: PeriodRules,
    written: &str,
    period: Option<&TimePeriod>,
) -> Result<String, Problem> {
    if dimension.as_written {
        return Ok(written.to_owned());
    }
    let Some(list_name) = what.codelist() else {
        return match what {
            Column::TimePeriod => parse_period(written, rules)
                .map(|period| period.to_string())
                .map_err(|hint| refuse(format!("`{written}` is no time period")).hint(hint)),
            _ => Ok(written.to_owned()),
        };
    };
    let Some(list) = codelists.get(list_name) else {
        return Err(refuse(format!("there is no code list `{list_name}`")));
    };
    if what != Column::RefArea
        && let Some(code) = list.get(written)
    {
        return Ok(code.code.clone());
    }
    let name = if what == Column::RefArea { "area" } else { what.name() };
    match list.find(written, dimension.by.as_deref(), period) {
        Match::One { code, .. } => Ok(code),
        other => Err(unmatched(written, name, list_name, period, other)),
    }
}

/// The label by the recipe's `values`, where it has any, and by the answers of its map. Where there
/// are only `values`, each label must be among them.
fn by_values(what: Column, dimension: &Dimension, written: &str) -> Result<String, Problem> {
    let wanted = normalise(written);
    let mut values = dimension.values.iter();
    if let Some((_, OneOrMany::One(code))) = values.find(|(label, _)| normalise(label) == wanted) {
        return Ok(code.clone());
    }
    let mut answers = dimension.answers.iter();
    if let Some((_, Some(code))) = answers.find(|(label, _)| normalise(label) == wanted) {
        return Ok(code.clone());
    }
    // Areas and periods are so many that `values` name the exceptions only.
    let exceptions = matches!(what, Column::RefArea | Column::TimePeriod);
    if dimension.values.is_empty() || dimension.as_written || exceptions {
        return Ok(written.to_owned());
    }
    let name = what.name();
    let problem = refuse(format!("`{written}` is none of the recipe's `values` of `{name}`"));
    let known = dimension.values.keys().map(String::as_str);
    Err(match closest(written, known).first() {
        Some(near) => problem.hint(format!("the closest is `{near}`")),
        None => problem,
    })
}

fn refuse(message: String) -> Problem {
    Problem::error(Kind::Data, Place::Nowhere, message)
}

fn unmatched(
    written: &str,
    what: &str,
    list: &str,
    period: Option<&TimePeriod>,
    found: Match,
) -> Problem {
    let quoted = |names: &[String]| names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>();
    match found {
        Match::Several(codes) => {
            let codes = quoted(&codes).join(" or ");
            let when = period.map(|period| format!(" in {period}")).unwrap_or_default();
            refuse(format!("ambiguous {what} `{written}`{when}: it may be {codes}"))
                .hint("say which with `values`, or match another column of the code list with `by`")
        }
        Match::Unknown(near) if !near.is_empty() => refuse(format!("unknown {what} `{written}`"))
            .hint(format!("the closest in code list `{list}`: {}", quoted(&near).join(", "))),
        _ => refuse(format!("unknown {what} `{written}`"))
            .hint(format!("add it to code list `{list}`, or an alias of it")),
    }
}
