//! `opeka sources`: where every figure comes from.

use opeka_pipeline::Project;
use serde_json::json;

use crate::context::Context;
use crate::exit::Told;
use crate::printer::Printer;

pub(crate) fn run(context: &Context, printer: &Printer) -> anyhow::Result<()> {
    let project = Project::load(&context.project)?;
    let (mut reports, mut intact) = (Vec::new(), true);
    for (path, source) in &project.sources {
        let s = &source.manifest;
        let matches = source.matches()?;
        intact &= matches;
        if printer.json() {
            reports.push(json!({
                "source": path, "title": s.title, "publisher": s.publisher, "producer": s.producer,
                "citation": s.citation, "url": s.url, "licence": s.licence,
                "note": s.note, "published": s.published, "accessed": s.accessed, "sha256": s.sha256,
                "size": s.size, "intact": matches,
            }));
            continue;
        }
        printer.line(&format!("{path}\n  {}\n  {}", s.title, s.citation))?;
        if !s.note.is_empty() {
            printer.line(&format!("  {}", s.note))?;
        }
        let state = if matches { "as declared" } else { "NOT THE FILE THAT IS DECLARED" };
        printer.line(&format!("  {} · {} bytes, {state}\n", s.licence, s.size))?;
    }
    if printer.json() {
        printer.report(&json!(reports));
    }
    if intact { Ok(()) } else { Err(Told::REFUSED.into()) }
}
