"""What a registration or a correction changed, into the audit: one entry a project or enterprise, before and after."""

from dataclasses import dataclass, field
from typing import Any, Final

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.auditing import audit
from registry.restating import Telling
from registry.viewers import Viewer

# Of the row and not of the fact; who, when and why stand in the entry itself.
_LEFT_OUT: Final = frozenset(
    {"version_id", "known_from", "known_to", "reason", "actor", "project_id", "enterprise_id", "name_normal"}
    | {"name_pinyin", "owner_name_normal"}
)
# What the parts are called in the entry, beside the description, whose fields stand by themselves.
_PARTS: Final[dict[str, str]] = {
    "project_codes": "codes",
    "capacity_lines": "capacities",
    "approvals": "approvals",
    "equipment": "equipment",
    "enterprise_names": "names",
    "enterprise_owners": "owners",
}
_DESCRIPTIONS: Final[dict[str, str]] = {"project_versions": "project", "enterprise_versions": "enterprise"}
_OF_ENTERPRISES: Final = frozenset({"enterprise_versions", "enterprise_names", "enterprise_owners"})


@dataclass(slots=True)
class _Changed:
    """The rows of one subject before and after, by table."""

    before: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    after: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


async def audit_told(session: AsyncSession, viewer: Viewer, telling: Telling) -> int:
    """Enter what the telling closed and added, in its own transaction; returns the number of entries."""
    subjects: dict[tuple[str, int], _Changed] = {}
    for one in telling.told or ():
        thing = "enterprise" if one.table in _OF_ENTERPRISES else "project"
        changed = subjects.setdefault((thing, one.row[f"{thing}_id"]), _Changed())
        side = changed.after if one.new else changed.before
        side.setdefault(one.table, []).append({name: value for name, value in one.row.items() if name not in _LEFT_OUT})
    for (thing, number), changed in subjects.items():
        first = any(table in changed.after for table in _DESCRIPTIONS) and not changed.before
        before, after = _said(changed.before, changed.after), _said(changed.after, changed.before)
        verb = "register" if first else "correct"
        await audit(
            session, viewer, f"{thing}.{verb}", thing, str(number), why=telling.reason, before=before, after=after
        )
    return len(subjects)


def _said(side: dict[str, list[dict[str, Any]]], other: dict[str, list[dict[str, Any]]]) -> dict[str, Any] | None:
    """One side: the description by its fields that differ, each other part by its rows."""
    said: dict[str, Any] = {}
    for table, rows in side.items():
        if table not in _DESCRIPTIONS:
            said[_PARTS.get(table, table)] = rows
        elif len(rows) == 1 and len(other.get(table, ())) == 1:
            said |= {name: value for name, value in rows[0].items() if value != other[table][0][name]}
        elif len(rows) == 1:
            said |= rows[0]
        else:
            said["periods"] = rows
    return said or None
