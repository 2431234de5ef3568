//! `opeka evaluate`: every claim with its verdict.

use opeka_model::Severity;
use opeka_pipeline::{Evaluation, JudgedClaim, Lang, evaluate};
use serde_json::Value;

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
    let lang = match args.lang {
        Language::En => Lang::En,
        Language::Ru => Lang::Ru,
    };
    let claims = JudgedClaim::all(&verdicts, lang)?;
    tell_problems(&problems, printer, true);
    if printer.json() {
        let claims = claims.into_iter().map(|claim| Value::Object(claim.0));
        printer.report(&Value::Array(claims.collect()));
    } else {
        tell(&claims, lang, printer)?;
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

fn tell(claims: &[JudgedClaim], lang: Lang, printer: &Printer) -> std::io::Result<()> {
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
        for line in [claim.effect(lang), level(claim, lang)].into_iter().flatten() {
            printer.line(&format!("    {line}"))?;
        }
        let (why, also, needed) = match lang {
            Lang::En => ("why", "note", "needed"),
            Lang::Ru => ("почему", "примечание", "нужно"),
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

fn level(claim: &JudgedClaim, lang: Lang) -> Option<String> {
    let level = claim.number("evidence_level")?;
    Some(match lang {
        Lang::En => format!("evidence level {level} of 5 (Maryland scale)"),
        Lang::Ru => format!("уровень доказательности {level} из 5 (шкала Мэриленда)"),
    })
}
