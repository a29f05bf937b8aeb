"""Evidence of officials: a document that shows a measure to be carried out closes the obligation."""

from dataclasses import replace
from datetime import date, datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from registry.auditing import audit
from registry.clock import civil_day
from registry.errors import BadInput, Conflict, NotAllowed, NotFound
from registry.flags import hash_of
from registry.obligations import COLUMNS, Owed, write
from registry.reading import first
from registry.viewers import Viewer


async def show_done(
    session: AsyncSession, viewer: Viewer, reference: str, document: str, on: str, note: str, now: datetime
) -> None:
    """Put on record the document by which the measure was carried out; settling again leaves it standing."""
    viewer.require("decide")
    if viewer.account_id is None:
        raise NotAllowed("Only a person puts evidence on record.")
    if not document.strip():
        raise BadInput("Name the document that shows it.", where="document")
    try:
        day = date.fromisoformat(on)
    except ValueError:
        raise BadInput("This is not a date.", where="on", remedy="Write it like 2014-06-01.") from None
    if day > civil_day(now):
        raise BadInput("The day lies in the future.", where="on")
    if (
        await first(session, "SELECT 1 AS one FROM obligations WHERE reference = :reference", reference=reference)
        is None
    ):
        raise NotFound("There is no such obligation.", where="reference")
    # A policy lets no row of another region be locked for a change.
    row = await first(
        session,
        "SELECT * FROM obligations WHERE reference = :reference AND known_to = 'infinity' FOR UPDATE",
        reference=reference,
    )
    if row is None:
        raise NotAllowed("This obligation belongs to another region.")
    if row["state"] not in ("open", "late"):
        raise Conflict("This obligation is settled already.")
    if day <= row["deadline"]:
        raise BadInput("The measure follows the deadline; this day lies before it.", where="on")
    told = {"document": document.strip(), "on": day.isoformat(), "note": note.strip(), "by": viewer.actor}
    decisions = [*row["evidence"].get("decisions", []), told]
    evidence = row["evidence"] | {"decisions": decisions}
    kept = Owed(**{name: row[name] for name in COLUMNS})
    done = replace(kept, state="done", evidence=evidence, evidence_hash=hash_of(evidence))
    await write(session, [done], {reference: row["first_seen"]}, now)
    await audit(
        session,
        viewer,
        "obligation.show",
        "obligation",
        reference,
        why=note,
        before={"state": row["state"]},
        after={"state": "done", **told},
    )
