"""Writing equipment: units are added and changed by reference within their project."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.approval_writing import next_numbers
from registry.import_items import ProjectItem
from registry.import_problems import Problem
from registry.projects import Equipment
from registry.restating import content_columns, current_rows

Row = dict[str, Any]


async def equipment_rows(
    session: AsyncSession, by_id: Mapping[int, ProjectItem], owners: Mapping[int, int]
) -> dict[int, list[Row]]:
    """All units of the projects that say any: those held, with those said added or in their place."""
    saying = {one: item for one, item in by_id.items() if item.equipment is not None}
    keep = [*content_columns(Equipment), "source_id"]
    rows: dict[int, dict[str, Row]] = {one: {} for one in saying}
    for held in await current_rows(session, Equipment, "project_id", list(saying)):
        rows[held["project_id"]][held["reference"]] = {column: held[column] for column in keep}
    added: list[Row] = []
    for one, item in saying.items():
        for unit in item.equipment or ():
            row = unit.model_dump() | {"enterprise_id": owners[one], "source_id": item.source}
            row["traits"] = sorted(unit.traits)
            known = rows[one].get(unit.reference)
            if known is not None:
                row["equipment_id"] = known["equipment_id"]
            else:
                added.append(row)
            rows[one][unit.reference] = row
    for row, number in zip(added, await next_numbers(session, "equipment_sequence", len(added)), strict=True):
        row["equipment_id"] = number
    return {one: list(several.values()) for one, several in rows.items()}


async def equipment_problems(session: AsyncSession, rows: Sequence[int], items: Sequence[ProjectItem]) -> list[Problem]:
    """Units given twice, and units that the register holds under another project: one furnace stands in one place."""
    said = [
        (row, item.reference, unit.reference)
        for row, item in zip(rows, items, strict=True)
        for unit in item.equipment or ()
    ]
    connection = await session.connection()
    found = await connection.execute(
        text(
            "SELECT equipment.reference, projects.reference FROM equipment "
            "JOIN projects ON projects.id = equipment.project_id "
            "WHERE equipment.known_to = 'infinity' AND equipment.reference = ANY(:references)"
        ).bindparams(bindparam("references", sorted({reference for _, _, reference in said}), ARRAY(Text)))
    )
    place: dict[str, str] = {row[0]: row[1] for row in found}
    seen: set[str] = set()
    problems: list[Problem] = []
    for row, project, unit in said:
        if unit in seen or place.get(unit, project) != project:
            zh, en = (
                f"设备“{unit}”已属于另一项目或重复。",
                f"The unit “{unit}” is given twice or stands in another project.",
            )
            remedy = ("请改正设备编号。", "Correct its reference.")
            problems.append(Problem(row, "equipment.reference", unit, zh, en, *remedy))
        seen.add(unit)
    return problems
