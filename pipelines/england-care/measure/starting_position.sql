-- Where a local authority stands among all of them, and among its statistical neighbours.
with rates as (
    select * from england_care.starting where level = 'local_authority' and rate is not null
),
placed as (
    select
        ref_area, area, time_period, rate, conf_low, conf_high, cells,
        position(rate) over (partition by time_period) as place
    from rates
),
neighbours as (
    select
        r.ref_area,
        r.time_period,
        count(*) as neighbours,
        sum(case when n.rate > r.rate then 1 else 0 end) as neighbours_above,
        avg(n.rate) as neighbours_mean,
        array_distinct(flatten(array_agg(n.cells))) as neighbours_cells
    from rates r
    join codelists.statistical_neighbours s on s.ref_area = r.ref_area
    join rates n on n.ref_area = s.neighbour and n.time_period = r.time_period
    group by r.ref_area, r.time_period
),
nation as (
    select time_period, rate, cells from england_care.starting where ref_area = 'E92000001'
)
select
    p.ref_area,
    p.area,
    p.time_period,
    p.rate,
    p.place['rank'] as rank,
    p.place['n_obs'] as areas,
    p.place['quartile'] as quartile,
    p.place['percentile'] as percentile,
    n.neighbours,
    n.neighbours_above + 1 as rank_among_neighbours,
    n.neighbours_mean,
    e.rate as nation_rate,
    distance(p.rate, e.rate)['difference'] as difference_to_nation,
    distance(p.rate, e.rate)['per_cent'] as percent_to_nation,
    compare(p.conf_low, p.conf_high, e.rate)['comparison'] as against_nation,
    case
        when n.neighbours is null then 'cannot be calculated because no neighbour of the authority has a rate'
    end as neighbours_reason,
    p.cells as rate_cells,
    n.neighbours_cells as neighbours_mean_cells,
    e.cells as nation_rate_cells,
    array_distinct(flatten(make_array(p.cells, coalesce(n.neighbours_cells, p.cells), e.cells))) as cells
from placed p
left join neighbours n on n.ref_area = p.ref_area and n.time_period = p.time_period
left join nation e on e.time_period = p.time_period
