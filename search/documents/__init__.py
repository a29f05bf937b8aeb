"""Documents: made by PostgreSQL from what is stored, passed on as bytes; Python only sorts them by index."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import asyncpg

from registry.acts import LANE_OF_ACT
from registry.audience import CREDIT_LANE
from registry.project_columns import WORDS
from search.mapping import TARGET_OF, TARGETS_OF_KIND, Kind, Target

_FOLDER: Final = Path(__file__).parent
_FILES: Final[dict[Kind, str]] = {
    "project": "projects.sql",
    "enterprise": "enterprises.sql",
    "record": "records.sql",
    "publication": "publications.sql",
    "suspected": "suspected.sql",
}
# Every id that ever was, so that a digest of the database covers what the index may hold.
_ALL: Final[dict[Kind, str]] = {
    "project": "SELECT id FROM projects",
    "enterprise": "SELECT id FROM enterprises",
    "record": "SELECT record_id AS id FROM records WHERE known_to = 'infinity'",
    "publication": "SELECT id FROM publications WHERE public_since IS NOT NULL",
    "suspected": "SELECT id FROM suspected_projects",
}
_GIVEN: Final = "SELECT DISTINCT unnest($1::bigint[]) AS id"

# An act that no list names is taken for confidential: the index of credit is the safe one.
_LANE: Final = "CASE r.act " + " ".join(f"WHEN '{act}' THEN '{lane}'" for act, lane in LANE_OF_ACT.items()) + " END"
_OPEN_ACTS: Final = ", ".join(f"'{act}'" for act, lane in LANE_OF_ACT.items() if lane != CREDIT_LANE)
CONFIDENTIAL: Final = f"(r.act NOT IN ({_OPEN_ACTS}))"
# The reading's first letters; digits and letters of a name count as syllables.
_INITIALS: Final = r"nullif(left(regexp_replace({of}.name_pinyin, '(\S)\S*\s*', '\1', 'g'), 100), '')"

# How people call what is made, as project files call it: the words of each product.
_PRODUCTS: Final = ", ".join(
    f"('{code}', '{' '.join([*words, code.replace('_', ' ')])}')"
    for code, words in (
        (code, [word for word, of in WORDS["capacities.product"].items() if of == code])
        for code in sorted(set(WORDS["capacities.product"].values()))
    )
)

# The words (search.mapping.TARGET_OF) under which documents of these ids ever stood in an index.
_LIVED: Final[dict[Kind, str]] = {
    "record": f"""
        SELECT r.record_id AS id, CASE WHEN {CONFIDENTIAL} THEN 'credit' ELSE 'public' END AS audience
        FROM records AS r WHERE r.record_id = ANY($1)
        UNION
        SELECT r.record_id, CASE WHEN {CONFIDENTIAL} THEN 'marked-credit' ELSE 'marked' END
        FROM records AS r WHERE r.record_id = ANY($1)
          AND EXISTS (SELECT FROM gate_marks AS m WHERE m.record_id = r.record_id)
    """,
    "suspected": """
        SELECT DISTINCT v.suspected_id AS id, CASE WHEN v.credit_only THEN 'official-credit' ELSE 'official' END
            AS audience
        FROM suspected_versions AS v WHERE v.suspected_id = ANY($1)
    """,
}


@dataclass(frozen=True, slots=True)
class Document:
    """One document on its way: the index it belongs to, its id there, its JSON as PostgreSQL wrote it."""

    target: Target
    id: int
    body: bytes


@lru_cache(maxsize=16)
def select(kind: Kind, *, given: bool) -> str:
    """The SELECT of a kind's documents: of the ids bound to $1, or of all."""
    statement = (_FOLDER / _FILES[kind]).read_text(encoding="utf-8")
    return statement.format(
        asked=_GIVEN if given else _ALL[kind],
        lane=_LANE,
        confidential=CONFIDENTIAL,
        products=_PRODUCTS,
        initials=_INITIALS.format(of="d"),
        owner_initials=_INITIALS.format(of="owner"),
    )


def _as_bytes(kind: Kind, *, given: bool) -> str:
    return f"SELECT d.id, d.audience, convert_to(row_to_json(d)::text, 'UTF8') FROM ({select(kind, given=given)}) AS d"


async def given_documents(connection: asyncpg.Connection, kind: Kind, ids: Collection[int]) -> list[Document]:
    """The documents of these ids as the register knows them now; an id without one is left out."""
    rows = await connection.fetch(_as_bytes(kind, given=True), list(ids))
    return [Document(TARGET_OF[kind, audience], id_, body) for id_, audience, body in rows]


async def all_documents(
    connection: asyncpg.Connection, kind: Kind, *, at_once: int = 2000
) -> AsyncIterator[list[Document]]:
    """Every document of a kind, in portions, from one snapshot of the transaction that the connection is in."""
    cursor = await connection.cursor(_as_bytes(kind, given=False))
    while rows := await cursor.fetch(at_once):
        yield [Document(TARGET_OF[kind, audience], id_, body) for id_, audience, body in rows]


async def gone(
    connection: asyncpg.Connection, kind: Kind, ids: Collection[int], documents: Collection[Document]
) -> list[tuple[Target, int]]:
    """Where these ids may still stand in an index and must not: (target, id) pairs to be marked as deleted.

    A record whose act was corrected changes index, so all indices it ever lived in count. An id that the register
    never knew is looked for everywhere.
    """
    present = {(document.target, document.id) for document in documents}
    lived: dict[int, list[Target]] = {}
    if kind in _LIVED:
        for id_, audience in await connection.fetch(_LIVED[kind], list(ids)):
            lived.setdefault(id_, []).append(TARGET_OF[kind, audience])
    return [
        (target, id_) for id_ in ids for target in lived.get(id_, TARGETS_OF_KIND[kind]) if (target, id_) not in present
    ]


def grave(kind: Kind, id_: int) -> bytes:
    """What stands for a removed document: a tombstone of Elasticsearch's own would be collected (PITFALLS 2)."""
    return b'{"kind":"%s","id":%d,"key":"%s:%d","deleted":true}' % (kind.encode(), id_, kind.encode(), id_)


_DIGEST: Final = """
SELECT id, audience, ('x' || left(hash, 16))::bit(64)::bigint AS hash
FROM (SELECT d.id, d.audience, md5(row_to_json(d)::text) AS hash FROM ({documents}) AS d) AS hashed
"""


def digest(kind: Kind, buckets: int) -> str:
    """The SELECT of (audience, bucket, count, hash): a bucket's hashes folded; ids are part of them."""
    return (
        f"SELECT audience, (id % {buckets})::integer AS bucket, count(*), bit_xor(hash) AS hash "
        f"FROM ({_DIGEST.format(documents=select(kind, given=False))}) AS d GROUP BY 1, 2"
    )


def hashes(kind: Kind, buckets: int) -> str:
    """The SELECT of (audience, id, hash) of all documents in the buckets bound to $1."""
    return (
        f"SELECT audience, id, hash FROM ({_DIGEST.format(documents=select(kind, given=False))}) AS d "
        f"WHERE id % {buckets} = ANY($1)"
    )
