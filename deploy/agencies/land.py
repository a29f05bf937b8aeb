"""The played land system: JSON, an opaque cursor, an API key in a header."""

import base64
import json
from datetime import datetime
from typing import Final

from deploy.agencies.exchange import Answered, Asked, refused
from deploy.agencies.feed import Feed
from deploy.agencies.vocabulary import Record, land

PATH: Final = "/api/tGdxm/result/list"
KEY: Final = "played-land-key"
_LARGEST_PAGE: Final = 10_000


class Land(Feed):
    """GET /api/tGdxm/result/list?pageSize=&cursor=&gxSjQ= with X-API-Key."""

    name = "land"

    def translate(self, record: Record) -> bytes:
        """A JSON object."""
        return json.dumps(land(record), ensure_ascii=False, separators=(",", ":")).encode()

    def environment(self, address: str) -> dict[str, str]:
        """Address and key."""
        return {"THREEGATES_AGENCY_LAND_URL": address, "THREEGATES_AGENCY_LAND_KEY": KEY}

    def answer(self, asked: Asked) -> Answered:
        """One page and the cursor of the next."""
        if asked.path != PATH:
            return refused(404, "not found")
        if asked.headers.get("x-api-key") != KEY or self.misbehaviour.now("bad-token"):
            return refused(401, "X-API-Key")
        size = min(int(asked.query.get("pageSize", "20")), _LARGEST_PAGE)
        after = None
        if cursor := asked.query.get("cursor"):
            try:
                stamp, key = json.loads(base64.urlsafe_b64decode(cursor))
            except ValueError:
                return refused(410, "cursor")
            after = (datetime.fromisoformat(stamp), key)
        skip = size if self.misbehaviour.now("missing-page") else 0
        page, more, count = self.page(asked.query.get("gxSjQ"), after, skip, size)
        total = count + (int(self.misbehaviour.told.get("by", 7)) if self.misbehaviour.now("wrong-total") else 0)
        following = None
        if more:
            stamp, key = page[-1].place[0].isoformat(), page[-1].place[1]
            following = base64.urlsafe_b64encode(json.dumps([stamp, key]).encode()).decode()
        entries = b",".join([item.content for item in page])
        end = json.dumps({"total": total, "next": following})[1:].encode()
        return Answered(b'{"code":200,"msg":"success","data":{"list":[' + entries + b"]," + end + b"}")

    def spoil(self, body: bytes) -> bytes:
        """The first record gets a lone surrogate, which no UTF-8 text can hold."""
        return body.replace(b'"srDw":"', b'"srDw":"\\ud800', 1)
