-- Do local authorities differ by more than chance? Limits around the rate of all of them together, by
-- the size of the child population; wider ones where areas differ more than counts of one rate would.
with rates as (
    select *
    from england_care.starting
    where level = 'local_authority' and rate is not null
),
drawn as (
    select
        *,
        funnel_limits(children, population, statistic => 'rate', multiplier => 10000)
            over (partition by time_period) as plain,
        funnel_limits(children, population, statistic => 'rate', multiplier => 10000, method => 'over_dispersion_cqc')
            over (partition by time_period) as wide
    from rates
)
select
    ref_area, area, time_period, children, population, rate,
    plain['benchmark'] as baseline,
    plain['conf_low'] as conf_low,
    plain['conf_high'] as conf_high,
    plain['conf_low_998'] as conf_low_998,
    plain['conf_high_998'] as conf_high_998,
    plain['category'] as category,
    wide['phi'] as phi,
    wide['tau_squared'] as tau_squared,
    wide['conf_low_998'] as wide_low_998,
    wide['conf_high_998'] as wide_high_998,
    wide['category'] as wide_category,
    coalesce(plain['reason'], wide['reason']) as reason,
    children_cells, population_cells, cells
from drawn
