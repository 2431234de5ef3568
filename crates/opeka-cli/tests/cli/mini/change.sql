-- Children against the year before.
select
    c.ref_area,
    c.time_period,
    c.children,
    c.children - b.children as change,
    array_concat(c.cells, b.cells) as cells
from mini.children c
join mini.children b
    on b.ref_area = c.ref_area
    and cast(b.time_period as int) = cast(c.time_period as int) - 1
