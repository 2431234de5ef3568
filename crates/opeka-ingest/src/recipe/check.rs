//! What is wrong in the logic of a recipe, all of it together.

use opeka_model::{Kind, Place, Problem, Problems};

use super::{Attach, Blocks, Column, Dimension, Recipe, Step, Table};
use crate::periods::parse_year_start;

pub(super) fn check(recipe: &Recipe, file: &str, text: &str) -> Problems {
    let mut checker = Checker { file, text, problems: Problems::new() };
    checker.recipe(recipe);
    checker.problems
}

struct Checker<'a> {
    file: &'a str,
    text: &'a str,
    problems: Problems,
}

impl Checker<'_> {
    /// A mistake, at the first line that contains the needle.
    fn wrong(&mut self, needle: &str, message: impl Into<String>) {
        let line = self.text.lines().position(|line| line.contains(needle)).map_or(1, |i| i + 1);
        let place = Place::Text { file: self.file.to_owned(), line, column: None };
        self.problems.push(Problem::error(Kind::Declaration, place, message));
    }

    fn expression(&mut self, needle: &str, what: &str, expression: Option<&str>) {
        if let Some(Err(error)) = expression.map(regex::Regex::new) {
            // The error draws the expression over several lines; its last says what is wrong.
            let error = error.to_string();
            let why = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            self.wrong(needle, format!("{what} is no regular expression: {why}"));
        }
    }

    fn recipe(&mut self, recipe: &Recipe) {
        if recipe.tables.is_empty() {
            self.wrong("[[table]]", "a recipe reads at least one `[[table]]`");
        }
        for (mark, meaning) in &recipe.marks {
            let line = format!("\"{mark}\"");
            if meaning.obs_status.is_none() && meaning.obs_value.is_none() {
                self.wrong(
                    &line,
                    format!("mark `{mark}` says neither `obs_status` nor `obs_value`"),
                );
            }
            if meaning.obs_value.is_some() && meaning.legend.is_none() {
                self.wrong(
                    &line,
                    format!(
                        "mark `{mark}` stands for a value, so `legend` must cite the publisher's words"
                    ),
                );
            }
        }
        for (word, scale) in &recipe.scales {
            if !(scale.is_finite() && *scale > 0.0) {
                self.wrong(word, format!("scale `{word}` is no positive number"));
            }
        }
        for table in &recipe.tables {
            self.table(table);
        }
    }

    fn table(&mut self, table: &Table) {
        if table.sheet.is_some() && table.sheets.is_some() {
            self.wrong("sheets", "a table names one `sheet`, or several by `sheets`, not both");
        }
        if !table.except.is_empty() && table.sheets.is_none() {
            self.wrong("except", "`except` takes sheets out of `sheets`, and there is none");
        }
        self.expression("sheets", "`sheets`", table.sheets.as_deref());
        if let Some(Blocks::Matching(blocks)) = &table.blocks {
            self.expression("blocks", "`matches` of `blocks`", Some(&blocks.matches));
        }
        if table.scale.is_some_and(|scale| !(scale.is_finite() && scale > 0.0)) {
            self.wrong("scale", "`scale` is no positive number");
        }
        if table.cumulative == Some(Step::Year) {
            self.wrong(
                "cumulative",
                "figures cumulate by months, `\"M\"`, or by quarters, `\"Q\"`",
            );
        }
        self.expression(
            "observations",
            "`matches` of `observations`",
            table.observations.matches.as_deref(),
        );
        for column in [Column::RefArea, Column::TimePeriod, Column::Indicator] {
            if !table.dimensions.contains_key(&column) {
                self.wrong("[[table]]", format!("a table says no `{}`", column.name()));
            }
        }
        for (column, dimension) in &table.dimensions {
            self.dimension(*column, dimension);
        }
    }

    fn dimension(&mut self, column: Column, dimension: &Dimension) {
        let name = column.name();
        self.where_from(name, dimension, false);
        for part in &dimension.parts {
            self.where_from(name, part, true);
            if !part.parts.is_empty() {
                self.wrong(name, format!("a part of `{name}` has no `parts` of its own"));
            }
            let meaning = [
                (!part.values.is_empty(), "values"),
                (part.map.is_some(), "map"),
                (part.as_written, "as_written"),
                (part.by.is_some(), "by"),
                (!part.ignore.is_empty(), "ignore"),
                (part.ignore_matches.is_some(), "ignore_matches"),
            ];
            for (_, key) in meaning.iter().filter(|(said, _)| *said) {
                self.wrong(name, format!("`{key}` belongs to `{name}` as a whole, not to a part"));
            }
        }
        let ignore = dimension.ignore_matches.as_deref();
        self.expression(name, &format!("`ignore_matches` of `{name}`"), ignore);
        if column != Column::TimePeriod {
            for (said, key) in [
                (dimension.frequency.is_some(), "frequency"),
                (dimension.year_starts.is_some(), "year_starts"),
            ] {
                if said {
                    self.wrong(name, format!("`{key}` belongs to `time_period`"));
                }
            }
        }
        if column == Column::TimePeriod && dimension.as_written {
            self.wrong(name, "a period is never taken as written");
        }
        if dimension.year_starts.as_deref().is_some_and(|text| parse_year_start(text).is_none()) {
            self.wrong("year_starts", "`year_starts` is the first of a month, such as `04-01`");
        }
    }

    /// A dimension, or a part of one, comes from exactly one place.
    fn where_from(&mut self, name: &str, dimension: &Dimension, part: bool) {
        let selection = dimension.selection();
        let selects = selection.is_said();
        let said = [
            dimension.constant.is_some(),
            dimension.from.is_some(),
            selects,
            !dimension.parts.is_empty(),
        ];
        let what = if part { format!("a part of `{name}`") } else { format!("`{name}`") };
        if said.iter().filter(|said| **said).count() != 1 {
            let message = format!(
                "{what} is either a `constant`, `from` a name, made of `parts`, or a selection"
            );
            self.wrong(name, message);
        }
        if selects && dimension.direction.is_none() && dimension.attach != Attach::Table {
            self.wrong(name, format!("{what} says no `direction` to look in"));
        }
        if dimension.direction.is_some() && dimension.attach == Attach::Table {
            self.wrong(
                name,
                format!("{what} is one cell for the whole table: it has no `direction`"),
            );
        }
        self.expression(name, &format!("`matches` of {what}"), selection.matches.as_deref());
        self.expression(name, &format!("`extract` of {what}"), dimension.extract.as_deref());
    }
}
