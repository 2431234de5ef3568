-- What there is to compare, one row a claim of which there is a published statistic.
with used as (
    select *, min(first_treated) over (partition by programme, claim) as first_of_all
    from programmes.panel where not touched
)
select
    programme,
    claim,
    count(distinct case when treated and figures = years then ref_area end) as treated_areas,
    count(distinct case when role = 'control' then ref_area end) as control_areas,
    count(distinct case when role = 'control' and neighbour then ref_area end) as neighbour_areas,
    count(distinct case when role = 'left_out' then ref_area end) as left_out_areas,
    count(distinct case when role = 'incomplete' then ref_area end) as incomplete_areas,
    count(distinct case when role = 'small' then ref_area end) as small_areas,
    count(distinct case when role = 'treated' and figures < years then ref_area end) as suppressed_areas,
    count(distinct first_treated) as cohorts,
    min(first_treated) as first_treated,
    min(year) as first_year,
    max(year) as last_year,
    count(distinct case when year < first_of_all then year end) as pre_years,
    count(distinct case when treated then year end) as post_years,
    count(distinct case when in_event then year end) as event_years,
    array_agg(distinct case when treated and figures = years then area end) as treated_names,
    array_agg(distinct case when treated and figures = years then area_ru end) as treated_names_ru,
    -- Treated areas' children, of the years that are treated.
    sum(case when treated then population end)
        / nullif(count(distinct case when treated then year end), 0) as treated_children,
    bool_and(size is not null) filter (where role = 'control' or (role = 'treated' and figures = years)) as sized,
    max(per) as per,
    avg(case when treated and figures = years then y end) as treated_mean,
    flatten(array_agg(cells) filter (where role = 'treated')) as cells
from used
group by programme, claim
having count(distinct case when role = 'treated' then ref_area end) > 0
