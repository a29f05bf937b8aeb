"""What likeness decides among the records of a batch that exact means left open: linked, to review, none."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.database import json_text
from registry.linking.facts import Facts
from registry.linking.known_facts import known_facts, stated_facts
from registry.linking.known_register import known_register
from registry.linking.model import Model
from registry.linking.register import Asked, Found, Register, find
from registry.linking.thresholds import DOUBT
from registry.linking.weighing import speaking, weigh
from registry.names import normal_texts

METHOD: Final = "likeness"

# What a person said is not one stays apart, whatever speaks for it.
_REJECTED: Final = """
CREATE TEMPORARY TABLE rejected ON COMMIT DROP AS
SELECT d.record_id, one.project_id
FROM link_decisions AS d, unnest(d.project_ids) AS one (project_id)
WHERE d.verdict = 'reject' AND d.in_force AND d.record_id IN (SELECT record_id FROM linking)
  AND NOT EXISTS (SELECT FROM link_decisions AS u WHERE u.undoes = d.id)
"""
_KEEP_APART: Final = """
UPDATE decisions AS d SET project_id = NULL, outcome = 'unlinked', method = 'rejected', score = NULL,
       evidence = jsonb_build_object('rejected', d.project_id)
WHERE EXISTS (SELECT FROM rejected AS r WHERE r.record_id = d.record_id AND r.project_id = d.project_id)
"""

# `none` for want of a registered code, or of anything in the place, is looked at again: a name may be near. A number
# that nobody registered is another company's, whatever its name.
_OPEN: Final = """
SELECT d.record_id, coalesce(l.party_name, ''), coalesce(l.project_name, ''), coalesce(l.region, ''),
       CASE WHEN l.uscc_is_sure THEN l.party_uscc ELSE '' END, coalesce(r.address, ''),
       CASE WHEN l.shown <> 'other' THEN l.shown ELSE '' END, coalesce(d.enterprise_id, 0),
       r.acted_on, r.stated_capacity, r.details ->> 'parcel', r.amount, r.area_hectares
FROM decisions AS d
JOIN linking AS l USING (record_id)
JOIN records AS r ON r.record_id = d.record_id AND r.known_to = 'infinity'
WHERE (d.outcome = 'unlinked' OR d.method IN ('unregistered_code', 'no_project_in_place'))
  AND coalesce(l.party_name, l.project_name) <> ''
  AND NOT EXISTS (SELECT FROM links AS k WHERE k.record_id = d.record_id AND k.known_to = 'infinity'
                  AND k.decided_by <> 'linker')
ORDER BY d.record_id
"""
_MADE: Final = """
CREATE TEMPORARY TABLE weighed (
    record_id bigint, project_id bigint, score double precision, automatic boolean, contradicted boolean,
    explanation jsonb
) ON COMMIT DROP
"""

# The demo's records are no evidence against a company that exists: a person looks first.
_SPARE_REAL: Final = """
UPDATE weighed AS w SET automatic = FALSE
FROM records AS r, projects AS p
WHERE w.automatic AND r.record_id = w.record_id AND r.known_to = 'infinity' AND p.id = w.project_id
  AND r.synthetic AND NOT p.invented
"""
# Where exact means said `none`, likeness may ask a person and never links by itself.
_SPARE_NONE: Final = """
UPDATE weighed AS w SET automatic = FALSE FROM decisions AS d
WHERE d.record_id = w.record_id AND w.automatic AND (d.outcome = 'none' OR d.method = 'contradicting_uscc')
"""
_LINKED: Final = f"""
WITH found AS (
    SELECT w.*, d.enterprise_id, d.shown_sector, l.party_name, l.project_name, l.region
    FROM weighed AS w JOIN decisions AS d USING (record_id) JOIN linking AS l USING (record_id)
    WHERE w.automatic
),
gone AS (DELETE FROM decisions WHERE record_id IN (SELECT record_id FROM found))
INSERT INTO decisions (record_id, project_id, enterprise_id, outcome, method, score, shown_sector, evidence)
SELECT f.record_id, f.project_id, coalesce(f.enterprise_id, v.owner_id), 'linked', '{METHOD}', f.score, f.shown_sector,
       jsonb_strip_nulls(jsonb_build_object('party_name', f.party_name, 'project_name', f.project_name,
                                            'region', f.region, 'model', CAST(:model AS text))
                         || jsonb_build_object('speaking', f.explanation))
FROM found AS f
LEFT JOIN LATERAL (SELECT owner_id FROM project_versions AS v
                   WHERE v.project_id = f.project_id AND v.known_to = 'infinity'
                   ORDER BY v.held_from DESC NULLS LAST LIMIT 1) AS v ON TRUE
"""
_TO_REVIEW: Final = """
WITH best AS (
    SELECT record_id, max(score) FILTER (WHERE NOT contradicted) AS score,
           jsonb_agg(project_id ORDER BY score DESC, project_id) AS projects
    FROM weighed GROUP BY record_id
)
UPDATE decisions AS d
SET outcome = 'unlinked',
    method = CASE WHEN d.outcome = 'none' OR d.method IN ('unknown_party', 'no_exact_match') THEN 'likely_match'
                  ELSE d.method END,
    evidence = d.evidence - 'projects' || jsonb_build_object('projects', b.projects)
FROM best AS b
WHERE b.record_id = d.record_id AND d.outcome <> 'linked' AND (d.outcome = 'unlinked' OR b.score >= :doubt)
"""
# Nothing registered is anywhere near, and the record says what is built and by whom or under which name.
_NONE: Final = """
UPDATE decisions AS d SET outcome = 'none', method = 'no_likely_project', evidence = d.evidence || jsonb_strip_nulls(
    jsonb_build_object('party_name', l.party_name, 'project_name', l.project_name))
FROM linking AS l
WHERE l.record_id = d.record_id AND d.outcome = 'unlinked' AND d.method = 'unknown_party'
  AND l.shown <> 'other' AND d.enterprise_id IS NULL
  AND (l.party_name IS NOT NULL OR length(l.project_name) >= 6)
  AND NOT EXISTS (SELECT FROM weighed AS w WHERE w.record_id = d.record_id)
  AND NOT EXISTS (SELECT FROM enterprise_names AS n WHERE n.name_normal = l.party_name AND n.known_to = 'infinity')
"""


async def decide_likely(connection: AsyncConnection, model: Model, *, looked: bool) -> None:
    """Decide in the table `decisions` what can be decided by likeness; leaves `weighed` with every candidate.

    `looked` says that the register was looked at when the batch began (known_register.renew_early).
    """
    await connection.exec_driver_sql("DROP TABLE IF EXISTS rejected, weighed")
    await connection.exec_driver_sql(_REJECTED)
    await connection.exec_driver_sql(_KEEP_APART)
    await connection.exec_driver_sql(_MADE)
    found = [tuple(one) for one in await connection.exec_driver_sql(_OPEN)]
    if not found:
        return
    said = await connection.execute(text("SELECT record_id, project_id FROM rejected"))
    barred = frozenset((id_, project) for id_, project in said)
    # Seconds of a big batch: in threads, since whatever else this process has under way would wait as long.
    async with known_register(connection, looked=looked) as register:
        asked, likely = await asyncio.to_thread(_look_up, register, found)
        ids = [
            (asked[line].id, register.projects[at].id)
            for line, at in zip(likely.lines.tolist(), likely.positions.tolist(), strict=True)
        ]
        known = await known_facts(connection, {one.id: one.facts for one in asked}, ids)
        rows = await asyncio.to_thread(_weigh, register, model, asked, likely, known, barred)
    await _copy(connection, rows)
    await connection.exec_driver_sql("ANALYZE weighed")
    await connection.exec_driver_sql(_SPARE_REAL)
    await connection.exec_driver_sql(_SPARE_NONE)
    await connection.execute(text(_LINKED), {"model": model.version})
    await connection.execute(text(_TO_REVIEW), {"doubt": DOUBT})
    await connection.exec_driver_sql(_NONE)


def _look_up(register: Register, found: Sequence[tuple[Any, ...]]) -> tuple[list[Asked], Found]:
    addresses = normal_texts(one[5] for one in found if one[5])
    asked = [
        Asked(id_, party, project, region, uscc, addresses.get(address, ""), sector, enterprise, stated_facts(stated))
        for id_, party, project, region, uscc, address, sector, enterprise, *stated in found
    ]
    return asked, find(register, asked)


def _weigh(
    register: Register,
    model: Model,
    asked: Sequence[Asked],
    likely: Found,
    known: Mapping[int, Facts],
    barred: frozenset[tuple[int, int]],
) -> list[tuple[Any, ...]]:
    """The rows of `weighed`."""
    weighed = weigh(register, model, asked, likely, known=known, barred=barred)
    told = speaking(model, weighed.values)
    return [
        (asked[line].id, project, round(score, 5), automatic, contradicted, json_text(each))
        for line, project, score, automatic, contradicted, each in zip(
            weighed.lines.tolist(), weighed.projects.tolist(), weighed.scores.tolist(),
            weighed.automatic.tolist(), weighed.contradicted.tolist(), told, strict=True,
        )
    ]  # fmt: skip


async def _copy(connection: AsyncConnection, rows: list[tuple[Any, ...]]) -> None:
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    if driver is None:
        raise AssertionError("a connection in use has a driver")
    await driver.copy_records_to_table(
        "weighed",
        records=rows,
        columns=["record_id", "project_id", "score", "automatic", "contradicted", "explanation"],
    )
