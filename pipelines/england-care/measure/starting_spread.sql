-- How far local authorities lie apart, year by year.
select
    time_period,
    count(*) as areas,
    coefficient_of_variation(rate)['estimate'] as coefficient_of_variation,
    gini(rate, population)['estimate'] as gini,
    theil_index(rate, population)['estimate'] as theil_index,
    min(rate) as lowest,
    max(rate) as highest,
    array_distinct(flatten(array_agg(cells))) as cells
from england_care.starting
where level = 'local_authority' and rate is not null
group by time_period
