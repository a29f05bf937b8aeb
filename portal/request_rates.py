"""How many requests a minute a key, a person or an address may send; counted in this process."""

import hashlib
import hmac
import ipaddress
import math
import secrets
import time
from dataclasses import dataclass, field
from typing import Final

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from portal.cookies import read_cookie
from portal.language import _
from portal.layers import Layer, telling
from portal.problems import problem
from portal.viewing import SIGN_IN_COOKIE, hash_of
from registry import clock
from registry.database import transaction
from registry.errors import ThreegatesError
from registry.reading import first
from registry.settings import settings
from registry.viewers import RECOGNISING, become

# A key's rate is read again after this; the bucket is all that hangs on it, whether a key holds is asked every time.
_SECONDS_KNOWN: Final = 60
_MOST_KNOWN: Final = 10_000
# An office goes out through one address.
PEOPLE_AT_AN_ADDRESS: Final = 20
_SECONDS_OF_A_SECRET: Final = 3600


@dataclass
class Addresses:
    """Names for addresses that cannot be led back: keyed with a secret that is forgotten after an hour."""

    secret: bytes = b""
    until: float = 0.0

    def name(self, address: str) -> str:
        """The name of an address for this hour; of IPv6 the network of one customer (/64) counts as one."""
        if time.monotonic() >= self.until:
            self.secret = secrets.token_bytes(32)
            self.until = time.monotonic() + _SECONDS_OF_A_SECRET
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            network = address
        else:
            network = str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)
        return hmac.new(self.secret, network.encode(), hashlib.sha256).hexdigest()


@dataclass
class KnownRates:
    """Rates of keys by their hashes, for a minute."""

    known: dict[bytes, tuple[int, float]] = field(default_factory=dict)

    def get(self, key_hash: bytes) -> int | None:
        """The rate of a key seen within the last minute."""
        rate, until = self.known.get(key_hash, (0, 0.0))
        return rate if time.monotonic() < until else None

    def keep(self, key_hash: bytes, rate: int) -> None:
        """Remember a key's rate; all are forgotten when they become too many."""
        if len(self.known) >= _MOST_KNOWN:
            self.known.clear()
        self.known[key_hash] = (rate, time.monotonic() + _SECONDS_KNOWN)


@dataclass(frozen=True)
class Count:
    """Where one request was counted and what is left."""

    policy: str
    rate: int
    allowed: bool
    left: int
    seconds: int

    def headers(self) -> dict[str, str]:
        """RateLimit-Policy and RateLimit as draft-ietf-httpapi-ratelimit-headers says since its version 09."""
        told = {
            "ratelimit-policy": f'"{self.policy}";q={self.rate};w=60',
            "ratelimit": f'"{self.policy}";r={self.left};t={self.seconds}',
        }
        return told if self.allowed else told | {"retry-after": str(self.seconds)}


class RequestRates(Layer):
    """Counts every request and refuses those beyond the rate with 429, before anything is done for them."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app)
        self.limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self.addresses = Addresses()
        self.rates = KnownRates()
        self.noted: dict[str, int] = {}

    async def around(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count, then let through or refuse."""
        if scope["path"].startswith("/health/"):
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        to_api = scope["path"].startswith(("/api/v1/", "/api/gate-check"))
        count = await self._count(request) if to_api else self._count_page(request)
        if not count.allowed:
            self._note(count, scope["path"])
            detail = _("此密钥或地址每分钟最多 {count} 次请求。", count=count.rate)
            await problem(request, 429, detail=detail, headers=count.headers())(scope, receive, send)
            return
        # Pages tell no rates: nobody plans by them.
        await self.app(scope, receive, telling(send, lambda told: told.update(count.headers())) if to_api else send)

    def _count_page(self, request: Request) -> Count:
        """A page: by sign-in and by address, since many people may sit behind one address, and cookies be invented."""
        address = self.addresses.name(request.client.host if request.client else "")
        secret = read_cookie(request, SIGN_IN_COOKIE)
        if not secret:
            return self._hit("page", settings().public_rate, address)
        shared = self._hit("pages", PEOPLE_AT_AN_ADDRESS * settings().public_rate, address)
        return self._hit("person", settings().public_rate, hash_of(secret).hex()) if shared.allowed else shared

    def _note(self, count: Count, path: str) -> None:
        """One line of the log a minute and policy, for whoever watches: nobody's address is in it."""
        minute = int(time.monotonic() // 60)
        if self.noted.get(count.policy) != minute:
            self.noted[count.policy] = minute
            structlog.get_logger().warning("refused", status=429, policy=count.policy, rate=count.rate, path=path)

    async def _count(self, request: Request) -> Count:
        scheme, _space, key = request.headers.get("authorization", "").partition(" ")
        key_hash = hash_of(key.strip()) if scheme.lower() == "bearer" else None
        rate = self.rates.get(key_hash) if key_hash else None
        if key_hash and rate is not None:
            return self._hit("key", rate, key_hash.hex())
        # A key that is not known yet counts where it comes from: guessing keys is as slow as reading without one.
        client = request.client.host if request.client else ""
        count = self._hit("address", settings().public_rate, self.addresses.name(client))
        if key_hash and count.allowed:
            rate = await _rate_of(key_hash)
            if rate is not None:
                self.rates.keep(key_hash, rate)
        return count

    def _hit(self, policy: str, rate: int, whose: str) -> Count:
        item: RateLimitItem = RateLimitItemPerMinute(rate)
        allowed = self.limiter.hit(item, policy, whose)
        window = self.limiter.get_window_stats(item, policy, whose)
        seconds = max(1, min(60, math.ceil(window.reset_time - time.time())))
        return Count(policy, rate, allowed, window.remaining, seconds)


async def _rate_of(key_hash: bytes) -> int | None:
    """The rate of a key that holds; None where it does not, or where the database cannot say."""
    try:
        async with transaction() as session:
            await become(session, RECOGNISING)
            row = await first(
                session,
                "SELECT rate FROM api_keys WHERE (key_hash = :hash OR previous_hash = :hash AND previous_until > :now) "
                "AND revoked_at IS NULL "
                "AND coalesce(expires_at, 'infinity') > :now",
                hash=key_hash,
                now=clock.now(),
            )
    except (DBAPIError, ThreegatesError, OSError) as error:
        # The address itself says what is wrong; without the rate the request stays with its address's count.
        structlog.get_logger().warning("rate of a key not read", error=type(error).__name__)
        return None
    return int(row["rate"]) if row else None
