-- Children looked after on 31 March, with and without unaccompanied asylum-seeking children (UASC).
-- Both numbers are of the 2018 edition, also where a later one leads: a number counted before a
-- revision is not taken from one counted after it. The population is that of the year before.
with edition as (
    select * from england_care.observations where dataset = 'dfe_looked_after_2018'
),
counted as (
    select
        c.ref_area,
        a.name_en as area,
        a.level,
        case when up.level = 'sub_region' then up.parent when a.level = 'local_authority' then a.parent end as region,
        c.time_period,
        c.obs_value as children,
        c.obs_status,
        u.obs_value as uasc,
        u.obs_status as uasc_status,
        c.obs_value - u.obs_value as without_uasc,
        p.obs_value as population,
        p.time_period as population_year,
        r.obs_value as rate_published,
        c.cell_ref as children_cell,
        u.cell_ref as uasc_cell,
        p.cell_ref as population_cell,
        r.cell_ref as rate_published_cell
    from edition c
    join codelists.regions a on a.code = c.ref_area
    left join codelists.regions up on up.code = a.parent
    left join edition u
        on u.indicator = 'uasc_31_march'
        and u.ref_area = c.ref_area
        and u.time_period = c.time_period
    left join edition r
        on r.indicator = 'cla_31_march_rate'
        and r.ref_area = c.ref_area
        and r.time_period = c.time_period
    left join england_care.observations p
        on p.is_leading
        and p.indicator = 'population_0_17'
        and p.ref_area = c.ref_area
        and cast(p.time_period as int) = cast(c.time_period as int) - 1
    where c.indicator = 'cla_31_march'
)
select
    ref_area, area, level, region, time_period, children, obs_status, uasc, uasc_status, without_uasc,
    population, population_year,
    case when population > 0 then children / population * 10000 end as rate,
    case when population > 0 then without_uasc / population * 10000 end as rate_without_uasc,
    rate_published,
    make_array(children_cell) as children_cells,
    make_array(uasc_cell) as uasc_cells,
    make_array(children_cell, uasc_cell) as without_uasc_cells,
    make_array(population_cell) as population_cells,
    make_array(children_cell, population_cell) as rate_cells,
    make_array(children_cell, uasc_cell, population_cell) as rate_without_uasc_cells,
    make_array(rate_published_cell) as rate_published_cells,
    make_array(children_cell, uasc_cell, population_cell, rate_published_cell) as cells
from counted
