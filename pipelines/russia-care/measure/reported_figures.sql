-- Figures of later publications, each under its own definition, and one derived from two of them:
-- Leningrad oblast in 2017, from the number of 2018 and its growth on 2017.
with reported as (
    select * from russia_care.observations where dataset = 'published_figures'
),
all_figures as (
    select
        ref_area, time_period, indicator, obs_value, obs_status, unit_measure,
        false as derived,
        note as wording,
        make_array(cell_ref) as cells
    from reported
    union all
    select
        n.ref_area,
        cast(cast(n.time_period as int) - 1 as varchar) as time_period,
        n.indicator,
        n.obs_value / (1 + g.obs_value / 100) as obs_value,
        'E' as obs_status,
        n.unit_measure,
        true as derived,
        'derived: the number of the year after, divided by one plus its published growth' as wording,
        make_array(n.cell_ref, g.cell_ref) as cells
    from reported n
    join reported g
        on g.indicator = 'children_without_care_reported_change'
        and g.ref_area = n.ref_area
        and g.time_period = n.time_period
    where n.indicator = 'children_without_care_reported'
)
select
    f.ref_area,
    a.name_en as area,
    a.name_ru as area_ru,
    f.time_period,
    f.indicator,
    i.name_en as indicator_en,
    i.name_ru as indicator_ru,
    f.obs_value as value,
    f.obs_status,
    f.unit_measure,
    f.derived,
    cast(null as double) as rate,
    case
        when f.unit_measure = 'persons'
        then 'cannot be calculated because no child population of Russia is shipped'
    end as rate_reason,
    f.wording,
    f.cells
from all_figures f
join codelists.regions a on a.code = f.ref_area
join codelists.indicators i on i.code = f.indicator
