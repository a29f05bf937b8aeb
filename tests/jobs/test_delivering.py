"""Mails over a real mail server and requests to a real receiver: retried under one key, logged, bounced, disabled."""

import asyncio
import email
import email.policy
import os
import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.ports import choose_port
from jobs.delivering import deliver, let_pass
from jobs.pipeline import Work
from registry import clock
from registry.account_changing import change_account
from registry.alerting.bounces import Notice, Returned, read_notice, take_notice
from registry.alerting.events import Happened, announce
from registry.alerting.webhooks import (
    NewWebhook,
    add_webhook,
    check_address,
    renew_secret,
    set_state,
    signing_secrets,
    webhook_of,
)
from registry.database import transaction
from registry.errors import BadInput
from registry.settings import settings
from registry.viewers import NATION, Viewer, become
from search.client import servers
from tests.jobs.receiver import Receiver, receiving
from tests.registry.alert_world import offices, rows

CERTIFICATE = Path(__file__).parents[1] / "connectors" / "self_signed.pem"
ADMINISTRATOR = Viewer("person", actor="administrator", region=NATION, organisation_id="land-nation",
                       permissions=frozenset({"accounts"}))  # fmt: skip


class Postbox:
    """What a mail server took, and how it answers."""

    def __init__(self) -> None:
        self.letters: list[Any] = []
        self.envelopes: list[tuple[str, str]] = []
        self.refused = ""
        self.answers: list[str] = []

    async def handle_RCPT(  # noqa: N802  # the library's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        """Refuse whom nobody knows."""
        if address == self.refused:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # the library's name
        """Keep the letter."""
        assert session.ssl is not None, "it came unencrypted"
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos[0]))
        self.letters.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return self.answers.pop(0) if self.answers else "250 OK"


@pytest.fixture
def postbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Postbox]:
    """A mail server that takes nothing unencrypted, and the settings that name it."""
    box = Postbox()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    port = choose_port(18025 + os.getpid() % 1000)
    controller = Controller(box, hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True)
    controller.start()
    for name, value in {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(port),
        "SMTP_SENDER": "register@example.cn",
        "SMTP_CA_FILE": str(CERTIFICATE),
        "PUBLIC_URL": "https://register.example.cn",
        "DEMO": "true",
        "DATA_FOLDER": str(tmp_path),
    }.items():
        monkeypatch.setenv(f"THREEGATES_{name}", value)
    settings.cache_clear()
    yield box
    controller.stop()
    settings.cache_clear()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of webhooks."""
    with receiving() as one:
        yield one


class Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = clock.now()

    def __call__(self) -> datetime:
        """What it shows."""
        return self.now


async def _announce(engine: AsyncEngine, number: int, at: datetime, **more: Any) -> None:
    async with transaction(engine) as session:
        happened = Happened(
            kind="case.task.assigned", key=f"task:{number}", subject_kind="task", subject=str(number),
            path=f"/cases/{number}", zh="核实停工情况", en="Verify that work has stopped",
            **{"organisation_id": "land-tangshan", **more},
        )  # fmt: skip
        await announce(session, happened, at)


async def test_one_mail_a_person_and_what_bounces_is_seen(
    engine: AsyncEngine, owners: AsyncEngine, postbox: Postbox
) -> None:
    people = await offices(owners, ("reviewer", "supervisor"))
    time = Clock()
    work = Work(engine, asyncio.Event(), servers, now=time)
    # Announced by an official to a desk whose announcements they do not see, twice; it is one.
    asker = people["credit-nation/reviewer"]
    for _ in range(2):
        async with transaction(engine) as session:
            await become(session, asker)
            asked = Happened(
                "opinion.requested", "o:1", "opinion", "1", "/cases/1", "征求意见", "An opinion",
                organisation_id="land-tangshan",
            )  # fmt: skip
            await announce(session, asked, time.now)
    await _announce(engine, 2, time.now)
    postbox.refused = "supervisor@land-tangshan.example"
    postbox.answers = ["451 try later"]
    await deliver(work)
    # Both events in one letter, which the server took and then asked for again: the same letter comes again.
    time.now += timedelta(minutes=1)
    await deliver(work)
    first, second = postbox.letters
    assert first["Message-ID"] == second["Message-ID"] and first["To"] == "reviewer@land-tangshan.example"
    assert second["Subject"] == "[三道门] 2 项通知"
    body = second.get_content()
    assert "新任务 2" in body and "https://register.example.cn/cases/2" in body and "核实停工情况" in body
    settled = "SELECT state, problem, count(*) FROM deliveries GROUP BY 1, 2 ORDER BY 1"
    assert await rows(engine, settled) == [("given_up", "refused", 2), ("sent", "", 2)]
    tried = "SELECT outcome, code, deliveries FROM delivery_attempts ORDER BY outcome"
    assert await rows(engine, tried) == [("refused", 550, 2), ("sent", 250, 2), ("try-later", 451, 2)]
    assert await rows(engine, "SELECT bounce FROM notification_wishes") == [("refused",)]
    # Whoever is in charge of the address is told.
    assert await rows(engine, "SELECT kind, organisation_id FROM announcements WHERE kind = 'mail.returned'") == [
        ("mail.returned", "land-tangshan")
    ]
    # Who bounces gets no more mail; who wants a digest gets it in the morning; named persons alone get what names them.
    account = people["land-tangshan/reviewer"].account_id
    async with transaction(engine) as session:
        await (await session.connection()).execute(
            text("INSERT INTO notification_wishes (account_id, mail) VALUES (:id, 'daily')"), {"id": account}
        )
    await _announce(engine, 3, time.now)
    await _announce(engine, 4, time.now, account_ids=(people["land-hebei/reviewer"].account_id or 0,))
    await deliver(work)
    assert [one["To"] for one in postbox.letters[2:]] == ["reviewer@land-hebei.example"]
    time.now += timedelta(days=12)
    await let_pass(work)
    await deliver(work)
    assert [one["To"] for one in postbox.letters[3:]] == ["reviewer@land-tangshan.example"]


DSN = """\
From: MAILER-DAEMON@mx.example.cn
To: {to}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.cn

Final-Recipient: rfc822; x@land-tangshan.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {code} no such thing

--b--
"""


def _notice(to: str, *, action: str = "failed", status: str = "5.1.1", code: int = 550) -> Notice:
    return read_notice(DSN.format(to=to, action=action, status=status, code=code).encode())


async def test_mail_that_comes_back_later_is_noted_and_a_dead_address_given_up(
    engine: AsyncEngine, owners: AsyncEngine, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THREEGATES_SMTP_BOUNCES", "bounces@register.example.cn")
    settings.cache_clear()
    people = await offices(owners, ("reviewer", "administrator"))
    time = Clock()
    work = Work(engine, asyncio.Event(), servers, now=time)
    names = ("land-tangshan", "land-hebei", "land-nation")
    reviewer, other, third = (people[f"{name}/reviewer"].account_id or 0 for name in names)
    for number in range(1, 5):
        await _announce(engine, number, time.now, account_ids=(reviewer, other) if number > 1 else (third,))
        await deliver(work)

    async def take(notice: Notice) -> Returned:
        async with transaction(engine) as session:
            return await take_notice(session, notice, time.now)

    def senders(office: str) -> list[str]:
        return [of for of, to in postbox.envelopes if to.endswith(f"@{office}.example")]

    (gone,), mine, theirs = senders("land-nation"), senders("land-tangshan"), senders("land-hebei")
    assert len(mine) == len(theirs) == 3 and len({gone, *mine, *theirs}) == 7
    assert all(len(one.partition("@")[0]) <= 64 for one in mine)
    # A mailbox that is not there: at once, and once only; upper case is the same address; a delay is no end.
    assert await take(_notice(gone, action="delayed", status="4.4.1")) == Returned()
    assert await take(_notice(gone.upper())) == Returned(noted=True, stopped=True)
    assert await take(_notice(gone)) == Returned()
    # Anything else may pass: the third within two weeks ends it.
    for number, sender in enumerate(mine, 1):
        assert await take(_notice(sender, status="5.2.2", code=552)) == Returned(noted=True, stopped=number == 3)
    stopped = "SELECT account_id, bounce FROM notification_wishes WHERE bouncing_since IS NOT NULL ORDER BY 1"
    assert await rows(engine, stopped) == sorted([(third, "returned"), (reviewer, "returned")])
    told = "SELECT path, account_ids FROM announcements WHERE kind = 'mail.returned' ORDER BY id"
    administrators = [people[f"{one}/administrator"].account_id for one in ("land-nation", "land-tangshan")]
    assert await rows(engine, told) == [
        (f"/people/{third}", [administrators[0]]), *[(f"/people/{reviewer}", [administrators[1]])] * 3
    ]  # fmt: skip
    logged = (
        "SELECT outcome, code, count(*)::int FROM delivery_attempts WHERE outcome = 'returned' GROUP BY 1, 2 ORDER BY 2"
    )
    assert await rows(engine, logged) == [("returned", 550, 1), ("returned", 552, 3)]
    # Made up, of an address that is another by now, too old: refused, and nobody's mail stops.
    local, _, domain = theirs[0].partition("@")
    forged = local[:-1] + ("a" if local[-1] != "a" else "b")
    swapped = theirs[1].partition("@")[0][:-16] + local[-16:]
    for sender in (f"{forged}@{domain}", f"{swapped}@{domain}", "bounces@register.example.cn", ""):
        with pytest.raises(BadInput, match="answers no mail"):
            await take(_notice(sender))
    async with transaction(owners) as session:
        await (await session.connection()).exec_driver_sql(
            "UPDATE accounts SET email = 'new@land-hebei.example' WHERE id = $1", (other,)
        )
    with pytest.raises(BadInput, match="answers no mail"):
        await take(_notice(theirs[0]))
    async with transaction(owners) as session:
        administrator = people["land-hebei/administrator"]
        await become(session, administrator)
        await change_account(session, administrator, other, {"email": "reviewer@land-hebei.example"}, 1)
    time.now += timedelta(days=31)
    with pytest.raises(BadInput, match="answers no mail"):
        await take(_notice(theirs[0]))
    # An administrator's new address is tried again.
    async with transaction(owners) as session:
        administrator = people["land-tangshan/administrator"]
        await become(session, administrator)
        await change_account(session, administrator, reviewer, {"email": "newer@land-tangshan.example"}, 1)
    assert await rows(engine, stopped) == [(third, "returned")]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff" * 400,
        b"Subject: hello\n\nMARKER",
        DSN.replace("delivery-status; boundary", "feedback-report; boundary").encode(),
        DSN.replace("message/delivery-status", "text/plain").encode(),
        DSN.encode() + b"x" * (1 << 20),
        b"".join(b'Content-Type: multipart/report; boundary="%d"\n\n--%d\n' % (n, n) for n in range(3000)),
    ],
    ids=["nothing", "bytes", "a mail", "another report", "no status", "too large", "deep"],
)
def test_what_is_no_notice_is_refused_and_not_repeated(raw: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        read_notice(raw, "MARKER@example.cn")
    assert "MARKER" not in str(refused.value)


async def test_requests_are_signed_retried_under_one_key_and_disabled_in_the_end(
    engine: AsyncEngine, owners: AsyncEngine, postbox: Postbox, receiver: Receiver
) -> None:
    await offices(owners, ())
    time = Clock()
    work = Work(engine, asyncio.Event(), servers, now=time)
    async with transaction(engine) as session:
        await become(session, ADMINISTRATOR)
        new = NewWebhook("land-tangshan", "示例接收方", receiver.url, ("case.task.assigned",))
        number, receiver.secret = await add_webhook(session, ADMINISTRATOR, new, time.now)
    await _announce(engine, 1, time.now)
    # It fails after it accepted, then cuts the line, then redirects: one effect all the same.
    for status, pause in ((500, 6), (0, 31), (302, 125), (204, 0)):
        receiver.answers = [status]
        await deliver(work)
        # Not longer: the library refuses stamps that are not of now.
        time.now += timedelta(seconds=pause)
    assert list(receiver.tries.values()) == [4] and len(receiver.effects) == 1
    event = next(iter(receiver.effects.values()))
    assert (event["specversion"], event["type"], event["subject"]) == (
        "1.0", "threegates.case.task.assigned", "task/1")  # fmt: skip
    assert event["data"]["link"] == "https://register.example.cn/cases/1"
    outcomes = await rows(engine, "SELECT outcome FROM delivery_attempts ORDER BY id")
    assert [one for (one,) in outcomes] == ["status", "unreachable", "redirected", "sent"]
    # After a renewal both secrets sign for a week, then the new one alone.
    old = receiver.secret
    async with transaction(engine) as session:
        await become(session, ADMINISTRATOR)
        fresh = await renew_secret(session, ADMINISTRATOR, number, time.now)
    for task, secret in ((10, old), (11, fresh)):
        receiver.secret = secret
        await _announce(engine, task, time.now)
        await deliver(work)
    assert (len(receiver.effects), receiver.forged, receiver.signatures[-2:]) == (3, 0, [2, 2])
    async with transaction(engine) as session:
        sealed = await webhook_of(session, ADMINISTRATOR, number)
    assert signing_secrets(sealed, time.now) == [fresh, old]
    assert signing_secrets(sealed, time.now + timedelta(days=8)) == [fresh]
    # What fails again and again is disabled, says why, and loses nothing.
    receiver.shutdown()
    receiver.server_close()
    for _ in range(9):
        await _announce(engine, 100, time.now)
        time.now += timedelta(days=2)
        await deliver(work)
    hook = "SELECT state, problem FROM webhooks"
    assert await rows(engine, hook) == [("disabled", "unreachable")]
    await _announce(engine, 101, time.now)
    await deliver(work)
    waiting = "SELECT count(*) FROM deliveries WHERE state = 'pending'"
    assert (await rows(engine, waiting))[0][0] >= 1
    async with transaction(engine) as session:
        await become(session, ADMINISTRATOR)
        await set_state(session, ADMINISTRATOR, number, "removed", time.now)
    await deliver(work)
    assert await rows(engine, waiting) == [(0,)]


def test_nothing_is_sent_in_the_clear_nor_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREEGATES_DEMO", "false")
    settings.cache_clear()
    for url in (
        "http://receiver.example/x", "https://127.0.0.1/x", "https://[::1]/", "https://localhost/x",
        "https://169.254.169.254/latest", "https://user:word@receiver.example/", "ftp://receiver.example/",
    ):  # fmt: skip
        with pytest.raises(BadInput):
            check_address(url)
    check_address("https://receiver.example:8443/hook?id=1")
    settings.cache_clear()
