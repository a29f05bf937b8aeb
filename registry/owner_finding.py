"""Finding the enterprise that owns a project by reference, code or name; one that nobody knows is registered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.enterprise_writing import register_enterprises
from registry.import_items import EnterpriseItem, ProjectItem
from registry.import_problems import Problem
from registry.names import normalise
from registry.restating import Telling

_BY_REFERENCE = "SELECT reference, id FROM enterprises WHERE reference = ANY(:values)"
_BY_CODE = """
    SELECT code, enterprise_id FROM enterprise_versions,
        LATERAL (VALUES (uscc), (licence_number), (CASE WHEN uscc IS NULL THEN organisation_code END)) AS codes (code)
    WHERE known_to = 'infinity' AND code = ANY(:values)
"""
_BY_NAME = """
    SELECT DISTINCT name_normal, enterprise_id FROM enterprise_names
    WHERE known_to = 'infinity' AND name_normal = ANY(:values)
"""
_BEARERS = """
    SELECT enterprise_id, left(region, 2), coalesce(uscc, organisation_code, licence_number)
    FROM enterprise_versions WHERE known_to = 'infinity' AND enterprise_id = ANY(:bearers)
"""


@dataclass(slots=True)
class Owners:
    """The owners of a batch of projects by row; `problems` says which rows have none, `added` who was registered."""

    found: dict[int, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    added: list[str] = field(default_factory=list)


async def find_owners(
    session: AsyncSession, rows: Sequence[int], items: Sequence[ProjectItem], telling: Telling
) -> Owners:
    """Owners by row; an owner given by name (with or without USCC) that nobody knows is registered as it is given."""
    by_reference = await _look_up(session, _BY_REFERENCE, {item.owner for item in items})
    by_code = await _look_up(session, _BY_CODE, {item.owner_uscc for item in items})
    names = {item.owner_name: normalise(item.owner_name).text for item in items if item.owner_name}
    by_name = await _look_up(session, _BY_NAME, set(names.values()))
    provinces, coded = await _bearers(session, {one for ones in by_name.values() for one in ones})
    owners = Owners()
    unknown: dict[str, EnterpriseItem] = {}
    waiting: dict[int, str] = {}
    for row, item in zip(rows, items, strict=True):
        named = by_name.get(names.get(item.owner_name or "", ""), set())
        if item.owner:
            known = by_reference.get(item.owner, set())
            if not known:
                owners.problems.append(_no_such(row, "owner", item.owner))
                continue
        elif item.owner_uscc and item.owner_uscc in by_code:
            known = by_code[item.owner_uscc]
            if named and not named & known:
                owners.warnings.append(_other_name(row, item.owner_name or ""))
        elif item.owner_uscc and not item.owner_name:
            owners.problems.append(_no_such(row, "owner_uscc", item.owner_uscc))
            continue
        else:
            # A code nobody has yet, or none: the name decides, near the project where several bear it. Who has another
            # code is somebody else of the same name.
            known = named - coded if item.owner_uscc else named
            if len(known) > 1:
                known = {one for one in known if (one, item.region[:2]) in provinces} or known
        if len(known) > 1:
            owners.problems.append(_several(row, item.owner or item.owner_uscc or item.owner_name or ""))
        elif known:
            owners.found[row] = next(iter(known))
        else:
            enterprise = _as_given(item, names)
            unknown.setdefault(enterprise.reference, enterprise)
            waiting[row] = enterprise.reference
    if unknown and not owners.problems:
        outcome = await register_enterprises(session, list(unknown.values()), telling)
        owners.added = outcome.new
        owners.found |= {row: outcome.ids[reference] for row, reference in waiting.items()}
    return owners


def _as_given(item: ProjectItem, names: dict[str, str]) -> EnterpriseItem:
    name = item.owner_name or ""
    reference = f"uscc:{item.owner_uscc}" if item.owner_uscc else f"name:{names[name]}@{item.region[:2]}"
    return EnterpriseItem(
        reference=reference, uscc=item.owner_uscc, name=name, invented=item.invented, source=item.source
    )


async def _look_up(session: AsyncSession, query: str, values: set[str | None]) -> dict[str, set[int]]:
    wanted = sorted(value for value in values if value)
    found: dict[str, set[int]] = {}
    if wanted:
        connection = await session.connection()
        rows = await connection.execute(text(query).bindparams(bindparam("values", wanted, ARRAY(Text))))
        for value, one in rows:
            found.setdefault(value, set()).add(one)
    return found


async def _bearers(session: AsyncSession, bearers: set[int]) -> tuple[set[tuple[int, str]], set[int]]:
    """Of enterprises found by name: the provinces each is in, and which of them have a code."""
    if not bearers:
        return set(), set()
    connection = await session.connection()
    rows = await connection.execute(text(_BEARERS).bindparams(bindparam("bearers", sorted(bearers), ARRAY(BigInteger))))
    told: list[Any] = list(rows)
    return {(one, province) for one, province, _ in told}, {one for one, _, code in told if code}


def _no_such(row: int, column: str, value: str) -> Problem:
    zh, en = f"没有登记单位“{value}”。", f"No enterprise “{value}” is registered."
    return Problem(
        row, column, value, zh, en, "请先登记该单位，或填写单位名称。", "Register it first, or give owner_name."
    )


def _several(row: int, value: str) -> Problem:
    return Problem(
        row,
        "owner",
        value,
        f"有多个登记单位符合“{value}”。",
        f"Several registered enterprises fit “{value}”.",
        "请填写统一社会信用代码或登记编号。",
        "Give its USCC or its reference.",
    )


def _other_name(row: int, value: str) -> Problem:
    return Problem(
        row,
        "owner_name",
        value,
        f"登记簿中该信用代码的单位不叫“{value}”，而此名称属于另一单位。",
        f"The enterprise with this USCC is not called “{value}”; another one is.",
        "已按信用代码登记，请核对。",
        "The USCC was followed; compare them.",
    )
