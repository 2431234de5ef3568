//! The metadata file beside an open-data file of the Department for Education: which columns are
//! filters and which are indicators, what they are called, and in what unit they are.

use std::collections::HashSet;

use opeka_model::{Kind, Place, Problem, Problems};

use crate::grid::Grid;

/// What a `*.meta.csv` says of its data file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DataSetMetadata {
    /// Path of the metadata file, for places.
    pub source: String,
    /// The columns by which figures are broken down.
    pub filters: Vec<Filter>,
    /// The columns of figures.
    pub indicators: Vec<Indicator>,
}

/// A column by which figures are broken down.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// The column's name in the data file.
    pub name: String,
    /// What it is called.
    pub label: String,
    /// What is said to readers who choose among its values.
    pub hint: Option<String>,
    /// The column that groups its values.
    pub grouping_column: Option<String>,
}

/// A column of figures.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Indicator {
    /// The column's name in the data file.
    pub name: String,
    /// What it is called.
    pub label: String,
    /// Under which heading it stands.
    pub grouping: Option<String>,
    /// Its unit: `%`, `£`, or nothing for a count.
    pub unit: Option<String>,
    /// To how many decimal places it is shown.
    pub decimal_places: Option<u8>,
}

/// The columns of a metadata file; all have to be there.
const COLUMNS: [&str; 8] = [
    "col_type",
    "col_name",
    "label",
    "indicator_grouping",
    "indicator_unit",
    "indicator_dp",
    "filter_hint",
    "filter_grouping_column",
];

/// What newer metadata files may have besides.
const OPTIONAL: [&str; 1] = ["filter_default"];

/// The columns that every data file may have: when and where.
const STANDARD: [&str; 48] = [
    "time_period",
    "time_identifier",
    "geographic_level",
    "country_code",
    "country_name",
    "region_code",
    "region_name",
    "old_la_code",
    "new_la_code",
    "la_name",
    "rsc_region_lead_name",
    "pcon_code",
    "pcon_name",
    "lad_code",
    "lad_name",
    "english_devolved_area_code",
    "english_devolved_area_name",
    "local_enterprise_partnership_code",
    "local_enterprise_partnership_name",
    "local_skills_improvement_plan_area_code",
    "local_skills_improvement_plan_area_name",
    "lsip_code",
    "lsip_name",
    "opportunity_area_code",
    "opportunity_area_name",
    "ward_code",
    "ward_name",
    "trust_id",
    "trust_name",
    "sponsor_id",
    "sponsor_name",
    "provider_ukprn",
    "provider_name",
    "institution_id",
    "institution_name",
    "planning_area_code",
    "planning_area_name",
    "school_laestab",
    "school_urn",
    "school_name",
    "mat_id",
    "mat_name",
    "mayoral_combined_authority_code",
    "mayoral_combined_authority_name",
    "police_force_area_code",
    "police_force_area_name",
    "inspectorate_region_code",
    "inspectorate_region_name",
];

impl DataSetMetadata {
    /// Reads a metadata file. What it says wrongly is told beside what could be read.
    ///
    /// # Errors
    /// One problem when the bytes are no table at all.
    pub fn parse(source: &str, bytes: &[u8]) -> Result<(Self, Problems), Problem> {
        let workbook = crate::open(source, bytes)?;
        let file = || Place::File { file: source.to_owned() };
        let grid = workbook.sheet(None).ok_or_else(|| {
            Problem::error(Kind::Data, file(), "the metadata file is no text with separators")
                .hint("it is the `.meta.csv` that is published beside the data file")
        })?;
        let mut problems = Problems::new();
        let mut columns = Vec::new();
        for cell in grid.row(0) {
            let name = cell.text();
            let place = || grid.place(source, 0, cell.column);
            if !COLUMNS.contains(&name.as_str()) && !OPTIONAL.contains(&name.as_str()) {
                let message = format!("the metadata file has an unknown column `{name}`");
                problems.push(
                    Problem::error(Kind::Data, place(), message)
                        .hint(format!("known are {}", COLUMNS.join(", "))),
                );
            } else if columns.iter().any(|(known, _)| *known == name) {
                let message = format!("the metadata file has the column `{name}` twice");
                problems.push(Problem::error(Kind::Data, place(), message));
            } else {
                columns.push((name, cell.column));
            }
        }
        for name in COLUMNS {
            if !columns.iter().any(|(known, _)| known == name) {
                let message = format!("the metadata file has no column `{name}`");
                problems.push(Problem::error(Kind::Data, file(), message));
            }
        }
        let mut metadata = Self { source: source.to_owned(), ..Self::default() };
        let last = grid.cells().last().map_or(0, |cell| cell.row);
        for row in 1..=last {
            if grid.row(row).is_empty() {
                continue;
            }
            let get = |name: &str| {
                let (_, column) = columns.iter().find(|(known, _)| known == name)?;
                grid.get(row, *column).map(|cell| cell.text())
            };
            metadata.line(source, grid, row, &get, &mut problems);
        }
        if metadata.indicators.is_empty() && problems.is_empty() {
            problems.push(
                Problem::error(Kind::Data, file(), "the metadata file names no indicator")
                    .hint("rows with the `col_type` `Indicator` name the columns of figures"),
            );
        }
        Ok((metadata, problems))
    }

    fn line(
        &mut self,
        source: &str,
        grid: &Grid,
        row: u32,
        get: &dyn Fn(&str) -> Option<String>,
        problems: &mut Problems,
    ) {
        let column = grid.row(row).first().map_or(0, |cell| cell.column);
        let mut wrong = |message: String| {
            problems.push(Problem::error(Kind::Data, grid.place(source, row, column), message));
        };
        let Some(name) = get("col_name") else {
            return wrong("a row of the metadata file has no `col_name`".into());
        };
        if self.names().any(|known| known == name) {
            wrong(format!("the metadata file describes `{name}` twice"));
            return;
        }
        let label = get("label").unwrap_or_default();
        match get("col_type").unwrap_or_default().as_str() {
            kind if kind.eq_ignore_ascii_case("filter") => self.filters.push(Filter {
                name,
                label,
                hint: get("filter_hint"),
                grouping_column: get("filter_grouping_column"),
            }),
            kind if kind.eq_ignore_ascii_case("indicator") => {
                let places = get("indicator_dp");
                let decimal_places = places.as_ref().and_then(|places| places.parse().ok());
                if let (Some(places), None) = (&places, decimal_places) {
                    wrong(format!("`{places}` is no number of decimal places"));
                }
                self.indicators.push(Indicator {
                    name,
                    label,
                    grouping: get("indicator_grouping"),
                    unit: get("indicator_unit"),
                    decimal_places,
                });
            }
            kind => wrong(format!("`{kind}` is neither `Filter` nor `Indicator`")),
        }
    }

    /// The columns that it describes.
    fn names(&self) -> impl Iterator<Item = &str> {
        let filters = self.filters.iter().map(|filter| filter.name.as_str());
        filters.chain(self.indicators.iter().map(|indicator| indicator.name.as_str()))
    }

    /// Holds a data file to what is said of it: each filter and each indicator is a column of it, and
    /// each other column is one of those that say when and where.
    pub fn check(&self, data: &Grid) -> Problems {
        let mut problems = Problems::new();
        let file = || Place::File { file: self.source.clone() };
        let headers: Vec<String> = data.row(0).iter().map(|cell| cell.text()).collect();
        let mut seen = HashSet::new();
        for header in &headers {
            if !seen.insert(header.as_str()) {
                let message = format!("the data file has the column `{header}` twice");
                problems.push(Problem::error(Kind::Data, file(), message));
            }
        }
        for name in self.names() {
            if !seen.contains(name) {
                let message = format!("the data file has no column `{name}`, which is described");
                problems.push(
                    Problem::error(Kind::Layout, file(), message)
                        .hint("data and metadata may be of different releases"),
                );
            }
        }
        let groupings: HashSet<&str> =
            self.filters.iter().filter_map(|filter| filter.grouping_column.as_deref()).collect();
        let described: HashSet<&str> = self.names().collect();
        for name in &groupings.iter().copied().collect::<std::collections::BTreeSet<&str>>() {
            if !seen.contains(name) {
                let message =
                    format!("the data file has no column `{name}`, which groups a filter");
                problems.push(Problem::error(Kind::Layout, file(), message));
            }
        }
        for header in &headers {
            let name = header.as_str();
            let known = described.contains(name) || groupings.contains(name);
            if !known && !STANDARD.contains(&name) {
                let message = format!("the column `{name}` of the data file is not described");
                problems.push(
                    Problem::warning(Kind::Data, file(), message)
                        .hint("a filter or an indicator needs a row in the metadata file"),
                );
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const META: &str = "\u{feff}col_name,col_type,label,indicator_grouping,indicator_unit,indicator_dp,filter_hint,filter_grouping_column\n\
        number,Indicator,Number of children,Children,,0,,\n\
        rate,Indicator,Rate,Children,%,1,,\n\
        gender,Filter,Gender,,,,Filter by gender,gender_group\n";

    fn parse(text: &str) -> (DataSetMetadata, Vec<String>) {
        let (metadata, problems) = DataSetMetadata::parse("d.meta.csv", text.as_bytes()).unwrap();
        (metadata, problems.iter().map(|problem| problem.to_string()).collect())
    }

    #[test]
    fn filters_and_indicators_are_read() {
        let (metadata, problems) = parse(META);
        assert_eq!(problems, [""; 0]);
        let rate = &metadata.indicators[1];
        assert_eq!((rate.unit.as_deref(), rate.decimal_places), (Some("%"), Some(1)));
        assert_eq!(metadata.filters[0].hint.as_deref(), Some("Filter by gender"));
    }

    #[test]
    fn what_is_said_wrongly_is_told_with_its_place() {
        let (metadata, problems) = parse(
            "col_name,col_type,label,indicator_grouping,indicator_unit,indicator_dp,filter_hint,colour,label\n\
             a,Indicator,A,,,many,,,\na,Filter,A,,,,,,\nb,Measure,B,,,,,,\n,Filter,C,,,,,,\n",
        );
        assert_eq!(metadata.indicators.len(), 1);
        let said = [
            "R1C8: the metadata file has an unknown column `colour`",
            "R1C9: the metadata file has the column `label` twice",
            "no column `filter_grouping_column`",
            "R2C1: `many` is no number",
            "R3C1: the metadata file describes `a` twice",
            "R4C1: `Measure` is neither",
            "no `col_name`",
        ];
        assert_eq!(problems.len(), said.len(), "{problems:?}");
        for (problem, said) in problems.iter().zip(said) {
            assert!(problem.contains(said), "{problem}");
        }
    }

    #[test]
    fn a_data_file_is_held_to_its_metadata() {
        let (metadata, _) = parse(META);
        let check = |text: &str| {
            let workbook = crate::open("d.csv", text.as_bytes()).unwrap();
            let problems = metadata.check(workbook.sheet(None).unwrap());
            problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>()
        };
        assert!(check("time_period,geographic_level,gender_group,gender,number,rate\n").is_empty());
        assert_eq!(
            check("time_period,gender_group,number,rate,rate,colour\n"),
            [
                "the data file has the column `rate` twice",
                "the data file has no column `gender`, which is described",
                "the column `colour` of the data file is not described",
            ]
        );
    }
}
