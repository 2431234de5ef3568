//! The registry as tables: `programmes.programmes`, `.components`, `.sites`, `.partners`, `.money`,
//! `.kpis`, `.claims`, `.arithmetic`, `.events` and `.statements`.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use arrow::record_batch::RecordBatch;
use opeka_ingest::Codelists;
use opeka_model::TimePeriod;
use serde_json::{Map, Value, json};
use toml::{Spanned, Table};

use super::registry::{
    ArithmeticKind, Better, Claim, ClaimKind, Design, MoneyOf, PartnerRole, Programme, Role, Words,
};
use super::statements::{self, Statement};
use super::{Registry, RegistryFile};

/// The tables, by their names.
pub(crate) const REGISTRY_TABLES: [&str; 10] = [
    "programmes",
    "components",
    "sites",
    "partners",
    "money",
    "kpis",
    "claims",
    "arithmetic",
    "events",
    "statements",
];

/// One table.
pub(crate) struct RegistryTable {
    pub name: &'static str,
    pub description: &'static str,
    pub batch: RecordBatch,
}

/// The type of a column.
#[derive(Clone, Copy)]
enum Of {
    Text,
    Whole,
    Number,
    Flag,
    Texts,
    Numbers,
}

impl Of {
    fn data_type(self) -> DataType {
        let list = |of: DataType| DataType::List(Arc::new(Field::new("item", of, true)));
        match self {
            Self::Text => DataType::Utf8,
            Self::Whole => DataType::Int64,
            Self::Number => DataType::Float64,
            Self::Flag => DataType::Boolean,
            Self::Texts => list(DataType::Utf8),
            Self::Numbers => list(DataType::Float64),
        }
    }
}

use Of::{Flag, Number, Numbers, Text, Texts, Whole};

type Row = Map<String, Value>;

/// What is common to all tables of entries, at their end.
const PLACE: [(&str, Of); 5] = [
    ("document", Text),
    ("line", Whole),
    ("registry_file", Text),
    ("registry_line", Whole),
    ("cells", Texts),
];

/// All tables of the registry, also those without rows.
///
/// # Errors
/// Only where Arrow does not take its own rows.
pub(crate) fn tables(
    registry: &Registry,
    codelists: &Codelists,
) -> Result<Vec<RegistryTable>, ArrowError> {
    let mut rows = Rows::default();
    for file in &registry.files {
        rows.add(file, codelists);
    }
    // Where a programme with mistakes works is known all the same: its areas are no controls.
    let programme = |row: &Row| row.get("programme").and_then(Value::as_str).map(str::to_owned);
    let asked = |row: &Row| {
        let name = programme(row).unwrap_or_default();
        !registry.refused.contains(&name) && registry.only.as_ref().is_none_or(|only| *only == name)
    };
    rows.claims.retain(asked);
    for entries in [&mut rows.kpis, &mut rows.arithmetic] {
        entries.retain(|row| programme(row).is_some_and(|name| !registry.refused.contains(&name)));
    }
    rows.events(registry);
    let place = |own: &[(&'static str, Of)]| -> Vec<(&'static str, Of)> {
        own.iter().copied().chain(PLACE).collect()
    };
    let made = [
        (
            "programmes",
            "What was done, by whose description: a row a programme.",
            place(&[
                ("programme", Text),
                ("title_en", Text),
                ("title_ru", Text),
                ("summary_en", Text),
                ("summary_ru", Text),
                ("country", Text),
                ("sites_stated", Whole),
                ("document_title", Text),
                ("publisher", Text),
                ("url", Text),
            ]),
            rows.programmes,
        ),
        (
            "components",
            "The projects and services of a programme.",
            place(&[
                ("programme", Text),
                ("component", Text),
                ("name_en", Text),
                ("name_ru", Text),
                ("what", Text),
            ]),
            rows.components,
        ),
        (
            "sites",
            "Where a programme works, from when and until when, as the documents say it.",
            place(&[
                ("programme", Text),
                ("site", Whole),
                ("ref_area", Text),
                ("name", Text),
                ("component", Text),
                ("from_period", Text),
                ("from_month", Whole),
                ("until_period", Text),
                ("until_month", Whole),
                ("role", Text),
                ("note", Text),
            ]),
            rows.sites,
        ),
        (
            "partners",
            "Who takes part in a programme, and as what.",
            place(&[("programme", Text), ("name", Text), ("role", Text)]),
            rows.partners,
        ),
        (
            "money",
            "Budgets and grants, in their currency.",
            place(&[("programme", Text), ("what", Text), ("amount", Number), ("currency", Text)]),
            rows.money,
        ),
        (
            "kpis",
            "What was planned and what was reached, in the documents' own numbers.",
            place(&[
                ("programme", Text),
                ("kpi", Text),
                ("name_en", Text),
                ("name_ru", Text),
                ("unit", Text),
                ("planned", Number),
                ("reached", Number),
                ("period", Text),
                ("component", Text),
                ("planned_line", Whole),
                ("note", Text),
            ]),
            rows.kpis,
        ),
        (
            "claims",
            "What is claimed of a programme: in whose words, of what size, of which statistic.",
            place(&[
                ("programme", Text),
                ("claim", Text),
                ("wording_en", Text),
                ("wording_ru", Text),
                ("kind", Text),
                ("size", Number),
                ("size_high", Number),
                ("ceiling", Flag),
                ("outcome_en", Text),
                ("outcome_ru", Text),
                ("better", Text),
                ("indicator", Text),
                ("no_statistic_en", Text),
                ("no_statistic_ru", Text),
                ("population", Text),
                ("per", Number),
                ("year_ends", Whole),
                ("base", Number),
                ("after", Number),
                ("counts", Flag),
                ("participants", Number),
                ("exceptions", Number),
                ("from_period", Text),
                ("until_period", Text),
                ("design", Text),
                ("component", Text),
                ("trend_indicator", Text),
                ("trend_area", Text),
                ("trend_is_same", Flag),
                ("needed_en", Text),
                ("needed_ru", Text),
            ]),
            rows.claims,
        ),
        (
            "arithmetic",
            "What the documents' own numbers should make, and what the documents say they make.",
            place(&[
                ("programme", Text),
                ("calculation", Text),
                ("what_en", Text),
                ("what_ru", Text),
                ("kind", Text),
                ("numbers", Numbers),
                ("stated", Number),
                ("decimals", Whole),
                ("claim", Text),
            ]),
            rows.arithmetic,
        ),
        (
            "events",
            "What happened to all areas of a country in some months.",
            vec![
                ("event", Text),
                ("title_en", Text),
                ("title_ru", Text),
                ("country", Text),
                ("from_period", Text),
                ("from_month", Whole),
                ("until_period", Text),
                ("until_month", Whole),
                ("citation", Text),
            ],
            rows.events,
        ),
        (
            "statements",
            "Every figure and word of the registry with its address, and the line of the document that says it.",
            vec![
                ("cell_ref", Text),
                ("source", Text),
                ("sheet", Text),
                ("cell", Text),
                ("cell_text", Text),
                ("obs_value", Number),
                ("obs_status", Text),
                ("mark", Text),
                ("note", Text),
                ("source_sha256", Text),
                ("minus_cell_ref", Text),
            ],
            rows.statements,
        ),
    ];
    made.into_iter()
        .map(|(name, description, columns, rows)| {
            let fields = columns.iter().map(|(name, of)| Field::new(*name, of.data_type(), true));
            let schema = Arc::new(Schema::new(fields.collect::<Vec<Field>>()));
            Ok(RegistryTable { name, description, batch: batch(schema, &rows)? })
        })
        .collect()
}

fn batch(schema: SchemaRef, rows: &[Row]) -> Result<RecordBatch, ArrowError> {
    let mut decoder = ReaderBuilder::new(Arc::clone(&schema))
        .with_batch_size(rows.len().max(1))
        .build_decoder()?;
    decoder.serialize(rows)?;
    Ok(decoder.flush()?.unwrap_or_else(|| RecordBatch::new_empty(schema)))
}

#[derive(Default)]
struct Rows {
    programmes: Vec<Row>,
    components: Vec<Row>,
    sites: Vec<Row>,
    partners: Vec<Row>,
    money: Vec<Row>,
    kpis: Vec<Row>,
    claims: Vec<Row>,
    arithmetic: Vec<Row>,
    events: Vec<Row>,
    statements: Vec<Row>,
}

/// A file of the registry, as it is turned into rows.
struct File<'a> {
    name: &'a str,
    file: &'a RegistryFile,
    toml: Table,
}

impl File<'_> {
    fn programme(&self) -> &Programme {
        &self.file.declared.value
    }

    /// The row of an entry, and its statements: where it stands, and the cells that it is made of.
    fn row(
        &self,
        at: Option<(&str, usize)>,
        document: Option<&str>,
        line: Option<u32>,
        own: Value,
    ) -> (Row, Vec<Statement>) {
        let stated = statements::of_entry(self.name, &self.toml, at);
        let documents = &self.programme().documents;
        let first = documents.first().map(|d| d.id.as_str());
        let registry_line = at.map_or(Some(1), |(section, index)| self.line_of(section, index));
        let mut row = Row::new();
        row.insert("programme".into(), json!(self.name));
        if let Value::Object(own) = own {
            row.extend(own);
        }
        row.insert("document".into(), json!(document.or(first)));
        row.insert("line".into(), json!(line));
        row.insert("registry_file".into(), json!(self.file.declared.file));
        row.insert("registry_line".into(), json!(registry_line));
        let cells: Vec<String> = stated.iter().map(Statement::cell_ref).collect();
        row.insert("cells".into(), json!(cells));
        (row, stated)
    }

    /// The line of the n-th `[[section]]`.
    fn line_of(&self, section: &str, index: usize) -> Option<usize> {
        let header = format!("[[{section}]]");
        let lines = self.file.text.lines().enumerate();
        lines.filter(|(_, text)| text.trim() == header).nth(index).map(|(line, _)| line + 1)
    }
}

fn text(spanned: Option<&Spanned<String>>) -> Option<&str> {
    spanned.map(|text| text.get_ref().as_str())
}

/// The first month of a period, counted from the year 0; a year begins in January.
fn first_month(period: &str) -> Option<i32> {
    let period = TimePeriod::parse(period)?;
    Some(period.year() * 12 + i32::try_from(period.month()).ok()? - 1)
}

/// The last month of a period, counted so.
fn last_month(period: &str) -> Option<i32> {
    let months = TimePeriod::parse(period)?.length_in_months();
    Some(first_month(period)? + i32::try_from(months).ok()?.max(1) - 1)
}

fn words(row: &mut Row, name: &str, words: Option<&Words>) {
    row.insert(format!("{name}_en"), json!(words.map(|w| &w.en)));
    row.insert(format!("{name}_ru"), json!(words.and_then(|w| w.ru.as_ref())));
}

impl Rows {
    fn add(&mut self, file: &RegistryFile, codelists: &Codelists) {
        let known = |code: &str| {
            codelists.get("regions").and_then(|list| list.get(code)).map(|c| c.code.clone())
        };
        // It was read before, so that it can be read.
        let toml: Table = toml::from_str(&file.text).unwrap_or_default();
        let file = File { name: &file.declared.name, file, toml };
        let p = file.programme();
        let first = p.documents.first();
        let own = json!({
            "country": p.country.get_ref(),
            "sites_stated": p.sites_stated,
            "document_title": first.map(|d| &d.title),
            "publisher": first.map(|d| &d.publisher),
            "url": first.and_then(|d| d.url.as_ref()),
        });
        let (mut row, mut stated) = file.row(None, None, None, own);
        words(&mut row, "title", Some(&p.title));
        words(&mut row, "summary", Some(&p.summary));
        self.programmes.push(row);
        for (index, one) in p.components.iter().enumerate() {
            let own = json!({ "component": one.id, "what": one.what });
            let at = Some(("components", index));
            let (mut row, more) = file.row(at, one.document.as_deref(), Some(one.line), own);
            words(&mut row, "name", Some(&one.name));
            self.components.push(row);
            stated.extend(more);
        }
        for (index, one) in p.sites.iter().enumerate() {
            let own = json!({
                "site": index + 1,
                // A code that stands in no list was told, and is no area.
                "ref_area": known(one.ref_area.get_ref()),
                "name": one.name,
                "component": text(one.component.as_ref()),
                "from_period": text(one.from.as_ref()),
                "from_month": one.from.as_ref().and_then(|from| first_month(from.get_ref())),
                "until_period": text(one.until.as_ref()),
                "until_month": one.until.as_ref().and_then(|until| last_month(until.get_ref())),
                "role": match one.role { Role::Treated => "treated", Role::Excluded => "excluded" },
                "note": one.note,
            });
            let at = Some(("sites", index));
            let (row, more) = file.row(at, one.document.as_deref(), Some(one.line), own);
            self.sites.push(row);
            stated.extend(more);
        }
        for (index, one) in p.partners.iter().enumerate() {
            let role = match one.role {
                PartnerRole::Implementer => "implementer",
                PartnerRole::Partner => "partner",
                PartnerRole::Funder => "funder",
                PartnerRole::Authority => "authority",
                PartnerRole::Employer => "employer",
            };
            let own = json!({ "name": one.name, "role": role });
            let at = Some(("partners", index));
            let (row, more) = file.row(at, one.document.as_deref(), Some(one.line), own);
            self.partners.push(row);
            stated.extend(more);
        }
        for (index, one) in p.money.iter().enumerate() {
            let what = match one.what {
                MoneyOf::Budget => "budget",
                MoneyOf::Grant => "grant",
                MoneyOf::Aid => "aid",
            };
            let own = json!({ "what": what, "amount": one.amount, "currency": one.currency });
            let at = Some(("money", index));
            let (row, more) = file.row(at, one.document.as_deref(), Some(one.line), own);
            self.money.push(row);
            stated.extend(more);
        }
        for (index, one) in p.kpis.iter().enumerate() {
            let own = json!({
                "kpi": one.id.get_ref(),
                "unit": one.unit,
                "planned": one.planned,
                "reached": one.reached,
                "period": one.period,
                "component": text(one.component.as_ref()),
                "planned_line": one.planned_line,
                "note": one.note,
            });
            let at = Some(("kpis", index));
            let (mut row, more) = file.row(at, one.document.as_deref(), Some(one.line), own);
            words(&mut row, "name", Some(&one.name));
            self.kpis.push(row);
            stated.extend(more);
        }
        for (index, one) in p.claims.iter().enumerate() {
            let at = Some(("claims", index));
            let (mut row, more) = file.row(at, one.document.as_deref(), Some(one.line), claim(one));
            words(&mut row, "wording", Some(&one.wording));
            words(&mut row, "outcome", Some(&one.outcome));
            words(&mut row, "no_statistic", one.no_statistic.as_ref());
            words(&mut row, "needed", Some(&one.needed));
            self.claims.push(row);
            stated.extend(more);
        }
        for (index, one) in p.arithmetic.iter().enumerate() {
            let kind = match one.kind {
                ArithmeticKind::Sum => "sum",
                ArithmeticKind::PercentChange => "percent_change",
                ArithmeticKind::Share => "share",
                ArithmeticKind::Difference => "difference",
                ArithmeticKind::Months => "months",
            };
            let own = json!({
                "calculation": one.id.get_ref(),
                "kind": kind,
                "numbers": one.numbers,
                "stated": one.stated,
                "decimals": one.decimals,
                "claim": text(one.claim.as_ref()),
            });
            let at = Some(("arithmetic", index));
            let (mut row, more) = file.row(at, one.document.as_deref(), Some(one.line), own);
            words(&mut row, "what", Some(&one.what));
            self.arithmetic.push(row);
            stated.extend(more);
        }
        let sha256 = &file.file.declared.sha256;
        self.statements.extend(stated.iter().map(|statement| of_statement(statement, sha256)));
    }

    fn events(&mut self, registry: &Registry) {
        for (name, event) in &registry.events.events {
            let mut row = Row::new();
            row.insert("event".into(), json!(name));
            words(&mut row, "title", Some(&event.title));
            row.insert("country".into(), json!(event.country));
            row.insert("from_period".into(), json!(event.from));
            row.insert("from_month".into(), json!(first_month(&event.from)));
            row.insert("until_period".into(), json!(event.until));
            row.insert("until_month".into(), json!(last_month(&event.until)));
            row.insert("citation".into(), json!(event.citation));
            self.events.push(row);
        }
    }
}

fn claim(one: &Claim) -> Value {
    json!({
        "claim": one.id.get_ref(),
        "kind": match one.kind {
            ClaimKind::PercentChange => "percent_change",
            ClaimKind::TimesFewer => "times_fewer",
            ClaimKind::TimesMore => "times_more",
            ClaimKind::Share => "share",
            ClaimKind::Direction => "direction",
            ClaimKind::Question => "question",
        },
        "size": one.size,
        "size_high": one.size_high,
        "ceiling": one.ceiling,
        "better": match one.better { Better::Fewer => "fewer", Better::More => "more" },
        "indicator": text(one.indicator.as_ref()),
        "population": text(one.population.as_ref()),
        "per": one.per,
        "year_ends": one.year_ends,
        "base": one.base,
        "after": one.after,
        "counts": one.counts,
        "participants": one.participants,
        "exceptions": one.exceptions,
        "from_period": text(one.from.as_ref()),
        "until_period": text(one.until.as_ref()),
        "design": match one.design {
            Design::Participants => "participants",
            Design::BeforeAfter => "before_after",
            Design::Comparison => "comparison",
            Design::NotStated => "not_stated",
        },
        "component": text(one.component.as_ref()),
        "trend_indicator": one.trend.as_ref().map(|trend| trend.indicator.get_ref()),
        "trend_is_same": one.trend.as_ref().is_some_and(|trend| trend.same),
        "trend_area": one.trend.as_ref().map(|trend| trend.ref_area.get_ref()),
    })
}

fn of_statement(statement: &Statement, sha256: &str) -> Row {
    let row = json!({
        "cell_ref": statement.cell_ref(),
        "source": statement.source,
        "cell": statement.cell,
        "cell_text": statement.text,
        "obs_value": statement.value,
        "obs_status": "A",
        "note": statement.note,
        "source_sha256": sha256,
    });
    match row {
        Value::Object(row) => row,
        _ => Row::new(),
    }
}
