//! A picture of a recipe: the sheet with its selections coloured, for a terminal or a browser.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::grid::{Grid, Workbook};
use crate::observe::{Observed, Role};
use crate::recipe::Column;

/// A role's name, its colour in a terminal (an ANSI background) and on a page.
fn look(role: Role) -> (&'static str, &'static str, &'static str) {
    match role {
        Role::Figure => ("figure", "48;5;194;38;5;16", "#d7ffd7"),
        Role::Marked => ("mark", "48;5;229;38;5;16", "#ffffaf"),
        Role::Refused => ("refused", "48;5;217;38;5;16", "#ffafaf"),
        Role::LeftOut => ("left out", "48;5;188;38;5;16", "#d7d7d7"),
        Role::Label(column) => match column {
            Column::RefArea => ("ref_area", "48;5;153;38;5;16", "#afd7ff"),
            Column::TimePeriod => ("time_period", "48;5;183;38;5;16", "#d7afff"),
            Column::Indicator => ("indicator", "48;5;223;38;5;16", "#ffd7af"),
            Column::CareForm => ("care_form", "48;5;158;38;5;16", "#afffd7"),
            Column::UnitMeasure => ("unit_measure", "48;5;252;38;5;16", "#d0d0d0"),
            Column::ObsStatus => ("obs_status", "48;5;250;38;5;16", "#bcbcbc"),
            Column::ConfStatus => ("conf_status", "48;5;248;38;5;16", "#a8a8a8"),
            Column::Note => ("note", "48;5;254;38;5;16", "#e4e4e4"),
        },
    }
}

/// The roles of a sheet's cells, by row and column.
type Roles = BTreeMap<(u32, u32), Role>;

/// The sheets that a recipe reads, each with the role of its cells.
fn sheets<'a>(workbook: &'a Workbook, observed: &Observed) -> Vec<(&'a Grid, Roles)> {
    let mut shown: Vec<(&Grid, Roles)> = Vec::new();
    for table in &observed.roles {
        let Some(grid) = workbook.sheet(table.sheet.as_deref()) else { continue };
        let roles = table.roles.iter().map(|(at, role)| (*at, *role));
        match shown.iter_mut().find(|(known, _)| known.name == grid.name) {
            Some((_, known)) => known.extend(roles),
            None => shown.push((grid, roles.collect())),
        }
    }
    shown
}

fn legend(roles: &Roles) -> BTreeSet<Role> {
    roles.values().copied().collect()
}

/// The sheets for a terminal; `width` characters a cell, at most `rows` rows a sheet. Without
/// colour, a letter before the cell says its role.
pub fn preview_text(
    workbook: &Workbook,
    observed: &Observed,
    colour: bool,
    width: usize,
    rows: usize,
) -> String {
    let mut out = String::new();
    for (grid, roles) in sheets(workbook, observed) {
        let _ = writeln!(
            out,
            "{} · {}",
            workbook.source,
            grid.name.as_deref().unwrap_or("(no sheets)")
        );
        let marks: Vec<String> = legend(&roles)
            .into_iter()
            .map(|role| {
                let (name, ansi, _) = look(role);
                if colour {
                    format!("\x1b[{ansi}m {name} \x1b[0m")
                } else {
                    format!("{}={name}", letter(role))
                }
            })
            .collect();
        let _ = writeln!(out, "{}", marks.join("  "));
        let columns: BTreeSet<u32> = grid.cells().iter().map(|cell| cell.column).collect();
        let row_numbers: BTreeSet<u32> = grid.cells().iter().map(|cell| cell.row).collect();
        for row in row_numbers.iter().take(rows) {
            let _ = write!(out, "{:>5} ", grid_row_name(grid, *row));
            for column in &columns {
                let text =
                    grid.get(*row, *column).map(crate::grid::Cell::whole_text).unwrap_or_default();
                let shown = fit(&text, width);
                let _ = match (roles.get(&(*row, *column)), colour) {
                    (Some(role), true) => write!(out, "\x1b[{}m{shown}\x1b[0m ", look(*role).1),
                    (Some(role), false) => write!(out, "{}:{shown}", letter(*role)),
                    (None, true) => write!(out, "{shown} "),
                    (None, false) => write!(out, "  {shown}"),
                };
            }
            let _ = writeln!(out);
        }
        if row_numbers.len() > rows {
            let _ = writeln!(out, "      … {} more rows", row_numbers.len() - rows);
        }
        let _ = writeln!(out);
    }
    out
}

fn grid_row_name(grid: &Grid, row: u32) -> String {
    grid.address(row, 0).trim_start_matches(['A', 'R']).trim_end_matches("C1").to_owned()
}

fn letter(role: Role) -> char {
    match role {
        Role::Figure => '#',
        Role::Marked => '~',
        Role::Refused => '!',
        Role::LeftOut => '-',
        Role::Label(column) => match column {
            Column::RefArea => 'a',
            Column::TimePeriod => 't',
            Column::Indicator => 'i',
            Column::CareForm => 'f',
            Column::UnitMeasure => 'u',
            Column::ObsStatus => 's',
            Column::ConfStatus => 'c',
            Column::Note => 'n',
        },
    }
}

fn fit(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return format!("{text}{}", " ".repeat(width - length));
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// The sheets of all workbooks that a recipe reads, as one self-contained page.
pub fn preview_html(reads: &[(&Workbook, &Observed)], title: &str) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title>\n<style>\n\
         body {{ font: 14px sans-serif; margin: 1.5rem; }}\n\
         table {{ border-collapse: collapse; margin: 0.5rem 0 2rem; }}\n\
         td, th {{ border: 1px solid #ccc; padding: 2px 6px; max-width: 22rem; }}\n\
         th {{ background: #f3f3f3; font-weight: normal; color: #555; }}\n\
         .key span {{ padding: 2px 8px; margin-right: 6px; border: 1px solid #ccc; }}\n\
         sup {{ color: #a00; }}\n</style></head>\n<body><h1>{0}</h1>\n",
        escape(title)
    );
    let shown = reads.iter().flat_map(|(workbook, observed)| {
        sheets(workbook, observed).into_iter().map(move |sheet| (*workbook, sheet))
    });
    for (workbook, (grid, roles)) in shown {
        let name = grid.name.as_deref().unwrap_or("(no sheets)");
        let _ = writeln!(out, "<h2>{} · {}</h2>", escape(&workbook.source), escape(name));
        out.push_str("<p class=\"key\">");
        for role in legend(&roles) {
            let (name, _, colour) = look(role);
            let _ = write!(out, "<span style=\"background:{colour}\">{name}</span>");
        }
        out.push_str("</p>\n<table>\n");
        let columns: BTreeSet<u32> = grid.cells().iter().map(|cell| cell.column).collect();
        out.push_str("<tr><th></th>");
        for column in &columns {
            let _ = write!(out, "<th scope=\"col\">{}</th>", opeka_model::a1_column(*column));
        }
        out.push_str("</tr>\n");
        let rows: BTreeSet<u32> = grid.cells().iter().map(|cell| cell.row).collect();
        for row in rows {
            let _ = write!(out, "<tr><th scope=\"row\">{}</th>", grid_row_name(grid, row));
            for column in &columns {
                let cell = grid.get(row, *column);
                let text = cell.map(crate::grid::Cell::text).unwrap_or_default();
                let mark = cell
                    .and_then(|cell| cell.superscript.as_deref().map(smol_str::SmolStr::as_str));
                let sup = mark.map(|m| format!("<sup>{}</sup>", escape(m))).unwrap_or_default();
                let _ = match roles.get(&(row, *column)) {
                    Some(role) => {
                        let (name, _, colour) = look(*role);
                        write!(
                            out,
                            "<td style=\"background:{colour}\" title=\"{name}\">{}{sup}</td>",
                            escape(&text)
                        )
                    }
                    None => write!(out, "<td>{}{sup}</td>", escape(&text)),
                };
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</table>\n");
    }
    let problems: Vec<_> = reads.iter().flat_map(|(_, read)| read.problems.iter()).collect();
    if !problems.is_empty() {
        out.push_str("<h2>Problems</h2>\n<ul>\n");
        for problem in problems {
            let _ = writeln!(out, "<li><pre>{}</pre></li>", escape(&problem.to_string()));
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</body></html>\n");
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
