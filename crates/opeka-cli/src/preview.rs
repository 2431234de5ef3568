//! A recipe's selections, shown here or written as a page.

use std::io::Write;

use anyhow::Context as _;
use opeka_ingest::{Observed, Workbook, preview_html, preview_text};

use crate::args::PreviewArgs;
use crate::exit::Usage;
use crate::printer::Printer;

impl PreviewArgs {
    /// Refuses what cannot be shown, before anything is read.
    pub(crate) fn check(&self, printer: &Printer) -> anyhow::Result<()> {
        if self.is_shown() && printer.json() {
            return Err(Usage::new("a preview is no JSON")
                .hint("write it to a page with `--html FILE`")
                .into());
        }
        Ok(())
    }

    /// Whether the preview takes stdout.
    pub(crate) fn is_shown(&self) -> bool {
        self.preview && self.html.is_none()
    }

    /// Shows the sheets of files, or writes them as one page under a title.
    pub(crate) fn show(
        &self,
        reads: &[(&Workbook, &Observed)],
        title: &str,
        printer: &Printer,
    ) -> anyhow::Result<()> {
        if let Some(path) = &self.html {
            let cannot = || format!("cannot write `{}`", path.display());
            std::fs::write(path, preview_html(reads, title)).with_context(cannot)?;
            printer.say(&format!("wrote {}", path.display()));
        } else if self.preview {
            for (workbook, observed) in reads {
                let text =
                    preview_text(workbook, observed, printer.colour(), self.width, self.rows);
                printer.out().write_all(text.as_bytes())?;
            }
        }
        Ok(())
    }
}
