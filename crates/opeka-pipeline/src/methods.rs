//! `docs/methods.md`: what each estimator of intervention effects is, made of the functions' own
//! documentation and of the simulated coverage.

use std::fmt::Write as _;

use opeka_measure::{EFFECTS_SECTION, FunctionDocumentation, METHOD_PARTS, documentation};

/// The headings of the page for the parts of a function's documentation; what SQL returns stands in
/// the reference of functions.
const HEADINGS: [(&str, &str); 6] = [
    ("**What it estimates.**", "Estimand"),
    ("**Assumptions.**", "Assumptions"),
    ("**Formula.**", "Formula"),
    ("**Nulls and small samples.**", "Edge cases"),
    ("**Deviations.**", "Deviations from the reference packages"),
    ("**References.**", "Papers"),
];

/// The page. `coverage` is the file that the simulations write: under `## By function` it has one
/// line for each function, ``- `name`: what its errors hold``.
pub fn methods_page(coverage: &str) -> String {
    let mut methods: Vec<FunctionDocumentation> =
        documentation().into_iter().filter(|f| f.section == EFFECTS_SECTION).collect();
    methods.sort_by(|a, b| a.name.cmp(&b.name));
    let mut page = String::from(
        "# Methods of intervention effects\n\nGenerated from the functions' own documentation and from \
         the simulations of `crates/opeka-stats/COVERAGE_EFFECTS.md`; `UPDATE=1 cargo test --workspace` \
         writes it anew. How each is called, with an example, stands in [functions.md](functions.md).\n",
    );
    let names: Vec<String> = methods.iter().map(|m| format!("[`{0}`](#{0})", m.name)).collect();
    let _ = writeln!(page, "\n{}", names.join(", "));
    for method in &methods {
        let _ = writeln!(page, "\n## {}\n\n{}", method.name, summary(&method.description));
        for (part, heading) in HEADINGS {
            if let Some(text) = part_of(&method.description, part) {
                let _ = writeln!(page, "\n**{heading}.** {text}");
            }
        }
        if let Some(text) = coverage_of(coverage, &method.name) {
            let _ = writeln!(page, "\n**Coverage.** {text}");
        }
    }
    page
}

/// What stands before the first part.
fn summary(description: &str) -> &str {
    let end = METHOD_PARTS.iter().filter_map(|part| description.find(part)).min();
    description[..end.unwrap_or(description.len())].trim()
}

/// The text of a part, up to the next one.
fn part_of<'a>(description: &'a str, part: &str) -> Option<&'a str> {
    let start = description.find(part)? + part.len();
    let rest = &description[start..];
    let end = METHOD_PARTS.iter().filter_map(|next| rest.find(next)).min();
    Some(rest[..end.unwrap_or(rest.len())].trim())
}

/// The line of a function in the file of coverage.
pub fn coverage_of<'a>(coverage: &'a str, function: &str) -> Option<&'a str> {
    let (_, list) = coverage.split_once("\n## By function\n")?;
    let list = list.split("\n## ").next()?;
    let start = format!("- `{function}`: ");
    list.lines().find_map(|line| line.strip_prefix(start.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_end_where_the_next_begins() {
        let text = "Summary.\n\n**What it estimates.** The mean.\n\n**Returns** a struct.\n\n\
                    **References.** Nobody (1900).";
        assert_eq!(summary(text), "Summary.");
        assert_eq!(part_of(text, "**What it estimates.**"), Some("The mean."));
        assert_eq!(part_of(text, "**References.**"), Some("Nobody (1900)."));
        assert_eq!(part_of(text, "**Formula.**"), None);
    }

    #[test]
    fn coverage_is_found_by_name() {
        let file = "# Title\n\n## By function\n\n- `did`: holds.\n- `did_twfe`: 94 %.\n\n## Grid\n\n- `x`: no\n";
        assert_eq!(coverage_of(file, "did_twfe"), Some("94 %."));
        assert_eq!(coverage_of(file, "did"), Some("holds."));
        assert_eq!(coverage_of(file, "x"), None);
    }
}
