"""What the register knows of projects beside their names: approvals' days, capacities, and what sure records state."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.linking.facts import Facts

_DAYS: Final = """
SELECT project_id, issued FROM approvals WHERE known_to = 'infinity' AND project_id = ANY (:ids) ORDER BY 1, 2
"""
_CAPACITIES: Final = """
SELECT project_id, product, unit, CAST(sum(amount) AS float)
FROM capacity_lines WHERE known_to = 'infinity' AND project_id = ANY (:ids) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
# Of records that are surely the project's: what likeness linked proves nothing for another.
_STATED: Final = """
SELECT l.project_id, r.details ->> 'parcel', CAST(r.amount AS float), CAST(r.area_hectares AS float)
FROM links AS l JOIN records AS r ON r.record_id = l.record_id AND r.known_to = 'infinity'
WHERE l.known_to = 'infinity' AND l.outcome = 'linked' AND l.method <> 'likeness' AND l.project_id = ANY (:ids)
  AND (r.details ->> 'parcel' IS NOT NULL OR r.amount IS NOT NULL OR r.area_hectares IS NOT NULL)
  AND NOT EXISTS (SELECT FROM decisions AS d WHERE d.record_id = l.record_id)
"""


def stated_facts(told: Sequence[Any]) -> Facts:
    """A record's facts from acted_on, stated_capacity, parcel, amount and area_hectares."""
    day, capacities, parcel, amount, area = told
    lines = tuple(
        (str(one["product"]), str(one["unit"]), float(one["amount"])) for one in capacities or () if one.get("amount")
    )
    return Facts((day,), lines, frozenset([parcel] if parcel else []), frozenset(_amounts(amount, area)))


def _amounts(money: Any, hectares: Any) -> list[tuple[str, float]]:
    told = (("yuan", money), ("hectares", hectares))
    return [(unit, float(amount)) for unit, amount in told if amount]


async def known_facts(
    connection: AsyncConnection, stated: Mapping[int, Facts], pairs: Collection[tuple[int, int]]
) -> dict[int, Facts]:
    """Facts of projects by id, of what a record that may mean them states too; `pairs` are (record, project)."""
    days = await _rows(connection, _DAYS, {project for _, project in pairs})
    capable = {project for record, project in pairs if stated[record].capacities}
    capacities = await _rows(connection, _CAPACITIES, capable)
    sure = {project for record, project in pairs if stated[record].parcels or stated[record].amounts}
    told = await _rows(connection, _STATED, sure)
    made: dict[int, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for project, day in days:
        made[project]["days"].append(day)
    for project, product, unit, amount in capacities:
        made[project]["capacities"].append((product, unit, amount))
    for project, parcel, amount, area in told:
        made[project]["parcels"] += [parcel] if parcel else []
        made[project]["amounts"] += _amounts(amount, area)
    return {
        project: Facts(
            tuple(each["days"]), tuple(each["capacities"]), frozenset(each["parcels"]), frozenset(each["amounts"])
        )
        for project, each in made.items()
    }


async def _rows(connection: AsyncConnection, sql: str, ids: Collection[int]) -> list[Any]:
    if not ids:
        return []
    statement = text(sql).bindparams(bindparam("ids", sorted(ids), ARRAY(BigInteger)))
    return list(await connection.execute(statement))
