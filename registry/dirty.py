"""Dirty marks: the one way to say that something changed, to claim what awaits work, and to settle it.

Whoever changes a row marks it in the same transaction; a worker claims, works, and settles in one transaction.
A mark that was renewed meanwhile survives its settling (decision 6).
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, text
from sqlmodel.ext.asyncio.session import AsyncSession

Purpose = Literal["link", "judge", "alert", "index"]
# Of findings the marks name the version, and await alerts alone; publications and suspected projects await indexing
# alone. A plan of a whole region belongs to no project: its own mark has it judged.
Kind = Literal["record", "project", "enterprise", "finding", "publication", "suspected", "rectification"]

PURPOSES: Final[tuple[Purpose, ...]] = ("link", "judge", "alert", "index")
KINDS: Final[tuple[Kind, ...]] = (
    "record", "project", "enterprise", "finding", "publication", "suspected", "rectification",
)  # fmt: skip

# What is worked off apart, so that the small never waits for the big: a run is big as long as more of its marks await a
# purpose. What no run brought counts as one run. Stays below what statistics.refresh analyses for: locks of an ANALYZE.
Lane = Literal["small", "big"]
LANES: Final[tuple[Lane, ...]] = ("small", "big")
MOST_SMALL: Final = 300

# Ends every INSERT INTO dirty_marks (purpose, kind, id, run_id). A mark stays with the latest run that touched it, so
# that a mark made for another reason does not uncover what a held run brought.
MARK_AGAIN: Final = (
    "ON CONFLICT (purpose, kind, id) DO UPDATE SET mark = nextval('dirty_mark_sequence'), "
    "run_id = coalesce(EXCLUDED.run_id, dirty_marks.run_id)"
)

# Runs whose records may not be linked or judged yet: still under way, or held for a person.
UNSETTLED_RUNS: Final = "SELECT id FROM sync_runs WHERE state IN ('queued', 'running', 'held')"

# Records whose newest version an unsettled run brought. Linking, judging changed records and judging the nation all
# leave these alone: a held feed raises and clears no flag.
UNSETTLED_RECORDS: Final = (
    f"SELECT id FROM dirty_marks WHERE purpose = 'link' AND kind = 'record' AND run_id IN ({UNSETTLED_RUNS})"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One mark as it was read; settling removes it only while it is still this one."""

    kind: str
    id: int
    mark: int
    run: int | None = None


def ids_of(claims: Iterable[Claim], kind: Kind) -> list[int]:
    """The ids of one kind among claims, in order of their marks."""
    return [claim.id for claim in claims if claim.kind == kind]


def run_of(claims: Collection[Claim]) -> int | None:
    """The run that most of these came from: what follows from them keeps its turn."""
    return Counter(claim.run for claim in claims).most_common(1)[0][0] if claims else None


async def mark(
    session: AsyncSession, purpose: Purpose, kind: Kind, ids: Collection[int], *, run_id: int | None = None
) -> None:
    """Say in the transaction of the change that these ids await `purpose`; ids may repeat."""
    if not ids:
        return
    statement = text(
        "INSERT INTO dirty_marks (purpose, kind, id, run_id) "
        # One order everywhere, so that two who mark the same ids wait for each other and never deadlock.
        "SELECT DISTINCT :purpose, :kind, one, CAST(:run_id AS bigint) FROM unnest(:ids) AS one ORDER BY one "
        + MARK_AGAIN
    ).bindparams(
        bindparam("purpose", purpose, Text),
        bindparam("kind", kind, Text),
        bindparam("ids", list(ids), ARRAY(BigInteger)),
        bindparam("run_id", run_id, BigInteger),
    )
    await (await session.connection()).execute(statement)


async def claim(
    session: AsyncSession,
    purpose: Purpose,
    *,
    limit: int = 20_000,
    lane: Lane | None = None,
) -> list[Claim]:
    """Lock and return up to `limit` marks that nobody else is working on; settle them before commit.

    Each run has its turn, the small ones first, so that one record does not wait behind a sync of a hundred thousand;
    within a run the oldest come first. What no run brought (a person's change, what follows from linking) is taken half
    from its newest and half from its oldest: neither waits for long.
    What an unsettled run brought is left out: for linking by the mark's run, for judging by the record's.
    Indexing takes everything: search shows what agencies sent, flags come from judging.
    A `lane` takes only the small runs, or only the big ones.
    """
    connection = await session.connection()
    settled = ""
    values: dict[str, Any] = {"purpose": purpose}
    if purpose != "index":
        unsettled = (await connection.execute(text(UNSETTLED_RUNS))).scalars().all()
        if unsettled:
            values["unsettled"] = list(unsettled)
            settled = "AND (run_id IS NULL OR run_id <> ALL(:unsettled)) "
            if purpose == "judge":
                settled += (
                    "AND NOT (kind = 'record' AND EXISTS (SELECT FROM dirty_marks AS arriving WHERE "
                    "arriving.purpose = 'link' AND arriving.kind = 'record' AND arriving.id = dirty_marks.id "
                    "AND arriving.run_id = ANY(:unsettled))) "
                )
    binds: list[Any] = [bindparam("purpose", type_=Text)]
    binds += [bindparam("unsettled", type_=ARRAY(BigInteger))] if settled else []
    where = f"FROM dirty_marks WHERE purpose = :purpose {settled}"
    counted = text(_WAITING.format(where=where)).bindparams(*binds, bindparam("most", type_=BigInteger))
    runs = [
        (run, waiting)
        for run, waiting in await connection.execute(counted, {**values, "most": max(limit, MOST_SMALL) + 1})
        if lane is None or (waiting <= MOST_SMALL) == (lane == "small")
    ]
    # Runs that are taken whole come in one look, however many; each other is read in the order of its marks.
    waits = dict(runs)
    turns = _turns(runs, limit)
    whole = [run for run, _, share in turns if share == waits[run]]
    looks: list[tuple[str, dict[str, Any], int]] = []
    if whole:
        of = "(run_id = ANY(CAST(:runs AS bigint[])) OR CAST(:none AS boolean) AND run_id IS NULL) ORDER BY mark"
        told = {"runs": [run for run in whole if run is not None], "none": None in whole}
        looks.append((of, told, sum(waits[run] for run in whole)))
    for run, order, share in turns:
        if share != waits[run]:
            of = "run_id IS NULL" if run is None else "run_id = CAST(:run AS bigint)"
            # By the run as well: else PostgreSQL does not see that the index has this order, and sorts all that waits.
            of += f" ORDER BY run_id {order}, mark {order}"
            looks.append((of, {} if run is None else {"run": run}, share))
    claims: list[Claim] = []
    for of, told, share in looks:
        if share > 0 and len(claims) < limit:
            found = await connection.execute(
                text(
                    f"SELECT kind, id, mark, run_id {where} AND {of} LIMIT :limit FOR UPDATE OF dirty_marks SKIP LOCKED"
                ).bindparams(*binds, bindparam("limit", type_=BigInteger)),
                {**values, **told, "limit": min(share, limit - len(claims))},
            )
            claims += [Claim(kind, id_, mark_, run) for kind, id_, mark_, run in found]
    # What was taken from both ends may be the same.
    return list({(claim.kind, claim.id): claim for claim in claims}.values())


# How many marks of each run wait; of a million no more are counted than tells that it is many.
_WAITING: Final = """
WITH RECURSIVE runs AS (
    SELECT min(run_id) AS run_id FROM dirty_marks WHERE purpose = :purpose
    UNION ALL
    SELECT (SELECT min(d.run_id) FROM dirty_marks AS d WHERE d.purpose = :purpose AND d.run_id > runs.run_id)
    FROM runs WHERE runs.run_id IS NOT NULL
)
SELECT run_id, waiting FROM (
    SELECT runs.run_id, (SELECT count(*) FROM (SELECT {where} AND run_id = runs.run_id LIMIT :most) AS each) AS waiting
    FROM runs WHERE runs.run_id IS NOT NULL
    UNION ALL
    SELECT NULL, (SELECT count(*) FROM (SELECT {where} AND run_id IS NULL LIMIT :most) AS each)
) AS counted
WHERE waiting > 0
ORDER BY waiting
"""


def _turns(runs: list[tuple[int | None, int]], limit: int) -> list[tuple[int | None, str, int]]:
    """(run, order, how many) of one claim; `runs` are those that wait with their counts, the small ones first.

    Beside a small run a big one has a quarter: what is urgent is done at once.
    """
    turns: list[tuple[int | None, str, int]] = []
    left = limit
    some_small = any(waiting <= limit // 4 for _, waiting in runs)
    for place, (run, waiting) in enumerate(runs):
        share = max(1, left // (len(runs) - place))
        if some_small and waiting > limit // 4:
            share = max(1, min(share, limit // 4))
        share = min(share, waiting)
        if run is None and waiting > share:
            turns += [(None, "DESC", share - share // 2), (None, "ASC", share // 2)]
        else:
            turns.append((run, "ASC", share))
        left = max(0, left - share)
    return turns


async def settle(session: AsyncSession, purpose: Purpose, claims: Collection[Claim]) -> int:
    """Remove claimed marks that nobody renewed; returns how many went."""
    if not claims:
        return 0
    statement = text(
        "DELETE FROM dirty_marks USING unnest(:kinds, :ids, :marks) AS done (kind, id, mark) "
        "WHERE dirty_marks.purpose = :purpose AND dirty_marks.kind = done.kind "
        "AND dirty_marks.id = done.id AND dirty_marks.mark = done.mark"
    ).bindparams(
        bindparam("purpose", purpose, Text),
        bindparam("kinds", [claim.kind for claim in claims], ARRAY(Text)),
        bindparam("ids", [claim.id for claim in claims], ARRAY(BigInteger)),
        bindparam("marks", [claim.mark for claim in claims], ARRAY(BigInteger)),
    )
    return (await (await session.connection()).execute(statement)).rowcount


async def how_many(session: AsyncSession, purpose: Purpose, *, most: int) -> int:
    """How many marks await a purpose, those of unsettled runs included; counted up to `most`."""
    counted = text("SELECT count(*) FROM (SELECT FROM dirty_marks WHERE purpose = :purpose LIMIT :most) AS each")
    found = await (await session.connection()).execute(counted, {"purpose": purpose, "most": most})
    return int(found.scalar_one())


async def waiting(session: AsyncSession) -> dict[str, int]:
    """How many marks await each purpose, those of unsettled runs included under their own word `held`."""
    rows = await (await session.connection()).execute(
        text(
            f"SELECT CASE WHEN run_id IN ({UNSETTLED_RUNS}) THEN 'held' ELSE purpose END AS word, count(*) "
            "FROM dirty_marks GROUP BY 1"
        )
    )
    counts = dict.fromkeys((*PURPOSES, "held"), 0)
    counts.update((word, count) for word, count in rows)
    return counts
