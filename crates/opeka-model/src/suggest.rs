//! The closest known name, for hints.

/// The names among `known` that `wrong` was probably meant to be, the nearest first, at most three;
/// none when none is near: a far-fetched suggestion misleads more than silence does.
pub fn closest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let lowered = wrong.to_lowercase();
    let allowed = wrong.chars().count().div_ceil(3);
    let near = |name: &str, distance: usize| {
        let (short, long) = if name.len() < lowered.len() {
            (name, lowered.as_str())
        } else {
            (lowered.as_str(), name)
        };
        // Nothing is near a single letter; a part of a name is near however long the rest is.
        let edited = distance <= allowed && (distance == 0 || short.len() > 1);
        edited || (short.len() > 3 && long.contains(short))
    };
    let mut found: Vec<(usize, f64, &str)> = known
        .into_iter()
        .filter_map(|name| {
            let folded = name.to_lowercase();
            let distance = strsim::damerau_levenshtein(&lowered, &folded);
            // Among equally near names the one that starts alike is meant.
            let unlike = 1.0 - strsim::jaro_winkler(&lowered, &folded);
            near(&folded, distance).then_some((distance, unlike, name))
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(b.2)));
    found.dedup_by(|a, b| a.2 == b.2);
    found.into_iter().take(3).map(|(_, _, name)| name).collect()
}

/// A hint that names the closest known name, else all of them; `what` is what they are, in the
/// plural.
pub fn suggest<'a>(
    wrong: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
    what: &str,
) -> String {
    if let Some(name) = closest(wrong, known.clone()).first() {
        return format!("did you mean `{name}`?");
    }
    let names: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => format!("there are no {what} yet"),
        _ => format!("{what}: {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_near_name_is_found_and_the_far_one_is_not() {
        let first =
            |wrong, known: &[&'static str]| closest(wrong, known.iter().copied()).first().copied();
        assert_eq!(first("childern", &["children", "rate"]), Some("children"));
        assert_eq!(first("Rate", &["children", "rate"]), Some("rate"));
        assert_eq!(first("placements", &["children", "rate"]), None);
        assert_eq!(first("hilight", &["height", "highlight"]), Some("highlight"));
        assert_eq!(first("period", &["name", "time_period"]), Some("time_period"));
        assert_eq!(first("language", &["title", "lang"]), Some("lang"));
        assert_eq!(first("y", &["x"]), None);
        assert_eq!(suggest("x", [], "fences"), "there are no fences yet");
        assert_eq!(suggest("qqqq", ["a", "b"], "columns"), "columns: `a`, `b`");
    }
}
