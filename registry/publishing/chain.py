"""The chain of everything that became public: each link holds the hash of what it is about and of the link before."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.flags import hash_of
from registry.reading import first, rows

BEGINNING: Final = "0" * 32
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtext('threegates publication chain'))")
_ADD: Final = text(
    "INSERT INTO publication_chain (number, publication_id, event, item, at, content_hash, evidence_hash, previous, "
    "digest) VALUES (:number, :publication_id, :event, :item, :at, :content_hash, :evidence_hash, :previous, :digest)"
)


class Link(BaseModel):
    """One public act; `item` is the number of the version, or the id of the reply, answer or appeal."""

    number: int
    reference: str
    event: str
    item: int
    at: datetime
    content_hash: str
    evidence_hash: str
    previous: str
    digest: str


@dataclass(slots=True)
class Verified:
    """What recomputing the chain showed."""

    links: int = 0
    contents: int = 0
    withdrawn: int = 0
    problems: list[str] = field(default_factory=list)


def digest_of(link: dict[str, Any]) -> str:
    """The digest of a link: of its fields in canonical JSON, the time in UTC to the microsecond."""
    said = {name: link[name] for name in ("number", "reference", "event", "item", "content_hash", "evidence_hash")}
    at = link["at"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return hash_of({**said, "at": at, "previous": link["previous"]})


async def append(
    session: AsyncSession,
    publication: dict[str, Any],
    event: str,
    item: int,
    at: datetime,
    content_hash: str,
    evidence_hash: str = "",
) -> str:
    """Add a link, one after the other whoever adds; returns its digest."""
    connection = await session.connection()
    await connection.execute(_LOCK)
    last = await first(session, "SELECT number, digest FROM publication_chain ORDER BY number DESC LIMIT 1")
    link = {
        "number": last["number"] + 1 if last else 1,
        "reference": publication["reference"],
        "event": event,
        "item": item,
        "at": at,
        "content_hash": content_hash,
        "evidence_hash": evidence_hash,
        "previous": last["digest"] if last else BEGINNING,
    }
    digest = digest_of(link)
    await connection.execute(_ADD, {**link, "publication_id": publication["id"], "digest": digest})
    return digest


async def links(
    session: AsyncSession, *, after: int = 0, limit: int = 1000, publication: int | None = None
) -> list[Link]:
    """Links in order, for whoever wants to verify them."""
    where = "" if publication is None else "AND c.publication_id = :publication "
    found = await rows(
        session,
        "SELECT c.*, p.reference FROM publication_chain AS c JOIN publications AS p ON p.id = c.publication_id "
        f"WHERE c.number > :after {where}ORDER BY c.number LIMIT :limit",
        after=after,
        limit=limit,
        publication=publication,
    )
    return [Link(**{name: row[name] for name in Link.model_fields}) for row in found]


_CONTENTS: Final = """
SELECT p.reference, v.number, v.state, v.content, v.content_hash, v.evidence, v.evidence_hash, p.withdrawn_at,
    p.withdrawn_reason
FROM publication_versions AS v JOIN publications AS p ON p.id = v.publication_id
WHERE v.state IN ('displayed', 'published', 'superseded', 'withdrawn')
"""


async def verify(session: AsyncSession, *, at_a_time: int = 10_000) -> Verified:
    """Recompute every link, and the hashes of the contents that are there; the public sees fewer and checks fewer."""
    found = Verified()
    contents = {(row["reference"], row["number"]): row for row in await rows(session, _CONTENTS)}
    previous, expected, seen = BEGINNING, 1, set[tuple[str, int]]()
    while page := await links(session, after=expected - 1, limit=at_a_time):
        for link in page:
            found.links += 1
            if link.number != expected or link.previous != previous or digest_of(link.model_dump()) != link.digest:
                found.problems.append(f"link {link.number} ({link.reference}, {link.event})")
            previous, expected = link.digest, link.number + 1
            if link.event in ("displayed", "published", "corrected"):
                seen.add((link.reference, link.item))
                _check(found, link, contents.get((link.reference, link.item)))
            found.withdrawn += link.event == "withdrawn"
    for key, row in contents.items():
        if key not in seen and row["state"] != "withdrawn":
            found.problems.append(f"{key[0]} version {key[1]} is public and not in the chain")
    return found


def _check(found: Verified, link: Link, row: dict[str, Any] | None) -> None:
    if row is None:
        return  # withdrawn, for a reader who may not see it
    found.contents += 1
    sound = (
        hash_of(row["content"]) == row["content_hash"] == link.content_hash
        and hash_of({"evidence": row["evidence"]}) == row["evidence_hash"] == link.evidence_hash
    )
    if not sound:
        found.problems.append(f"content of {link.reference} version {link.item}")


def problems_of(given: Sequence[Link]) -> list[int]:
    """The numbers of links that do not follow from the ones before, for a chain that somebody brings along."""
    previous = given[0].previous if given else BEGINNING
    wrong = []
    for link in given:
        if link.previous != previous or digest_of(link.model_dump()) != link.digest:
            wrong.append(link.number)
        previous = link.digest
    return wrong
