"""Judging against a bare join of the same tables: `python -m tests.bench.judging --rows 1000000`.

A scratch database is filled with projects, approvals, linked records; then the judging of the nation and two bare joins
run in turns, so that a busy machine slows all of them. The floor asks nothing of a row: it joins and counts.

In the same run a sample is judged a row at a time by ten of the rules in Python (tests.bench._row_judge), and 1,000
changed records are judged and written as after a sync.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from dataclasses import asdict, dataclass
from datetime import date
from typing import Final

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from registry import dirty
from registry.clock import now
from registry.compiling import compile_flags
from registry.database import make_engine, transaction
from registry.fact_texts import Use
from registry.flags import FOR_MANY, Asked, ask_flags, statement_of, states_made
from registry.judging import judge_changed
from registry.law.reading import law
from registry.migrations import upgrade
from tests.bench._row_judge import judge_one

# Five million records are of some 300,000 projects, as many as linking is measured with; one in fifty acts is flagged.
RECORDS_OF_PROJECT: Final = 16
SAMPLE: Final = 2_000
CHANGED: Final = 1_000

_WORLD: Final = (
    """INSERT INTO enterprises (id, reference, created_at) OVERRIDING SYSTEM VALUE
       SELECT n, 'bench:' || n, '2020-01-01' FROM generate_series(1, {projects}) AS n""",
    """INSERT INTO enterprise_versions (enterprise_id, uscc, name, name_normal, region, known_from)
       SELECT n, lpad(n::text, 18, '9'), '示例' || n, '示例' || n, '130200', '2020-01-01'
       FROM generate_series(1, {projects}) AS n""",
    """INSERT INTO projects (id, reference, created_at) OVERRIDING SYSTEM VALUE
       SELECT n, 'bench:' || n, '2020-01-01' FROM generate_series(1, {projects}) AS n""",
    """INSERT INTO project_versions (project_id, code, name, name_normal, owner_id, sector, region, nature, known_from)
       SELECT n, '2014-130200-31-03-' || lpad(n::text, 6, '0'), '项目' || n, '项目' || n, n,
              (ARRAY['steel', 'cement', 'aluminium', 'glass', 'ships', 'other'])[1 + n % 6], '130200',
              CASE WHEN n % 10 = 0 THEN 'renovation' ELSE 'new_build' END, '2020-01-01'
       FROM generate_series(1, {projects}) AS n""",
    """INSERT INTO approvals (approval_id, reference, project_id, kind, issued, expires, revoked, known_from)
       SELECT n, 'bench:' || n, n, 'filing', DATE '2014-01-01' + (n % 90)::integer,
              CASE WHEN n % 40 = 0 THEN DATE '2016-01-01' END, CASE WHEN n % 200 = 1 THEN DATE '2015-06-01' END,
              '2020-01-01'
       FROM generate_series(1, {projects}) AS n""",
    # One project in ten is new capacity: a plan of two units covers its one product from before its first act.
    """INSERT INTO capacity_lines (project_id, product, amount, unit, known_from)
       SELECT n, (ARRAY['crude_steel', 'clinker', 'aluminium', 'flat_glass', 'ships', 'other'])[1 + n % 6], 1000000,
              't/a', '2020-01-01'
       FROM generate_series(1, {projects}, 10) AS n""",
    """INSERT INTO replacement_plans (plan_id, reference, project_id, published, confirmed, announced, listed,
                                      known_from)
       SELECT n, 'bench:' || n, n, '2013-10-10', '2013-11-01', '2013-11-10', '2013-11-10', '2020-01-01'
       FROM generate_series(1, {projects}, 10) AS n""",
    """INSERT INTO plan_units (plan_id, reference, product, amount, unit, retired, known_from)
       SELECT n, 'bench:' || n || '/' || part,
              (ARRAY['crude_steel', 'clinker', 'aluminium', 'flat_glass', 'ships', 'other'])[1 + n % 6], 800000, 't/a',
              '2013-12-31', '2020-01-01'
       FROM generate_series(1, {projects}, 10) AS n, generate_series(1, 2) AS part""",
    # One project in fifty was halted and recognised later, one enterprise in a hundred has a duty it fulfilled.
    """INSERT INTO dispositions (disposition_id, reference, project_id, kind, decided, published, known_from)
       SELECT n * 2 + part, 'bench:' || n || '/' || part, n, CASE part WHEN 0 THEN 'halt' ELSE 'recognise' END,
              DATE '2013-06-01' + part, '2013-07-01', '2020-01-01'
       FROM generate_series(1, {projects}, 50) AS n, generate_series(0, 1) AS part""",
    """INSERT INTO eliminations (elimination_id, reference, enterprise_id, deadline, cured, known_from)
       SELECT n, 'bench:' || n, n, '2011-12-31', '2012-06-01', '2020-01-01'
       FROM generate_series(1, {projects}, 100) AS n""",
    """INSERT INTO equipment (equipment_id, reference, enterprise_id, project_id, equipment_class, size, unit,
                              commissioned, known_from)
       SELECT n, 'bench:F' || n, n, n, 'converter', 120, 't', '2016-01-01', '2020-01-01'
       FROM generate_series(1, {projects}, 10) AS n""",
    """INSERT INTO restrictions (restriction_id, reference, region, since, until, known_from)
       VALUES (1, 'bench:1', '140000', '2014-05-01', '2014-08-31', '2020-01-01')""",
    """INSERT INTO feeds (id) VALUES ('bench')""",
    """INSERT INTO records (record_id, feed, content_hash, raw, source_key, act, acted_on, kind, project_code,
                            party_uscc, party_name, party_name_normal, region, amount, stated_capacity, known_from)
       SELECT n, 'bench', '\\x00', convert_to(repeat('{{"field": "value"}} ', 20), 'UTF8'), n::text,
              (ARRAY['land_grant', 'eia_approval', 'energy_assessment', 'discharge_permit', 'loan', 'loan',
                     'disbursement', 'production_licence'])[1 + n % 8],
              CASE WHEN n % 1000 < 8 THEN DATE '2013-12-01'
                   ELSE DATE '2014-05-01' + (200 * (n % 8 >= 3)::integer + n % 100)::integer END,
              CASE WHEN n % 8 = 5 THEN 'working_capital' END,
              CASE WHEN n % 10 < 7 THEN '2014-130200-31-03-' || lpad((1 + n / {each})::text, 6, '0') END,
              CASE WHEN n % 10 < 9 THEN lpad((1 + n / {each})::text, 18, '9') END, '示例' || 1 + n / {each},
              '示例' || 1 + n / {each},
              CASE WHEN n % 3 = 0 THEN '130200' WHEN n % 3 = 1 THEN '130000' END, n,
              CASE WHEN n % 80 = 1 THEN jsonb_build_array(jsonb_build_object('product',
                   (ARRAY['crude_steel', 'clinker', 'aluminium', 'flat_glass', 'ships', 'other'])
                       [1 + (1 + n / {each}) % 6],
                   'amount', '1000000', 'unit', 't/a')) END, '2020-01-01'
       FROM generate_series(0, {records} - 1) AS n""",
    """INSERT INTO links (record_id, project_id, enterprise_id, outcome, method, known_from)
       SELECT n, 1 + n / {each}, 1 + n / {each}, 'linked', 'project_code', '2020-01-01'
       FROM generate_series(0, {records} - 1) AS n""",
    "VACUUM ANALYZE",
)

# Records meet projects through their links: the least that any judging has to join.
RECORDS_AND_PROJECTS: Final = """
SELECT count(p.sector), count(r.acted_on)
FROM records AS r
JOIN links AS l ON l.record_id = r.record_id AND l.known_to = 'infinity'
JOIN project_versions AS p ON p.project_id = l.project_id AND p.known_to = 'infinity'
WHERE r.known_to = 'infinity'
"""
# And with all that the rules read besides.
SAME_TABLES: Final = """
SELECT count(p.sector), count(a.issued), count(r.acted_on)
FROM records AS r
JOIN links AS l ON l.record_id = r.record_id AND l.known_to = 'infinity'
JOIN project_versions AS p ON p.project_id = l.project_id AND p.known_to = 'infinity'
LEFT JOIN enterprise_versions AS e ON e.enterprise_id = p.owner_id AND e.known_to = 'infinity'
LEFT JOIN approvals AS a ON a.project_id = l.project_id AND a.known_to = 'infinity'
WHERE r.known_to = 'infinity'
"""


@dataclass(frozen=True)
class Comparison:
    """One floor beside us: rows a second of both (medians), and our time as a multiple of the floor's."""

    floor: str
    rows: int
    flagged: int
    floor_rows_per_second: float
    our_rows_per_second: float
    times_floor: float
    times_floor_least: float
    times_floor_most: float


@dataclass(frozen=True)
class Beside:
    """A row at a time, and what changed: rows a second of the one, seconds of the other."""

    sample: int
    row_at_a_time_per_second: float
    times_row_at_a_time: float
    changed: int
    changed_seconds: float


async def run(server: str, rows: int, *, rounds: int = 5, explain: bool = False) -> tuple[list[Comparison], Beside]:
    """Fill a scratch database on a server, measure in turns, drop it."""
    name = f"tg_bench_judging_{os.getpid()}"
    administration = await asyncpg.connect(server)
    try:
        await administration.execute(f'CREATE DATABASE "{name}"')
        try:
            dsn = server.rsplit("/", 1)[0] + "/" + name
            await upgrade(dsn)
            connection = await asyncpg.connect(dsn)
            try:
                await _fill(connection, rows)
                engine = make_engine(dsn)
                try:
                    found = await _measure(engine, rows, rounds, explain=explain)
                finally:
                    await engine.dispose()
                return found, await _beside(connection, dsn, rows, found[0].our_rows_per_second)
            finally:
                await connection.close()
        finally:
            await administration.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await administration.close()


def world(rows: int) -> list[str]:
    """The statements that fill a database with so many records."""
    projects = 1 + rows // RECORDS_OF_PROJECT
    return [one.format(projects=projects, records=rows, each=RECORDS_OF_PROJECT) for one in _WORLD]


async def _fill(connection: asyncpg.Connection, rows: int) -> None:
    for statement in world(rows):
        await connection.execute(statement)


async def _measure(engine: AsyncEngine, rows: int, rounds: int, *, explain: bool) -> list[Comparison]:
    """The judging that every night does, with all it makes beforehand, and the floors, in turns in one session."""
    floors = {"records, links and projects": RECORDS_AND_PROJECTS, "the same tables": SAME_TABLES}
    asked = Asked(Use("nation"), date(2020, 12, 31), many=True)
    times: dict[str, list[float]] = {name: [] for name in ("", *floors)}
    async with transaction(engine) as session:
        connection = await session.connection()
        if explain:
            async with states_made(session, asked, law()) as use:
                statement, values = await statement_of(
                    session, asked, f"EXPLAIN (ANALYZE, COSTS OFF) {compile_flags(use)}"
                )
                for line in await connection.execute(statement, values):
                    print(line[0])
        flagged = len(await ask_flags(session, asked))
        for _ in range(rounds):
            started = time.perf_counter()
            await ask_flags(session, asked)
            times[""].append(time.perf_counter() - started)
            for setting, value in FOR_MANY:
                await connection.execute(text(f"SET LOCAL {setting} = {value}"))
            for name, sql in floors.items():
                started = time.perf_counter()
                await connection.execute(text(sql))
                times[name].append(time.perf_counter() - started)
    found = []
    for name in floors:
        ratios = [mine / bare for mine, bare in zip(times[""], times[name], strict=True)]
        found.append(
            Comparison(
                floor=name,
                rows=rows,
                flagged=flagged,
                floor_rows_per_second=round(rows / statistics.median(times[name])),
                our_rows_per_second=round(rows / statistics.median(times[""])),
                times_floor=round(statistics.median(ratios), 2),
                times_floor_least=round(min(ratios), 2),
                times_floor_most=round(max(ratios), 2),
            )
        )
    return found


async def _beside(connection: asyncpg.Connection, dsn: str, rows: int, ours: float) -> Beside:
    """The judge of one row at a time on a sample of its own, and the incremental judging."""
    sample = await connection.fetch(
        "SELECT record_id FROM records WHERE known_to = 'infinity' AND record_id % $1 = 7 ORDER BY record_id LIMIT $2",
        max(rows // SAMPLE, 1),
        SAMPLE,
    )
    started = time.perf_counter()
    for row in sample:
        await judge_one(connection, row["record_id"])
    alone = len(sample) / (time.perf_counter() - started)
    engine = make_engine(dsn)
    try:
        seconds = [await _judge_changed(engine, rows, turn) for turn in range(3)]
    finally:
        await engine.dispose()
    return Beside(len(sample), round(alone), round(ours / alone, 1), CHANGED, round(statistics.median(seconds), 2))


async def _judge_changed(engine: AsyncEngine, rows: int, turn: int) -> float:
    """Mark records of projects all over the register, judge them and write what comes out; seconds."""
    async with transaction(engine) as session:
        # Out of step with the world above: of these as many are flagged as of any others.
        step = max(rows // CHANGED - 3, 1)
        await dirty.mark(session, "judge", "record", [1 + turn + step * number for number in range(CHANGED)])
    started = time.perf_counter()
    async with transaction(engine) as session:
        await judge_changed(session, now())
    return time.perf_counter() - started


def main() -> None:
    """Measure on THREEGATES_DATABASE_URL and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--explain", action="store_true", help="print the plan with its times first")
    options = parser.parse_args()
    found, beside = asyncio.run(
        run(os.environ["THREEGATES_DATABASE_URL"], options.rows, rounds=options.rounds, explain=options.explain)
    )
    if options.json:
        print(json.dumps([*(asdict(one) for one in found), asdict(beside)]))
        return
    for one in found:
        print(
            f"judging {one.rows:,} linked records: {one.our_rows_per_second:,.0f}/s, {one.flagged:,} flags; "
            f"bare join of {one.floor}: {one.floor_rows_per_second:,.0f}/s; "
            f"{one.times_floor} times the join ({one.times_floor_least} to {one.times_floor_most})"
        )
    print(
        f"a row at a time ({beside.sample:,} records): {beside.row_at_a_time_per_second:,.0f}/s; judging in one pass "
        f"is {beside.times_row_at_a_time} times as fast; {beside.changed:,} changed records: {beside.changed_seconds} s"
    )


if __name__ == "__main__":
    main()
