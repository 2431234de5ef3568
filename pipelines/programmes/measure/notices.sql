-- What a run has to tell of the programmes: verdicts that changed, and sites whose start lies outside the
-- figures.
select
    'warning' as severity,
    c.registry_file as file,
    c.registry_line as line,
    concat('the verdict on `', h.programme, '.', h.claim, '` changed from `', h.previous_verdict, '` to `', h.verdict, '`',
        case when h.claim_changed then ', and so was the claim' else '' end) as message,
    concat('look at it with `opeka evaluate ', h.programme, '`: ', h.reason_en) as hint,
    'programmes.verdicts' as changed,
    concat('flip ', h.programme, ' ', h.claim) as notice,
    h.cells
from programmes.verdict_history h
join programmes.claims c on c.programme = h.programme and c.claim = h.claim
where h.is_new and h.flipped
union all
select
    'warning', k.registry_file, k.registry_line,
    concat('the start of ', k.area, ' in ', k.from_period, ' lies outside the figures of `', g.claim, '`: ', g.message_en),
    'look for earlier or later figures of the indicator, or correct the start',
    cast(null as varchar),
    concat('start ', k.programme, ' ', k.component, ' ', k.ref_area, ' ', g.claim),
    g.cells
from programmes.guards g
join programmes.claims c on c.programme = g.programme and c.claim = g.claim
left join (select distinct programme, component from programmes.cohorts where component <> '') o
    on o.programme = c.programme and o.component = c.component
join programmes.cohorts k on k.programme = g.programme and k.role = 'treated'
    and (o.component is null or k.component = o.component)
join programmes.designs d on d.programme = g.programme and d.claim = g.claim
where (g.guard = 'start_before_panel' and k.from_month <= d.first_year * 12 + c.year_ends - 6)
    or (g.guard = 'start_after_panel' and k.from_month > d.last_year * 12 + c.year_ends - 6)
