-- How unequally the subjects spend on orphans, an inhabitant.
select
    time_period,
    count(*) as areas,
    coefficient_of_variation(per_inhabitant)['estimate'] as coefficient_of_variation,
    gini(per_inhabitant, population)['estimate'] as gini,
    theil_index(per_inhabitant, population)['estimate'] as theil_index,
    array_distinct(flatten(array_agg(cells))) as cells
from russia_care.orphan_support_position
where rank is not null
group by time_period
