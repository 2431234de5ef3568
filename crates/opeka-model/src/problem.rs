//! What is wrong, where, and what to do next.

use std::fmt;

/// How much a problem weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; changes nothing.
    Note,
    /// The run goes on; somebody should look.
    Warning,
    /// The run publishes nothing.
    Error,
}

/// Whose fault a problem is; it decides the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A figure, a name or a check says no.
    Data,
    /// A sheet no longer looks as the recipe expects: an anchor is gone, a selection is empty.
    Layout,
    /// A manifest, a recipe, a query or a brief is written wrongly.
    Declaration,
}

/// Where a problem is. Lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Nowhere in particular.
    Nowhere,
    /// A file as a whole.
    File { file: String },
    /// A sheet of a file.
    Sheet { file: String, sheet: String },
    /// A cell; formats without sheets have none.
    Cell { file: String, sheet: Option<String>, cell: String },
    /// A line of a text, and a column where it is known.
    Text { file: String, line: usize, column: Option<usize> },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => Ok(()),
            Self::File { file } => write!(f, "{file}"),
            Self::Sheet { file, sheet } => write!(f, "{file} · {sheet}"),
            Self::Cell { file, sheet: Some(sheet), cell } => write!(f, "{file} · {sheet}!{cell}"),
            Self::Cell { file, sheet: None, cell } => write!(f, "{file} · {cell}"),
            Self::Text { file, line, column: Some(column) } => write!(f, "{file}:{line}:{column}"),
            Self::Text { file, line, column: None } => write!(f, "{file}:{line}"),
        }
    }
}

/// One problem: a lower-case line without a full stop, its place, and hints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    pub kind: Kind,
    pub place: Place,
    pub message: String,
    pub hints: Vec<String>,
}

impl Problem {
    /// An error; see [`Problem::warning`] and [`Problem::note`] for what weighs less.
    pub fn error(kind: Kind, place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, kind, place, message: message.into(), hints: Vec::new() }
    }

    /// A warning.
    pub fn warning(kind: Kind, place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(kind, place, message) }
    }

    /// A note.
    pub fn note(kind: Kind, place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(kind, place, message) }
    }

    /// The same problem with one more hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    /// `error: dfe/t.xlsx · A1!C9: unknown area …`, then one `hint:` line for each hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        match &self.place {
            Place::Nowhere => write!(f, "{severity}: {}", self.message)?,
            place => write!(f, "{severity}: {place}: {}", self.message)?,
        }
        for hint in &self.hints {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// All problems of a piece of work, in the order in which they were met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// None so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Adds all of another piece of work.
    pub fn extend(&mut self, other: Problems) {
        self.0.extend(other.0);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether any of them stops the run.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|p| p.severity == Severity::Error)
    }

    /// How many there are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.0.iter().filter(|p| p.severity == severity).count()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl FromIterator<Problem> for Problems {
    fn from_iter<I: IntoIterator<Item = Problem>>(problems: I) -> Self {
        Self(problems.into_iter().collect())
    }
}
