-- How far treated areas were from the others, year by year, relative to the last year before.
with used as (
    select p.*
    from programmes.panel p
    join programmes.designs d on d.programme = p.programme and d.claim = p.claim
    where not p.touched and p.y is not null
        and (p.role = 'control' or (p.role = 'treated' and p.figures = p.years and p.first_period is not null))
        and d.treated_areas >= 1 and d.control_areas >= 2 and d.pre_years >= 1 and d.post_years >= 1
),
points as (
    select programme, claim,
        unnest(event_study(y, ref_area, period, first_period)) as e
    from used group by programme, claim
),
-- Bands that hold for all event times at once: each at one less 0.05 over the number of times.
bands as (
    select programme, claim,
        unnest(event_study(y, ref_area, period, first_period, conf_level => 0.995)) as e
    from used group by programme, claim
)
select
    p.programme, p.claim, p.e['event_time'] as event_time, p.e['term'] as term,
    p.e['estimate'] as estimate, p.e['std_error'] as std_error,
    p.e['conf_low'] as conf_low, p.e['conf_high'] as conf_high, p.e['p_value'] as p_value,
    b.e['conf_low'] as band_low, b.e['conf_high'] as band_high,
    p.e['note'] as note, p.e['reason'] as reason,
    d.cells
from points p
join bands b on b.programme = p.programme and b.claim = p.claim
    and b.e['event_time'] = p.e['event_time']
join programmes.designs d on d.programme = p.programme and d.claim = p.claim
where p.e['event_time'] is not null
