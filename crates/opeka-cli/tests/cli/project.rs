//! A small project in a temporary folder: one source, one recipe, two metrics, a chart, a brief.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// The repository.
pub(crate) fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the crate lies two folders below the root").to_owned()
}

pub(crate) const FIGURES: &str = "datasets/sources/office/2026-01-01/children.csv";
pub(crate) const RECIPE: &str = "pipelines/mini/ingest/children.recipe.toml";
pub(crate) const CHILDREN_SQL: &str = "pipelines/mini/measure/children.sql";
pub(crate) const CHILDREN_TOML: &str = "pipelines/mini/measure/children.toml";
pub(crate) const CHANGE_SQL: &str = "pipelines/mini/measure/change.sql";
pub(crate) const CHART: &str = "pipelines/mini/publish/children.chart.toml";
pub(crate) const BRIEF: &str = "pipelines/mini/publish/leeds.brief.md";
pub(crate) const PIPELINE: &str = "pipelines/mini/pipeline.toml";

/// A copy of the small project, and a warehouse in it.
pub(crate) struct Mini {
    folder: TempDir,
}

impl Mini {
    pub(crate) fn new() -> Self {
        let mini = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        copy(&repository().join("datasets/codelists"), &mini.path("datasets/codelists"));
        // The other half of the areas would only be read and written again.
        fs::remove_file(mini.path("datasets/codelists/regions/russia.csv")).expect("is there");
        let figures = "area,year,children\n\
            England,2023,1000\nEngland,2024,1100\nLeeds,2023,100\nLeeds,2024,90\n";
        mini.source(FIGURES, figures.as_bytes());
        let files = [
            (PIPELINE, include_str!("mini/pipeline.toml")),
            (RECIPE, include_str!("mini/children.recipe.toml")),
            (CHILDREN_SQL, include_str!("mini/children.sql")),
            (CHILDREN_TOML, include_str!("mini/children.toml")),
            (CHANGE_SQL, include_str!("mini/change.sql")),
            ("pipelines/mini/measure/change.toml", include_str!("mini/change.toml")),
            (CHART, include_str!("mini/children.chart.toml")),
            (BRIEF, include_str!("mini/leeds.brief.md")),
        ];
        for (path, text) in files {
            mini.write(path, text);
        }
        mini
    }

    /// One more pipeline, without sources of its own: it reads a metric of the first.
    pub(crate) fn second_pipeline(&self) {
        self.write(
            "pipelines/other/pipeline.toml",
            "title = \"More\"\nquestion = \"How many, twice?\"\nowner = \"the tests\"\n",
        );
        self.write(
            "pipelines/other/measure/doubled.sql",
            "select ref_area, 2 * children as twice, cells\nfrom mini.children\n\
             where time_period = '2024'\n",
        );
        self.write(
            "pipelines/other/measure/doubled.toml",
            "title = \"Twice\"\ndescription = \"Twice the children.\"\ngrain = [\"ref_area\"]\n\n\
             [columns]\nref_area = { meaning = \"The area\" }\n\
             twice = { meaning = \"Twice the children\", unit = \"persons\" }\n\
             cells = { meaning = \"The cells\" }\n",
        );
    }

    /// The project after its first run.
    pub(crate) fn published() -> Self {
        let mini = Self::new();
        mini.ok(&["run"]);
        mini
    }

    /// A path in the project.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).expect("a text file of the project")
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("is in the project")).expect("can be made");
        fs::write(path, text).expect("can be written");
    }

    /// Replaces a text that stands in a file exactly once.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert_eq!(text.matches(from).count(), 1, "`{from}` in `{path}`");
        self.write(path, text.replace(from, to));
    }

    /// Writes a source and, beside it, the declaration with its hash.
    pub(crate) fn source(&self, path: &str, bytes: &[u8]) {
        self.write(path, bytes);
        let hash: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
        let (stem, _) = path.rsplit_once('.').expect("has an ending");
        let file = path.rsplit('/').next().expect("has a name");
        let declaration = include_str!("mini/children.source.toml");
        self.write(
            &format!("{stem}.source.toml"),
            format!(
                "{declaration}file = \"{file}\"\nsha256 = \"{hash}\"\nsize = {}\n",
                bytes.len()
            ),
        );
    }

    /// Replaces a text of the source of figures, which is declared anew.
    pub(crate) fn figures(&self, from: &str, to: &str) {
        self.edit(FIGURES, from, to);
        self.source(FIGURES, self.read(FIGURES).as_bytes());
    }

    /// The id of the release that readers open.
    pub(crate) fn current(&self) -> String {
        self.read("warehouse/current").trim().to_owned()
    }

    /// The program, at work on this project.
    pub(crate) fn opeka(&self, args: &[&str]) -> Command {
        let mut command = opeka(args);
        command.arg("--project").arg(self.folder.path()).current_dir(self.folder.path());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Told {
        told(&mut self.opeka(args))
    }

    /// What it says when it does what it was asked.
    pub(crate) fn ok(&self, args: &[&str]) -> Told {
        self.run(args).exits(0)
    }

    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let told = self.ok(&[args, &["--json"]].concat());
        serde_json::from_str(&told.stdout).expect("JSON and nothing else on stdout")
    }

    pub(crate) fn query(&self, sql: &str) -> String {
        self.ok(&["query", "--format", "csv", "-c", sql]).stdout
    }
}

/// The program.
pub(crate) fn opeka(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opeka"));
    // A terminal's settings are no part of a test.
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "COLUMNS"] {
        command.env_remove(name);
    }
    command.args(args);
    command
}

/// What the program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn told(command: &mut Command) -> Told {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let told = Told {
        status: status.code().expect("the program ends by itself"),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    };
    assert!(!told.stderr.contains("panicked"), "{told:#?}");
    assert!(!told.stdout.contains('\u{1b}') && !told.stderr.contains('\u{1b}'), "{told:#?}");
    told
}

impl Told {
    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    /// Says each of these on stderr.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "`{text}` is not said:\n{}", self.stderr);
        }
        self
    }

    #[track_caller]
    pub(crate) fn silent_on_stdout(self) -> Self {
        assert_eq!(self.stdout, "");
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("JSON and nothing else on stdout")
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("can be made");
    for entry in fs::read_dir(from).expect("can be read").flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &to),
            false => drop(fs::copy(&path, &to).expect("can be copied")),
        }
    }
}

/// The files below a folder with their bytes, in order.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for path in fs::read_dir(&next).expect("can be read").flatten().map(|e| e.path()) {
            match path.is_dir() {
                true => waiting.push(path),
                false => {
                    let below = path.strip_prefix(folder).expect("is below").to_owned();
                    found.push((below, fs::read(&path).expect("can be read")));
                }
            }
        }
    }
    found.sort();
    found
}
