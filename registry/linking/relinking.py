"""What linking everything anew would change, before it does."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.dirty import UNSETTLED_RECORDS
from registry.linking import BATCH, claim_records, decide

# So many changes are told one by one, of each kind.
EXAMPLES: Final = 20

_DUE: Final = f"""
SELECT record_id FROM records
WHERE known_to = 'infinity' AND record_id > :after AND record_id NOT IN ({UNSETTLED_RECORDS})
ORDER BY record_id LIMIT :limit
"""
_CHANGES: Final = """
SELECT n.record_id, r.feed, r.source_key, o.outcome, o.projects, n.outcome AS new_outcome, n.projects AS new_projects,
       n.method, n.score
FROM (SELECT record_id, min(outcome) AS outcome, min(method) AS method, max(score) AS score,
             array_agg(project_id ORDER BY project_id) FILTER (WHERE project_id IS NOT NULL) AS projects
      FROM differing GROUP BY record_id) AS n
LEFT JOIN (SELECT record_id, min(outcome) AS outcome,
                  array_agg(project_id ORDER BY project_id) FILTER (WHERE project_id IS NOT NULL) AS projects
           FROM links WHERE known_to = 'infinity' GROUP BY record_id) AS o USING (record_id)
JOIN records AS r ON r.record_id = n.record_id AND r.known_to = 'infinity'
ORDER BY n.record_id
"""


@dataclass(frozen=True, slots=True)
class Change:
    """One record whose link would come out otherwise; projects are ids."""

    record_id: int
    feed: str
    source_key: str
    before: str  # linked, unlinked, none; '' where it has no link yet
    after: str
    projects_before: list[int]
    projects_after: list[int]
    method: str
    score: float | None

    @property
    def kind(self) -> str:
        """From what to what; `evidence` where outcome and projects stay."""
        if self.before == self.after and self.projects_before == self.projects_after:
            return "evidence"
        return f"{self.before or 'new'} > {'another project' if self.before == self.after == 'linked' else self.after}"


@dataclass
class Preview:
    """What would change: how many of each kind, and examples."""

    records: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    examples: list[Change] = field(default_factory=list)


async def preview_relinking(engine: AsyncEngine, told: Callable[[int], None] = lambda _: None) -> Preview:
    """Link every record as now, write nothing; what a person decided is not touched and not counted.

    `told` hears after every batch how many records it had.
    """
    preview, after = Preview(), 0
    while True:
        async with AsyncSession(engine) as session:
            connection = await session.connection()
            found = await connection.execute(text(_DUE), {"after": after, "limit": BATCH})
            ids = list(found.scalars())
            if ids:
                await claim_records(connection, ids)
                await decide(connection)
                _count(preview, len(ids), list(await connection.exec_driver_sql(_CHANGES)))
            await session.rollback()
        if not ids:
            return preview
        told(len(ids))
        after = ids[-1]


def _count(preview: Preview, records: int, rows: list[Any]) -> None:
    preview.records += records
    for record_id, feed, key, before, old, outcome, new, method, score in rows:
        change = Change(record_id, feed, key, before or "", outcome, old or [], new or [], method, score)
        if preview.kinds[change.kind] < EXAMPLES and change.kind != "evidence":
            preview.examples.append(change)
        preview.kinds[change.kind] += 1
