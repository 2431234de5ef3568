-- Children found without parental care in the year, and where they were placed. The published
-- years are not consecutive: change per year divides by the years that lie between.
with figures as (
    select
        ref_area,
        time_period,
        cast(time_period as int) as year,
        max(case when indicator = 'found_without_care' then obs_value end) as found,
        max(case when care_form = 'institutions' then obs_value end) as institutions,
        max(case when care_form = 'guardianship_or_adoption' then obs_value end) as guardianship_or_adoption,
        max(case when care_form = 'adopted_by_foreigners' then obs_value end) as adopted_by_foreigners,
        max(case when care_form = 'vocational_school' then obs_value end) as vocational_school,
        max(case when indicator = 'living_in_institutions' then obs_value end) as living_in_institutions,
        array_agg(cell_ref) as cells,
        array_agg(cell_ref) filter (where indicator = 'found_without_care') as found_cells,
        array_agg(cell_ref) filter (where care_form = 'institutions') as institutions_cells,
        array_agg(cell_ref) filter (where care_form = 'guardianship_or_adoption') as guardianship_or_adoption_cells,
        array_agg(cell_ref) filter (where care_form = 'adopted_by_foreigners') as adopted_by_foreigners_cells,
        array_agg(cell_ref) filter (where care_form = 'vocational_school') as vocational_school_cells,
        array_agg(cell_ref) filter (where indicator = 'living_in_institutions') as living_in_institutions_cells
    from russia_care.observations
    where dataset = 'rosstat_placement'
    group by ref_area, time_period
),
spaced as (
    select
        *,
        lag(year) over (partition by ref_area order by year) as year_before,
        lag(found) over (partition by ref_area order by year) as found_before,
        lag(found_cells) over (partition by ref_area order by year) as cells_before
    from figures
)
select
    ref_area,
    time_period,
    found,
    institutions,
    guardianship_or_adoption,
    adopted_by_foreigners,
    vocational_school,
    living_in_institutions,
    year - year_before as years_since_previous,
    found - found_before as change,
    (found - found_before) / (year - year_before) as change_per_year,
    found_cells,
    institutions_cells,
    guardianship_or_adoption_cells,
    adopted_by_foreigners_cells,
    vocational_school_cells,
    living_in_institutions_cells,
    case when cells_before is null then found_cells else array_concat(found_cells, cells_before) end as years_since_previous_cells,
    case when cells_before is null then found_cells else array_concat(found_cells, cells_before) end as change_cells,
    case when cells_before is null then found_cells else array_concat(found_cells, cells_before) end as change_per_year_cells,
    case when cells_before is null then cells else array_concat(cells, cells_before) end as cells
from spaced
