"""The press: what passed its approvals is displayed, published, replaced or withdrawn, together with its link.

Nothing else gives a version a public state; PostgreSQL refuses it to everybody but the press (registry.row_policies).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import dirty, proposals
from registry.auditing import audit
from registry.clock import civil_day
from registry.errors import BadInput, Conflict, NotAllowed
from registry.flags import hash_of
from registry.law_fact_items import LawFactItem
from registry.law_fact_writing import FACT_KINDS, OWN_PUBLICATION, tell_facts
from registry.publishing import chain, scanning
from registry.publishing.building import objection_days
from registry.publishing.drafting import PROPOSAL, of_publication, on_its_way, preparer, unchanged
from registry.publishing.kinds import KINDS, Content, charges
from registry.publishing.telling import tell
from registry.reading import Row, first, rows
from registry.restating import Telling
from registry.viewers import PRESS, Viewer, become
from registry.working_days import working_day_after

WITHDRAWAL: Final = "publication.withdraw"
# Of the row, and what the publication itself decides.
_NOT_SAID_AGAIN: Final = frozenset({"withdrawn", "known_from", "published"})


@asynccontextmanager
async def as_press(session: AsyncSession, viewer: Viewer | None) -> AsyncIterator[None]:
    """The rest of the block as the press; `viewer` is who the transaction is before and after (None: the jobs)."""
    if viewer is not None:
        await become(session, PRESS)
    yield
    if viewer is not None:
        await become(session, viewer)


async def approve(
    session: AsyncSession, viewer: Viewer, proposal_id: int, seen: int, decision: str, now: datetime
) -> str:
    """Approve what was submitted; returns what became of it: second, displayed or published.

    An accusation asks for another person yet, who neither drafted nor approved. Raises Conflict where the register
    says otherwise than what was frozen, NotAllowed for whoever has a hand in it.
    """
    proposal = await proposals.approve(session, viewer, proposal_id, seen, decision, now)
    found, row = await _submitted(session, proposal)
    await unchanged(session, viewer, found, row, now)
    second = row["approved_by"] is not None
    hands = {row["drafted_by"], row["approved_by"]}
    if viewer.account_id is None or viewer.account_id in hands or viewer.acts_for & hands:
        raise NotAllowed(
            "Who drafted a proposal, or acts for them, does not decide on it.", remedy="Ask a second person."
        )
    if row["accuses"] and not second:
        hands = {*proposal["drafted_for"], proposal["drafted_by"], proposal["owner_id"]}
        await proposals.draft(
            session, viewer, PROPOSAL, found["reference"], proposal["content"], proposal["reason"], now, hands=hands
        )
        await tell(session, "publication.awaits_approval", found, -row["id"], now)
    column = "second_approved" if second else "approved"
    async with as_press(session, viewer):
        await _execute(
            session,
            f"UPDATE publication_versions SET {column}_by = :by, {column}_at = :now, version = version + 1 "
            "WHERE id = :id",
            id=row["id"],
            by=viewer.account_id,
            now=now,
        )
        if row["accuses"] and not second:
            became = "second"
        else:
            row = await on_its_way(session, found["id"])
            became = await _release(session, viewer, found, row, now)
    await audit(
        session, viewer, "publication.approve", "publication", found["reference"], why=decision,
        after={"number": row["number"], "became": became},
    )  # fmt: skip
    return became


async def refuse(
    session: AsyncSession, viewer: Viewer, proposal_id: int, seen: int, decision: str, now: datetime
) -> None:
    """Refuse what was submitted, saying why; it never becomes public."""
    proposal = await proposals.refuse(session, viewer, proposal_id, seen, decision, now)
    found, row = await _submitted(session, proposal)
    async with as_press(session, viewer):
        await _end(session, row, "refused", now)
    await audit(
        session, viewer, "publication.refuse", "publication", found["reference"], why=decision,
        after={"number": row["number"]},
    )  # fmt: skip


async def ask_withdrawal(session: AsyncSession, viewer: Viewer, publication: int, reason: str, now: datetime) -> int:
    """Ask a second person to withdraw what is public; the reason will be public. Returns the proposal's number."""
    preparer(viewer)
    reason = _public_reason(reason)
    found = await of_publication(session, publication)
    _can_be_withdrawn(found)
    waits = await first(
        session, "SELECT id FROM proposals WHERE kind = :kind AND subject = :subject AND state = 'open'",
        kind=WITHDRAWAL, subject=found["reference"],
    )  # fmt: skip
    if waits:
        raise Conflict("A withdrawal of this publication awaits a second person already.")
    number = await proposals.draft(
        session, viewer, WITHDRAWAL, found["reference"], {"publication": publication}, reason, now
    )
    await tell(session, "publication.awaits_approval", found, number, now)
    await audit(session, viewer, "publication.ask_withdrawal", "publication", found["reference"], why=reason)
    return number


async def approve_withdrawal(
    session: AsyncSession, viewer: Viewer, proposal_id: int, seen: int, decision: str, now: datetime
) -> None:
    """Withdraw as the second person: from the end of this transaction on nobody but officials reads it."""
    proposal = await proposals.approve(session, viewer, proposal_id, seen, decision, now)
    if proposal["kind"] != WITHDRAWAL:
        raise Conflict("This proposal is not a withdrawal.")
    await withdraw(session, viewer, int(proposal["content"]["publication"]), proposal["reason"], now)


async def refuse_withdrawal(
    session: AsyncSession, viewer: Viewer, proposal_id: int, seen: int, decision: str, now: datetime
) -> None:
    """Refuse to withdraw, saying why; it stays public."""
    proposal = await proposals.refuse(session, viewer, proposal_id, seen, decision, now)
    if proposal["kind"] != WITHDRAWAL:
        raise Conflict("This proposal is not a withdrawal.")


async def withdraw(session: AsyncSession, viewer: Viewer | None, publication: int, reason: str, now: datetime) -> None:
    """Withdraw everything of a publication; who may decide that was asked before. A tombstone with the reason stays."""
    found = await of_publication(session, publication)
    _can_be_withdrawn(found)
    scanning.refuse(reason, "reason")
    by = viewer or PRESS
    await proposals.cancel(session, by, PROPOSAL, found["reference"], now)
    async with as_press(session, viewer):
        await _execute(
            session,
            "UPDATE publication_versions SET state = 'withdrawn', ended_at = :now, version = version + 1 WHERE "
            "publication_id = :id AND state IN ('displayed', 'published', 'superseded')",
            id=publication,
            now=now,
        )
        await _execute(
            session,
            "UPDATE publication_versions SET state = 'dropped', ended_at = :now, version = version + 1 WHERE "
            "publication_id = :id AND state IN ('draft', 'submitted')",
            id=publication,
            now=now,
        )
        for table in ("publication_objections", "publication_replies", "publication_appeals"):
            await _execute(session, f"UPDATE {table} SET shown = false WHERE publication_id = :id", id=publication)
        await _execute(
            session,
            "UPDATE publications SET withdrawn_at = :now, withdrawn_reason = :reason WHERE id = :id",
            id=publication,
            now=now,
            reason=reason,
        )
        tombstone = hash_of({"withdrawn": civil_day(now).isoformat(), "reason": reason})
        await chain.append(session, found, "withdrawn", 0, now, tombstone)
        await _tell_fact(session, found, now)
        await _index(session, found)
        await tell(session, "publication.withdrawn", found, 0, now)
    await audit(session, by, "publication.withdraw", "publication", found["reference"], why=reason)


async def end_display(
    session: AsyncSession, viewer: Viewer | None, found: Row, row: Row, reason: str, now: datetime
) -> None:
    """End a version that was displayed and will not be published: an objection against it was upheld."""
    others = await first(
        session,
        "SELECT 1 AS one FROM publication_versions WHERE publication_id = :id AND state IN ('published', 'superseded')",
        id=found["id"],
    )
    if others is None:
        await withdraw(session, viewer, found["id"], reason, now)
        return
    async with as_press(session, viewer):
        await _end(session, row, "withdrawn", now)
        await chain.append(session, found, "withdrawn", row["number"], now, hash_of({"reason": reason}))
        await _index(session, found)
    await audit(
        session, viewer or PRESS, "publication.withdraw", "publication", found["reference"], why=reason,
        after={"number": row["number"]},
    )  # fmt: skip


async def publish_due(session: AsyncSession, now: datetime) -> list[str]:
    """Publish what stood its objection period without an open objection; for the jobs. Returns the references."""
    due = await rows(
        session,
        "SELECT v.id, v.publication_id FROM publication_versions AS v WHERE v.state = 'displayed' "
        "AND v.objections_until < :today AND NOT EXISTS (SELECT FROM publication_objections AS o "
        "WHERE o.version_id = v.id AND o.state <> 'rejected') ORDER BY v.id FOR UPDATE OF v SKIP LOCKED",
        today=civil_day(now),
    )
    published = []
    for one in due:
        found = await of_publication(session, one["publication_id"])
        row = await on_its_way(session, found["id"])
        await _publish(session, found, row, now)
        await audit(
            session, PRESS, "publication.publish", "publication", found["reference"], after={"number": row["number"]}
        )
        published.append(str(found["reference"]))
    return published


async def _submitted(session: AsyncSession, proposal: Row) -> tuple[Row, Row]:
    """What a proposal is about, as long as it is still that very version."""
    if proposal["kind"] != PROPOSAL:
        raise Conflict("This proposal is not a publication.")
    found = await of_publication(session, int(proposal["content"]["publication"]))
    row = await on_its_way(session, found["id"])
    same = row["id"] == proposal["content"]["version"] and row["content_hash"] == proposal["content"]["content_hash"]
    if row["state"] != "submitted" or not same:
        raise Conflict("This proposal is settled already.")
    return found, row


async def _release(session: AsyncSession, viewer: Viewer, found: Row, row: Row, now: datetime) -> str:
    """Display what has to stand an objection period, publish the rest; the transaction is the press's."""
    old = await _in_force(session, found["id"])
    new = charges(Content.model_validate(row["content"]))
    adds = old is None or not new <= charges(Content.model_validate(old["content"]))
    if not (KINDS[found["kind"]].display and adds):
        await _publish(session, found, row, now)
        return "published"
    today = civil_day(now)
    until = working_day_after(today, await objection_days(session, found["region"], today))
    await _execute(
        session,
        "UPDATE publication_versions SET state = 'displayed', displayed_at = :now, objections_until = :until, "
        "version = version + 1 WHERE id = :id",
        id=row["id"],
        now=now,
        until=until,
    )
    await _make_public(session, found, now)
    await chain.append(session, found, "displayed", row["number"], now, row["content_hash"], row["evidence_hash"])
    if KINDS[found["kind"]].fact_counts_display and old is None:
        await _tell_fact(session, found, now)
    await _index(session, found)
    return "displayed"


async def _publish(session: AsyncSession, found: Row, row: Row, now: datetime) -> None:
    old = await _in_force(session, found["id"])
    if old is not None:
        await _end(session, old, "superseded", now)
    await _execute(
        session,
        "UPDATE publication_versions SET state = 'published', published_at = :now, version = version + 1 "
        "WHERE id = :id",
        id=row["id"],
        now=now,
    )
    await _make_public(session, found, now)
    event = "published" if old is None else "corrected"
    await chain.append(session, found, event, row["number"], now, row["content_hash"], row["evidence_hash"])
    if old is None:
        await _tell_fact(session, found, now)
    await tell(session, f"publication.{event}", found, row["number"], now)
    await _index(session, found)


async def _in_force(session: AsyncSession, publication: int) -> Row | None:
    return await first(
        session,
        "SELECT * FROM publication_versions WHERE publication_id = :id AND state = 'published'",
        id=publication,
    )


async def _make_public(session: AsyncSession, found: Row, now: datetime) -> None:
    await _execute(
        session,
        "UPDATE publications SET public_since = :now WHERE id = :id AND public_since IS NULL",
        id=found["id"],
        now=now,
    )
    # A reply that came in before stands beside the accusation from its first moment.
    told = await rows(
        session,
        "UPDATE publication_replies SET shown = true WHERE publication_id = :id AND state = 'confirmed' "
        "AND NOT shown RETURNING id, content_hash",
        id=found["id"],
    )
    for reply in sorted(told, key=lambda row: int(row["id"])):
        await chain.append(session, found, "reply", reply["id"], now, reply["content_hash"])


async def _end(session: AsyncSession, row: Row, state: str, now: datetime) -> None:
    await _execute(
        session,
        "UPDATE publication_versions SET state = :state, ended_at = :now, version = version + 1 WHERE id = :id",
        id=row["id"],
        state=state,
        now=now,
    )


async def _tell_fact(session: AsyncSession, found: Row, now: datetime) -> None:
    """Let the fact that the rules read be told again: telling it takes the register's own publication into account.

    A day that somebody else told stays as it is.
    """
    kind = KINDS[found["kind"]]
    if not kind.fact:
        return
    fact = FACT_KINDS[kind.fact]
    row = await first(
        session,
        f"SELECT t.*, p.reference AS project, (SELECT CAST(min(c.at) AT TIME ZONE 'Asia/Shanghai' AS date) "
        "FROM publication_chain AS c WHERE c.publication_id = :id AND c.event = ANY(:events)) AS own "
        f"FROM {kind.fact_table} AS t LEFT JOIN projects AS p ON p.id = t.project_id "
        "WHERE t.reference = :subject AND t.known_to = 'infinity'",
        id=found["id"],
        events=list(OWN_PUBLICATION[kind.fact][1]),
        subject=found["subject"],
    )
    if row is None or row["published"] not in (None, row["own"]):
        return
    told = {name: row[name] for name in fact.item.model_fields if name in row and name not in _NOT_SAID_AGAIN}
    item: LawFactItem = fact.item.model_validate({**told, "source": row["source_id"]})
    # What the register learnt meanwhile it learnt before this.
    at = max(now, row["known_from"])
    await tell_facts(session, fact, [item], Telling(PRESS.actor, at, f"publication {found['reference']}"))


async def _index(session: AsyncSession, found: Row) -> None:
    """Search shows what is public, and no longer what is not; the rules look again at what it is about."""
    await dirty.mark(session, "index", "publication", [found["id"]])
    if found["project_id"] is not None:
        await dirty.mark(session, "judge", "project", [found["project_id"]])


def _can_be_withdrawn(found: Row) -> None:
    if found["public_since"] is None:
        raise Conflict("Only what is public can be withdrawn.")
    if found["withdrawn_at"] is not None:
        raise Conflict("This publication is withdrawn.", remedy="Draft a new one.")


def _public_reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise BadInput("A withdrawal needs a reason that may be public.", where="reason")
    scanning.refuse(reason, "reason")
    return reason


async def _execute(session: AsyncSession, statement: str, **values: object) -> None:
    await (await session.connection()).execute(text(statement), values)
