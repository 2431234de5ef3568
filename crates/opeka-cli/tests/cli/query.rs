//! `opeka query`: from a command, a file or a pipe, in every format, and reading only.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use crate::project::{Mini, told};

const SQL: &str = "select area, children, cells from mini.children \
                   where time_period = '2024' order by area desc";

#[test]
fn every_format_has_its_rows_and_lists() {
    let mini = Mini::published();
    let query = |format: &str| mini.ok(&["query", "--format", format, "-c", SQL]);
    insta::assert_snapshot!(mini.ok(&["query", "-c", SQL]).stdout, @r"
    +---------+----------+---------------------------------------+
    | area    | children | cells                                 |
    +---------+----------+---------------------------------------+
    | Leeds   | 90.0     | [office/2026-01-01/children.csv#R5C3] |
    | England | 1100.0   | [office/2026-01-01/children.csv#R3C3] |
    +---------+----------+---------------------------------------+
    ");
    assert_eq!(query("table").stdout, mini.ok(&["query", "-c", SQL]).stdout);
    insta::assert_snapshot!(query("csv").stdout, @r"
    area,children,cells
    Leeds,90.0,[office/2026-01-01/children.csv#R5C3]
    England,1100.0,[office/2026-01-01/children.csv#R3C3]
    ");
    let rows = query("json").json();
    assert_eq!(rows[0]["cells"][0], "office/2026-01-01/children.csv#R5C3");
    assert_eq!(rows[1]["children"], 1100.0);
    assert_eq!(mini.json(&["query", "-c", SQL]), rows);
    let lines = query("ndjson").stdout;
    let line: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(line, rows[0]);
    assert_eq!(lines.lines().count(), 2);
    // Rows are data: there is no talk beside them.
    assert_eq!(query("csv").stderr, "");
}

#[test]
fn parquet_and_arrow_are_files_that_can_be_read_again() {
    let mini = Mini::published();
    for format in ["parquet", "arrow"] {
        let file = format!("rows.{format}");
        let args = ["query", "--format", format, "-c", SQL];
        mini.ok(&[&args[..], &["-o", &file]].concat())
            .silent_on_stdout()
            .says(&[&format!("wrote 2 rows to {file}")]);
        let output = mini.opeka(&args).output().unwrap();
        assert_eq!(output.stdout, std::fs::read(mini.path(&file)).unwrap());
        let magic: &[u8] = if format == "parquet" { b"PAR1" } else { b"ARROW1" };
        assert!(output.stdout.starts_with(magic));
    }
    let again = "select area, cells[1] as cell from 'rows.parquet' order by area";
    assert_eq!(
        mini.query(again),
        "area,cell\nEngland,office/2026-01-01/children.csv#R3C3\n\
         Leeds,office/2026-01-01/children.csv#R5C3\n"
    );
}

#[test]
fn no_rows_have_columns_too() {
    let mini = Mini::published();
    let sql = "select area, cells from mini.children where area = 'Nowhere'";
    let query = |format: &str| mini.ok(&["query", "--format", format, "-c", sql]).stdout;
    assert_eq!(query("csv"), "area,cells\n");
    assert_eq!(query("json").trim(), "[]");
    assert_eq!(query("ndjson"), "");
    assert!(query("table").contains("| area | cells |"));
    mini.ok(&["query", "--format", "parquet", "-o", "none.parquet", "-c", sql])
        .says(&["wrote 0 rows"]);
    assert_eq!(mini.query("select count(*) as n from 'none.parquet'"), "n\n0\n");
}

#[test]
fn the_query_comes_from_an_argument_a_file_or_a_pipe() {
    let mini = Mini::published();
    mini.write("question.sql", "-- How many?\nselect count(*) as n\nfrom mini.children;\n");
    let csv = ["query", "--format", "csv"];
    assert_eq!(mini.ok(&[&csv[..], &["-f", "question.sql"]].concat()).stdout, "n\n4\n");
    for from_pipe in [&csv[..], &["query", "--format", "csv", "-f", "-"]] {
        let mut command = mini.opeka(from_pipe);
        command.write_stdin("select 7 as n;\n");
        assert_eq!(told(&mut command).exits(0).stdout, "n\n7\n");
    }
    // Mistakes name where the query came from.
    mini.write("question.sql", "-- How many?\nselect count(*) as n\nfrom mini.childern\n");
    mini.run(&["query", "-f", "question.sql"]).exits(1).says(&["error: question.sql:"]);
    let mut command = mini.opeka(&["query"]);
    told(command.write_stdin("select\nnope from sources")).exits(1).says(&["standard input:2:1"]);
    mini.run(&["query", "-f", "nope.sql"]).exits(2).says(&["cannot read `nope.sql`"]);
    let mut command = mini.opeka(&["query"]);
    told(command.write_stdin("")).exits(1).says(&["one `select` is due here"]);
    let mut command = mini.opeka(&["query"]);
    told(command.write_stdin(&b"\xff\xfe"[..])).exits(2).says(&["cannot read standard input"]);
    mini.run(&["query", "-c", "select 1", "-f", "x.sql"]).exits(2).says(&["cannot be used with"]);
}

#[test]
fn rows_go_to_a_file() {
    let mini = Mini::published();
    let told = mini.ok(&["query", "--format", "csv", "-o", "n.csv", "-c", "select 1 as n"]);
    told.silent_on_stdout().says(&["wrote 1 row to n.csv"]);
    assert_eq!(mini.read("n.csv"), "n\n1\n");
    let told = mini.run(&["query", "-o", "nowhere/n.csv", "-c", "select 1 as n"]).exits(3);
    assert_eq!(told.stderr.matches("No such file").count(), 1, "{}", told.stderr);
    told.says(&["cannot write `nowhere/n.csv`: No such file"]);
}

#[test]
fn local_files_are_tables_by_their_paths() {
    let mini = Mini::published();
    mini.write("panel.csv", "area,target\nLeeds,80\nEngland,1000\n");
    let sql = "select p.area, c.children - p.target as above from 'panel.csv' p \
               join mini.children c on c.area = p.area and c.time_period = '2024' order by 1";
    assert_eq!(mini.query(sql), "area,above\nEngland,100.0\nLeeds,10.0\n");
    mini.run(&["query", "-c", "select * from 'nope.csv'"]).exits(1).says(&["'nope.csv'"]);
}

#[test]
fn nothing_is_written() {
    let mini = Mini::published();
    let before = crate::project::files(&mini.path("."));
    for sql in [
        "insert into mini.children select * from mini.children",
        "create table t as select 1",
        "create view v as select 1",
        "create external table t stored as csv location 'panel.csv'",
        "copy (select 1) to 'x.csv'",
        "set datafusion.execution.batch_size = 1",
        "drop table mini.children",
        "delete from mini.children",
        "update mini.children set children = 0",
    ] {
        mini.run(&["query", "-c", sql]).exits(1).silent_on_stdout().says(&["only reads"]);
    }
    assert!(crate::project::files(&mini.path(".")) == before);
}

#[test]
fn what_is_not_there_comes_with_what_is() {
    let mini = Mini::published();
    let query = |sql: &str| mini.run(&["query", "-c", sql]).exits(1);
    query("select * from mini.childern").says(&["did you mean `mini.children`?"]);
    query("select * from zzz").says(&["  hint: ", "mini.children"]);
    query("select chidren from mini.children").says(&["query:1:8: ", "mini.children.children"]);
    query("select cast('a' as int)").says(&["Cannot cast string 'a'"]);
    let told = query("select 1; select 2").says(&["not 2 statements"]);
    assert!(!told.stderr.contains("published"), "{}", told.stderr);
}

#[test]
fn tables_can_be_looked_over() {
    let mini = Mini::published();
    assert!(mini.query("show tables").contains("mini,children,"));
    assert!(mini.query("describe mini.children").contains("cells,List(Utf8)"));
    assert!(mini.query("explain select 1").contains("logical_plan"));
}

#[test]
fn our_functions_are_there() {
    let mini = Mini::published();
    let sql = "select round(rate_ci(10, 1000, 1000)['estimate'], 1) as rate";
    assert_eq!(mini.query(sql), "rate\n10.0\n");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let mini = Mini::published();
    // More than a pipe holds.
    let many = "select a.code, b.code as other from codelists.regions a, codelists.regions b";
    for format in ["table", "csv", "json", "ndjson", "parquet", "arrow"] {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_opeka"))
            .args(["query", "--format", format, "-c", many, "--project"])
            .arg(mini.path("."))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = vec![0; 16];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success(), "{format}: {said}");
        assert_eq!(said, "", "{format}");
    }
}

#[test]
fn a_completion_script_may_be_cut_off_too() {
    for shell in ["bash", "zsh", "fish"] {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_opeka"))
            .args(["completions", shell])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(said, "");
    }
}

#[test]
fn the_release_is_read_by_path_as_well() {
    // What other tools read is what the tables are.
    let mini = Mini::published();
    let path = format!("warehouse/releases/{}/metrics/mini/children.parquet", mini.current());
    let by_path = mini.query(&format!("select * from '{path}' order by 1, 3"));
    assert_eq!(by_path, mini.query("select * from mini.children order by 1, 3"));
}
