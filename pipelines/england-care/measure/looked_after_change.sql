-- Change on the year before: the same area, one year apart.
select
    n.ref_area,
    n.area,
    n.level,
    n.time_period,
    n.children,
    b.children as children_before,
    n.children - b.children as change,
    case when b.children > 0 then (n.children - b.children) / b.children * 100 end as change_percent,
    n.rate - b.rate as rate_change,
    n.children_cells,
    b.children_cells as children_before_cells,
    array_concat(n.children_cells, b.children_cells) as change_cells,
    array_concat(n.children_cells, b.children_cells) as change_percent_cells,
    array_concat(n.rate_cells, b.rate_cells) as cells
from england_care.looked_after n
join england_care.looked_after b
    on b.ref_area = n.ref_area
    and cast(b.time_period as int) = cast(n.time_period as int) - 1
