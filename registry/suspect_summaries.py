"""What the records of a suspected project say of it together: its present version follows from its members."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import dirty, statistics
from registry.acts import GATES, LANE_OF_ACT
from registry.audience import CREDIT_ACTS

# Names, place and days come from records that are not of credit where there are any: those of credit are for finance.
_SUMMARISE: Final = """
WITH acts AS (SELECT * FROM unnest(CAST(:acts AS text[]), CAST(:lanes AS text[])) AS a (act, lane)),
-- Once, whatever the planner thinks of how few there are.
members AS MATERIALIZED (
    SELECT m.suspected_id, r.*, l.enterprise_id, l.shown_sector, a.lane, r.act = ANY(:credit_acts) AS is_credit,
           bool_and(r.act = ANY(:credit_acts)) OVER (PARTITION BY m.suspected_id) AS credit_only
    FROM suspected_members AS m
    JOIN records AS r ON r.record_id = m.record_id AND r.known_to = 'infinity'
    LEFT JOIN acts AS a ON a.act = r.act
    LEFT JOIN LATERAL (
        SELECT l.enterprise_id, l.shown_sector FROM links AS l
        WHERE l.record_id = m.record_id AND l.known_to = 'infinity' ORDER BY l.version_id LIMIT 1
    ) AS l ON TRUE
    WHERE m.suspected_id = ANY(:ids) AND m.known_to = 'infinity'
),
summed AS (
    SELECT held.suspected_id,
        CASE WHEN count(m.record_id) = 0 AND held.state = 'open' THEN 'empty'
             WHEN count(m.record_id) > 0 AND held.state = 'empty' THEN 'open' ELSE held.state END AS state,
        held.merged_into, held.project_id,
        coalesce((array_agg(m.project_name ORDER BY length(m.project_name) DESC, m.record_id)
                  FILTER (WHERE m.told AND m.project_name <> ''))[1], '') AS project_name,
        coalesce((array_agg(m.party_name ORDER BY m.acted_on DESC, m.record_id)
                  FILTER (WHERE m.told AND m.party_name <> ''))[1], '') AS party_name,
        coalesce((array_agg(m.party_name_normal ORDER BY m.acted_on DESC, m.record_id)
                  FILTER (WHERE m.told AND m.party_name <> ''))[1], '') AS party_name_normal,
        min(m.party_uscc) FILTER (WHERE m.told) AS party_uscc,
        min(m.enterprise_id) FILTER (WHERE m.told) AS enterprise_id,
        coalesce(max(m.shown_sector), held.sector) AS sector,
        coalesce((array_agg(m.region ORDER BY m.region LIKE '%0000', m.region LIKE '%00', m.record_id)
                  FILTER (WHERE m.told AND m.region IS NOT NULL))[1], held.region) AS region,
        coalesce((array_agg(m.address ORDER BY length(m.address) DESC, m.record_id)
                  FILTER (WHERE m.told AND m.address <> ''))[1], '') AS address,
        count(m.record_id)::int AS records, count(DISTINCT m.lane) FILTER (WHERE m.lane = ANY(:gates))::int AS lanes,
        min(m.acted_on) FILTER (WHERE m.told) AS first_act, max(m.acted_on) FILTER (WHERE m.told) AS last_act,
        coalesce(bool_or(m.synthetic), held.synthetic) AS synthetic,
        coalesce(bool_and(m.is_credit), held.credit_only) AS credit_only, held.decided_by, held.reason, held.version_id
    FROM suspected_versions AS held
    LEFT JOIN (SELECT *, NOT is_credit OR credit_only AS told FROM members) AS m USING (suspected_id)
    WHERE held.suspected_id = ANY(:ids) AND held.known_to = 'infinity'
    GROUP BY held.suspected_id, held.state, held.merged_into, held.project_id, held.sector, held.region,
        held.synthetic, held.credit_only, held.decided_by, held.reason, held.version_id
),
differing AS (
    SELECT s.* FROM summed AS s JOIN suspected_versions AS v USING (version_id)
    WHERE (s.state, s.project_name, s.party_name, s.party_uscc, s.enterprise_id, s.sector, s.region, s.address,
           s.records, s.lanes, s.first_act, s.last_act, s.synthetic, s.credit_only)
      IS DISTINCT FROM (v.state, v.project_name, v.party_name, v.party_uscc, v.enterprise_id, v.sector, v.region,
           v.address, v.records, v.lanes, v.first_act, v.last_act, v.synthetic, v.credit_only)
)
, closed AS (
    UPDATE suspected_versions AS v SET known_to = greatest(:at, v.known_from)
    FROM differing AS d WHERE v.version_id = d.version_id RETURNING v.version_id
)
INSERT INTO suspected_versions (suspected_id, state, merged_into, project_id, project_name, party_name,
    party_name_normal, party_uscc, enterprise_id, sector, region, address, records, lanes, first_act, last_act,
    synthetic, credit_only, decided_by, reason, known_from)
SELECT d.suspected_id, d.state, d.merged_into, d.project_id, d.project_name, d.party_name, d.party_name_normal,
    d.party_uscc, d.enterprise_id, d.sector, d.region, d.address, d.records, d.lanes, d.first_act, d.last_act,
    d.synthetic, d.credit_only, d.decided_by, d.reason, :at
-- From what was closed: the old version goes before the new one comes.
FROM differing AS d JOIN closed USING (version_id)
"""


async def summarise_suspects(session: AsyncSession, suspected_ids: Collection[int], at: datetime) -> int:
    """Let the versions of these suspected projects say what their records say now; returns how many changed.

    State, merger and a person's reason stay; one that lost all its records is `empty`, and open again with the next.
    Search shows more of the records than the version says, so all of them are marked.
    """
    if not suspected_ids:
        return 0
    await dirty.mark(session, "index", "suspected", suspected_ids)
    # Those of a first load were stored a moment ago, in this very transaction.
    if len(suspected_ids) >= statistics.WORTH_A_LOOK:
        await statistics.look_at(session, "suspected_members", "suspected_versions")
    statement = text(_SUMMARISE).bindparams(
        bindparam("ids", sorted(set(suspected_ids)), ARRAY(BigInteger)),
        bindparam("acts", list(LANE_OF_ACT), ARRAY(Text)),
        bindparam("lanes", list(LANE_OF_ACT.values()), ARRAY(Text)),
        bindparam("gates", list(GATES), ARRAY(Text)),
        bindparam("credit_acts", list(CREDIT_ACTS), ARRAY(Text)),
        at=at,
    )
    return (await (await session.connection()).execute(statement)).rowcount
