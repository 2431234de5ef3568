//! Robust limits for an effect of an event study.

use super::moments::Periods;
use super::{Analysis, HonestDid, HonestDidOptions};
use crate::Reason;
use crate::did::event_study::EventStudy;

/// Which effect of an event study limits are for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HonestTarget {
    /// That of an event time of 0 or more.
    At(f64),
    /// The mean over all event times of 0 or more.
    Average,
}

/// [`honest_did`](super::honest_did) for the coefficients of an [`EventStudy`] whose reference is the
/// last period before treatment.
///
/// **Edge cases.** Everything is missing, with a [`Reason`], where the event times are not
/// consecutive: a restriction on changes from one period to the next needs all of them. `n_treated`
/// of the options is that of the event time with the fewest treated units; with one there are no
/// limits.
pub fn honest_event_study(
    study: &EventStudy,
    target: HonestTarget,
    options: &HonestDidOptions,
) -> HonestDid {
    if let Some(reason) = &study.reason {
        return HonestDid::unknown(reason.clone());
    }
    inputs(study, target)
        .and_then(|(periods, effect)| {
            let n_treated = study.n_treated.iter().min().copied();
            let options = HonestDidOptions { n_treated, ..options.clone() };
            if let Some(why) = &study.no_covariance {
                return Err(Reason::because(why.clone()));
            }
            let (beta, sigma) = (&study.coefficients, &study.covariance);
            Analysis::new(beta, sigma, periods, Some(&effect), &options)?.run()
        })
        .unwrap_or_else(HonestDid::unknown)
}

/// How many coefficients lie before and after treatment, and the weights of the effect.
fn inputs(study: &EventStudy, target: HonestTarget) -> Result<(Periods, Vec<f64>), Reason> {
    let times = &study.event_times;
    let pre = times.iter().filter(|time| **time < -1.0).count();
    let periods = Periods { pre, post: times.len() - pre };
    if periods.pre == 0 || periods.post == 0 {
        return Err(Reason::because(format!(
            "there are {pre} coefficients before the last period without treatment and {} after it \
             (there must be at least 1 and 1)",
            periods.post
        )));
    }
    let mut due = times[0];
    for time in times {
        if time.fract() != 0.0 || *time < due {
            return Err(Reason::because(format!(
                "event time {time} is not a whole number of periods (periods must follow each other)"
            )));
        }
        if *time > due {
            return Err(Reason::because(format!(
                "there is no coefficient at event time {due} (periods must follow each other)"
            )));
        }
        due += if *time == -2.0 { 2.0 } else { 1.0 };
    }
    let after = &times[pre..];
    let effect = match target {
        HonestTarget::Average => vec![1.0 / after.len() as f64; after.len()],
        HonestTarget::At(time) => {
            if !after.contains(&time) {
                return Err(Reason::because(format!(
                    "event_time is {time} (there are effects from 0 to {})",
                    periods.post - 1
                )));
            }
            after.iter().map(|at| if *at == time { 1.0 } else { 0.0 }).collect()
        }
    };
    Ok((periods, effect))
}

#[cfg(test)]
mod tests {
    use super::super::{HonestDelta, honest_did};
    use super::*;
    use crate::testing::reason;

    fn study(event_times: &[f64]) -> EventStudy {
        let n = event_times.len();
        let entry = |i: usize, j: usize| if i == j { 0.04 } else { 0.01 };
        EventStudy {
            event_times: event_times.to_vec(),
            coefficients: event_times.iter().map(|t| if *t < 0.0 { 0.05 } else { 1.0 }).collect(),
            covariance: (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect(),
            n_treated: vec![12; n],
            ..EventStudy::default()
        }
    }

    #[test]
    fn coefficients_go_where_they_belong() {
        let study = study(&[-3.0, -2.0, 0.0, 1.0, 2.0]);
        let options = HonestDidOptions { delta: HonestDelta::Smoothness, ..Default::default() };
        let direct = |weights: &[f64]| {
            honest_did(&study.coefficients, &study.covariance, 2, 3, Some(weights), &options)
        };
        let at = |target| honest_event_study(&study, target, &options);
        assert_eq!(at(HonestTarget::At(1.0)), direct(&[0.0, 1.0, 0.0]));
        assert_eq!(at(HonestTarget::Average), direct(&[1.0 / 3.0; 3]));
        assert_eq!(at(HonestTarget::At(0.0)).robust.len(), 10);
        assert!(reason(at(HonestTarget::At(3.0)).reason).contains("effects from 0 to 2"));
    }

    #[test]
    fn periods_must_follow_each_other() {
        let why = |times: &[f64]| {
            let target = HonestTarget::At(0.0);
            reason(honest_event_study(&study(times), target, &Default::default()).reason)
        };
        assert!(why(&[-4.0, -2.0, 0.0]).contains("no coefficient at event time -3"));
        assert!(why(&[-2.0, 0.0, 2.0]).contains("no coefficient at event time 1"));
        assert!(why(&[-2.0, 0.0, 0.5]).contains("event time 0.5 is not a whole number"));
        assert!(why(&[0.0, 1.0]).contains("there are 0 coefficients before"));
        assert!(why(&[-2.0]).contains("1 coefficients before"));
        assert!(why(&[]).contains("0 coefficients before"));
    }

    #[test]
    fn one_treated_unit_gives_no_limits() {
        let study = EventStudy { n_treated: vec![5, 5, 1], ..study(&[-2.0, 0.0, 1.0]) };
        let result = honest_event_study(&study, HonestTarget::At(0.0), &Default::default());
        assert_eq!((result.estimate, result.std_error), (Some(1.0), None));
        assert_eq!((result.original.conf_low, result.breakdown), (None, None));
        assert!(
            result.original.note.as_deref().is_some_and(|n| n.starts_with("no standard error"))
        );
        for limits in &result.robust {
            assert_eq!((limits.conf_low, limits.conf_high), (None, None));
            assert!(reason(limits.reason.clone()).contains("one treated unit"));
        }
        let failed = EventStudy { no_covariance: Some("of two".to_owned()), ..study };
        let result = honest_event_study(&failed, HonestTarget::At(0.0), &Default::default());
        assert!(reason(result.reason).contains("of two"));
    }
}
