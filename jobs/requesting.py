"""Requests to webhooks: one signed POST of a CloudEvent, ended in time, never redirected, its answer hardly read."""

import asyncio
import ssl
import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson
import requests
import urllib3
from standardwebhooks import Webhook

from connectors.guard import Guard, guarded_adapter
from registry.alerting.sending import Outcome
from registry.alerting.webhooks import check_address, signing_secrets
from registry.errors import BadInput
from registry.reading import Row
from registry.settings import settings

# The whole of one request: a receiver that drips its headers holds nobody longer.
DEADLINE_SECONDS: Final = 10.0
_CONNECT_SECONDS: Final = 5.0
# Of the answer only its status counts.
_READ_AT_MOST: Final = 4096


async def ping(webhook: Row, at: datetime) -> Outcome:
    """Send a test to a webhook, signed as everything is; it is an event of the type threegates.webhook.ping."""
    key = f"ping_{uuid.uuid4().hex}"
    event = {
        "specversion": "1.0",
        "id": key,
        "source": settings().public_url or "urn:threegates",
        "type": "threegates.webhook.ping",
        "subject": f"webhook/{webhook['id']}",
        "time": at.isoformat(),
        "datacontenttype": "application/json",
        "data": {"name": webhook["name"]},
    }
    return await request(webhook["url"], signing_secrets(webhook, at), key, event, at)


async def request(url: str, secrets: Sequence[str], message_key: str, event: dict[str, Any], at: datetime) -> Outcome:
    """Send one event, signed by each secret (Standard Webhooks), under its key; never raises for what the host does."""
    try:
        check_address(url)
    except BadInput:
        return Outcome("unsafe-address", final=True)
    if not secrets:
        return Outcome("secret-lost")
    body = orjson.dumps(event).decode()
    signatures = [Webhook(secret).sign(message_key, at, body) for secret in secrets]
    headers = {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "user-agent": "threegates",
        "webhook-id": message_key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return await asyncio.to_thread(_post, url, body.encode(), headers)


def _post(url: str, body: bytes, headers: dict[str, str]) -> Outcome:
    guard = Guard()
    began = time.monotonic()
    with requests.Session() as session:
        session.trust_env = False
        for scheme in ("http://", "https://"):
            session.mount(scheme, guarded_adapter(guard))
        timer = guard.start(DEADLINE_SECONDS)
        try:
            with session.post(
                url, data=body, headers=headers, stream=True, allow_redirects=False,
                timeout=(_CONNECT_SECONDS, DEADLINE_SECONDS),
            ) as answer:  # fmt: skip
                answer.raw.read1(_READ_AT_MOST, decode_content=False)
                return _outcome(answer.status_code, began)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return Outcome(_problem(error, guard), took_ms=_since(began))
        finally:
            timer.cancel()


def _outcome(status: int, began: float) -> Outcome:
    took = _since(began)
    if 200 <= status < 300:
        return Outcome(code=status, took_ms=took)
    if status == 410:
        return Outcome("gone", status, took, final=True)
    if 300 <= status < 400:
        return Outcome("redirected", status, took)
    return Outcome("try-later" if status in (408, 429, 503) else "status", status, took)


def _problem(error: Exception, guard: Guard) -> str:
    if guard.fired or isinstance(error, requests.Timeout):
        return "too-slow"
    if isinstance(error, requests.exceptions.SSLError | ssl.SSLError):
        return "tls"
    return "unreachable"


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
