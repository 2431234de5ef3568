//! What is tried: each method says from a panel whether it rejects no effect and whether its limits
//! hold the true one.

use opeka_stats::{
    Effect, Errors, PanelRows, PermutationOptions, PermutationStatistic, TwfeOptions,
    WildBootstrapOptions, WildDistribution, did_twfe, permutation_test, wild_bootstrap,
};

use crate::designs::Panel;

pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Panel) -> Effect,
}

/// In the order in which they are recommended where several hold.
pub(crate) const METHODS: &[Method] = &[
    Method { name: "CR1", run: |panel| regression(panel, Errors::Cluster) },
    Method { name: "CR2", run: |panel| regression(panel, Errors::Cr2) },
    Method { name: "CR3", run: |panel| regression(panel, Errors::Cr3) },
    Method { name: "wild, Rademacher", run: |panel| wild(panel, WildDistribution::Rademacher) },
    Method { name: "wild, Webb", run: |panel| wild(panel, WildDistribution::Webb) },
    Method {
        name: "permutation",
        run: |panel| permutation(panel, PermutationStatistic::DidTwfe, false),
    },
    Method {
        name: "permutation of t",
        run: |panel| permutation(panel, PermutationStatistic::Studentised, false),
    },
    Method {
        name: "permutation, rescaled",
        run: |panel| permutation(panel, PermutationStatistic::DidTwfe, true),
    },
];

const DRAWS: u32 = 199;

fn rows(panel: &Panel) -> PanelRows<'_> {
    PanelRows::new(&panel.y, &panel.unit, &panel.time)
}

fn regression(panel: &Panel, errors: Errors) -> Effect {
    let options = TwfeOptions { errors, ..TwfeOptions::default() };
    did_twfe(&rows(panel), &panel.treated, &options).effect
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
