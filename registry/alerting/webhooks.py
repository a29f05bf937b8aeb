"""Webhooks as administrators keep them: an address, which events, a secret that is shown once and can be renewed."""

import base64
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import ARRAY, LargeBinary, Text, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.kinds import KINDS
from registry.auditing import audit
from registry.errors import BadInput, ChangedMeanwhile, Conflict, NotFound
from registry.installation_key import seal, unseal
from registry.reading import Row, first, rows
from registry.settings import settings
from registry.viewers import Viewer

# How long both secrets sign after a renewal, so that the receiver can change over.
OVERLAP: Final = timedelta(days=7)
MOST: Final = 20


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """Where to send what; no kinds: everything that the organisation is told."""

    organisation_id: str
    name: str
    url: str
    kinds: tuple[str, ...] = ()


def check_address(url: str) -> None:
    """Raise BadInput for an address that nothing may be sent to: plain http or this machine, but for the demo."""
    try:
        address = urlsplit(url)
        host, _port = address.hostname, address.port
    except ValueError:
        host, address = None, urlsplit("")
    if address.scheme not in ("http", "https") or not host or address.username or address.fragment or len(url) > 500:
        raise BadInput("The address must look like https://host/path.", where="url")
    if is_this_machine(host):
        if not settings().demo:
            raise BadInput("The address is this machine itself.", where="url", remedy="Name the receiver's own host.")
        return
    if address.scheme != "https":
        raise BadInput("The address must begin with https://.", where="url")


def is_this_machine(host: str) -> bool:
    """Whether a host, as an address is written, is this machine or what only hangs on it."""
    try:
        known = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host.lower().rstrip(".") == "localhost"
    return known.is_loopback or known.is_link_local or known.is_unspecified or known.is_multicast


async def webhooks(session: AsyncSession) -> list[Row]:
    """The webhooks that the viewer administers, without secrets, with what waits for each."""
    return await rows(
        session,
        "SELECT h.id, h.organisation_id, o.name_zh AS organisation_name, h.name, h.url, h.kinds, h.state, h.problem, "
        "h.failures, h.rests_until, h.succeeded_at, h.failed_at, h.created_at, h.created_by, h.previous_until, "
        "h.version, (SELECT count(*) FROM deliveries AS d WHERE d.webhook_id = h.id AND d.state = 'pending') "
        "AS waiting FROM webhooks AS h JOIN organisations AS o ON o.id = h.organisation_id WHERE h.state <> 'removed' "
        "ORDER BY h.organisation_id, h.id",
    )


async def add_webhook(session: AsyncSession, viewer: Viewer, new: NewWebhook, now: datetime) -> tuple[int, str]:
    """A new webhook; returns its number and its secret (whsec_…), to be shown once."""
    viewer.require("accounts")
    name = new.name.strip()
    if not 2 <= len(name) <= 60:
        raise BadInput("A webhook's name has 2 to 60 characters.", where="name")
    check_address(new.url)
    if set(new.kinds) - set(KINDS):
        raise BadInput("There is no such kind of event.", where="kinds")
    if not await first(
        session, "SELECT 1 AS one FROM organisations WHERE id = :id AND ended_at IS NULL", id=new.organisation_id
    ):
        raise BadInput("There is no such organisation.", where="organisation_id")
    there = await rows(
        session,
        "SELECT url FROM webhooks WHERE organisation_id = :id AND state <> 'removed'",
        id=new.organisation_id,
    )
    if len(there) >= MOST:
        raise Conflict("An organisation has 20 webhooks at most.")
    if new.url in {row["url"] for row in there}:
        raise Conflict("This address is told already.", where="url")
    secret = _new_secret()
    connection = await session.connection()
    number = await connection.scalar(
        text(
            "INSERT INTO webhooks (organisation_id, name, url, kinds, secret_sealed, created_at, created_by) "
            "VALUES (:organisation, :name, :url, :kinds, :sealed, :now, :actor) RETURNING id"
        ).bindparams(bindparam("kinds", type_=ARRAY(Text)), bindparam("sealed", type_=LargeBinary)),
        {
            "organisation": new.organisation_id,
            "name": name,
            "url": new.url,
            "kinds": sorted(set(new.kinds)),
            # Sealed for its number, which is known only now.
            "sealed": b"",
            "now": now,
            "actor": viewer.actor,
        },
    )
    await _keep_secret(session, int(number), secret)
    after = {"organisation": new.organisation_id, "name": name, "host": urlsplit(new.url).hostname}
    await audit(session, viewer, "webhook.add", "webhook", str(number), after={**after, "kinds": sorted(new.kinds)})
    return int(number), secret


async def renew_secret(session: AsyncSession, viewer: Viewer, webhook: int, now: datetime) -> str:
    """A new secret, to be shown once; the old one signs beside it for a week."""
    found = await _mine(session, viewer, webhook)
    secret = _new_secret()
    await (await session.connection()).execute(
        text("UPDATE webhooks SET previous_sealed = secret_sealed, previous_until = :until WHERE id = :id"),
        {"until": now + OVERLAP, "id": webhook},
    )
    await _keep_secret(session, webhook, secret)
    await audit(session, viewer, "webhook.renew", "webhook", str(webhook), after={"name": found["name"]})
    return secret


async def set_state(
    session: AsyncSession, viewer: Viewer, webhook: int, state: str, now: datetime, *, seen: int | None = None
) -> None:
    """Pause, enable or remove a webhook; what waited for a removed or paused one is dropped, and said so in the log."""
    found = await _mine(session, viewer, webhook)
    if seen is not None and seen != found["version"]:
        raise ChangedMeanwhile("Somebody else changed this webhook meanwhile.", remedy="Read it again.")
    if state not in ("active", "paused", "removed"):
        raise BadInput("There is no such state.", where="state")
    await (await session.connection()).execute(
        text(
            "UPDATE webhooks SET state = :state, failures = 0, rests_until = NULL, problem = '', version = version + 1 "
            "WHERE id = :id"
        ),
        {"state": state, "id": webhook},
    )
    act = {"active": "enable", "paused": "pause", "removed": "remove"}[state]
    await audit(
        session, viewer, f"webhook.{act}", "webhook", str(webhook),
        before={"state": found["state"], "problem": found["problem"]}, after={"state": state},
    )  # fmt: skip


async def webhook_of(session: AsyncSession, viewer: Viewer, webhook: int) -> Row:
    """One webhook that the viewer administers, secrets sealed; raises NotFound."""
    return await _mine(session, viewer, webhook)


def signing_secrets(webhook: Row, now: datetime) -> list[str]:
    """The secrets that sign now, the newest first; none where the installation's key does not open them."""
    sealed: list[Any] = [webhook["secret_sealed"]]
    if webhook["previous_sealed"] is not None and webhook["previous_until"] > now:
        sealed.append(webhook["previous_sealed"])
    opened = [unseal(bytes(one), _purpose(webhook["id"])) for one in sealed]
    return [one.decode() for one in opened if one is not None]


async def _mine(session: AsyncSession, viewer: Viewer, webhook: int) -> Row:
    viewer.require("accounts")
    found = await first(session, "SELECT * FROM webhooks WHERE id = :id AND state <> 'removed' FOR UPDATE", id=webhook)
    if found is None:
        raise NotFound("There is no such webhook.")
    return found


async def _keep_secret(session: AsyncSession, webhook: int, secret: str) -> None:
    await (await session.connection()).execute(
        text("UPDATE webhooks SET secret_sealed = :sealed, version = version + 1 WHERE id = :id").bindparams(
            bindparam("sealed", type_=LargeBinary)
        ),
        {"sealed": seal(secret.encode(), _purpose(webhook)), "id": webhook},
    )


def _new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _purpose(webhook: int) -> str:
    return f"webhook:{webhook}"
