//! The registry of programmes against the documents it was written from: everything that a document
//! states is entered, and every number stands on the line that its entry names.
//!
//! The documents lie beside the corpus and are not committed; what is counted in them is said here.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Failed, Trial};
use opeka_pipeline::{ArithmeticKind, ClaimKind, Programme, Project, Role};

/// What was counted in a document, independently of the registry.
struct Stated {
    programme: &'static str,
    components: usize,
    /// Those with a start, those without, those that are never compared.
    sites: [usize; 3],
    partners: usize,
    money: usize,
    kpis: usize,
    /// KPIs with both a plan and a result.
    planned_and_reached: usize,
    claims: usize,
    arithmetic: usize,
}

const STATED: [Stated; 9] = [
    Stated {
        programme: "active_family_support",
        components: 10,
        sites: [0, 1, 0],
        partners: 5,
        money: 2,
        kpis: 8,
        planned_and_reached: 5,
        claims: 7,
        arithmetic: 0,
    },
    Stated {
        programme: "child_rights_ngos",
        components: 6,
        sites: [2, 0, 0],
        partners: 6,
        money: 0,
        kpis: 0,
        planned_and_reached: 0,
        claims: 7,
        arithmetic: 1,
    },
    Stated {
        programme: "defenders_of_childhood",
        components: 5,
        sites: [0, 5, 0],
        partners: 5,
        money: 0,
        kpis: 1,
        planned_and_reached: 0,
        claims: 2,
        arithmetic: 0,
    },
    // Four questions, of each of the two starts.
    Stated {
        programme: "family_safeguarding",
        components: 4,
        sites: [5, 5, 1],
        partners: 0,
        money: 0,
        kpis: 0,
        planned_and_reached: 0,
        claims: 8,
        arithmetic: 0,
    },
    Stated {
        programme: "family_valued",
        components: 3,
        sites: [1, 5, 1],
        partners: 0,
        money: 0,
        kpis: 0,
        planned_and_reached: 0,
        claims: 3,
        arithmetic: 0,
    },
    Stated {
        programme: "federal_pilot_family",
        components: 2,
        sites: [1, 0, 0],
        partners: 0,
        money: 0,
        kpis: 1,
        planned_and_reached: 0,
        claims: 3,
        arithmetic: 1,
    },
    Stated {
        programme: "no_wrong_door",
        components: 2,
        sites: [1, 0, 1],
        partners: 0,
        money: 0,
        kpis: 0,
        planned_and_reached: 0,
        claims: 2,
        arithmetic: 0,
    },
    // Four projects with a heading, six without, three ways of working; ministry, employer, police and
    // centre by name, and three that are not named.
    Stated {
        programme: "our_city_initiatives",
        components: 13,
        sites: [0, 1, 0],
        partners: 7,
        money: 0,
        kpis: 1,
        planned_and_reached: 0,
        claims: 4,
        arithmetic: 0,
    },
    // Six projects and 27 services under them; three of the fifteen areas have a start.
    Stated {
        programme: "sos_social_centres",
        components: 33,
        sites: [3, 12, 0],
        partners: 26,
        money: 4,
        kpis: 38,
        planned_and_reached: 0,
        claims: 3,
        arithmetic: 3,
    },
];

/// The trials; those against the documents are ignored where these are not at hand.
pub(crate) fn trials(corpus: Option<&Path>) -> Vec<Trial> {
    let documents = corpus.map(documents);
    let ignored = documents.is_none();
    let folder = documents.unwrap_or_default();
    vec![
        Trial::test("programmes::what_documents_state_is_entered", || {
            entered().map_err(|error| Failed::from(format!("{error:#}")))
        }),
        Trial::test("programmes::every_number_stands_on_its_line", move || {
            on_their_lines(&folder).map_err(|error| Failed::from(format!("{error:#}")))
        })
        .with_ignored_flag(ignored),
    ]
}

/// The programmes' documents lie beside the corpus.
fn documents(corpus: &Path) -> PathBuf {
    corpus.parent().unwrap_or(corpus).to_owned()
}

fn project() -> Result<Project> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("tests lie in the project")?;
    Ok(Project::load(root)?)
}

fn entered() -> Result<()> {
    let project = project()?;
    ensure!(!project.registry.problems.has_errors(), "{:?}", project.registry.problems);
    let names: Vec<&str> =
        project.registry.files.iter().map(|file| file.declared.name.as_str()).collect();
    let expected: Vec<&str> = STATED.iter().map(|stated| stated.programme).collect();
    ensure!(names == expected, "programmes: {names:?}");
    for (file, stated) in project.registry.files.iter().zip(&STATED) {
        let p = &file.declared.value;
        let sites = |wanted: &dyn Fn(&opeka_pipeline::Site) -> bool| {
            p.sites.iter().filter(|s| wanted(s)).count()
        };
        let found = [
            ("components", p.components.len(), stated.components),
            (
                "sites with a start",
                sites(&|s| s.role == Role::Treated && s.from.is_some()),
                stated.sites[0],
            ),
            (
                "sites without",
                sites(&|s| s.role == Role::Treated && s.from.is_none()),
                stated.sites[1],
            ),
            ("sites never compared", sites(&|s| s.role == Role::Excluded), stated.sites[2]),
            ("partners", p.partners.len(), stated.partners),
            ("amounts of money", p.money.len(), stated.money),
            ("KPIs", p.kpis.len(), stated.kpis),
            (
                "KPIs with plan and result",
                p.kpis.iter().filter(|k| k.planned.is_some() && k.reached.is_some()).count(),
                stated.planned_and_reached,
            ),
            ("claims", p.claims.len(), stated.claims),
            ("calculations", p.arithmetic.len(), stated.arithmetic),
        ];
        for (what, found, due) in found {
            ensure!(
                found == due,
                "{}: {found} {what}, and the document states {due}",
                stated.programme
            );
        }
    }
    Ok(())
}

/// Numbers that a line says in words.
const WORDS: [(f64, &[&str]); 10] = [
    (1.0, &["one ", "another"]),
    (2.0, &["two "]),
    (3.0, &["three ", "три "]),
    (5.0, &["five "]),
    (8.0, &["eight "]),
    (9.0, &["nine "]),
    (24.0, &["24"]),
    (50_000.0, &["50 thousand"]),
    (100_000.0, &["100 thousand"]),
    (15.0, &["15 times"]),
];

fn on_their_lines(shared: &Path) -> Result<()> {
    let project = project()?;
    let (mut wrong, mut looked_up) = (Vec::new(), 0);
    for file in &project.registry.files {
        let p = &file.declared.value;
        for document in &p.documents {
            let path = [shared.join("programmes"), shared.join("corpus/england")]
                .into_iter()
                .map(|folder| folder.join(&document.text))
                .find(|path| path.is_file());
            let Some(path) = path else { bail!("no document `{}`", document.text) };
            let text = fs::read_to_string(&path)?.replace(['\u{a0}', '\u{202f}'], " ");
            let lines: Vec<&str> = text.lines().collect();
            let first = p.documents.first().map(|d| d.id.as_str());
            for (what, line, number) in
                numbers(p, &document.id, first == Some(document.id.as_str()))
            {
                let found = lines.get(line as usize - 1).copied().unwrap_or_default();
                looked_up += 1;
                if found.trim().is_empty() {
                    wrong.push(format!("{}: {what}: line {line} is empty", file.declared.file));
                } else if number.is_some_and(|number| !says(found, number)) {
                    wrong.push(format!(
                        "{}: {what}: line {line} does not say {number:?}: {found}",
                        file.declared.file
                    ));
                }
            }
        }
    }
    ensure!(looked_up > 250, "{looked_up} entries looked up");
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Whether a line says a number, in figures or in words.
fn says(line: &str, number: f64) -> bool {
    let plain = format!("{}", number.abs());
    let mut groups = plain.clone();
    let mut at = groups.find('.').unwrap_or(groups.len());
    let mut spaced = groups.clone();
    while at > 3 {
        at -= 3;
        groups.insert(at, ',');
        spaced.insert(at, ' ');
    }
    let comma = plain.replace('.', ",");
    let stands = |text: &str| {
        line.match_indices(text).any(|(at, _)| {
            let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
            !digit(line[..at].chars().next_back()) && !digit(line[at + text.len()..].chars().next())
        })
    };
    let in_words = WORDS.iter().filter(|(of, _)| *of == number).flat_map(|(_, words)| words.iter());
    let lowered = format!("{} ", line.to_lowercase());
    [plain, groups, spaced, comma].iter().any(|text| stands(text))
        || in_words.into_iter().any(|word| lowered.contains(word))
}

/// What the entries of a document say: in words, on which line, which number, where there is one.
fn numbers(p: &Programme, document: &str, is_first: bool) -> Vec<(String, u32, Option<f64>)> {
    let own = |named: &Option<String>| named.as_deref().map_or(is_first, |name| name == document);
    let mut all = Vec::new();
    all.extend(
        p.components
            .iter()
            .filter(|e| own(&e.document))
            .map(|e| (format!("component {}", e.id), e.line, None)),
    );
    all.extend(
        p.sites
            .iter()
            .filter(|e| own(&e.document))
            .map(|e| (format!("site {}", e.name), e.line, None)),
    );
    all.extend(
        p.partners
            .iter()
            .filter(|e| own(&e.document))
            .map(|e| (format!("partner {}", e.name), e.line, None)),
    );
    for money in p.money.iter().filter(|e| own(&e.document)) {
        all.push(("money".into(), money.line, Some(money.amount)));
    }
    for kpi in p.kpis.iter().filter(|e| own(&e.document)) {
        let what = format!("KPI {}", kpi.id.get_ref());
        all.extend(kpi.reached.map(|reached| (what.clone(), kpi.line, Some(reached))));
        let line = kpi.planned_line.unwrap_or(kpi.line);
        all.extend(kpi.planned.map(|planned| (what.clone(), line, Some(planned))));
    }
    for claim in p.claims.iter().filter(|e| own(&e.document)) {
        let what = format!("claim {}", claim.id.get_ref());
        let sized = !matches!(claim.kind, ClaimKind::Direction | ClaimKind::Question);
        all.push((what.clone(), claim.line, sized.then_some(claim.size)));
        let more = [claim.size_high, claim.base, claim.after, claim.participants, claim.exceptions];
        all.extend(
            more.into_iter().flatten().map(|number| (what.clone(), claim.line, Some(number))),
        );
    }
    for one in p.arithmetic.iter().filter(|e| own(&e.document)) {
        let what = format!("calculation {}", one.id.get_ref());
        all.push((what.clone(), one.line, Some(one.stated)));
        // Months are written as dates; a part of a share may itself be computed.
        if one.kind == ArithmeticKind::Sum || one.kind == ArithmeticKind::PercentChange {
            all.extend(one.numbers.iter().map(|number| (what.clone(), one.line, Some(*number))));
        }
    }
    all
}
