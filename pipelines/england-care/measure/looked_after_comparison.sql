-- A local authority against its region and the nation, in the same year.
select
    a.ref_area,
    a.area,
    a.time_period,
    a.rate,
    r.ref_area as region,
    r.area as region_name,
    r.rate as region_rate,
    e.rate as nation_rate,
    a.rate - r.rate as difference_to_region,
    a.rate - e.rate as difference_to_nation,
    a.rate_cells,
    r.rate_cells as region_rate_cells,
    e.rate_cells as nation_rate_cells,
    array_concat(a.rate_cells, r.rate_cells) as difference_to_region_cells,
    array_concat(a.rate_cells, e.rate_cells) as difference_to_nation_cells,
    array_concat(a.rate_cells, r.rate_cells, e.rate_cells) as cells
from england_care.looked_after a
join england_care.looked_after r on r.ref_area = a.region and r.time_period = a.time_period
join england_care.looked_after e on e.ref_area = 'E92000001' and e.time_period = a.time_period
where a.level = 'local_authority' and a.rate is not null
