"""The ways an answer goes on: one answer, cursors, page numbers; each yields Pages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from connectors.agency import Agency
from connectors.answers import Answer, read_answer
from connectors.client import Client, Reply
from connectors.errors import FeedError, FeedHeld, FeedUnreadable
from connectors.page import Page
from connectors.values import BadValue, read_number, shown

Checkpoint = Mapping[str, Any]
DONE: Final = "done"
HELD: Final = "Held for a person: ask the agency; what was stored before stays and nothing is retired."


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


def count(value: Any, path: str, where: str) -> int | None:
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
        raise FeedHeld(f"The agency states {claimed} records and sent {received}.", where=where, remedy=HELD)


def page_of(answer: Answer, reply: Reply, label: str, checkpoint: dict[str, Any], claimed: int | None) -> Page:
    """The page of an answer; it is the last when its checkpoint says that all is done."""
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
    claimed = count(answer.envelope(path), path, where)
    _check_whole(answer.received, claimed, where)
    yield page_of(answer, reply, "whole", request.remember(done=True), claimed)


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
        claimed = count(answer.envelope(paging.total or ""), paging.total or "", where)
        received += answer.received
        cursor = answer.envelope(paging.next or "")
        if cursor in (None, "", False):
            _check_whole(received, claimed, where)
            yield page_of(answer, reply, f"page {number}", request.remember(done=True), claimed)
            return
        if not isinstance(cursor, (str, int)):
            raise FeedUnreadable(
                f"The next cursor is {shown(cursor)}.", where=where, remedy="Correct paging.next in the agency.yml."
            )
        if not answer.received or cursor in seen:
            raise FeedHeld("The agency's pages go in a circle or are empty.", where=where, remedy=HELD)
        if claimed is not None and received > claimed:
            _check_whole(received, claimed, where)
        seen.add(cursor)
        place = request.remember(cursor=cursor, received=received, pages=number)
        yield page_of(answer, reply, f"page {number}", place, claimed)


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
        claimed = count(answer.envelope(paging.total or ""), paging.total or "", where)
        echoed = count(answer.envelope(paging.echo or ""), paging.echo or "", where)
        if echoed is not None and echoed != asked:
            raise FeedHeld(f"Asked for page {asked}, the agency sent page {echoed}.", where=where, remedy=HELD)
        received += answer.received
        full = answer.received >= paging.size
        last = received >= claimed if claimed is not None else not full
        if last or not full:
            # A page that is not full ends the answer; when more is stated, a page is missing or cut.
            _check_whole(received, claimed, where)
            yield page_of(answer, reply, f"page {number}", request.remember(done=True), claimed)
            return
        yield page_of(answer, reply, f"page {number}", request.remember(received=received, pages=number), claimed)
