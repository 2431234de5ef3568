//! Words by which offices head their columns, in the languages met so far.
//!
//! A word only proposes; what a column holds decides where that can be seen.

use std::sync::LazyLock;

use regex::Regex;

use crate::codelist::normalise;

/// Stems that head a column of areas.
const AREA: &[&str] = &[
    "area",
    "region",
    "régio",
    "territor",
    "terytor",
    "authority",
    "la name",
    "country",
    "county",
    "district",
    "province",
    "provinc",
    "municipal",
    "geograph",
    "geo",
    "location",
    "city",
    "state",
    "land",
    "länder",
    "bundesl",
    "kreis",
    "gemeinde",
    "bezirk",
    "département",
    "departement",
    "commune",
    "académie",
    "pays",
    "wojew",
    "powiat",
    "gmin",
    "län",
    "kommun",
    "fylke",
    "område",
    "регион",
    "субъект",
    "территор",
    "область",
    "район",
    "город",
    "страна",
    "округ",
    "ref_area",
    "kraj",
    "comunidad",
    "municipio",
    "regione",
    "gemeente",
    "provincie",
    "maakunta",
    "kunta",
    "maakond",
];

/// Stems that head a column of periods.
const TIME: &[&str] = &[
    "year",
    "period",
    "time",
    "date",
    "month",
    "quarter",
    "год",
    "период",
    "дата",
    "месяц",
    "квартал",
    "время",
    "jahr",
    "zeit",
    "datum",
    "stichtag",
    "année",
    "annee",
    "période",
    "trimestre",
    "mois",
    "rok",
    "miesiąc",
    "kwartał",
    "år",
    "tid",
    "månad",
    "kvartal",
    "vuosi",
    "año",
    "anno",
    "jaar",
];

/// Stems that head a column of units.
const UNIT: &[&str] = &[
    "unit",
    "единиц",
    "ед. изм",
    "ед.изм",
    "einheit",
    "unité",
    "jednostka miary",
    "enhet",
    "unidad",
    "unità",
    "eenheid",
];

/// What heads the one column of figures of a long table, and says nothing of what they are.
const VALUE: &[&str] = &[
    "value",
    "value_raw",
    "obs_value",
    "obsvalue",
    "values",
    "figure",
    "figures",
    "значение",
    "wert",
    "valeur",
    "wartość",
    "wartosc",
    "värde",
    "valor",
    "arvo",
    "verdi",
    "observation",
    "observations",
];

/// Beginnings of lines that are notes.
const NOTE: &[&str] = &[
    "note",
    "source",
    "footnote",
    "примечан",
    "источник",
    "условные",
    "сноск",
    "anmerkung",
    "quelle",
    "fußnote",
    "remarque",
    "champ",
    "lecture",
    "uwaga",
    "uwagi",
    "źródło",
    "källa",
    "anm",
    "fuente",
    "symbol",
    "legend",
    "key",
    "-",
    "*",
    "©",
    "(c)",
    "copyright",
    "back to",
    "return to",
    "к содержанию",
];

/// Whether some word of the heading begins with one of the stems.
fn has_word(heading: &str, stems: &[&str]) -> bool {
    let heading = normalise(heading);
    stems.iter().any(|stem| {
        heading.match_indices(stem).any(|(at, _)| {
            let before = heading[..at].chars().next_back();
            before.is_none_or(|c| !c.is_alphanumeric())
        })
    })
}

/// Whether a heading names areas.
pub(super) fn heads_areas(heading: &str) -> bool {
    has_word(heading, AREA)
}

/// Whether a heading names periods.
pub(super) fn heads_periods(heading: &str) -> bool {
    has_word(heading, TIME)
}

/// Whether a heading names units.
pub(super) fn heads_units(heading: &str) -> bool {
    has_word(heading, UNIT)
}

/// Whether a heading only says that figures stand below it.
pub(super) fn heads_values(heading: &str) -> bool {
    VALUE.contains(&normalise(heading).as_str())
}

/// Whether a heading names codes or numbers of things, not figures about them.
pub(super) fn heads_codes(heading: &str) -> bool {
    let heading = normalise(heading);
    let words: Vec<&str> = heading.split(|c: char| !c.is_alphanumeric() && c != '№').collect();
    let coded = |word: &&str| {
        matches!(
            *word,
            "code"
                | "codes"
                | "id"
                | "code_"
                | "код"
                | "коды"
                | "№"
                | "no"
                | "nr"
                | "lp"
                | "okato"
                | "oktmo"
                | "окато"
                | "октмо"
                | "ags"
                | "insee"
                | "fips"
                | "urn"
                | "uprn"
                | "nuts"
                | "num"
                | "schlüssel"
                | "teryt"
                | "kod"
                | "index"
        )
    };
    let last_is_number = matches!(words.last(), Some(&"number")) && words.len() <= 2;
    words.iter().any(coded) || last_is_number
}

/// Whether a line of text tells of the file or the sheet, not of what is counted.
pub(super) fn is_of_the_file(text: &str) -> bool {
    const OF_THE_FILE: &[&str] = &[
        "this worksheet",
        "this sheet",
        "this table",
        "some cells",
        "some shorthand",
        "data extracted",
        "last updated",
        "freeze panes",
        "released",
        "published",
        "contact",
    ];
    let normal = normalise(text);
    OF_THE_FILE.iter().any(|words| normal.starts_with(words))
}

/// Whether a line of text looks like a note below or above a table.
pub(super) fn is_note(text: &str) -> bool {
    let normal = normalise(text);
    let numbered = |text: &str| {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let rest = &text[digits..];
        (1..=2).contains(&digits) && (rest.starts_with(')') || rest.starts_with(". "))
    };
    let by_word = NOTE.iter().any(|word| normal.starts_with(word));
    (by_word && normal.chars().count() > 2) || numbered(&normal) || normal.chars().count() > 160
}

static UNITS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(?:тыс(?:\.|яч\p{L}*)?|млн\.?|млрд\.?|миллион\p{L}*)\s*\p{L}*(?:\s+(?:США|рублей))?",
        r"|рублей|человек|процент\p{L}*|единиц\b|в\s*%|%",
        r"|(?:на|per|pro|je|pour|na)\s+\d[\d ,.\u{a0}\u{202f}]*\d\s*\p{L}*",
        r"|per\s?cent\p{L}*|\bthousands?\b|\bmillions?\b|\bnumbers?\b|\bTausend\b|\bProzent\b|\btys\.?\s*\p{L}*",
    ))
    .ok()
});

/// A unit that a text states, in the text's own words.
pub(super) fn stated_unit(text: &str) -> Option<String> {
    let regex = UNITS.as_ref()?;
    let found = regex.find(text)?;
    let unit = found.as_str().trim();
    (!unit.is_empty()).then(|| unit.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_known_by_their_words() {
        for heading in ["LA Name", "Region", "Субъект РФ", "geo_name", "Województwa", "Bundesland"]
        {
            assert!(heads_areas(heading), "{heading}");
        }
        for heading in ["Organised crime", "Status"] {
            assert!(!heads_areas(heading), "{heading}");
        }
        for heading in ["LA code", "la_number", "№ п/п", "Код ОКАТО", "URN", "new_la_code"]
        {
            assert!(heads_codes(heading), "{heading}");
        }
        for heading in ["Number of children", "Total number of children", "Notes"] {
            assert!(!heads_codes(heading), "{heading}");
        }
        assert!(heads_values("OBS_VALUE") && !heads_values("children_count"));
        assert!(heads_units("Единица измерения") && heads_periods("time_period"));
    }

    #[test]
    fn notes_and_units_are_seen() {
        for text in ["1) Без учета", "Source: ONS", "Примечание.", "2. Figures are rounded"]
        {
            assert!(is_note(text), "{text}");
        }
        for text in ["1.1.1", "Российская Федерация", "1-5 years"] {
            assert!(!is_note(text), "{text}");
        }
        assert_eq!(stated_unit("Экспорт, тыс. рублей").as_deref(), Some("тыс. рублей"));
        assert_eq!(stated_unit("Rate per 10,000 children").as_deref(), Some("per 10,000 children"));
        assert_eq!(stated_unit("Deaths"), None);
        assert!(is_of_the_file("This worksheet contains one table."));
        assert!(!is_of_the_file("Children looked after"));
    }
}
