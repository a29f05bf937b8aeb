"""What was known when: what the rules say of a project's acts of one day by what was known on another."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlalchemy.sql.elements import BindParameter
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.fact_texts import Use
from registry.flags import Asked, Flag, ask_flags_with_evidence
from registry.history import Instant

# Every record that was ever linked to the project by then, and by now: what was linked elsewhere since is told too.
_RECORDS = "SELECT DISTINCT record_id FROM links WHERE project_id = :project AND known_from <= :known_at"
_PROJECTS = """
SELECT DISTINCT project_id FROM links
WHERE record_id = ANY(:records) AND project_id IS NOT NULL AND known_from <= :known_at AND :known_at < known_to
UNION SELECT CAST(:project AS bigint)
"""


class ReplayedFlag(BaseModel):
    """One flag as the rules give it by a state of knowledge."""

    fingerprint: str
    rule: str
    basis: str
    lane: str
    act: str
    acted_on: date | None
    subject_reference: str
    reasons: list[str]
    evidence_hash: str
    # Its record was seen by the viewer: what may not be seen is not judged here.
    withheld: bool = False


class Replayed(BaseModel):
    """What the rules say of a day by what was known at an instant, and by what is known now: the same world, twice."""

    as_of: date
    known_at: datetime
    then: list[ReplayedFlag]
    now: list[ReplayedFlag]

    @property
    def only_then(self) -> set[str]:
        """What was held against the project then and is not now."""
        return {one.fingerprint for one in self.then} - {one.fingerprint for one in self.now}

    @property
    def only_now(self) -> set[str]:
        """What is known to have been wrong now and was not to be seen then."""
        return {one.fingerprint for one in self.now} - {one.fingerprint for one in self.then}


async def replay_project(
    session: AsyncSession, project_id: int, as_of: date, known_at: datetime, now: datetime
) -> Replayed:
    """Judge one project's acts as of a day by two states of knowledge; the viewer's rows alone are seen."""
    return Replayed(
        as_of=as_of,
        known_at=known_at,
        then=await _judge(session, project_id, as_of, known_at),
        now=await _judge(session, project_id, as_of, now),
    )


async def _judge(session: AsyncSession, project_id: int, as_of: date, known_at: datetime) -> list[ReplayedFlag]:
    records = await _ids(session, _RECORDS, known_at, project=project_id)
    projects = await _ids(session, _PROJECTS, known_at, project=project_id, records=records)
    asked = Asked(Use("changed", "then"), as_of, known_at, records=records, projects=projects)
    flags = await ask_flags_with_evidence(session, asked)
    return [_told(flag) for flag in flags if flag.project_id == project_id]


async def _ids(session: AsyncSession, sql: str, known_at: datetime, **values: int | list[int]) -> list[int]:
    binds: list[BindParameter[Any]] = [bindparam("known_at", type_=Instant)]
    if "records" in values:
        binds.append(bindparam("records", type_=ARRAY(BigInteger)))
    rows = await (await session.connection()).execute(text(sql).bindparams(*binds), {"known_at": known_at, **values})
    return list(rows.scalars())


def _told(flag: Flag) -> ReplayedFlag:
    return ReplayedFlag(
        fingerprint=flag.fingerprint,
        rule=flag.rule,
        basis=flag.basis,
        lane=flag.lane,
        act=flag.act,
        acted_on=flag.acted_on,
        subject_reference=flag.subject_reference,
        reasons=list(flag.reasons),
        evidence_hash=flag.evidence_hash,
    )
