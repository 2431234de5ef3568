-- Of the children found without parental care in a year, the share placed in each form.
select
    p.ref_area,
    p.time_period,
    p.care_form,
    f.name_en as form_en,
    f.name_ru as form_ru,
    p.obs_value as children,
    p.obs_status,
    t.obs_value as found,
    p.obs_value / t.obs_value * 100 as share,
    make_array(p.cell_ref) as children_cells,
    make_array(t.cell_ref) as found_cells,
    make_array(p.cell_ref, t.cell_ref) as cells
from russia_care.observations p
join russia_care.observations t
    on t.indicator = 'found_without_care'
    and t.ref_area = p.ref_area
    and t.time_period = p.time_period
join codelists.care_forms f on f.code = p.care_form
where p.indicator = 'placed_without_care'
