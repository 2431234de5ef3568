//! What a design can see: effects that differences in differences detect, and how surely.

use crate::Reason;
use crate::distribution::normal;
use crate::reason::{require_finite, require_not_negative, require_positive};

/// No design needs more units than this; beyond it the number is no plan.
pub const MAX_REQUIRED_UNITS: f64 = 2_147_483_647.0;

/// Which effects a test looks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PowerAlternative {
    #[default]
    TwoSided,
    /// Effects above zero.
    Greater,
    /// Effects below zero.
    Less,
}

impl PowerAlternative {
    /// The names under which [`PowerAlternative::named`] knows them, the default first.
    pub const NAMES: [&'static str; 3] = ["two-sided", "greater", "less"];

    /// The alternative of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "two-sided" => Some(Self::TwoSided),
            "greater" => Some(Self::Greater),
            "less" => Some(Self::Less),
            _ => None,
        }
    }
}

/// A design of differences in differences: units by group, times by side, and what an outcome does
/// without treatment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerDesign {
    pub n_treated: f64,
    pub n_control: f64,
    /// Times before treatment.
    pub n_pre: f64,
    /// Times from treatment on.
    pub n_post: f64,
    /// The standard deviation of an outcome once time effects are taken out, in its units.
    pub sigma: f64,
    /// The correlation of two outcomes of one unit.
    pub rho: f64,
}

/// The test that is planned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerOptions {
    /// The probability with which an effect is to be seen.
    pub power: f64,
    /// One less the probability of seeing an effect where there is none.
    pub conf_level: f64,
    pub alternative: PowerAlternative,
}

impl Default for PowerOptions {
    fn default() -> Self {
        Self { power: 0.8, conf_level: 0.95, alternative: PowerAlternative::TwoSided }
    }
}

/// The result of [`minimum_detectable_effect`], [`power_of_design`] and [`required_units`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Power {
    /// What was asked for: an effect in units of the outcome, a probability, or a number of units.
    pub estimate: Option<f64>,
    /// The standard error that the design will have.
    pub std_error: Option<f64>,
    pub method: Option<&'static str>,
    pub note: Option<String>,
    pub reason: Option<Reason>,
}

impl Power {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self { reason: Some(reason), ..Self::default() }
    }
}

/// The smallest effect that a design detects with the power asked for.
///
/// **Formula.** (z_(1−α/2) + z_power) × √V with V = σ² (1/n_treated + 1/n_control) (1/n_pre +
/// 1/n_post) (1 − ρ): equation 2 of Burlig, Preonas and Woerman (2020, *Journal of Development
/// Economics* 144) where all outcomes of a unit are equally correlated; normal quantiles (Bloom 1995).
/// One-sided tests take z_(1−α), and an effect below zero for `Less`. A correlation of the outcomes
/// of a unit makes effects easier to see: it cancels in the difference.
///
/// **Edge cases.** No figure, with a [`Reason`], where there is no unit or time on a side, σ is
/// negative, ρ lies outside −1/(T − 1) to 1, or a probability outside 0 to 1. With fewer than 10
/// treated units, `note` says that normal quantiles promise too much.
pub fn minimum_detectable_effect(design: &PowerDesign, options: &PowerOptions) -> Power {
    let find = || -> Result<Power, Reason> {
        let error = std_error(design)?;
        let size = multiplier(options)? * error;
        let estimate = if options.alternative == PowerAlternative::Less { -size } else { size };
        Ok(report(estimate, error, design))
    };
    find().unwrap_or_else(Power::unknown)
}

/// The probability with which a design sees an effect of this size: that of |Z + effect / √V| >
/// z_(1−α/2) for a standard normal Z, or of its one-sided kin. V as in [`minimum_detectable_effect`],
/// of which `options.power` is not used.
pub fn power_of_design(design: &PowerDesign, effect: f64, options: &PowerOptions) -> Power {
    let find = || -> Result<Power, Reason> {
        require_finite("effect", effect)?;
        let error = std_error(design)?;
        require_positive("sigma", design.sigma)?;
        let z = critical(options)?;
        let shift = effect / error;
        let estimate = match options.alternative {
            PowerAlternative::TwoSided => normal::cdf(shift - z) + normal::cdf(-z - shift),
            PowerAlternative::Greater => normal::cdf(shift - z),
            PowerAlternative::Less => normal::cdf(-z - shift),
        };
        Ok(report(estimate, error, design))
    };
    find().unwrap_or_else(Power::unknown)
}

/// How many units, treated and not, see an effect of this size with the power asked for, when
/// `share` of them are treated: σ² (z_(1−α/2) + z_power)² (1/n_pre + 1/n_post) (1 − ρ) / (effect² share
/// (1 − share)), rounded up; treated units are its share, rounded up, and there are at least two of
/// either. The numbers of units in `design` are not used.
pub fn required_units(
    design: &PowerDesign,
    effect: f64,
    share: f64,
    options: &PowerOptions,
) -> Power {
    let find = || -> Result<Power, Reason> {
        require_finite("effect", effect)?;
        if effect == 0.0 {
            return Err(Reason::because("effect is 0 (no number of units can see it)"));
        }
        require_share("share", share)?;
        let one = PowerDesign { n_treated: 1.0, n_control: 1.0, ..*design };
        let spread = std_error(&one)? / core::f64::consts::SQRT_2;
        let z = multiplier(options)?;
        let ratio = z * spread / effect;
        let total = libm::ceil(ratio * ratio / (share * (1.0 - share))).max(4.0);
        if total > MAX_REQUIRED_UNITS {
            return Err(Reason::because("more than 2,147,483,647 units would be needed"));
        }
        let treated = libm::ceil(total * share).max(2.0);
        let control = (total - treated).max(2.0);
        let error = std_error(&PowerDesign { n_treated: treated, n_control: control, ..*design })?;
        let design = PowerDesign { n_treated: treated, n_control: control, ..*design };
        Ok(report(treated + control, error, &design))
    };
    find().unwrap_or_else(Power::unknown)
}

fn report(estimate: f64, error: f64, design: &PowerDesign) -> Power {
    Power {
        estimate: Some(estimate),
        std_error: Some(error),
        method: Some("difference in differences, equal correlation within units, normal"),
        note: few(design.n_treated),
        reason: None,
    }
}

/// What to tell of normal quantiles with so many treated units.
pub(crate) fn few(n_treated: f64) -> Option<String> {
    (n_treated < crate::effect::treated_units::ENOUGH as f64).then(|| {
        let units = if n_treated == 1.0 { "unit" } else { "units" };
        format!(
            "with {n_treated} treated {units} normal theory is too optimistic: the true detectable \
             effect is larger"
        )
    })
}

/// The standard error of a design.
fn std_error(design: &PowerDesign) -> Result<f64, Reason> {
    require_count("n_treated", design.n_treated)?;
    require_count("n_control", design.n_control)?;
    require_count("n_pre", design.n_pre)?;
    require_count("n_post", design.n_post)?;
    require_not_negative("sigma", design.sigma)?;
    let least = -1.0 / (design.n_pre + design.n_post - 1.0);
    if !(design.rho >= least && design.rho < 1.0) {
        return Err(Reason::because(format!(
            "rho is {} (it must be {least} or more, and below 1)",
            design.rho
        )));
    }
    let units = 1.0 / design.n_treated + 1.0 / design.n_control;
    let times = 1.0 / design.n_pre + 1.0 / design.n_post;
    Ok(design.sigma * (units * times * (1.0 - design.rho)).sqrt())
}

/// By how many standard errors an effect must differ from zero to be called one.
pub(crate) fn critical(options: &PowerOptions) -> Result<f64, Reason> {
    crate::reason::require_conf_level(options.conf_level)?;
    let alpha = 1.0 - options.conf_level;
    Ok(match options.alternative {
        PowerAlternative::TwoSided => -normal::quantile(alpha / 2.0),
        _ => -normal::quantile(alpha),
    })
}

/// How many standard errors an effect must measure to be seen.
pub(crate) fn multiplier(options: &PowerOptions) -> Result<f64, Reason> {
    require_share("power", options.power)?;
    let sum = critical(options)? + normal::quantile(options.power);
    if sum <= 0.0 {
        return Err(Reason::because("power is no more than that of an effect of zero"));
    }
    Ok(sum)
}

pub(crate) fn require_share(name: &str, value: f64) -> Result<(), Reason> {
    if value > 0.0 && value < 1.0 {
        return Ok(());
    }
    Err(Reason::because(format!("{name} is {value} (it must lie between 0 and 1)")))
}

fn require_count(name: &str, value: f64) -> Result<(), Reason> {
    if value.is_finite() && value >= 1.0 && value.fract() == 0.0 {
        return Ok(());
    }
    Err(Reason::because(format!("{name} is {value} (it must be a whole number above zero)")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::testing::{assert_close, reason};
    use proptest::prelude::*;

    const DESIGN: PowerDesign = PowerDesign {
        n_treated: 20.0,
        n_control: 20.0,
        n_pre: 1.0,
        n_post: 1.0,
        sigma: 1.0,
        rho: 0.0,
    };

    #[test]
    fn a_design_by_hand() {
        // Four cells of 20: √(4/20) × (1.959964 + 0.841621).
        let found = minimum_detectable_effect(&DESIGN, &PowerOptions::default());
        assert_close(found.std_error.unwrap(), 0.2f64.sqrt(), 1e-15);
        assert_close(found.estimate.unwrap(), 0.2f64.sqrt() * 2.801_585_217_8, 1e-9);
        assert_eq!(found.note, None);
        let few = PowerDesign { n_treated: 9.0, ..DESIGN };
        let found = minimum_detectable_effect(&few, &PowerOptions::default());
        assert!(found.note.is_some_and(|note| note.contains("too optimistic")));
        let less = PowerOptions { alternative: PowerAlternative::Less, ..PowerOptions::default() };
        let found = minimum_detectable_effect(&DESIGN, &less).estimate.unwrap();
        assert_close(found, -0.2f64.sqrt() * (1.644_853_626_95 + 0.841_621_233_57), 1e-9);
        assert!(power_of_design(&DESIGN, found, &less).estimate.unwrap() > 0.799_999);
    }

    #[test]
    fn what_is_no_design_has_a_reason() {
        let why =
            |design| reason(minimum_detectable_effect(&design, &PowerOptions::default()).reason);
        assert!(why(PowerDesign { n_treated: 0.0, ..DESIGN }).contains("n_treated is 0"));
        assert!(why(PowerDesign { n_pre: 1.5, ..DESIGN }).contains("n_pre is 1.5"));
        assert!(why(PowerDesign { n_control: f64::NAN, ..DESIGN }).contains("n_control is NaN"));
        assert!(why(PowerDesign { sigma: -1.0, ..DESIGN }).contains("sigma is -1"));
        assert!(why(PowerDesign { rho: 1.0, ..DESIGN }).contains("rho is 1"));
        assert!(why(PowerDesign { rho: -0.4, n_post: 3.0, ..DESIGN }).contains("rho is -0.4"));
        let certain = PowerOptions { power: 1.0, ..PowerOptions::default() };
        let found = minimum_detectable_effect(&DESIGN, &certain);
        assert!(reason(found.reason).contains("power is 1"));
        let found = required_units(&DESIGN, 0.0, 0.5, &PowerOptions::default());
        assert!(reason(found.reason).contains("effect is 0"));
        let found = required_units(&DESIGN, 1e-9, 0.5, &PowerOptions::default());
        assert!(reason(found.reason).contains("2,147,483,647"));
        let flat = PowerDesign { sigma: 0.0, ..DESIGN };
        assert!(
            reason(power_of_design(&flat, 1.0, &PowerOptions::default()).reason).contains("sigma")
        );
    }

    #[test]
    fn power_is_how_often_a_simulated_design_sees_the_effect() {
        let design =
            PowerDesign { n_treated: 10.0, n_control: 15.0, n_pre: 3.0, n_post: 2.0, ..DESIGN };
        let design = PowerDesign { rho: 0.4, ..design };
        let effect = 0.6;
        let claim = power_of_design(&design, effect, &PowerOptions::default());
        let (power, error) = (claim.estimate.unwrap(), claim.std_error.unwrap());
        let mut random = Random::new(5, 0);
        let mut seen = 0;
        let (draws, own) = (4_000, design.rho.sqrt());
        for _ in 0..draws {
            let mut change = |units: usize| -> f64 {
                let unit = |random: &mut Random| -> f64 {
                    let level = own * random.normal();
                    let mut side = |n: usize| -> f64 {
                        let rest = (1.0 - design.rho).sqrt();
                        (0..n).map(|_| level + rest * random.normal()).sum::<f64>() / n as f64
                    };
                    side(2) - side(3)
                };
                (0..units).map(|_| unit(&mut random)).sum::<f64>() / units as f64
            };
            let estimate = effect + change(10) - change(15);
            seen += usize::from((estimate / error).abs() > 1.959_963_985);
        }
        let share = f64::from(u32::try_from(seen).unwrap()) / f64::from(draws);
        // Four standard errors of a share of 4000.
        assert!((share - power).abs() < 0.032, "{share} for {power}");
    }

    proptest! {
        #[test]
        fn the_detectable_effect_is_detected(
            treated in 1u32..60, control in 1u32..60, pre in 1u32..9, post in 1u32..9,
            rho in 0.0..0.95f64, sigma in 0.1..9.0f64, power in 0.3..0.99f64,
        ) {
            let design = PowerDesign {
                n_treated: f64::from(treated), n_control: f64::from(control),
                n_pre: f64::from(pre), n_post: f64::from(post), sigma, rho,
            };
            let one = PowerOptions { power, alternative: PowerAlternative::Greater, conf_level: 0.9 };
            let effect = minimum_detectable_effect(&design, &one).estimate.unwrap();
            let back = power_of_design(&design, effect, &one).estimate.unwrap();
            prop_assert!((back - power).abs() < 1e-9);
            // The units that an effect requires see it, and one fewer of them would not.
            let two = PowerOptions { power, ..PowerOptions::default() };
            let units = required_units(&design, effect, 0.5, &two).estimate.unwrap();
            let half = |n: f64| PowerDesign { n_treated: n / 2.0, n_control: n / 2.0, ..design };
            if units % 2.0 == 0.0 && units > 6.0 {
                let enough = minimum_detectable_effect(&half(units), &two).estimate.unwrap();
                let short = minimum_detectable_effect(&half(units - 2.0), &two).estimate.unwrap();
                prop_assert!(enough <= effect * (1.0 + 1e-9) && short >= effect * (1.0 - 1e-9));
            }
        }
    }
}
