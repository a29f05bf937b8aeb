"""Parts of projects: codes over time, capacity lines, and which project continues which."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.import_items import CapacityItem, ProjectItem
from registry.projects import ProjectCode
from registry.restating import Telling, current_rows

Row = dict[str, Any]


async def code_rows(session: AsyncSession, by_id: Mapping[int, ProjectItem]) -> dict[int, list[Row]]:
    """All codes: the current one, the earlier ones said, and one that was replaced from a day on."""
    held: dict[int, list[Row]] = {one: [] for one in by_id}
    for row in await current_rows(session, ProjectCode, "project_id", list(by_id)):
        held[row["project_id"]].append(row)
    rows = {}
    for one, item in by_id.items():
        said: dict[str, Row] = {}
        for row in held[one]:
            replaced = row["kind"] == "current" and row["code"] != item.code and item.held_from is not None
            if replaced or (row["kind"] == "earlier" and item.earlier_codes is None):
                until = item.held_from - timedelta(days=1) if replaced and item.held_from else row["held_to"]
                said[row["code"]] = _code(row["code"], "earlier", row["held_from"], until, row["source_id"])
        for code in item.earlier_codes or ():
            said[code] = _code(code, "earlier", None, None, item.source)
        if item.code:
            before = next((row for row in held[one] if (row["code"], row["kind"]) == (item.code, "current")), None)
            start = before["held_from"] if before else item.held_from
            said[item.code] = _code(item.code, "current", start, None, item.source)
        rows[one] = list(said.values())
    return rows


def _code(code: str, kind: str, held_from: date | None, held_to: date | None, source: str | None) -> Row:
    return {"code": code, "kind": kind, "held_from": held_from, "held_to": held_to, "source_id": source}


def capacity_rows(by_id: Mapping[int, ProjectItem]) -> dict[int, list[Row]]:
    """The capacity lines of the projects that say any."""
    return {
        one: [
            {"product": product, "process": process, "unit": unit, "amount": amount, "source_id": item.source,
             "held_from": None, "held_to": None}
            for (product, process, unit), amount in _summed(item.capacities).items()
        ]
        for one, item in by_id.items()
        if item.capacities is not None
    }  # fmt: skip


def _summed(lines: Sequence[CapacityItem]) -> dict[tuple[str, str, str], Decimal]:
    """Amounts by product, process and unit: two furnaces of one kind are one line."""
    sums: dict[tuple[str, str, str], Decimal] = {}
    for line in lines:
        key = (line.product, line.process, line.unit)
        sums[key] = sums.get(key, Decimal(0)) + line.amount
    return sums


async def write_lineage(session: AsyncSession, ids: Sequence[int], telling: Telling) -> None:
    """A project whose earlier code is the code of another registered project continues that project."""
    connection = await session.connection()
    await connection.execute(
        text(
            "INSERT INTO project_lineage (project_id, predecessor_id, kind, known_from, source_id, reason, actor) "
            "SELECT DISTINCT ours.project_id, theirs.project_id, 'material_change', CAST(:at AS timestamptz), "
            "CAST(:source AS text), :reason, :actor FROM project_codes AS ours "
            "JOIN project_codes AS theirs ON theirs.code = ours.code AND theirs.kind = 'current' "
            "AND theirs.known_to = 'infinity' AND theirs.project_id <> ours.project_id "
            "WHERE ours.kind = 'earlier' AND ours.known_to = 'infinity' "
            "AND (ours.project_id = ANY(:ids) OR theirs.project_id = ANY(:ids)) AND NOT EXISTS ("
            "SELECT FROM project_lineage AS held WHERE held.known_to = 'infinity' "
            "AND held.project_id = ours.project_id AND held.predecessor_id = theirs.project_id)"
        ).bindparams(
            bindparam("ids", list(ids), ARRAY(BigInteger)),
            at=telling.at,
            source=telling.source,
            reason=telling.reason,
            actor=telling.actor,
        )
    )
