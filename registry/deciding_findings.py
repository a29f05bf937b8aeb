"""Deciding on findings: a person confirms one, dismisses it, says that it is not theirs, or takes that back."""

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel
from sqlalchemy import bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.auditing import audit
from registry.dirty import mark
from registry.errors import BadInput, Conflict, NotAllowed, NotFound
from registry.history import Instant
from registry.reading import first, rows
from registry.viewers import Viewer

Decision = Literal["confirmed", "dismissed", "not_ours", "withdrawn"]
DECISIONS: Final[tuple[Decision, ...]] = ("confirmed", "dismissed", "not_ours", "withdrawn")
LONGEST_REASON: Final = 2_000


class DecisionLine(BaseModel):
    """What somebody decided on one episode of a finding; `stands` while the evidence is the one it was taken on."""

    version_id: int
    episode: int
    decision: str
    reason: str
    actor: str
    organisation: str
    decided_at: datetime
    replaced_at: datetime | None
    evidence_hash: str
    stands: bool


async def decide(
    session: AsyncSession,
    viewer: Viewer,
    fingerprint: str,
    decision: str,
    reason: str,
    evidence_hash: str,
    now: datetime,
) -> None:
    """Decide on the present episode, by the evidence whose hash the person saw.

    Raises NotAllowed without the right or outside the viewer's region, BadInput without a reason, Conflict where the
    finding is closed or its evidence has changed since it was read.
    """
    viewer.require("decide")
    if viewer.account_id is None:
        raise NotAllowed("Only a person decides on a finding.")
    if decision not in DECISIONS:
        raise BadInput("There is no such decision.", where="decision")
    reason = reason.strip()
    if not reason:
        raise BadInput("A decision needs a reason.", where="reason")
    seen = await first(
        session,
        "SELECT version_id, state, episode, evidence_hash, subject_kind, subject_id, project_id FROM findings "
        "WHERE fingerprint = :fingerprint AND known_to = 'infinity'",
        fingerprint=fingerprint,
    )
    if seen is None:
        raise NotFound("There is no such finding.", where="fingerprint")
    # A policy lets no row of another region be locked for a change.
    found = await first(
        session,
        "SELECT state, episode, evidence_hash FROM findings "
        "WHERE fingerprint = :fingerprint AND known_to = 'infinity' FOR UPDATE",
        fingerprint=fingerprint,
    )
    if found is None:
        raise NotAllowed("This finding belongs to another region.")
    if found["state"] != "open":
        raise Conflict("This finding is closed; there is nothing to decide.")
    if found["evidence_hash"] != evidence_hash:
        raise Conflict("The evidence has changed since you read it.", remedy="Read it again, then decide.")
    binds = {"fingerprint": fingerprint, "episode": found["episode"], "now": now}
    before = await first(
        session,
        "SELECT decision, reason, evidence_hash FROM finding_decisions "
        "WHERE fingerprint = :fingerprint AND episode = :episode AND known_to = 'infinity'",
        **binds,
    )
    if decision == "withdrawn" and (before is None or before["decision"] == "withdrawn"):
        raise Conflict("There is no decision to take back.")
    connection = await session.connection()
    at = bindparam("now", type_=Instant)
    await connection.execute(
        text(
            "UPDATE finding_decisions SET known_to = :now WHERE fingerprint = :fingerprint AND episode = :episode "
            "AND known_to = 'infinity'"
        ).bindparams(at),
        binds,
    )
    await connection.execute(
        text(
            "INSERT INTO finding_decisions (fingerprint, episode, decision, reason, evidence_hash, account_id, actor, "
            "organisation_id, known_from) VALUES (:fingerprint, :episode, :decision, :reason, :hash, :account, "
            ":actor, :organisation, :now)"
        ).bindparams(at),
        {
            **binds,
            "decision": decision,
            "reason": reason,
            "hash": evidence_hash,
            "account": viewer.account_id,
            "actor": viewer.actor,
            "organisation": viewer.organisation_id,
        },
    )
    await audit(
        session,
        viewer,
        "finding.decide",
        "finding",
        fingerprint,
        why=reason,
        before=dict(before) if before else None,
        after={"decision": decision, "episode": found["episode"], "evidence_hash": evidence_hash},
    )
    # Its alert may be settled by it, or stand again.
    await mark(session, "alert", "finding", [seen["version_id"]])
    # Whether a gate stands as forced may have changed with it.
    if seen["project_id"] is not None:
        await mark(session, "index", "project", [seen["project_id"]])
    if seen["subject_kind"] == "record":
        await mark(session, "index", "record", [seen["subject_id"]])


async def decisions_on(session: AsyncSession, fingerprint: str) -> list[DecisionLine]:
    """Every decision on a finding that the viewer may see, newest first."""
    found = await rows(
        session,
        """
        SELECT d.version_id, d.episode, d.decision, d.reason, d.actor, d.evidence_hash, d.known_from AS decided_at,
               CASE WHEN d.known_to < 'infinity' THEN d.known_to END AS replaced_at,
               coalesce(o.name_zh, d.organisation_id) AS organisation,
               d.known_to = 'infinity' AND EXISTS (
                   SELECT FROM findings AS f WHERE f.fingerprint = d.fingerprint AND f.known_to = 'infinity'
                   AND f.episode = d.episode AND f.evidence_hash = d.evidence_hash
               ) AS stands
        FROM finding_decisions AS d LEFT JOIN organisations AS o ON o.id = d.organisation_id
        WHERE d.fingerprint = :fingerprint ORDER BY d.known_from DESC, d.version_id DESC
        """,
        fingerprint=fingerprint,
    )
    return [DecisionLine(**row) for row in found]
