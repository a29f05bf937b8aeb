"""JSON answers: fast when all is well; when the parser refuses, entry by entry, so that one cannot spoil the others."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from connectors.agency import Agency
from connectors.errors import FeedHeld, FeedUnreadable
from connectors.interpret import canonical
from connectors.page import Rejected
from connectors.parts import Parts, refuse_crowds
from connectors.values import DEEPEST

# Possessive: text whose quotes do not close must not make the search start over at every quote.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},:]', re.DOTALL)


def dig(document: Any, path: str) -> Any:
    """The value at a dotted path, or None; the empty path is the document itself."""
    for name in path.split(".") if path else ():
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document


def read_json(body: bytes, agency: Agency) -> Parts:
    """The entries of a JSON answer at `format.entries`."""
    path = agency.format.entries
    if not body.strip():
        raise FeedHeld("The answer is empty.", remedy="Ask the agency; nothing was changed.")
    refuse_crowds(body, b",")
    try:
        document = orjson.loads(body)
        items = dig(document, path)
        if not isinstance(items, list):
            raise _no_list(path)
        if all(type(item) is dict for item in items):
            raws = [orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in items]
            return Parts(list(range(len(items))), items, raws, [], lambda where: dig(document, where))
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        pass
    return _one_by_one(body, path)


def _no_list(path: str) -> FeedUnreadable:
    return FeedUnreadable(
        f"The answer has no list at {path or 'its top'}.",
        remedy="Compare format.entries in the agency.yml with an answer of the agency.",
    )


def _one_by_one(body: bytes, path: str) -> Parts:
    """Cuts the list into its entries by brackets and quotes alone, and parses each by itself."""
    start, pieces, end = _cut(body, path)
    try:
        around = orjson.loads(body[:start] + b"[]" + body[end:])
    except orjson.JSONDecodeError as error:
        raise FeedUnreadable(
            f"The answer is not JSON ({error.msg}).", remedy="Ask the agency; the answer breaks its own format."
        ) from None
    parts = Parts([], [], [], [], lambda where: dig(around, where))
    for position, raw in enumerate(pieces):
        try:
            entry = orjson.loads(raw)
            bytes_kept = canonical(entry)
        except orjson.JSONDecodeError as error:
            parts.rejected.append(Rejected(position, raw, "", f"is not JSON: {error.msg}"))
        except (orjson.JSONEncodeError, RecursionError):
            parts.rejected.append(Rejected(position, raw, "", "is nested too deeply"))
        else:
            if type(entry) is not dict:
                parts.rejected.append(Rejected(position, raw, "", "is no object with fields"))
                continue
            parts.positions.append(position)
            parts.entries.append(entry)
            parts.raws.append(bytes_kept)
    return parts


def _cut(body: bytes, path: str) -> tuple[int, list[bytes], int]:
    """Start of the list at `path`, its entries as they came, and its end."""
    wanted = ["", *(path.split(".") if path else ())]
    trail: list[str] = []  # the names of the objects and lists we are in; the outermost has none
    name = text = ""
    start = piece = -1
    pieces: list[bytes] = []
    depth = 0
    for match in _TOKEN.finditer(body):
        mark = body[match.start() : match.start() + 1]
        if start >= 0:
            if mark in b"[{":
                depth += 1
            elif mark == b"," and not depth:
                pieces.append(body[piece : match.start()].strip())
                piece = match.end()
            elif mark in b"]}":
                if depth:
                    depth -= 1
                    continue
                if (last := body[piece : match.start()].strip()) or pieces:
                    pieces.append(last)
                return start, pieces, match.end()
        elif mark == b'"':
            text = match.group()[1:-1].decode("utf-8", "replace")
        elif mark == b":":
            name = text
        elif mark == b",":
            name = ""
        elif mark in b"[{":
            if mark == b"[" and [*trail, name] == wanted:
                start, piece = match.start(), match.end()
            trail.append(name)
            name = ""
            if len(trail) > DEEPEST:
                break
        elif trail:
            trail.pop()
    raise FeedUnreadable(
        f"The answer is not JSON, breaks off, or has no list at {path or 'its top'}.",
        remedy="Ask the agency; the next run asks again from here.",
    )
