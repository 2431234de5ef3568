//! The observations of a pipeline: every recipe over its sources, and which figure leads.

use std::collections::{BTreeMap, HashMap};

use opeka_model::{Kind, Observation, Place, Problem, Problems, Severity};

use crate::error::PipelineError;
use crate::project::{Pipeline, Project};
use crate::read::read_recipe;

/// What the recipes of a pipeline gave.
pub(crate) struct PipelineObserved {
    /// In the order of their key.
    pub(crate) observations: Vec<Observation>,
    pub(crate) problems: Problems,
    /// The recipes whose sheets do not look as they expect.
    pub(crate) misfits: Vec<String>,
}

/// Reads all recipes of a pipeline.
pub(crate) fn observe_pipeline(
    project: &Project,
    pipeline: &Pipeline,
) -> Result<PipelineObserved, PipelineError> {
    let layout = |p: &Problem| p.kind == Kind::Layout && p.severity == Severity::Error;
    let (mut all, mut problems, mut misfits) = (Vec::new(), Problems::new(), Vec::new());
    for recipe in &pipeline.recipes {
        let (reads, unread) = read_recipe(project, recipe, false)?;
        problems.extend(unread);
        for read in reads {
            if read.observed.problems.iter().any(layout) {
                misfits.push(recipe.file.clone());
            }
            all.extend(read.observed.observations);
            problems.extend(read.observed.problems);
        }
    }
    all.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.cell.cmp(&b.cell)));
    problems.extend(refuse_duplicates(&all));
    problems.extend(choose_leading(pipeline, &mut all));
    Ok(PipelineObserved { observations: all, problems, misfits })
}

type Key<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

fn key(o: &Observation) -> Key<'_> {
    (&o.dataset, &o.indicator, &o.ref_area, &o.time_period, &o.care_form)
}

/// One data set says each figure once, from whichever of its files. Twice within one file was
/// already refused when the file was read.
fn refuse_duplicates(sorted: &[Observation]) -> Problems {
    let twice = sorted.windows(2).filter(|pair| key(&pair[0]) == key(&pair[1]));
    let across = twice.filter(|pair| pair[0].cell.source != pair[1].cell.source);
    let problem = |pair: &[Observation]| {
        let (first, second) = (&pair[0], &pair[1]);
        let message = format!(
            "data set `{}` has a second figure for {} of {} in {} ({})",
            second.dataset, second.indicator, second.ref_area, second.time_period, second.care_form
        );
        Problem::error(Kind::Data, place(second), message)
            .hint(format!("the first stands in `{}`", first.cell))
    };
    across.map(problem).collect()
}

fn place(o: &Observation) -> Place {
    Place::Cell {
        file: o.cell.source.clone(),
        sheet: o.cell.sheet.clone(),
        cell: o.cell.cell.clone(),
    }
}

/// Where several data sets publish the same figure, the manifest says which leads; where they
/// disagree, that is said.
fn choose_leading(pipeline: &Pipeline, all: &mut [Observation]) -> Problems {
    let order = &pipeline.manifest.value.lead;
    let rank = |dataset: &str| order.iter().position(|known| known == dataset);
    let mut groups: HashMap<[String; 4], Vec<usize>> = HashMap::new();
    for (index, o) in all.iter().enumerate() {
        let shared = [&o.indicator, &o.ref_area, &o.time_period, &o.care_form].map(Clone::clone);
        groups.entry(shared).or_default().push(index);
    }
    let mut shared: Vec<Vec<usize>> = groups.into_values().filter(|g| g.len() > 1).collect();
    shared.sort();
    let mut problems = Problems::new();
    let mut disagree: BTreeMap<(String, String), (usize, Problem)> = BTreeMap::new();
    for group in shared {
        let mut ranked: Vec<(Option<usize>, usize)> =
            group.iter().map(|index| (rank(&all[*index].dataset), *index)).collect();
        ranked.sort_by_key(|(rank, index)| (rank.unwrap_or(usize::MAX), *index));
        let leader = ranked[0].1;
        if ranked.iter().filter(|(rank, _)| rank.is_none()).count() > 0 {
            let (a, b) = (&all[ranked[0].1], &all[ranked[1].1]);
            if a.dataset != b.dataset {
                let message = format!(
                    "data sets `{}` and `{}` both publish {} of {} in {}",
                    a.dataset, b.dataset, a.indicator, a.ref_area, a.time_period
                );
                problems.push(Problem::error(Kind::Data, place(b), message).hint(format!(
                    "say under `lead` in `{}` which of them leads",
                    pipeline.manifest.file
                )));
            }
        }
        for (_, index) in &ranked[1..] {
            let (lead, other) = (&all[leader], &all[*index]);
            // Two figures of one data set were refused already.
            if let (Some(first), Some(second)) = (lead.obs_value, other.obs_value)
                && first != second
                && lead.dataset != other.dataset
            {
                let pair = (lead.dataset.clone(), other.dataset.clone());
                let message = format!(
                    "{} of {} in {}: `{}` says {second}, and `{}`, which leads, says {first}",
                    other.indicator, other.ref_area, other.time_period, other.dataset, lead.dataset
                );
                let problem = Problem::warning(Kind::Data, place(other), message);
                disagree.entry(pair).or_insert((0, problem)).0 += 1;
            }
            all[*index].is_leading = false;
        }
    }
    for ((lead, other), (count, first)) in disagree {
        let hint =
            format!("{count} figure(s) of `{other}` differ from `{lead}`; this is the first");
        problems.push(first.hint(hint));
    }
    problems
}
