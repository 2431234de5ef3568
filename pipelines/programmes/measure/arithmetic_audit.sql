-- What the documents' own numbers make, beside what the documents say they make.
with numbers as (
    select programme, calculation, unnest(numbers) as number
    from programmes.arithmetic
),
sums as (
    select programme, calculation, sum(number) as total from numbers group by programme, calculation
),
computed as (
    select a.*,
        case a.kind
            when 'sum' then s.total
            when 'percent_change' then 100 * (a.numbers[2] / nullif(a.numbers[1], 0) - 1)
            when 'share' then 100 * a.numbers[1] / nullif(a.numbers[2], 0)
            when 'difference' then a.numbers[1] - a.numbers[2]
            when 'months' then
                (floor(a.numbers[2] / 100) - floor(a.numbers[1] / 100)) * 12
                + a.numbers[2] % 100 - a.numbers[1] % 100 + 1
        end as computed
    from programmes.arithmetic a
    join sums s on s.programme = a.programme and s.calculation = a.calculation
)
select
    programme, calculation, what_en, what_ru, kind,
    array_to_string(numbers, ' ') as numbers,
    computed, stated, decimals,
    -- Half a unit of the last decimal is rounding.
    computed is not null and abs(computed - stated) <= 0.5 * power(10, -decimals) + 1e-9 as agrees,
    claim, document, line, cells
from computed
