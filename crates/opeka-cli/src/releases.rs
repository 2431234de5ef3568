//! `opeka releases` and `opeka rollback`.

use opeka_pipeline::PipelineError;
use serde_json::json;

use crate::args::RollbackArgs;
use crate::context::Context;
use crate::printer::Printer;

pub(crate) fn list(context: &Context, printer: &Printer) -> anyhow::Result<()> {
    let current = context.warehouse.current()?;
    let mut ids = context.warehouse.history()?;
    // The newest use of a release is the one that counts.
    ids.reverse();
    let mut seen = std::collections::BTreeSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    let mut reports = Vec::new();
    for id in &ids {
        let manifest = match context.warehouse.manifest(id) {
            Ok(manifest) => manifest,
            Err(PipelineError::NoRelease { .. }) => {
                // Somebody made room; the history still knows it.
                printer.detail(&format!("release {id} is no longer there"));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let tables = manifest.outputs().filter(|output| output.table.is_some());
        let observations = manifest
            .outputs()
            .filter(|o| o.table.as_ref().is_some_and(|table| table.ends_with(".observations")))
            .filter_map(|output| output.rows)
            .sum::<usize>();
        let is_current = Some(id) == current.as_ref();
        let (tables, bytes) = (tables.count(), manifest.outputs().map(|o| o.size).sum::<u64>());
        if printer.json() {
            reports.push(json!({
                "release": id, "current": is_current, "observations": observations,
                "tables": tables, "bytes": bytes, "program": manifest.program,
                "folder": context.warehouse.release_folder(id).to_string_lossy(),
            }));
        } else {
            let mark = if is_current { "*" } else { " " };
            printer.line(&format!(
                "{mark} {id}  {observations:>9} observations  {tables:>3} tables  {:>6} KiB  {}",
                bytes.div_ceil(1024),
                manifest.program
            ))?;
        }
    }
    if printer.json() {
        printer.report(&json!(reports));
    } else if ids.is_empty() {
        printer.say("there is no release yet; `opeka run` makes the first");
    }
    Ok(())
}

pub(crate) fn rollback(
    context: &Context,
    args: &RollbackArgs,
    printer: &Printer,
) -> anyhow::Result<()> {
    let before = context.warehouse.current()?;
    let id = context.warehouse.rollback(args.release.as_deref())?;
    if printer.json() {
        printer.report(&json!({ "status": 0, "release": id, "previous": before }));
    }
    printer.say(&format!("release {id} is current again"));
    Ok(())
}
