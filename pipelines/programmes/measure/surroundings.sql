-- What happened around a claim: the published statistic of the region or the nation named beside it, over
-- the years there are; and how large the base of a claim can have been, from a national number and the
-- share of the people who live in the programme's region.
with trend as (
    select c.programme, c.claim, c.trend_indicator, c.trend_area, c.trend_is_same, c.cells as claim_cells,
        o.time_period, o.obs_value, o.cell_ref
    from programmes.claims c
    join observations o on o.indicator = c.trend_indicator and o.ref_area = c.trend_area
        and o.is_leading and o.obs_value is not null
),
ends as (
    select programme, claim, trend_indicator, trend_area, trend_is_same,
        min(time_period) as first_period, max(time_period) as last_period,
        first_value(obs_value order by time_period) as first_figure,
        last_value(obs_value order by time_period) as last_figure,
        count(*) as figures,
        array_agg(cell_ref) as trend_cells, first_value(claim_cells order by time_period) as claim_cells
    from trend
    group by programme, claim, trend_indicator, trend_area, trend_is_same
),
-- The federal subjects or regions in which the programme works.
subjects as (
    select distinct k.programme,
        case when a.level in ('municipality', 'settlement', 'city_district') then a.parent else a.code end as subject
    from programmes.cohorts k
    join codelists.regions a on a.code = k.ref_area
),
people as (
    select ref_area, time_period, obs_value, cell_ref
    from observations
    where indicator = 'population_all_ages' and is_leading and obs_value is not null
),
shares as (
    select e.programme, e.claim, sum(p.obs_value) / min(n.obs_value) as share,
        array_concat(array_agg(p.cell_ref), array_agg(n.cell_ref)) as cells
    from ends e
    join subjects s on s.programme = e.programme
    join people p on p.ref_area = s.subject and p.time_period = e.first_period
    join people n on n.ref_area = e.trend_area and n.time_period = e.first_period
    group by e.programme, e.claim
)
select
    e.programme, e.claim, e.trend_indicator, i.name_en as statistic, i.name_ru as statistic_ru,
    e.trend_area, a.name_en as area, a.name_ru as area_ru, i.unit_measure,
    e.first_period, e.first_figure, e.last_period, e.last_figure, e.figures,
    case when e.figures > 1 then 100 * (e.last_figure / nullif(e.first_figure, 0) - 1) end as change,
    case when e.trend_is_same and i.unit_measure = 'persons' then e.first_figure * s.share end as expected_in_region,
    s.share as share_of_people,
    array_distinct(array_concat(e.trend_cells, e.claim_cells, coalesce(s.cells, e.trend_cells))) as cells
from ends e
join codelists.indicators i on i.code = e.trend_indicator
join codelists.regions a on a.code = e.trend_area
left join shares s on s.programme = e.programme and s.claim = e.claim
