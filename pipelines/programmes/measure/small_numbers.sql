-- A change whose base nobody publishes: from which bases would it be more than chance?
--
-- Given before and after together, the number after is binomial with p = ratio / (1 + ratio); the limits
-- of the ratio are those of p: Wilson's with continuity correction (Newcombe 1998, method 4), as counts
-- are small. What a fall is worth that was claimed from the highest of five
-- years shows `fall_by_choice`: the highest of five counts lies 1.163 standard deviations above their
-- mean, and counts spread by at least the square root of it.
with changes as (
    select programme, claim, kind, size, better, base as stated_base, after as stated_after,
        case kind
            when 'percent_change' then 1 + size / 100
            when 'times_fewer' then 1 / size
            when 'times_more' then size
        end as ratio,
        cells
    from programmes.claims
    where kind in ('percent_change', 'times_fewer', 'times_more') and not ceiling and counts
        and coalesce(base, 1) > 0
),
bases as (
    select c.*, cast(v.column1 as double) as base, false as published
    from changes c
    cross join (values (5), (10), (15), (20), (25), (30), (45), (50), (60), (75), (100), (150), (200), (300), (500), (1000), (2000), (5000)) v
    where c.stated_base is null
    union all
    select c.*, c.stated_base as base, true as published from changes c where c.stated_base is not null
),
counted as (
    select *, coalesce(case when published then stated_after end, round(base * ratio)) as after
    from bases
),
shares as (
    -- A base of which no whole number makes the claim is no base of it.
    select *, base + after as n, after / (base + after) as p, 1.959963984540054 as z from counted
    where published or abs(after / base - ratio) <= 0.02
),
limits as (
    select *,
        case when after = 0 then 0 else greatest(0,
            (2 * n * p + z * z - 1 - z * sqrt(z * z - 2 - 1 / n + 4 * p * (n * (1 - p) + 1)))
            / (2 * (n + z * z))) end as p_low,
        case when base = 0 then 1 else least(1,
            (2 * n * p + z * z + 1 + z * sqrt(z * z + 2 - 1 / n + 4 * p * (n * (1 - p) - 1)))
            / (2 * (n + z * z))) end as p_high
    from shares
)
select
    programme, claim, base, after, published,
    100 * (after / base - 1) as change,
    100 * (p_low / (1 - p_low) - 1) as change_low,
    100 * (p_high / (1 - p_high) - 1) as change_high,
    p_high < 0.5 or p_low > 0.5 as beyond_chance,
    case when ratio < 1 then
        100 * (power((sqrt(1.163 * 1.163 + 4 * base) - 1.163) / 2, 2) / base - 1)
    end as fall_by_choice,
    cells
from limits
