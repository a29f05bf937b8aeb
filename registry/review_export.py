"""Reviewers' decisions as a labelled linkage set: what training and `threegates link-bench` read (docs/linking.md)."""

import csv
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.audience import CREDIT_ACTS
from registry.review_queue import PRESENT_WORDS
from registry.table_cells import plain_text

# The code of a project, or its reference in the register where it has none: what truth.csv names it by.
_CODE: Final = "coalesce(v.code, p.reference)"
_PROJECTS: Final = f"""
SELECT {_CODE} AS code, v.name, coalesce(o.name, '') AS owner_name, coalesce(o.uscc, '') AS owner_uscc,
       coalesce((SELECT string_agg(n.name, '|' ORDER BY n.name) FROM enterprise_names AS n
                 WHERE n.enterprise_id = v.owner_id AND n.known_to = 'infinity' AND n.name <> o.name), '')
           AS former_names,
       coalesce(v.region, '') AS region, v.address, v.sector
FROM projects AS p
CROSS JOIN LATERAL (SELECT * FROM project_versions AS v WHERE v.project_id = p.id AND v.known_to = 'infinity'
    ORDER BY v.held_from DESC NULLS LAST LIMIT 1) AS v
LEFT JOIN LATERAL (SELECT e.name, e.uscc FROM enterprise_versions AS e WHERE e.enterprise_id = v.owner_id
    AND e.known_to = 'infinity' ORDER BY e.held_from DESC NULLS LAST LIMIT 1) AS o ON TRUE
ORDER BY p.id
"""
# As the reviewer saw it: a record that changed since may mean something else now.
_RECORDS: Final = f"""
SELECT w.record_id AS id, r.act, r.acted_on AS "on", r.project_code, r.project_name, r.party_name, r.party_uscc,
       r.region, r.address
FROM ({PRESENT_WORDS}) AS w JOIN records AS r ON r.version_id = w.record_version_id
WHERE w.in_force AND w.verdict IN ('accept', 'new_project')
  AND (:credit OR NOT r.act = ANY(CAST(:credit_acts AS text[])))
ORDER BY w.record_id
"""
_TRUTH: Final = f"""
SELECT w.record_id AS record, coalesce({_CODE}, '') AS project
FROM ({PRESENT_WORDS}) AS w JOIN records AS r ON r.version_id = w.record_version_id
LEFT JOIN LATERAL unnest(w.project_ids) AS one (id) ON TRUE
LEFT JOIN projects AS p ON p.id = one.id
LEFT JOIN LATERAL (SELECT v.code FROM project_versions AS v WHERE v.project_id = p.id AND v.known_to = 'infinity'
    ORDER BY v.held_from DESC NULLS LAST LIMIT 1) AS v ON TRUE
WHERE w.in_force AND w.verdict IN ('accept', 'new_project')
  AND (:credit OR NOT r.act = ANY(CAST(:credit_acts AS text[])))
ORDER BY w.record_id, project
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """How much was written."""

    projects: int
    records: int
    truth: int


async def export_decisions(session: AsyncSession, folder: Path, *, credit: bool = False) -> Exported:
    """Write projects.csv, records.csv and truth.csv of the decisions in force; `credit` adds confidential records.

    A rejection says what a record is not, and an unseconded decision nothing yet: neither is in the set.
    """
    binds = {"credit": credit, "credit_acts": list(CREDIT_ACTS)}
    columns = "code,name,owner_name,owner_uscc,former_names,region,address,sector"
    projects = await _write(folder / "projects.csv", columns, _rows(session, _PROJECTS, {}))
    columns = "id,act,on,project_code,project_name,party_name,party_uscc,region,address"
    records = await _write(folder / "records.csv", columns, _rows(session, _RECORDS, binds))
    truth = await _write(folder / "truth.csv", "record,project", _rows(session, _TRUTH, binds))
    return Exported(projects, records, truth)


async def _rows(session: AsyncSession, statement: str, binds: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    found = await (await session.connection()).stream(text(statement), binds)
    async for row in found.mappings():
        yield dict(row)


async def _write(path: Path, columns: str, found: AsyncIterator[dict[str, Any]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns.split(","))
        async for row in found:
            writer.writerow(_cells(row[name] for name in columns.split(",")))
            count += 1
    return count


def _cells(values: Iterable[Any]) -> list[str]:
    return [plain_text("" if value is None else str(value)) for value in values]
