"""Judging against a bare join of the same tables: `python -m tests.bench.judging --rows 1000000`.

A scratch database is filled with projects, approvals, linked records; then the compiled rules and two bare joins run in
turns, so that a busy machine slows all of them. The floor asks nothing of a row: it joins and counts.
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

from registry.compiling import Use, compile_flags
from registry.migrations import upgrade

# One project has eight records; one in fifty acts is flagged.
RECORDS_OF_PROJECT: Final = 8
SETTINGS: Final = ("SET work_mem = '256MB'", "SET hash_mem_multiplier = 4", "SET jit = off")

WORLD: Final = (
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
              CASE WHEN n % 10 < 7 THEN '2014-130200-31-03-' || lpad((1 + n / 8)::text, 6, '0') END,
              CASE WHEN n % 10 < 9 THEN lpad((1 + n / 8)::text, 18, '9') END, '示例' || 1 + n / 8, '示例' || 1 + n / 8,
              CASE WHEN n % 3 = 0 THEN '130200' WHEN n % 3 = 1 THEN '130000' END, n,
              CASE WHEN n % 80 = 1 THEN jsonb_build_array(jsonb_build_object('product',
                   (ARRAY['crude_steel', 'clinker', 'aluminium', 'flat_glass', 'ships', 'other'])[1 + (1 + n / 8) % 6],
                   'amount', '1000000', 'unit', 't/a')) END, '2020-01-01'
       FROM generate_series(0, {records} - 1) AS n""",
    """INSERT INTO links (record_id, project_id, enterprise_id, outcome, method, known_from)
       SELECT n, 1 + n / 8, 1 + n / 8, 'linked', 'project_code', '2020-01-01'
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


async def run(server: str, rows: int, *, rounds: int = 5, explain: bool = False) -> list[Comparison]:
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
                return await _measure(connection, rows, rounds, explain=explain)
            finally:
                await connection.close()
        finally:
            await administration.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await administration.close()


async def _fill(connection: asyncpg.Connection, rows: int) -> None:
    for statement in WORLD:
        await connection.execute(statement.format(projects=1 + rows // RECORDS_OF_PROJECT, records=rows))


def _bound(sql: str) -> str:
    """The compiled text with its two binds written in, as psql or EXPLAIN take it."""
    return sql.replace(":as_of", f"DATE '{date(2020, 12, 31)}'").replace(":unsettled", "'{}'")


async def _measure(connection: asyncpg.Connection, rows: int, rounds: int, *, explain: bool) -> list[Comparison]:
    for setting in SETTINGS:
        await connection.execute(setting)
    ours = f"SELECT count(*) FROM ({_bound(compile_flags(Use('nation')))}) AS flags"
    if explain:
        for line in await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS OFF, COSTS OFF) {ours}"):
            print(line[0])
    floors = {"records, links and projects": RECORDS_AND_PROJECTS, "the same tables": SAME_TABLES}
    flagged = await connection.fetchval(ours)
    times: dict[str, list[float]] = {name: [] for name in ("", *floors)}
    for _ in range(rounds):
        for name, sql in (("", ours), *floors.items()):
            started = time.perf_counter()
            await connection.fetch(sql)
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


def main() -> None:
    """Measure on THREEGATES_DATABASE_URL and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--explain", action="store_true", help="print the plan with its times first")
    options = parser.parse_args()
    found = asyncio.run(
        run(os.environ["THREEGATES_DATABASE_URL"], options.rows, rounds=options.rounds, explain=options.explain)
    )
    if options.json:
        print(json.dumps([asdict(one) for one in found]))
        return
    for one in found:
        print(
            f"judging {one.rows:,} linked records: {one.our_rows_per_second:,.0f}/s, {one.flagged:,} flags; "
            f"bare join of {one.floor}: {one.floor_rows_per_second:,.0f}/s; "
            f"{one.times_floor} times the join ({one.times_floor_least} to {one.times_floor_most})"
        )


if __name__ == "__main__":
    main()
