"""Changing what is known of a person; whoever wrote in between is not overwritten."""

from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.account_writing import account_of, lies_within
from registry.auditing import audit
from registry.errors import BadInput, Conflict, NotAllowed
from registry.reading import first
from registry.viewers import Viewer

ACCOUNT_FIELDS: Final[tuple[str, ...]] = ("name", "email", "region", "language")


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
    if "email" in changed:
        # Mail came back from the address before: the new one is tried.
        await (await session.connection()).execute(
            text("UPDATE notification_wishes SET bouncing_since = NULL, bounce = '' WHERE account_id = :id"),
            {"id": account_id},
        )
    before = {name: account[name] for name in changed}
    await audit(session, viewer, "account.change", "account", str(account_id), before=before, after=changed)
