//! The doorway: a workbook and a recipe become observations, problems, and a picture of both.

use std::collections::{BTreeMap, HashMap};

use opeka_model::{CellRef, Kind, Observation, Place, Problem, Problems};
use regex::Regex;

use crate::codelist::Codelists;
use crate::grid::{Grid, Workbook};
use crate::marks::check_legends;
use crate::reader::TableReader;
use crate::recipe::{Column, Recipe, Table};

/// What a recipe made of a workbook.
#[derive(Debug, Default)]
pub struct Observed {
    /// The figures, in the order of the recipe's tables and of the cells.
    pub observations: Vec<Observation>,
    /// What is wrong; nothing that a cell says is lost without one.
    pub problems: Problems,
    /// What each cell was taken for, for the preview.
    pub roles: Vec<SheetRoles>,
    /// The observations that cumulate within their year, by their index, and every how many months
    /// one is published; see [`crate::add_flows`].
    pub(crate) cumulated: Vec<(usize, u32)>,
}

/// What the cells of one table were taken for.
#[derive(Debug)]
pub struct SheetRoles {
    /// The sheet.
    pub sheet: Option<String>,
    /// Roles by row and column.
    pub roles: BTreeMap<(u32, u32), Role>,
}

/// What a cell was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A figure.
    Figure,
    /// A mark in place of a figure.
    Marked,
    /// A figure with a problem.
    Refused,
    /// A figure that the recipe leaves out.
    LeftOut,
    /// A label of a dimension.
    Label(Column),
}

/// Reads a workbook by a recipe.
///
/// `source_sha256` is the hash of the workbook's bytes; every observation carries it. Values come
/// out in the units of their indicator. The observations of an `Observed` with errors are not to
/// be published. Where a recipe reads figures that cumulate, [`crate::add_flows`] makes the flows of
/// all its files together.
pub fn observe(
    workbook: &Workbook,
    source_sha256: &str,
    recipe: &Recipe,
    codelists: &Codelists,
) -> Observed {
    let mut observed = Observed::default();
    check_legends(workbook, recipe, &mut observed.problems);
    for table in &recipe.tables {
        match sheets(workbook, table) {
            Ok(grids) => {
                for grid in grids {
                    TableReader::new(workbook, source_sha256, recipe, codelists, table, grid)
                        .read(&mut observed);
                }
            }
            Err(problem) => observed.problems.push(problem),
        }
    }
    refuse_duplicates(&mut observed);
    observed
}

/// The sheets that have the table.
fn sheets<'a>(workbook: &'a Workbook, table: &Table) -> Result<Vec<&'a Grid>, Problem> {
    let Some(pattern) = &table.sheets else {
        let sheet = workbook.sheet(table.sheet.as_deref());
        return sheet.map(|sheet| vec![sheet]).ok_or_else(|| no_sheet(workbook, table));
    };
    // The recipe was refused before if this is no regular expression.
    let matches = Regex::new(&format!("^(?:{pattern})$")).ok();
    let has = |grid: &&Grid| {
        let name = grid.name.as_deref().unwrap_or_default();
        matches.as_ref().is_some_and(|matches| matches.is_match(name))
            && !table.except.iter().any(|except| except == name)
    };
    let found: Vec<&Grid> = workbook.sheets.iter().filter(has).collect();
    let place = Place::File { file: workbook.source.clone() };
    let names: Vec<&str> = workbook.sheets.iter().filter_map(|s| s.name.as_deref()).collect();
    if let Some(missing) = table.except.iter().find(|except| !names.contains(&except.as_str())) {
        let message = format!("`except` names the sheet `{missing}`, and there is none");
        return Err(Problem::error(Kind::Layout, place, message));
    }
    if found.is_empty() {
        let message = format!("no sheet has a name that matches `{pattern}`");
        return Err(Problem::error(Kind::Layout, place, message)
            .hint(format!("its sheets are: {}", names.join(", "))));
    }
    Ok(found)
}

fn no_sheet(workbook: &Workbook, table: &Table) -> Problem {
    let names: Vec<&str> = workbook.sheets.iter().filter_map(|s| s.name.as_deref()).collect();
    let place = Place::File { file: workbook.source.clone() };
    match &table.sheet {
        Some(sheet) => {
            let near = opeka_model::closest(sheet, names.iter().copied());
            let problem =
                Problem::error(Kind::Layout, place, format!("the workbook has no sheet `{sheet}`"));
            match near.first() {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem.hint(format!("its sheets are: {}", names.join(", "))),
            }
        }
        None => Problem::error(Kind::Declaration, place, "the recipe names no `sheet`")
            .hint(format!("the workbook's sheets are: {}", names.join(", "))),
    }
}

/// Two cells with one key: both are named, and neither may be published.
fn refuse_duplicates(observed: &mut Observed) {
    let mut first: HashMap<[&str; 4], &CellRef> = HashMap::new();
    let mut problems = Problems::new();
    for o in &observed.observations {
        let key: [&str; 4] = [&o.indicator, &o.ref_area, &o.time_period, &o.care_form];
        match first.get(&key) {
            None => {
                first.insert(key, &o.cell);
            }
            Some(before) => problems.push(
                Problem::error(
                    Kind::Data,
                    Place::Cell {
                        file: o.cell.source.clone(),
                        sheet: o.cell.sheet.clone(),
                        cell: o.cell.cell.clone(),
                    },
                    format!(
                        "a second figure for {} of {} in {} ({})",
                        o.indicator, o.ref_area, o.time_period, o.care_form
                    ),
                )
                .hint(format!("the first stands in `{before}`")),
            ),
        }
    }
    observed.problems.extend(problems);
}
