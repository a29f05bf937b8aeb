"""Proposals: what one person drafts and another approves (rules, publications, merges); never the same."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.auditing import audit
from registry.database import json_text
from registry.errors import BadInput, Conflict, NotAllowed, NotFound
from registry.reading import Row, first, rows
from registry.viewers import Viewer


async def draft(
    session: AsyncSession,
    viewer: Viewer,
    kind: str,
    subject: str,
    content: dict[str, Any],
    reason: str,
    now: datetime,
    hands: Collection[int] = (),
) -> int:
    """A new proposal of the viewer; returns its number. `hands` are accounts that may not decide on it either."""
    if viewer.account_id is None:
        raise NotAllowed("Only a person drafts a proposal.")
    if not reason.strip():
        raise BadInput("A proposal needs a reason.", where="reason")
    row = await first(
        session,
        "INSERT INTO proposals (kind, subject, content, reason, drafted_by, drafted_for, drafted_at, owner_id) "
        "VALUES (:kind, :subject, CAST(CAST(:content AS text) AS jsonb), :reason, :account, "
        "CAST(:acts_for AS bigint[]), :now, :account) RETURNING id",
        kind=kind,
        subject=subject,
        content=json_text(content),
        reason=reason.strip(),
        account=viewer.account_id,
        acts_for=sorted(viewer.acts_for | set(hands)),
        now=now,
    )
    assert row is not None  # noqa: S101  # RETURNING gives the one row
    await audit(session, viewer, "proposal.draft", kind, subject, why=reason, after={"proposal": row["id"]})
    return int(row["id"])


async def proposal(session: AsyncSession, proposal_id: int) -> Row:
    """A proposal that the viewer may see; raises NotFound."""
    found = await first(session, "SELECT * FROM proposals WHERE id = :id FOR UPDATE", id=proposal_id)
    if found is None:
        raise NotFound("There is no such proposal.")
    return found


async def approve(
    session: AsyncSession, viewer: Viewer, proposal_id: int, version: int, decision: str, now: datetime
) -> Row:
    """Approve as the second person; returns the proposal, for whoever carries it out in the same transaction."""
    return await _decide(session, viewer, proposal_id, version, "approved", decision, now)


async def refuse(
    session: AsyncSession, viewer: Viewer, proposal_id: int, version: int, decision: str, now: datetime
) -> Row:
    """Refuse as the second person, saying why."""
    if not decision.strip():
        raise BadInput("A refusal needs a reason.", where="decision")
    return await _decide(session, viewer, proposal_id, version, "refused", decision, now)


async def withdraw(session: AsyncSession, viewer: Viewer, proposal_id: int, version: int, now: datetime) -> None:
    """Take one's own open proposal back."""
    found = await _open(session, proposal_id, version)
    if viewer.account_id is None or viewer.account_id != found["owner_id"]:
        raise NotAllowed("Only whose proposal it is takes it back.")
    await _settle(session, found, "withdrawn", None, [], "", now)
    await audit(session, viewer, "proposal.withdraw", found["kind"], found["subject"], after={"proposal": proposal_id})


async def cancel(session: AsyncSession, viewer: Viewer, kind: str, subject: str, now: datetime) -> None:
    """Close the open proposals of something that is no longer asked for."""
    open_ones = "SELECT * FROM proposals WHERE kind = :kind AND subject = :subject AND state = 'open' FOR UPDATE"
    for found in await rows(session, open_ones, kind=kind, subject=subject):
        await _settle(session, found, "withdrawn", None, [], "", now)
        await audit(session, viewer, "proposal.withdraw", kind, subject, after={"proposal": found["id"]})


async def _decide(
    session: AsyncSession, viewer: Viewer, proposal_id: int, version: int, state: str, decision: str, now: datetime
) -> Row:
    viewer.require("approve")
    found = await _open(session, proposal_id, version)
    hands = {found["drafted_by"], found["owner_id"], *found["drafted_for"]}
    if viewer.account_id is None or viewer.account_id in hands or viewer.acts_for & hands:
        raise NotAllowed(
            "Who drafted a proposal, or acts for them, does not decide on it.", remedy="Ask a second person."
        )
    await _settle(session, found, state, viewer.account_id, sorted(viewer.acts_for), decision.strip(), now)
    await audit(
        session,
        viewer,
        f"proposal.{'approve' if state == 'approved' else 'refuse'}",
        found["kind"],
        found["subject"],
        why=decision,
        before={"state": "open"},
        after={"state": state, "proposal": proposal_id},
    )
    return found


async def _open(session: AsyncSession, proposal_id: int, version: int) -> Row:
    found = await proposal(session, proposal_id)
    if found["state"] != "open":
        raise Conflict("This proposal is settled already.")
    if found["version"] != version:
        raise Conflict("Somebody else changed this meanwhile.", remedy="Read it again and repeat the change.")
    return found


async def _settle(
    session: AsyncSession,
    found: Row,
    state: str,
    decided_by: int | None,
    decided_for: list[int],
    decision: str,
    now: datetime,
) -> None:
    await (await session.connection()).execute(
        text(
            "UPDATE proposals SET state = :state, decided_by = :by, decided_for = CAST(:for AS bigint[]), "
            "decided_at = :now, decision = :decision, version = version + 1 WHERE id = :id"
        ),
        {"state": state, "by": decided_by, "for": decided_for, "now": now, "decision": decision, "id": found["id"]},
    )
