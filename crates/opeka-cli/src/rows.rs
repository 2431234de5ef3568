//! Rows, written as the user asked.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::util::pretty::pretty_format_batches_with_options;
use opeka_measure::Answer;
use parquet::arrow::ArrowWriter;

use crate::args::Format;
use crate::exit::Usage;
use crate::printer::Printer;

/// The format that is asked for, or that the ending of a file says.
pub(crate) fn format_of(format: Option<Format>, path: Option<&Path>) -> Result<Format, Usage> {
    if let Some(format) = format {
        return Ok(format);
    }
    let ending =
        path.and_then(Path::extension).unwrap_or_default().to_string_lossy().to_lowercase();
    Ok(match ending.as_str() {
        "csv" => Format::Csv,
        "json" => Format::Json,
        "ndjson" | "jsonl" => Format::Ndjson,
        "parquet" => Format::Parquet,
        "arrow" => Format::Arrow,
        _ => {
            return Err(Usage::new(format!("the ending `{ending}` says no format"))
                .hint("say one with `--format`, such as `--format csv`"));
        }
    })
}

/// Writes an answer to a file, or to stdout.
pub(crate) fn write_answer(
    answer: &Answer,
    format: Format,
    path: Option<&Path>,
    printer: &Printer,
) -> anyhow::Result<()> {
    let Some(path) = path else {
        let binary = matches!(format, Format::Parquet | Format::Arrow);
        if binary && std::io::stdout().is_terminal() {
            return Err(Usage::new("these bytes are not for a terminal")
                .hint("write them to a file with `-o FILE`")
                .into());
        }
        return write_rows(answer, format, &mut BufWriter::new(std::io::stdout()));
    };
    let cannot = || format!("cannot write `{}`", path.display());
    let mut out = BufWriter::new(File::create(path).with_context(cannot)?);
    write_rows(answer, format, &mut out).with_context(cannot)?;
    let rows = if answer.rows() == 1 { "row" } else { "rows" };
    printer.say(&format!("wrote {} {rows} to {}", answer.rows(), path.display()));
    Ok(())
}

/// Writes an answer. Lists and structs are written as text where a format has no such thing.
pub(crate) fn write_rows(
    answer: &Answer,
    format: Format,
    out: &mut (impl Write + Send),
) -> anyhow::Result<()> {
    let mut out = Watched { out, reader_left: false };
    match write(answer, format, &mut out) {
        // Some writers keep no more of it than its text.
        Err(_) if out.reader_left => Err(std::io::Error::from(ErrorKind::BrokenPipe).into()),
        written => written,
    }
}

/// Remembers that the reader went away.
struct Watched<W> {
    out: W,
    reader_left: bool,
}

impl<W> Watched<W> {
    fn watch<T>(&mut self, result: std::io::Result<T>) -> std::io::Result<T> {
        result.inspect_err(|error| self.reader_left |= error.kind() == ErrorKind::BrokenPipe)
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes);
        self.watch(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let flushed = self.out.flush();
        self.watch(flushed)
    }
}

fn write(answer: &Answer, format: Format, out: &mut (impl Write + Send)) -> anyhow::Result<()> {
    match format {
        Format::Table => {
            let options = FormatOptions::default().with_null("");
            let empty = [RecordBatch::new_empty(Arc::clone(&answer.schema))];
            let batches = if answer.batches.is_empty() { &empty[..] } else { &answer.batches };
            writeln!(out, "{}", pretty_format_batches_with_options(batches, &options)?)?;
        }
        Format::Csv => {
            let mut writer = arrow::csv::WriterBuilder::new().with_header(true).build(&mut *out);
            if answer.batches.is_empty() {
                writer.write(&flat(&RecordBatch::new_empty(Arc::clone(&answer.schema)))?)?;
            }
            for batch in &answer.batches {
                writer.write(&flat(batch)?)?;
            }
        }
        Format::Json => {
            let mut writer = arrow::json::WriterBuilder::new()
                .with_explicit_nulls(true)
                .build::<_, arrow::json::writer::JsonArray>(&mut *out);
            writer.write_batches(&answer.batches.iter().collect::<Vec<_>>())?;
            writer.finish()?;
            writeln!(out)?;
        }
        Format::Ndjson => {
            let mut writer = arrow::json::WriterBuilder::new()
                .with_explicit_nulls(true)
                .build::<_, arrow::json::writer::LineDelimited>(&mut *out);
            writer.write_batches(&answer.batches.iter().collect::<Vec<_>>())?;
            writer.finish()?;
        }
        Format::Parquet => {
            let mut writer = ArrowWriter::try_new(&mut *out, Arc::clone(&answer.schema), None)?;
            for batch in &answer.batches {
                writer.write(batch)?;
            }
            writer.close()?;
        }
        Format::Arrow => {
            let mut writer = arrow::ipc::writer::FileWriter::try_new(&mut *out, &answer.schema)?;
            for batch in &answer.batches {
                writer.write(batch)?;
            }
            writer.finish()?;
        }
    }
    out.flush()?;
    Ok(())
}

/// The same rows with lists and structs as text.
fn flat(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let options = FormatOptions::default().with_null("");
    let (mut fields, mut columns): (Vec<Field>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if !column.data_type().is_nested() {
            fields.push(Field::clone(field));
            columns.push(Arc::clone(column));
            continue;
        }
        let formatter = ArrayFormatter::try_new(column, &options)?;
        let text = (0..column.len())
            .map(|row| column.is_valid(row).then(|| formatter.value(row).to_string()));
        columns.push(Arc::new(StringArray::from_iter(text)));
        fields.push(Field::new(field.name(), DataType::Utf8, true));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}
