"""How a person wants to be told: mail at once, in a digest or not at all, and the secret address of an Atom feed."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, cast

from sqlalchemy import LargeBinary, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.wording import Told, announcements, tell
from registry.auditing import audit
from registry.clock import civil_day
from registry.errors import BadInput, NotFound
from registry.reading import first, rows
from registry.roles import OrganisationKind, Role, permissions_of
from registry.viewers import RECOGNISING, Viewer, become

Mail = Literal["immediate", "hourly", "daily", "off"]
MAILS: Final[tuple[Mail, ...]] = ("immediate", "hourly", "daily", "off")
FED: Final = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants; the defaults hold for whoever has said nothing."""

    mail: Mail = "immediate"
    warnings: bool = True
    feed_made_at: datetime | None = None
    bouncing_since: datetime | None = None
    bounce: str = ""


async def wish_of(session: AsyncSession, viewer: Viewer) -> Wish:
    """The viewer's own wish."""
    found = await first(
        session,
        "SELECT mail, warnings, feed_made_at, bouncing_since, bounce FROM notification_wishes WHERE account_id = :id",
        id=viewer.account_id,
    )
    return Wish(**found) if found else Wish()


async def set_wish(session: AsyncSession, viewer: Viewer, mail: str, *, warnings: bool) -> None:
    """Set how the viewer is told; mail that came back is tried again from now on."""
    if mail not in MAILS:
        raise BadInput("There is no such way to be told.", where="mail")
    before = await wish_of(session, viewer)
    await _ensure(session, viewer)
    await (await session.connection()).execute(
        text(
            "UPDATE notification_wishes SET mail = :mail, warnings = :warnings, bouncing_since = NULL, bounce = '', "
            "version = version + 1 WHERE account_id = :id"
        ),
        {"mail": mail, "warnings": warnings, "id": viewer.account_id},
    )
    await audit(
        session, viewer, "notification.change", "account", str(viewer.account_id),
        before={"mail": before.mail, "warnings": before.warnings}, after={"mail": mail, "warnings": warnings},
    )  # fmt: skip


async def renew_feed(session: AsyncSession, viewer: Viewer, now: datetime) -> str:
    """A new secret for the address of the viewer's feed, to be shown once; the one before leads nowhere from now on."""
    secret = secrets.token_urlsafe(32)
    await _ensure(session, viewer)
    await _set_feed(session, viewer, _hash(secret), now)
    await audit(session, viewer, "feed.renew", "account", str(viewer.account_id))
    return secret


async def end_feed(session: AsyncSession, viewer: Viewer) -> None:
    """Close the viewer's feed."""
    await _set_feed(session, viewer, None, None)
    await audit(session, viewer, "feed.end", "account", str(viewer.account_id))


async def read_feed(session: AsyncSession, secret: str, now: datetime) -> tuple[Viewer, str, list[Told]]:
    """Whose feed it is, their language, and what they were told last; becomes that person. Raises NotFound."""
    await become(session, RECOGNISING)
    found = await first(session, _OWNER, hash=_hash(secret), today=civil_day(now))
    if found is None:
        raise NotFound("There is no such feed.")
    viewer = Viewer(
        "person",
        account_id=found["id"],
        actor=found["login"],
        name=found["name"],
        organisation_id=found["organisation_id"],
        region=found["region"],
        permissions=permissions_of(
            cast("frozenset[Role]", frozenset(found["roles"])),
            cast("OrganisationKind", found["kind"]),
            frozenset(found["lanes"]),
        ),
    )
    await become(session, viewer)
    ids = await rows(
        session,
        "SELECT id FROM announcements WHERE organisation_id = :organisation OR :account = ANY(account_ids) "
        "ORDER BY id DESC LIMIT :most",
        organisation=viewer.organisation_id,
        account=viewer.account_id,
        most=FED,
    )
    news = await announcements(session, [row["id"] for row in ids])
    return viewer, found["language"], [tell(row, found["language"]) for row in reversed(news)]


# A person who has left, or holds no role any more, has no feed.
_OWNER: Final = """
SELECT a.id, a.login, a.name, a.region, a.language, a.organisation_id, o.kind, o.lanes,
    array_agg(DISTINCT g.role) AS roles
FROM notification_wishes AS w
JOIN accounts AS a ON a.id = w.account_id AND a.state = 'active'
JOIN organisations AS o ON o.id = a.organisation_id AND o.ended_at IS NULL
JOIN role_grants AS g ON g.account_id = a.id AND g.revoked_at IS NULL AND g.delegated_by IS NULL
    AND g.held_from <= :today AND coalesce(g.held_to, 'infinity') >= :today
WHERE w.feed_hash = :hash GROUP BY a.id, o.id
"""


async def _ensure(session: AsyncSession, viewer: Viewer) -> None:
    await (await session.connection()).execute(
        text("INSERT INTO notification_wishes (account_id) VALUES (:id) ON CONFLICT (account_id) DO NOTHING"),
        {"id": viewer.account_id},
    )


async def _set_feed(session: AsyncSession, viewer: Viewer, digest: bytes | None, now: datetime | None) -> None:
    await (await session.connection()).execute(
        text(
            "UPDATE notification_wishes SET feed_hash = :hash, feed_made_at = :now, version = version + 1 "
            "WHERE account_id = :id"
        ).bindparams(bindparam("hash", type_=LargeBinary)),
        {"hash": digest, "now": now, "id": viewer.account_id},
    )


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
