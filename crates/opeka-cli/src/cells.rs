//! `opeka cells`: every cell of a file as it was read, before a recipe makes anything of it.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, IsTerminal, Write};
use std::path::Path;

use anyhow::Context as _;
use opeka_ingest::{CellsError, Written, cells_csv, cells_parquet};
use opeka_pipeline::PipelineError;

use crate::args::{CellsArgs, CellsFormat};
use crate::exit::Usage;
use crate::printer::Printer;
use crate::rows::Watched;

pub(crate) fn run(args: &CellsArgs, printer: &Printer) -> anyhow::Result<()> {
    let cannot = |error: std::io::Error| {
        Usage::new(format!("cannot read `{}`: {error}", args.file.display()))
    };
    let bytes = fs::read(&args.file).map_err(cannot)?;
    let Some(path) = &args.output else {
        if args.format == CellsFormat::Parquet && std::io::stdout().is_terminal() {
            return Err(Usage::new("these bytes are not for a terminal")
                .hint("write them to a file with `-o FILE`")
                .into());
        }
        let mut out = Watched::new(BufWriter::new(std::io::stdout()));
        let written = write(args, &bytes, &mut out);
        // The writer of Parquet keeps no more of the reason than its text.
        if written.is_err() && out.reader_left {
            return Err(std::io::Error::from(ErrorKind::BrokenPipe).into());
        }
        written?;
        return Ok(());
    };
    let cannot = || format!("cannot write `{}`", path.display());
    // Beside its place first: what cannot be read to its end leaves nothing half.
    let unfinished = unfinished(path);
    let mut out = BufWriter::new(File::create(&unfinished).with_context(cannot)?);
    let written = write(args, &bytes, &mut out);
    drop(out);
    let written = match written {
        Ok(written) => written,
        Err(error) => {
            // The reason is told; a file that stays behind is the lesser trouble.
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
    };
    fs::rename(&unfinished, path).with_context(cannot)?;
    let cells = if written.cells == 1 { "cell" } else { "cells" };
    printer.say(&format!("wrote {} {cells} to {}", written.cells, path.display()));
    Ok(())
}

fn write(args: &CellsArgs, bytes: &[u8], out: &mut (impl Write + Send)) -> anyhow::Result<Written> {
    let source = args.file.to_string_lossy();
    let sheet = args.sheet.as_deref();
    let written = match args.format {
        CellsFormat::Csv => cells_csv(&source, bytes, sheet, &mut *out),
        CellsFormat::Parquet => cells_parquet(&source, bytes, sheet, &mut *out),
    };
    let written = written.map_err(|error| match error {
        CellsError::Unreadable(problem) => {
            anyhow::Error::from(PipelineError::from(opeka_model::Problems::from(problem)))
        }
        CellsError::NoSheet { ref hint, .. } => Usage::new(error.to_string()).hint(hint).into(),
        CellsError::Io(error) => error.into(),
    })?;
    out.flush()?;
    Ok(written)
}

/// The name under which a file is written until it is whole.
fn unfinished(path: &Path) -> std::path::PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.unfinished", std::process::id()));
    path.with_file_name(name)
}
