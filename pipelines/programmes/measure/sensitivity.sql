-- Before an effect is believed: were trends parallel, could the test have seen it, what could be found at
-- all, and how far may trends have parted before the answer is gone?
with used as (
    select p.*
    from programmes.panel p
    join programmes.designs d on d.programme = p.programme and d.claim = p.claim
    where not p.touched and p.y is not null
        and (p.role = 'control' or (p.role = 'treated' and p.figures = p.years and p.first_period is not null))
        and d.treated_areas >= 1 and d.control_areas >= 2 and d.pre_years >= 1 and d.post_years >= 1
),
tests as (
    select programme, claim,
        pretrend_test(y, ref_area, period, first_period) as pre,
        pretrend_equivalence(y, ref_area, period, first_period) as equal,
        detectable_effect(y, ref_area, period, treated) as mde,
        honest_did(y, ref_area, period, first_period, average => true, m => [0.5, 1.0]) as honest
    from used group by programme, claim
)
select
    t.programme, t.claim,
    t.pre['statistic'] as pretrend_f,
    t.pre['p_value'] as pretrend_p,
    t.pre['reason'] as pretrend_reason,
    t.equal['max_estimate'] as pretrend_largest,
    t.equal['max_threshold'] as pretrend_ruled_out,
    t.equal['reason'] as pretrend_power_reason,
    coalesce(t.mde['permutation'], t.mde['estimate']) as detectable,
    t.mde['note'] as detectable_note,
    t.mde['reason'] as detectable_reason,
    t.honest[1]['breakdown'] as breakdown_m,
    t.honest[2]['conf_low'] as honest_low,
    t.honest[2]['conf_high'] as honest_high,
    coalesce(t.honest[1]['reason'], t.honest[1]['note']) as honest_note,
    d.cells
from tests t
join programmes.designs d on d.programme = t.programme and d.claim = t.claim
