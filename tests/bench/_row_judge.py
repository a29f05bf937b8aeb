"""A judge of one row at a time, as one would write it by hand: a few look-ups a record, conditions in Python.

It knows three of the rules and no region, no succession, no disguise; it is here to be compared with, no more.
"""

from datetime import date
from typing import Any, Final

import asyncpg

BEGINS: Final = date(2013, 10, 6)
SECTORS: Final = ("steel", "cement", "aluminium", "glass", "ships")
LAND: Final = ("land_grant", "land_pre_review", "sea_area_grant", "shoreline_grant")
PERMITS: Final = ("discharge_permit", "production_licence")

_RECORD: Final = """
SELECT r.act, r.acted_on, r.kind, l.project_id FROM records AS r
JOIN links AS l ON l.record_id = r.record_id AND l.known_to = 'infinity'
WHERE r.record_id = $1 AND r.known_to = 'infinity'
"""
_PROJECT: Final = "SELECT sector, nature FROM project_versions WHERE project_id = $1 AND known_to = 'infinity'"
_APPROVALS: Final = """
SELECT issued, expires, revoked FROM approvals WHERE project_id = $1 AND known_to = 'infinity' AND issued <= $2
"""
_FORMALITIES: Final = """
SELECT r.act FROM links AS l JOIN records AS r ON r.record_id = l.record_id AND r.known_to = 'infinity'
WHERE l.project_id = $1 AND l.known_to = 'infinity' AND r.acted_on <= $2
"""


async def judge_one(connection: asyncpg.Connection, record_id: int) -> list[str]:
    """The rules that flag one record."""
    record = await connection.fetchrow(_RECORD, record_id)
    if record is None or record["acted_on"] < BEGINS or record["project_id"] is None:
        return []
    project = await connection.fetchrow(_PROJECT, record["project_id"])
    if project is None or project["sector"] not in SECTORS:
        return []
    day, act = record["acted_on"], record["act"]
    approvals = await connection.fetch(_APPROVALS, record["project_id"], day)
    stands = any(_covers(one, day) for one in approvals)
    found = []
    if act in LAND and not stands:
        found.append("land-without-approval")
    if act in PERMITS and not stands:
        found.append("permit-without-approval")
    if act in ("loan", "bond", "listing") and record["kind"] != "working_capital":
        had = {one["act"] for one in await connection.fetch(_FORMALITIES, record["project_id"], day)}
        needed = {"eia_approval", "energy_assessment"}
        if not stands or not needed <= had or not (had & {"land_grant", "land_pre_review"}):
            found.append("credit-without-formalities")
    return found


def _covers(approval: Any, day: date) -> bool:
    return (approval["expires"] is None or approval["expires"] >= day) and (
        approval["revoked"] is None or approval["revoked"] > day
    )
