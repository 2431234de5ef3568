//! `opeka functions`: the documentation of our SQL functions.

use opeka_functions::documentation;
use opeka_model::closest;
use serde_json::json;

use crate::args::FunctionsArgs;
use crate::exit::Usage;
use crate::printer::Printer;

pub(crate) fn run(args: &FunctionsArgs, printer: &Printer) -> anyhow::Result<()> {
    let all = documentation();
    let Some(name) = &args.name else {
        if printer.json() {
            let list: Vec<_> = all
                .iter()
                .map(|f| json!({ "name": f.name, "kind": f.kind, "syntax": f.syntax }))
                .collect();
            printer.report(&json!(list));
            return Ok(());
        }
        for f in &all {
            let first = f.description.split_once(". ").map_or(f.description.as_str(), |(s, _)| s);
            let first = first.lines().next().unwrap_or_default();
            printer.line(&format!("{}\n    {first}", f.syntax))?;
        }
        return Ok(());
    };
    let Some(f) = all.iter().find(|f| f.name == *name) else {
        let usage = Usage::new(format!("opeka has no function `{name}`"));
        return Err(match closest(name, all.iter().map(|f| f.name.as_str())).first() {
            Some(near) => usage.hint(format!("did you mean `{near}`?")),
            None => usage.hint("`opeka functions` lists them"),
        }
        .into());
    };
    if printer.json() {
        printer.report(&json!({
            "name": f.name, "kind": f.kind, "syntax": f.syntax, "description": f.description,
            "arguments": f.arguments, "example": f.example,
        }));
        return Ok(());
    }
    printer.line(&format!("{}  ({} function)\n\n{}\n", f.syntax, f.kind, f.description))?;
    for (name, meaning) in &f.arguments {
        printer.line(&format!("  {name}: {meaning}"))?;
    }
    printer.line(&format!("\n{}", f.example))?;
    Ok(())
}
