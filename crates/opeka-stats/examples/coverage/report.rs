//! Tables of shares, and what of them falls short of a claim.

use crate::designs::Share;

/// What the theory behind a method says of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Claim {
    /// Limits that hold the truth at least as often as their level says.
    AtLeast(f64),
    /// Limits that do so as often as their level says, but for small samples.
    About(f64),
    /// A test that finds a trend where there is none as often as its level says.
    FalsePositives(f64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    Holds,
    /// Less trustworthy than claimed.
    Short,
    /// More cautious than claimed.
    Cautious,
}

impl Claim {
    fn level(self) -> f64 {
        match self {
            Self::AtLeast(level) | Self::About(level) | Self::FalsePositives(level) => level,
        }
    }

    /// Where a share holds the claim. What is missed may be a fifth more than claimed where a
    /// claim is of a bound, two fifths more or less where it is of a share: 94 %, or 93 % to 97 %.
    fn range(self) -> (f64, f64) {
        match self {
            Self::AtLeast(level) => (1.0 - 1.2 * (1.0 - level), 1.0),
            Self::About(level) => (1.0 - 1.4 * (1.0 - level), 1.0 - 0.6 * (1.0 - level)),
            Self::FalsePositives(level) => (0.6 * level, 1.4 * level),
        }
    }

    pub(crate) fn verdict(self, share: f64) -> Verdict {
        let (low, high) = self.range();
        // The ends belong to the range, whatever they are in binary.
        let (below, above) = (share < low - 1e-9, share > high + 1e-9);
        let (short, cautious) = match self {
            Self::FalsePositives(_) => (above, below),
            _ => (below, above),
        };
        match (short, cautious) {
            (true, _) => Verdict::Short,
            (_, true) => Verdict::Cautious,
            _ => Verdict::Holds,
        }
    }

    fn words(self) -> String {
        let (low, high) = self.range();
        match self {
            Self::AtLeast(_) => format!("Claim: at least {} %.", percent(low)),
            Self::About(_) => format!("Claim: {} % to {} %.", percent(low), percent(high)),
            Self::FalsePositives(level) => format!(
                "Claim: {} % to {} % (at a level of {} %).",
                percent(low),
                percent(high),
                percent(level)
            ),
        }
    }
}

/// A share in per cent, without idle zeros.
fn percent(share: f64) -> String {
    format!("{}", (share * 1e4).round() / 100.0)
}

pub(crate) struct Row {
    pub(crate) name: String,
    /// `None` where a method is not meant to be used.
    pub(crate) cells: Vec<Option<Share>>,
}

pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) claim: Claim,
    /// What theory the claim comes from.
    pub(crate) theory: &'static str,
    /// What to do about it where the claim does not hold.
    pub(crate) advice: &'static str,
    /// What a column differs by, such as `autocorrelation`.
    pub(crate) across: &'static str,
    pub(crate) columns: Vec<String>,
    /// What a row differs by, such as `points`.
    pub(crate) down: &'static str,
    pub(crate) rows: Vec<Row>,
    /// Of the figures in per cent.
    pub(crate) decimals: usize,
}

impl Table {
    fn cell(&self, share: Option<Share>) -> String {
        let Some(share) = share else { return "–".to_owned() };
        let Some(right) = share.right() else { return "none".to_owned() };
        let figure = self.figure(right);
        let figure = match self.verdict(right) {
            Verdict::Holds => figure,
            Verdict::Short => format!("**{figure}**"),
            Verdict::Cautious => format!("*{figure}*"),
        };
        let none = share.none();
        if none > 0.001 { format!("{figure} ({:.1} none)", 100.0 * none) } else { figure }
    }

    fn figure(&self, share: f64) -> String {
        format!("{:.*}", self.decimals, 100.0 * share)
    }

    /// Of a share as it is printed, so that a reader can check it.
    fn verdict(&self, share: f64) -> Verdict {
        self.claim.verdict(self.figure(share).parse().map_or(share, |figure: f64| figure / 100.0))
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("### {}\n\n{} {}\n\n", self.title, self.theory, self.claim.words());
        let across =
            if self.across.is_empty() { String::new() } else { format!(" \\ {}", self.across) };
        text += &format!("| {}{across} | {} |\n", self.down, self.columns.join(" | "));
        text += &format!("|---|{}\n", "---|".repeat(self.columns.len()));
        for row in &self.rows {
            let cells: Vec<String> = row.cells.iter().map(|share| self.cell(*share)).collect();
            text += &format!("| {} | {} |\n", row.name, cells.join(" | "));
        }
        text
    }

    /// A paragraph that names what falls short; `None` where nothing does.
    pub(crate) fn shortfall(&self) -> Option<String> {
        let mut places = Vec::new();
        let mut worst: Option<(f64, String)> = None;
        for (column, name) in self.columns.iter().enumerate() {
            let mut rows = Vec::new();
            for row in &self.rows {
                let share = row.cells.get(column).copied().flatten().and_then(|s| s.right());
                let Some(share) = share else { continue };
                if self.verdict(share) != Verdict::Short {
                    continue;
                }
                rows.push(row.name.clone());
                let off = (share - self.claim.level()).abs();
                let place = self.place(&row.name, name);
                if worst.as_ref().is_none_or(|(before, _)| off > *before) {
                    worst = Some((off, format!("{} % {place}", self.figure(share))));
                }
            }
            if !rows.is_empty() {
                let column = [self.across, name].join(" ").trim().to_owned();
                places.push(format!("{column} ({} {})", self.down, rows.join(", ")));
            }
        }
        let (_, worst) = worst?;
        let what = match self.claim {
            Claim::FalsePositives(_) => "finds trends that are not there too often",
            _ => "holds the truth less often than claimed",
        };
        Some(format!(
            "- **{}** {what}: {}. Worst: {worst}. {}\n",
            self.title,
            places.join("; "),
            self.advice
        ))
    }

    fn place(&self, row: &str, column: &str) -> String {
        let column = [self.across, column].join(" ");
        format!("({} {row}, {})", self.down, column.trim())
    }
}

/// The whole of `COVERAGE.md`.
pub(crate) fn markdown(introduction: &str, sections: &[(&str, Vec<Table>)]) -> String {
    let mut text = introduction.to_owned();
    text += "\n## Shortfalls\n\n";
    let tables = || sections.iter().flat_map(|(_, tables)| tables);
    text.extend(tables().filter_map(Table::shortfall));
    for (title, tables) in sections {
        text += &format!("\n## {title}\n");
        for table in tables {
            text += "\n";
            text += &table.markdown();
        }
    }
    text
}
