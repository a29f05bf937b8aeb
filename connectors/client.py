"""HTTP towards an agency that may be slow, broken or hostile: every request ends in time and within its bytes."""

import ipaddress
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from connectors.agency import Agency
from connectors.authentication import Credential
from connectors.environment import resolve
from connectors.errors import (
    CheckpointExpired,
    FeedError,
    FeedOffHost,
    FeedRefused,
    FeedTooLarge,
    FeedTooSlow,
    FeedUnreachable,
    FeedUnreadable,
)
from connectors.guard import Guard, guarded_adapter
from connectors.unpacking import unpack
from registry.clock import now
from registry.errors import BadSetting

_CHUNK: Final = 2**16
_RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Reply:
    """What came: the body unpacked, and how many bytes it was on the wire."""

    body: bytes
    received_bytes: int


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Client:
    """Requests to one agency with its credential, caps, deadline and retries. Use as a context manager."""

    def __init__(self, agency: Agency, *, deadline: float | None = None) -> None:
        """`deadline` is a value of time.monotonic() after which nothing is asked any more."""
        self._agency = agency
        self._limits = agency.limits
        self._deadline = deadline
        where = f"agency {agency.id}"
        self.address = resolve(agency.address, where=f"{where}: address").rstrip("/") + "/"
        parts = urlsplit(self.address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise BadSetting(
                "The address is not http(s)://host[:port]/path.",
                where=f"{where}: address",
                remedy="Correct it; credentials belong into authentication.",
            )
        if parts.scheme == "http" and not agency.plain_http and not is_loopback(parts.hostname):
            raise BadSetting(
                "The address is http, which anyone on the way can read and change.",
                where=f"{where}: address",
                remedy="Use https, or set plain_http: true in a closed network.",
            )
        self._origin = (parts.scheme, parts.hostname, parts.port)
        self._hosts = {parts.hostname, *(host.lower() for host in agency.egress)}
        self._guard = Guard()
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"Accept-Encoding": "gzip", "User-Agent": "threegates"})
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, guarded_adapter(self._guard))
        if agency.ca_file is not None:
            self._session.verify = resolve(agency.ca_file, where=f"{where}: ca_file")
        self._credential = Credential(agency, self._ask_token)
        self._page_end: float | None = None

    def __enter__(self) -> Self:
        """Begins to hold connections."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes all connections."""
        self._session.close()

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Reply:
        """GET below the agency's address (or at an allowed host), retried within the time for a page."""
        end = time.monotonic() + self._limits.page_seconds
        self._page_end = end if self._deadline is None else min(end, self._deadline)
        return self._within_page("GET", self.url(path), dict(parameters or {}), None)

    def url(self, path: str) -> str:
        """The full address of a path or link; refused when it leads to a host that is not allowed."""
        url = urljoin(self.address, path.lstrip("/") if not path.startswith(("http://", "https://", "//")) else path)
        parts = urlsplit(url)
        downgraded = parts.scheme != self._origin[0] and parts.scheme != "https"
        if parts.scheme not in ("http", "https") or downgraded or parts.hostname not in self._hosts or parts.username:
            raise FeedOffHost(
                f"The feed points at {parts.scheme}://{parts.hostname}, which is not allowed.",
                where=self._where(self.address),
                remedy="Where that is right, add the host to egress in the agency.yml.",
            )
        return url

    def _where(self, url: str) -> str:
        """The address for a message: without query and user, which may hold secrets."""
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        return f"agency {self._agency.id}, {parts.scheme}://{parts.hostname}{port}{parts.path}"

    def _ask_token(self, body: dict[str, str]) -> bytes:
        """POST to the token endpoint; the credential reads the answer."""
        path = self._agency.authentication.path or ""
        return self._within_page("POST", self.url(path), {}, body).body

    def _within_page(self, method: str, url: str, parameters: dict[str, str], body: dict[str, str] | None) -> Reply:
        """Tries again after failures that may pass, as long as the time for a page allows."""
        # A token that is fetched on the way counts into the time of the page that needs it.
        end = self._page_end or time.monotonic() + self._limits.page_seconds
        renewed = False
        wait = self._limits.first_wait_seconds
        for attempt in range(1, self._limits.attempts + 1):
            try:
                return self._once(method, url, parameters, body, end)
            except FeedRefused:
                # A token may have expired between its check and its arrival: one new one, then it is refused.
                if renewed or body is not None or not self._credential.renew():
                    raise
                renewed = True
            except FeedUnreachable as error:
                asked = error.retry_after
                pause = min(max(wait, asked or 0), self._limits.longest_wait_seconds)
                too_long = asked is not None and asked > self._limits.longest_wait_seconds
                if attempt == self._limits.attempts or too_long or time.monotonic() + pause >= end:
                    raise
                time.sleep(pause)
                wait = min(wait * 2, self._limits.longest_wait_seconds)
        raise FeedRefused(
            "The agency does not accept the credential.", where=self._where(url), remedy="Check the secrets."
        )

    def _once(
        self, method: str, url: str, parameters: dict[str, str], body: dict[str, str] | None, end: float
    ) -> Reply:
        left = end - time.monotonic()
        if left <= 0:
            raise self._too_slow(url)
        headers: dict[str, str] = {}
        if body is None and self._is_home(url):
            # Credentials go to the agency's own origin and nowhere else.
            headers, more = self._credential.apply()
            parameters = {**parameters, **more}
            left = max(end - time.monotonic(), 0.01)
        timer = self._guard.start(left)
        try:
            request = requests.Request(method, url, params=parameters, data=body, headers=headers)
            with self._session.send(
                self._session.prepare_request(request),
                stream=True,
                allow_redirects=False,
                timeout=(min(self._limits.connect_seconds, left), min(self._limits.silence_seconds, left)),
                verify=self._session.verify if self._session.verify is not None else True,
            ) as response:
                self._check_status(response, url)
                return self._read(response, url, end)
        except (requests.Timeout, requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            raise self._unreachable(error, url) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unreachable(error, url) from None
        except requests.RequestException as error:
            raise FeedUnreadable(
                f"The answer is not HTTP as it should be ({type(error).__name__}).",
                where=self._where(url),
                remedy="Ask the agency.",
            ) from None
        finally:
            timer.cancel()

    def _is_home(self, url: str) -> bool:
        parts = urlsplit(url)
        return (parts.scheme, parts.hostname, parts.port) == self._origin

    def _read(self, response: requests.Response, url: str, end: float) -> Reply:
        """The body under its caps, unpacked by us: the library would unpack a bomb before anyone counts."""
        most = self._limits.received_bytes
        pieces: list[bytes] = []
        size = 0
        while piece := response.raw.read1(_CHUNK, decode_content=False):
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise FeedTooLarge(
                    f"The answer has more than {most} bytes.",
                    where=self._where(url),
                    remedy="Ask for smaller pages (paging.size), or raise limits.received_bytes in the agency.yml.",
                )
            if time.monotonic() > end:
                raise self._too_slow(url)
        if self._guard.fired:
            raise self._too_slow(url)
        body = b"".join(pieces)
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding in ("gzip", "x-gzip"):
            try:
                body = unpack(body, self._limits.unpacked_bytes)
            except FeedError as error:
                error.where = self._where(url)
                raise
        elif encoding not in ("", "identity"):
            raise FeedUnreadable(
                "The answer is packed in a way that was not asked for.",
                where=self._where(url),
                remedy="Ask the agency.",
            )
        return Reply(body, size)

    def _check_status(self, response: requests.Response, url: str) -> None:
        status = response.status_code
        if status == 200:
            return
        where = self._where(url)
        if 300 <= status < 400:
            target = urlsplit(urljoin(url, response.headers.get("Location", "")))
            raise FeedOffHost(
                f"The agency redirects to {target.scheme}://{target.hostname} ; redirects are not followed.",
                where=where,
                remedy="Where the feed has moved, change the address in the agency.yml.",
            )
        if status in (401, 403):
            raise FeedRefused(
                f"The agency does not accept the credential (status {status}).",
                where=where,
                remedy=f"Check {', '.join(self._credential.variables) or 'authentication in the agency.yml'}.",
            )
        if status == self._agency.paging.expired_status:
            raise CheckpointExpired(
                "The agency no longer knows where the last run stopped.", where=where, remedy="Start the run anew."
            )
        if status in _RETRIED:
            raise FeedUnreachable(
                f"The agency answers with status {status}.",
                where=where,
                remedy="The next run tries again; ask the agency if it lasts.",
                retry_after=_retry_after(response.headers.get("Retry-After")),
            )
        raise FeedError(
            f"The agency answers with status {status}.",
            where=where,
            remedy="Compare path and parameters in the agency.yml with the agency's documentation.",
        )

    def _too_slow(self, url: str) -> FeedTooSlow:
        return FeedTooSlow(
            f"The answer was not complete after {self._limits.page_seconds:g} seconds.",
            where=self._where(url),
            remedy="Ask for smaller pages (paging.size), or raise limits.page_seconds in the agency.yml.",
        )

    def _unreachable(self, error: Exception, url: str) -> FeedUnreachable:
        if self._guard.fired:
            return self._too_slow(url)
        text = str(error)
        if isinstance(error, requests.exceptions.SSLError):
            what = "The agency's certificate is not valid."
            remedy = "Ask the agency, or name its certificate authority as ca_file in the agency.yml."
        elif isinstance(error, requests.ConnectTimeout) or "refused" in text or "resolve" in text:
            what, remedy = "The agency cannot be reached.", "Check address and network; the next run tries again."
        elif isinstance(error, requests.Timeout) or "timed out" in text:
            what = f"The agency was silent for {self._limits.silence_seconds:g} seconds."
            remedy = "The next run tries again; ask the agency if it lasts."
        else:
            what, remedy = "The connection broke off.", "The next run tries again; ask the agency if it lasts."
        return FeedUnreachable(what, where=self._where(url), remedy=remedy)


def _retry_after(header: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, as number or date."""
    if not header:
        return None
    try:
        return max(float(int(header)), 0.0)
    except ValueError:
        pass
    try:
        until: Any = parsedate_to_datetime(header)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    seconds: float = (until - now()).total_seconds()
    return max(seconds, 0.0)
