-- Children who started to be looked after in the year ending 31 March: a flow, with limits.
with figures as (
    select * from england_care.observations where is_leading
),
rates as (
    select
        s.ref_area,
        a.name_en as area,
        a.level,
        s.time_period,
        s.obs_value as children,
        s.obs_status,
        p.obs_value as population,
        rate_ci(s.obs_value, p.obs_value, 10000) as ci,
        make_array(s.cell_ref) as children_cells,
        make_array(p.cell_ref) as population_cells,
        make_array(s.cell_ref, p.cell_ref) as cells
    from figures s
    join codelists.regions a on a.code = s.ref_area
    left join figures p
        on p.indicator = 'population_0_17'
        and p.ref_area = s.ref_area
        and cast(p.time_period as int) = cast(s.time_period as int) - 1
    where s.indicator = 'cla_starting'
)
select
    ref_area, area, level, time_period, children, obs_status, population,
    ci['estimate'] as rate,
    ci['conf_low'] as conf_low,
    ci['conf_high'] as conf_high,
    ci['conf_low_998'] as conf_low_998,
    ci['conf_high_998'] as conf_high_998,
    ci['method'] as method,
    ci['reason'] as reason,
    children_cells,
    population_cells,
    cells
from rates
