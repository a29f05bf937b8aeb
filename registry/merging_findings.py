"""Merging flags into the findings: new ones are opened, what changed is restated, what no longer holds is closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, Integer, Text, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.database import driver, json_text
from registry.flags import Flag
from registry.history import Instant
from registry.rules.reading import Rule

_TYPES: Final[dict[str, str]] = {
    "fingerprint": "text",
    "rule": "text",
    "rule_version": "text",
    "basis": "text",
    "severity": "text",
    "lane": "text",
    "subject_kind": "text",
    "subject_id": "bigint",
    "subject_reference": "text",
    "act": "text",
    "acted_on": "date",
    "project_id": "bigint",
    "enterprise_id": "bigint",
    "sector": "text",
    "region": "text",
    "reasons": "text[]",
    "parameters": "text",
    "citation": "text",
    "evidence": "text",
    "evidence_hash": "text",
    "duty_holder": "text",
    "synthetic": "boolean",
}
_JSON: Final = ("parameters", "citation", "evidence")
_COLUMNS: Final = ", ".join(_TYPES)
_READ: Final = ", ".join(f"said.{name}::jsonb" if name in _JSON else f"said.{name}" for name in _TYPES)
# What follows from these follows from nothing else: the evidence is compared by its hash.
_COMPARED: Final = (
    "rule_version",
    "basis",
    "subject_id",
    "project_id",
    "enterprise_id",
    "sector",
    "region",
    "reasons",
    "evidence_hash",
    "duty_holder",
    "synthetic",
)
_SAME: Final = " AND ".join(f"held.{name} IS NOT DISTINCT FROM said.{name}" for name in _COMPARED)

_STAGE: Final = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS flagged ("
    + ", ".join(f"{name} {kind}" for name, kind in _TYPES.items())
    + ") ON COMMIT DELETE ROWS"
)

# Restated and reopened findings keep the day they were first seen; what is reopened begins its next episode.
_CLOSE_CHANGED: Final = f"""
UPDATE findings AS held SET known_to = :at FROM flagged AS said
WHERE held.fingerprint = said.fingerprint AND held.known_to = 'infinity' AND NOT (held.state = 'open' AND {_SAME})
RETURNING held.fingerprint, held.state, held.first_seen, held.episode
"""
_ADD: Final = f"""
INSERT INTO findings ({_COLUMNS}, state, first_seen, episode, known_from)
SELECT {_READ}, 'open', COALESCE(before.first_seen, :at), COALESCE(before.episode, 1), :at
FROM flagged AS said
LEFT JOIN unnest(:known, :seen, :episodes) AS before (fingerprint, first_seen, episode)
    ON before.fingerprint = said.fingerprint
WHERE NOT EXISTS (
    SELECT FROM findings AS held WHERE held.fingerprint = said.fingerprint AND held.known_to = 'infinity'
)
RETURNING subject_kind, subject_id, project_id, version_id
"""
_OPEN_BUT_NOT_FLAGGED: Final = """
SELECT held.fingerprint, held.rule, held.rule_version, held.subject_kind, held.subject_id, held.project_id,
       held.enterprise_id, held.evidence
FROM findings AS held
WHERE held.known_to = 'infinity' AND held.state = 'open'
  AND (CAST(:rules AS text[]) IS NULL OR held.rule = ANY(CAST(:rules AS text[])))
  AND CASE
      WHEN held.subject_kind = 'record' THEN
          (CAST(:records AS bigint[]) IS NULL OR held.subject_id = ANY(CAST(:records AS bigint[])))
          AND held.subject_id <> ALL(CAST(:unsettled AS bigint[]))
      WHEN CAST(:records AS bigint[]) IS NULL THEN TRUE
      WHEN held.subject_kind = 'rectification' AND held.project_id IS NULL THEN TRUE
      WHEN held.project_id IS NOT NULL THEN held.project_id = ANY(CAST(:projects AS bigint[]))
      ELSE held.enterprise_id = ANY(CAST(:enterprises AS bigint[]))
  END
  AND NOT EXISTS (SELECT FROM flagged AS said WHERE said.fingerprint = held.fingerprint)
"""
_CLOSE: Final = f"""
WITH gone AS (
    UPDATE findings AS held SET known_to = :at
    FROM unnest(:prints, :whys, :facts) AS closing (fingerprint, why, facts)
    WHERE held.fingerprint = closing.fingerprint AND held.known_to = 'infinity'
    RETURNING held.*, closing.why, closing.facts
)
INSERT INTO findings ({_COLUMNS}, state, closed_reason, closed_facts, first_seen, episode, known_from)
SELECT {_COLUMNS}, 'closed', why, CAST(facts AS jsonb), first_seen, episode, :at FROM gone
RETURNING version_id
"""


# Flags up to which looking at them again costs more than a plan made without having looked.
FEW: Final = 1_000


@dataclass(frozen=True, slots=True)
class Unflagged:
    """An open finding that the rules no longer give."""

    fingerprint: str
    rule: str
    rule_version: str
    subject_kind: str
    subject_id: int
    project_id: int | None
    enterprise_id: int | None
    evidence: dict[str, Any]


@dataclass(slots=True)
class Merged:
    """How many findings were opened (reopened included), restated and closed; the records and projects they touch.

    `versions` are the rows that say so: the desks are told by them.
    """

    opened: int = 0
    changed: int = 0
    closed: int = 0
    records: set[int] = field(default_factory=set)
    projects: set[int] = field(default_factory=set)
    versions: list[int] = field(default_factory=list)

    def touch(self, kind: str, subject: int, project: int | None) -> None:
        """Note that a finding of this subject and project changed."""
        if kind == "record":
            self.records.add(subject)
        if project is not None:
            self.projects.add(project)


async def merge_flags(session: AsyncSession, flags: Sequence[Flag], at: datetime) -> Merged:
    """Write what the flags say that the findings do not; the same flags again write nothing."""
    connection = await session.connection()
    await connection.execute(text(_STAGE))
    await connection.execute(text("DELETE FROM flagged"))
    rows = [
        tuple(json_text(getattr(flag, name)) if name in _JSON else _plain(getattr(flag, name)) for name in _TYPES)
        for flag in flags
    ]
    await (await driver(session)).copy_records_to_table("flagged", records=rows, columns=list(_TYPES))
    if len(rows) > FEW:
        await connection.execute(text("ANALYZE flagged"))
    merged = Merged()
    before = (await connection.execute(_at(_CLOSE_CHANGED), {"at": at})).all()
    merged.changed = sum(state == "open" for _, state, *_ in before)
    added = await connection.execute(
        _at(_ADD).bindparams(
            bindparam("known", type_=ARRAY(Text)),
            bindparam("seen", type_=ARRAY(Instant)),
            bindparam("episodes", type_=ARRAY(Integer)),
        ),
        {
            "at": at,
            "known": [row[0] for row in before],
            "seen": [row[2] for row in before],
            "episodes": [episode + (state == "closed") for _, state, _, episode in before],
        },
    )
    count = 0
    for kind, subject, project, version in added:
        merged.touch(kind, subject, project)
        merged.versions.append(version)
        count += 1
    merged.opened = count - merged.changed
    return merged


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _at(sql: str) -> Any:
    return text(sql).bindparams(bindparam("at", type_=Instant))


async def find_unflagged(
    session: AsyncSession,
    *,
    records: Sequence[int] | None,
    unsettled: Sequence[int] = (),
    projects: Sequence[int] = (),
    enterprises: Sequence[int] = (),
) -> list[Unflagged]:
    """Open findings that the flags just merged do not have, those of removed rules too.

    Those on these records (None: all there are), and on whatever else belongs to these projects or, where it belongs to
    none, to these enterprises.
    """
    statement = text(_OPEN_BUT_NOT_FLAGGED).bindparams(
        bindparam("rules", type_=ARRAY(Text)),
        bindparam("records", type_=ARRAY(BigInteger)),
        bindparam("unsettled", type_=ARRAY(BigInteger)),
        bindparam("projects", type_=ARRAY(BigInteger)),
        bindparam("enterprises", type_=ARRAY(BigInteger)),
    )
    values = {
        "rules": None,
        "records": None if records is None else list(records),
        "unsettled": list(unsettled),
        "projects": list(projects),
        "enterprises": list(enterprises),
    }
    return [Unflagged(*row) for row in await (await session.connection()).execute(statement, values)]


@dataclass(frozen=True, slots=True)
class Closing:
    """Why a finding is closed: the kind of fact that changed, and what it was and is."""

    reason: str
    facts: dict[str, Any] = field(default_factory=dict)


async def close(
    session: AsyncSession, unflagged: Sequence[Unflagged], whys: Sequence[Closing], at: datetime, merged: Merged
) -> None:
    """Close findings with the reason of each."""
    if not unflagged:
        return
    closed = await (await session.connection()).execute(
        _at(_CLOSE).bindparams(*(bindparam(name, type_=ARRAY(Text)) for name in ("prints", "whys", "facts"))),
        {
            "at": at,
            "prints": [one.fingerprint for one in unflagged],
            "whys": [one.reason for one in whys],
            "facts": [json_text(one.facts) for one in whys],
        },
    )
    merged.versions += closed.scalars()
    for one in unflagged:
        merged.touch(one.subject_kind, one.subject_id, one.project_id)
    merged.closed += len(unflagged)


# Why a finding was closed, by the part of the evidence that is no longer the same.
_CAUSES: Final[tuple[tuple[str, str], ...]] = (
    ("record", "record-corrected"),
    ("subject", "subject-corrected"),
    ("link", "link-changed"),
    ("prices", "record-corrected"),
    ("approvals", "approval-changed"),
    ("formalities", "formality-changed"),
    ("dispositions", "disposition-changed"),
    ("plans", "plan-changed"),
    ("equipment", "equipment-changed"),
    ("eliminations", "elimination-changed"),
    ("restrictions", "restriction-changed"),
    ("capacities", "project-corrected"),
    ("owners", "owner-changed"),
    ("project", "project-corrected"),
    ("owner", "owner-changed"),
)


def why_closed(one: Unflagged, seen: Sequence[dict[str, Any]], current: Mapping[str, Rule]) -> Closing:
    """The reason for closing: what differs between the evidence then and what is seen now, by the rules of now."""
    if one.rule not in current:
        return Closing("rule-removed")
    if not seen:
        return Closing("record-no-longer-judged")
    first, facts = "", {}
    for part, reason in _CAUSES:
        was = one.evidence.get(part)
        if (part in ("record", "subject", "link", "project", "owner") or part in current[one.rule].evidence) and all(
            was != row.get(part) for row in seen
        ):
            first = first or reason
            facts[part] = _difference(was, seen[0].get(part))
    if first:
        return Closing(first, facts)
    return Closing("rule-changed" if one.rule_version != current[one.rule].version else "no-longer-flagged")


def _difference(was: Any, now: Any) -> dict[str, Any]:
    """What was and what is, without what is the same in both."""
    if isinstance(was, dict) and isinstance(now, dict):
        names = [name for name in {**was, **now} if was.get(name) != now.get(name)]
        return {
            "was": {name: was[name] for name in names if name in was},
            "is": {name: now[name] for name in names if name in now},
        }
    if isinstance(was, list) and isinstance(now, list):
        return {"was": [one for one in was if one not in now], "is": [one for one in now if one not in was]}
    return {"was": was, "is": now}
