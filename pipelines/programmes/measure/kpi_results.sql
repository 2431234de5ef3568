-- Planned against reached, and what one of those reached cost where the budget is known.
with budgets as (
    select programme, min(currency) as currency, sum(amount) as budget, flatten(array_agg(cells)) as cells
    from programmes.money
    where what = 'budget'
    group by programme
    having count(distinct currency) = 1
)
select
    k.programme, k.kpi, k.name_en, k.name_ru, k.unit, k.period, k.component,
    k.planned, k.reached,
    100 * k.reached / nullif(k.planned, 0) as reached_percent,
    case
        when k.planned is null then 'no plan'
        when k.reached is null then 'not reported'
        when k.reached >= k.planned then 'reached'
        else 'not reached'
    end as result,
    case when k.unit in ('families', 'children', 'women') then b.budget / nullif(k.reached, 0) end as unit_cost,
    case when k.unit in ('families', 'children', 'women') and k.reached > 0 then b.currency end as currency,
    k.document, k.line, k.planned_line,
    case when b.cells is null then k.cells else array_concat(k.cells, b.cells) end as cells
from programmes.kpis k
left join budgets b on b.programme = k.programme
