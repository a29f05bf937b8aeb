"""XML answers, without DTD and entities; one broken element is set aside where the others can be told apart."""

import re
from collections.abc import Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from connectors.agency import Agency
from connectors.errors import FeedHeld, FeedUnreadable
from connectors.page import Rejected
from connectors.parts import Parts, refuse_crowds

_DEEPEST: Final = 16
_TEXT_OF_ATTRIBUTED: Final = "#"


def read_xml(body: bytes, agency: Agency) -> Parts:
    """The elements of an XML answer at `format.entries` (a path below the root)."""
    if not body.strip():
        raise FeedHeld("The answer is empty.", remedy="Ask the agency; nothing was changed.")
    refuse_crowds(body, b"<")
    path = agency.format.entries
    try:
        root = _parse(body)
    except ParseError:
        return _one_by_one(body, path)
    return _collect(root, [(element, b"") for element in root.iterfind(path)])


def _parse(body: bytes) -> Element:
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except DefusedXmlException as error:
        raise FeedUnreadable(
            f"The answer holds a DTD or entities ({type(error).__name__}), which are never read.",
            remedy="Ask the agency for plain XML.",
        ) from None
    except (ValueError, LookupError) as error:
        raise FeedUnreadable(
            f"The answer is in an encoding that cannot be read ({type(error).__name__}).",
            remedy="Ask the agency for UTF-8.",
        ) from None
    if "}" in root.tag or any("}" in str(child.tag) for child in root):
        for element in root.iter():
            if isinstance(element.tag, str):
                element.tag = element.tag.rpartition("}")[2]
    return root


def _one_by_one(body: bytes, path: str) -> Parts:
    """Cuts out every record element by its tags, and parses each by itself."""
    pieces, rest = _cut(body, path.rpartition("/")[2].encode())
    try:
        around = _parse(rest)
    except ParseError as error:
        raise FeedUnreadable(
            f"The answer is not XML, or breaks off (line {error.position[0]}, column {error.position[1]}).",
            remedy="Ask the agency; the next run asks again from here.",
        ) from None
    found: list[tuple[Element | None, bytes]] = []
    for piece in pieces:
        try:
            found.append((_parse(piece), piece))
        except (ParseError, FeedUnreadable):
            found.append((None, piece))
    return _collect(around, found)


def _cut(body: bytes, name: bytes) -> tuple[list[bytes], bytes]:
    """The record elements, each up to its next closing tag, and what is left without them."""
    opening = re.compile(rb"<" + re.escape(name) + rb"(?:\s[^<>]*)?>")
    closing = re.compile(rb"</" + re.escape(name) + rb"\s*>")
    pieces, rest, at = [], [], 0
    while (start := opening.search(body, at)) is not None:
        # Without a closing tag there is none further on either: looking again would take forever.
        if (end := closing.search(body, start.end())) is None:
            break
        rest.append(body[at : start.start()])
        pieces.append(body[start.start() : end.end()])
        at = end.end()
    return pieces, b"".join(rest) + body[at:]


def _collect(root: Element, elements: list[tuple[Element | None, bytes]]) -> Parts:
    parts = Parts([], [], [], [], lambda where: root.findtext(where))
    for position, (element, piece) in enumerate(elements):
        if element is None:
            parts.rejected.append(Rejected(position, piece, "", "is not XML"))
            continue
        element.tail = None
        try:
            entry = as_entry(element, _DEEPEST)
            raw = tostring(element, encoding="unicode").encode()
        except RecursionError:
            raw = piece or b"<" + element.tag.encode() + b">"
            parts.rejected.append(Rejected(position, raw, "", "is nested too deeply"))
            continue
        if not isinstance(entry, Mapping):
            parts.rejected.append(Rejected(position, raw, "", "is no element with fields"))
            continue
        parts.positions.append(position)
        parts.entries.append(entry)
        parts.raws.append(raw)
    return parts


def as_entry(element: Element, left: int) -> Any:
    """An element as text, or as an object of its children; attributes are named @name, repeated children are a list."""
    if left == 0:
        raise RecursionError
    text = (element.text or "").strip()
    if not len(element) and not element.attrib:
        return text
    found: dict[str, Any] = {"@" + name: value for name, value in element.attrib.items()}
    for child in element:
        value = as_entry(child, left - 1)
        name = str(child.tag)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    if text:
        found[_TEXT_OF_ATTRIBUTED] = text
    return found
