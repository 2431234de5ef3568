//! What is generated into the project itself: notebooks, the table of sources, the reference of SQL
//! functions.

use std::fmt::Write as _;

use opeka_model::{Kind, Place, Problem, Problems};
use opeka_publish::{NotebookInput, render_notebook};

use crate::error::PipelineError;
use crate::project::Project;

/// The notebooks of all briefs: path below the project, and content.
pub fn notebooks(project: &Project) -> Result<Vec<(String, String)>, PipelineError> {
    let mut notebooks = Vec::new();
    for pipeline in &project.pipelines {
        for brief in &pipeline.briefs {
            let dictionary = pipeline.metrics.iter().map(|metric| {
                let columns = metric.value.metric.columns.iter();
                let columns =
                    columns.map(|(name, c)| (name.clone(), c.meaning.clone(), c.unit.clone()));
                let name = format!("{}.{}", pipeline.schema, metric.name);
                (name, metric.value.metric.title.clone(), columns.collect())
            });
            let used = pipeline.recipes.iter().flat_map(|r| project.sources_of(&r.value));
            let mut used: Vec<&str> = used.collect();
            used.sort();
            used.dedup();
            let citations = used
                .into_iter()
                .filter_map(|path| Some(project.sources.get(path)?.manifest.citation(path)));
            let input = NotebookInput {
                pipeline: &pipeline.schema,
                dictionary: dictionary.collect(),
                citations: citations.collect(),
            };
            let notebook = render_notebook(&brief.value, &input).map_err(|error| {
                let place = Place::File { file: brief.file.clone() };
                Problems::from(Problem::error(Kind::Declaration, place, error.to_string()))
            })?;
            let path = format!("notebooks-export/{}/{}.ipynb", pipeline.name, brief.name);
            notebooks.push((path, notebook));
        }
    }
    Ok(notebooks)
}

/// `datasets/sources/README.md`: a row a source.
pub fn sources_page(project: &Project) -> String {
    let mut page = String::from(
        "# Sources\n\nGenerated from the `.source.toml` files; `UPDATE=1 cargo test --workspace` \
         writes it anew.\n\n| file | title | publisher | accessed | licence |\n|---|---|---|---|---|\n",
    );
    let cell = |text: &str| text.replace('|', "\\|");
    for (path, source) in &project.sources {
        let s = &source.manifest;
        let _ = writeln!(
            page,
            "| `{path}` | [{}]({}) | {} | {} | {} |",
            cell(&s.title),
            s.url,
            cell(&s.publisher),
            s.accessed,
            cell(&s.licence)
        );
    }
    page
}

/// `docs/functions.md`: the documentation of every SQL function, by section.
pub fn functions_page() -> String {
    let all = opeka_measure::documentation();
    let mut sections: Vec<&str> = all.iter().map(|function| function.section).collect();
    sections.sort_unstable();
    sections.dedup();
    let mut page = String::from(
        "# SQL functions\n\nGenerated from the functions' own documentation, which `opeka functions NAME` prints; \
         `UPDATE=1 cargo test --workspace` writes it anew. Every example is run by a test.\n",
    );
    let of =
        |section: &'_ str| all.iter().filter(move |f| f.section == section).collect::<Vec<_>>();
    for section in &sections {
        let names: Vec<String> =
            of(section).iter().map(|f| format!("[`{0}`](#{0})", f.name)).collect();
        let _ = writeln!(page, "\n- {section}: {}", names.join(", "));
    }
    for section in &sections {
        let _ = writeln!(page, "\n## {section}");
        for function in of(section) {
            let _ = writeln!(
                page,
                "\n### {}\n\n`{}` ({} function)\n\n{}\n",
                function.name, function.syntax, function.kind, function.description
            );
            for (name, meaning) in &function.arguments {
                let _ = writeln!(page, "- `{name}`: {meaning}");
            }
            let _ = writeln!(page, "\n{}", function.example);
        }
    }
    page
}
