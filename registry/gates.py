"""The three gates of a project: forced, open or shut, by the very rules that judge what was done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.acts import GATES, Lane
from registry.fact_texts import Knowledge, Use
from registry.flags import Asked, ask_flags
from registry.history import FOREVER, Instant

GateState = Literal["forced", "open", "shut"]

# The act that stands for its lane when a gate is asked whether a new one would be covered.
ACT_OF_GATE: Final[dict[Lane, dict[str, str]]] = {
    "land": {"act": "land_grant"},
    "environment": {"act": "discharge_permit"},
    "credit": {"act": "loan", "kind": "construction"},
}


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate: forced when a finding is open in its lane, else open when a new act would be covered, else shut."""

    lane: Lane
    state: GateState
    findings: tuple[str, ...] = ()  # fingerprints of the open findings in the lane
    would_break: tuple[tuple[str, tuple[str, ...]], ...] = ()  # rule and reasons that a new act would meet


async def gates_of_projects(
    session: AsyncSession, project_ids: Sequence[int], as_of: date, known_at: datetime | None = None
) -> dict[int, dict[Lane, Gate]]:
    """The gates of each project on a day, as known now or at an instant."""
    if not project_ids:
        return {}
    knowledge: Knowledge = "now" if known_at is None else "then"
    intended: list[dict[str, Any]] = [
        {"record_id": number, "project_id": project, "outcome": "linked", "acted_on": as_of, **ACT_OF_GATE[lane]}
        for number, (project, lane) in enumerate((project, lane) for project in project_ids for lane in GATES)
    ]
    asked = Asked(Use("intended", knowledge), as_of, known_at, projects=project_ids, intended=intended)
    broken: dict[int, list[tuple[str, tuple[str, ...]]]] = {}
    for row in await ask_flags(session, asked):
        broken.setdefault(row["record_id"], []).append((row["rule"], tuple(sorted(row["reasons"]))))
    flagged = await _open_findings(session, project_ids, known_at)
    gates: dict[int, dict[Lane, Gate]] = {project: {} for project in project_ids}
    for number, (project, lane) in enumerate((project, lane) for project in project_ids for lane in GATES):
        findings = tuple(flagged.get((project, lane), ()))
        would_break = tuple(sorted(broken.get(number, ())))
        state: GateState = "forced" if findings else "shut" if would_break else "open"
        gates[project][lane] = Gate(lane, state, findings, would_break)
    return gates


async def _open_findings(
    session: AsyncSession, project_ids: Sequence[int], known_at: datetime | None
) -> dict[tuple[int, str], list[str]]:
    current = (
        "{0}.known_to = 'infinity'" if known_at is None else "{0}.known_from <= :known_at AND :known_at < {0}.known_to"
    )
    statement = text(
        "SELECT f.project_id, f.lane, f.fingerprint FROM findings_shown AS f WHERE f.project_id = ANY(:projects) "
        f"AND f.state = 'open' AND f.lane = ANY(:lanes) AND {current.format('f')} "
        # What a person found to be wrong forces no gate.
        "AND NOT EXISTS (SELECT FROM dismissed_findings AS x WHERE x.fingerprint = f.fingerprint "
        f"AND {current.format('x')}) ORDER BY f.acted_on, f.fingerprint"
    ).bindparams(bindparam("projects", type_=ARRAY(BigInteger)), bindparam("lanes", type_=ARRAY(Text)))
    values: dict[str, Any] = {"projects": list(project_ids), "lanes": list(GATES)}
    if known_at is not None:
        statement = statement.bindparams(bindparam("known_at", type_=Instant))
        values["known_at"] = min(known_at, FOREVER)
    found: dict[tuple[int, str], list[str]] = {}
    for project, lane, fingerprint in await (await session.connection()).execute(statement, values):
        found.setdefault((project, lane), []).append(fingerprint)
    return found
