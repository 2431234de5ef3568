-- Children, with the names of their areas.
select
    o.ref_area,
    a.name_en as area,
    o.time_period,
    o.obs_value as children,
    make_array(o.cell_ref) as cells
from mini.observations o
join codelists.regions a on a.code = o.ref_area
