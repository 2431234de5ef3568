//! The answer from draws of the posterior.

use super::{CausalImpact, CausalImpactOptions, Cut, ImpactLevel, ImpactPosterior, controls, note};
use crate::Reason;
use crate::distribution::normal;
use crate::effect::{Effect, Notes};
use crate::inference::resampling::MAX_DRAWS;
use crate::its::CounterfactualPoint;
use crate::its::posterior::{self, Drawn, Given, Plan};
use crate::its::series::Series;
use crate::reason::require_finite_result;

/// So many points before the intervention: a level, and a variance.
pub(super) const LEAST_POINTS: usize = 3;

/// Limits are quantiles, which fewer draws do not show.
const LEAST_DRAWS: u32 = 100;

/// No more draws times steps than this: what is kept must fit into memory.
const MOST_WORK: u64 = 50_000_000;

const MOST_COVARIATES: usize = 100;

/// Below this share of its size, what a control series varies by is rounding.
const NO_SPREAD: f64 = 1e-12;

/// So many control series are told one by one.
const TOLD: usize = 8;

/// Mean and standard deviation before the intervention: what numbers are counted from and in.
#[derive(Clone, Copy, Debug)]
struct Scale {
    mean: f64,
    sd: f64,
}

impl Scale {
    fn of(values: &[Option<f64>]) -> Self {
        let n = values.iter().flatten().count() as f64;
        let mean = values.iter().flatten().sum::<f64>() / n;
        let squares: f64 = values.iter().flatten().map(|value| (value - mean).powi(2)).sum();
        Self { mean, sd: (squares / (n - 1.0)).sqrt() }
    }

    fn to(self, value: f64) -> f64 {
        (value - self.mean) / self.sd
    }

    fn from(self, value: f64) -> f64 {
        self.mean + self.sd * value
    }
}

fn check(
    series: &Series,
    posterior: &ImpactPosterior,
    options: &CausalImpactOptions<'_>,
) -> Result<(), Reason> {
    let because = |why: String| Err(Reason::because(why));
    let ImpactPosterior { draws, prior_level_sd, expected_model_size, .. } = *posterior;
    if options.level == ImpactLevel::LocalLinearTrend {
        return because("the posterior of a level with a slope is not sampled".to_owned());
    }
    if options.seasonal_period.is_some() {
        return because("the posterior of a model with a season is not sampled".to_owned());
    }
    if options.start_variance.is_some() {
        return because(
            "a posterior takes no start_variance: its first level has a prior".to_owned(),
        );
    }
    if options.variances.is_some_and(|variances| variances[0] <= 0.0) {
        return because("a posterior takes noise with a variance above zero".to_owned());
    }
    if !(LEAST_DRAWS..=MAX_DRAWS).contains(&draws) {
        return because(format!("draws is {draws} (it must lie between 100 and 1,000,000)"));
    }
    if !(1e-6..=1.0).contains(&prior_level_sd) {
        return because(format!(
            "prior_level_sd is {prior_level_sd} (it must lie between 0.000001 and 1)"
        ));
    }
    if !(expected_model_size.is_finite() && expected_model_size > 0.0) {
        return because(format!(
            "expected_model_size is {expected_model_size} (it must be a finite number above zero)"
        ));
    }
    if options.covariates.len() > MOST_COVARIATES {
        return because(format!(
            "there are {} covariates ({MOST_COVARIATES} at most)",
            options.covariates.len()
        ));
    }
    let steps = series.steps()?.last().copied().unwrap_or(0) as u64 + 1;
    if steps * u64::from(draws) > MOST_WORK {
        return because(format!(
            "draws is {draws} and there are {steps} steps (the product must not be above {MOST_WORK})"
        ));
    }
    Ok(())
}

pub(super) fn calculate(
    series: &Series,
    cut: &Cut,
    posterior: &ImpactPosterior,
    options: &CausalImpactOptions<'_>,
) -> Result<CausalImpact, Reason> {
    check(series, posterior, options)?;
    let outcome = Scale::of(&cut.before.y);
    let scales: Vec<Scale> = cut.before.x.iter().map(|x| Scale::of(x)).collect();
    for (x, scale) in series.covariates.iter().zip(&scales) {
        let size = x.iter().map(|value| value.abs()).fold(0.0, f64::max);
        if scale.sd <= NO_SPREAD * size {
            return Err(Reason::because(
                "a covariate is constant before the intervention: it cannot be told from the level",
            ));
        }
    }
    let in_sds = |scale: &Scale, x: &[Option<f64>]| -> Vec<f64> {
        x.iter().map(|x| x.map_or(0.0, |x| scale.to(x))).collect()
    };
    let given = Given {
        y: cut.before.y.iter().map(|y| y.map(|y| outcome.to(y))).collect(),
        x: scales.iter().zip(&cut.before.x).map(|(scale, x)| in_sds(scale, x)).collect(),
        after: cut.after.iter().map(Option::is_some).collect(),
        after_x: scales
            .iter()
            .zip(&cut.after_x)
            .map(|(scale, x)| x.iter().map(|x| scale.to(*x)).collect())
            .collect(),
    };
    let square = outcome.sd * outcome.sd;
    let plan = Plan {
        drifts: options.level != ImpactLevel::Static,
        level_sd: posterior.prior_level_sd,
        expected_size: posterior.expected_model_size,
        variances: options.variances.map(|[noise, drift, ..]| [noise / square, drift / square]),
        draws: posterior.draws,
        seed: posterior.seed,
    };
    let mut drawn = posterior::draw(&given, &plan);
    for value in drawn.predictions.iter_mut().chain(&mut drawn.means) {
        *value = outcome.from(*value) + cut.origin;
    }
    require_finite_result(&drawn.means)?;
    let mut answer = effects(series, cut, &drawn, options);
    answer.points.splice(0..0, points_before(series, cut, outcome, &drawn, options.conf_level));

    let slopes: Vec<f64> = scales.iter().map(|scale| outcome.sd / scale.sd).collect();
    answer.coefficients = slopes.iter().zip(&drawn.coefficients).map(|(s, b)| s * b.0).collect();
    answer.coefficient_errors =
        slopes.iter().zip(&drawn.coefficients).map(|(s, b)| s * b.1.sqrt()).collect();
    // The level in units of the outcome counts control series from zero, not from their means.
    let moved: f64 = answer
        .coefficients
        .iter()
        .zip(scales.iter().zip(&cut.origins))
        .map(|(b, (scale, origin))| b * (scale.mean + origin))
        .sum();
    let level = |step: &usize| outcome.from(drawn.levels[*step]) + cut.origin - moved;
    answer.levels = cut.steps.iter().map(level).collect();
    answer.irregular_variance = Some(square * drawn.variances[0]);
    answer.level_variance = plan.drifts.then_some(square * drawn.variances[1]);
    answer.inclusion = drawn.inclusion;
    sign(&mut answer, series, posterior, options);
    Ok(answer)
}

/// The time before: what all of it says, and what was to be expected from the times before each.
fn points_before(
    series: &Series,
    cut: &Cut,
    outcome: Scale,
    drawn: &Drawn,
    conf_level: f64,
) -> Vec<CounterfactualPoint> {
    let reach = normal::two_sided(conf_level);
    let point = |(row, step): (usize, &usize)| {
        // The first value is where its own forecast is from.
        let ahead = (row > 0).then(|| {
            let (mean, variance) = drawn.ahead[*step];
            (outcome.from(mean) + cut.origin, reach * outcome.sd * variance.sqrt())
        });
        CounterfactualPoint {
            time: series.time[row],
            observed: series.y[row],
            fitted: Some(outcome.from(drawn.signals[*step]) + cut.origin),
            counterfactual: ahead.map(|(mean, _)| mean),
            conf_low: ahead.map(|(mean, reach)| mean - reach),
            conf_high: ahead.map(|(mean, reach)| mean + reach),
            ..CounterfactualPoint::default()
        }
    };
    cut.steps.iter().enumerate().map(point).collect()
}

/// The time after, and the effects of all of it.
fn effects(
    series: &Series,
    cut: &Cut,
    drawn: &Drawn,
    options: &CausalImpactOptions<'_>,
) -> CausalImpact {
    let rows: Vec<usize> = cut.after.iter().flatten().copied().collect();
    let draws = drawn.predictions.len() / rows.len().max(1);
    let tails = 0.5 * (1.0 - options.conf_level);
    let mut sums = vec![0.0; draws];
    let mut column = vec![0.0; draws];
    let (mut sum, mut base) = (0.0, 0.0);
    let mut points = Vec::with_capacity(rows.len());
    let mut ends = (None, None);
    for (place, row) in rows.iter().enumerate() {
        let (y, counterfactual) = (series.y[*row], drawn.means[place]);
        let predicted = drawn.predictions.iter().skip(place).step_by(rows.len());
        for ((value, sum), predicted) in column.iter_mut().zip(&mut sums).zip(predicted) {
            *value = *predicted;
            *sum += y - predicted;
        }
        let (low, high) = limits(&mut column, tails);
        column.copy_from_slice(&sums);
        ends = limits(&mut column, tails);
        sum += y - counterfactual;
        base += counterfactual;
        points.push(CounterfactualPoint {
            time: series.time[*row],
            treated: true,
            observed: y,
            counterfactual: Some(counterfactual),
            conf_low: low,
            conf_high: high,
            effect: Some(y - counterfactual),
            effect_low: high.map(|high| y - high),
            effect_high: low.map(|low| y - low),
            cumulative: Some(sum),
            cumulative_low: ends.0,
            cumulative_high: ends.1,
            ..CounterfactualPoint::default()
        });
    }
    // The series itself is one more draw, had there been no effect.
    let count = |far: fn(&f64) -> bool| sums.iter().filter(|sum| far(sum)).count() + 1;
    let beyond = count(|sum| *sum <= 0.0).min(count(|sum| *sum >= 0.0));
    let tail_area = beyond as f64 / (draws as f64 + 1.0);
    let line = |term: &str, estimate: f64, draws: &[f64], (low, high), scale: f64| {
        let error = (scale * deviation(draws) > 0.0).then(|| scale * deviation(draws));
        Effect {
            term: term.to_owned(),
            estimate: Some(estimate),
            std_error: error,
            statistic: error.map(|error| estimate / error),
            p_value: Some((2.0 * tail_area).min(1.0)),
            conf_low: times(low, scale),
            conf_high: times(high, scale),
            ..Effect::default()
        }
    };
    let n = rows.len() as f64;
    let total: f64 = rows.iter().map(|row| series.y[*row]).sum();
    let relative = {
        let least = sums.iter().map(|sum| total - sum).fold(base, f64::min);
        if least > 0.0 {
            let mut shares: Vec<f64> = sums.iter().map(|sum| sum / (total - sum)).collect();
            let mean = shares.iter().sum::<f64>() / draws as f64;
            let ends = limits(&mut shares, tails);
            line("relative effect", mean, &shares, ends, 1.0)
        } else {
            Effect {
                term: "relative effect".to_owned(),
                ..Effect::unknown(Reason::because(format!(
                    "the sum of the counterfactual of a draw is {least} (it must be above zero)"
                )))
            }
        }
    };
    CausalImpact {
        average: line("average effect", sum / n, &sums, ends, 1.0 / n),
        cumulative: line("cumulative effect", sum, &sums, ends, 1.0),
        relative,
        tail_area: Some(tail_area),
        points,
        ..CausalImpact::default()
    }
}

fn times(value: Option<f64>, by: f64) -> Option<f64> {
    value.map(|value| value * by)
}

fn deviation(draws: &[f64]) -> f64 {
    let n = draws.len() as f64;
    let mean = draws.iter().sum::<f64>() / n;
    (draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}

/// The quantiles that leave a share of `tails` on either side. Changes the order of the draws.
fn limits(draws: &mut [f64], tails: f64) -> (Option<f64>, Option<f64>) {
    (quantile(draws, tails), quantile(draws, 1.0 - tails))
}

/// Interpolated between order statistics (type 7 of Hyndman and Fan 1996).
fn quantile(draws: &mut [f64], share: f64) -> Option<f64> {
    let at = share * draws.len().checked_sub(1)? as f64;
    let below = at.floor() as usize;
    let (_, low, above) = draws.select_nth_unstable_by(below, f64::total_cmp);
    let next = above.iter().copied().fold(f64::INFINITY, f64::min);
    let part = at - below as f64;
    Some(if part > 0.0 && next.is_finite() { *low + part * (next - *low) } else { *low })
}

/// Words: how it was calculated, and what to know.
fn sign(
    answer: &mut CausalImpact,
    series: &Series,
    posterior: &ImpactPosterior,
    options: &CausalImpactOptions<'_>,
) {
    let level = if options.level == ImpactLevel::Static { "static level" } else { "local level" };
    let slab = match options.covariates.len() {
        0 => "",
        _ => " under spike and slab",
    };
    let variances = if options.variances.is_some() { "given variances, " } else { "" };
    let method = format!(
        "structural time series, {level}{}{slab}, {variances}{} draws of the posterior",
        controls(options),
        posterior.draws
    );
    let mut notes = Notes::default();
    note(series, options).into_iter().for_each(|note| notes.add(note));
    if !answer.inclusion.is_empty() && answer.inclusion.len() <= TOLD {
        let shares: Vec<String> =
            answer.inclusion.iter().map(|share| format!("{:.0} %", 100.0 * share)).collect();
        notes.add(format!("control series were in the model in {} of draws", shares.join(", ")));
    }
    let note = notes.text();
    for effect in [&mut answer.average, &mut answer.cumulative, &mut answer.relative] {
        effect.n_obs = series.n_obs();
        effect.n_units = 1;
        effect.method = Some(method.clone());
        effect.note.clone_from(&note);
    }
    answer.n_obs = series.n_obs();
    answer.n_before = series.first_treated;
    answer.method = Some(method);
    answer.note = note;
}

#[cfg(test)]
mod tests;
