"""Organisations as administrators keep them: an agency's office of one region, or a bank."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.auditing import audit
from registry.errors import BadInput, Conflict, NotAllowed, NotFound
from registry.names import normalise
from registry.reading import Row, first, rows
from registry.viewers import NATION, Viewer

_ID: Final = re.compile(r"[a-z][a-z0-9-]{2,59}")
ORGANISATION_FIELDS: Final = ("name_zh", "name_en", "lanes", "lender_names")
LANES: Final = ("land", "environment", "credit", "quality", "price", "approval")


@dataclass(frozen=True, slots=True)
class NewOrganisation:
    """What an administrator says of an organisation; `lender_names` are a bank's names as loans show them."""

    id: str
    kind: str
    name_zh: str
    name_en: str
    region: str
    agency_id: str | None = None
    lanes: tuple[str, ...] = ()
    uscc: str | None = None
    lender_names: tuple[str, ...] = ()
    invented: bool = False


async def organisations(session: AsyncSession, viewer: Viewer) -> list[Row]:
    """The organisations that an administrator sees, with the number of their people."""
    viewer.require("accounts")
    return await rows(
        session,
        "SELECT o.*, (SELECT count(*) FROM accounts AS a WHERE a.organisation_id = o.id AND a.state <> 'ended') "
        "AS people FROM organisations AS o WHERE o.ended_at IS NULL AND (:nation OR o.id = :own) ORDER BY o.id",
        nation=await is_national(session, viewer),
        own=viewer.organisation_id,
    )


async def is_national(session: AsyncSession, viewer: Viewer) -> bool:
    """Whether the viewer works for the nation; a bank's people never do, wherever the bank is."""
    if viewer.region != NATION:
        return False
    bank = "SELECT 1 AS one FROM organisations WHERE id = :id AND kind = 'bank'"
    return await first(session, bank, id=viewer.organisation_id) is None


async def create_organisation(session: AsyncSession, viewer: Viewer, new: NewOrganisation, now: datetime) -> None:
    """Add an organisation; only an administrator of the nation may."""
    viewer.require("accounts")
    if not await is_national(session, viewer):
        raise NotAllowed("Only a national administrator adds organisations.")
    if not _ID.fullmatch(new.id):
        raise BadInput("A short name has 3 to 60 small letters, digits or hyphens.", where="id")
    if new.kind not in ("agency", "bank"):
        raise BadInput("An organisation is an agency or a bank.", where="kind")
    if not new.name_zh.strip():
        raise BadInput("The name is missing.", where="name_zh")
    if not re.fullmatch(r"\d{6}", new.region):
        raise BadInput("A region has six digits.", where="region")
    if set(new.lanes) - set(LANES):
        raise BadInput("There is no such lane.", where="lanes")
    if new.agency_id and not await first(session, "SELECT 1 AS one FROM agencies WHERE id = :id", id=new.agency_id):
        raise BadInput("There is no such agency.", where="agency_id")
    if await first(session, "SELECT 1 AS one FROM organisations WHERE id = :id", id=new.id):
        raise Conflict("This short name is taken.", where="id")
    await (await session.connection()).execute(
        text(
            "INSERT INTO organisations (id, kind, name_zh, name_en, agency_id, lanes, region, uscc, lender_names, "
            "invented, created_at) VALUES (:id, :kind, :name_zh, :name_en, :agency, CAST(:lanes AS text[]), :region, "
            ":uscc, CAST(:lenders AS text[]), :invented, :now)"
        ),
        {
            "id": new.id,
            "kind": new.kind,
            "name_zh": new.name_zh.strip(),
            "name_en": new.name_en.strip(),
            "agency": new.agency_id or None,
            "lanes": list(new.lanes),
            "region": new.region,
            "uscc": new.uscc or None,
            "lenders": [normalise(name).text for name in new.lender_names],
            "invented": new.invented,
            "now": now,
        },
    )
    after = {"name": new.name_zh, "kind": new.kind, "region": new.region, "lanes": list(new.lanes)}
    await audit(session, viewer, "organisation.create", "organisation", new.id, after=after)


async def change_organisation(
    session: AsyncSession, viewer: Viewer, organisation_id: str, changes: dict[str, Any]
) -> None:
    """Set names, lanes or lender names of an organisation; only an administrator of the nation may."""
    before = await organisation_of(session, viewer, organisation_id)
    wanted: dict[str, Any] = {name: changes.get(name, before[name]) for name in ORGANISATION_FIELDS}
    if not wanted["name_zh"].strip():
        raise BadInput("The name is missing.", where="name_zh")
    if set(wanted["lanes"]) - set(LANES):
        raise BadInput("There is no such lane.", where="lanes")
    wanted["lanes"] = list(wanted["lanes"])
    wanted["lender_names"] = [normalise(name).text for name in wanted["lender_names"]]
    changed = {name: value for name, value in wanted.items() if value != before[name]}
    if not changed:
        return
    await (await session.connection()).execute(
        text(
            "UPDATE organisations SET name_zh = :name_zh, name_en = :name_en, lanes = CAST(:lanes AS text[]), "
            "lender_names = CAST(:lender_names AS text[]) WHERE id = :id"
        ),
        {**wanted, "id": organisation_id},
    )
    held = {name: before[name] for name in changed}
    await audit(session, viewer, "organisation.change", "organisation", organisation_id, before=held, after=changed)


async def end_organisation(
    session: AsyncSession, viewer: Viewer, organisation_id: str, why: str, now: datetime
) -> None:
    """End an organisation whose people have all left; its keys end with it."""
    before = await organisation_of(session, viewer, organisation_id)
    if organisation_id == viewer.organisation_id:
        raise NotAllowed("Nobody ends the own organisation.", remedy="Ask another administrator.")
    if not why.strip():
        raise BadInput("Say why the organisation ends.", where="reason")
    people = await first(
        session,
        "SELECT count(*) AS number FROM accounts WHERE organisation_id = :id AND state <> 'ended'",
        id=organisation_id,
    )
    if people and people["number"]:
        raise Conflict(
            "The organisation still has people.",
            where="reason",
            remedy="End their accounts first; their work is handed over.",
        )
    await (await session.connection()).execute(
        text(
            "UPDATE api_keys SET revoked_at = :now, revoked_by = :actor "
            "WHERE organisation_id = :id AND revoked_at IS NULL"
        ),
        {"id": organisation_id, "actor": viewer.actor, "now": now},
    )
    await (await session.connection()).execute(
        text("UPDATE organisations SET ended_at = :now WHERE id = :id"), {"id": organisation_id, "now": now}
    )
    await audit(
        session,
        viewer,
        "organisation.end",
        "organisation",
        organisation_id,
        why=why,
        before={"name": before["name_zh"]},
    )


async def organisation_of(session: AsyncSession, viewer: Viewer, organisation_id: str) -> Row:
    """The row of an organisation that the viewer may change; raises NotAllowed or NotFound."""
    viewer.require("accounts")
    if not await is_national(session, viewer):
        raise NotAllowed("Only a national administrator changes organisations.")
    found = await first(session, "SELECT * FROM organisations WHERE id = :id AND ended_at IS NULL", id=organisation_id)
    if found is None:
        raise NotFound("There is no such organisation.")
    return found
