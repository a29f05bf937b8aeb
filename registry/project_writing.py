"""Registering and correcting projects with their codes, capacity lines, approvals and equipment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.approval_writing import approval_problems, approval_rows
from registry.approvals import Approval
from registry.describing import changed_fields, with_description
from registry.equipment_writing import equipment_problems, equipment_rows
from registry.identifiers import industry, project_code
from registry.import_items import ProjectItem
from registry.import_problems import Problem
from registry.names import normalise, pinyin
from registry.outcomes import Outcome, identifier_warning, refuse, repeated
from registry.owner_finding import find_owners
from registry.project_parts import capacity_rows, code_rows, write_lineage
from registry.project_states import check_state
from registry.projects import CapacityLine, Equipment, ProjectCode, ProjectVersion
from registry.restating import Telling, content_columns, current_rows, restate
from registry.writing_steps import (
    check_sources,
    give_identities,
    lock,
    mark_projects,
    region_warnings,
    telling_of,
    validate_change,
)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Accepted:
    """A project that will be written: its row in the import, the item, the number of its owner."""

    row: int
    item: ProjectItem
    owner_id: int


async def register_projects(
    session: AsyncSession,
    items: Sequence[ProjectItem],
    telling: Telling,
    *,
    rows: Sequence[int] | None = None,
    valid_only: bool = False,
) -> Outcome:
    """Register projects by reference: new ones are added, changed ones corrected, equal ones left alone.

    A list that an item leaves out stays as it is; approvals and equipment never go by being left out. An owner that
    nobody knows is registered by the name given. Raises ItemsRejected, with nothing written, unless `valid_only`;
    `rows` number the items in problems (default: from 1).
    """
    rows = list(rows) if rows is not None else list(range(1, len(items) + 1))
    items, problems = await _under_known_references(session, rows, items)
    problems += repeated(rows, [item.reference for item in items], "reference")
    problems += repeated(rows, [item.code for item in items], "code")
    problems += await check_sources(session, rows, [item.source for item in items])
    problems += approval_problems(rows, items, telling)
    problems += await equipment_problems(session, rows, items)
    left_out = refuse(problems, valid_only=valid_only)
    valid = [(row, item) for row, item in zip(rows, items, strict=True) if row not in left_out]
    owners = await find_owners(session, [row for row, _ in valid], [item for _, item in valid], telling)
    problems += owners.problems
    refuse(owners.problems, valid_only=valid_only)
    if owners.problems:
        # Owners are registered only when every row has one: ask again for the rows that stay.
        valid = [(row, item) for row, item in valid if row not in {problem.row for problem in owners.problems}]
        owners = await find_owners(session, [row for row, _ in valid], [item for _, item in valid], telling)
    accepted = [_Accepted(row, item, owners.found[row]) for row, item in valid]
    warnings = [*owners.warnings, *_warnings(valid)]
    warnings += await region_warnings(session, [row for row, _ in valid], [item.region for _, item in valid])
    outcome = Outcome(rejected=problems, warnings=warnings, enterprises_added=owners.added)
    invented = {one.item.reference: one.item.invented for one in accepted}
    outcome.ids, existed = await give_identities(session, "projects", invented, telling)
    touched = await _write(session, accepted, outcome.ids, telling)
    outcome.sort_in([one.item.reference for one in accepted], existed, touched)
    await mark_projects(session, [outcome.ids[one] for one in (*outcome.new, *outcome.changed)])
    return outcome


async def correct_project(
    session: AsyncSession,
    project_id: int,
    changes: Mapping[str, Any],
    telling: Telling,
    *,
    held_from: date | None = None,
    expected_state: str | None = None,
) -> list[str]:
    """Change fields of one project (those of ProjectItem) with a reason; returns what changed, none if all was so.

    With `held_from` the change is one of the world from that day; without, the latest description was wrong.
    `expected_state` is the mark of the project as the caller saw it (registry.project_states).
    Raises BadInput for a missing reason or a bad value, NotFound, ChangedMeanwhile when somebody else changed it.
    """
    telling_of(telling)
    await lock(session, "projects", project_id, "project")
    if expected_state is not None:
        await check_state(session, project_id, expected_state)
    current = await current_rows(session, ProjectVersion, "project_id", [project_id])
    latest = max(current, key=lambda row: row["held_from"] or date.min)
    item = validate_change(
        ProjectItem, await _as_item(session, project_id, latest), {**changes, "held_from": held_from}
    )
    outcome = await register_projects(session, [item], telling)
    return outcome.changed.get(item.reference, [])


async def _as_item(session: AsyncSession, project_id: int, latest: Row) -> Row:
    """What the register holds of a project as an item without its lists."""
    connection = await session.connection()
    found = await connection.execute(
        text(
            "SELECT projects.reference, projects.invented, enterprises.reference FROM projects "
            "LEFT JOIN enterprises ON enterprises.id = :owner WHERE projects.id = :id"
        ).bindparams(bindparam("owner", latest["owner_id"], BigInteger), id=project_id)
    )
    reference, invented, owner = found.one()
    fields = [
        *("code", "name", "name_en", "sector", "industry", "industry_edition", "region", "address", "longitude"),
        *("latitude", "nature", "asks_land", "stage", "synthetic_fields"),
    ]
    site = {"reference": latest["site_reference"], "name": latest["site_name"]} if latest["site_reference"] else None
    return {**{field: latest[field] for field in fields}, "reference": reference, "invented": invented, "owner": owner,
            "site": site}  # fmt: skip


async def _under_known_references(
    session: AsyncSession, rows: Sequence[int], items: Sequence[ProjectItem]
) -> tuple[list[ProjectItem], list[Problem]]:
    """Items whose code the register knows go under the reference it knows; a code of another project is a problem."""
    codes = sorted({item.code for item in items if item.code})
    connection = await session.connection()
    found = await connection.execute(
        text(
            "SELECT DISTINCT code, reference FROM project_codes JOIN projects ON projects.id = project_id "
            "WHERE known_to = 'infinity' AND kind = 'current' AND code = ANY(:codes)"
        ).bindparams(bindparam("codes", codes, ARRAY(Text)))
    )
    known: dict[str, str] = {row[0]: row[1] for row in found}
    ours: list[ProjectItem] = []
    problems: list[Problem] = []
    for row, item in zip(rows, items, strict=True):
        other = known.get(item.code or "")
        if other is None or other == item.reference:
            ours.append(item)
        elif item.reference.startswith("code:"):
            ours.append(item.model_copy(update={"reference": other}))
        else:
            ours.append(item)
            zh, en = f"此代码已属于项目“{other}”。", f"This code already names the project “{other}”."
            remedy = ("请改正代码，或使用该项目的登记编号。", "Correct the code, or use that project's reference.")
            problems.append(Problem(row, "code", item.code or "", zh, en, *remedy))
    return ours, problems


def _warnings(valid: Sequence[tuple[int, ProjectItem]]) -> list[Problem]:
    warnings: list[Problem] = []
    for row, item in valid:
        if item.code:
            parsed = project_code.parse(item.code)
            warnings += [identifier_warning(row, "code", item.code, one) for one in parsed.warnings]
            if parsed.region[:2] != item.region[:2]:
                zh, en = "代码中的省份与项目所在省份不同。", "The province in the code is not the project's."
                warnings.append(Problem(row, "code", item.code, zh, en, "请核对。", "Compare them."))
        if item.industry:
            trade = industry.parse(item.industry, item.industry_edition)
            warnings += [identifier_warning(row, "industry", item.industry, one) for one in trade.warnings]
    return warnings


async def _write(
    session: AsyncSession, accepted: Sequence[_Accepted], ids: Mapping[str, int], telling: Telling
) -> dict[str, set[str]]:
    """Restate every part of the projects; returns what changed by reference."""
    by_id = {ids[one.item.reference]: one for one in accepted}
    references = {one: accepted.item.reference for one, accepted in by_id.items()}
    held = await _held_versions(session, by_id)
    versions = {
        one: with_description(held[one], _version(one, accepted), accepted.item.held_from)
        for one, accepted in by_id.items()
    }
    touched = {references[one]: changed_fields(held[one], versions[one]) for one in by_id}
    parts = {one: accepted.item for one, accepted in by_id.items()}
    owners = {one: accepted.owner_id for one, accepted in by_id.items()}
    for part, table, rows in (
        ("description", ProjectVersion, versions),
        ("code", ProjectCode, await code_rows(session, parts)),
        ("capacities", CapacityLine, capacity_rows(parts)),
        ("approvals", Approval, await approval_rows(session, parts, telling)),
        ("equipment", Equipment, await equipment_rows(session, parts, owners)),
    ):
        flat = [{**row, "project_id": one} for one, several in rows.items() for row in several]
        for one in await restate(session, table, "project_id", list(rows), flat, telling):
            if part != "description":
                touched[references[one]].add(part)
    await write_lineage(session, list(by_id), telling)
    return touched


async def _held_versions(session: AsyncSession, by_id: Mapping[int, _Accepted]) -> dict[int, list[Row]]:
    keep = [*content_columns(ProjectVersion), "source_id"]
    held: dict[int, list[Row]] = {one: [] for one in by_id}
    for row in await current_rows(session, ProjectVersion, "project_id", list(by_id)):
        held[row["project_id"]].append({column: row[column] for column in keep})
    return {one: sorted(rows, key=lambda row: row["held_from"] or date.min) for one, rows in held.items()}


def _version(project_id: int, accepted: _Accepted) -> Row:
    item = accepted.item
    trade = industry.parse(item.industry, item.industry_edition) if item.industry else None
    return {
        "project_id": project_id,
        "code": item.code,
        "name": item.name,
        "name_en": item.name_en,
        "name_normal": normalise(item.name).text,
        "name_pinyin": pinyin(item.name),
        "owner_id": accepted.owner_id,
        "sector": item.sector,
        "industry": trade.value if trade else None,
        "industry_edition": trade.edition if trade else None,
        "region": item.region,
        "address": item.address,
        "site_reference": item.site.reference if item.site else "",
        "site_name": item.site.name if item.site else "",
        "longitude": item.longitude,
        "latitude": item.latitude,
        "nature": item.nature,
        "asks_land": item.asks_land,
        "stage": item.stage,
        "synthetic_fields": sorted(item.synthetic_fields),
        "source_id": item.source,
    }
