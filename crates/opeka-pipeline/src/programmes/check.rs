//! What is wrong with a programme's file, beyond its grammar: every problem with its line and a hint.

use std::collections::BTreeSet;

use opeka_ingest::{Codelist, Codelists};
use opeka_model::{Kind, Place, Problem, Problems, Severity, TimePeriod, line_and_column, suggest};
use toml::Spanned;

use super::registry::{Arithmetic, ArithmeticKind, Claim, ClaimKind, Events, Kpi, Programme, Site};

/// Checks one file.
pub(super) fn check(file: &str, text: &str, programme: &Programme, lists: &Codelists) -> Problems {
    let mut checker = Checker { file, text, programme, problems: Problems::new() };
    checker.code(&programme.country, "regions", lists);
    checker.documents();
    for site in &programme.sites {
        checker.site(site, lists);
    }
    checker.unique(programme.kpis.iter().map(|kpi| &kpi.id), "KPI");
    checker.unique(programme.claims.iter().map(|claim| &claim.id), "claim");
    checker.unique(programme.arithmetic.iter().map(|one| &one.id), "calculation");
    checker.components();
    checker.kpis();
    for claim in &programme.claims {
        checker.claim(claim, lists);
    }
    for arithmetic in &programme.arithmetic {
        checker.arithmetic(arithmetic);
    }
    checker.problems
}

struct Checker<'a> {
    file: &'a str,
    text: &'a str,
    programme: &'a Programme,
    problems: Problems,
}

impl Checker<'_> {
    fn add<T>(&mut self, at: &Spanned<T>, severity: Severity, message: String, hint: &str) {
        let (line, column) = line_and_column(self.text, at.span().start);
        let place = Place::Text { file: self.file.to_owned(), line, column: Some(column) };
        let problem = Problem { severity, ..Problem::error(Kind::Declaration, place, message) };
        self.problems.push(problem.hint(hint));
    }

    fn error<T>(&mut self, at: &Spanned<T>, message: String, hint: &str) {
        self.add(at, Severity::Error, message, hint);
    }

    /// A code stands in its code list.
    fn code(&mut self, code: &Spanned<String>, list: &str, lists: &Codelists) {
        let Some(known) = lists.get(list) else { return };
        if known.get(code.get_ref()).is_some() {
            return;
        }
        let message = format!("there is no `{}` in codelists.{list}", code.get_ref());
        let hint = nearest(code.get_ref(), known).unwrap_or_else(|| {
            format!("add a row to datasets/codelists/{list}, or correct the code")
        });
        self.error(code, message, &hint);
    }

    fn documents(&mut self) {
        let file = Place::File { file: self.file.to_owned() };
        let known: BTreeSet<&str> =
            self.programme.documents.iter().map(|d| d.id.as_str()).collect();
        if known.is_empty() {
            let message = "a programme names the document that describes it";
            let problem = Problem::error(Kind::Declaration, file.clone(), message);
            self.problems.push(problem.hint("write `[[documents]]` with its title and publisher"));
        }
        let p = self.programme;
        let entries = (p.components.iter().map(|e| (&e.document, e.line)))
            .chain(p.sites.iter().map(|e| (&e.document, e.line)))
            .chain(p.partners.iter().map(|e| (&e.document, e.line)))
            .chain(p.money.iter().map(|e| (&e.document, e.line)))
            .chain(p.kpis.iter().map(|e| (&e.document, e.line)))
            .chain(p.claims.iter().map(|e| (&e.document, e.line)))
            .chain(p.arithmetic.iter().map(|e| (&e.document, e.line)));
        for (document, line) in entries {
            let unknown = document.as_deref().filter(|name| !known.contains(name));
            if let Some(name) = unknown {
                let at = self.text.lines().position(|text| text.contains(&format!("\"{name}\"")));
                let place = match at {
                    Some(at) => {
                        Place::Text { file: self.file.to_owned(), line: at + 1, column: None }
                    }
                    None => file.clone(),
                };
                let message = format!("there is no document `{name}`");
                let hint = suggest(name, known.iter().copied(), "documents");
                self.problems.push(Problem::error(Kind::Declaration, place, message).hint(hint));
            }
            if line == 0 {
                let message = "lines of a document count from 1";
                self.problems.push(Problem::error(Kind::Declaration, file.clone(), message));
            }
        }
    }

    fn component(&mut self, component: Option<&Spanned<String>>) {
        let Some(name) = component else { return };
        let known = self.programme.components.iter().map(|c| c.id.as_str());
        if known.clone().any(|id| id == name.get_ref()) {
            return;
        }
        let hint = suggest(name.get_ref(), known, "components");
        self.error(name, format!("there is no component `{}`", name.get_ref()), &hint);
    }

    /// A month or a year; both in order where there are two.
    fn window(&mut self, from: Option<&Spanned<String>>, until: Option<&Spanned<String>>) {
        for date in from.iter().chain(until.iter()) {
            if TimePeriod::parse(date.get_ref()).is_none() {
                let message = format!("`{}` is no month or year", date.get_ref());
                self.error(date, message, "write `2017-05` or `2017`");
            }
        }
        if let (Some(from), Some(until)) = (from, until)
            && let (Some(a), Some(b)) =
                (TimePeriod::parse(from.get_ref()), TimePeriod::parse(until.get_ref()))
            && b.end() < a.start()
        {
            let message =
                format!("it ends in {}, before it begins in {}", until.get_ref(), from.get_ref());
            self.error(until, message, "look at the document again");
        }
    }

    fn site(&mut self, site: &Site, lists: &Codelists) {
        let area = &site.ref_area;
        if let Some(regions) = lists.get("regions")
            && regions.get(area.get_ref()).is_none()
        {
            let message = format!("the site `{}` is no area of codelists.regions", area.get_ref());
            let hint = nearest(&site.name, regions).or_else(|| nearest(area.get_ref(), regions));
            let hint = hint.unwrap_or_else(|| {
                format!("add `{}` to datasets/codelists/regions, or correct the code", site.name)
            });
            self.error(area, message, &hint);
        }
        self.component(site.component.as_ref());
        self.window(site.from.as_ref(), site.until.as_ref());
    }

    fn unique<'s>(&mut self, ids: impl Iterator<Item = &'s Spanned<String>>, what: &str) {
        let mut seen = BTreeSet::new();
        for id in ids {
            if !seen.insert(id.get_ref()) {
                let message = format!("there are two of the {what} `{}`", id.get_ref());
                self.error(id, message, "each has an id of its own");
            }
        }
    }

    fn components(&mut self) {
        let mut seen = BTreeSet::new();
        let twice = self.programme.components.iter().find(|c| !seen.insert(c.id.as_str()));
        if let Some(component) = twice {
            let place = Place::File { file: self.file.to_owned() };
            let message = format!("there are two of the component `{}`", component.id);
            self.problems.push(Problem::error(Kind::Declaration, place, message));
        }
    }

    fn kpis(&mut self) {
        let mut without: Vec<&Kpi> = Vec::new();
        for kpi in &self.programme.kpis {
            self.component(kpi.component.as_ref());
            match (kpi.planned, kpi.reached) {
                (None, None) => {
                    let message =
                        format!("the KPI `{}` is neither planned nor reached", kpi.id.get_ref());
                    self.error(&kpi.id, message, "write `planned`, `reached` or both");
                }
                (None, Some(_)) => without.push(kpi),
                _ => {}
            }
        }
        if let Some(first) = without.first() {
            let names: Vec<&str> = without.iter().map(|kpi| kpi.id.get_ref().as_str()).collect();
            let message = format!(
                "{} of {} KPIs have no plan, so that what was reached is held against nothing",
                without.len(),
                self.programme.kpis.len()
            );
            let hint =
                format!("where a document gives a plan, write `planned`: {}", names.join(", "));
            self.add(&first.id, Severity::Note, message, &hint);
        }
    }

    fn claim(&mut self, claim: &Claim, lists: &Codelists) {
        let id = claim.id.get_ref();
        self.component(claim.component.as_ref());
        self.window(claim.from.as_ref(), claim.until.as_ref());
        for code in claim.indicator.iter().chain(claim.population.iter()) {
            self.code(code, "indicators", lists);
        }
        if let Some(trend) = &claim.trend {
            self.code(&trend.indicator, "indicators", lists);
            self.code(&trend.ref_area, "regions", lists);
        }
        if claim.indicator.is_none() && claim.no_statistic.is_none() {
            let message = format!("the claim `{id}` names no statistic and does not say why");
            self.error(&claim.id, message, "write `indicator`, or `no_statistic` with the reason");
        }
        if claim.indicator.is_some() && claim.no_statistic.is_some() {
            let message = format!("the claim `{id}` has a statistic and says why it has none");
            self.error(&claim.id, message, "leave one of `indicator` and `no_statistic` out");
        }
        let number = |value: Option<f64>| value.is_none_or(|v| v.is_finite() && v >= 0.0);
        let counts = [claim.base, claim.after, claim.participants, claim.exceptions];
        if !counts.into_iter().all(number) {
            let message = format!("a count of the claim `{id}` is below zero");
            self.error(
                &claim.id,
                message,
                "`base`, `after`, `participants` and `exceptions` are counts",
            );
        }
        let wrong = match claim.kind {
            ClaimKind::Share if !(0.0..=100.0).contains(&claim.size) => {
                "a share is of 0 to 100 per cent"
            }
            ClaimKind::PercentChange if claim.size < -100.0 => {
                "nothing falls by more than all of it"
            }
            ClaimKind::TimesFewer | ClaimKind::TimesMore if claim.size <= 1.0 => {
                "so many times fewer or more is above 1"
            }
            ClaimKind::Direction | ClaimKind::Question if claim.size.abs() != 1.0 => {
                "a direction is -1 or 1"
            }
            _ if !claim.size.is_finite() => "it is a number",
            _ if !(1..=12).contains(&claim.year_ends) => "`year_ends` is a month, 1 to 12",
            _ if claim.per.is_some_and(|per| per.is_nan() || per <= 0.0) => "`per` is above zero",
            _ if claim.participants == Some(0.0) => "`participants` are one or more",
            _ if claim.base == Some(0.0) => "nothing changes from a base of zero",
            _ if claim.exceptions > claim.participants => {
                "there are no more `exceptions` than `participants`"
            }
            _ if claim.size_high.is_some_and(|high| high < claim.size) => {
                "`size_high` is the upper end of the range"
            }
            _ => "",
        };
        if !wrong.is_empty() {
            self.error(&claim.id, format!("the size of the claim `{id}` cannot be"), wrong);
        }
        let changes = matches!(
            claim.kind,
            ClaimKind::PercentChange | ClaimKind::TimesFewer | ClaimKind::TimesMore
        );
        if changes && claim.base.is_none() {
            let message =
                format!("the claim `{id}` has no base: nobody says what the change is from");
            let hint = "where a document gives the number before, write `base`; the audit shows the bases \
                        for which the change would be more than chance";
            self.add(&claim.id, Severity::Note, message, hint);
        }
    }

    fn arithmetic(&mut self, one: &Arithmetic) {
        let (count, due) = match one.kind {
            ArithmeticKind::Sum => (one.numbers.len() >= 2, "two numbers or more"),
            _ => (one.numbers.len() == 2, "two numbers"),
        };
        if !count || !one.numbers.iter().all(|number| number.is_finite()) {
            let message = format!("the calculation `{}` takes {due}", one.id.get_ref());
            self.error(&one.id, message, "they stand in `numbers`, in the order that `kind` says");
        }
        let Some(claim) = &one.claim else { return };
        let known = self.programme.claims.iter().map(|c| c.id.get_ref().as_str());
        if !known.clone().any(|id| id == claim.get_ref()) {
            let hint = suggest(claim.get_ref(), known, "claims");
            self.error(claim, format!("there is no claim `{}`", claim.get_ref()), &hint);
        }
    }
}

/// The code whose code or name is nearest to what was written.
fn nearest(written: &str, list: &Codelist) -> Option<String> {
    let named = list.codes.iter().flat_map(|code| {
        let names = ["code", "name_en", "name_ru"].into_iter();
        names.filter_map(move |column| Some((code.columns.get(column)?.as_str(), code)))
    });
    let named: Vec<(&str, &opeka_ingest::Code)> = named.collect();
    let near = opeka_model::closest(written, named.iter().map(|(name, _)| *name));
    let (name, code) = named.iter().find(|(name, _)| Some(name) == near.first())?;
    Some(match *name == code.code {
        true => format!("did you mean `{name}`?"),
        false => format!("did you mean `{}` ({name})?", code.code),
    })
}

/// Areas in which two programmes work, each told at the later file.
pub(super) fn overlaps<'a>(
    files: impl Iterator<Item = (&'a str, &'a str, &'a str, &'a Programme)> + Clone,
    lists: &Codelists,
) -> Problems {
    let mut problems = Problems::new();
    let parent = |area: &str| -> Option<String> {
        lists.get("regions")?.get(area)?.columns.get("parent").cloned()
    };
    let mut seen: Vec<(&str, &Programme)> = Vec::new();
    for (name, file, text, programme) in files {
        for (other_name, other) in &seen {
            for site in &programme.sites {
                let area = site.ref_area.get_ref();
                let meets = |there: &&Site| {
                    let there = there.ref_area.get_ref();
                    there == area
                        || parent(area).as_ref() == Some(there)
                        || parent(there).as_ref() == Some(area)
                };
                let Some(there) = other.sites.iter().find(meets) else { continue };
                let (line, column) = line_and_column(text, site.ref_area.span().start);
                let place = Place::Text { file: file.to_owned(), line, column: Some(column) };
                let message = format!(
                    "`{name}` works in {}, and `{other_name}` in {}: their effects cannot be told apart there",
                    site.name, there.name
                );
                let hint =
                    "neither is a control of the other, and the audit refuses to tell them apart";
                problems.push(Problem::note(Kind::Declaration, place, message).hint(hint));
            }
        }
        seen.push((name, programme));
    }
    problems
}

/// What is wrong with the file of events.
pub(super) fn events(file: &str, text: &str, events: &Events, lists: &Codelists) -> Problems {
    let mut problems = Problems::new();
    for (name, event) in &events.events {
        let at = text.lines().position(|line| line.contains(name.as_str())).unwrap_or(0);
        let place = Place::Text { file: file.to_owned(), line: at + 1, column: None };
        let (from, until) = (TimePeriod::parse(&event.from), TimePeriod::parse(&event.until));
        let country = event
            .country
            .as_ref()
            .filter(|code| lists.get("regions").is_some_and(|regions| regions.get(code).is_none()));
        let message = match (from, until, country) {
            (_, _, Some(code)) => format!("there is no `{code}` in codelists.regions"),
            (Some(from), Some(until), None) if until.end() >= from.start() => continue,
            (Some(_), Some(_), None) => format!("the event `{name}` ends before it begins"),
            _ => format!("`from` and `until` of the event `{name}` are months or years"),
        };
        let problem = Problem::error(Kind::Declaration, place, message);
        problems
            .push(problem.hint("write them as `2020-03` or `2020`, and the country as its code"));
    }
    problems
}
