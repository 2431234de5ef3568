-- Control chart of the rate of children found in Russia, for the consecutive years 2005 to 2010.
with charted as (
    select
        *,
        xmr_point(rate, cast(time_period as int), polarity => 'low is good', status => obs_status)
            over (partition by indicator, ref_area) as point
    from russia_care.found_rate
    where indicator = 'found_without_care' and rate is not null and time_period >= '2005'
)
select
    indicator, ref_area, area, area_ru, time_period, rate,
    point['mean'] as mean,
    point['lower'] as lower_limit,
    point['upper'] as upper_limit,
    point['outside_limits'] as outside_limits,
    point['signal'] as signal,
    point['limits_kind'] as limits_kind,
    point['reason'] as reason,
    point['note'] as note,
    cells
from charted
