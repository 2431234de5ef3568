-- Shares of those who took part, with Wilson limits.
with shares as (
    select programme, claim, size, size_high, participants, exceptions,
        case when exceptions is not null then participants - exceptions
            else round(participants * size / 100) end as kept,
        cells
    from programmes.claims
    where kind = 'share' and participants > 0
),
limits as (
    select *, proportion_ci(kept, participants) as p from shares
)
select
    programme, claim, participants, kept, exceptions is not null as counted, size as stated,
    100 * p['estimate'] as share, 100 * p['conf_low'] as share_low, 100 * p['conf_high'] as share_high,
    abs(100 * p['estimate'] - size) <= 0.5 as agrees,
    cells
from limits
