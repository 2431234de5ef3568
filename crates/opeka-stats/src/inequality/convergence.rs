//! Convergence: whether differences between areas shrink, and whether those behind catch up.

use crate::Reason;
use crate::inequality::line;
use crate::reason::{
    require_conf_level, require_each, require_finite, require_finite_result, require_positive,
    require_same_length,
};

/// The result of [`sigma_convergence`].
#[derive(Clone, Debug, PartialEq)]
pub struct SigmaConvergence {
    /// The slope of the dispersion over time: below zero where areas converge.
    pub estimate: Option<f64>,
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
    /// t of the slope.
    pub statistic: Option<f64>,
    /// Two-sided, of the hypothesis that the dispersion does not change.
    pub p_value: Option<f64>,
    /// The dispersion at the first time, and at the last.
    pub first: Option<f64>,
    pub last: Option<f64>,
    /// The number of values.
    pub n_obs: usize,
    /// The number of times.
    pub n_times: usize,
    pub method: Option<&'static str>,
    /// What a reader must know: that the areas are not the same at all times.
    pub note: Option<String>,
    /// Why something is missing: everything, or what the text names.
    pub reason: Option<Reason>,
}

impl SigmaConvergence {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self {
            estimate: None,
            conf_low: None,
            conf_high: None,
            statistic: None,
            p_value: None,
            first: None,
            last: None,
            n_obs,
            n_times: 0,
            method: None,
            note: None,
            reason: Some(reason),
        }
    }
}

/// Whether the dispersion between areas shrinks: the trend of the standard deviation of logarithms.
///
/// **Estimates** the change of σ per unit of time, where σ at a time is the sample standard
/// deviation (over n − 1) of ln `value` over its areas: about the typical relative difference
/// between areas. A row is one area at one time (Barro and Sala-i-Martin 1992, "Convergence",
/// *Journal of Political Economy* 100; Sala-i-Martin 1996, *Economic Journal* 106).
///
/// **Slope, limits and test** by ordinary least squares of σ on time, at the true spacing of times,
/// with Student's t. Neighbouring years of σ are rarely independent, so that the limits are rather
/// too narrow.
///
/// **Edge cases.** Where the number of areas differs between times, `note` says so: an area that
/// comes or goes changes σ without any convergence. Slope and test are missing for a single time,
/// the test and limits for two. Everything is missing, with a [`Reason`], where a value is not
/// above zero, a time has fewer than 2 areas, or a number is not finite. The order of rows does not
/// matter.
pub fn sigma_convergence(value: &[f64], time: &[f64], conf_level: f64) -> SigmaConvergence {
    sigma(value, time, conf_level)
        .unwrap_or_else(|reason| SigmaConvergence::unknown(reason, value.len()))
}

fn sigma(value: &[f64], time: &[f64], conf_level: f64) -> Result<SigmaConvergence, Reason> {
    require_conf_level(conf_level)?;
    require_same_length("values", value, "times", time)?;
    require_each(require_positive, "value", value)?;
    require_each(require_finite, "time", time)?;
    let n_obs = value.len();
    if n_obs == 0 {
        return Err(Reason::because("there are no values"));
    }
    // Adding zero makes a negative zero an ordinary one.
    let mut rows: Vec<(f64, f64)> =
        time.iter().zip(value).map(|(time, value)| (time + 0.0, libm::log(*value))).collect();
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));

    let (mut times, mut sigmas, mut areas) = (Vec::new(), Vec::new(), Vec::new());
    for year in rows.chunk_by(|a, b| a.0 == b.0) {
        let (time, n) = (year[0].0, year.len());
        if n < 2 {
            return Err(Reason::because(format!(
                "there is 1 value at time {time} (it takes 2 or more)"
            )));
        }
        times.push(time);
        sigmas.push(std_dev(year));
        areas.push(n);
    }

    let n_times = times.len();
    let (fewest, most) = (areas.iter().min().copied(), areas.iter().max().copied());
    let note = fewest.zip(most).filter(|(fewest, most)| fewest != most).map(|(fewest, most)| {
        format!("the number of areas differs between times (from {fewest} to {most})")
    });
    let mut result = SigmaConvergence {
        first: sigmas.first().copied(),
        last: sigmas.last().copied(),
        n_times,
        method: Some("OLS trend of the standard deviation of logarithms"),
        note,
        reason: None,
        ..SigmaConvergence::unknown(Reason::because(""), n_obs)
    };
    match line::fit(&times, &sigmas, conf_level) {
        None => result.reason = Some(Reason::of_part("the trend", "all times are equal")),
        Some(line) => {
            require_finite_result(&[line.slope])?;
            result.estimate = Some(line.slope);
            match line.test {
                Err(reason) => result.reason = Some(reason),
                Ok(test) => {
                    result.conf_low = Some(test.conf_low);
                    result.conf_high = Some(test.conf_high);
                    result.statistic = Some(test.statistic);
                    result.p_value = Some(test.p_value);
                }
            }
        }
    }
    Ok(result)
}

/// Over n − 1, of the second numbers of two rows or more.
fn std_dev(rows: &[(f64, f64)]) -> f64 {
    let n = rows.len() as f64;
    // From the first value: where all are equal, the deviation is exactly zero.
    let origin = rows[0].1;
    let mean = rows.iter().map(|row| row.1 - origin).sum::<f64>() / n;
    let squares: f64 = rows.iter().map(|row| (row.1 - origin - mean).powi(2)).sum();
    (squares / (n - 1.0)).sqrt()
}

/// The result of [`beta_convergence`].
#[derive(Clone, Debug, PartialEq)]
pub struct BetaConvergence {
    /// The slope of annual growth on the logarithm of the start: below zero where areas that
    /// started low grew faster.
    pub estimate: Option<f64>,
    pub conf_low: Option<f64>,
    pub conf_high: Option<f64>,
    /// t of the slope.
    pub statistic: Option<f64>,
    /// Two-sided, of the hypothesis that growth does not depend on the start.
    pub p_value: Option<f64>,
    pub intercept: Option<f64>,
    pub r_squared: Option<f64>,
    /// β, the share of the distance to the common level that is made up for in a year.
    pub speed: Option<f64>,
    /// The years in which half of the distance is made up for.
    pub half_life: Option<f64>,
    /// The number of areas.
    pub n_obs: usize,
    pub method: Option<&'static str>,
    /// Why something is missing: everything, or what the text names.
    pub reason: Option<Reason>,
}

impl BetaConvergence {
    /// No figure, for this reason.
    pub fn unknown(reason: Reason, n_obs: usize) -> Self {
        Self {
            estimate: None,
            conf_low: None,
            conf_high: None,
            statistic: None,
            p_value: None,
            intercept: None,
            r_squared: None,
            speed: None,
            half_life: None,
            n_obs,
            method: None,
            reason: Some(reason),
        }
    }
}

/// Whether areas that start low grow faster: absolute β-convergence.
///
/// **Regression** by ordinary least squares over areas, with T = `years` between start and end:
///
/// ln(end/start)/T = a + b ln(start)
///
/// `estimate` is b, with Student's limits and test on n − 2 degrees of freedom. Where
/// b = −(1 − e^(−βT))/T, β = −ln(1 + bT)/T is the `speed` at which the distance to a common level
/// shrinks, and ln 2/β the `half_life` (Barro and Sala-i-Martin 1992, "Convergence", *Journal of
/// Political Economy* 100; R package REAT, `betaconv.ols`).
///
/// **Reading it.** Chance alone makes low starts grow and high ones fall (regression to the mean;
/// Quah 1993, "Galton's fallacy"): hold it against [`sigma_convergence`].
///
/// **Edge cases.** The half-life is missing where areas do not converge (b is not below zero),
/// speed and half-life where they overtake each other (bT ≤ −1), the test where all areas lie on a
/// line or are only two. Everything is missing, with a [`Reason`], where a value or `years` is not
/// above zero or not finite, for fewer than 2 areas, and where all start alike. The order of rows
/// does not matter.
pub fn beta_convergence(
    start_value: &[f64],
    end_value: &[f64],
    years: f64,
    conf_level: f64,
) -> BetaConvergence {
    beta(start_value, end_value, years, conf_level)
        .unwrap_or_else(|reason| BetaConvergence::unknown(reason, start_value.len()))
}

fn beta(
    start: &[f64],
    end: &[f64],
    years: f64,
    conf_level: f64,
) -> Result<BetaConvergence, Reason> {
    require_conf_level(conf_level)?;
    require_positive("years", years)?;
    require_same_length("start values", start, "end values", end)?;
    require_each(require_positive, "start_value", start)?;
    require_each(require_positive, "end_value", end)?;
    let n_obs = start.len();
    if n_obs < 2 {
        return Err(Reason::because(format!("there are {n_obs} areas (it takes 2 or more)")));
    }
    let mut rows: Vec<(f64, f64)> = start
        .iter()
        .zip(end)
        .map(|(start, end)| (libm::log(*start), (libm::log(*end) - libm::log(*start)) / years))
        .collect();
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let (x, y): (Vec<f64>, Vec<f64>) = rows.into_iter().unzip();
    let line = line::fit(&x, &y, conf_level)
        .ok_or_else(|| Reason::because("all areas have the same start_value"))?;
    require_finite_result(&[line.slope, line.intercept])?;

    let remaining = line.slope * years;
    // At −1 all areas end at one level: what rounding leaves of 1 + bT is no speed.
    let speed = (remaining > -1.0 + 1e-12).then(|| -libm::log1p(remaining) / years);
    let half_life = speed.filter(|speed| *speed > 0.0).map(|speed| std::f64::consts::LN_2 / speed);
    let reason = if speed.is_none() {
        Some(Reason::of_part(
            "speed and half-life",
            format!("estimate × years is {remaining} (it must be above -1)"),
        ))
    } else if half_life.is_none() {
        Some(Reason::of_part("the half-life", "areas do not converge"))
    } else {
        None
    };
    let (test, no_test) = match line.test {
        Ok(test) => (Some(test), None),
        Err(reason) => (None, Some(reason)),
    };
    Ok(BetaConvergence {
        estimate: Some(line.slope),
        conf_low: test.as_ref().map(|test| test.conf_low),
        conf_high: test.as_ref().map(|test| test.conf_high),
        statistic: test.as_ref().map(|test| test.statistic),
        p_value: test.as_ref().map(|test| test.p_value),
        intercept: Some(line.intercept),
        r_squared: line.r_squared,
        speed,
        half_life,
        n_obs,
        method: Some("OLS of annual growth on the logarithm of the start"),
        reason: no_test.or(reason),
    })
}

#[cfg(test)]
mod tests;
