"""A judge of one row at a time, as one would write it by hand: a few look-ups a record, conditions in Python.

It knows ten of the rules, those that look at an act, and no succession, no disguise, no evidence; it is here to be
compared with, no more.
"""

from datetime import date
from typing import Any, Final

import asyncpg

BEGINS: Final = date(2013, 10, 6)
SECTORS: Final = ("steel", "cement", "aluminium", "glass", "ships")
LAND: Final = ("land_grant", "land_pre_review", "sea_area_grant", "shoreline_grant")
PERMITS: Final = ("discharge_permit", "production_licence")
CREDIT: Final = ("loan", "bond", "listing", "disbursement")
ASSESSED: Final = ("eia_approval", "energy_assessment")
# Below these sizes equipment is backward (Guofa [2010] 7, annex).
BACKWARD: Final = {"converter": 30, "electric_furnace": 30, "blast_furnace": 400}

_RECORD: Final = """
SELECT r.act, r.acted_on, r.kind, r.party_uscc, r.region, r.stated_capacity IS NOT NULL AS states, l.project_id,
    l.enterprise_id
FROM records AS r JOIN links AS l ON l.record_id = r.record_id AND l.known_to = 'infinity'
WHERE r.record_id = $1 AND r.known_to = 'infinity'
"""
_PROJECT: Final = (
    "SELECT sector, nature, owner_id, region FROM project_versions WHERE project_id = $1 AND known_to = 'infinity'"
)
_OWNER: Final = "SELECT uscc FROM enterprise_versions WHERE enterprise_id = $1 AND known_to = 'infinity'"
_APPROVALS: Final = """
SELECT issued, expires, revoked FROM approvals WHERE project_id = $1 AND known_to = 'infinity' AND issued <= $2
"""
_FORMALITIES: Final = """
SELECT r.act FROM links AS l JOIN records AS r ON r.record_id = l.record_id AND r.known_to = 'infinity'
WHERE l.project_id = $1 AND l.known_to = 'infinity' AND r.acted_on <= $2
"""
_DISPOSITIONS: Final = """
SELECT kind FROM dispositions WHERE project_id = $1 AND known_to = 'infinity' AND decided <= $2 ORDER BY decided DESC
"""
_DEFAULTS: Final = """
SELECT cured FROM eliminations WHERE enterprise_id = ANY($1) AND known_to = 'infinity' AND deadline < $2
"""
_CAPACITIES: Final = "SELECT product, amount FROM capacity_lines WHERE project_id = $1 AND known_to = 'infinity'"
_PLANS: Final = "SELECT announced FROM replacement_plans WHERE project_id = $1 AND known_to = 'infinity'"
_EQUIPMENT: Final = "SELECT equipment_class, size FROM equipment WHERE project_id = $1 AND known_to = 'infinity'"
_RESTRICTIONS: Final = (
    "SELECT since, until FROM restrictions WHERE region = ANY($1) AND known_to = 'infinity' AND since <= $2"
)


async def judge_one(connection: asyncpg.Connection, record_id: int) -> list[str]:
    """The rules that flag one record."""
    record = await connection.fetchrow(_RECORD, record_id)
    if record is None or record["project_id"] is None:
        return []
    project = await connection.fetchrow(_PROJECT, record["project_id"])
    if project is None or project["sector"] not in SECTORS:
        return []
    day, act = record["acted_on"], record["act"]
    found = await _of_owner(connection, record, project)
    if day < BEGINS:
        return found
    approvals = await connection.fetch(_APPROVALS, record["project_id"], day)
    stands = any(_holds(one["expires"], one["revoked"], day) for one in approvals)
    if act in LAND and not stands:
        found.append("land-without-approval")
    if act in PERMITS and not stands:
        found.append("permit-without-approval")
    if act in CREDIT and record["kind"] != "working_capital":
        had = {one["act"] for one in await connection.fetch(_FORMALITIES, record["project_id"], day)}
        if not stands or not set(ASSESSED) <= had or not had & {"land_grant", "land_pre_review"}:
            found.append("credit-without-formalities")
    return found + await _of_project(connection, record, project)


async def _of_owner(connection: asyncpg.Connection, record: Any, project: Any) -> list[str]:
    """Whether the party is the owner, and whether either is in default."""
    found = []
    owner = await connection.fetchrow(_OWNER, project["owner_id"])
    if owner and record["party_uscc"] and owner["uscc"] and record["party_uscc"] != owner["uscc"]:
        found.append("project-code-misused")
    parties = [one for one in (project["owner_id"], record["enterprise_id"]) if one]
    defaults = await connection.fetch(_DEFAULTS, parties, record["acted_on"])
    if any(one["cured"] is None or one["cured"] > record["acted_on"] for one in defaults):
        found.append("defaulter-supported")
    return found


async def _of_project(connection: asyncpg.Connection, record: Any, project: Any) -> list[str]:
    """What was decided about the project, its capacity with its plans, its equipment, its region."""
    found, day, act, number = [], record["acted_on"], record["act"], record["project_id"]
    decided = await connection.fetch(_DISPOSITIONS, number, day)
    if decided and decided[0]["kind"] == "halt":
        found.append("halted-project-supported")
    capacities = await connection.fetch(_CAPACITIES, number)
    if capacities and project["nature"] != "renovation":
        plans = await connection.fetch(_PLANS, number)
        if not any(one["announced"] is not None and one["announced"] <= day for one in plans):
            found.append("new-capacity-supported")
    if record["states"] and not capacities:
        found.append("capacity-over-approval")
    if act in LAND:
        equipment = await connection.fetch(_EQUIPMENT, number)
        if any(one["size"] is not None and one["size"] < BACKWARD.get(one["equipment_class"], 0) for one in equipment):
            found.append("land-to-backward-capacity")
    if act in ASSESSED:
        region = record["region"] or project["region"]
        places = [region, f"{region[:4]}00", f"{region[:2]}0000"] if region else []
        ordered = await connection.fetch(_RESTRICTIONS, places, day)
        if any(one["until"] is None or one["until"] >= day for one in ordered):
            found.append("restricted-region-approval")
    return found


def _holds(expires: date | None, revoked: date | None, day: date) -> bool:
    return (expires is None or expires >= day) and (revoked is None or revoked > day)
