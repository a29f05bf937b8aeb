"""Mail that comes back after the server had taken it: whose it was, what the log says, when an address is given up.

A mail's envelope names its delivery under a key of this installation, so that a notice from outside (RFC 3464) counts
for the one message it answers and for nothing else; whoever never saw that mail's envelope cannot make one up.
"""

import base64
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses
from typing import Final

from sqlalchemy import bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.alerting.events import Happened, announce
from registry.alerting.sending import Outcome, settle
from registry.auditing import audit
from registry.clock import civil_day
from registry.errors import BadInput
from registry.history import Instant
from registry.installation_key import derived
from registry.reading import Row, first, rows
from registry.viewers import Viewer

# A notice is a few kilobytes; what is larger is none.
LARGEST: Final = 1 << 20
# Mail servers give up after five days; later a notice answers nothing that we sent.
ANSWERED_WITHIN: Final = timedelta(days=30)
# There is no such mailbox, or it is closed: given up at once. All else may pass: after so many within so long.
_DEAD: Final = re.compile(r"5\.(1\.\d+|2\.1)")
MOST_RETURNED: Final = 3
RETURNED_WITHIN: Final = timedelta(days=14)

_STATUS: Final = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?!\d)")
_DIAGNOSTIC: Final = re.compile(r"\s*smtp\s*;\s*([45]\d\d)(?!\d)", re.IGNORECASE)
_TOKEN: Final = re.compile(r"\+([a-z2-7]{26})([a-z2-7]{16})@", re.IGNORECASE)
_KEY: Final = re.compile(r"mail_([0-9a-f]{32})")
_MOST_BLOCKS: Final = 50

_MAIL: Final = Viewer("key", actor="mail")


@dataclass(frozen=True, slots=True)
class Notice:
    """What a delivery status notification says: the tokens of the addresses it came to, and what became of the mail."""

    tokens: tuple[tuple[str, str], ...]
    failed: bool
    status: str = ""
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """What a notice did: `noted` at all (the first of a message), and whether nobody is mailed there any more."""

    noted: bool = False
    stopped: bool = False


def return_address(base: str, message_key: str, address: str) -> str:
    """The envelope's sender of one mail to one address: `base` with the delivery and its seal between + and @."""
    number = _KEY.fullmatch(message_key)
    if number is None:
        return base
    named = bytes.fromhex(number[1])
    local, _, domain = base.rpartition("@")
    return f"{local}+{_letters(named)}{_letters(_seal(named, address))}@{domain}"


def read_notice(raw: bytes, recipient: str = "") -> Notice:
    """Read one notice as it came from the mail server; raises BadInput for anything else, and repeats none of it."""
    try:
        message = message_from_bytes(raw) if len(raw) <= LARGEST else Message()
    except RecursionError:
        message = Message()
    parts = message.get_payload()
    kind = str(message.get_param("report-type", "")).lower()
    report = next(
        (
            part
            for part in (parts if isinstance(parts, list) else [])
            if isinstance(part, Message) and part.get_content_type() == "message/delivery-status"
        ),
        None,
    )
    if message.get_content_type() != "multipart/report" or kind != "delivery-status" or report is None:
        raise BadInput(
            "This is not a delivery status notification (RFC 3464).",
            remedy="Pipe to this command only what comes to the address of THREEGATES_SMTP_BOUNCES.",
        )
    said = [str(one) for name in ("To", "Delivered-To", "X-Original-To") for one in message.get_all(name, [])]
    found = [_TOKEN.search(address) for _, address in getaddresses([recipient, *said[:20]])]
    tokens = tuple(sorted({(one[1], one[2]) for one in found if one}))
    blocks = report.get_payload()
    failed = [
        block
        for block in (blocks[:_MOST_BLOCKS] if isinstance(blocks, list) else [])
        if isinstance(block, Message) and str(block.get("Action", "")).strip().lower() == "failed"
    ]
    if not failed:
        return Notice(tokens, failed=False)
    status = _STATUS.match(str(failed[0].get("Status", "")))
    code = _DIAGNOSTIC.match(str(failed[0].get("Diagnostic-Code", "")))
    return Notice(
        tokens,
        failed=True,
        status=status[1] if status else "",
        code=int(code[1]) if code else None,
    )


async def take_notice(session: AsyncSession, notice: Notice, at: datetime) -> Returned:
    """Note what came back, once a message; raises BadInput where it answers no mail that we sent."""
    mail = await _mail_of(session, notice, at)
    if mail is None:
        raise BadInput(
            "This notice answers no mail that was sent from here within 30 days to an address that is still in use.",
            remedy="Nothing was changed. A notice that somebody made up looks like this, too.",
        )
    if not notice.failed:
        return Returned()
    deliveries = await rows(
        session,
        "SELECT id, message_key, account_id, organisation_id, attempts FROM deliveries "
        "WHERE message_key = :key AND state = 'sent' ORDER BY id FOR UPDATE",
        key=mail["message_key"],
    )
    if not deliveries:
        return Returned()
    await settle(session, deliveries, Outcome("returned", notice.code, final=True), at)
    stop = bool(_DEAD.fullmatch(notice.status)) or await _returned(session, mail["account_id"], at) >= MOST_RETURNED
    await _tell(session, mail["account_id"], "returned", at, key=mail["message_key"], stop=stop, status=notice.status)
    return Returned(noted=True, stopped=stop)


async def stop_mailing(session: AsyncSession, account: int, message_key: str, problem: str, at: datetime) -> None:
    """Mail to this person is refused: nothing more is sent until the address is set anew; they and others see it."""
    await _tell(session, account, problem, at, key=message_key, stop=True)


async def _mail_of(session: AsyncSession, notice: Notice, at: datetime) -> Row | None:
    """The message that a token names under our seal, for the address its person has now."""
    for name, seal in notice.tokens:
        named = _bytes(name)
        found = await first(
            session,
            "SELECT d.message_key, d.account_id, a.email FROM deliveries AS d "
            "JOIN accounts AS a ON a.id = d.account_id "
            "WHERE d.message_key = :key AND d.channel = 'mail' AND d.settled_at > :since LIMIT 1",
            key=f"mail_{named.hex()}",
            since=at - ANSWERED_WITHIN,
        )
        if found is not None and hmac.compare_digest(_seal(named, found["email"]), _bytes(seal)):
            return found
    return None


async def _returned(session: AsyncSession, account: int, at: datetime) -> int:
    """How many mails to this person came back lately."""
    found = await rows(
        session,
        "SELECT count(DISTINCT message_key) AS number FROM deliveries "
        "WHERE account_id = :id AND problem = 'returned' AND settled_at > :since",
        id=account,
        since=at - RETURNED_WITHIN,
    )
    return int(found[0]["number"])


async def _tell(
    session: AsyncSession, account: int, problem: str, at: datetime, *, key: str, stop: bool, status: str = ""
) -> None:
    """Stop where it is to stop, and let the person's administrators know; both stand in the audit."""
    if stop:
        await (await session.connection()).execute(
            text(
                "INSERT INTO notification_wishes (account_id, bouncing_since, bounce) VALUES (:id, :at, :problem) "
                "ON CONFLICT (account_id) DO UPDATE SET bounce = excluded.bounce, "
                "bouncing_since = coalesce(notification_wishes.bouncing_since, excluded.bouncing_since)"
            ).bindparams(bindparam("at", type_=Instant)),
            {"id": account, "at": at, "problem": problem},
        )
    administrators = await rows(session, _ADMINISTRATORS, id=account, today=civil_day(at))
    happened = Happened(
        kind="mail.returned",
        key=f"mail.returned:{key}",
        subject_kind="account",
        subject=str(account),
        path=f"/people/{account}",
        zh="不再向其邮箱发信，请核对地址" if stop else "仍会继续发信，多次退回后停止",
        en="nothing more is sent there: check the address" if stop else "mail goes on until more of it comes back",
        organisation_id=administrators[0]["office"] if administrators else None,
        account_ids=tuple(one["id"] for one in administrators if one["id"] is not None),
    )
    if happened.organisation_id or happened.account_ids:
        await announce(session, happened, at)
    await audit(
        session, _MAIL, "mail.returned", "account", str(account),
        after={"problem": problem, "status": status, "stopped": stop},
    )  # fmt: skip


# Of the person's own office, else of the nation's; never the person alone.
_ADMINISTRATORS: Final = """
WITH office AS (SELECT organisation_id AS id FROM accounts WHERE id = :id),
able AS (
    SELECT a.id, a.organisation_id = (SELECT id FROM office) AS near
    FROM accounts AS a JOIN organisations AS o ON o.id = a.organisation_id AND o.ended_at IS NULL
    WHERE a.state = 'active' AND a.id <> :id
      AND (a.organisation_id = (SELECT id FROM office) OR o.kind = 'agency' AND o.region = '000000')
      AND EXISTS (SELECT FROM role_grants AS g WHERE g.account_id = a.id AND g.role = 'administrator'
          AND g.revoked_at IS NULL AND g.held_from <= :today AND coalesce(g.held_to, 'infinity') >= :today)
)
SELECT office.id AS office, able.id FROM office
LEFT JOIN able ON able.near OR NOT EXISTS (SELECT FROM able AS nearer WHERE nearer.near)
ORDER BY able.id
"""


def _seal(named: bytes, address: str) -> bytes:
    return hmac.digest(derived("mail that comes back"), named + address.strip().lower().encode(), "sha256")[:10]


def _letters(value: bytes) -> str:
    """Mail servers may change the case of an address: letters and digits of one case."""
    return base64.b32encode(value).decode().rstrip("=").lower()


def _bytes(letters: str) -> bytes:
    return base64.b32decode(letters.upper() + "=" * (-len(letters) % 8))
