"""Keys of desks: who opens a desk, adds a public key, confirms it by its fingerprint, ends it."""

from datetime import date
from typing import Any, Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import clock
from registry.alerting.events import Happened, announce
from registry.auditing import audit
from registry.errors import BadInput, Conflict, NotFound
from registry.reading import Row, first, rows
from registry.tips.sealing import fingerprint, is_recipient
from registry.viewers import HANDOVER, Viewer, lending

_END: Final = "UPDATE tip_desk_keys SET until = :today, ended_because = :why"


async def open_desk(session: AsyncSession, viewer: Viewer, organisation: str, today: date, *, two_people: bool) -> None:
    """Let an office receive reports, or change by how many people they are opened; its keys decide from when on."""
    viewer.require("accounts")
    if await first(session, "SELECT 1 AS one FROM tip_offices WHERE id = :id", id=organisation) is None:
        raise NotFound("Only an office of the state that is open receives reports.", where=organisation)
    await _do(
        session,
        "INSERT INTO tip_desks (organisation_id, two_people, since) VALUES (:id, :two, :today) "
        "ON CONFLICT (organisation_id) DO UPDATE SET two_people = :two, until = NULL",
        id=organisation,
        two=two_people,
        today=today,
    )
    await audit(session, viewer, "tip_desk.enable", "organisation", organisation, after={"two_people": two_people})


async def add_key(
    session: AsyncSession, viewer: Viewer, key: tuple[str, str, str, int], today: date, *, demo: bool = False
) -> str:
    """Add a public key: (organisation, group, recipient, holder's account); it counts once another person confirms it.

    Returns its fingerprint.
    """
    organisation, group, recipient, holder = key
    if group not in ("A", "B"):
        raise BadInput("A key belongs to group A or B.", where="group")
    if not is_recipient(recipient):
        raise BadInput("This is no public key.", where="recipient", remedy="It begins with age1; see the key ceremony.")
    if await first(session, "SELECT 1 AS one FROM tip_desks WHERE organisation_id = :id", id=organisation) is None:
        raise NotFound("This office does not receive reports yet.", remedy="Its administrator opens the desk first.")
    other = await first(
        session,
        "SELECT 1 AS one FROM tip_desk_keys WHERE organisation_id = :id AND holder_id = :holder AND until IS NULL "
        "AND key_group <> :group",
        id=organisation,
        holder=holder,
        group=group,
    )
    if other is not None:
        raise Conflict(
            "Nobody holds keys of both groups.", where="group", remedy="Two people open together: end the other first."
        )
    mark = fingerprint(recipient)
    if await _current(session, organisation, mark) is not None:
        raise Conflict("This key is there already.", where="recipient")
    await _do(
        session,
        "INSERT INTO tip_desk_keys (organisation_id, key_group, recipient, fingerprint, holder_id, added_by, since, "
        "demo) VALUES (:id, :group, :recipient, :mark, :holder, :by, :today, :demo)",
        id=organisation,
        group=group,
        recipient=recipient,
        mark=mark,
        holder=holder,
        by=viewer.account_id,
        today=today,
        demo=demo,
    )
    await audit(session, viewer, "tip_key.add", "organisation", organisation, after={"fingerprint": mark})
    return mark


async def confirm_key(session: AsyncSession, viewer: Viewer, organisation: str, mark: str) -> None:
    """A second person has compared the fingerprint with its holder's: from now on reports are sealed to it."""
    key = await _current(session, organisation, mark)
    if key is None:
        raise NotFound("There is no such key.", where="fingerprint")
    if key["confirmed_by"] is not None:
        raise Conflict("This key is confirmed already.", where="fingerprint")
    if viewer.account_id in (key["added_by"], key["holder_id"]):
        raise Conflict(
            "Another person than its holder confirms a key.",
            where="fingerprint",
            remedy="A colleague compares the fingerprint with the holder's, face to face.",
        )
    await _do(
        session, "UPDATE tip_desk_keys SET confirmed_by = :by WHERE id = :key", by=viewer.account_id, key=key["id"]
    )
    await audit(session, viewer, "tip_key.confirm", "organisation", organisation, after={"fingerprint": mark})


async def end_key(session: AsyncSession, viewer: Viewer, organisation: str, mark: str, why: str, today: date) -> None:
    """No report is sealed to a key any more; what was sealed to it before is to be sealed again."""
    if not why.strip():
        raise BadInput("Say why the key ends.", where="why")
    key = await _current(session, organisation, mark)
    if key is None:
        raise NotFound("There is no such key.", where="fingerprint")
    await _do(session, f"{_END} WHERE id = :key", today=today, why=why.strip()[:500], key=key["id"])
    await _tell_of_end(session, viewer, organisation, mark, why)


async def end_keys_of(session: AsyncSession, viewer: Viewer, holder: int, why: str, today: date) -> int:
    """End every key of somebody whose account ends; how many. Whoever ends the account need not be of the desk."""
    async with lending(session, HANDOVER):
        ended = await rows(
            session,
            f"{_END} WHERE holder_id = :holder AND until IS NULL RETURNING organisation_id, fingerprint",
            today=today,
            why=why.strip()[:500],
            holder=holder,
        )
    for one in ended:
        await _tell_of_end(session, viewer, one["organisation_id"], one["fingerprint"], why)
    return len(ended)


async def _tell_of_end(session: AsyncSession, viewer: Viewer, organisation: str, mark: str, why: str) -> None:
    """The audit, and the desk's others: what was sealed to the key opens with theirs, and is to be sealed again."""
    await audit(session, viewer, "tip_key.end", "organisation", organisation, why=why, after={"fingerprint": mark})
    zh, en = (
        "本处有一把密钥停用：在办的举报请打开后按现有密钥重新封存。",
        "A key of your desk ended: open the reports under way and seal them again to the present keys.",
    )
    happened = Happened("tip.reseal", f"tip.reseal:{organisation}:{mark}", "tip_desk", organisation, "/tips", zh, en,
                        organisation_id=organisation)  # fmt: skip
    await announce(session, happened, clock.now())


async def read_keys(session: AsyncSession, organisation: str = "") -> list[Row]:
    """Keys of one desk, or of all, those in use first; public keys and fingerprints are for everybody."""
    return await rows(
        session,
        "SELECT k.organisation_id, o.name_zh, o.name_en, d.two_people, k.key_group, k.recipient, k.fingerprint, "
        "k.since, k.until, k.demo, k.holder_id, k.added_by, k.confirmed_by IS NOT NULL AS confirmed "
        "FROM tip_desk_keys AS k JOIN tip_desks AS d ON d.organisation_id = k.organisation_id "
        "JOIN tip_offices AS o ON o.id = k.organisation_id WHERE :id = '' OR k.organisation_id = :id "
        "ORDER BY k.organisation_id, k.until NULLS FIRST, k.key_group, k.fingerprint",
        id=organisation,
    )


async def _current(session: AsyncSession, organisation: str, mark: str) -> Row | None:
    return await first(
        session,
        "SELECT id, holder_id, added_by, confirmed_by FROM tip_desk_keys WHERE organisation_id = :id "
        "AND fingerprint = :mark AND until IS NULL",
        id=organisation,
        mark=mark,
    )


async def _do(session: AsyncSession, statement: str, **values: Any) -> None:
    await (await session.connection()).execute(text(statement), values)
