"""CSV answers in any encoding, gzipped or not; a row that cannot be decoded or has other columns is set aside."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from connectors.agency import Agency
from connectors.errors import FeedHeld, FeedUnreadable
from connectors.interpret import canonical
from connectors.page import Rejected
from connectors.parts import Parts
from connectors.unpacking import unpack

_GZIP: Final = b"\x1f\x8b"


def read_csv(body: bytes, agency: Agency) -> Parts:
    """All rows of a CSV answer."""
    whole = Parts([], [], [], [], lambda _where: None)
    for parts in read_csv_in_parts(body, agency, None):
        whole.positions.extend(parts.positions)
        whole.entries.extend(parts.entries)
        whole.raws.extend(parts.raws)
        whole.rejected.extend(parts.rejected)
    return whole


def read_csv_in_parts(body: bytes, agency: Agency, size: int | None) -> Iterator[Parts]:
    """The rows of a CSV answer, at most `size` at a time; positions count rows from 0 in each part.

    An empty file raises FeedHeld; a file with nothing but its header gives one empty part.
    """
    if agency.format.gzip and (body[:2] == _GZIP or not _readable_start(body)):
        body = unpack(body, agency.limits.unpacked_bytes)
    if not body.strip():
        raise FeedHeld(
            "The file is empty: not even its header is there.", remedy="Ask the agency; nothing was changed."
        )
    rows = _Rows(body, agency)
    parts = Parts([], [], [], [], lambda _where: None)
    given = False
    for position, (values, raw, problem) in enumerate(rows):
        at = position if size is None else position % size
        if not problem and len(values) != len(rows.header):
            problem = f"has {len(values)} columns; the header has {len(rows.header)}"
        if problem:
            parts.rejected.append(Rejected(at, raw, "", problem))
        else:
            entry = dict(zip(rows.header, [value.strip() for value in values], strict=True))
            parts.positions.append(at)
            parts.entries.append(entry)
            parts.raws.append(canonical(entry))
        if size is not None and at == size - 1:
            yield parts
            given = True
            parts = Parts([], [], [], [], lambda _where: None)
    if parts.entries or parts.rejected or not given:
        yield parts


def _readable_start(body: bytes) -> bool:
    """Whether the bytes look like text: sample payloads stand in the folder unpacked, to be read in reviews."""
    return b"\0" not in body[:512]


class _Rows:
    """Iterates over rows as (values, raw bytes, problem); keeps the lines a row was read from."""

    def __init__(self, body: bytes, agency: Agency) -> None:
        self._encoding = agency.format.encoding
        # Undecodable bytes become surrogates, so that they spoil their own row alone.
        text = body.decode(self._encoding, "surrogateescape")
        self._lines: list[str] = []
        self._reader = csv.reader(self._keep(text), delimiter=agency.format.delimiter, strict=True)
        try:
            self.header = [name.strip() for name in next(self._reader)]
        except (csv.Error, StopIteration) as error:
            raise FeedUnreadable(f"The file has no header ({error}).", remedy="Ask the agency.") from None
        if len(set(self.header)) != len(self.header) or "" in self.header:
            raise FeedUnreadable(
                "The header has a column without name or a name twice.", remedy="Ask the agency for a correct header."
            )
        if any(_has_surrogate(name) for name in self.header):
            raise FeedUnreadable(
                f"The header is not {self._encoding}.", remedy="Correct format.encoding in the agency.yml."
            )
        if agency.key_fields and not set(agency.key_fields) <= set(self.header):
            raise FeedUnreadable(
                f"The header lacks the key {', '.join(agency.key_fields)}.",
                remedy="Compare the agency.yml with the file; the encoding may be another one.",
            )

    def _keep(self, text: str) -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            self._lines.append(line)
            yield line

    def __iter__(self) -> Iterator[tuple[list[str], bytes, str]]:
        while True:
            self._lines.clear()
            problem = ""
            values: list[str] = []
            try:
                values = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                problem = f"is not CSV: {error}"
            if not values and not problem:
                continue
            line = "".join(self._lines)
            if not problem and _has_surrogate(line):
                problem = f"holds bytes that are not {self._encoding}"
            raw = line.encode(self._encoding.removesuffix("-sig"), "surrogateescape") if problem else b""
            yield values, raw or line.encode("utf-8", "surrogateescape"), problem


def _has_surrogate(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
