"""Writing approvals, verifications and filings: added and changed by reference, corrected one by one."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.approvals import Approval
from registry.clock import CIVIL_ZONE
from registry.errors import NotFound
from registry.import_items import ApprovalItem, CapacityItem, ProjectItem
from registry.import_problems import Problem
from registry.restating import Telling, content_columns, current_rows, restate
from registry.writing_steps import lock, mark_projects, seen_version, telling_of, validate_change

Row = dict[str, Any]


async def approval_rows(
    session: AsyncSession, by_id: Mapping[int, ProjectItem], telling: Telling
) -> dict[int, list[Row]]:
    """All approvals of the projects that say any: those held, with those said added or in their place."""
    saying = {one: item for one, item in by_id.items() if item.approvals is not None}
    keep = [*content_columns(Approval), "source_id"]
    rows: dict[int, dict[str, Row]] = {one: {} for one in saying}
    for held in await current_rows(session, Approval, "project_id", list(saying)):
        rows[held["project_id"]][held["reference"]] = {column: held[column] for column in keep}
    added: list[Row] = []
    for one, item in saying.items():
        for approval in item.approvals or ():
            row = approval_content(approval) | {"source_id": item.source}
            known = rows[one].get(approval.reference)
            if known is not None:
                row["approval_id"] = known["approval_id"]
            else:
                # Only a new approval can have been known earlier: of a changed one the register knew another text.
                row["known_from"] = _known_from(approval.known_from, telling.at)
                added.append(row)
            rows[one][approval.reference] = row
    for row, number in zip(added, await next_numbers(session, "approval_sequence", len(added)), strict=True):
        row["approval_id"] = number
    return {one: list(several.values()) for one, several in rows.items()}


def approval_content(approval: ApprovalItem) -> Row:
    """The columns that say the approval itself."""
    row = approval.model_dump(exclude={"capacities", "known_from"})
    row["capacities"] = None if approval.capacities is None else [stated(line) for line in approval.capacities]
    return row


def stated(line: CapacityItem) -> dict[str, str]:
    """A capacity line as it is kept in JSON: the amount as a plain decimal without idle zeros."""
    amount = f"{line.amount:f}"
    amount = amount.rstrip("0").rstrip(".") if "." in amount else amount
    told = {"product": line.product, "amount": amount, "unit": line.unit}
    return told | ({"process": line.process} if line.process else {})


def _known_from(day: date | None, at: datetime) -> str:
    return (at if day is None else datetime.combine(day, time(), CIVIL_ZONE)).isoformat()


async def next_numbers(session: AsyncSession, sequence: str, count: int) -> list[int]:
    """The next numbers of a sequence."""
    connection = await session.connection()
    found = await connection.execute(
        text(f"SELECT nextval('{sequence}') FROM generate_series(1, :count)"), {"count": count}
    )
    return list(found.scalars())


def approval_problems(rows: Sequence[int], items: Sequence[ProjectItem], telling: Telling) -> list[Problem]:
    """References given twice in a project, and approvals known later than now."""
    problems: list[Problem] = []
    for row, item in zip(rows, items, strict=True):
        seen: set[str] = set()
        for position, approval in enumerate(item.approvals or ()):
            column = f"approvals.{position}"
            if approval.reference in seen:
                zh, en = "同一项目内批复编号重复。", "The project has this approval twice."
                problems.append(
                    Problem(row, f"{column}.reference", approval.reference, zh, en, "请改正编号。", "Correct it.")
                )
            seen.add(approval.reference)
            if approval.known_from and approval.known_from > telling.at.astimezone(CIVIL_ZONE).date():
                zh, en = "获知日期晚于登记时间。", "It cannot be known later than it is registered."
                value = str(approval.known_from)
                problems.append(Problem(row, f"{column}.known_from", value, zh, en, "请核对日期。", "Check the date."))
    return problems


async def correct_approval(
    session: AsyncSession,
    approval_id: int,
    changes: Mapping[str, Any],
    telling: Telling,
    *,
    expected_version: int | None = None,
) -> bool:
    """Change fields of one approval (those of ApprovalItem) with a reason; returns whether anything changed.

    Raises BadInput for a missing reason or a bad value, NotFound, Conflict when somebody else changed it meanwhile.
    """
    telling_of(telling)
    connection = await session.connection()
    found = await connection.execute(
        text("SELECT project_id FROM approvals WHERE approval_id = :id AND known_to = 'infinity'"), {"id": approval_id}
    )
    project_id = found.scalar()
    if project_id is None:
        raise NotFound("There is no such approval.", where=f"approval {approval_id}")
    await lock(session, "projects", project_id, "project")
    (held,) = await current_rows(session, Approval, "approval_id", [approval_id])
    seen_version(held, expected_version)
    fields = [name for name in ApprovalItem.model_fields if name != "known_from"]
    item = validate_change(ApprovalItem, {field: held[field] for field in fields}, changes)
    row = approval_content(item) | {"approval_id": approval_id, "project_id": project_id}
    changed = await restate(session, Approval, "approval_id", [approval_id], [row], telling)
    if changed:
        await mark_projects(session, [project_id])
    return bool(changed)
