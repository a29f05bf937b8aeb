"""What every act on a case shares: who may, the case locked at the version that was seen, and its line in the trail."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.database import json_text
from registry.errors import BadInput, ChangedMeanwhile, Conflict, NotAllowed, NotFound
from registry.reading import Row, first
from registry.viewers import Viewer

LONGEST_TEXT: Final = 5000
LONGEST_TITLE: Final = 200


def require_person(viewer: Viewer) -> int:
    """The account of a person who may work on cases; raises NotAllowed."""
    viewer.require("decide")
    if viewer.account_id is None or not viewer.organisation_id:
        raise NotAllowed("Only a person works on a case.")
    return viewer.account_id


def said(value: str, where: str, *, longest: int = LONGEST_TEXT) -> str:
    """A text that must be there; raises BadInput."""
    value = value.strip()
    if not value:
        raise BadInput("This must be filled in.", where=where)
    if len(value) > longest:
        raise BadInput(f"It may have {longest} characters at most.", where=where)
    return value


async def find_case(session: AsyncSession, number: str) -> Row:
    """A case that the viewer may read; raises NotFound."""
    found = await first(session, "SELECT * FROM cases WHERE number = :number", number=number)
    if found is None:
        raise NotFound("There is no such case.", where="number")
    return found


async def lock_case(
    session: AsyncSession, viewer: Viewer, number: str, version: int | None, *, closed: bool = False
) -> Row:
    """A case of the viewer's own desk, locked until the transaction ends, at the version that was seen.

    `version` None asks for whatever stands. Raises NotFound, NotAllowed, Conflict where it is closed or merged (unless
    `closed`), and ChangedMeanwhile where somebody else changed it since.
    """
    require_person(viewer)
    if (await find_case(session, number))["desk_id"] != viewer.organisation_id:
        raise NotAllowed("Another desk works on this case.", remedy="Add a note, or ask that desk.")
    found = await first(session, "SELECT * FROM cases WHERE number = :number FOR UPDATE", number=number)
    if found is None or found["desk_id"] != viewer.organisation_id:
        raise NotAllowed("Another desk works on this case.", remedy="Add a note, or ask that desk.")
    if version is not None and found["version"] != version:
        raise ChangedMeanwhile(
            "Somebody else changed this case meanwhile.",
            where="version",
            remedy="Read what was changed, then repeat your change.",
        )
    if found["state"] == "merged" or (found["state"] != "open" and not closed):
        raise Conflict("This case is closed.", remedy="A supervisor can reopen it.")
    return found


async def change_case(session: AsyncSession, case: Row, **values: Any) -> None:
    """Change columns of a locked case; its version rises. The names are our own."""
    changes = ", ".join(f"{name} = :{name}" for name in values)
    await (await session.connection()).execute(
        text(f"UPDATE cases SET {changes}{', ' if changes else ''}version = version + 1 WHERE id = :case_id"),
        {**values, "case_id": case["id"]},
    )


_EVENT: Final = text(
    """
    INSERT INTO case_events (case_id, kind, content, credit, actor, organisation_id, at)
    VALUES (:case_id, :kind, CAST(CAST(:content AS text) AS jsonb), :credit, :actor, :organisation, :at)
    """
)


async def tell(
    session: AsyncSession,
    viewer: Viewer | None,
    case_id: int,
    kind: str,
    content: dict[str, Any],
    at: datetime,
    *,
    credit: bool = False,
) -> None:
    """Add a line to a case's trail; without a viewer the register itself did it."""
    await (await session.connection()).execute(
        _EVENT,
        {
            "case_id": case_id,
            "kind": kind,
            "content": json_text(content),
            "credit": credit,
            "actor": viewer.actor if viewer else "",
            "organisation": viewer.organisation_id if viewer else "",
            "at": at,
        },
    )
