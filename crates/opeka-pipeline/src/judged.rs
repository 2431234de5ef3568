//! A claim with its verdict as words: what programs print and pages show.

use arrow::error::ArrowError;
use arrow::json::WriterBuilder;
use arrow::json::writer::JsonArray;
use arrow::record_batch::RecordBatch;
use opeka_publish::Lang;
use serde_json::{Map, Value};

/// A row of `programmes.verdicts` in one language: a column a key. What stands in two languages stands
/// once, in the one asked for; `title` is that of the programme, `verdict_in_words` the verdict in the
/// language. Cells are left out: `opeka trace` shows them.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedClaim(pub Map<String, Value>);

impl JudgedClaim {
    /// The rows of `programmes.verdicts`, in their order.
    ///
    /// # Errors
    /// Only where Arrow cannot write its own rows.
    pub fn all(batches: &[RecordBatch], lang: Lang) -> Result<Vec<Self>, ArrowError> {
        Ok(rows(batches)?.into_iter().map(|row| Self::new(&row, lang)).collect())
    }

    fn new(row: &Map<String, Value>, lang: Lang) -> Self {
        let (own, other) = match lang {
            Lang::En => ("_en", "_ru"),
            Lang::Ru => ("_ru", "_en"),
        };
        // A text that nobody translated stands as it is.
        let either = |name: &str| {
            let there =
                |ending: &str| row.get(&format!("{name}{ending}")).filter(|text| !text.is_null());
            there(own).or_else(|| there(other)).cloned().unwrap_or(Value::Null)
        };
        let mut claim = Map::new();
        claim.insert("title".into(), either("programme"));
        for (key, value) in row {
            if ["verdict_ru", "programme_en", "programme_ru", "cells"].contains(&key.as_str()) {
                continue;
            }
            if let Some(name) = key.strip_suffix(own) {
                claim.insert(name.to_owned(), either(name));
            } else if !key.ends_with(other) {
                claim.insert(key.clone(), value.clone());
            }
        }
        // The verdict is a word of the grammar in any language.
        let words = match lang {
            Lang::En => row.get("verdict"),
            Lang::Ru => row.get("verdict_ru"),
        };
        claim.insert("verdict_in_words".into(), words.cloned().unwrap_or(Value::Null));
        Self(claim)
    }

    /// A text of the claim, empty where there is none.
    pub fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// A number of the claim.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.0.get(key).and_then(Value::as_f64)
    }

    /// The effect in its unit, in per cent and in children; none where there is no estimate.
    pub fn effect(&self, lang: Lang) -> Option<String> {
        let estimate = self.number("estimate")?;
        let (word, to, children) = match lang {
            Lang::En => ("effect", "to", "children a year: "),
            Lang::Ru => ("эффект", "до", "детей в год: "),
        };
        let limits = |value: f64, low: &str, high: &str, decimals: usize| {
            let value = plain(value, decimals);
            match self.number(low).zip(self.number(high)) {
                Some((low, high)) => {
                    format!("{value} ({} {to} {})", plain(low, decimals), plain(high, decimals))
                }
                None => value,
            }
        };
        let mut parts = vec![format!("{word} {}", limits(estimate, "conf_low", "conf_high", 2))];
        if let Some(value) = self.number("percent") {
            parts.push(format!("{} %", limits(value, "percent_low", "percent_high", 1)));
        }
        if let Some(value) = self.number("children") {
            parts.push(format!("{children}{}", limits(value, "children_low", "children_high", 0)));
        }
        Some(parts.join("; "))
    }
}

/// Rows as JSON, a null as `null`.
fn rows(batches: &[RecordBatch]) -> Result<Vec<Map<String, Value>>, ArrowError> {
    let mut out = Vec::new();
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(&mut out);
    writer.write_batches(&batches.iter().collect::<Vec<_>>())?;
    writer.finish()?;
    drop(writer);
    match out.is_empty() {
        true => Ok(Vec::new()),
        false => {
            serde_json::from_slice(&out).map_err(|error| ArrowError::JsonError(error.to_string()))
        }
    }
}

/// A number with a true minus, and no zero below nothing.
fn plain(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let zero = text.trim_start_matches('-').bytes().all(|b| b == b'0' || b == b'.');
    match text.strip_prefix('-') {
        Some(rest) if zero => rest.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

/// The page of every claim with its verdict.
pub fn verdicts_page(claims: &[JudgedClaim], lang: Lang) -> String {
    let (heading, lead, columns) = match lang {
        Lang::En => (
            "Claims and verdicts",
            "Generated from the shipped registry and figures; `UPDATE=1 cargo test --workspace` writes it anew. A verdict \
             has three words: *supported* (the guards pass, the interval excludes zero and holds the claim), *not \
             supported* (the guards pass and the interval excludes the claim), *cannot tell* (everything else). Evidence is \
             of the Maryland scale, 1 to 5; 0 is ours, where nobody says how a figure came about.",
            "| claim | verdict | effect | evidence | why | what else to know | what would settle it |",
        ),
        Lang::Ru => (
            "Утверждения и выводы",
            "Создано по реестру и данным проекта; `UPDATE=1 cargo test --workspace` создаёт страницу заново. Выводов три: \
             *подтверждается* (все проверки пройдены, интервал исключает ноль и включает заявленное), *не \
             подтверждается* (проверки пройдены, интервал исключает заявленное), *установить нельзя* (всё остальное). \
             Уровень доказательности — по шкале Мэриленда, от 1 до 5; 0 — наш знак там, где происхождение не указано.",
            "| утверждение | вывод | эффект | уровень | почему | что ещё важно | что позволило бы установить |",
        ),
    };
    let mut page = format!("# {heading}\n\n{lead}\n");
    let mut programme = "";
    for claim in claims {
        if claim.text("programme") != programme {
            programme = claim.text("programme");
            page.push_str(&format!(
                "\n## {}\n\n{columns}\n|---|---|---|---|---|---|---|\n",
                claim.text("title")
            ));
        }
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        let level =
            claim.number("evidence_level").map(|level| level.to_string()).unwrap_or_default();
        page.push_str(&format!(
            "| {} (`{}`) | {} | {} | {level} | {} | {} | {} |\n",
            cell(claim.text("wording")),
            claim.text("claim"),
            claim.text("verdict_in_words"),
            cell(&claim.effect(lang).unwrap_or_default()),
            cell(claim.text("reason")),
            cell(claim.text("flagged")),
            cell(claim.text("needed")),
        ));
    }
    page
}
