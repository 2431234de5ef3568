-- Every claim with its verdict.
--
-- supported: the guards pass, the interval excludes zero (after Holm's adjustment over the claims of the
-- programme) and holds the claim. not supported: the guards pass, and the interval excludes the claim.
-- cannot tell: everything else.
with main as (
    -- Claims that a guard refuses are told of no effect and belong to no family.
    select e.*, holm(case when g.programme is null then e.p_value end) over (partition by e.programme)['p_adjusted'] as p_adjusted
    from programmes.effects e
    left join (select distinct programme, claim from programmes.guards where effect = 'refuses') g
        on g.programme = e.programme and g.claim = e.claim
    where e.is_main
),
refusals as (
    select programme, claim,
        string_agg(message_en, '; ' order by guard) filter (where effect = 'refuses') as refused_en,
        string_agg(message_ru, '; ' order by guard) filter (where effect = 'refuses') as refused_ru,
        string_agg(message_en, '; ' order by guard) filter (where effect = 'flags') as flagged_en,
        string_agg(message_ru, '; ' order by guard) filter (where effect = 'flags') as flagged_ru
    from programmes.guards
    group by programme, claim
),
-- What the claim says of the effect in per cent: from, to.
sized as (
    select c.*,
        case c.kind
            when 'percent_change' then case when c.ceiling then least(c.size, 0) else c.size end
            when 'times_fewer' then 100 * (1 / c.size - 1)
            when 'times_more' then 100 * (c.size - 1)
            when 'direction' then case when c.size < 0 then -100 else 0 end
            when 'question' then case when c.size < 0 then -100 else 0 end
        end as claim_low,
        case c.kind
            when 'percent_change' then case when c.ceiling then greatest(c.size, 0) else coalesce(c.size_high, c.size) end
            when 'times_fewer' then 100 * (1 / c.size - 1)
            when 'times_more' then 100 * (coalesce(c.size_high, c.size) - 1)
            when 'direction' then case when c.size < 0 then 0 else cast('Infinity' as double) end
            when 'question' then case when c.size < 0 then 0 else cast('Infinity' as double) end
        end as claim_high
    from programmes.claims c
),
smallest as (
    select programme, claim, max(cast(published as int)) = 1 as published,
        min(case when beyond_chance then base end) as base,
        min(case when published then base end) as published_base,
        min(case when published then after end) as published_after,
        min(case when published then change end) as published_change,
        min(case when published then change_low end) as published_low,
        min(case when published then change_high end) as published_high
    from programmes.small_numbers
    group by programme, claim
),
joined as (
    select c.*, p.title_en, p.title_ru,
        m.design as effect_design, m.estimator, m.estimate, m.std_error, m.conf_low, m.conf_high, m.p_value, m.p_adjusted,
        m.percent, m.percent_low, m.percent_high, m.children, m.children_low, m.children_high, m.reason as no_estimate,
        m.cells as effect_cells,
        d.treated_areas, d.control_areas, d.pre_years, d.post_years, d.treated_names, d.treated_names_ru,
        s.detectable,
        -- In per cent of what would have been, as effects are; with one treated area it is not told.
        case when d.treated_areas > 1 and d.treated_mean > m.estimate
            then 100 * s.detectable / (d.treated_mean - m.estimate) end as detectable_percent,
        s.pretrend_p, s.pretrend_ruled_out, s.breakdown_m,
        r.refused_en, r.refused_ru, r.flagged_en, r.flagged_ru,
        t.share, t.share_low, t.share_high, t.kept,
        n.base as chance_base, n.published as base_published,
        -100 * (power((sqrt(1.163 * 1.163 + 4 * n.base) - 1.163) / 2, 2) / n.base - 1) as fall_by_choice,
        n.published_base, n.published_after, n.published_change, n.published_low, n.published_high,
        x.statistic, x.statistic_ru, x.area as trend_name, x.area_ru as trend_name_ru,
        x.first_period, x.first_figure, x.last_period, x.last_figure, x.change, x.expected_in_region,
        x.cells as trend_cells,
        m.conf_low is not null and m.percent_low is not null and (m.conf_low > 0 or m.conf_high < 0)
            and m.p_adjusted < 0.05 as excludes_zero,
        m.percent_low <= c.claim_high and m.percent_high >= c.claim_low as holds_claim
    from sized c
    join programmes.programmes p on p.programme = c.programme
    left join main m on m.programme = c.programme and m.claim = c.claim
    left join programmes.designs d on d.programme = c.programme and d.claim = c.claim
    left join programmes.sensitivity s on s.programme = c.programme and s.claim = c.claim
    left join refusals r on r.programme = c.programme and r.claim = c.claim
    left join programmes.retention t on t.programme = c.programme and t.claim = c.claim
    left join smallest n on n.programme = c.programme and n.claim = c.claim
    left join programmes.surroundings x on x.programme = c.programme and x.claim = c.claim
),
judged as (
    select *,
        case
            when refused_en is not null or conf_low is null then 'cannot tell'
            -- The side of a direction matters, not only that the interval touches it.
            when kind in ('direction', 'question') and excludes_zero and estimate * size > 0 then 'supported'
            when kind in ('direction', 'question') and size < 0 and conf_low >= 0 then 'not supported'
            when kind in ('direction', 'question') and size > 0 and conf_high <= 0 then 'not supported'
            when kind in ('direction', 'question') then 'cannot tell'
            when excludes_zero and holds_claim then 'supported'
            when not holds_claim then 'not supported'
            else 'cannot tell'
        end as verdict
    from joined
)
select
    programme, claim, title_en as programme_en, title_ru as programme_ru,
    wording_en, wording_ru, kind, size, size_high, ceiling, outcome_en, outcome_ru,
    verdict,
    case verdict when 'supported' then 'подтверждается' when 'not supported' then 'не подтверждается'
        else 'установить нельзя' end as verdict_ru,
    estimate, std_error, conf_low, conf_high, p_value, p_adjusted,
    percent, percent_low, percent_high, children, children_low, children_high,
    claim_low, case when claim_high < cast('Infinity' as double) then claim_high end as claim_high,
    -- Sherman and others: 3 is a comparison of several places before and after, 2 one place before and
    -- after, 1 those who took part, afterwards; 0 where nobody says how the figure came about.
    case
        when conf_low is not null and treated_areas >= 2 and pre_years >= 2 and refused_en is null then 3
        when estimate is not null then 2
        when design = 'before_after' or kind in ('percent_change', 'times_fewer', 'times_more') then
            case when base is not null then 2 else 1 end
        when kind = 'share' then 1
        else 0
    end as evidence_level,
    effect_design, estimator, treated_areas, control_areas, pre_years, post_years,
    array_to_string(treated_names, ', ') as treated_names,
    detectable, detectable_percent, pretrend_p, pretrend_ruled_out, breakdown_m,
    share, share_low, share_high,
    chance_base, expected_in_region,
    concat_ws('. ',
        refused_en,
        case when refused_en is null and verdict = 'cannot tell' and conf_low is null then
            concat('there is no interval', coalesce(concat(': ', no_estimate), '')) end,
        case when refused_en is null and verdict = 'cannot tell' and conf_low is not null then
            case when kind in ('question', 'direction')
                then concat('the interval, ', cast(round(percent_low, 1) as varchar), ' to ', coalesce(cast(round(percent_high, 1) as varchar), 'no end'),
                    ' %, allows both a fall and a rise')
                else concat('the interval, ', cast(round(percent_low, 1) as varchar), ' to ', coalesce(cast(round(percent_high, 1) as varchar), 'no end'),
                    ' %, holds both what is claimed and zero') end end,
        case when verdict = 'supported' then
            concat('the interval, ', cast(round(percent_low, 1) as varchar), ' to ', cast(round(percent_high, 1) as varchar),
                ' %, excludes zero and holds what is claimed') end,
        case when verdict = 'not supported' then
            concat('the interval, ', cast(round(percent_low, 1) as varchar), ' to ', cast(round(percent_high, 1) as varchar),
                ' %, excludes what is claimed',
                case when claim_low < 0 and percent_high < claim_low or claim_high > 0 and percent_low > claim_high
                    then ': the effect is larger' else '' end) end,
        case when share is not null then
            concat('of ', cast(cast(participants as bigint) as varchar), ' who took part it held for ', cast(cast(kept as bigint) as varchar), ': ',
                cast(round(share, 1) as varchar), ' % (', cast(round(share_low, 1) as varchar), ' to ', cast(round(share_high, 1) as varchar),
                ') where ', cast(size as varchar), ' % is claimed, and nobody knows how many it would have been without the programme') end,
        case when chance_base is not null and not base_published then
            concat('the base is not published: of the bases tried, a change of this size is more than chance from ', cast(cast(chance_base as bigint) as varchar), ' on',
                case when claim_high < 0 then concat(', where choosing the highest of five years to start from makes for a fall of ',
                    cast(cast(round(fall_by_choice) as bigint) as varchar), ' % by itself') else '' end) end,
        case when published_base is not null then
            concat('from ', cast(cast(published_base as bigint) as varchar), ' to ', cast(cast(published_after as bigint) as varchar), ': ',
                cast(round(published_change, 1) as varchar), ' % (', cast(round(published_low, 1) as varchar), ' to ',
                cast(round(published_high, 1) as varchar), ' were it chance alone), with nothing to say what it would have been otherwise') end,
        case when expected_in_region is not null then
            concat('by its share of the people, its region as a whole would have had about ', cast(cast(round(expected_in_region) as bigint) as varchar),
                ' in ', first_period, ', and a town of the region far fewer') end,
        case when first_period = last_period then
            concat(statistic, ', ', trend_name, ': ', cast(round(first_figure, 1) as varchar), ' in ', first_period) end,
        case when first_period < last_period then
            concat(statistic, ', ', trend_name, ': ', cast(cast(first_figure as bigint) as varchar), ' in ', first_period, ', ',
                cast(cast(last_figure as bigint) as varchar), ' in ', last_period, ' (', cast(round(change, 1) as varchar), ' %)') end,
        case when detectable_percent is not null then
            case when detectable_percent >= 100 then 'with these areas and years not even a fall to zero would be found'
                else concat('an effect below ', cast(cast(round(detectable_percent) as bigint) as varchar),
                    ' % would probably not be found with these areas and years') end end
    ) as reason_en,
    concat_ws('. ',
        refused_ru,
        case when refused_ru is null and verdict = 'cannot tell' and conf_low is null then 'интервала нет' end,
        case when refused_ru is null and verdict = 'cannot tell' and conf_low is not null then
            case when kind in ('question', 'direction')
                then concat('интервал от ', cast(round(percent_low, 1) as varchar), ' до ', coalesce(cast(round(percent_high, 1) as varchar), 'бесконечности'),
                    ' % допускает и снижение, и рост')
                else concat('интервал от ', cast(round(percent_low, 1) as varchar), ' до ', coalesce(cast(round(percent_high, 1) as varchar), 'бесконечности'),
                    ' % включает и заявленное, и ноль') end end,
        case when verdict = 'supported' then
            concat('интервал от ', cast(round(percent_low, 1) as varchar), ' до ', cast(round(percent_high, 1) as varchar),
                ' % исключает ноль и включает заявленное') end,
        case when verdict = 'not supported' then
            concat('интервал от ', cast(round(percent_low, 1) as varchar), ' до ', cast(round(percent_high, 1) as varchar),
                ' % исключает заявленное',
                case when claim_low < 0 and percent_high < claim_low or claim_high > 0 and percent_low > claim_high
                    then ': эффект больше' else '' end) end,
        case when share is not null then
            concat('из ', cast(cast(participants as bigint) as varchar), ' участвовавших это верно для ', cast(cast(kept as bigint) as varchar), ': ',
                cast(round(share, 1) as varchar), ' % (от ', cast(round(share_low, 1) as varchar), ' до ', cast(round(share_high, 1) as varchar),
                '), заявлено ', cast(size as varchar), ' %; сколько было бы без программы, неизвестно') end,
        case when chance_base is not null and not base_published then
            concat('исходное число не опубликовано: из проверенных чисел такое изменение выходит за пределы случайного, если оно не меньше ', cast(cast(chance_base as bigint) as varchar),
                case when claim_high < 0 then concat('; выбор наибольшего из пяти лет за точку отсчёта сам по себе даёт снижение на ',
                    cast(cast(round(fall_by_choice) as bigint) as varchar), ' %') else '' end) end,
        case when published_base is not null then
            concat('с ', cast(cast(published_base as bigint) as varchar), ' до ', cast(cast(published_after as bigint) as varchar), ': ',
                cast(round(published_change, 1) as varchar), ' % (от ', cast(round(published_low, 1) as varchar), ' до ',
                cast(round(published_high, 1) as varchar), ' с учётом случайности); каким было бы изменение без программы, неизвестно') end,
        case when expected_in_region is not null then
            concat('по доле населения на весь регион пришлось бы около ', cast(cast(round(expected_in_region) as bigint) as varchar),
                ' в ', first_period, ' году, на один город региона — намного меньше') end,
        case when first_period = last_period then
            concat(statistic_ru, ', ', trend_name_ru, ': ', cast(round(first_figure, 1) as varchar), ' (', first_period, ')') end,
        case when first_period < last_period then
            concat(statistic_ru, ', ', trend_name_ru, ': ', cast(cast(first_figure as bigint) as varchar), ' (', first_period, '), ',
                cast(cast(last_figure as bigint) as varchar), ' (', last_period, '), ', cast(round(change, 1) as varchar), ' %') end,
        case when detectable_percent is not null then
            case when detectable_percent >= 100 then 'на этих территориях за эти годы не было бы видно даже снижения до нуля'
                else concat('эффект меньше ', cast(cast(round(detectable_percent) as bigint) as varchar),
                    ' % на этих территориях за эти годы, скорее всего, не был бы виден') end end
    ) as reason_ru,
    flagged_en, flagged_ru, needed_en, needed_ru,
    document, line, registry_file, registry_line,
    array_distinct(array_concat(cells, coalesce(effect_cells, cells), coalesce(trend_cells, cells))) as cells
from judged
