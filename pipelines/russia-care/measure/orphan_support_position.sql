-- What the budgets of the subjects spend on orphans and children without parental care, per inhabitant,
-- and where each stands among all and within its federal district. The whole oblasts of Arkhangelsk
-- and Tyumen are left out: their okrugs and the parts without them stand for them, each once.
with spending as (
    select
        s.ref_area,
        a.name_en as area,
        a.name_ru as area_ru,
        case a.level when 'subject_part' then w.parent else coalesce(o.parent, a.parent) end as district,
        s.time_period,
        s.obs_value as spending,
        s.obs_status,
        s.note as publisher_note,
        p.obs_value as population,
        s.obs_value * 1000 / p.obs_value as per_inhabitant,
        -- 0.2 roubles an inhabitant, without a word of the publisher: not what was spent.
        s.ref_area = 'RU-BEL' as left_out,
        make_array(s.cell_ref) as spending_cells,
        make_array(p.cell_ref) as population_cells,
        make_array(s.cell_ref, p.cell_ref) as cells
    from russia_care.observations s
    join codelists.regions a on a.code = s.ref_area
    -- An okrug lies in an oblast, and a part of an oblast in it: the district is one step up.
    left join codelists.regions o on o.code = a.parent and a.level = 'subject' and o.level = 'subject'
    left join codelists.regions w on w.code = a.parent and a.level = 'subject_part'
    left join russia_care.observations p
        on p.indicator = 'population_all_ages' and p.is_leading
        and p.ref_area = s.ref_area and p.time_period = s.time_period
    where s.indicator = 'orphan_support_total'
        and (a.level = 'subject_part' or a.level = 'subject' and s.ref_area not in ('RU-ARK', 'RU-TYU'))
),
placed as (
    select
        *,
        position(case when left_out then null else per_inhabitant end)
            over (partition by time_period) as place,
        position(case when left_out then null else per_inhabitant end)
            over (partition by time_period, district) as near
    from spending
),
nation as (
    select
        s.time_period,
        s.obs_value * 1000 / p.obs_value as per_inhabitant,
        make_array(s.cell_ref, p.cell_ref) as cells
    from russia_care.observations s
    join russia_care.observations p
        on p.indicator = 'population_all_ages' and p.is_leading
        and p.ref_area = s.ref_area and p.time_period = s.time_period
    where s.indicator = 'orphan_support_total' and s.ref_area = 'RU'
)
select
    s.ref_area, s.area, s.area_ru, s.district, s.time_period,
    s.spending, s.obs_status, s.publisher_note, s.population, s.per_inhabitant,
    s.place['rank'] as rank,
    s.place['n_obs'] as areas,
    s.place['quartile'] as quartile,
    s.near['rank'] as rank_in_district,
    s.near['n_obs'] as areas_in_district,
    n.per_inhabitant as nation_per_inhabitant,
    distance(s.per_inhabitant, n.per_inhabitant)['per_cent'] as percent_to_nation,
    case
        when s.left_out then 'cannot be ranked because the figure of this area is far too small to be what was spent, and the publisher does not explain it'
        else s.place['reason']
    end as reason,
    s.spending_cells, s.population_cells,
    n.cells as nation_per_inhabitant_cells,
    array_distinct(array_concat(s.cells, n.cells)) as cells
from placed s
left join nation n on n.time_period = s.time_period
