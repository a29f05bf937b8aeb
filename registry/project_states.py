"""The state of a project: a short mark of what a correction can change, so that nobody overwrites what they never saw.

A mark has one number a part, as in 812.1.2.3.0: the newest version of the description, then how often a code, a
capacity line, an approval or a piece of equipment was added or closed. Versions are never removed: numbers only rise.
"""

from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.errors import ChangedMeanwhile
from registry.reading import Row, first, rows

# part of a project's item -> its table; the description comes before them
_PARTS: Final = {
    "code": "project_codes",
    "capacities": "capacity_lines",
    "approvals": "approvals",
    "equipment": "equipment",
}
_STATE: Final = "SELECT (SELECT max(version_id) FROM project_versions WHERE project_id = :project) AS description, " + (
    ", ".join(
        f"(SELECT count(*) + count(*) FILTER (WHERE known_to <> 'infinity') FROM {table} WHERE project_id = :project) "
        f"AS {part}"
        for part, table in _PARTS.items()
    )
)
# The description as it stood when the version with this number was the newest.
_DESCRIPTION: Final = """
SELECT seen.* FROM project_versions AS newest JOIN project_versions AS seen ON seen.project_id = newest.project_id
    AND seen.known_from <= newest.known_from AND seen.known_to > newest.known_from
WHERE newest.project_id = :project AND newest.version_id = :version
ORDER BY seen.held_from DESC NULLS LAST LIMIT 1
"""
_NOT_SAID: Final = frozenset(
    {"version_id", "known_from", "known_to", "held_to", "reason", "actor", "name_normal", "name_pinyin", "source_id"}
)


async def project_state(session: AsyncSession, project_id: int) -> str:
    """The mark of what the register holds of a project now."""
    row = await first(session, _STATE, project=project_id)
    return ".".join(str(number or 0) for number in (row or {}).values())


async def check_state(session: AsyncSession, project_id: int, seen: str) -> None:
    """Raise ChangedMeanwhile, naming what changed, unless the project is as it was when somebody saw this mark."""
    now = await project_state(session, project_id)
    if seen == now:
        return
    before, after = seen.split("."), now.split(".")
    changed: list[str] = []
    if len(before) == len(after) and all(one.isascii() and one.isdecimal() and len(one) < 19 for one in before):
        if before[0] != after[0]:
            changed += await _changed_fields(session, project_id, int(before[0]), int(after[0]))
        changed += [part for part, old, new in zip(_PARTS, before[1:], after[1:], strict=True) if old != new]
    raise ChangedMeanwhile(
        "Somebody else changed this meanwhile.",
        where="state",
        remedy="Read it again and repeat the change.",
        changed=tuple(dict.fromkeys(changed)),
    )


async def _changed_fields(session: AsyncSession, project_id: int, before: int, after: int) -> list[str]:
    """The fields in which two descriptions differ, by the names of the item; all in one where the first is unknown."""
    found: list[Row] = []
    for version in (before, after):
        found += await rows(session, _DESCRIPTION, project=project_id, version=version)
    if len(found) != 2:
        return ["description"]
    called = {"owner_id": "owner", "site_reference": "site", "site_name": "site"}
    return [
        called.get(name, name) for name, value in found[0].items() if name not in _NOT_SAID and value != found[1][name]
    ]
