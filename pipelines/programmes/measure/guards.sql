-- What stands between an estimate and a verdict. A guard that refuses leaves the verdict at `cannot tell`;
-- one that flags is said beside it.
with claims as (
    -- A component without places of its own works where the programme does.
    select c.* exclude (component), k.component
    from programmes.claims c
    left join (select distinct programme, component from programmes.cohorts where component <> '') k
        on k.programme = c.programme and k.component = c.component
),
designs as (
    select * from programmes.designs
),
sites as (
    select programme, component,
        count(*) as sites,
        sum(case when role = 'treated' then 1 else 0 end) as dated,
        sum(case when role = 'unknown_start' then 1 else 0 end) as undated
    from programmes.cohorts
    where role <> 'excluded'
    group by programme, component
),
of_claim as (
    select c.programme, c.claim, sum(s.sites) as sites, sum(s.dated) as dated, sum(s.undated) as undated
    from claims c
    join sites s on s.programme = c.programme and (c.component is null or s.component = c.component)
    group by c.programme, c.claim
),
treated as (
    select distinct programme, claim, ref_area, area, first_treated
    from programmes.panel where role = 'treated'
),
-- Areas that changed their borders within the years of the panel.
changed as (
    select t.programme, t.claim, count(distinct t.ref_area) as areas, string_agg(distinct t.area, ', ') as names
    from treated t
    join codelists.regions a on a.code = t.ref_area
    join designs d on d.programme = t.programme and d.claim = t.claim
    where (a.valid_from is not null and cast(substr(a.valid_from, 1, 4) as int) between d.first_year and d.last_year)
        or (a.valid_to is not null and cast(substr(a.valid_to, 1, 4) as int) between d.first_year and d.last_year)
    group by t.programme, t.claim
),
broken as (
    select programme, claim,
        count(distinct case when role = 'treated' then ref_area end) as treated_areas,
        count(distinct case when role = 'control' then ref_area end) as control_areas,
        string_agg(distinct time_period, ', ') as years
    from programmes.panel
    where obs_status = 'B'
    group by programme, claim
),
-- Another programme in the area of a treated one, or in an area above or below it.
above as (
    select code as area, code as above from codelists.regions
    union
    select code, parent from codelists.regions where parent is not null
    union
    select a.code, b.parent from codelists.regions a join codelists.regions b on b.code = a.parent
    where b.parent is not null
),
others as (
    select c.programme, c.claim, string_agg(distinct k.programme, ', ') as names
    from claims c
    join programmes.cohorts t on t.programme = c.programme and t.role <> 'excluded'
        and (c.component is null or t.component = c.component)
    join above a on a.area = t.ref_area or a.above = t.ref_area
    join programmes.cohorts k on k.programme <> c.programme
        and k.ref_area = case when a.area = t.ref_area then a.above else a.area end
    -- A programme that ended before the other began is in its way too: nobody knows for how long.
    group by c.programme, c.claim
),
-- Figures of one area and year that two data sets publish differently, beyond rounding to whole numbers.
revised as (
    select t.programme, t.claim, count(*) as figures
    from treated t
    join claims c on c.programme = t.programme and c.claim = t.claim
    join (
        select indicator, ref_area, time_period, max(obs_value) - min(obs_value) as apart
        from observations
        where obs_value is not null and care_form = '_T'
        group by indicator, ref_area, time_period
        having max(obs_value) - min(obs_value) > 1
    ) o on o.indicator = c.indicator and o.ref_area = t.ref_area
    group by t.programme, t.claim
),
-- Whether trends were apart before: of few treated areas by placing the start a year earlier and letting
-- treatment fall to other areas, of many by the joint test of the event study.
parted as (
    select d.programme, d.claim, d.pre_years, d.treated_areas < 10 as few,
        case when d.treated_areas < 10 then e.p_value else s.pretrend_p end as p,
        s.pretrend_p as clustered
    from designs d
    left join programmes.effects e on e.programme = d.programme and e.claim = d.claim and e.design = 'placebo_before'
    left join programmes.sensitivity s on s.programme = d.programme and s.claim = d.claim
),
contradicted as (
    select programme, claim,
        string_agg(concat(rtrim(what_en, '.'), ': it makes ', cast(round(computed, 1) as varchar),
            ', the document says ', cast(stated as varchar)), '; ') as what_en,
        string_agg(concat(rtrim(coalesce(what_ru, what_en), '.'), ': получается ', cast(round(computed, 1) as varchar),
            ', в документе ', cast(stated as varchar)), '; ') as what_ru
    from programmes.arithmetic_audit
    where not agrees and claim is not null
    group by programme, claim
),
fired as (
    select programme, claim, 'no_statistic' as guard, 'refuses' as effect,
        concat('no statistic held here has it by area and year (', rtrim(no_statistic_en, '.'), ')') as message_en,
        concat('в этом наборе данных нет такого показателя по территориям и годам (',
            rtrim(coalesce(no_statistic_ru, no_statistic_en), '.'), ')') as message_ru
    from claims where indicator is null
    union all
    select c.programme, c.claim, 'sites_not_named', 'refuses',
        concat('the documents name ', cast(coalesce(s.sites, 0) as varchar), ' of ',
            cast(p.sites_stated as varchar), ' places in which it works'),
        concat('документы называют ', cast(coalesce(s.sites, 0) as varchar), ' из ',
            cast(p.sites_stated as varchar), ' территорий программы')
    from claims c
    join programmes.programmes p on p.programme = c.programme
    left join of_claim s on s.programme = c.programme and s.claim = c.claim
    where p.sites_stated > coalesce(s.sites, 0)
    union all
    select c.programme, c.claim, 'area_unknown', 'refuses',
        concat('a place in which it works is no area of the code list: ', s.names),
        concat('территории программы нет в справочнике: ', s.names)
    from claims c
    join (
        select programme, string_agg(name, ', ') as names
        from programmes.sites where ref_area is null group by programme
    ) s on s.programme = c.programme
    union all
    select c.programme, c.claim, 'no_start', 'refuses',
        'no document says from when it worked',
        'ни один документ не говорит, с какого времени действует программа'
    from claims c
    left join of_claim s on s.programme = c.programme and s.claim = c.claim
    where coalesce(s.dated, 0) = 0
    union all
    select c.programme, c.claim, 'unknown_starts', 'flags',
        concat(cast(s.undated as varchar), ' places took it up at a time that no document states; they are on neither side'),
        concat('территорий с неизвестным временем начала: ', cast(s.undated as varchar), '; они не входят ни в одну из групп')
    from claims c
    join of_claim s on s.programme = c.programme and s.claim = c.claim
    where s.undated > 0 and s.dated > 0
    union all
    select c.programme, c.claim, 'no_panel', 'refuses',
        'the statistic has no figures for its places',
        'по территориям программы значений показателя нет'
    from claims c
    join of_claim s on s.programme = c.programme and s.claim = c.claim
    left join designs d on d.programme = c.programme and d.claim = c.claim
    where c.indicator is not null and s.dated > 0 and d.claim is null
    union all
    select programme, claim, 'start_before_panel', 'refuses',
        concat('it began before the first year of the figures, ', cast(first_year as varchar)),
        concat('программа началась раньше первого года данных (', cast(first_year as varchar), ')')
    from designs where pre_years < 1
    union all
    select programme, claim, 'start_after_panel', 'refuses',
        concat('no year up to the last of the figures, ', cast(last_year as varchar), ', is treated for six months or more'),
        concat('ни один год до последнего года данных (', cast(last_year as varchar), ') не охвачен программой на полгода и больше')
    from designs where post_years < 1
    union all
    select programme, claim, 'suppressed', 'refuses',
        concat('treated areas without a figure in some year: ', cast(suppressed_areas as varchar)),
        concat('у ', cast(suppressed_areas as varchar), ' территорий программы нет данных за отдельные годы')
    from designs where suppressed_areas > 0
    union all
    select programme, claim, 'few_controls', 'refuses',
        concat('there are ', cast(control_areas as varchar), ' areas to compare with'),
        concat('территорий для сравнения: ', cast(control_areas as varchar))
    from designs where control_areas < 10
    union all
    select programme, claim, 'one_treated', 'refuses',
        concat('one area enters the comparison, ', array_to_string(treated_names, ', '),
            ': its effect has a rank among all areas and no interval'),
        concat('в сравнение входит одна территория (', coalesce(nullif(array_to_string(treated_names_ru, ', '), ''),
            array_to_string(treated_names, ', ')), '): у эффекта есть место среди всех территорий, но нет интервала')
    from designs where treated_areas = 1
    union all
    select programme, claim, 'few_treated', 'flags',
        concat(cast(treated_areas as varchar), ' areas are treated: limits are those of randomisation inference, as clustered errors are too small'),
        concat('территорий программы: ', cast(treated_areas as varchar), '; интервал получен рандомизацией, так как кластерные ошибки занижены')
    from designs where treated_areas between 2 and 9
    union all
    select programme, claim, 'one_pre_year', 'refuses',
        'one year before is known: nothing shows whether trends were parallel',
        'известен один год до начала: параллельность трендов проверить нельзя'
    from designs where pre_years = 1
    union all
    select programme, claim, 'few_pre_years', 'flags',
        concat(cast(pre_years as varchar), ' years before are known: the test of trends sees little'),
        concat('лет до начала: ', cast(pre_years as varchar), '; проверка параллельности трендов малочувствительна')
    from designs where pre_years in (2, 3)
    union all
    select d.programme, d.claim, 'event', 'flags',
        concat('years of the figures in the pandemic, which did not strike all areas alike: ', cast(d.event_years as varchar)),
        concat('на пандемию приходится лет: ', cast(d.event_years as varchar), '; она затронула территории по-разному')
    from designs d where d.event_years > 0
    union all
    select programme, claim, 'boundary_change', 'refuses',
        concat('borders changed within the years of the figures: ', names),
        concat('границы изменились в годы наблюдения: ', names)
    from changed
    union all
    select programme, claim, 'definition_break', case when treated_areas > 0 then 'refuses' else 'flags' end,
        concat('the series has a break in ', years),
        concat('разрыв ряда: ', years)
    from broken
    union all
    select programme, claim, 'other_programme', 'refuses',
        concat('another programme works in the same places: ', names),
        concat('на тех же территориях действует другая программа: ', names)
    from others
    union all
    select programme, claim, 'source_revision', 'flags',
        concat('figures of treated areas that differ between data sets: ', cast(figures as varchar)),
        concat('значений территорий программы, различающихся между источниками: ', cast(figures as varchar))
    from revised
    union all
    select programme, claim, 'pretrend', 'refuses',
        concat('treated areas and the others were already parting before it began (p = ', cast(round(p, 3) as varchar), ')'),
        concat('территории программы и прочие расходились ещё до её начала (p = ', cast(round(p, 3) as varchar), ')')
    from parted where p < 0.05
    union all
    select programme, claim, 'pretrend_clustered', 'flags',
        concat('the joint test of trends rejects (p = ', cast(round(clustered, 3) as varchar), '), as it does too often with few treated areas'),
        concat('совместная проверка трендов отвергает параллельность (p = ', cast(round(clustered, 3) as varchar), '), что при малом числе территорий случается слишком часто')
    from parted where few and clustered < 0.05 and coalesce(p, 1) >= 0.05
    union all
    select programme, claim, 'pretrend_unknown', 'refuses',
        'whether trends were parallel before it began could not be tested',
        'параллельность трендов до начала программы проверить не удалось'
    from parted where not few and p is null and pre_years > 1
    union all
    select d.programme, d.claim, 'staggered', 'flags',
        'fewer than ten areas began at different times: the leading estimate takes their effects to be alike',
        'менее десяти территорий начали в разное время: основная оценка считает эффекты одинаковыми'
    from designs d where d.cohorts > 1 and d.treated_areas between 2 and 9
    union all
    select c.programme, c.claim, 'ended', 'refuses',
        concat('it ended in ', min(k.until_period), ', and years after that are not told apart from those of the programme'),
        concat('программа завершилась (', min(k.until_period), '), а годы после её окончания не отделены от годов действия')
    from claims c
    join designs d on d.programme = c.programme and d.claim = c.claim
    join programmes.cohorts k on k.programme = c.programme and k.role = 'treated'
        and (c.component is null or k.component = c.component)
    where k.until_month < d.last_year * 12 + c.year_ends - 1
    group by c.programme, c.claim
    union all
    select c.programme, c.claim, 'mixed_levels', 'refuses',
        concat('its places are areas of different levels: ', string_agg(distinct k.level, ', ')),
        concat('территории программы разного уровня: ', string_agg(distinct k.level, ', '))
    from claims c
    join programmes.cohorts k on k.programme = c.programme and k.role = 'treated'
        and (c.component is null or k.component = c.component)
    where c.indicator is not null
    group by c.programme, c.claim
    having count(distinct k.level) > 1
    union all
    select c.programme, c.claim, 'no_figures', 'refuses',
        concat('treated places without any figure of the statistic: ', string_agg(distinct k.area, ', ')),
        concat('территории программы без значений показателя: ', string_agg(distinct coalesce(k.area_ru, k.area), ', '))
    from claims c
    join designs d on d.programme = c.programme and d.claim = c.claim
    join programmes.cohorts k on k.programme = c.programme and k.role = 'treated'
        and (c.component is null or k.component = c.component)
    left join treated t on t.programme = c.programme and t.claim = c.claim and t.ref_area = k.ref_area
    where t.ref_area is null
    group by c.programme, c.claim
    union all
    select c.programme, c.claim, 'no_population', 'refuses',
        'the children of its places are not known, so that a count cannot be made a rate',
        'численность детей на территориях программы неизвестна: показатель нельзя пересчитать на численность'
    from claims c
    join (
        select programme, claim, count(population) as known from programmes.panel where role = 'treated'
        group by programme, claim
    ) p on p.programme = c.programme and p.claim = c.claim and p.known = 0
    join codelists.indicators i on i.code = c.indicator and i.unit_measure = 'persons'
    where c.population is not null
    union all
    select c.programme, c.claim, 'raw_counts', 'flags',
        'counts of areas of different size are compared as they are',
        'сравниваются абсолютные числа территорий разного размера'
    from claims c
    join codelists.indicators i on i.code = c.indicator and i.unit_measure = 'persons'
    join designs d on d.programme = c.programme and d.claim = c.claim
    where c.population is null
    union all
    select programme, claim, 'contradiction', 'flags',
        concat('the document contradicts itself: ', what_en),
        concat('документ противоречит сам себе: ', what_ru)
    from contradicted
)
select
    f.programme, f.claim, f.guard, f.effect, f.message_en, f.message_ru,
    c.registry_file, c.registry_line,
    case when d.cells is null then c.cells else array_concat(c.cells, d.cells) end as cells
from fired f
join claims c on c.programme = f.programme and c.claim = f.claim
left join designs d on d.programme = f.programme and d.claim = f.claim
