//! The smaller commands, the help, and wrong usage.

use crate::project::{FIGURES, Mini, opeka, told};

#[test]
fn help() {
    let help = told(&mut opeka(&["-h"])).exits(0);
    insta::assert_snapshot!(help.stdout, @r"
    From the spreadsheets of statistical offices to policy briefs, with every number traceable back to
    its cell

    Usage: opeka [OPTIONS] <COMMAND>

    Commands:
      run          Build what is stale and publish it as a release
      ingest       Look at a recipe and the sheet it reads
      cells        Print every cell of a file as it is read, in no project
      inspect      Look at an unknown file and propose a recipe for it
      harmonize    Walk through names of areas that no code list knows
      check        Do everything that `run` does, and publish nothing
      evaluate     Hold every programme to its claims: each with its verdict, effect and reason
      query        Query a release with SQL; without a query, interactively
      trace        Follow rows of a metric back to the cells they were made from
      releases     List the releases
      rollback     Make the release before the current one current again
      sources      List the sources with their citations, and hold each file to its hash
      functions    List the SQL functions of opeka, or show the documentation of one
      completions  Print a completion script for a shell
      help         Print this message or the help of the given subcommand(s)

    Options:
          --project <DIR>    The project folder; by default this folder or the nearest parent that is
                             one
          --warehouse <DIR>  The warehouse folder; by default `warehouse` in the project
      -q, --quiet            Say nothing but errors
      -v, --verbose...       Say more; twice, much more
          --json             Report as JSON on stdout
      -h, --help             Print help (see more with '--help')
      -V, --version          Print version
    ");
    let long = told(&mut opeka(&["--help"])).exits(0);
    assert!(long.stdout.contains("Exit status: 0 done; 1 the data or the checks say no; 2 wrong"));
    for command in [
        "run",
        "ingest",
        "cells",
        "inspect",
        "harmonize",
        "check",
        "evaluate",
        "query",
        "trace",
        "releases",
        "rollback",
        "sources",
        "functions",
    ] {
        let help = told(&mut opeka(&[command, "--help"])).exits(0);
        assert!(help.stdout.contains(&format!("Usage: opeka {command}")), "{}", help.stdout);
    }
    assert!(told(&mut opeka(&["--version"])).exits(0).stdout.starts_with("opeka "));
}

#[test]
fn wrong_usage() {
    for args in [&[][..], &["nope"], &["run", "--nope"], &["trace"], &["run", "-q", "-v"]] {
        told(&mut opeka(args)).exits(2).silent_on_stdout().says(&["Usage: opeka"]);
    }
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = opeka(&["run"]);
    told(command.current_dir(&nowhere)).exits(2).says(&["no project here", "`--project`"]);
    let mut command = opeka(&["run", "--project"]);
    told(command.arg(nowhere.path())).exits(2).says(&["is no project folder", "  hint: "]);
    assert_eq!(std::fs::read_dir(nowhere.path()).unwrap().count(), 0);
}

#[test]
fn the_project_is_found_from_a_folder_within_it() {
    let mini = Mini::published();
    let mut command = opeka(&["releases"]);
    let told = told(command.current_dir(mini.path("pipelines/mini/measure"))).exits(0);
    assert!(told.stdout.contains(&mini.current()));
}

#[test]
fn sources() {
    let mini = Mini::new();
    insta::assert_snapshot!(mini.ok(&["sources"]).stdout, @r"
    office/2026-01-01/children.csv
      Children, by area
      The office, children by area. Accessed 2026-01-01.
      CC0 · 84 bytes, as declared
    ");
    let before = mini.read(FIGURES);
    mini.write(FIGURES, before.replace("90", "91"));
    assert!(mini.run(&["sources"]).exits(1).stdout.contains("NOT THE FILE THAT IS DECLARED"));
    let told = mini.run(&["sources", "--json"]).exits(1);
    let report: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    let report = &report[0];
    assert_eq!(report["source"], "office/2026-01-01/children.csv");
    assert_eq!((&report["licence"], &report["intact"]), (&"CC0".into(), &false.into()));
}

#[test]
fn functions() {
    let list = told(&mut opeka(&["functions"])).exits(0).stdout;
    assert!(list.contains("rate_ci(events, population["), "{list}");
    let one = told(&mut opeka(&["functions", "rate_ci"])).exits(0).stdout;
    for text in ["**References.**", "events: ", "```sql"] {
        assert!(one.contains(text), "{one}");
    }
    let json = told(&mut opeka(&["functions", "rate_ci", "--json"])).exits(0).json();
    assert_eq!(json["name"], "rate_ci");
    assert!(told(&mut opeka(&["functions", "--json"])).json().as_array().unwrap().len() > 2);
    told(&mut opeka(&["functions", "rate_cii"])).exits(2).says(&["did you mean `rate_ci`?"]);
    told(&mut opeka(&["functions", "nope"])).exits(2).says(&["`opeka functions` lists them"]);
}

#[test]
fn completions() {
    for (shell, text) in
        [("bash", "complete -F _opeka"), ("zsh", "#compdef opeka"), ("fish", "complete -c opeka")]
    {
        let script = told(&mut opeka(&["completions", shell])).exits(0).stdout;
        assert!(script.contains(text), "{shell}");
    }
    told(&mut opeka(&["completions", "cmd"])).exits(2).says(&["bash", "zsh", "fish"]);
}

#[test]
fn a_recipe_is_previewed() {
    let mini = Mini::new();
    mini.ok(&["ingest", "children"]).silent_on_stdout().says(&["children.recipe.toml: 4 obs"]);
    let told = mini.ok(&["ingest", "children", "--preview"]);
    let lines: Vec<&str> = told.stdout.lines().map(str::trim_end).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    office/2026-01-01/children.csv · (no sheets)
    #=figure  t=time_period  a=ref_area
        1   area            year            children
        2 a:England       t:2023          #:1000
        3 a:England       t:2024          #:1100
        4 a:Leeds         t:2023          #:100
        5 a:Leeds         t:2024          #:90
    ");
    let told = mini.ok(&["ingest", "children", "--preview", "--html", "page.html"]);
    told.silent_on_stdout().says(&["wrote page.html"]);
    let page = mini.read("page.html");
    assert!(page.contains("<html") && page.contains("Leeds") && page.contains("1100"));
    assert_eq!(mini.json(&["ingest", "children"])["observations"], 4);

    mini.run(&["ingest", "childern"]).exits(2).says(&["did you mean `children`?"]);
    mini.run(&["ingest", "children", "--html", "x.html"]).exits(2).says(&["--preview"]);
    mini.run(&["ingest", "children", "--preview", "--json"]).exits(2).says(&["--html FILE"]);
    let told = mini.run(&["ingest", "children", "--preview", "--html", "no/x.html"]).exits(3);
    told.says(&["cannot write `no/x.html`: No such file"]);
    // A sheet with mistakes is shown with them: that is what a preview is for.
    mini.figures(",90", ",ninety");
    let told = mini.run(&["ingest", "children", "--preview"]).exits(1).says(&["`ninety`"]);
    assert!(told.stdout.contains("!:ninety"), "{}", told.stdout);
    assert!(!mini.path("warehouse").exists());
}

#[test]
fn colour_is_for_terminals_and_can_be_turned_off() {
    // `told` refuses colour in all other tests; here somebody insists.
    let mini = Mini::new();
    mini.figures(",90", ",ninety");
    let run = |name: &str, value: &str| {
        let output = mini.opeka(&["run"]).env(name, value).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(run("CLICOLOR_FORCE", "1").contains('\u{1b}'));
    assert!(!run("NO_COLOR", "1").contains('\u{1b}'));
}
