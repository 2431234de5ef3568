-- The authorities of May 2017 with and without unaccompanied asylum-seeking children, as far as the figures
-- allow: 2014 to 2018, so that one year is treated, and only authorities of which every year is shown.
with treated as (
    select distinct ref_area from programmes.cohorts
    where programme = 'family_safeguarding' and component = 'innovation_programme_round_2'
),
adopters as (
    select distinct ref_area from programmes.cohorts
),
figures as (
    select l.ref_area, cast(l.time_period as int) as year, l.rate, l.rate_without_uasc, l.cells,
        t.ref_area is not null as is_treated,
        count(l.rate_without_uasc) over (partition by l.ref_area) as shown
    from england_care.looked_after_without_uasc l
    left join treated t on t.ref_area = l.ref_area
    left join adopters a on a.ref_area = l.ref_area
    where l.level = 'local_authority' and (t.ref_area is not null or a.ref_area is null)
),
used as (
    select * from figures where shown = 5
),
estimates as (
    select 'all children' as measure, did_twfe(rate, ref_area, year, is_treated and year = 2018) as e,
        count(distinct case when is_treated then ref_area end) as treated_areas,
        count(distinct case when not is_treated then ref_area end) as control_areas,
        flatten(array_agg(cells) filter (where is_treated)) as cells
    from used
    union all
    select 'without UASC', did_twfe(rate_without_uasc, ref_area, year, is_treated and year = 2018),
        count(distinct case when is_treated then ref_area end),
        count(distinct case when not is_treated then ref_area end),
        flatten(array_agg(cells) filter (where is_treated))
    from used
)
select measure, e['estimate'] as estimate, e['conf_low'] as conf_low, e['conf_high'] as conf_high,
    e['p_value'] as p_value, treated_areas, control_areas, 4 as pre_years, 1 as post_years,
    e['note'] as note, e['reason'] as reason, cells
from estimates
