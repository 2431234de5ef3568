-- Children found without parental care per 10,000 inhabitants of all ages. The child population of
-- Russia is not in the data; the whole population on 1 January of the year is.
with figures as (
    select * from russia_care.observations where is_leading
),
rates as (
    select
        f.indicator,
        f.ref_area,
        f.time_period,
        f.obs_value as found,
        f.obs_status,
        p.obs_value as population,
        rate_ci(f.obs_value, p.obs_value, 10000) as ci,
        f.cell_ref as found_cell,
        p.cell_ref as population_cell
    from figures f
    left join figures p
        on p.indicator = 'population_all_ages'
        and p.ref_area = f.ref_area
        and p.time_period = f.time_period
    where f.indicator in ('found_without_care', 'found_without_care_ministry')
)
select
    r.indicator, i.name_en as indicator_en, i.name_ru as indicator_ru,
    r.ref_area, a.name_en as area, a.name_ru as area_ru,
    r.time_period, r.found, r.obs_status, r.population,
    r.ci['estimate'] as rate,
    r.ci['conf_low'] as conf_low,
    r.ci['conf_high'] as conf_high,
    r.ci['conf_low_998'] as conf_low_998,
    r.ci['conf_high_998'] as conf_high_998,
    r.ci['method'] as method,
    r.ci['reason'] as reason,
    make_array(r.found_cell) as found_cells,
    make_array(r.population_cell) as population_cells,
    make_array(r.found_cell, r.population_cell) as cells
from rates r
join codelists.regions a on a.code = r.ref_area
join codelists.indicators i on i.code = r.indicator
