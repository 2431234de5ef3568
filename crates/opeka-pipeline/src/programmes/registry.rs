//! What is declared about a programme: `datasets/programmes/<programme>.toml`.
//!
//! Every entry names the line of the document that says it. Nothing is entered that no document says:
//! what a document leaves out is left out here, and the audit says that it is missing.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// One programme.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Programme {
    pub title: Words,
    /// What it does, in a sentence or two.
    pub summary: Words,
    /// The country: a code of `codelists.regions`.
    pub country: Spanned<String>,
    /// How many areas or sites the documents state, where they do not name them all.
    pub sites_stated: Option<u32>,
    /// The documents, by the names that entries use. The first is meant where an entry names none.
    pub documents: Vec<Document>,
    #[serde(default)]
    pub components: Vec<Component>,
    #[serde(default)]
    pub sites: Vec<Site>,
    #[serde(default)]
    pub partners: Vec<Partner>,
    #[serde(default)]
    pub money: Vec<Money>,
    #[serde(default)]
    pub kpis: Vec<Kpi>,
    #[serde(default)]
    pub claims: Vec<Claim>,
    #[serde(default)]
    pub arithmetic: Vec<Arithmetic>,
}

/// A text in English and, where a document or a translator gives it, in Russian.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    pub en: String,
    pub ru: Option<String>,
}

/// A document that describes the programme.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The name that entries use.
    pub id: String,
    pub title: String,
    pub publisher: String,
    /// The text whose lines are counted.
    pub text: String,
    pub url: Option<String>,
    pub published: Option<String>,
    pub accessed: String,
    /// What the description leaves out, or how its lines are damaged.
    pub note: Option<String>,
}

/// A project or a service of the programme.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    pub id: String,
    pub name: Words,
    /// What it does.
    pub what: String,
    pub document: Option<String>,
    pub line: u32,
}

/// Whether a site can be compared with others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Treated from the date on. Without a date it is neither treated nor a control.
    #[default]
    Treated,
    /// It took the programme up outside the evaluated roll-out: never a control.
    Excluded,
}

/// Where the programme works, and from when.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// A code of `codelists.regions`.
    pub ref_area: Spanned<String>,
    /// As the document names it.
    pub name: String,
    /// The component that works here.
    pub component: Option<Spanned<String>>,
    /// The first month or year, as an SDMX time period; left out where no document says it.
    pub from: Option<Spanned<String>>,
    /// The last month or year.
    pub until: Option<Spanned<String>>,
    #[serde(default)]
    pub role: Role,
    pub note: Option<String>,
    pub document: Option<String>,
    pub line: u32,
}

/// Who takes part.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    pub name: String,
    /// `implementer`, `partner`, `funder`, `authority` or `employer`.
    pub role: PartnerRole,
    pub document: Option<String>,
    pub line: u32,
}

/// What a partner does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartnerRole {
    Implementer,
    Partner,
    Funder,
    Authority,
    Employer,
}

/// Money of the programme.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    pub what: MoneyOf,
    pub amount: f64,
    /// ISO 4217.
    pub currency: String,
    pub document: Option<String>,
    pub line: u32,
}

/// What an amount of money is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoneyOf {
    /// All of it.
    Budget,
    /// A part that a funder gave.
    Grant,
    /// What was paid to or saved for those who were helped.
    Aid,
}

/// A number planned, reached or both.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kpi {
    pub id: Spanned<String>,
    pub name: Words,
    /// What is counted: `families`, `children`, `women`, `adults`, `specialists`, `meetings`, and so on.
    pub unit: String,
    pub planned: Option<f64>,
    pub reached: Option<f64>,
    /// The year or the years, as an SDMX time period or two with `/` between.
    pub period: Option<String>,
    pub component: Option<Spanned<String>>,
    pub note: Option<String>,
    pub document: Option<String>,
    /// The line of what was reached, or of the plan where nothing else is said.
    pub line: u32,
    /// The line of the plan.
    pub planned_line: Option<u32>,
}

/// How a claim is stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// A change in per cent: `size = -36`.
    PercentChange,
    /// So many times fewer: `size = 15`.
    TimesFewer,
    /// So many times more: `size = 5`.
    TimesMore,
    /// A share in per cent of those who took part: `size = 98`.
    Share,
    /// A direction without a size: `size = -1` or `1`.
    Direction,
    /// Claimed by nobody: what a ministry asks of the programme. `size` is the direction hoped for.
    Question,
}

/// How the document came to the claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Design {
    /// Those who took part, afterwards.
    Participants,
    /// The same place before and after.
    BeforeAfter,
    /// Other places as well.
    Comparison,
    /// It does not say.
    NotStated,
}

/// A claim.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    pub id: Spanned<String>,
    /// What is claimed, in our words.
    pub wording: Words,
    pub kind: ClaimKind,
    /// In the unit of the kind.
    pub size: f64,
    /// The other end where a range is claimed: `size = 80`, `size_high = 85`.
    pub size_high: Option<f64>,
    /// Whether the size is the most that was seen (`up to`).
    #[serde(default)]
    pub ceiling: bool,
    /// What it is that changed.
    pub outcome: Words,
    /// Whether fewer or more is better.
    pub better: Better,
    /// The published statistic that is the same thing for areas and years: a code of
    /// `codelists.indicators`. Left out where there is none; `no_statistic` then says why.
    pub indicator: Option<Spanned<String>>,
    pub no_statistic: Option<Words>,
    /// A count of children that the indicator is a rate of, for the effect in children.
    pub population: Option<Spanned<String>>,
    /// The population that the rate is per: 10,000 children.
    pub per: Option<f64>,
    /// The month in which the years of the indicator end: 3 for years to 31 March.
    #[serde(default = "december")]
    pub year_ends: u32,
    /// How many there were before, where a document says it.
    pub base: Option<f64>,
    /// How many there are now.
    pub after: Option<f64>,
    /// How many the share is of.
    pub participants: Option<f64>,
    /// How many of the participants it did not hold for.
    pub exceptions: Option<f64>,
    /// Whether what changed are counts that vary by chance: not shares, not what was planned.
    #[serde(default = "yes")]
    pub counts: bool,
    /// The period it is claimed for.
    pub from: Option<Spanned<String>>,
    pub until: Option<Spanned<String>>,
    pub design: Design,
    /// The component that it is claimed of.
    pub component: Option<Spanned<String>>,
    /// A published statistic of the region or of the nation in the same years: a code of
    /// `codelists.indicators`, with the area.
    pub trend: Option<Trend>,
    /// What would settle it.
    pub needed: Words,
    pub document: Option<String>,
    pub line: u32,
}

fn december() -> u32 {
    12
}

fn yes() -> bool {
    true
}

/// What is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    Fewer,
    More,
}

/// The statistic to read beside a claim.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trend {
    pub indicator: Spanned<String>,
    pub ref_area: Spanned<String>,
    /// Whether it counts the same thing as the claim, so that it bounds a base that nobody publishes.
    #[serde(default)]
    pub same: bool,
}

/// A sum that the document's own numbers should make.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arithmetic {
    pub id: Spanned<String>,
    /// What is computed, in words.
    pub what: Words,
    pub kind: ArithmeticKind,
    /// The numbers that it is computed from, in the order that the kind says.
    pub numbers: Vec<f64>,
    /// What the document says the result is.
    pub stated: f64,
    /// The decimals that it is stated with; half a unit of the last is rounding.
    #[serde(default)]
    pub decimals: u32,
    /// The claim that rests on it.
    pub claim: Option<Spanned<String>>,
    pub document: Option<String>,
    pub line: u32,
}

/// How the numbers make the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArithmeticKind {
    /// All of them together.
    Sum,
    /// The second as a change in per cent of the first.
    PercentChange,
    /// The first in per cent of the second.
    Share,
    /// The first less the second.
    Difference,
    /// The months from the first (`YYYYMM`) to the end of the second.
    Months,
}

/// Years in which something happened to all areas, from `datasets/programmes/events.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    #[serde(default)]
    pub events: BTreeMap<String, EventYears>,
}

/// One event.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventYears {
    pub title: Words,
    /// The country it is said of; every country where none is named.
    pub country: Option<String>,
    pub from: String,
    pub until: String,
    pub citation: String,
}
