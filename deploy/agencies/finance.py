"""The played finance system: a listing of gzipped CSV files in GB18030, one a month, with checksums."""

import base64
import csv
import gzip
import hashlib
import io
import json
from typing import Final

from deploy.agencies.exchange import Answered, Asked, refused
from deploy.agencies.feed import Feed, Item
from deploy.agencies.vocabulary import FINANCE_COLUMNS, Record, finance

LISTING: Final = "/export/listing.json"
FILES: Final = "/export/files/"
USER: Final = "threegates"
PASSWORD: Final = "played-finance-password"  # noqa: S105 - the played agency's, good for nothing else
ENCODING: Final = "gb18030"
_BASIC: Final = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class Finance(Feed):
    """GET /export/listing.json?gengxin_qi=, then each file that it names."""

    name = "finance"

    def __init__(self, *arguments: object, **named: object) -> None:
        self._packed: dict[str, tuple[list[Item], bytes]] = {}
        self._sorted: tuple[list[Item], int, dict[str, list[Item]]] | None = None
        super().__init__(*arguments, **named)  # type: ignore[arg-type]  # passed on as they are

    def translate(self, record: Record) -> bytes:
        """A CSV line."""
        line = io.StringIO()
        csv.writer(line, lineterminator="\r\n").writerow(finance(record))
        return line.getvalue().encode(ENCODING)

    def environment(self, address: str) -> dict[str, str]:
        """Address, user and password."""
        return {
            "THREEGATES_AGENCY_FINANCE_URL": address,
            "THREEGATES_AGENCY_FINANCE_USER": USER,
            "THREEGATES_AGENCY_FINANCE_PASSWORD": PASSWORD,
        }

    def answer(self, asked: Asked) -> Answered:
        """The listing or one of its files."""
        if asked.headers.get("authorization") != _BASIC or self.misbehaviour.now("bad-token"):
            return refused(401, "user")
        if asked.path == LISTING:
            return self._listing(asked.query.get("gengxin_qi"))
        name = asked.path.removeprefix(FILES)
        months = self._months()
        if asked.path.startswith(FILES) and name in months:
            return Answered(self._file(name, months[name]), kind="application/gzip")
        return refused(404, "not found")

    def _months(self) -> dict[str, list[Item]]:
        """The files: each holds what was reported in one month."""
        items = self.since(None)
        if self._sorted is None or self._sorted[0] is not self._items or self._sorted[1] != len(items):
            months: dict[str, list[Item]] = {}
            for item in items:
                months.setdefault(f"xindai-{item.place[0]:%Y-%m}.csv.gz", []).append(item)
            self._sorted = (self._items, len(items), months)
        return self._sorted[2]

    def _file(self, name: str, items: list[Item]) -> bytes:
        known = self._packed.get(name)
        if known is None or known[0] is not items:
            header = ",".join(FINANCE_COLUMNS).encode(ENCODING) + b"\r\n"
            known = (items, gzip.compress(header + b"".join([item.content for item in items]), mtime=0))
            self._packed[name] = known
        if self.misbehaviour.now("malformed"):
            return gzip.compress(gzip.decompress(known[1]) + b"\xff\xff,broken\r\n", mtime=0)
        return known[1]

    def _listing(self, since: str | None) -> Answered:
        asked_for = {item.place for item in self.since(since)}
        files = []
        for name, items in self._months().items():
            if items[-1].place not in asked_for:
                continue
            content = self._file(name, items)
            digest = hashlib.sha256(content).hexdigest()
            wrong = self.misbehaviour.now("wrong-checksum")
            files.append(
                {
                    "文件名": name,
                    "路径": FILES + name,
                    "更新时间": items[-1].place[0].isoformat(),
                    "行数": len(items) + (self.misbehaviour.present in ("wrong-total", "malformed")),
                    "字节数": len(content),
                    "SHA256": digest[::-1] if wrong else digest,
                }
            )
        listing = {"文件数": len(files), "文件清单": files}
        if self.misbehaviour.now("missing-page"):
            listing["文件清单"] = files[1:]
        return Answered(json.dumps(listing, ensure_ascii=False).encode())

    def spoil(self, body: bytes) -> bytes:
        """The files have got their broken row (of bytes that are no GB18030) before their checksums were made."""
        return body
