-- The effect of each programme on the statistic of each claim, in every design. The main one is two-way
-- fixed effects against all other areas, where treatment began once or few areas are treated, with
-- randomisation inference for few; where it began at several times in ten areas or more, it is that of
-- Callaway and Sant'Anna. Everything else is there to see whether the answer leans on the design.
with used as (
    select p.*, min(p.first_period) over (partition by p.programme, p.claim) as first_of_periods, d.pre_years, d.sized, d.treated_areas, d.control_areas, d.cohorts
    from programmes.panel p
    join programmes.designs d on d.programme = p.programme and d.claim = p.claim
    where not p.touched and p.y is not null
        and (p.role = 'control' or (p.role = 'treated' and p.figures = p.years and p.first_period is not null))
        and d.treated_areas >= 1 and d.control_areas >= 2 and d.pre_years >= 1 and d.post_years >= 1
),
twfe as (
    select programme, claim, 'all_areas' as design, 'two-way fixed effects' as estimator,
        did_twfe(y, ref_area, period, treated) as e
    from used group by programme, claim
    union all
    select programme, claim, 'all_areas_by_size', 'two-way fixed effects, limits corrected for the areas'' children',
        did_twfe(y, ref_area, period, treated, population => size) as e
    from used where sized and cohorts = 1 and treated_areas < 10 group by programme, claim
    union all
    select programme, claim, 'neighbours', 'two-way fixed effects, statistical neighbours as controls',
        did_twfe(y, ref_area, period, treated) as e
    from used where role = 'treated' or neighbour group by programme, claim
    union all
    select programme, claim, 'without_events', 'two-way fixed effects, without years of the pandemic',
        did_twfe(y, ref_area, period, treated) as e
    from used where not in_event group by programme, claim
    union all
    select programme, claim, 'placebo_before', 'two-way fixed effects, as if it had begun a year earlier',
        did_twfe(y, ref_area, period, role = 'treated' and period = first_of_periods - 1) as e
    from used where period < first_of_periods and pre_years >= 2 group by programme, claim
    union all
    select u.programme, u.claim, concat('without ', l.ref_area), 'two-way fixed effects, one area left out',
        did_twfe(u.y, u.ref_area, u.period, u.treated) as e
    from used u
    join (select distinct programme, claim, ref_area from used where role = 'treated') l
        on l.programme = u.programme and l.claim = u.claim
    where u.ref_area <> l.ref_area and u.treated_areas between 2 and 12
    group by u.programme, u.claim, l.ref_area
),
others as (
    select programme, claim, 'synthetic_did' as design, 'synthetic difference-in-differences' as estimator,
        synthetic_did(y, ref_area, period, treated, draws => 50) as e
    from used where pre_years >= 2 and control_areas <= 500 group by programme, claim
),
lists as (
    select programme, claim, 'callaway_santanna' as design, 'Callaway and Sant''Anna, simple average' as estimator,
        att_aggregate(y, ref_area, period, first_period, aggregation => 'simple')[1] as e
    from used group by programme, claim
    union all
    select programme, claim, 'imputation', 'imputation (Borusyak, Jaravel and Spiess)',
        did_imputation(y, ref_area, period, first_period)[1] as e
    from used group by programme, claim
),
raw as (
    select programme, claim, design, estimator, e['estimate'] as estimate, e['std_error'] as std_error,
        e['conf_low'] as conf_low, e['conf_high'] as conf_high, e['p_value'] as p_value,
        e['n_units'] as n_units, e['n_obs'] as n_obs, e['method'] as method, e['note'] as note, e['reason'] as reason
    from twfe
    union all
    select programme, claim, design, estimator, e['estimate'], e['std_error'],
        e['conf_low'], e['conf_high'], e['p_value'],
        e['n_units'], e['n_obs'], e['method'], e['note'], e['reason']
    from others
    union all
    select programme, claim, design, estimator, e['estimate'], e['std_error'],
        e['conf_low'], e['conf_high'], e['p_value'],
        e['n_units'], e['n_obs'], e['method'], e['note'], e['reason']
    from lists
),
-- One treated area has a rank among all, and no interval.
answers as (
    select r.programme, r.claim, r.design, r.estimator, r.estimate, r.std_error,
        case when d.treated_areas > 1 then r.conf_low end as conf_low,
        case when d.treated_areas > 1 then r.conf_high end as conf_high,
        r.p_value, r.n_units, r.n_obs, r.method, r.note, r.reason
    from raw r
    join programmes.designs d on d.programme = r.programme and d.claim = r.claim
)
select
    a.programme, a.claim, a.design, a.estimator,
    a.design = case
        when d.treated_areas >= 10 and d.cohorts > 1 then 'callaway_santanna'
        when d.treated_areas < 10 and d.sized and d.cohorts = 1 then 'all_areas_by_size'
        else 'all_areas'
    end as is_main,
    a.estimate, a.std_error, a.conf_low, a.conf_high, a.p_value,
    -- In per cent of what would have been: the mean of the treated less the effect.
    case when a.design <> 'placebo_before' and a.design not like 'without %' and d.treated_mean > a.estimate
        then 100 * a.estimate / (d.treated_mean - a.estimate) end as percent,
    case when a.design <> 'placebo_before' and a.design not like 'without %' and d.treated_mean > a.conf_low
        then 100 * a.conf_low / (d.treated_mean - a.conf_low) end as percent_low,
    case when a.design <> 'placebo_before' and a.design not like 'without %' and d.treated_mean > a.conf_high
        then 100 * a.conf_high / (d.treated_mean - a.conf_high) end as percent_high,
    -- Children a year, in all treated areas together.
    case when a.design <> 'placebo_before' and a.design not like 'without %'
        then a.estimate * d.treated_children / coalesce(d.per, 1) end as children,
    case when a.design <> 'placebo_before' and a.design not like 'without %'
        then a.conf_low * d.treated_children / coalesce(d.per, 1) end as children_low,
    case when a.design <> 'placebo_before' and a.design not like 'without %'
        then a.conf_high * d.treated_children / coalesce(d.per, 1) end as children_high,
    a.n_units, a.n_obs, a.method, a.note, a.reason,
    d.cells
from answers a
join programmes.designs d on d.programme = a.programme and d.claim = a.claim
