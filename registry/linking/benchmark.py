"""Measuring the production linker on a labelled set: load it into an empty register, link, compare with the truth."""

import resource
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.clock import now
from registry.database import driver, json_text, transaction
from registry.errors import BadInput
from registry.identifiers import project_code, uscc
from registry.identifiers.problem import BadIdentifier
from registry.linking.likely import METHOD
from registry.linking.models import active_model
from registry.linking.running import link_waiting
from registry.linking.sets import LinkageSet, Row, owner_of
from registry.linking.training import reliability
from registry.names import normalise

FEED: Final = "link-bench"


@dataclass(frozen=True, slots=True)
class Measured:
    """What came out; precision, recall and f1 are of links made without a person."""

    records: int
    linked: int
    to_review: int
    precision: float
    recall: float
    f1: float
    recall_with_review: float
    false_merges: float
    seconds: float
    records_per_second: float
    peak_rss_mb: float
    # What scores say beside what is true: rows of from, to, pairs, said, true; of links and candidates by likeness.
    reliability: list[dict[str, float]]
    model: str


async def measure(engine: AsyncEngine, given: LinkageSet) -> Measured:
    """Load into the engine's empty database, link until nothing waits, compare; the truth is read for scoring alone."""
    at = now()
    async with transaction(engine) as session:
        await load(session, given, at)
    seconds = await timed_linking(engine)
    async with transaction(engine) as session:
        connection = await session.connection()
        found = await connection.execute(text(_OUTCOMES))
        rows = [(key, outcome, code, list(offered or ())) for key, outcome, code, offered in found]
        scored = [(key, position, score) for key, position, score in await connection.execute(text(_SCORED))]
        model = await active_model(connection)
    return _compared(given, rows, scored, seconds, model.version)


async def timed_linking(engine: AsyncEngine) -> float:
    """Link until nothing waits, as `threegates relink` does; returns seconds."""
    started = time.perf_counter()
    await link_waiting(engine, lambda _: None)
    return time.perf_counter() - started


# What a person would be shown for a record that was left open: the projects that were weighed.
_OUTCOMES: Final = """
SELECT r.source_key, l.outcome, CAST(substr(p.reference, 7) AS integer),
       ARRAY(SELECT CAST(substr(o.reference, 7) AS integer)
             FROM jsonb_array_elements_text(l.evidence -> 'projects') AS one JOIN projects AS o ON o.id = one::bigint)
FROM records AS r
JOIN links AS l ON l.record_id = r.record_id AND l.known_to = 'infinity'
LEFT JOIN projects AS p ON p.id = l.project_id
WHERE r.known_to = 'infinity'
"""

# Every score that likeness gave: of links and of candidates for review.
_SCORED: Final = f"""
SELECT r.source_key, CAST(substr(p.reference, 7) AS integer), s.score
FROM (SELECT record_id, project_id, score FROM links WHERE known_to = 'infinity' AND method = '{METHOD}'
      UNION ALL SELECT record_id, project_id, score FROM link_candidates WHERE known_to = 'infinity' AND model <> '')
     AS s
JOIN records AS r ON r.record_id = s.record_id AND r.known_to = 'infinity'
JOIN projects AS p ON p.id = s.project_id
"""


def _compared(
    given: LinkageSet,
    rows: Iterable[tuple[str, str, int | None, list[int]]],
    scored: Sequence[tuple[str, int, float]],
    seconds: float,
    model: str,
) -> Measured:
    meant_by = {code: row["code"] for code, row in enumerate(given.projects)}
    linked: set[tuple[str, str]] = set()
    offered: set[tuple[str, str]] = set()
    reviewed = 0
    for key, outcome, position, others in rows:
        if outcome == "linked" and position is not None:
            linked.add((key, meant_by[position]))
        elif outcome == "unlinked" and others:
            reviewed += 1
            offered |= {(key, meant_by[other]) for other in others}
    truth = {(record, project) for record, projects in given.truth.items() for project in projects}
    right = len(linked & truth)
    precision, recall = right / (len(linked) or 1), right / (len(truth) or 1)
    records = len(given.records)
    return Measured(
        records=records,
        linked=len({record for record, _ in linked}),
        to_review=reviewed,
        precision=round(precision, 5),
        recall=round(recall, 5),
        f1=round(2 * precision * recall / ((precision + recall) or 1), 5),
        recall_with_review=round(len((linked | offered) & truth) / (len(truth) or 1), 5),
        false_merges=round(len({record for record, _ in linked - truth}) / (records or 1), 5),
        seconds=round(seconds, 3),
        records_per_second=round(records / seconds, 1),
        peak_rss_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        reliability=reliability(
            np.array([score for _, _, score in scored], np.float64),
            np.array([(key, meant_by[position]) in truth for key, position, _ in scored], np.bool_),
        ),
        model=model,
    )


async def load(session: AsyncSession, given: LinkageSet, at: datetime) -> None:
    """Put a set into an empty register, everything by COPY: what is measured is the linking."""
    owners: dict[str, int] = {}
    names: dict[tuple[int, str], tuple[str, str]] = {}
    first: dict[int, Row] = {}
    for row in given.projects:
        owner = owners.setdefault(owner_of(row), len(owners) + 1)
        first.setdefault(owner, row)
        for name in row["former_names"].split("|"):
            if name:
                names.setdefault((owner, normalise(name).text), (name, "former"))
        names[owner, normalise(row["owner_name"]).text] = (row["owner_name"], "registered")
    connection = await driver(session)

    async def copy(table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
        await connection.copy_records_to_table(table, records=rows, columns=columns.split())

    created = "id reference created_at"
    await copy("enterprises", created, ((number, f"bench:{number}", at) for number in first))
    await copy(
        "enterprise_versions",
        "enterprise_id uscc name name_normal region known_from",
        ((number, _uscc(row["owner_uscc"])[0], row["owner_name"], normalise(row["owner_name"]).text,
          row["region"] or None, at) for number, row in first.items()),
    )  # fmt: skip
    await copy(
        "enterprise_names",
        "enterprise_id name name_normal kind known_from",
        ((owner, name, normal, kind, at) for (owner, normal), (name, kind) in names.items() if normal),
    )
    await copy("projects", created, ((one + 1, f"bench:{one}", at) for one in range(len(given.projects))))
    await copy(
        "project_versions",
        "project_id code name name_normal owner_id sector region address known_from",
        ((one + 1, _code(row["code"])[0], row["name"], normalise(row["name"]).text, owners[owner_of(row)],
          row["sector"] or "other", row["region"] or None, row["address"], at)
         for one, row in enumerate(given.projects)),
    )  # fmt: skip
    await connection.execute("INSERT INTO feeds (id) VALUES ($1)", FEED)
    await copy(
        "records",
        "record_id feed content_hash raw source_key act acted_on project_code project_name project_name_normal "
        "party_name party_name_normal party_uscc region address details known_from",
        (_record(number, row, at) for number, row in enumerate(given.records, start=1)),
    )
    await connection.execute(
        "INSERT INTO dirty_marks (purpose, kind, id) SELECT 'link', 'record', record_id FROM records ORDER BY 2, 3"
    )


def _record(number: int, row: Row, at: datetime) -> tuple[Any, ...]:
    code, code_warns = _code(row["project_code"])
    holder, holder_warns = _uscc(row["party_uscc"])
    warnings = {name: told for name, told in (("project_code", code_warns), ("party_uscc", holder_warns)) if told}
    try:
        day = date.fromisoformat(row["on"])
    except ValueError:
        raise BadInput(
            f"records.csv: {row['id']} has no date in `on`: {row['on']!r}.", remedy="Write 2015-06-30."
        ) from None
    project, party = row["project_name"], row["party_name"]
    return (
        number, FEED, b"", b"", row["id"], row["act"], day, code, project or None,
        normalise(project).text or None, party or None, normalise(party).text or None, holder, row["region"] or None,
        row["address"] or None, json_text({"warnings": warnings}) if warnings else None, at,
    )  # fmt: skip


def _read(parse: Callable[[str], Any], value: str) -> tuple[str | None, list[str]]:
    """The normal form and what warned; what is no such identifier at all is kept as nothing, as storing does."""
    if not value:
        return None, []
    try:
        parsed = parse(value)
    except BadIdentifier:
        return None, []
    return parsed.value, [warning.code for warning in parsed.warnings]


def _code(value: str) -> tuple[str | None, list[str]]:
    return _read(project_code.parse, value)


def _uscc(value: str) -> tuple[str | None, list[str]]:
    return _read(uscc.parse, value)
