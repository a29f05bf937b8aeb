"""The played environment platform: XML with Chinese names, page numbers with a total, a token that soon expires."""

import json
import secrets
import threading
import time
from typing import Final
from urllib.parse import parse_qs

from deploy.agencies.exchange import Answered, Asked, refused
from deploy.agencies.feed import Feed
from deploy.agencies.vocabulary import Record, environment

PATH: Final = "/gateway/permits"
TOKEN_PATH: Final = "/gateway/token"  # noqa: S105 - an address
USER: Final = "threegates"
SECRET: Final = "played-environment-secret"  # noqa: S105 - the played agency's, good for nothing else
_XML: Final = "application/xml; charset=utf-8"


class Environment(Feed):
    """POST /gateway/token, then GET /gateway/permits?page=&size=&since= with the token as Bearer."""

    name = "environment"
    token_seconds: float = 30.0
    token_said_seconds: float | None = None  # what the endpoint says, where that is not the truth

    def __init__(self, *arguments: object, **named: object) -> None:
        self._tokens: dict[str, float] = {}
        self._token_lock = threading.Lock()
        super().__init__(*arguments, **named)  # type: ignore[arg-type]  # passed on as they are

    def translate(self, record: Record) -> bytes:
        """An XML element."""
        return environment(record).encode()

    def environment(self, address: str) -> dict[str, str]:
        """Address, client and its secret."""
        return {
            "THREEGATES_AGENCY_ENVIRONMENT_URL": address,
            "THREEGATES_AGENCY_ENVIRONMENT_USER": USER,
            "THREEGATES_AGENCY_ENVIRONMENT_SECRET": SECRET,
        }

    def answer(self, asked: Asked) -> Answered:
        """A token, or one page with its number and the total."""
        if asked.path == TOKEN_PATH and asked.method == "POST":
            return self._token(asked)
        if asked.path != PATH:
            return refused(404, "not found")
        if not self._knows(asked.headers.get("authorization", "")) or self.misbehaviour.now("bad-token"):
            return refused(401, "token")
        number, size = int(asked.query.get("page", "1")), min(int(asked.query.get("size", "100")), 5000)
        items = self.since(asked.query.get("since"))
        if self.misbehaviour.now("missing-page"):
            number += 1
        page = items[(number - 1) * size : number * size]
        total = len(items) + (int(self.misbehaviour.told.get("by", 7)) if self.misbehaviour.now("wrong-total") else 0)
        head = f'<?xml version="1.0" encoding="UTF-8"?><查询结果><总数>{total}</总数><页码>{number}</页码><数据>'
        body = head.encode() + b"".join([item.content for item in page]) + "</数据></查询结果>".encode()
        return Answered(body, kind=_XML)

    def expire_tokens(self) -> None:
        """Every token given so far is refused from now on."""
        with self._token_lock:
            self._tokens.clear()

    def _token(self, asked: Asked) -> Answered:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        if (form.get("client_id"), form.get("client_secret")) != (USER, SECRET):
            return refused(401, "client")
        token = secrets.token_urlsafe(16)
        with self._token_lock:
            self._tokens[token] = time.monotonic() + self.token_seconds
        said = self.token_seconds if self.token_said_seconds is None else self.token_said_seconds
        return Answered(json.dumps({"access_token": token, "expires_in": said}).encode())

    def _knows(self, header: str) -> bool:
        with self._token_lock:
            return time.monotonic() < self._tokens.get(header.removeprefix("Bearer "), 0.0)

    def spoil(self, body: bytes) -> bytes:
        """The first record gets an element that is never closed."""
        return body.replace("<建设单位>".encode(), "<建设单位><未完>".encode(), 1)
