"""Changing what is known of a person or an organisation; whoever wrote in between is not overwritten."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.account_writing import account_of, lies_within
from registry.auditing import audit
from registry.errors import BadInput, Conflict, NotAllowed, NotFound
from registry.names import normalise
from registry.organising import LANES, is_national
from registry.reading import Row, first
from registry.viewers import Viewer

ACCOUNT_FIELDS: Final[tuple[str, ...]] = ("name", "email", "region", "language")
ORGANISATION_FIELDS: Final[tuple[str, ...]] = ("name_zh", "name_en", "lanes", "lender_names")


async def change_account(
    session: AsyncSession, viewer: Viewer, account_id: int, changes: dict[str, str], version: int
) -> None:
    """Set name, email, region or language of a person; login and organisation stay.

    Raises Conflict where somebody changed the account after `version` was read, BadInput at the field that is wrong.
    """
    viewer.require("accounts")
    account = await account_of(session, account_id)
    wanted = {name: changes[name].strip() for name in ACCOUNT_FIELDS if name in changes}
    if account["state"] == "ended":
        raise Conflict("This account has ended already.")
    if not wanted.get("name", account["name"]):
        raise BadInput("The name is missing.", where="name")
    if wanted.get("language", "zh") not in ("zh", "en"):
        raise BadInput("There is no such language.", where="language", remedy="Choose zh or en.")
    if "region" in wanted and wanted["region"] != account["region"]:
        if account_id == viewer.account_id:
            raise NotAllowed("Nobody changes their own region.", remedy="Ask another administrator.")
        office = await first(session, "SELECT region FROM organisations WHERE id = :id", id=account["organisation_id"])
        if office is None or not await lies_within(session, wanted["region"], office["region"]):
            raise BadInput("The region does not lie within the organisation's.", where="region")
    changed = {name: value for name, value in wanted.items() if value != account[name]}
    if not changed:
        return
    done = await (await session.connection()).execute(
        text(
            "UPDATE accounts SET name = :name, email = :email, region = :region, language = :language, "
            "version = version + 1 WHERE id = :id AND version = :version"
        ),
        {**{name: wanted.get(name, account[name]) for name in ACCOUNT_FIELDS}, "id": account_id, "version": version},
    )
    if done.rowcount != 1:
        raise Conflict(
            "Somebody changed this account meanwhile.", remedy="Look at what it is now, and change it again if needed."
        )
    before = {name: account[name] for name in changed}
    await audit(session, viewer, "account.change", "account", str(account_id), before=before, after=changed)


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
