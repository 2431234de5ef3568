-- Children looked after on 31 March, and their number per 10,000 children.
-- The department's rate for 31 March of a year uses the mid-year population of the year before.
with figures as (
    select * from england_care.observations where is_leading
)
select
    c.ref_area,
    a.name_en as area,
    a.level,
    case when up.level = 'sub_region' then up.parent when a.level = 'local_authority' then a.parent end as region,
    c.time_period,
    c.obs_value as children,
    c.obs_status,
    p.obs_value as population,
    p.time_period as population_year,
    case when p.obs_value > 0 then c.obs_value / p.obs_value * 10000 end as rate,
    r.obs_value as rate_published,
    make_array(c.cell_ref) as children_cells,
    make_array(p.cell_ref) as population_cells,
    make_array(c.cell_ref, p.cell_ref) as rate_cells,
    make_array(r.cell_ref) as rate_published_cells,
    make_array(c.cell_ref, p.cell_ref, r.cell_ref) as cells
from figures c
join codelists.regions a on a.code = c.ref_area
left join codelists.regions up on up.code = a.parent
left join figures p
    on p.indicator = 'population_0_17'
    and p.ref_area = c.ref_area
    and cast(p.time_period as int) = cast(c.time_period as int) - 1
left join figures r
    on r.indicator = 'cla_31_march_rate'
    and r.ref_area = c.ref_area
    and r.time_period = c.time_period
where c.indicator = 'cla_31_march'
