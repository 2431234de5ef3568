//! `opeka evaluate`: every claim with its verdict.

use opeka_model::Severity;
use opeka_pipeline::{Evaluation, evaluate};
use serde_json::{Map, Value};

use crate::args::{EvaluateArgs, Language};
use crate::context::Context;
use crate::exit::{Told, tell_problems};
use crate::printer::Printer;

pub(crate) async fn run(
    context: &Context,
    args: &EvaluateArgs,
    printer: &Printer,
) -> anyhow::Result<()> {
    let programme = args.programme.as_deref();
    let Evaluation { release, verdicts, problems } =
        evaluate(&context.project, &context.warehouse, programme).await?;
    let claims: Vec<Claim> =
        rows(&verdicts)?.into_iter().map(|row| Claim::new(row, args.lang)).collect();
    tell_problems(&problems, printer, true);
    if printer.json() {
        let claims = claims.into_iter().map(|claim| Value::Object(claim.0));
        printer.report(&Value::Array(claims.collect()));
    } else {
        tell(&claims, args.lang, printer)?;
        match release {
            Some(id) => printer.say(&format!("as in release {id}")),
            None => printer.say("evaluated now; `opeka run` makes it part of a release"),
        }
    }
    match problems.count(Severity::Error) {
        0 => Ok(()),
        _ => Err(Told::REFUSED.into()),
    }
}

/// One claim: a column a key. What stands in two languages stands once, in the one asked for.
struct Claim(Map<String, Value>);

impl Claim {
    fn new(row: Map<String, Value>, lang: Language) -> Self {
        let (own, other) = match lang {
            Language::En => ("_en", "_ru"),
            Language::Ru => ("_ru", "_en"),
        };
        let mut claim = Map::new();
        for (key, value) in &row {
            // The verdict is a word of the grammar in any language; its Russian stands beside it.
            if key == "verdict_ru"
                || key == "programme_en"
                || key == "programme_ru"
                || key == "cells"
            {
                continue;
            }
            if let Some(name) = key.strip_suffix(own) {
                // A text that nobody translated stands as it is.
                let there =
                    if value.is_null() { row.get(&format!("{name}{other}")) } else { Some(value) };
                claim.insert(name.to_owned(), there.cloned().unwrap_or(Value::Null));
            } else if !key.ends_with(other) {
                claim.insert(key.clone(), value.clone());
            }
        }
        let title = row.get(&format!("programme{own}")).filter(|title| !title.is_null());
        let title = title.or(row.get("programme_en")).cloned().unwrap_or(Value::Null);
        claim.insert("title".into(), title);
        claim.insert(
            "verdict_in_words".into(),
            match lang {
                Language::En => row.get("verdict"),
                Language::Ru => row.get("verdict_ru"),
            }
            .cloned()
            .unwrap_or(Value::Null),
        );
        Self(claim)
    }

    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.0.get(key).and_then(Value::as_f64)
    }
}

/// Rows as JSON, a null as `null`.
fn rows(batches: &[arrow::record_batch::RecordBatch]) -> anyhow::Result<Vec<Map<String, Value>>> {
    let mut out = Vec::new();
    let mut writer = arrow::json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow::json::writer::JsonArray>(&mut out);
    writer.write_batches(&batches.iter().collect::<Vec<_>>())?;
    writer.finish()?;
    drop(writer);
    match out.is_empty() {
        true => Ok(Vec::new()),
        false => Ok(serde_json::from_slice(&out)?),
    }
}

fn tell(claims: &[Claim], lang: Language, printer: &Printer) -> std::io::Result<()> {
    let mut programme = "";
    for claim in claims {
        if claim.text("programme") != programme {
            programme = claim.text("programme");
            printer.line(&format!("{} ({programme})", claim.text("title")))?;
        }
        printer.line(&format!(
            "  {}: {}",
            claim.text("verdict_in_words"),
            claim.text("wording")
        ))?;
        for line in [effect(claim, lang), level(claim, lang)].into_iter().flatten() {
            printer.line(&format!("    {line}"))?;
        }
        let (why, also, needed) = match lang {
            Language::En => ("why", "note", "needed"),
            Language::Ru => ("почему", "примечание", "нужно"),
        };
        for (word, key) in [(why, "reason"), (also, "flagged"), (needed, "needed")] {
            if !claim.text(key).is_empty() {
                printer.line(&format!("    {word}: {}", claim.text(key)))?;
            }
        }
        printer.line("")?;
    }
    Ok(())
}

/// The effect in its unit, in per cent and in children.
fn effect(claim: &Claim, lang: Language) -> Option<String> {
    let estimate = claim.number("estimate")?;
    let (word, to, percent, children) = match lang {
        Language::En => ("effect", "to", "%", "children a year"),
        Language::Ru => ("эффект", "до", "%", "детей в год"),
    };
    let with_limits = |value: f64, low: &str, high: &str, decimals: usize| {
        let limits = claim.number(low).zip(claim.number(high));
        match limits {
            Some((low, high)) => format!(
                "{} ({} {to} {})",
                plain(value, decimals),
                plain(low, decimals),
                plain(high, decimals)
            ),
            None => plain(value, decimals),
        }
    };
    let mut parts = vec![format!("{word} {}", with_limits(estimate, "conf_low", "conf_high", 2))];
    if let Some(value) = claim.number("percent") {
        parts.push(format!("{} {percent}", with_limits(value, "percent_low", "percent_high", 1)));
    }
    if let Some(value) = claim.number("children") {
        parts
            .push(format!("{} {children}", with_limits(value, "children_low", "children_high", 0)));
    }
    Some(parts.join("; "))
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

fn level(claim: &Claim, lang: Language) -> Option<String> {
    let level = claim.number("evidence_level")?;
    Some(match lang {
        Language::En => format!("evidence level {level} of 5 (Maryland scale)"),
        Language::Ru => format!("уровень доказательности {level} из 5 (шкала Мэриленда)"),
    })
}
