//! Code lists, and what a sheet writes matched against them.
//!
//! A name is matched exactly, after its spelling is normalised; nothing is ever guessed. A name
//! that fits two codes is refused, unless only one of them was valid in the period.

use std::collections::{BTreeMap, HashMap};

use opeka_model::{Kind, Place, Problem, Problems, TimePeriod, closest};

/// One code of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Code {
    /// The code itself.
    pub code: String,
    /// Its columns, by their names; empty fields are left out.
    pub columns: BTreeMap<String, String>,
}

impl Code {
    fn get(&self, column: &str) -> Option<&str> {
        self.columns.get(column).map(String::as_str)
    }

    /// Whether the code was valid on some day of the period.
    pub(crate) fn valid_in(&self, period: &TimePeriod) -> bool {
        let from = self.get("valid_from").is_none_or(|from| *from <= *period.end());
        let to = self.get("valid_to").is_none_or(|to| *to >= *period.start());
        from && to
    }
}

/// A code list: `code` and further columns.
#[derive(Debug, Clone, Default)]
pub struct Codelist {
    /// Its name, such as `regions`.
    pub name: String,
    /// Names of the columns, in the order of the file; the first is `code`.
    pub header: Vec<String>,
    /// The codes, in the order of their codes.
    pub codes: Vec<Code>,
    by_code: HashMap<String, usize>,
    by_spelling: HashMap<String, Vec<usize>>,
}

/// What a written name was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// One code; `in_force` says whether it was valid in the period asked for.
    One { code: String, in_force: bool },
    /// Several codes, which is refused.
    Several(Vec<String>),
    /// None; the closest known spellings.
    Unknown(Vec<String>),
}

/// Columns by whose content a name may be matched; lists are separated by `|`.
const SPELLINGS: [&str; 10] = [
    "code",
    "name_en",
    "name_ru",
    "aliases",
    "iso_3166_2",
    "gss",
    "old_code",
    "former_codes",
    "okato",
    "oktmo",
];

impl Codelist {
    /// Reads a list from its CSV files: `(file, text)`; all have the same header.
    pub fn read(name: &str, files: &[(String, String)]) -> Result<Self, Problems> {
        let mut list = Self { name: name.to_owned(), ..Self::default() };
        let mut problems = Problems::new();
        let mut seen: HashMap<String, String> = HashMap::new();
        for (file, text) in files {
            let problem = |line: u64, message: String| {
                let place = Place::Text { file: file.clone(), line: line as usize, column: None };
                Problem::error(Kind::Declaration, place, message)
            };
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let header: Vec<String> = match reader.headers() {
                Ok(header) => header.iter().map(str::to_owned).collect(),
                Err(error) => {
                    problems.push(problem(1, error.to_string()));
                    continue;
                }
            };
            if header.first().map(String::as_str) != Some("code") {
                problems.push(problem(1, "the first column of a code list is `code`".into()));
                continue;
            }
            if list.header.is_empty() {
                list.header = header.clone();
            } else if list.header != header {
                problems
                    .push(problem(1, format!("the columns differ from those of `{}`", files[0].0)));
                continue;
            }
            for record in reader.records() {
                let record = match record {
                    Ok(record) => record,
                    Err(error) => {
                        let line = error.position().map_or(1, csv::Position::line);
                        problems.push(problem(line, error.to_string()));
                        continue;
                    }
                };
                let line = record.position().map_or(1, csv::Position::line);
                let code = record.get(0).unwrap_or_default().to_owned();
                if let Some(first) = seen.insert(code.clone(), format!("{file}:{line}")) {
                    problems.push(problem(
                        line,
                        format!("code `{code}` stands twice; first in {first}"),
                    ));
                    continue;
                }
                let fields =
                    header.iter().zip(record.iter()).filter(|(_, field)| !field.is_empty());
                let columns = fields.map(|(c, field)| (c.clone(), field.to_owned())).collect();
                list.codes.push(Code { code, columns });
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        list.codes.sort_by(|a, b| a.code.cmp(&b.code));
        for (index, code) in list.codes.iter().enumerate() {
            list.by_code.insert(code.code.clone(), index);
            let mut spellings: Vec<String> = SPELLINGS
                .iter()
                .filter_map(|column| code.get(column))
                .flat_map(|field| field.split('|'))
                .map(normalise)
                .collect();
            spellings.sort_unstable();
            spellings.dedup();
            for spelling in spellings {
                list.by_spelling.entry(spelling).or_default().push(index);
            }
        }
        Ok(list)
    }

    /// A code of the list.
    pub fn get(&self, code: &str) -> Option<&Code> {
        self.by_code.get(code).map(|index| &self.codes[*index])
    }

    /// Whether some code is written so; the closest are not looked for.
    pub(crate) fn has(&self, written: &str) -> bool {
        self.by_spelling.contains_key(&normalise(written))
    }

    /// Finds what a sheet has written. With `by`, only that column counts (`old_code`, say). With
    /// a period, a name of several codes means the one that was valid then.
    pub fn find(&self, written: &str, by: Option<&str>, period: Option<&TimePeriod>) -> Match {
        let spelling = normalise(written);
        let known = self.by_spelling.get(&spelling).map(Vec::as_slice).unwrap_or_default();
        let fits = |index: &&usize| {
            by.is_none_or(|by| {
                let field = self.codes[**index].get(by);
                field.is_some_and(|f| f.split('|').any(|part| normalise(part) == spelling))
            })
        };
        let all: Vec<&Code> = known.iter().filter(fits).map(|index| &self.codes[*index]).collect();
        let in_force = |code: &Code| period.is_none_or(|period| code.valid_in(period));
        let valid: Vec<&Code> = all.iter().copied().filter(|code| in_force(code)).collect();
        match (all.as_slice(), valid.as_slice()) {
            ([], _) => Match::Unknown(self.closest(&spelling, by)),
            (_, [one]) => Match::One { code: one.code.clone(), in_force: true },
            ([one], []) => Match::One { code: one.code.clone(), in_force: false },
            (all, _) => Match::Several(all.iter().map(|code| code.code.clone()).collect()),
        }
    }

    /// Up to three names that are spelt alike, best first.
    fn closest(&self, spelling: &str, by: Option<&str>) -> Vec<String> {
        let columns: &[&str] = match &by {
            Some(by) => std::slice::from_ref(by),
            None => &["code", "name_en", "name_ru", "aliases"],
        };
        let mut names: BTreeMap<String, &str> = BTreeMap::new();
        for code in &self.codes {
            let fields = columns.iter().filter_map(|column| code.get(column));
            for name in fields.flat_map(|field| field.split('|')) {
                names.entry(normalise(name)).or_insert(name);
            }
        }
        let near = closest(spelling, names.keys().map(String::as_str));
        near.into_iter().filter_map(|near| names.get(near)).map(|name| (*name).to_owned()).collect()
    }
}

/// One spelling for many: lower case, `ё` as `е`, every dash and quote alike, spaces folded.
pub(crate) fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    for c in text.chars().flat_map(char::to_lowercase).map(one_spelling) {
        if c.is_whitespace() {
            space = !out.is_empty();
            continue;
        }
        if space {
            out.push(' ');
            space = false;
        }
        out.push(c);
    }
    // Spaces around a dash are a matter of taste: `область - Кузбасс`, `область–Кузбасс`.
    out.replace(" - ", "-").replace("- ", "-").replace(" -", "-")
}

fn one_spelling(c: char) -> char {
    match c {
        'ё' => 'е',
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => '-',
        '«' | '»' | '“' | '”' | '„' | '‘' | '’' | '`' | '\'' => '"',
        c => c,
    }
}

/// Whether a text may have this normalised spelling, or begin with it: whether the first letters are
/// the same. It saves normalising most of the texts of a sheet.
pub(crate) fn may_read(text: &str, normalised: &str) -> bool {
    let first = text.chars().find(|c| !c.is_whitespace());
    let first = first.and_then(|c| c.to_lowercase().next()).map(one_spelling);
    first == normalised.chars().next()
}

/// All code lists of a project, by name.
pub type Codelists = BTreeMap<String, Codelist>;

#[cfg(test)]
mod tests {
    use super::*;

    fn regions() -> Codelist {
        let text = "code,name_en,name_ru,old_code,aliases,valid_from,valid_to\n\
            E06000059,Dorset,,838,,2019-04-01,\n\
            E10000009,Dorset,,835,Dorset (Pre LG),,2019-03-31\n\
            RU-ORL,Oryol oblast,Орловская область,,Орел|Орёл,,\n\
            RU-ALT,Altai krai,Алтайский край,,Altai,,\n\
            RU-AL,Altai Republic,Республика Алтай,,Altai,,\n";
        Codelist::read("regions", &[("regions.csv".into(), text.into())]).unwrap()
    }

    fn one(code: &str, in_force: bool) -> Match {
        Match::One { code: code.into(), in_force }
    }

    #[test]
    fn the_period_decides_between_two_areas_of_one_name() {
        let list = regions();
        let period = |text| TimePeriod::parse(text).unwrap();
        assert_eq!(list.find("Dorset", None, Some(&period("2018"))), one("E10000009", true));
        assert_eq!(list.find("dorset ", None, Some(&period("2020"))), one("E06000059", true));
        // In 2019 both were valid, and without a period nobody can tell.
        let both = Match::Several(vec!["E06000059".into(), "E10000009".into()]);
        assert_eq!(list.find("Dorset", None, Some(&period("2019"))), both);
        assert_eq!(list.find("Dorset", None, None), both);
        assert_eq!(
            list.find("835", Some("old_code"), Some(&period("2021"))),
            one("E10000009", false)
        );
    }

    #[test]
    fn spellings_are_one_and_doubt_is_refused() {
        let list = regions();
        assert_eq!(list.find("  ОРЛОВСКАЯ\u{a0}область", None, None), one("RU-ORL", true));
        assert_eq!(list.find("Орёл", None, None), one("RU-ORL", true));
        assert_eq!(
            list.find("Altai", None, None),
            Match::Several(vec!["RU-AL".into(), "RU-ALT".into()])
        );
        assert_eq!(list.find("Dorsett", None, None), Match::Unknown(vec!["Dorset".into()]));
    }

    #[test]
    fn a_code_that_stands_twice_is_named_with_its_lines() {
        let text = "code,name_en\nA,x\nB,y\nA,z\n".to_owned();
        let problems = Codelist::read("l", &[("l.csv".into(), text)]).unwrap_err();
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["error: l.csv:4: code `A` stands twice; first in l.csv:2"]);
    }
}
