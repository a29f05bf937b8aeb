"""Mails: one a person for all that is due to them, over an encrypted way, with the message's key as its Message-ID."""

import asyncio
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from types import TracebackType
from typing import Final, Self

import aiosmtplib

from registry.alerting.bounces import return_address
from registry.alerting.sending import Outcome
from registry.alerting.wording import Told
from registry.errors import BadSetting
from registry.settings import Settings

_SECONDS: Final = 20.0
# A mail names so many events; the rest is counted, and stands in the inbox.
SHOWN: Final = 50
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail: its key, whom it is for, their language, and what it tells."""

    key: str
    address: str
    language: str
    told: tuple[Told, ...]


class MailServer:
    """One connection to the mail server for several letters; use as an async context manager."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: aiosmtplib.SMTP | None = None
        self._broken: Outcome | None = None

    async def __aenter__(self) -> Self:
        """Connects, and remembers why where it cannot: every letter then has that outcome."""
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port or _PORTS[settings.smtp_security],
            use_tls=settings.smtp_security == "tls",
            # True: without it nothing is sent.
            start_tls=settings.smtp_security == "starttls",
            tls_context=ssl.create_default_context(cafile=settings.smtp_ca_file),
            username=settings.smtp_user,
            password=_password(settings),
            timeout=_SECONDS,
        )
        began = time.monotonic()
        try:
            async with asyncio.timeout(2 * _SECONDS):
                await client.connect()
            self._client = client
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            self._broken = Outcome(_problem(error), getattr(error, "code", None), _since(began))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Says goodbye, where anybody is there."""
        if self._client is not None and self._client.is_connected:
            try:
                await self._client.quit(timeout=2)
            except (aiosmtplib.SMTPException, OSError):
                self._client.close()

    async def send(self, letter: Letter) -> Outcome:
        """Send one letter; never raises for what the server does."""
        if self._client is None or self._broken is not None:
            return self._broken or Outcome("unreachable")
        settings = self._settings
        began = time.monotonic()
        try:
            async with asyncio.timeout(2 * _SECONDS):
                sender = settings.smtp_sender
                if settings.smtp_bounces is not None:
                    sender = return_address(settings.smtp_bounces, letter.key, letter.address)
                await self._client.send_message(compose(letter, settings), sender=sender, recipients=[letter.address])
            return Outcome(code=250, took_ms=_since(began))
        except aiosmtplib.SMTPRecipientsRefused as refused:
            code = refused.recipients[0].code if refused.recipients else 550
            return _answered(code, began)
        except aiosmtplib.SMTPResponseException as answer:
            return _answered(answer.code, began)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # The connection is gone: the letters that follow wait for the next.
            self._broken = Outcome(_problem(error), None, _since(began))
            return self._broken


def compose(letter: Letter, settings: Settings) -> EmailMessage:
    """The mail as text: what happened, rule, region, link; that it may be answered nowhere."""
    chinese = letter.language != "en"
    told, base = letter.told, settings.public_url
    message = EmailMessage()
    first = told[0].title
    if len(told) == 1:
        subject = f"[三道门] {first}" if chinese else f"[threegates] {first}"
    else:
        subject = f"[三道门] {len(told)} 项通知" if chinese else f"[threegates] {len(told)} notices"
    message["Subject"] = subject
    message["From"] = settings.smtp_sender or ""
    message["To"] = letter.address
    message["Date"] = format_datetime(told[-1].at)
    domain = (settings.smtp_sender or "threegates@localhost").rpartition("@")[2]
    # The same letter sent again is the same message.
    message["Message-ID"] = f"<{letter.key}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join(_lines(told, base, chinese=chinese)), cte="base64")
    return message


def _lines(told: tuple[Told, ...], base: str | None, *, chinese: bool) -> Iterable[str]:
    for one in told[:SHOWN]:
        yield one.title
        if one.line:
            yield f"  {one.line}"
        yield f"  {one.link(base)}"
        yield ""
    if len(told) > SHOWN:
        more = len(told) - SHOWN
        yield f"另有 {more} 项，见收件箱。" if chinese else f"{more} more stand in your inbox."
        yield ""
    yield (
        "此邮件由登记系统自动发出，不含保密内容；详情请登录查看。在“我的账号”可更改通知方式。"
        if chinese
        else "Sent by the register itself; it holds nothing confidential: sign in for details. "
        "How you are told is set on the page of your account."
    )


def _password(settings: Settings) -> str | None:
    if settings.smtp_password is not None:
        return settings.smtp_password.get_secret_value()
    if settings.smtp_password_file is None:
        return None
    try:
        return settings.smtp_password_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadSetting(
            f"The file with the mail server's password cannot be read ({error.strerror}).",
            where="THREEGATES_SMTP_PASSWORD_FILE",
            remedy="Let the workers read it, or correct the variable.",
        ) from error


def _answered(code: int, began: float) -> Outcome:
    permanent = 500 <= code < 600
    return Outcome("refused" if permanent else "try-later", code, _since(began), final=permanent)


def _problem(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return "authentication"
    if isinstance(error, TimeoutError | aiosmtplib.SMTPTimeoutError):
        return "too-slow"
    if isinstance(error, ssl.SSLError) or "TLS" in str(error).upper():
        return "tls"
    return "unreachable"


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
