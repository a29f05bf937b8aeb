"""A feed that is a listing of files, each with its size and checksum."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from connectors.answers import Answer, finish
from connectors.client import Reply
from connectors.csv_answers import read_csv_in_parts
from connectors.errors import FeedError, FeedHeld, FeedUnreadable
from connectors.json_answers import dig
from connectors.page import Page
from connectors.paging import HELD, Request, count, page_of
from connectors.values import BadValue, instant_reader


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file of a listing."""

    name: str
    address: str
    modified: datetime | None
    rows: int | None
    size: int | None
    sha256: str | None


def _listed(request: Request) -> list[ListedFile]:
    """The listed files in order of name; the listing must be whole."""
    agency = request.agency
    paging, where = agency.paging, f"agency {agency.id}, listing"
    names = paging.listing
    assert names is not None  # noqa: S101 - the agency.yml was validated
    reply = request.client.get(agency.path, request.parameters())
    try:
        document = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        if not reply.body.strip():
            raise FeedHeld("The listing is empty.", where=where, remedy=HELD) from None
        raise FeedUnreadable("The listing is not JSON.", where=where, remedy="Ask the agency.") from None
    items = dig(document, names.entries)
    if not isinstance(items, list):
        raise FeedUnreadable(
            f"The listing has no list at {names.entries}.",
            where=where,
            remedy="Correct paging.listing in the agency.yml.",
        )
    claimed = count(dig(document, paging.total or ""), paging.total or "", where)
    if claimed is not None and claimed != len(items):
        raise FeedHeld(f"The listing states {claimed} files and names {len(items)}.", where=where, remedy=HELD)
    files = [_listed_file(item, request, where) for item in items]
    if len({file.name for file in files}) != len(files):
        raise FeedHeld("The listing names a file twice.", where=where, remedy=HELD)
    return sorted(files, key=lambda file: file.name)


def _listed_file(item: Any, request: Request, where: str) -> ListedFile:
    names = request.agency.paging.listing
    name = dig(item, names.name) if names else None
    if names is None or not isinstance(name, str) or not name or not name.isprintable():
        raise FeedUnreadable("The listing has a file without a name.", where=where, remedy="Ask the agency.")
    address = dig(item, names.address) if names.address else f"{request.agency.path.rpartition('/')[0]}/{name}"
    sha256 = dig(item, names.sha256) if names.sha256 else None
    if not isinstance(address, str) or not isinstance(sha256, (str, type(None))) or (names.sha256 and not sha256):
        raise FeedUnreadable(f"The listing lacks address or checksum of {name}.", where=where, remedy="Ask the agency.")
    stamp = dig(item, names.modified) if names.modified else None
    try:
        modified = instant_reader([], request.agency.zone)(stamp) if stamp is not None else None
    except BadValue as error:
        raise FeedUnreadable(
            f"The listing's time of {name} cannot be read ({error}).", where=where, remedy="Ask the agency."
        ) from None
    return ListedFile(
        name,
        address,
        modified,
        count(dig(item, names.rows or ""), names.rows or "", where),
        count(dig(item, names.bytes or ""), names.bytes or "", where),
        sha256.lower() if sha256 else None,
    )


def pages_of_listing(request: Request) -> Iterator[Page]:
    """File after file in order of name, each checked against its size and checksum, in pages of `paging.size` rows.

    A checkpoint names the file, its checksum and the rows stored of it; a file that has changed since is read anew.
    """
    agency = request.agency
    at = request.checkpoint.get("file", "")
    listed = _listed(request)
    claimed = None if any(file.rows is None for file in listed) else sum(file.rows or 0 for file in listed)
    files = [file for file in listed if file.name >= at]
    if not files:
        yield page_of(Answer(), Reply(b"", 0), "no files", request.remember(done=True), claimed)
    for file in files:
        where = f"agency {agency.id}, file {file.name}"
        reply = _file(request, file, where)
        version = _version(file, reply)
        known = file.name == at and request.checkpoint.get("version") == version
        stored = int(request.checkpoint.get("rows", 0)) if known else 0
        for answer, end, is_last in _chunks(request, reply, file, where):
            done = is_last and file is files[-1]
            if end <= stored:
                if not done:
                    continue
                answer = Answer()  # all of it is stored; only the end of the run is told
            label = f"{file.name} rows {end - answer.received + 1}-{end}"
            place = {"done": True} if done else {"file": file.name, "version": version, "rows": end}
            yield page_of(answer, reply, label, request.remember(**place), claimed)
            reply = Reply(reply.body, 0)  # its bytes are counted once


def _version(file: ListedFile, reply: Reply) -> str:
    return file.sha256 or hashlib.sha256(reply.body).hexdigest()


def _file(request: Request, file: ListedFile, where: str) -> Reply:
    reply = request.client.get(file.address)
    if file.size is not None and file.size != len(reply.body):
        raise FeedHeld(f"The listing states {file.size} bytes; {len(reply.body)} came.", where=where, remedy=HELD)
    if file.sha256 is not None and hashlib.sha256(reply.body).hexdigest() != file.sha256:
        raise FeedHeld("The file's SHA-256 is not the one that the listing states.", where=where, remedy=HELD)
    return reply


def _chunks(request: Request, reply: Reply, file: ListedFile, where: str) -> Iterator[tuple[Answer, int, bool]]:
    """The file's rows as (answer, rows so far, whether it is the last); their number is checked before the last."""
    held: tuple[Answer, int] | None = None
    rows = 0
    try:
        for parts in read_csv_in_parts(reply.body, request.agency, request.agency.paging.size):
            if held is not None:
                yield (*held, False)
            answer = finish(request.agency, parts)
            rows += answer.received
            held = (answer, rows)
    except FeedError as error:
        error.where = error.where or where
        raise
    if file.rows is not None and file.rows != rows:
        raise FeedHeld(f"The listing states {file.rows} rows; the file has {rows}.", where=where, remedy=HELD)
    if held is not None:
        yield (*held, True)
