-- Is the rate of children starting to be looked after changing? A row an area: the published rule for
-- five years, and the Mann-Kendall test and slope of all years, adjusted for the number of areas.
with series as (
    select
        ref_area,
        max(area) as area,
        max(level) as level,
        min(time_period) filter (where rate is not null) as first_period,
        max(time_period) filter (where rate is not null) as last_period,
        trend_marker(
            children, population, cast(time_period as int),
            measure => 'rate', multiplier => 10000, status => obs_status
        ) as marker,
        mann_kendall(rate, cast(time_period as int), status => obs_status) as test,
        theil_sen(rate, cast(time_period as int), status => obs_status) as slope,
        aapc(rate, cast(time_period as int), status => obs_status) as change,
        array_distinct(flatten(array_agg(cells))) as cells
    from england_care.starting
    group by ref_area
),
-- Areas of one level are read together: those with a rate in the latest year, because an area that was
-- abolished and the one that followed it are not two.
tests as (
    select
        *,
        case when last_period = max(last_period) over () then test['p_value'] end as p_in_family
    from series
),
adjusted as (
    select
        *,
        benjamini_hochberg(p_in_family, level) over (partition by level) as fdr,
        holm(p_in_family, level) over (partition by level) as strict
    from tests
)
select
    ref_area, area, level, first_period, last_period,
    marker['marker'] as marker,
    marker['judgement'] as judgement,
    cast(cast(marker['first_time'] as int) as varchar) as marker_first_period,
    cast(cast(marker['last_time'] as int) as varchar) as marker_last_period,
    marker['estimate'] as marker_slope,
    marker['statistic'] as marker_chi_square,
    marker['p_value'] as marker_p_value,
    marker['reason'] as marker_reason,
    test['n_obs'] as n_obs,
    test['statistic'] as z,
    test['p_value'] as p_value,
    fdr['p_adjusted'] as p_value_fdr,
    strict['p_adjusted'] as p_value_holm,
    fdr['n_tests'] as n_tests,
    slope['estimate'] as slope,
    slope['conf_low'] as slope_low,
    slope['conf_high'] as slope_high,
    change['estimate'] as annual_change,
    change['conf_low'] as annual_change_low,
    change['conf_high'] as annual_change_high,
    coalesce(test['reason'], slope['reason'], change['reason']) as reason,
    slope['note'] as note,
    cells
from adjusted
