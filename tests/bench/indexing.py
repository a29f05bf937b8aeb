"""Indexing against ready-made requests and against dicts: `python -m tests.bench.indexing --rows 50000`.

A scratch database is filled with linked records. In turns, into fresh indices of the same mapping: requests made
beforehand through two connections (floor), rows as dicts through the client's own `streaming_bulk` (peer), and the
marks claimed, made into documents by PostgreSQL, written and settled (us).
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import asyncpg
import orjson
from elasticsearch import helpers

from registry.database import make_engine
from registry.migrations import upgrade
from registry.settings import Settings
from search.client import Servers, make_client
from search.documents import all_documents
from search.generations import ensure_indices
from search.index import index_changed
from search.mapping import TARGETS, alias, generations, index_body
from search.verify import verify
from search.writing import Line, portions

WORLD: Final = (
    "INSERT INTO feeds (id) VALUES ('bench')",
    """INSERT INTO enterprises (reference, invented, created_at)
       SELECT 'bench:' || n, true, '2020-01-01' FROM generate_series(1, {owners}) AS n""",
    """INSERT INTO enterprise_versions (enterprise_id, uscc, name, name_normal, name_pinyin, region, known_from)
       SELECT id, lpad(id::text, 18, '9'), '示例' || id || '钢铁有限公司', '示例' || id || '钢铁有限公司',
              'shi li ' || id || ' gang tie you xian gong si', '130200', '2020-01-01' FROM enterprises""",
    """INSERT INTO projects (reference, invented, created_at)
       SELECT 'bench:' || n, true, '2020-01-01' FROM generate_series(1, {projects}) AS n""",
    """INSERT INTO project_versions (project_id, name, name_normal, name_pinyin, region, owner_id, sector, known_from)
       SELECT id, '示例' || id || '炼钢项目', '示例' || id || '炼钢项目', 'shi li ' || id || ' lian gang xiang mu',
              '130200', 1 + id % {owners}, 'steel', '2020-01-01' FROM projects""",
    """INSERT INTO records (record_id, feed, content_hash, raw, source_key, act, acted_on, number, project_code,
                            project_name, project_name_normal, party_name, party_name_normal, party_uscc, region,
                            address, authority, synthetic, known_from)
       SELECT nextval('record_sequence'), 'bench', '\\x00', '\\x00', 'K' || n,
              CASE WHEN n % 3 = 0 THEN 'loan' ELSE 'land_grant' END, '2014-02-01', '1302002013B' || n,
              '2014-130200-31-03-' || lpad(n::text, 6, '0'), '示例' || n || '炼钢项目年产一百万吨',
              '示例' || n || '炼钢项目年产100万吨', '示例' || n || '钢铁有限公司', '示例' || n || '钢铁有限公司',
              lpad(n::text, 18, '9'), '130200', '唐山市丰南区示例路' || n || '号', '唐山市示例局', true, '2020-01-01'
       FROM generate_series(1, {rows}) AS n""",
    """INSERT INTO links (record_id, project_id, enterprise_id, outcome, method, known_from)
       SELECT record_id, 1 + record_id % {projects}, 1 + record_id % {owners}, 'linked', 'project_code', '2020-01-01'
       FROM records""",
    "VACUUM ANALYZE",
)


@dataclass(frozen=True)
class Indexing:
    """Documents a second (medians), and our rate as a share of the floor's and as a multiple of the peer's."""

    rows: int
    floor_per_second: float
    peer_per_second: float
    our_per_second: float
    share_of_floor: float
    share_of_floor_least: float
    share_of_floor_most: float
    times_peer: float
    times_peer_least: float
    times_peer_most: float
    verified_per_second: float


async def run(server: str, elasticsearch_url: str, rows: int, *, rounds: int = 3) -> Indexing:
    """Fill a scratch database, measure in turns after one unmeasured round, drop everything."""
    name = f"tg_bench_indexing_{os.getpid()}"
    administration = await asyncpg.connect(server)
    client = make_client(Settings(elasticsearch_url=elasticsearch_url))
    try:
        await administration.execute(f'CREATE DATABASE "{name}"')
        dsn = server.rsplit("/", 1)[0] + "/" + name
        await upgrade(dsn)
        connection = await asyncpg.connect(dsn)
        database = make_engine(dsn)
        try:
            for statement in WORLD:
                await connection.execute(statement.format(rows=rows, projects=1 + rows // 20, owners=1 + rows // 100))
            return await _measure(connection, Servers(database, client, f"tgbench-{os.getpid()}"), rows, rounds)
        finally:
            await connection.close()
            await database.dispose()
    finally:
        await administration.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await administration.close()
        client.close()


async def _measure(connection: asyncpg.Connection, servers: Servers, rows: int, rounds: int) -> Indexing:
    lines: list[Line] = []
    async with connection.transaction():
        async for documents in all_documents(connection, "record"):
            lines += [Line("", one.id, 1, one.body) for one in documents]
    ready = [b"".join([line.encoded() for line in portion]) for portion in portions(lines)]
    floors: list[float] = []
    peers: list[float] = []
    ours: list[float] = []
    verified: list[float] = []
    for number in range(rounds + 1):
        taken = (_floor(servers, ready), await _peer(connection, servers), *await _us(connection, servers, number))
        if number:
            for times, seconds in zip((floors, peers, ours, verified), taken, strict=True):
                times.append(seconds)
    shares = [floor / our for floor, our in zip(floors, ours, strict=True)]
    multiples = [peer / our for peer, our in zip(peers, ours, strict=True)]
    return Indexing(
        rows=rows,
        floor_per_second=round(rows / statistics.median(floors)),
        peer_per_second=round(rows / statistics.median(peers)),
        our_per_second=round(rows / statistics.median(ours)),
        share_of_floor=round(statistics.median(shares), 2),
        share_of_floor_least=round(min(shares), 2),
        share_of_floor_most=round(max(shares), 2),
        times_peer=round(statistics.median(multiples), 2),
        times_peer_least=round(min(multiples), 2),
        times_peer_most=round(max(multiples), 2),
        verified_per_second=round(rows / statistics.median(verified)),
    )


def _fresh(servers: Servers, name: str) -> str:
    index = f"{servers.prefix}-{name}"
    servers.elasticsearch.indices.create(index=index, **index_body())
    return index


def _floor(servers: Servers, ready: list[bytes]) -> float:
    index = _fresh(servers, "floor")
    client = servers.elasticsearch.options(request_timeout=60)

    def send(body: Any) -> None:
        answer = client.bulk(index=index, operations=body, filter_path=["errors"])
        assert answer["errors"] is False

    started = time.perf_counter()
    with ThreadPoolExecutor(max_workers=2) as two:
        list(two.map(send, ready))
    seconds = time.perf_counter() - started
    client.indices.delete(index=index)
    return seconds


async def _peer(connection: asyncpg.Connection, servers: Servers) -> float:
    """As most would write it: rows to dicts, dicts to the client's helper."""
    index = _fresh(servers, "peer")
    started = time.perf_counter()
    async with connection.transaction():
        async for documents in all_documents(connection, "record"):
            actions = [{"_index": index, "_id": one.id, "_source": orjson.loads(one.body)} for one in documents]
            for well, _ in helpers.streaming_bulk(servers.elasticsearch, actions, chunk_size=500):
                assert well
    seconds = time.perf_counter() - started
    servers.elasticsearch.indices.delete(index=index)
    return seconds


async def _us(connection: asyncpg.Connection, servers: Servers, number: int) -> tuple[float, float]:
    """Seconds to index all marked records, and to verify them."""
    mine = replace(servers, prefix=f"{servers.prefix}-{number}")
    await ensure_indices(mine)
    await connection.execute("DELETE FROM dirty_marks WHERE kind <> 'record'")
    started = time.perf_counter()
    done = await index_changed(mine)
    seconds = time.perf_counter() - started
    assert (done.failed, done.written) == (0, done.claimed)
    started = time.perf_counter()
    compared = {one.target: one for one in await verify(mine)}
    verifying = time.perf_counter() - started
    assert all(compared[target].agrees for target in TARGETS if target.startswith("records"))
    for target in TARGETS:
        for index in mine.elasticsearch.indices.get(index=generations(mine.prefix, target)):
            mine.elasticsearch.indices.delete(index=index)
        assert not mine.elasticsearch.indices.exists(index=alias(mine.prefix, target))
    return seconds, verifying


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    server, url = os.environ["THREEGATES_DATABASE_URL"], os.environ["THREEGATES_ELASTICSEARCH_URL"]
    print(json.dumps(asdict(asyncio.run(run(server, url, given.rows, rounds=given.rounds))), indent=2))


if __name__ == "__main__":
    main()
