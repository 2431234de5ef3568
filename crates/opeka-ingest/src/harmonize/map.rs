//! The answers: a file beside the recipe that says which code a label means, and how that was found.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use opeka_model::Problem;
use serde::Deserialize;

use crate::inspect::quoted;

/// One answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The code that the label means; none where its figures are to be left out.
    pub code: Option<String>,
    /// How alike the label and a name of the code are written.
    pub score: Option<f64>,
    /// `asked`: a person said so; `accepted`: by its score.
    pub answered: String,
}

impl Answer {
    /// A person's answer.
    pub fn asked(code: Option<String>, score: Option<f64>) -> Self {
        Self { code, score, answered: "asked".to_owned() }
    }

    /// Taken by its score, without asking.
    pub fn accepted(code: String, score: f64) -> Self {
        Self { code: Some(code), score: Some(score), answered: "accepted".to_owned() }
    }
}

/// All answers for one recipe, by the label.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AreaMap {
    /// The answers.
    pub answers: BTreeMap<String, Answer>,
}

/// What an entry may be written as.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Code(String),
    Answer(Answer),
}

impl AreaMap {
    /// Reads a file of answers: `"label" = "code"`, or `"label" = { code = "…", … }`.
    ///
    /// # Errors
    /// Where it is no TOML of that form.
    pub fn read(file: &str, text: &str) -> Result<Self, Problem> {
        let entries: BTreeMap<String, Entry> = opeka_model::from_toml(file, text)?;
        let answer = |entry| match entry {
            Entry::Code(code) => Answer::asked(Some(code), None),
            Entry::Answer(answer) => answer,
        };
        let answers = entries.into_iter().map(|(label, entry)| (label, answer(entry)));
        Ok(Self { answers: answers.collect() })
    }

    /// The file's text; the same answers make the same text.
    pub fn write(&self) -> String {
        let mut out = String::from(
            "# Which code a label means: answers of `opeka harmonize`. The figures of a label without `code` are\n\
             # left out.\n",
        );
        for (label, answer) in &self.answers {
            let mut fields = Vec::new();
            fields.extend(answer.code.as_ref().map(|code| format!("code = {}", quoted(code))));
            fields.extend(answer.score.map(|score| format!("score = {score:.2}")));
            fields.push(format!("answered = {}", quoted(&answer.answered)));
            let _ = writeln!(out, "{} = {{ {} }}", quoted(label), fields.join(", "));
        }
        out
    }

    /// The codes, for a recipe.
    pub fn codes(&self) -> BTreeMap<String, Option<String>> {
        self.answers.iter().map(|(label, answer)| (label.clone(), answer.code.clone())).collect()
    }
}
