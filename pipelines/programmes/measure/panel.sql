-- The figures that each claim is held against: areas of the level of the treated ones, by year.
--
-- An area is treated from the first year of which the programme covers six months or more; a year of
-- which it covers one to five is left out: of the area, and where all began together, of everyone. An
-- area is a control where no programme of the registry works in it, above it or below it, it has a figure
-- in every year, and 5,000 children or more: rates of the City of London are those of a few hundred.
with asked as (
    -- A component without places of its own works where the programme does.
    select c.programme, c.claim, c.indicator, c.population, c.per, c.year_ends, coalesce(k.component, '') as component
    from programmes.claims c
    left join (select distinct programme, component from programmes.cohorts where component <> '') k
        on k.programme = c.programme and k.component = c.component
    where c.indicator is not null
),
-- The sites of a claim: those of its component, or all of the programme.
own as (
    select c.programme, c.claim, k.ref_area, k.level, k.role,
        -- The first year of which the programme covers at least six months.
        cast(ceil((k.from_month + 6 - c.year_ends) / 12.0) as int) as first_treated,
        -- The years of which it covers one to five.
        cast(ceil((k.from_month + 1 - c.year_ends) / 12.0) as int) as first_touched
    from asked c
    join programmes.cohorts k on k.programme = c.programme
        and (c.component = '' or k.component = c.component)
),
begun as (
    select programme, claim, min(level) as level,
        count(distinct first_treated) as cohorts,
        min(first_treated) as first_treated,
        min(first_touched) as first_touched
    from own
    where role = 'treated'
    group by programme, claim
),
-- Areas in which a programme works, those above them and those below them, two levels either way.
near_adopters as (
    select distinct ref_area from programmes.cohorts
    union
    select a.code from programmes.cohorts k join codelists.regions a on a.parent = k.ref_area
    union
    select a.parent from programmes.cohorts k join codelists.regions a on a.code = k.ref_area
    where a.parent is not null
),
adopters as (
    select ref_area from near_adopters
    union
    select a.code
    from programmes.cohorts k
    join codelists.regions b on b.parent = k.ref_area
    join codelists.regions a on a.parent = b.code
    union
    select b.parent
    from programmes.cohorts k
    join codelists.regions a on a.code = k.ref_area
    join codelists.regions b on b.code = a.parent
    where b.parent is not null
),
-- How many areas of a level have figures of an indicator at all.
extents as (
    select o.indicator, a.level, count(distinct o.ref_area) as areas
    from observations o
    join codelists.regions a on a.code = o.ref_area
    where o.is_leading and o.obs_value is not null
    group by o.indicator, a.level
),
figures as (
    select indicator, ref_area, cast(time_period as int) as year, obs_value, obs_status, cell_ref
    from observations
    where is_leading and length(time_period) = 4 and care_form = '_T'
),
years as (
    select c.programme, c.claim, f.year
    from asked c
    join begun b on b.programme = c.programme and b.claim = c.claim
    join figures f on f.indicator = c.indicator
    join codelists.regions a on a.code = f.ref_area and a.level = b.level
    join extents x on x.indicator = c.indicator and x.level = b.level
    where f.obs_value is not null
        and not (b.cohorts = 1 and f.year >= b.first_touched and f.year < b.first_treated)
    group by c.programme, c.claim, f.year
    having count(*) >= 3 and 2 * count(*) >= min(x.areas)
),
span as (
    select programme, claim, year,
        count(*) over (partition by programme, claim) as years,
        row_number() over (partition by programme, claim order by year) as period
    from years
),
placed as (
    select
        c.programme, c.claim, f.ref_area, a.name_en as area, a.name_ru as area_ru, f.year,
        -- A count of which the population is named is made a rate; a rate stands as published.
        case when i.unit_measure = 'persons' and c.population is not null
            then f.obs_value * coalesce(c.per, 1) / nullif(p.obs_value, 0)
            else f.obs_value end as y,
        f.obs_status, p.obs_value as population, c.per,
        case
            when o.role = 'treated' then 'treated'
            when o.role is not null or d.ref_area is not null then 'left_out'
            else 'control'
        end as role,
        case when o.role = 'treated' then o.first_treated end as first_treated,
        case when o.role = 'treated' then o.first_touched end as first_touched,
        f.cell_ref,
        p.cell_ref as population_cell
    from asked c
    join begun b on b.programme = c.programme and b.claim = c.claim
    join figures f on f.indicator = c.indicator
    join years y on y.programme = c.programme and y.claim = c.claim and y.year = f.year
    join codelists.regions a on a.code = f.ref_area and a.level = b.level
    join codelists.indicators i on i.code = c.indicator
    left join (
        select programme, claim, ref_area, min(role) as role,
            min(first_treated) as first_treated, min(first_touched) as first_touched
        from own group by programme, claim, ref_area
    ) o on o.programme = c.programme and o.claim = c.claim and o.ref_area = f.ref_area
    left join adopters d on d.ref_area = f.ref_area
    -- The children of the middle of the year before, as the department takes them for its rates.
    left join figures p on p.indicator = c.population and p.ref_area = f.ref_area and p.year = f.year - 1
),
whole as (
    select programme, claim, ref_area, count(y) as figures,
        -- Sizes are compared by one number an area: its children, on average over the years.
        avg(population) as size
    from placed
    group by programme, claim, ref_area
),
near as (
    select distinct o.programme, o.claim, n.neighbour
    from own o
    join codelists.statistical_neighbours n on n.ref_area = o.ref_area
    where o.role = 'treated'
),
-- Months of each year in which something happened to all areas.
shaken as (
    select y.programme, y.claim, y.year,
        max(least(e.until_month, y.year * 12 + c.year_ends - 1)
            - greatest(e.from_month, y.year * 12 + c.year_ends - 12) + 1) as months
    from years y
    join asked c on c.programme = y.programme and c.claim = y.claim
    join programmes.programmes p on p.programme = y.programme
    join programmes.events e on e.country is null or e.country = p.country
    group by y.programme, y.claim, y.year
)
select
    p.programme, p.claim, p.ref_area, p.area, p.area_ru,
    cast(p.year as varchar) as time_period, p.year, s.period, p.y, p.obs_status,
    p.population, w.size, p.per,
    case
        when p.role = 'control' and w.figures < s.years then 'incomplete'
        when p.role = 'control' and w.size < 5000 then 'small'
        else p.role
    end as role,
    p.first_treated,
    -- The same, counted in the years that are used.
    f.period as first_period,
    p.first_treated is not null and p.year >= p.first_treated as treated,
    -- Of an area that began at another time than the first, the years it was only touched.
    p.first_treated is not null and p.year >= p.first_touched and p.year < p.first_treated as touched,
    n.neighbour is not null as neighbour,
    coalesce(e.months, 0) >= 6 as in_event,
    w.figures,
    s.years,
    case when p.population_cell is null then make_array(p.cell_ref)
        else make_array(p.cell_ref, p.population_cell) end as cells
from placed p
join whole w on w.programme = p.programme and w.claim = p.claim and w.ref_area = p.ref_area
join span s on s.programme = p.programme and s.claim = p.claim and s.year = p.year
left join span f on f.programme = p.programme and f.claim = p.claim and f.year = p.first_treated
left join near n on n.programme = p.programme and n.claim = p.claim and n.neighbour = p.ref_area
left join shaken e on e.programme = p.programme and e.claim = p.claim and e.year = p.year
