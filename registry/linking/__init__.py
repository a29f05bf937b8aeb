"""Linking: which registered project and enterprise each agency record belongs to, decided for sets of records.

First by exact means, in SQL: project code, USCC, exact normal name with region. What these leave open is weighed by
likeness (likely.py): linked where it is sure enough, `unlinked` where a person has to look, `none` only where it is
safe, because a flag may follow from it.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import dirty, statistics
from registry.dirty import MARK_AGAIN, UNSETTLED_RECORDS
from registry.linking.disguising import keep_disguises
from registry.linking.known_register import renew_early
from registry.linking.likely import decide_likely
from registry.linking.model import Model
from registry.linking.models import active_model
from registry.linking.queueing import queue_reviews
from registry.linking.suspecting import gather_suspects
from registry.region_matching import match
from registry.sectors import shown_sectors
from registry.turns import take_turn

FOLDER: Final = Path(__file__).parent
STEPS: Final = ("records", "parties", "candidates", "places", "decisions")
_TABLES: Final = ("claimed", "sector_words", "sector_products", "sector_processes", "building", "idle_kinds")
_MADE: Final = ("linking", "parties", "candidates", "places", "decisions")
_REGIONS: Final = re.compile(r"region_matches\(([\w.]+), ([\w.]+)\)")

# What one transaction links at most: claims of a batch stay locked until it ends.
BATCH: Final = 20_000


@dataclass(frozen=True, slots=True)
class Linked:
    """What a batch of linking did; `claimed` 0 means that nothing is waiting."""

    claimed: int = 0
    records: int = 0
    changed: int = 0


@lru_cache(maxsize=8)
def statement(step: str) -> str:
    """One step as SQL, with the conditions for matching regions written out."""
    sql = (FOLDER / f"{step}.sql").read_text(encoding="utf-8")
    return _REGIONS.sub(lambda found: match(found[1], found[2]), sql)


async def link_changed(
    session: AsyncSession, at: datetime, *, limit: int = BATCH, lane: dirty.Lane | None = None
) -> Linked:
    """Link what is marked, in the session's transaction; call again until nothing is claimed.

    A changed project or enterprise re-links the records it touches and those that may fit it now. Links that come out
    as they are stay; the others are closed at `at` and followed by new ones. Judging and indexing are marked.
    """
    claims = await dirty.claim(session, "link", limit=limit, lane=lane)
    if not claims:
        return Linked()
    await statistics.refresh(session, len(claims))
    connection = await session.connection()
    records = dirty.ids_of(claims, "record")
    projects, enterprises = dirty.ids_of(claims, "project"), dirty.ids_of(claims, "enterprise")
    # Batches of other records go side by side. One that takes more records than it claimed is at it alone: else the
    # slower of two would overwrite what the other decided later by newer knowledge.
    await take_turn(connection, "linking widely", None if projects or enterprises else ())
    await claim_records(connection, records)
    if projects or enterprises:
        await _widen(connection, projects, enterprises)
    model = await decide(connection)
    count = (await connection.execute(text("SELECT count(DISTINCT record_id) FROM decisions"))).scalar_one()
    changed = await _write(connection, at, claims)
    await queue_reviews(connection, at, model.version)
    # Two batches that meet the same unregistered project would both suspect it anew.
    await take_turn(connection, "suspects")
    await gather_suspects(session, at)
    await dirty.settle(session, "link", claims)
    return Linked(len(claims), count, changed)


async def decide(connection: AsyncConnection) -> Model:
    """Fill `decisions` and `differing` for the claimed records; nothing of the register changes."""
    looked = await renew_early(connection)
    # What is made here is a batch, of which a tenth of the usual sample tells as much.
    await connection.exec_driver_sql("SET LOCAL default_statistics_target = 10")
    for step, made in zip(STEPS, _MADE, strict=True):
        await connection.exec_driver_sql(statement(step))
        await connection.exec_driver_sql(f"ANALYZE {made}")
    # What follows joins tables that another batch may be filling, of which nobody can tell how large they are.
    await connection.exec_driver_sql("CREATE INDEX ON decisions (record_id)")
    model = await active_model(connection)
    await decide_likely(connection, model, looked=looked)
    await keep_disguises(connection)
    # From here on nobody decides by hand until this is committed: a person's word and ours would both stand.
    await take_turn(connection, "linking", ())
    await connection.exec_driver_sql("DROP TABLE IF EXISTS differing")
    await connection.exec_driver_sql(_DIFFERING)
    await connection.exec_driver_sql("SET LOCAL default_statistics_target TO DEFAULT")
    return model


async def relink_all(session: AsyncSession) -> int:
    """Mark every record for linking: after the linker itself changed; returns how many there are."""
    done = await (await session.connection()).execute(
        text(
            "INSERT INTO dirty_marks (purpose, kind, id, run_id) SELECT 'link', 'record', record_id, NULL "
            "FROM records WHERE known_to = 'infinity' ORDER BY record_id " + MARK_AGAIN
        )
    )
    return done.rowcount


async def claim_records(connection: AsyncConnection, records: list[int]) -> None:
    """The tables that the steps read: the claimed records and what shows a sector."""
    await connection.exec_driver_sql(f"DROP TABLE IF EXISTS {', '.join((*_TABLES, *_MADE))}")
    for columns in (
        "claimed (id bigint PRIMARY KEY)",
        "sector_words (sector text, shows text, unless text)",
        "sector_products (product text PRIMARY KEY, sector text)",
        "sector_processes (industry text, sector text, shows text, unless text, details text[])",
        "building (act text)",
        "idle_kinds (kind text)",
    ):
        await connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {columns} ON COMMIT DROP")
    await connection.execute(
        text("INSERT INTO claimed SELECT unnest(:ids)").bindparams(bindparam("ids", records, ARRAY(BigInteger)))
    )
    shown = shown_sectors()
    rows: dict[str, list[dict[str, Any]]] = {
        "sector_words (sector, shows, unless) VALUES (:sector, :shows, :unless)": [
            {"sector": name, "shows": one.pattern(), "unless": one.exception_pattern()}
            for name, one in shown.sectors.items()
        ],
        "sector_products (product, sector) VALUES (:product, :sector)": [
            {"product": product, "sector": name} for name, one in shown.sectors.items() for product in one.products
        ],
        "sector_processes VALUES (:industry, :sector, :shows, :unless, :details)": [
            {
                "industry": one.process.industry,
                "sector": name,
                "shows": one.process.pattern(),
                "unless": one.exception_pattern(),
                "details": one.process.details,
            }
            for name, one in shown.sectors.items()
            if one.process is not None
        ],
        "building (act) VALUES (:act)": [{"act": act} for act in shown.construction_acts],
        "idle_kinds (kind) VALUES (:kind)": [{"kind": kind} for kind in shown.not_construction_kinds],
    }
    for into, values in rows.items():
        await connection.execute(text(f"INSERT INTO {into}"), values)


_WIDEN: Final = f"""
WITH projects AS (
    SELECT DISTINCT project_id, owner_id, name_normal, sector, region FROM project_versions
    WHERE known_to = 'infinity' AND (project_id = ANY (:projects) OR owner_id = ANY (:enterprises))
),
codes AS (
    SELECT code FROM project_codes WHERE project_id = ANY (:projects)
    UNION SELECT code FROM project_versions WHERE project_id = ANY (:projects)
),
names AS (
    SELECT name_normal FROM enterprise_names WHERE enterprise_id = ANY (:enterprises)
    UNION SELECT n.name_normal FROM enterprise_names AS n JOIN projects AS p ON p.owner_id = n.enterprise_id
),
numbers AS (
    SELECT v.uscc FROM enterprise_versions AS v WHERE v.enterprise_id = ANY (:enterprises)
    UNION SELECT v.uscc FROM enterprise_versions AS v JOIN projects AS p ON p.owner_id = v.enterprise_id
)
INSERT INTO claimed
SELECT record_id FROM (
    SELECT record_id FROM links
    WHERE known_to = 'infinity' AND (
        project_id = ANY (:projects) OR enterprise_id = ANY (:enterprises)
        OR enterprise_id IN (SELECT owner_id FROM projects)
        -- Nothing of the sector was there: now something may be.
        OR outcome = 'none' AND shown_sector IN (SELECT sector FROM projects)
    )
    UNION
    SELECT record_id FROM link_candidates
    WHERE known_to = 'infinity' AND project_id IN (SELECT project_id FROM projects)
    UNION
    -- Open records of the same place whose names are like the project's or its owner's now.
    SELECT l.record_id
    FROM links AS l
    JOIN records AS r ON r.record_id = l.record_id AND r.known_to = 'infinity'
    JOIN projects AS p ON r.region IS NULL OR p.region IS NULL OR left(r.region, 2) = left(p.region, 2)
    WHERE l.known_to = 'infinity' AND l.outcome <> 'linked' AND l.decided_by = 'linker'
      AND (similarity(r.project_name_normal, p.name_normal) > 0.3
           OR EXISTS (SELECT FROM enterprise_names AS n
                      WHERE n.enterprise_id = p.owner_id AND n.known_to = 'infinity'
                        AND similarity(coalesce(r.party_name_normal, r.project_name_normal), n.name_normal) > 0.3))
    UNION
    SELECT record_id FROM records
    WHERE known_to = 'infinity' AND (
        project_code IN (SELECT code FROM codes)
        OR project_name_normal IN (SELECT name_normal FROM projects)
        OR party_name_normal IN (SELECT name_normal FROM names)
        OR party_uscc IN (SELECT uscc FROM numbers)
    )
) AS touched
WHERE record_id NOT IN ({UNSETTLED_RECORDS})
ON CONFLICT DO NOTHING
"""


async def _widen(connection: AsyncConnection, projects: list[int], enterprises: list[int]) -> None:
    """Add the records that changed projects and enterprises touch."""
    await connection.execute(
        text(_WIDEN).bindparams(
            bindparam("projects", projects, ARRAY(BigInteger)), bindparam("enterprises", enterprises, ARRAY(BigInteger))
        )
    )


_SAME: Final = """
l.record_id = d.record_id AND l.project_id IS NOT DISTINCT FROM d.project_id
AND l.enterprise_id IS NOT DISTINCT FROM d.enterprise_id AND l.outcome = d.outcome AND l.method = d.method
AND l.score IS NOT DISTINCT FROM d.score AND l.shown_sector IS NOT DISTINCT FROM d.shown_sector
AND l.evidence = d.evidence
"""

# A person's decision stands until a person changes it. A record may have several rows on either side.
_DIFFERING: Final = f"""
CREATE TEMPORARY TABLE differing ON COMMIT DROP AS
WITH told AS (
    SELECT DISTINCT d.record_id FROM decisions AS d
    WHERE NOT EXISTS (SELECT FROM links AS l
                      WHERE l.record_id = d.record_id AND l.known_to = 'infinity' AND l.decided_by <> 'linker')
),
other AS (
    SELECT d.record_id FROM decisions AS d
    WHERE NOT EXISTS (SELECT FROM links AS l WHERE l.known_to = 'infinity' AND {_SAME})
    UNION
    SELECT l.record_id FROM links AS l
    WHERE l.known_to = 'infinity' AND l.record_id IN (SELECT record_id FROM told)
      AND NOT EXISTS (SELECT FROM decisions AS d WHERE {_SAME})
)
SELECT d.* FROM decisions AS d
WHERE record_id IN (SELECT record_id FROM told) AND record_id IN (SELECT record_id FROM other)
"""

_CLOSE: Final = """
WITH closed AS (
    UPDATE links SET known_to = greatest(:at, known_from)
    WHERE record_id IN (SELECT record_id FROM differing) AND known_to = 'infinity'
    RETURNING links.project_id
)
SELECT DISTINCT project_id FROM closed WHERE project_id IS NOT NULL
"""

_ADD: Final = """
INSERT INTO links (record_id, project_id, enterprise_id, outcome, method, score, shown_sector, evidence, known_from)
SELECT record_id, project_id, enterprise_id, outcome, method, score, shown_sector, evidence, :at
FROM differing
"""

# Linking's order of marks is judge before index, as everywhere: nobody waits in a circle. A project that a record came
# to is found by judging through the record; one that it left, nothing else leads to.
_MARKS: Final = f"""
WITH touched AS (
    -- Of its run, which is settled by now: so that what it brought keeps its turn.
    SELECT 'record' AS kind, d.record_id AS id, c.run_id
    FROM (SELECT DISTINCT record_id FROM decisions) AS d
    LEFT JOIN unnest(:records, :runs) AS c (record_id, run_id) ON c.record_id = d.record_id
    WHERE c.record_id IS NOT NULL OR d.record_id IN (SELECT record_id FROM differing)
    UNION SELECT 'project', unnest(CAST(:left AS bigint[])), :run
)
INSERT INTO dirty_marks (purpose, kind, id, run_id)
SELECT 'judge' AS purpose, kind, id, run_id FROM touched
UNION SELECT 'index', kind, id, run_id FROM touched
UNION SELECT 'index', 'project', project_id, :run FROM differing WHERE project_id IS NOT NULL
ORDER BY purpose DESC, kind, id
{MARK_AGAIN}
"""


async def _write(connection: AsyncConnection, at: datetime, claims: Collection[dirty.Claim]) -> int:
    """Replace the links that differ, and mark what they concern; returns how many records' links changed."""
    changed: int = (await connection.execute(text("SELECT count(DISTINCT record_id) FROM differing"))).scalar_one()
    left: list[int] = []
    if changed:
        left = list((await connection.execute(text(_CLOSE), {"at": at})).scalars())
        await connection.execute(text(_ADD), {"at": at})
    records = [claim for claim in claims if claim.kind == "record"]
    await connection.execute(
        text(_MARKS).bindparams(
            bindparam("records", [claim.id for claim in records], ARRAY(BigInteger)),
            bindparam("runs", [claim.run for claim in records], ARRAY(BigInteger)),
            bindparam("left", left, ARRAY(BigInteger)),
            bindparam("run", dirty.run_of(claims), BigInteger),
        )
    )
    return changed
