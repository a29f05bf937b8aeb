"""Telling the register of dispositions, plans, eliminations, orders, restrictions and equipment: by reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, text
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import dirty
from registry.approval_writing import next_numbers
from registry.clock import CIVIL_ZONE
from registry.import_problems import Problem
from registry.law_fact_items import (
    DispositionItem,
    EliminationItem,
    LawFactItem,
    OrderItem,
    PlanItem,
    RectificationItem,
    RestrictionItem,
    UnitItem,
)
from registry.law_facts import (
    Disposition,
    Elimination,
    EnterpriseOrder,
    PlanUnit,
    Rectification,
    ReplacementPlan,
    Restriction,
)
from registry.outcomes import Outcome, refuse, repeated
from registry.projects import Equipment
from registry.restating import Telling, content_columns, restate
from registry.writing_steps import check_sources

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FactKind:
    """One kind of fact: what is told of it, and the table and key it is kept under."""

    item: type[LawFactItem]
    table: type[SQLModel]
    key: str
    sequence: str = "law_fact_sequence"

    @property
    def name(self) -> str:
        """The name of its table."""
        return str(self.table.__tablename__)


FACT_KINDS: Final[dict[str, FactKind]] = {
    "dispositions": FactKind(DispositionItem, Disposition, "disposition_id"),
    "plans": FactKind(PlanItem, ReplacementPlan, "plan_id"),
    "eliminations": FactKind(EliminationItem, Elimination, "elimination_id"),
    "orders": FactKind(OrderItem, EnterpriseOrder, "order_id"),
    "restrictions": FactKind(RestrictionItem, Restriction, "restriction_id"),
    "rectifications": FactKind(RectificationItem, Rectification, "rectification_id"),
    "equipment": FactKind(UnitItem, Equipment, "equipment_id", "equipment_sequence"),
}

# What the register itself publishes is published: of which kind, and by which public acts (公示 counts for plans).
OWN_PUBLICATION: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "dispositions": ("disposition", ("published",)),
    "rectifications": ("rectification", ("displayed", "published")),
    "plans": ("replacement_plan", ("displayed", "published")),
}
_OWN_DAYS: Final = """
SELECT p.subject, CAST(min(c.at) AT TIME ZONE 'Asia/Shanghai' AS date)
FROM publications AS p JOIN publication_chain AS c ON c.publication_id = p.id
WHERE p.kind = :kind AND p.subject = ANY(:references) AND p.withdrawn_at IS NULL AND c.event = ANY(:events)
GROUP BY p.subject
"""
_PROJECTS: Final = """
SELECT reference, id FROM projects WHERE reference = ANY(:named)
UNION
SELECT code, project_id FROM project_codes WHERE known_to = 'infinity' AND code = ANY(:named)
"""
_ENTERPRISES: Final = """
SELECT reference, id FROM enterprises WHERE reference = ANY(:named)
UNION
SELECT uscc, enterprise_id FROM enterprise_versions WHERE known_to = 'infinity' AND uscc = ANY(:named)
"""


async def tell_facts(
    session: AsyncSession,
    kind: FactKind,
    items: Sequence[LawFactItem],
    telling: Telling,
    *,
    rows: Sequence[int] | None = None,
    valid_only: bool = False,
) -> Outcome:
    """Add and change facts of one kind by their references, and mark what they bear on; the same again writes nothing.

    `rows` are the numbers that problems are told with. Raises ItemsRejected with every problem and writes nothing;
    with `valid_only` it leaves out what is not valid.
    """
    rows = list(rows) if rows is not None else list(range(1, len(items) + 1))
    named = await _named(session, items)
    problems = repeated(rows, [item.reference for item in items], "reference")
    problems += await check_sources(session, rows, [item.source for item in items])
    for row, item in zip(rows, items, strict=True):
        problems += _unknown(row, item, named)
        if item.known_from and item.known_from > telling.at.astimezone(CIVIL_ZONE).date():
            zh, en = "获知日期晚于登记时间。", "It cannot be known later than it is registered."
            value = str(item.known_from)
            problems.append(Problem(row, "known_from", value, zh, en, "请核对日期。", "Check the date."))
    left_out = refuse(problems, valid_only=valid_only)
    accepted = [item for row, item in zip(rows, items, strict=True) if row not in left_out]
    outcome = Outcome(rejected=problems)
    outcome.ids, existed = await _identities(session, kind, [item.reference for item in accepted])
    changed = await _restate(session, kind, accepted, outcome.ids, existed, named, telling)
    touched = {item.reference: {kind.name} for item in accepted if outcome.ids[item.reference] in changed}
    outcome.sort_in([item.reference for item in accepted], existed, touched)
    await _mark(session, kind, sorted(changed))
    return outcome


async def _restate(
    session: AsyncSession,
    kind: FactKind,
    items: Sequence[LawFactItem],
    ids: Mapping[str, int],
    existed: set[str],
    named: Mapping[tuple[str, str], set[int]],
    telling: Telling,
) -> set[int]:
    """Make what is said what is known; returns the ids that changed."""
    columns = content_columns(kind.table)
    own = await _own_days(session, kind, [item.reference for item in items])
    rows: list[Row] = []
    units: dict[int, list[Row]] = {}
    for item in items:
        one = ids[item.reference]
        known_from = _instant(item, telling) if item.reference not in existed else None
        told = item.model_dump(exclude={"units"}) | {kind.key: one, "source_id": item.source, "known_from": known_from}
        for field in ("project", "enterprise"):
            value = getattr(item, field, None)
            told[f"{field}_id"] = min(named[field, value]) if value else None
        if told.get("published", item) is None:
            told["published"] = own.get(item.reference)
        told["traits"] = sorted(getattr(item, "traits", ()))
        if not item.withdrawn:
            rows.append({name: told[name] for name in (*columns, "source_id", "known_from")})
        if isinstance(item, PlanItem) and (item.units is not None or item.withdrawn):
            units[one] = [
                unit.model_dump() | {"plan_id": one, "source_id": item.source, "known_from": known_from}
                for unit in ((item.units or ()) if not item.withdrawn else ())
            ]
    if kind.table is Equipment:
        await _give_owners(session, rows)
    changed = await restate(session, kind.table, kind.key, [ids[item.reference] for item in items], rows, telling)
    flat = [row for several in units.values() for row in several]
    return changed | await restate(session, PlanUnit, "plan_id", list(units), flat, telling)


async def _give_owners(session: AsyncSession, rows: Sequence[Row]) -> None:
    """A unit of a project belongs to the project's owner unless it is said to be another's."""
    projects = sorted({row["project_id"] for row in rows if row["enterprise_id"] is None and row["project_id"]})
    found = await (await session.connection()).execute(
        text(
            "SELECT DISTINCT ON (project_id) project_id, owner_id FROM project_versions "
            "WHERE known_to = 'infinity' AND project_id = ANY(:projects) "
            "ORDER BY project_id, held_from DESC NULLS LAST"
        ).bindparams(bindparam("projects", projects, ARRAY(BigInteger)))
    )
    owners = {row[0]: row[1] for row in found}
    for row in rows:
        if row["enterprise_id"] is None:
            row["enterprise_id"] = owners.get(row["project_id"])


async def _own_days(session: AsyncSession, kind: FactKind, references: Sequence[str]) -> dict[str, date]:
    """The days on which the register itself made these facts public, by their references."""
    name = next((name for name in OWN_PUBLICATION if FACT_KINDS[name] is kind), None)
    if name is None:
        return {}
    publication, events = OWN_PUBLICATION[name]
    found = await (await session.connection()).execute(
        text(_OWN_DAYS).bindparams(
            bindparam("references", list(references), ARRAY(Text)),
            bindparam("events", list(events), ARRAY(Text)),
            kind=publication,
        )
    )
    return {row[0]: row[1] for row in found}


def _instant(item: LawFactItem, telling: Telling) -> str | None:
    if item.known_from is None:
        return None
    return min(datetime.combine(item.known_from, time(), CIVIL_ZONE), telling.at).isoformat()


async def _named(session: AsyncSession, items: Sequence[LawFactItem]) -> dict[tuple[str, str], set[int]]:
    """The projects and enterprises that items name, by reference, code or USCC."""
    connection = await session.connection()
    found: dict[tuple[str, str], set[int]] = {}
    for field, query in (("project", _PROJECTS), ("enterprise", _ENTERPRISES)):
        wanted = sorted({value for item in items if (value := getattr(item, field, None))})
        rows = await connection.execute(text(query).bindparams(bindparam("named", wanted, ARRAY(Text))))
        for value, one in rows:
            found.setdefault((field, value), set()).add(one)
    return found


def _unknown(row: int, item: LawFactItem, named: Mapping[tuple[str, str], set[int]]) -> list[Problem]:
    problems: list[Problem] = []
    for field, zh, en in (("project", "项目", "project"), ("enterprise", "单位", "enterprise")):
        value = getattr(item, field, None)
        found = named.get((field, value or ""), set())
        if value and not found:
            remedy = ("请先登记，或改正编号。", "Register it first, or correct the reference.")
            problems.append(
                Problem(row, field, value, f"没有登记{zh}“{value}”。", f"No {en} “{value}” is registered.", *remedy)
            )
        elif value and len(found) > 1:
            remedy = ("请填写登记编号。", "Give its reference.")
            problems.append(
                Problem(row, field, value, f"有多个{zh}符合“{value}”。", f"“{value}” names several of them.", *remedy)
            )
    return problems


async def _identities(
    session: AsyncSession, kind: FactKind, references: Sequence[str]
) -> tuple[dict[str, int], set[str]]:
    """Numbers of references, new ones given where needed; returns (numbers, references that existed)."""
    connection = await session.connection()
    # Two who tell the same kind of facts at once go one after the other: neither sees the other's new references.
    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"tell {kind.name}"})
    found = await connection.execute(
        text(f"SELECT DISTINCT reference, {kind.key} FROM {kind.name} WHERE reference = ANY(:references)").bindparams(
            bindparam("references", list(references), ARRAY(Text))
        )
    )
    ids: dict[str, int] = {row[0]: row[1] for row in found}
    existed = set(ids)
    new = [reference for reference in references if reference not in ids]
    ids.update(zip(new, await next_numbers(session, kind.sequence, len(new)), strict=True))
    return ids, existed


# What a changed fact bears on. All its versions count: who was named before loses a duty, who is named now gains one.
_BEARS_ON: Final[dict[str, tuple[tuple[dirty.Kind, str], ...]]] = {
    **dict.fromkeys(
        ("dispositions", "plans"), (("project", "SELECT project_id FROM {table} WHERE {key} = ANY(:ids)"),)
    ),
    "rectifications": (
        ("project", "SELECT project_id FROM {table} WHERE {key} = ANY(:ids)"),
        ("rectification", "SELECT {key} FROM {table} WHERE {key} = ANY(:ids) AND project_id IS NULL"),
    ),
    **dict.fromkeys(
        ("eliminations", "orders", "equipment"),
        (
            ("enterprise", "SELECT enterprise_id FROM {table} WHERE {key} = ANY(:ids)"),
            (
                "enterprise",
                "SELECT e.enterprise_id FROM equipment AS e JOIN {table} AS t ON t.{unit} = e.reference "
                "WHERE t.{key} = ANY(:ids)",
            ),
            (
                "project",
                "SELECT e.project_id FROM equipment AS e JOIN {table} AS t ON t.{unit} = e.reference "
                "WHERE t.{key} = ANY(:ids)",
            ),
        ),
    ),
    "restrictions": (
        (
            "record",
            "SELECT r.record_id FROM records AS r WHERE r.act = 'eia_approval' AND r.known_to = 'infinity' "
            "AND (r.region IN (SELECT w.inner_code FROM {table} AS t JOIN region_within AS w ON w.outer_code = t.region"
            " WHERE t.{key} = ANY(:ids)) OR r.region IN (SELECT t.region FROM {table} AS t WHERE t.{key} = ANY(:ids)))",
        ),
        (
            "project",
            "SELECT v.project_id FROM project_versions AS v WHERE v.known_to = 'infinity' "
            "AND (v.region IN (SELECT w.inner_code FROM {table} AS t JOIN region_within AS w ON w.outer_code = t.region"
            " WHERE t.{key} = ANY(:ids)) OR v.region IN (SELECT t.region FROM {table} AS t WHERE t.{key} = ANY(:ids)))",
        ),
    ),
}


async def _mark(session: AsyncSession, kind: FactKind, ids: Sequence[int]) -> None:
    """What changed facts bear on is judged and indexed again."""
    if not ids:
        return
    connection = await session.connection()
    name = next(name for name, one in FACT_KINDS.items() if one is kind)
    unit = "reference" if name == "equipment" else "equipment_reference"
    for marked, query in _BEARS_ON[name]:
        statement = text(query.format(table=kind.name, key=kind.key, unit=unit)).bindparams(
            bindparam("ids", list(ids), ARRAY(BigInteger))
        )
        found = sorted({one for one in (await connection.execute(statement)).scalars() if one is not None})
        # Search shows no plan of a region by itself.
        purposes: tuple[dirty.Purpose, ...] = ("judge",) if marked == "rectification" else ("judge", "index")
        for purpose in purposes:
            await dirty.mark(session, purpose, marked, found)
