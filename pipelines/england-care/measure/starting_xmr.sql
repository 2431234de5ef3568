-- Control chart of an area's own years: mean, process limits and signals. Ten years are fewer than the
-- twelve that fixed limits take, so all limits are trial limits, and say so.
with charted as (
    select
        *,
        xmr_point(rate, cast(time_period as int), status => obs_status) over (partition by ref_area) as point
    from england_care.starting
    where rate is not null
)
select
    ref_area, area, level, time_period, rate,
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
