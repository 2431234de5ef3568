//! A project folder: everything that is declared, read and parsed, with all mistakes together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use opeka_ingest::{Codelist, Codelists, Recipe, parse_recipe};
use opeka_measure::{Metric, parse_metric};
use opeka_model::{Kind, Place, Problem, Problems, from_toml, suggest};
use opeka_publish::{Brief, ChartSpec, parse_brief, parse_chart};

use crate::error::PipelineError;
use crate::fingerprint::sha256;
use crate::manifest::{PipelineManifest, SourceManifest};
use crate::programmes::Registry;
use crate::read::read_maps;

/// A declared file: its path below the project, its text and what it says.
#[derive(Debug)]
pub struct Declared<T> {
    /// The name, from the file's name.
    pub name: String,
    /// The path below the project, with forward slashes.
    pub file: String,
    /// SHA-256 of the text (of all its files, where there are several).
    pub sha256: String,
    /// What it says.
    pub value: T,
}

/// A source: its declaration, and its bytes where they are what it declares.
#[derive(Debug)]
pub struct Source {
    pub manifest: SourceManifest,
    /// Hash of the declaration itself.
    pub declared_sha256: String,
    /// Where the bytes lie.
    pub path: PathBuf,
}

/// A metric: its declaration and its SQL.
#[derive(Debug)]
pub struct MetricFiles {
    pub metric: Metric,
    pub sql: String,
    pub sql_file: String,
}

impl Source {
    /// Whether the file is the one declared, by its hash.
    pub fn matches(&self) -> Result<bool, PipelineError> {
        let bytes = std::fs::read(&self.path).map_err(PipelineError::io("read", &self.path))?;
        Ok(sha256(&bytes) == self.manifest.sha256)
    }
}

/// One folder of `pipelines/`.
#[derive(Debug)]
pub struct Pipeline {
    /// The folder's name, such as `england-care`.
    pub name: String,
    /// Its SQL schema, such as `england_care`.
    pub schema: String,
    pub manifest: Declared<PipelineManifest>,
    pub recipes: Vec<Declared<Recipe>>,
    pub metrics: Vec<Declared<MetricFiles>>,
    pub charts: Vec<Declared<ChartSpec>>,
    pub briefs: Vec<Declared<Brief>>,
}

/// Everything that a project declares.
#[derive(Debug)]
pub struct Project {
    pub root: PathBuf,
    pub codelists: Codelists,
    /// Hash of each code list's files.
    pub codelist_hashes: BTreeMap<String, String>,
    /// By their path below `datasets/sources`.
    pub sources: BTreeMap<String, Source>,
    /// The programmes, and what is wrong with them: a mistake there does not hide the others.
    pub registry: Registry,
    pub pipelines: Vec<Pipeline>,
}

impl Project {
    /// The project folder at or above a folder: the nearest with `pipelines` and `datasets`.
    pub fn find(from: &Path) -> Option<PathBuf> {
        let is_project =
            |folder: &&Path| folder.join("pipelines").is_dir() && folder.join("datasets").is_dir();
        from.ancestors().find(is_project).map(Path::to_owned)
    }

    /// The sources of a recipe, by their names, each once: those that it names, and those that its
    /// patterns match, in the order of their names.
    pub fn sources_of(&self, recipe: &Recipe) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let named = recipe.source.as_slice().iter();
        let found = named.flat_map(|source| matching(source, &self.sources));
        found.filter(|name| seen.insert(*name)).collect()
    }

    /// Reads everything declared. All mistakes come back together.
    ///
    /// # Errors
    /// [`PipelineError::Io`] where a folder cannot be read, [`PipelineError::Refused`] with the
    /// mistakes.
    pub fn load(root: &Path) -> Result<Self, PipelineError> {
        let mut loader = Loader { root, problems: Problems::new(), sources_unread: false };
        let (codelists, codelist_hashes) = loader.codelists()?;
        let sources = loader.sources()?;
        let registry = loader.registry(&codelists)?;
        let mut pipelines = Vec::new();
        for folder in loader.folders(&root.join("pipelines"))? {
            if folder.join("pipeline.toml").is_file() {
                pipelines.extend(loader.pipeline(&folder)?);
            }
        }
        for pipeline in &pipelines {
            loader.check_names(pipeline, &sources);
        }
        if loader.problems.has_errors() {
            return Err(loader.problems.into());
        }
        Ok(Self { root: root.to_owned(), codelists, codelist_hashes, sources, registry, pipelines })
    }

    /// The pipeline of that name; a name that is not known comes back with the closest.
    pub fn pipeline(&self, name: &str) -> Result<&Pipeline, Problem> {
        let known = |p: &&Pipeline| p.name == name || p.schema == name;
        self.pipelines.iter().find(known).ok_or_else(|| {
            let message = format!("there is no pipeline `{name}`");
            let problem = Problem::error(Kind::Declaration, Place::Nowhere, message);
            let names = self.pipelines.iter().map(|p| p.name.as_str());
            problem.hint(suggest(name, names, "pipelines"))
        })
    }

    /// The recipe of that name and its pipeline.
    pub fn recipe(&self, name: &str) -> Result<(&Pipeline, &Declared<Recipe>), Problem> {
        let all = || self.pipelines.iter().flat_map(|p| p.recipes.iter().map(move |r| (p, r)));
        all().find(|(_, recipe)| recipe.name == name || recipe.file == name).ok_or_else(|| {
            let message = format!("there is no recipe `{name}`");
            let problem = Problem::error(Kind::Declaration, Place::Nowhere, message);
            let names: Vec<&str> = all().map(|(_, recipe)| recipe.name.as_str()).collect();
            problem.hint(suggest(name, names, "recipes"))
        })
    }
}

struct Loader<'a> {
    root: &'a Path,
    problems: Problems,
    /// Whether a source's declaration could not be read: a source that is missing then is no news.
    sources_unread: bool,
}

impl Loader<'_> {
    /// A path below the project, as places say it.
    fn relative(&self, path: &Path) -> String {
        let below = path.strip_prefix(self.root).unwrap_or(path);
        below.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
    }

    fn entries(&self, folder: &Path) -> Result<Vec<PathBuf>, PipelineError> {
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let read = std::fs::read_dir(folder).map_err(PipelineError::io("read", folder))?;
        let mut paths: Vec<PathBuf> = read.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        Ok(paths)
    }

    fn folders(&self, folder: &Path) -> Result<Vec<PathBuf>, PipelineError> {
        Ok(self.entries(folder)?.into_iter().filter(|path| path.is_dir()).collect())
    }

    /// A text file; bytes that are no UTF-8 are a problem.
    fn text(&mut self, path: &Path) -> Result<Option<String>, PipelineError> {
        let bytes = std::fs::read(path).map_err(PipelineError::io("read", path))?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => {
                let place = Place::File { file: self.relative(path) };
                self.problems.push(Problem::error(
                    Kind::Declaration,
                    place,
                    "the file is not UTF-8",
                ));
                Ok(None)
            }
        }
    }

    fn keep<T>(&mut self, result: Result<T, Problems>) -> Option<T> {
        result.map_err(|problems| self.problems.extend(problems)).ok()
    }

    fn codelists(&mut self) -> Result<(Codelists, BTreeMap<String, String>), PipelineError> {
        let folder = self.root.join("datasets").join("codelists");
        let (mut lists, mut hashes) = (Codelists::new(), BTreeMap::new());
        for path in self.entries(&folder)? {
            let Some(name) = path.file_stem().map(|n| n.to_string_lossy().into_owned()) else {
                continue;
            };
            let files = match path.is_dir() {
                true => self.entries(&path)?,
                false => vec![path.clone()],
            };
            let mut texts = Vec::new();
            for file in files.iter().filter(|file| has_ending(file, ".csv")) {
                texts.extend(self.text(file)?.map(|text| (self.relative(file), text)));
            }
            if texts.is_empty() {
                continue;
            }
            let joined: String = texts.iter().map(|(_, text)| sha256(text.as_bytes())).collect();
            hashes.insert(name.clone(), sha256(joined.as_bytes()));
            if let Some(list) = self.keep(Codelist::read(&name, &texts)) {
                lists.insert(name, list);
            }
        }
        Ok((lists, hashes))
    }

    fn sources(&mut self) -> Result<BTreeMap<String, Source>, PipelineError> {
        let base = self.root.join("datasets").join("sources");
        let mut sources = BTreeMap::new();
        for publisher in self.folders(&base)? {
            for date in self.folders(&publisher)? {
                for path in self.entries(&date)? {
                    if has_ending(&path, ".source.toml") {
                        self.source(&base, &path, &mut sources)?;
                    }
                }
            }
        }
        Ok(sources)
    }

    fn registry(&mut self, codelists: &Codelists) -> Result<Registry, PipelineError> {
        let mut files = Vec::new();
        for path in self.entries(&self.root.join("datasets").join("programmes"))? {
            if has_ending(&path, ".toml") {
                let bytes = std::fs::read(&path).map_err(PipelineError::io("read", &path))?;
                files.push((self.relative(&path), path, String::from_utf8(bytes).ok()));
            }
        }
        Ok(Registry::read(files, codelists))
    }

    fn source(
        &mut self,
        base: &Path,
        path: &Path,
        sources: &mut BTreeMap<String, Source>,
    ) -> Result<(), PipelineError> {
        let Some(text) = self.text(path)? else { return Ok(()) };
        let file = self.relative(path);
        let parsed = from_toml::<SourceManifest>(&file, &text).map_err(Problems::from);
        let Some(manifest) = self.keep(parsed) else {
            self.sources_unread = true;
            return Ok(());
        };
        let data = path.with_file_name(&manifest.file);
        let name = data.strip_prefix(base).unwrap_or(&data);
        let name: Vec<_> = name.components().map(|c| c.as_os_str().to_string_lossy()).collect();
        let name = name.join("/");
        if !data.is_file() {
            let message = format!("the file `{}` that it declares is not there", manifest.file);
            self.problems.push(Problem::error(Kind::Declaration, Place::File { file }, message));
        }
        let source = Source { manifest, declared_sha256: sha256(text.as_bytes()), path: data };
        sources.insert(name, source);
        Ok(())
    }

    fn pipeline(&mut self, folder: &Path) -> Result<Option<Pipeline>, PipelineError> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let manifest = self.declared(&folder.join("pipeline.toml"), ".toml", |file, text| {
            from_toml::<PipelineManifest>(file, text).map_err(Problems::from)
        })?;
        let mut recipes = self.all(&folder.join("ingest"), ".recipe.toml", parse_recipe)?;
        for recipe in &mut recipes {
            let problems = read_maps(&mut recipe.value, &folder.join("ingest"), |map, text| {
                recipe.sha256 = sha256(format!("{} {map} {text}", recipe.sha256).as_bytes());
            });
            self.problems.extend(problems);
        }
        let charts = self.all(&folder.join("publish"), ".chart.toml", parse_chart)?;
        let briefs = self.all(&folder.join("publish"), ".brief.md", parse_brief)?;
        let mut metrics = Vec::new();
        for path in self.entries(&folder.join("measure"))? {
            if has_ending(&path, ".sql") {
                metrics.extend(self.metric(&path)?);
            }
        }
        let schema = name.replace('-', "_");
        Ok(manifest.map(|manifest| Pipeline {
            name,
            schema,
            manifest,
            recipes,
            metrics,
            charts,
            briefs,
        }))
    }

    fn metric(&mut self, sql_path: &Path) -> Result<Option<Declared<MetricFiles>>, PipelineError> {
        let toml_path = sql_path.with_extension("toml");
        let sql_file = self.relative(sql_path);
        if !toml_path.is_file() {
            let message = "a metric says beside its SQL what its columns mean";
            let hint = format!("write `{}`", self.relative(&toml_path));
            let place = Place::File { file: sql_file };
            self.problems.push(Problem::error(Kind::Declaration, place, message).hint(hint));
            return Ok(None);
        }
        let Some(sql) = self.text(sql_path)? else { return Ok(None) };
        let declared = self.declared(&toml_path, ".toml", parse_metric)?;
        Ok(declared.map(|declared| Declared {
            name: declared.name,
            file: declared.file,
            sha256: sha256(format!("{} {}", declared.sha256, sha256(sql.as_bytes())).as_bytes()),
            value: MetricFiles { metric: declared.value, sql, sql_file },
        }))
    }

    fn all<T>(
        &mut self,
        folder: &Path,
        ending: &str,
        parse: impl Fn(&str, &str) -> Result<T, Problems>,
    ) -> Result<Vec<Declared<T>>, PipelineError> {
        let mut all = Vec::new();
        for path in self.entries(folder)? {
            if has_ending(&path, ending) {
                all.extend(self.declared(&path, ending, &parse)?);
            }
        }
        Ok(all)
    }

    fn declared<T>(
        &mut self,
        path: &Path,
        ending: &str,
        parse: impl Fn(&str, &str) -> Result<T, Problems>,
    ) -> Result<Option<Declared<T>>, PipelineError> {
        let Some(text) = self.text(path)? else { return Ok(None) };
        let file = self.relative(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.strip_suffix(ending).unwrap_or(&name).to_owned();
        let value = self.keep(parse(&file, &text));
        Ok(value.map(|value| Declared { name, sha256: sha256(text.as_bytes()), file, value }))
    }

    /// Names that one declared thing uses of another.
    fn check_names(&mut self, pipeline: &Pipeline, sources: &BTreeMap<String, Source>) {
        for recipe in &pipeline.recipes {
            for column in recipe.value.as_written() {
                let place = Place::File { file: recipe.file.clone() };
                let message = format!(
                    "`{}` is taken as written, which is for looking at a file; a release needs codes",
                    column.name()
                );
                let hint = "take `as_written` out, and say `values` or add to the code list";
                self.problems.push(Problem::error(Kind::Declaration, place, message).hint(hint));
            }
            for source in recipe.value.source.as_slice() {
                if self.sources_unread || !matching(source, sources).is_empty() {
                    continue;
                }
                let place = Place::File { file: recipe.file.clone() };
                let message = match is_pattern(source) {
                    true => format!("no source matches `{source}`"),
                    false => format!("there is no source `{source}`"),
                };
                let problem = Problem::error(Kind::Declaration, place, message);
                let hint = suggest(source, sources.keys().map(String::as_str), "sources");
                self.problems.push(problem.hint(hint));
            }
        }
        for brief in &pipeline.briefs {
            for (chart, line) in brief.value.charts() {
                // What stands wrong in a chart's own file was said already.
                let path = format!("pipelines/{}/publish/{chart}.chart.toml", pipeline.name);
                let there = self.root.join(path).is_file();
                if there || pipeline.charts.iter().any(|known| known.name == chart) {
                    continue;
                }
                let place = Place::Text { file: brief.file.clone(), line, column: None };
                let message = format!("there is no chart `{chart}`");
                let problem = Problem::error(Kind::Declaration, place, message);
                let charts = pipeline.charts.iter().map(|known| known.name.as_str());
                self.problems.push(problem.hint(suggest(chart, charts, "charts")));
            }
        }
        let datasets: Vec<&str> =
            pipeline.recipes.iter().map(|r| r.value.dataset.as_str()).collect();
        for dataset in &pipeline.manifest.value.lead {
            if !datasets.contains(&dataset.as_str()) {
                let place = Place::File { file: pipeline.manifest.file.clone() };
                let message = format!("`lead` names `{dataset}`, which no recipe writes");
                let problem = Problem::error(Kind::Declaration, place, message);
                self.problems.push(problem.hint(suggest(
                    dataset,
                    datasets.iter().copied(),
                    "data sets",
                )));
            }
        }
    }
}

/// Whether a recipe's source is a pattern for several.
pub(crate) fn is_pattern(source: &str) -> bool {
    source.contains(['*', '?', '['])
}

/// The sources of that name, or that match the pattern: `*` stays within one folder.
fn matching<'s>(source: &str, sources: &'s BTreeMap<String, Source>) -> Vec<&'s str> {
    if !is_pattern(source) {
        return sources.get_key_value(source).into_iter().map(|(name, _)| name.as_str()).collect();
    }
    let options = glob::MatchOptions { require_literal_separator: true, ..Default::default() };
    let Ok(pattern) = glob::Pattern::new(source) else { return Vec::new() };
    let names = sources.keys().map(String::as_str);
    names.filter(|name| pattern.matches_with(name, options)).collect()
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.is_file() && path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ending))
}
