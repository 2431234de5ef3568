//! What is tried: each method answers from a panel with an effect and its limits.

use opeka_stats::{
    AttAggregateOptions, CausalImpactOptions, DidImputationOptions, Effect, EffectAt, Errors,
    ItsErrors, ItsOptions, PanelRows, PermutationOptions, PermutationStatistic,
    SunAbrahamAggregation, SunAbrahamOptions, SyntheticDidOptions, TwfeInference, TwfeOptions,
    WildBootstrapOptions, WildDistribution, att_aggregate, causal_impact, did_imputation, did_twfe,
    its, permutation_test, sun_abraham, synthetic_did, wild_bootstrap,
};

use crate::designs::{Panel, Series};

pub(crate) struct Method {
    pub(crate) name: &'static str,
    /// The SQL function of which it is a way to call.
    pub(crate) function: &'static str,
    /// Not tried with more areas: it would take too long.
    pub(crate) most_areas: usize,
    pub(crate) run: fn(&Panel) -> Effect,
}

const ANY: usize = usize::MAX;

/// In the order of the columns.
pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "CR1",
        function: "did_twfe",
        most_areas: ANY,
        run: |panel| regression(panel, Errors::Cluster),
    },
    Method {
        name: "CR2",
        function: "did_twfe",
        most_areas: ANY,
        run: |panel| regression(panel, Errors::Cr2),
    },
    Method {
        name: "CR3",
        function: "did_twfe",
        most_areas: ANY,
        run: |panel| regression(panel, Errors::Cr3),
    },
    Method {
        name: "wild, Rademacher",
        function: "wild_bootstrap",
        most_areas: ANY,
        run: |panel| wild(panel, WildDistribution::Rademacher),
    },
    Method {
        name: "wild, Webb",
        function: "wild_bootstrap",
        most_areas: ANY,
        run: |panel| wild(panel, WildDistribution::Webb),
    },
    Method {
        name: "permutation",
        function: "permutation_test",
        most_areas: ANY,
        run: |panel| permutation(panel, PermutationStatistic::DidTwfe, false),
    },
    Method {
        name: "permutation of t",
        function: "permutation_test",
        most_areas: ANY,
        run: |panel| permutation(panel, PermutationStatistic::Studentised, false),
    },
    Method {
        name: "permutation, rescaled",
        function: "permutation_test",
        most_areas: ANY,
        run: |panel| permutation(panel, PermutationStatistic::DidTwfe, true),
    },
    Method {
        name: "Callaway–Sant'Anna",
        function: "att_aggregate",
        most_areas: ANY,
        run: |panel| {
            let options = AttAggregateOptions::default();
            overall(att_aggregate(&rows(panel), &panel.first_treated(), None, &options).effects)
        },
    },
    Method {
        name: "imputation",
        function: "did_imputation",
        most_areas: ANY,
        run: |panel| {
            let options = DidImputationOptions::default();
            overall(did_imputation(&rows(panel), &panel.first_treated(), &options).effects)
        },
    },
    Method {
        name: "Sun–Abraham",
        function: "sun_abraham",
        most_areas: ANY,
        run: |panel| {
            let options = SunAbrahamOptions {
                aggregation: SunAbrahamAggregation::Att,
                ..SunAbrahamOptions::default()
            };
            overall(sun_abraham(&rows(panel), &panel.first_treated(), &options).effects)
        },
    },
    Method {
        name: "synthetic DiD",
        function: "synthetic_did",
        most_areas: 50,
        run: |panel| {
            let options = SyntheticDidOptions { draws: 50, ..SyntheticDidOptions::default() };
            synthetic_did(&rows(panel), &panel.treated, &options).effect
        },
    },
];

/// A method of one series.
pub(crate) struct SeriesMethod {
    pub(crate) name: &'static str,
    pub(crate) function: &'static str,
    pub(crate) run: fn(&Series) -> Effect,
}

pub(crate) const SERIES_METHODS: &[SeriesMethod] = &[
    SeriesMethod {
        name: "segmented, Newey–West",
        function: "its",
        run: |series| segmented(series, ItsErrors::NeweyWest),
    },
    SeriesMethod {
        name: "segmented, Prais–Winsten",
        function: "its",
        run: |series| segmented(series, ItsErrors::PraisWinsten),
    },
    SeriesMethod {
        name: "segmented, least squares",
        function: "its",
        run: |series| segmented(series, ItsErrors::Model),
    },
    SeriesMethod {
        name: "structural",
        function: "causal_impact",
        run: |series| {
            let control = [series.control.as_slice()];
            let options =
                CausalImpactOptions { covariates: &control, ..CausalImpactOptions::default() };
            causal_impact(&series.y, &series.time, &series.treated, &options).average
        },
    },
];

const DRAWS: u32 = 199;

fn rows(panel: &Panel) -> PanelRows<'_> {
    PanelRows::new(&panel.y, &panel.unit, &panel.time)
}

fn overall(effects: Vec<EffectAt>) -> Effect {
    effects.into_iter().next().map(|at| at.effect).unwrap_or_default()
}

fn regression(panel: &Panel, errors: Errors) -> Effect {
    let inference = TwfeInference::Errors;
    let options = TwfeOptions { errors, inference, ..TwfeOptions::default() };
    did_twfe(&rows(panel), &panel.treated, &options).effect
}

fn segmented(series: &Series, errors: ItsErrors) -> Effect {
    let options = ItsOptions { errors, ..ItsOptions::default() };
    its(&series.y, &series.time, &series.treated, &options).average
}

fn wild(panel: &Panel, distribution: WildDistribution) -> Effect {
    let options =
        WildBootstrapOptions { distribution, draws: DRAWS, ..WildBootstrapOptions::default() };
    wild_bootstrap(&rows(panel), &panel.treated, &options).effect
}

fn permutation(panel: &Panel, statistic: PermutationStatistic, rescaled: bool) -> Effect {
    let population = rescaled.then_some(panel.population.as_slice());
    let options =
        PermutationOptions { statistic, population, draws: DRAWS, ..PermutationOptions::default() };
    permutation_test(&rows(panel), &panel.treated, &options).effect
}
