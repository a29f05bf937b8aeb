"""The ways an answer goes on: one answer, cursors, page numbers, a listing of files; each yields Pages."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from connectors.agency import Agency
from connectors.answers import Answer, finish, read_answer
from connectors.client import Client, Reply
from connectors.csv_answers import read_csv_in_parts
from connectors.errors import FeedError, FeedHeld, FeedUnreadable
from connectors.json_answers import dig
from connectors.page import Page
from connectors.values import BadValue, instant_reader, read_number, shown

Checkpoint = Mapping[str, Any]
DONE: Final = "done"
_HELD: Final = "Held for a person: ask the agency; what was stored before stays and nothing is retired."


@dataclass(frozen=True, slots=True)
class Request:
    """What one pull asks: the agency, its client, the instant from which it asks, and where it goes on."""

    agency: Agency
    client: Client
    since: datetime | None
    checkpoint: Checkpoint

    def parameters(self) -> dict[str, str]:
        """The query parameters of every request of the pull."""
        agency = self.agency
        found = dict(agency.parameters)
        if agency.paging.size_parameter is not None:
            found[agency.paging.size_parameter] = str(agency.paging.size)
        if agency.since is not None and self.since is not None:
            found[agency.since.parameter] = _stamp(self.since, agency)
        return found

    def remember(self, **place: Any) -> dict[str, Any]:
        """A checkpoint: the place, and the instant from which the pull asked (it must not move while resuming)."""
        return {"since": self.since.isoformat() if self.since else None, **place}


def _stamp(instant: datetime, agency: Agency) -> str:
    pattern = agency.since.format if agency.since else "iso"
    local = instant.astimezone(agency.zone)
    if pattern == "iso":
        return local.isoformat()
    if pattern == "epoch_seconds":
        return str(int(instant.timestamp()))
    if pattern == "epoch_milliseconds":
        return str(int(instant.timestamp() * 1000))
    return local.strftime(pattern)


def _count(value: Any, path: str, where: str) -> int | None:
    """A number that the agency states about its answer; None where it is not declared."""
    if not path:
        return None
    try:
        number = read_number(value)
    except BadValue:
        raise FeedUnreadable(
            f"The answer does not state a number at {path}, but {shown(value)}.",
            where=where,
            remedy="Compare paging in the agency.yml with an answer of the agency.",
        ) from None
    return int(number)


def _read(request: Request, reply: Reply, where: str) -> Answer:
    try:
        return read_answer(request.agency, reply.body)
    except FeedError as error:
        error.where = error.where or where
        raise


def _check_whole(received: int, claimed: int | None, where: str) -> None:
    if claimed is not None and received != claimed:
        raise FeedHeld(f"The agency states {claimed} records and sent {received}.", where=where, remedy=_HELD)


def _page(answer: Answer, reply: Reply, label: str, checkpoint: dict[str, Any], claimed: int | None) -> Page:
    return Page(
        label=label,
        keys=answer.keys,
        raws=answer.raws,
        entries=answer.entries,
        rejected=answer.rejected,
        checkpoint=checkpoint,
        received_bytes=reply.received_bytes,
        last=bool(checkpoint.get(DONE)),
        claimed_total=claimed,
        newest=answer.newest,
        notes=answer.notes,
    )


def pages_of_none(request: Request) -> Iterator[Page]:
    """The whole feed in one answer."""
    agency, where = request.agency, f"agency {request.agency.id}"
    reply = request.client.get(agency.path, request.parameters())
    answer = _read(request, reply, where)
    path = agency.paging.total or ""
    claimed = _count(answer.envelope(path), path, where)
    _check_whole(answer.received, claimed, where)
    yield _page(answer, reply, "whole", request.remember(done=True), claimed)


def pages_of_cursor(request: Request) -> Iterator[Page]:
    """Page after page by the cursor that each answer gives for the next one."""
    agency, paging = request.agency, request.agency.paging
    cursor = request.checkpoint.get("cursor")
    received = int(request.checkpoint.get("received", 0))
    number = int(request.checkpoint.get("pages", 0))
    seen = {cursor}
    while True:
        number += 1
        where = f"agency {agency.id}, page {number}"
        parameters = request.parameters()
        if cursor is not None:
            parameters[paging.parameter or ""] = str(cursor)
        reply = request.client.get(agency.path, parameters)
        answer = _read(request, reply, where)
        claimed = _count(answer.envelope(paging.total or ""), paging.total or "", where)
        received += answer.received
        cursor = answer.envelope(paging.next or "")
        if cursor in (None, "", False):
            _check_whole(received, claimed, where)
            yield _page(answer, reply, f"page {number}", request.remember(done=True), claimed)
            return
        if not isinstance(cursor, (str, int)):
            raise FeedUnreadable(
                f"The next cursor is {shown(cursor)}.", where=where, remedy="Correct paging.next in the agency.yml."
            )
        if not answer.received or cursor in seen:
            raise FeedHeld("The agency's pages go in a circle or are empty.", where=where, remedy=_HELD)
        if claimed is not None and received > claimed:
            _check_whole(received, claimed, where)
        seen.add(cursor)
        place = request.remember(cursor=cursor, received=received, pages=number)
        yield _page(answer, reply, f"page {number}", place, claimed)


def pages_of_number(request: Request) -> Iterator[Page]:
    """Page after page by number, until as many arrived as the agency states, or a page is not full."""
    agency, paging = request.agency, request.agency.paging
    received = int(request.checkpoint.get("received", 0))
    number = int(request.checkpoint.get("pages", 0))
    while True:
        asked = paging.first + number * paging.step
        number += 1
        where = f"agency {agency.id}, page {number}"
        reply = request.client.get(agency.path, {**request.parameters(), paging.parameter or "": str(asked)})
        answer = _read(request, reply, where)
        claimed = _count(answer.envelope(paging.total or ""), paging.total or "", where)
        echoed = _count(answer.envelope(paging.echo or ""), paging.echo or "", where)
        if echoed is not None and echoed != asked:
            raise FeedHeld(f"Asked for page {asked}, the agency sent page {echoed}.", where=where, remedy=_HELD)
        received += answer.received
        full = answer.received >= paging.size
        last = received >= claimed if claimed is not None else not full
        if last or not full:
            # A page that is not full ends the answer; when more is stated, a page is missing or cut.
            _check_whole(received, claimed, where)
            yield _page(answer, reply, f"page {number}", request.remember(done=True), claimed)
            return
        yield _page(answer, reply, f"page {number}", request.remember(received=received, pages=number), claimed)


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
            raise FeedHeld("The listing is empty.", where=where, remedy=_HELD) from None
        raise FeedUnreadable("The listing is not JSON.", where=where, remedy="Ask the agency.") from None
    items = dig(document, names.entries)
    if not isinstance(items, list):
        raise FeedUnreadable(
            f"The listing has no list at {names.entries}.",
            where=where,
            remedy="Correct paging.listing in the agency.yml.",
        )
    claimed = _count(dig(document, paging.total or ""), paging.total or "", where)
    if claimed is not None and claimed != len(items):
        raise FeedHeld(f"The listing states {claimed} files and names {len(items)}.", where=where, remedy=_HELD)
    files = [_listed_file(item, request, where) for item in items]
    if len({file.name for file in files}) != len(files):
        raise FeedHeld("The listing names a file twice.", where=where, remedy=_HELD)
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
        raise FeedUnreadable(f"{name}: {error}.", where=where, remedy="Ask the agency.") from None
    return ListedFile(
        name,
        address,
        modified,
        _count(dig(item, names.rows or ""), names.rows or "", where),
        _count(dig(item, names.bytes or ""), names.bytes or "", where),
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
        yield _page(Answer(), Reply(b"", 0), "no files", request.remember(done=True), claimed)
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
            yield _page(answer, reply, label, request.remember(**place), claimed)
            reply = Reply(reply.body, 0)  # its bytes are counted once


def _version(file: ListedFile, reply: Reply) -> str:
    return file.sha256 or hashlib.sha256(reply.body).hexdigest()


def _file(request: Request, file: ListedFile, where: str) -> Reply:
    reply = request.client.get(file.address)
    if file.size is not None and file.size != len(reply.body):
        raise FeedHeld(f"The listing states {file.size} bytes; {len(reply.body)} came.", where=where, remedy=_HELD)
    if file.sha256 is not None and hashlib.sha256(reply.body).hexdigest() != file.sha256:
        raise FeedHeld("The file's SHA-256 is not the one that the listing states.", where=where, remedy=_HELD)
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
        raise FeedHeld(f"The listing states {file.rows} rows; the file has {rows}.", where=where, remedy=_HELD)
    if held is not None:
        yield (*held, True)


PAGINGS: Final[dict[str, Callable[[Request], Iterator[Page]]]] = {
    "none": pages_of_none,
    "cursor": pages_of_cursor,
    "page": pages_of_number,
    "listing": pages_of_listing,
}
