//! The example in the documentation of every SQL function prints what it says it prints.

use arrow::util::pretty::pretty_format_batches;
use libtest_mimic::{Failed, Trial};
use opeka_measure::{Engine, EngineOptions, FunctionDocumentation, documentation};

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |function: FunctionDocumentation| {
        Trial::test(format!("example::{}", function.name), move || {
            check(&function).map_err(Failed::from)
        })
    };
    documentation().into_iter().map(trial).collect()
}

fn check(function: &FunctionDocumentation) -> Result<(), String> {
    let inner = function.example.trim().strip_prefix("```sql\n> ");
    let inner = inner.and_then(|text| text.strip_suffix("\n```")).ok_or("no ```sql block")?;
    let (sql, printed) = inner.split_once(";\n").ok_or("no query that ends with a semicolon")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let engine = Engine::new(EngineOptions { partitions: Some(2), ..EngineOptions::default() });
    let answer = runtime.block_on(engine.query(sql, "example", 1)).map_err(|p| p.to_string())?;
    let table = pretty_format_batches(&answer.batches).map_err(|error| error.to_string())?;
    let table = table.to_string();
    if table.trim() == printed.trim() {
        return Ok(());
    }
    Err(format!("{} prints\n{table}\nand its documentation says\n{printed}", function.name))
}
