-- Where each programme works, one row an area and component, with the month in which it began.
-- Three roles: treated from a month on; known to have taken the programme up, at a time nobody
-- publishes ('unknown_start'); and kept out of every comparison ('excluded').
select
    s.programme,
    coalesce(s.component, '') as component,
    s.ref_area,
    a.name_en as area,
    a.name_ru as area_ru,
    a.level,
    case
        when bool_or(s.role = 'excluded') then 'excluded'
        when min(s.from_month) is null then 'unknown_start'
        else 'treated'
    end as role,
    min(s.from_period) as from_period,
    -- Months since the year 0, January being the first. A year alone begins in January.
    min(s.from_month) as from_month,
    max(s.until_period) as until_period,
    case when count(s.until_month) = count(*) then max(s.until_month) end as until_month,
    min(s.registry_file) as registry_file,
    min(s.registry_line) as registry_line,
    flatten(array_agg(s.cells)) as cells
from programmes.sites s
join codelists.regions a on a.code = s.ref_area
group by s.programme, coalesce(s.component, ''), s.ref_area, a.name_en, a.name_ru, a.level
