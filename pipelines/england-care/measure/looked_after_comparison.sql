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
    array_concat(a.cells, r.cells, e.cells) as cells
from england_care.looked_after a
join england_care.looked_after r on r.ref_area = a.region and r.time_period = a.time_period
join england_care.looked_after e on e.ref_area = 'E92000001' and e.time_period = a.time_period
where a.level = 'local_authority' and a.rate is not null
