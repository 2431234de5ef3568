-- What the verdicts were in earlier releases, and what they are now: a row whenever one changed, or the
-- claim itself did. The releases meant are those before the one that is made: after a rollback history goes
-- on from the release that readers see.
with last as (
    select * from (
        select *, row_number() over (partition by programme, claim order by revision desc) as newest
        from programmes.verdict_history_before
    ) where newest = 1
),
now as (
    select v.*, l.revision as last_revision, l.verdict as last_verdict, l.estimate as last_estimate,
        l.revision is not null and ((l.kind is distinct from v.kind) or (l.size is distinct from v.size)) as claim_changed
    from programmes.verdicts v
    left join last l on l.programme = v.programme and l.claim = v.claim
    where l.revision is null
        or l.verdict <> v.verdict
        or (l.estimate is distinct from v.estimate)
        or (l.conf_low is distinct from v.conf_low)
        or (l.conf_high is distinct from v.conf_high)
        or (l.kind is distinct from v.kind)
        or (l.size is distinct from v.size)
),
seen as (
    select max(accessed) as as_of from sources
)
select programme, claim, revision, as_of, kind, size, claim_changed, verdict, previous_verdict, flipped, estimate, conf_low, conf_high,
    evidence_level, reason_en, reason_ru, false as is_new, cells
from programmes.verdict_history_before
union all
select n.programme, n.claim, coalesce(n.last_revision, 0) + 1 as revision, s.as_of,
    n.kind, n.size, n.claim_changed,
    n.verdict, n.last_verdict as previous_verdict,
    n.last_verdict is not null and n.last_verdict <> n.verdict as flipped,
    n.estimate, n.conf_low, n.conf_high, n.evidence_level, n.reason_en, n.reason_ru,
    true as is_new, n.cells
from now n cross join seen s
