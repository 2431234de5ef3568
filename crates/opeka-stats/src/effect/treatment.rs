//! Who is treated, and from when.

use super::Notes;
use super::panel::Panel;
use crate::Reason;

/// When a unit's treatment begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cohort {
    /// Never, as far as the data go.
    Never,
    /// From this time on.
    From(f64),
}

/// The cohort of each unit, from a column that says from which time on a row's unit is treated.
///
/// `None` is never. Units that are known to have adopted at an unknown time (`adopter` is true and
/// there is no time) are neither treated nor controls: they are left out, and told in `notes`.
///
/// # Errors
/// A unit with two times, and a time that is not finite (positive infinity is never).
pub(crate) fn cohorts(
    panel: &Panel,
    first_treated: &[Option<f64>],
    adopter: Option<&[bool]>,
    notes: &mut Notes,
) -> Result<(Panel, Vec<Cohort>), Reason> {
    require_rows(panel, first_treated.len(), "first_treated")?;
    let first_treated = panel.arrange(first_treated);
    let adopter = match adopter {
        None => vec![false; panel.n_obs()],
        Some(adopter) => {
            require_rows(panel, adopter.len(), "adopter")?;
            panel.arrange(adopter)
        }
    };
    let mut cohorts = Vec::with_capacity(panel.n_units());
    let mut unknown = vec![false; panel.n_units()];
    for (unit, unknown) in unknown.iter_mut().enumerate() {
        let rows = panel.rows_of(unit);
        let of_row = |row: usize| match first_treated[row] {
            Some(time) if time == f64::INFINITY => None,
            time => time,
        };
        let first = of_row(rows.start);
        if let Some(time) = first.filter(|time| !time.is_finite()) {
            return Err(Reason::because(format!(
                "first_treated of {} is {time} (it must be a finite number, or NULL for never)",
                panel.units[unit]
            )));
        }
        if let Some(other) = rows.clone().map(of_row).find(|other| *other != first) {
            let word = |time: Option<f64>| time.map_or("never".to_owned(), |time| time.to_string());
            return Err(Reason::because(format!(
                "{} is treated from {} in one row and from {} in another",
                panel.units[unit],
                word(first),
                word(other)
            )));
        }
        *unknown = first.is_none() && rows.clone().any(|row| adopter[row]);
        cohorts.push(first.map_or(Cohort::Never, Cohort::From));
    }
    without_unknown(panel, cohorts, &unknown, notes)
}

/// The cohort of each unit, from a column that says whether a row is treated: from the first
/// treated row on. A unit with a row of which it is not known (`None`) is left out, and told.
///
/// # Errors
/// A number that is neither 0 nor 1, and a treatment that ends: it would be another design.
pub(crate) fn adoption(
    panel: &Panel,
    treated: &[Option<f64>],
    notes: &mut Notes,
) -> Result<(Panel, Vec<Cohort>), Reason> {
    require_rows(panel, treated.len(), "treated")?;
    let treated = panel.arrange(treated);
    require_zero_or_one(&treated)?;
    let mut cohorts = Vec::with_capacity(panel.n_units());
    let mut unknown = vec![false; panel.n_units()];
    for (unit, unknown) in unknown.iter_mut().enumerate() {
        let rows = panel.rows_of(unit);
        *unknown = rows.clone().any(|row| treated[row].is_none());
        let first = rows.clone().find(|row| treated[*row] == Some(1.0));
        let ends = first.and_then(|first| (first..rows.end).find(|row| treated[*row] == Some(0.0)));
        if let Some(row) = ends.filter(|_| !*unknown) {
            return Err(Reason::because(format!(
                "the treatment of {} ends in {} (once treated, a unit must stay treated)",
                panel.units[unit], panel.times[panel.time[row] as usize]
            )));
        }
        let start = first.map(|row| panel.times[panel.time[row] as usize]);
        cohorts.push(start.map_or(Cohort::Never, Cohort::From));
    }
    without_unknown(panel, cohorts, &unknown, notes)
}

/// A column that says whether a row is treated, as it stands: treatment may end. Units of which it
/// is not known throughout are left out, and told.
///
/// # Errors
/// A number that is neither 0 nor 1.
pub(crate) fn indicator(
    panel: &Panel,
    treated: &[Option<f64>],
    notes: &mut Notes,
) -> Result<(Panel, Vec<f64>), Reason> {
    require_rows(panel, treated.len(), "treated")?;
    let arranged = panel.arrange(treated);
    require_zero_or_one(&arranged)?;
    let mut unknown = vec![false; panel.n_units()];
    for (unit, value) in panel.unit.iter().zip(&arranged) {
        unknown[*unit as usize] |= value.is_none();
    }
    let nobody = vec![Cohort::Never; panel.n_units()];
    let (panel, _) = without_unknown(panel, nobody, &unknown, notes)?;
    let column = panel.source.iter().map(|row| treated[*row as usize].unwrap_or(0.0)).collect();
    Ok((panel, column))
}

fn require_rows(panel: &Panel, length: usize, name: &str) -> Result<(), Reason> {
    // The panel may have lost rows; the columns of the caller have not.
    let last = panel.source.iter().max().map_or(0, |row| *row as usize + 1);
    if length < last {
        return Err(Reason::because(format!("there are {last} rows and {length} of {name}")));
    }
    Ok(())
}

fn require_zero_or_one(treated: &[Option<f64>]) -> Result<(), Reason> {
    let odd = treated.iter().flatten().filter(|value| !matches!(**value, 0.0 | 1.0));
    match odd.copied().min_by(f64::total_cmp) {
        None => Ok(()),
        Some(odd) => Err(Reason::because(format!("treated is {odd} (it must be 0 or 1)"))),
    }
}

fn without_unknown(
    panel: &Panel,
    cohorts: Vec<Cohort>,
    unknown: &[bool],
    notes: &mut Notes,
) -> Result<(Panel, Vec<Cohort>), Reason> {
    let names: Vec<&str> =
        (0..unknown.len()).filter(|u| unknown[*u]).map(|u| panel.units[u].as_str()).collect();
    if names.is_empty() {
        return Ok((panel.clone(), cohorts));
    }
    notes.add(format!("{} left out: when it was treated is not known", listed(&names)));
    if names.len() == panel.n_units() {
        return Err(Reason::because("of no unit it is known when it was treated"));
    }
    let known = panel.keep(|row| !unknown[panel.unit[row] as usize]);
    let cohorts =
        cohorts.into_iter().zip(unknown).filter(|(_, unknown)| !**unknown).map(|(c, _)| c);
    Ok((known, cohorts.collect()))
}

/// Up to five names, and how many more there are.
pub(crate) fn listed(names: &[&str]) -> String {
    match names.len() {
        0..=5 => names.join(", "),
        n => format!("{} and {} more", names[..5].join(", "), n - 5),
    }
}

#[cfg(test)]
mod tests {
    use super::super::labels::Labels;
    use super::super::panel::PanelRows;
    use super::*;
    use crate::testing::reason;

    const Y: [f64; 6] = [0.0; 6];
    const TIME: [f64; 6] = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0];

    fn panel() -> Panel {
        let unit = Labels::new(&["a", "a", "b", "b", "c", "c"]);
        Panel::new(&PanelRows::new(&Y, &unit, &TIME)).unwrap()
    }

    #[test]
    fn adopters_without_a_date_are_neither() {
        let first = [Some(2.0), Some(2.0), None, None, None, None];
        let adopter = [true, true, true, true, false, false];
        let mut notes = Notes::default();
        let (known, found) = cohorts(&panel(), &first, Some(&adopter), &mut notes).unwrap();
        assert_eq!(known.units, ["a", "c"]);
        assert_eq!(found, [Cohort::From(2.0), Cohort::Never]);
        assert_eq!(notes.text().as_deref(), Some("b left out: when it was treated is not known"));

        let mut notes = Notes::default();
        let (_, found) = cohorts(&panel(), &first, None, &mut notes).unwrap();
        assert_eq!(found, [Cohort::From(2.0), Cohort::Never, Cohort::Never]);
        assert_eq!(notes.text(), None);
    }

    #[test]
    fn treated_rows_say_when_it_began() {
        let (yes, no) = (Some(1.0), Some(0.0));
        let mut notes = Notes::default();
        let found = |treated: &[Option<f64>], notes: &mut Notes| adoption(&panel(), treated, notes);
        let (_, cohorts) = found(&[no, yes, yes, yes, no, no], &mut notes).unwrap();
        assert_eq!(cohorts, [Cohort::From(2.0), Cohort::From(1.0), Cohort::Never]);
        let (known, _) = found(&[no, yes, no, None, no, no], &mut notes).unwrap();
        assert_eq!(known.units, ["a", "c"]);
        assert!(notes.text().unwrap().starts_with("b left out"));
        let ends = found(&[no, yes, yes, no, no, no], &mut notes);
        assert!(reason(ends.err()).contains("the treatment of b ends in 2"));
        let half = found(&[no, Some(0.5), no, no, no, no], &mut notes);
        assert!(reason(half.err()).contains("treated is 0.5 (it must be 0 or 1)"));
        assert!(reason(found(&[None; 6], &mut notes).err()).contains("of no unit"));
    }

    #[test]
    fn a_unit_has_one_date() {
        let first = [Some(2.0), None, None, None, None, None];
        let error = cohorts(&panel(), &first, None, &mut Notes::default()).err();
        assert!(reason(error).contains("a is treated from 2 in one row and from never in another"));
        let first = [Some(f64::INFINITY); 6];
        let (_, found) = cohorts(&panel(), &first, None, &mut Notes::default()).unwrap();
        assert_eq!(found, [Cohort::Never; 3]);
    }
}
