"""Scoring links against a truth: for the command and the tests; the linker itself never sees it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

# (feed, source key) -> references of the projects it belongs to; an empty set where it belongs to none.
Truth = Mapping[tuple[str, str], set[str]]


@dataclass(slots=True)
class Score:
    """What became of one feed's records."""

    records: int = 0
    linked: int = 0
    unlinked: int = 0
    none: int = 0
    wrong: int = 0  # linked to another project than its own, or said to fit none though it belongs to one
    missed: int = 0  # unlinked though it belongs to a project


def read_truth(rows: Iterable[Mapping[str, str]]) -> dict[tuple[str, str], set[str]]:
    """The truth of rows with agency, source_key and project_reference (empty: none; several rows: several)."""
    truth: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        projects = truth.setdefault((row["agency"], row["source_key"]), set())
        if row["project_reference"]:
            projects.add(row["project_reference"])
    return truth


async def score_links(session: AsyncSession, truth: Truth | None) -> dict[str, Score]:
    """Counts by feed; without a truth `wrong` and `missed` stay 0."""
    rows = await (await session.connection()).execute(
        text(
            "SELECT r.feed, r.source_key, l.outcome, p.reference FROM records AS r "
            "JOIN links AS l ON l.record_id = r.record_id AND l.known_to = 'infinity' "
            "LEFT JOIN projects AS p ON p.id = l.project_id WHERE r.known_to = 'infinity'"
        )
    )
    scores: dict[str, Score] = {}
    for feed, key, outcome, reference in rows:
        score = scores.setdefault(feed, Score())
        score.records += 1
        setattr(score, outcome, getattr(score, outcome) + 1)
        expected = truth.get((feed, key)) if truth is not None else None
        if expected is None:
            continue
        if outcome == "linked":
            score.wrong += reference not in expected
        elif expected:
            score.wrong += outcome == "none"
            score.missed += outcome == "unlinked"
    return scores
