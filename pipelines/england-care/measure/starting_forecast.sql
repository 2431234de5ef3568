-- Short forecasts for planning: two years ahead for the country and its regions, as a local linear
-- trend. Figures of status F are forecasts, not observations.
with forecasts as (
    select
        ref_area,
        max(area) as area,
        max(level) as level,
        local_linear_trend(children, cast(time_period as int), 2, status => obs_status) as forecast,
        array_distinct(flatten(array_agg(children_cells))) as cells
    from england_care.starting
    where level in ('country', 'region')
    group by ref_area
),
points as (
    select ref_area, area, level, forecast['method'] as method, cells, unnest(forecast['points']) as point
    from forecasts
)
select
    ref_area, area, level,
    cast(cast(point['time'] as int) as varchar) as time_period,
    point['estimate'] as children,
    point['conf_low'] as conf_low,
    point['conf_high'] as conf_high,
    point['obs_status'] as obs_status,
    method,
    cells
from points
