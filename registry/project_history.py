"""What changed when: the register's knowledge of a project over time, each correction with its reason."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.audience import CREDIT, CREDIT_ACTS, CREDIT_LANE
from registry.history import FOREVER
from registry.reading import Row, rows
from registry.viewers import Audience

_NOT_SHOWN: Final = frozenset(
    {"version_id", "project_id", "enterprise_id", "approval_id", "equipment_id", "known_from", "known_to", "reason"}
    | {"actor", "source_id", "name_normal", "name_pinyin", "synthetic", "synthetic_fields", "reference", "owner_name"}
)
# kind -> (statement, the identity whose versions belong together)
_TABLES: Final[dict[str, tuple[str, Callable[[Row], tuple[Any, ...]]]]] = {
    "project": (
        """
        SELECT v.*, (SELECT o.name FROM enterprise_versions o WHERE o.enterprise_id = v.owner_id
                     ORDER BY o.known_to DESC, o.held_from DESC NULLS LAST LIMIT 1) AS owner_name
        FROM project_versions v WHERE project_id = :project
        """,
        lambda row: (row["held_from"],),
    ),
    "code": ("SELECT * FROM project_codes WHERE project_id = :project", lambda row: (row["code"],)),
    "capacity": (
        "SELECT * FROM capacity_lines WHERE project_id = :project",
        lambda row: (row["product"], row["process"], row["unit"], row["held_from"]),
    ),
    "approval": ("SELECT * FROM approvals WHERE project_id = :project", lambda row: (row["approval_id"],)),
    "equipment": ("SELECT * FROM equipment WHERE project_id = :project", lambda row: (row["equipment_id"],)),
}


class FieldChange(BaseModel):
    """One field before and after; None where there was or is nothing."""

    field: str
    before: Any = None
    after: Any = None


class Change(BaseModel):
    """One step of knowledge: something registered, corrected, withdrawn, flagged or unflagged."""

    at: datetime
    kind: str  # project, code, capacity, approval, equipment, finding
    what: str  # registered, corrected, withdrawn, flagged, changed, closed
    subject: str
    fields: list[FieldChange] = []
    reason: str = ""
    actor: str = ""
    first: bool = False  # part of the project's own first registration


async def history_of_project(
    session: AsyncSession, project_id: int, *, known_at: datetime | None, audience: Audience
) -> list[Change]:
    """Every change up to an instant (None: now), newest first."""
    changes: list[Change] = []
    for kind, (statement, identity) in _TABLES.items():
        versions = await rows(session, statement, project=project_id)
        changes += _changes(kind, versions, identity)
    changes += await _finding_changes(session, project_id, audience)
    if known_at is not None:
        changes = [change for change in changes if change.at < known_at]
    start = min((change.at for change in changes if change.kind == "project"), default=None)
    for change in changes:
        change.first = change.at == start and change.what == "registered"
    return sorted(changes, key=lambda change: (change.at, not change.first), reverse=True)


def _changes(kind: str, versions: list[Row], identity: Callable[[Row], tuple[Any, ...]]) -> Iterable[Change]:
    by_identity: dict[tuple[Any, ...], list[Row]] = {}
    for version in sorted(versions, key=lambda row: (row["known_from"], row["version_id"])):
        by_identity.setdefault(identity(version), []).append(version)
    for chain in by_identity.values():
        before: Row | None = None
        for version in chain:
            follows = before is not None and before["known_to"] == version["known_from"]
            yield _change(kind, before if follows else None, version)
            before = version
        if before is not None and before["known_to"] != FOREVER:
            subject = _subject(kind, before)
            yield Change(at=before["known_to"], kind=kind, what="withdrawn", subject=subject)


def _change(kind: str, before: Row | None, after: Row) -> Change:
    fields = []
    if before is not None:
        fields = [
            FieldChange(field=name, before=_shown(name, before), after=_shown(name, after))
            for name in after
            if name not in _NOT_SHOWN and before[name] != after[name]
        ]
    return Change(
        at=after["known_from"],
        kind=kind,
        what="registered" if before is None else "corrected",
        subject=_subject(kind, after),
        fields=fields,
        reason=after["reason"],
        actor=after["actor"],
    )


def _shown(name: str, row: Row) -> Any:
    """The value of a field for a reader: an owner by name."""
    return row["owner_name"] if name == "owner_id" and "owner_name" in row else row[name]


def _subject(kind: str, row: Row) -> str:
    if kind == "project":
        return str(row["name"])
    if kind == "code":
        return str(row["code"])
    if kind == "capacity":
        return str(row["product"])
    if kind == "approval":
        return str(row["number"] or row["reference"])
    return str(row["equipment_class"])


async def _finding_changes(session: AsyncSession, project_id: int, audience: Audience) -> list[Change]:
    found = await rows(
        session,
        """
        SELECT fingerprint, rule, lane, act, state, reasons, closed_reason, known_from FROM findings_shown
        WHERE project_id = :project ORDER BY fingerprint, known_from, version_id
        """,
        project=project_id,
    )
    changes: list[Change] = []
    seen: set[str] = set()
    for row in found:
        hidden = audience not in CREDIT and (row["lane"] == CREDIT_LANE or row["act"] in CREDIT_ACTS)
        what = "closed" if row["state"] == "closed" else "changed" if row["fingerprint"] in seen else "flagged"
        seen.add(row["fingerprint"])
        changes.append(
            Change(
                at=row["known_from"],
                kind="finding",
                what=what,
                subject=row["rule"],
                reason="" if hidden else row["closed_reason"],
            )
        )
    return changes
