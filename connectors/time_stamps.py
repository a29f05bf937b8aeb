"""Asking a time-stamping authority over HTTP (RFC 3161, section 3.4): bytes there, bytes back, in time and bounded."""

import time
from typing import Final

import requests

from registry.errors import Unavailable

LONGEST: Final = 20.0
# A time-stamp with its chain of certificates has some thousands of bytes.
MOST_BYTES: Final = 128 * 1024
QUERY: Final = "application/timestamp-query"
REPLY: Final = "application/timestamp-reply"


def fetch_time_stamp(url: str, query: bytes) -> bytes:
    """The authority's reply to a query; raises Unavailable for whatever else came, or did not."""
    ends = time.monotonic() + LONGEST
    try:
        with (
            requests.Session() as session,
            session.post(
                url,
                data=query,
                headers={"content-type": QUERY, "accept": REPLY},
                timeout=(5, LONGEST),
                allow_redirects=False,
                stream=True,
            ) as answer,
        ):
            kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            if answer.status_code != 200 or kind != REPLY:
                raise _no_reply(f"{answer.status_code} {kind}".strip())
            body = b""
            for chunk in answer.iter_content(8192):
                body += chunk
                if len(body) > MOST_BYTES:
                    raise _no_reply("its answer does not end")
                if time.monotonic() > ends:
                    raise _no_reply("its answer takes too long")
            return body
    except requests.RequestException as error:
        raise _no_reply(type(error).__name__) from error


def _no_reply(why: str) -> Unavailable:
    return Unavailable(
        f"The time-stamping authority does not answer as it should ({why}).",
        where="THREEGATES_AUDIT_TIME_STAMP_URL",
        remedy="Ask the authority, or name another; the anchor stands in the file all the same.",
    )
