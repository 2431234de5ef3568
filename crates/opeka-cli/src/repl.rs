//! The interactive `opeka query`, with history.

use std::io::Write;
use std::path::PathBuf;

use opeka_measure::Engine;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use crate::args::Format;
use crate::printer::Printer;
use crate::query::ask;
use crate::rows::write_rows;

const HELP: &str = "end a query with `;`\n\\d        the tables\n\\d NAME   the columns of a table\n\\df       the functions\n\\q        leave";

pub(crate) async fn run(
    engine: &Engine,
    release: &str,
    format: Format,
    printer: &Printer,
) -> anyhow::Result<()> {
    let mut editor = DefaultEditor::new()?;
    let history = history_file();
    if let Some(history) = &history {
        // There is none the first time.
        let _ = editor.load_history(history);
    }
    printer.say(&format!("release {release}; \\? for help, \\q to leave"));
    let mut waiting = String::new();
    loop {
        let prompt = if waiting.is_empty() { "opeka> " } else { "   ...> " };
        match editor.readline(prompt) {
            Ok(line) if waiting.is_empty() && line.trim().is_empty() => continue,
            Ok(line) if waiting.is_empty() && line.trim_start().starts_with('\\') => {
                editor.add_history_entry(line.trim())?;
                if matches!(line.trim(), "\\q" | "\\quit") {
                    break;
                }
                command(engine, line.trim(), printer).await?;
            }
            Ok(line) => {
                waiting.push_str(&line);
                waiting.push('\n');
                if !line.trim_end().ends_with(';') {
                    continue;
                }
                let sql = std::mem::take(&mut waiting);
                editor.add_history_entry(sql.trim())?;
                match ask(engine, &sql, "query").await {
                    Ok(answer) => {
                        write_rows(&answer, format, &mut std::io::stdout())?;
                        printer.say(&format!("{} row(s)", answer.rows()));
                    }
                    Err(error) => tell(&error, printer),
                }
            }
            Err(ReadlineError::Interrupted) => waiting.clear(),
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(history) = &history {
        if let Some(parent) = history.parent() {
            std::fs::create_dir_all(parent)?;
        }
        editor.save_history(history)?;
    }
    Ok(())
}

/// A refused query does not end the conversation.
fn tell(error: &anyhow::Error, printer: &Printer) {
    match error.downcast_ref::<opeka_pipeline::PipelineError>() {
        Some(opeka_pipeline::PipelineError::Refused { problems, .. }) => {
            problems.iter().for_each(|problem| printer.error(&problem.to_string()));
        }
        _ => printer.error(&format!("error: {error:#}")),
    }
}

async fn command(engine: &Engine, line: &str, printer: &Printer) -> anyhow::Result<()> {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("\\d", "") => {
            for table in engine.tables() {
                printer.line(&table.to_string())?;
            }
        }
        ("\\d", table) => match ask(engine, &format!("describe {}", table.trim()), "query").await {
            Ok(answer) => write_rows(&answer, Format::Table, &mut std::io::stdout())?,
            Err(error) => tell(&error, printer),
        },
        ("\\df", _) => {
            for name in engine.functions() {
                printer.line(&name)?;
            }
        }
        _ => writeln!(printer.out(), "{HELP}")?,
    }
    Ok(())
}

/// Where terminals keep such things: `$XDG_STATE_HOME`, or `~/.local/state`.
fn history_file() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".local").join("state"));
    Some(state.or_else(home)?.join("opeka").join("history"))
}
