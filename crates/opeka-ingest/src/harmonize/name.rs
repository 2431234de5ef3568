//! How alike two names of areas are written, and what tells them apart.

use std::collections::BTreeSet;

use crate::codelist::normalise;

/// A name in its parts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Name {
    /// The words that name the area, without its kind.
    core: Vec<String>,
    /// `область`, `край`: the kind of area, in one word for both languages.
    kinds: BTreeSet<&'static str>,
    /// What is added or taken away, compass words, ages of a name.
    qualifiers: BTreeSet<&'static str>,
    digits: BTreeSet<String>,
}

/// Words that say a kind of area; areas of different kinds are different areas.
const KINDS: &[(&str, &str)] = &[
    ("область", "oblast"),
    ("области", "oblast"),
    ("обл", "oblast"),
    ("oblast", "oblast"),
    ("край", "krai"),
    ("края", "krai"),
    ("krai", "krai"),
    ("kray", "krai"),
    ("республика", "republic"),
    ("республики", "republic"),
    ("респ", "republic"),
    ("republic", "republic"),
    ("округ", "okrug"),
    ("округа", "okrug"),
    ("ао", "okrug"),
    ("okrug", "okrug"),
    ("город", "city"),
    ("г", "city"),
    ("гор", "city"),
    ("район", "district"),
    ("р-н", "district"),
];

/// Words that differ where the areas do; a stem stands for all that begins so.
const QUALIFIERS: &[(&str, &str)] = &[
    ("без", "without"),
    ("кроме", "without"),
    ("исключ", "without"),
    ("искл", "without"),
    ("за", "without"),
    ("excluding", "without"),
    ("excl", "without"),
    ("except", "without"),
    ("without", "without"),
    ("less", "without"),
    ("включая", "including"),
    ("числе", "including"),
    ("вкл", "including"),
    ("including", "including"),
    ("incl", "including"),
    ("with", "including"),
    ("бывш", "former"),
    ("former", "former"),
    ("old", "former"),
    ("до", "until"),
    ("until", "until"),
    ("pre", "until"),
    ("с", "since"),
    ("since", "since"),
    ("post", "since"),
    ("rest", "rest"),
    ("остальн", "rest"),
    ("прочие", "rest"),
    ("inner", "inner"),
    ("outer", "outer"),
    ("upper", "upper"),
    ("lower", "lower"),
    ("greater", "greater"),
    ("городск", "urban"),
    ("urban", "urban"),
    ("сельск", "rural"),
    ("rural", "rural"),
    ("север", "north"),
    ("north", "north"),
    ("юг", "south"),
    ("южн", "south"),
    ("юго", "south"),
    ("south", "south"),
    ("восток", "east"),
    ("восточн", "east"),
    ("east", "east"),
    ("запад", "west"),
    ("west", "west"),
    ("central", "central"),
    ("центральн", "central"),
    ("федеральн", "federal"),
    ("federal", "federal"),
    ("экономическ", "economic"),
    ("economic", "economic"),
];

/// Stems of the list that count only as whole words.
const WHOLE: &[&str] =
    &["за", "до", "с", "old", "pre", "post", "less", "rest", "with", "без", "юг"];

/// Words that carry nothing.
const EMPTY: &[&str] = &[
    "of",
    "the",
    "and",
    "и",
    "в",
    "том",
    "county",
    "council",
    "borough",
    "city",
    "ua",
    "unitary",
    "authority",
    "metropolitan",
    "london",
    "royal",
    "автономный",
    "автономная",
    "авт",
    "autonomous",
    "входящий",
    "состав",
    "составе",
    "всего",
    "total",
    "-",
];

impl Name {
    pub(super) fn new(text: &str) -> Self {
        let mut name = Self {
            core: Vec::new(),
            kinds: BTreeSet::new(),
            qualifiers: BTreeSet::new(),
            digits: BTreeSet::new(),
        };
        let normal = normalise(text).replace('&', " and ");
        let words = normal.split(|c: char| !c.is_alphanumeric() && c != '-');
        let mut all_words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        // Of `City of London` no word but its kind may be left.
        if all_words.iter().all(|w| EMPTY.contains(w)) {
            name.core = all_words.drain(..).map(str::to_owned).collect();
            return name;
        }
        for word in all_words {
            let parts = word.split('-').filter(|part| !part.is_empty());
            for part in parts.clone() {
                if part.bytes().any(|b| b.is_ascii_digit()) {
                    name.digits.insert(part.to_owned());
                }
                let says = |(stem, _): &&(&str, &str)| {
                    part == *stem || (!WHOLE.contains(stem) && part.starts_with(stem))
                };
                // `northeast` says two directions.
                let two = |(stem, _): &&(&str, &str)| {
                    ["east", "west"].contains(stem) && part.ends_with(stem)
                };
                name.qualifiers
                    .extend(QUALIFIERS.iter().filter(|q| says(q) || two(q)).map(|q| q.1));
            }
            if let Some((_, kind)) = KINDS.iter().find(|(written, _)| *written == word) {
                name.kinds.insert(kind);
            } else {
                // `Stockton-on-Tees` and `Stockton on Tees` have the same words.
                let words = parts.filter(|part| {
                    !EMPTY.contains(part) && !part.bytes().all(|b| b.is_ascii_digit())
                });
                name.core.extend(words.map(str::to_owned));
            }
        }
        name
    }

    /// How alike the names are written, from 0 to 1.
    pub(super) fn score(&self, other: &Self) -> f64 {
        let words = self.words_alike(other);
        let (one, two) = (self.core.join(" "), other.core.join(" "));
        let whole = strsim::jaro_winkler(&one, &two);
        let kinds = match (self.kinds.is_empty(), other.kinds.is_empty()) {
            (true, true) => 1.0,
            // A kind that is not written is no other kind, and a little less sure.
            (true, false) | (false, true) => 0.97,
            (false, false) if self.kinds == other.kinds => 1.0,
            (false, false) => 0.85,
        };
        (words * 0.8 + whole * 0.2) * kinds
    }

    /// The words of both, matched one by one, by their lengths.
    fn words_alike(&self, other: &Self) -> f64 {
        let length = |words: &[String]| words.iter().map(|w| w.chars().count()).sum::<usize>();
        let all = length(&self.core) + length(&other.core);
        if all == 0 {
            return 0.0;
        }
        let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
        for (i, one) in self.core.iter().enumerate() {
            for (j, two) in other.core.iter().enumerate() {
                pairs.push((word_alike(one, two), i, j));
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let (mut left, mut right) = (BTreeSet::new(), BTreeSet::new());
        let mut sum = 0.0;
        for (alike, i, j) in pairs {
            if alike < 0.6 || left.contains(&i) || right.contains(&j) {
                continue;
            }
            left.insert(i);
            right.insert(j);
            let both = self.core[i].chars().count() + other.core[j].chars().count();
            sum += alike * both as f64;
        }
        sum / all as f64
    }

    /// What tells the areas apart, where something written does.
    pub(super) fn differs(&self, other: &Self) -> Option<String> {
        let listed =
            |one: &BTreeSet<&'static str>, two: &BTreeSet<&'static str>| -> Option<String> {
                let words: Vec<&str> = one.symmetric_difference(two).copied().collect();
                (!words.is_empty()).then(|| words.join(", "))
            };
        if let Some(words) = listed(&self.qualifiers, &other.qualifiers) {
            return Some(format!("only one of the names says: {words}"));
        }
        if self.digits != other.digits {
            return Some("the numbers in the names differ".to_owned());
        }
        let both = !self.kinds.is_empty() && !other.kinds.is_empty();
        if both && let Some(words) = listed(&self.kinds, &other.kinds) {
            return Some(format!("the kinds of area differ: {words}"));
        }
        None
    }
}

/// How alike two words are; words of different lengths are different words with one beginning, such
/// as `Derby` and `Derbyshire`.
fn word_alike(one: &str, two: &str) -> f64 {
    if one == two {
        return 1.0;
    }
    let longest = one.chars().count().max(two.chars().count());
    let edits = strsim::damerau_levenshtein(one, two);
    let alike = strsim::jaro_winkler(one, two);
    if edits * 5 <= longest + 1 { alike } else { alike * 0.75 }
}
