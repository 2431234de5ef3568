-- Is the number found without parental care changing? The published rule for the five latest
-- consecutive years of a series, and the Mann-Kendall test of all its years with a rate.
with series as (
    select
        indicator,
        ref_area,
        max(area) as area,
        max(area_ru) as area_ru,
        min(time_period) filter (where rate is not null) as first_period,
        max(time_period) filter (where rate is not null) as last_period,
        trend_marker(
            found, population, cast(time_period as int),
            polarity => 'low is good', measure => 'rate', multiplier => 10000, status => obs_status
        ) as marker,
        mann_kendall(rate, cast(time_period as int), status => obs_status) as test,
        theil_sen(rate, cast(time_period as int), status => obs_status) as slope,
        aapc(rate, cast(time_period as int), status => obs_status) as change,
        array_distinct(flatten(array_agg(cells))) as cells
    from russia_care.found_rate
    group by indicator, ref_area
)
select
    indicator, ref_area, area, area_ru, first_period, last_period,
    marker['marker'] as marker,
    marker['judgement'] as judgement,
    case marker['judgement']
        when 'increasing and getting worse' then 'растёт, положение ухудшается'
        when 'decreasing and getting better' then 'снижается, положение улучшается'
        when 'no significant change' then 'значимого изменения нет'
        when 'not enough data' then 'данных недостаточно'
    end as judgement_ru,
    cast(cast(marker['first_time'] as int) as varchar) as marker_first_year,
    cast(cast(marker['last_time'] as int) as varchar) as marker_last_year,
    marker['estimate'] as marker_slope,
    marker['statistic'] as marker_chi_square,
    marker['p_value'] as marker_p_value,
    marker['reason'] as marker_reason,
    test['n_obs'] as n_obs,
    test['statistic'] as z,
    test['p_value'] as p_value,
    slope['estimate'] as slope,
    slope['conf_low'] as slope_low,
    slope['conf_high'] as slope_high,
    change['estimate'] as annual_change,
    change['conf_low'] as annual_change_low,
    change['conf_high'] as annual_change_high,
    coalesce(test['reason'], slope['reason'], change['reason']) as reason,
    slope['note'] as note,
    cells
from series
