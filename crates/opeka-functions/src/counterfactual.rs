//! What `its`, `controlled_its` and `causal_impact` share: options, and the fields of their results.

use opeka_stats::{CounterfactualPoint, ItsErrors, LevelAt, NeweyWestLag, Reason};

use crate::effects::whole_number;
use crate::parameters::{Kind, Options};
use crate::row::{Column, Row};

pub(crate) const SERIES_TIME_ARGUMENT: &str =
    "The period, as a number: `cast(time_period as int)`. One row for each period.";
pub(crate) const SERIES_TREATED_ARGUMENT: &str = "Whether the intervention was there: true or 1 \
    from the first period on in which it was. Periods of which it is not known (NULL), such as those \
    in which it came in, are left out, and told.";
pub(crate) const LAG_ARGUMENT: &str = "Neighbours that Newey-West errors take in. Default: \
    4(n/100)^(2/9), cut to a whole number.";
pub(crate) const SMALL_SAMPLE_ARGUMENT: &str = "Whether the Newey-West covariance is multiplied \
    by n/(n-k), as Stata does and R does not. Default true.";
pub(crate) const LEVEL_AT_ARGUMENT: &str = "Where the level change is read off: 'last_before', one \
    step before the first treated period (time since the intervention counts 1, 2, ...), or \
    'first_after', at it (0, 1, ...). Default 'last_before'.";

pub(crate) const LAG: (&str, Kind) = ("lag", Kind::NumberOrNone);
pub(crate) const SMALL_SAMPLE: (&str, Kind) = ("small_sample", Kind::Flag(true));
pub(crate) const LEVEL_AT: (&str, Kind) =
    ("level_at", Kind::Choice(&["last_before", "first_after"]));

pub(crate) fn errors(options: &Options) -> ItsErrors {
    match options.choice("errors") {
        "ols" => ItsErrors::Model,
        "hc1" => ItsErrors::Hc1,
        "hc3" => ItsErrors::Hc3,
        "prais_winsten" => ItsErrors::PraisWinsten,
        "cochrane_orcutt" => ItsErrors::CochraneOrcutt,
        "ar1" => ItsErrors::Ar1,
        "ar1_reml" => ItsErrors::Ar1Reml,
        _ => ItsErrors::NeweyWest,
    }
}

pub(crate) fn lag(options: &Options) -> Result<NeweyWestLag, Reason> {
    if options.number_or_none("lag").is_some() {
        return Ok(NeweyWestLag::Fixed(whole_number(options, "lag")? as usize));
    }
    Ok(match options.choice("bandwidth") {
        "automatic" => NeweyWestLag::Automatic,
        _ => NeweyWestLag::Rule,
    })
}

pub(crate) fn level_at(options: &Options) -> LevelAt {
    match options.choice("level_at") {
        "first_after" => LevelAt::FirstAfter,
        _ => LevelAt::LastBefore,
    }
}

/// The fields of a result with `average`, `cumulative`, `relative` and `points`: those of the
/// average effect stand first, more may follow.
macro_rules! impact_columns {
    ($row:ty; [$($more:tt)*]) => {
        $crate::effects::effect_columns!($row, r => r.average; []; [
            ("cumulative", $crate::row::Column::Number(|r| r.cumulative.estimate)),
            ("cumulative_error", $crate::row::Column::Number(|r| r.cumulative.std_error)),
            ("cumulative_low", $crate::row::Column::Number(|r| r.cumulative.conf_low)),
            ("cumulative_high", $crate::row::Column::Number(|r| r.cumulative.conf_high)),
            ("relative", $crate::row::Column::Number(|r| r.relative.estimate)),
            ("relative_low", $crate::row::Column::Number(|r| r.relative.conf_low)),
            ("relative_high", $crate::row::Column::Number(|r| r.relative.conf_high)),
            $($more)*
            ("points", $crate::row::Column::List(&$crate::row::List(|r: &$row| &r.points))),
        ])
    };
}
pub(crate) use impact_columns;

impl Row for CounterfactualPoint {
    const COLUMNS: &'static [(&'static str, Column<Self>)] = &[
        ("time", Column::Number(|p| Some(p.time))),
        ("treated", Column::Flag(|p| Some(p.treated))),
        ("observed", Column::Number(|p| Some(p.observed))),
        ("fitted", Column::Number(|p| p.fitted)),
        ("counterfactual", Column::Number(|p| p.counterfactual)),
        ("conf_low", Column::Number(|p| p.conf_low)),
        ("conf_high", Column::Number(|p| p.conf_high)),
        ("effect", Column::Number(|p| p.effect)),
        ("effect_low", Column::Number(|p| p.effect_low)),
        ("effect_high", Column::Number(|p| p.effect_high)),
        ("cumulative", Column::Number(|p| p.cumulative)),
        ("cumulative_low", Column::Number(|p| p.cumulative_low)),
        ("cumulative_high", Column::Number(|p| p.cumulative_high)),
    ];

    fn unknown(_reason: Reason) -> Self {
        Self::default()
    }
}

/// What is said of the fields that all three have.
pub(crate) const IMPACT_FIELDS: &str = "The average effect over the treated periods: `term`, \
    `estimate`, `std_error`, `statistic`, `p_value`, `conf_low`, `conf_high`; `n_obs`, `n_units`; \
    `method`, `note` and `reason` (text). Of the sum of the effects: `cumulative`, \
    `cumulative_error`, `cumulative_low`, `cumulative_high`; as a share of the sum of the \
    counterfactual: `relative`, `relative_low`, `relative_high`.";

/// What is said of `points`.
pub(crate) const POINT_FIELDS: &str = "`points`, one for each period, for a chart: `time`, \
    `treated`, `observed`, `fitted`, `counterfactual` with `conf_low` and `conf_high`, and from the \
    intervention on `effect` and the sum so far, `cumulative`, each with `_low` and `_high`.";
