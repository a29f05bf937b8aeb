"""Gate checks beside a no-op endpoint of the same application: `python -m tests.bench.gate --clients 16`.

The application runs in a process of its own; the load comes from another one, over kept connections on loopback. Both
addresses are asked in turns, so that a busy machine slows both. The no-op answers a POST with nothing, behind the same
layers (address, rate, language, size of the body).
"""

import argparse
import asyncio
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import asyncpg

from portal.viewing import hash_of
from registry.migrations import upgrade
from tests.bench.judging import RECORDS_OF_PROJECT, world

WANTED_RATE: Final = 0.35
WANTED_P99: Final = 3.0
NO_OP: Final = "/api/v1/no-op"
GATE: Final = "/api/v1/gate-check"
ACTS: Final = ("land_grant", "loan", "discharge_permit", "land_grant", "loan", "production_licence")

# The application with one address more: what it costs to answer nothing.
SERVER: Final = """
import uvicorn
from starlette.responses import Response
from portal.web import load

app = load()

@app.post("/api/v1/no-op")
async def no_op() -> Response:
    return Response(b"{}", media_type="application/json")

uvicorn.run(app, host="127.0.0.1", port=%d, log_level="error", access_log=False)
"""


@dataclass(frozen=True)
class Side:
    """One round of one address."""

    rate: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Comparison:
    """Ours beside the no-op: medians of the ratios of each round, with least and most; times in milliseconds."""

    clients: int
    rounds: int
    requests: int
    no_op_rate: float
    gate_rate: float
    no_op_p50: float
    gate_p50: float
    no_op_p99: float
    gate_p99: float
    rate_ratio: float
    rate_ratio_least: float
    rate_ratio_most: float
    p99_ratio: float
    p99_ratio_least: float
    p99_ratio_most: float

    @property
    def holds(self) -> bool:
        """Whether both are as wanted."""
        return self.rate_ratio >= WANTED_RATE and self.p99_ratio <= WANTED_P99


async def run(server: str, *, clients: int, seconds: float, rounds: int, records: int) -> Comparison:
    """Fill a database on a server, run the application on it, measure in turns, drop it."""
    name = f"tg_bench_gate_{os.getpid()}"
    dsn = server.rsplit("/", 1)[0] + "/" + name
    administration = await asyncpg.connect(server)
    try:
        await administration.execute(f'CREATE DATABASE "{name}"')
        try:
            await upgrade(dsn)
            token = await _fill(dsn, records)
            with tempfile.TemporaryDirectory(prefix="threegates-bench-") as folder:
                return await _serve(
                    dsn, Path(folder), token, clients, seconds, rounds, 1 + records // RECORDS_OF_PROJECT
                )
        finally:
            await administration.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await administration.close()


async def _fill(dsn: str, records: int) -> str:
    token = f"tg_{secrets.token_urlsafe(32)}"
    connection = await asyncpg.connect(dsn)
    try:
        for statement in world(records):
            await connection.execute(statement)
        await connection.execute(
            "INSERT INTO organisations (id, kind, name_zh, name_en, lanes, region, created_at) "
            "VALUES ('bench', 'agency', '示例机关', 'Example', '{land}', '000000', now())"
        )
        await connection.execute(
            "INSERT INTO api_keys (name, key_hash, scopes, created_at, organisation_id, rate) "
            "VALUES ('bench', $1, ARRAY['read', 'gate'], now(), 'bench', 100000000)",
            hash_of(token),
        )
    finally:
        await connection.close()
    return token


async def _serve(
    dsn: str, folder: Path, token: str, clients: int, seconds: float, rounds: int, projects: int
) -> Comparison:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {**os.environ, "THREEGATES_DATABASE_URL": dsn, "THREEGATES_DATA_FOLDER": str(folder)}
    process = subprocess.Popen([sys.executable, "-c", SERVER % port], env=environment)  # noqa: ASYNC220  # started once
    try:
        await _wait(port, token)
        no_ops: list[Side] = []
        gates: list[Side] = []
        requests = 0
        for turn in range(rounds + 1):
            one, _ = await _load(port, token, NO_OP, clients, seconds, projects)
            two, count = await _load(port, token, GATE, clients, seconds, projects)
            if turn:  # the first warms both
                no_ops.append(one)
                gates.append(two)
                requests += count
    finally:
        process.terminate()
        process.wait(timeout=20)
    return _compared(no_ops, gates, clients, rounds, requests)


async def _wait(port: int, token: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            status, _ = await _one(port, token)
            if status == 200:
                return
        except OSError:
            pass
        await asyncio.sleep(0.2)
    raise RuntimeError("the application did not start within 60 s")


async def _one(port: int, token: str) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await _ask(reader, writer, _request(GATE, token, 1))
    finally:
        writer.close()


def _request(path: str, token: str, project: int) -> bytes:
    question = {
        "act": ACTS[project % len(ACTS)],
        "project": {"code": f"2014-130200-31-03-{project:06d}"},
        "party": {"name": f"示例{project}"},
        "amount": str(1000 + project),
    }
    body = json.dumps(question).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, bytes]:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
    return int(head[9:12]), await reader.readexactly(length)


async def _load(port: int, token: str, path: str, clients: int, seconds: float, projects: int) -> tuple[Side, int]:
    """Every client asks one question after the other until the time is up."""
    times: list[float] = []
    end = time.perf_counter() + seconds

    async def client(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        project = number
        while time.perf_counter() < end:
            project = 1 + (project * 31 + 7) % (projects - 1)
            request = _request(path, token, project)
            started = time.perf_counter()
            status, _ = await _ask(reader, writer, request)
            times.append(time.perf_counter() - started)
            if status != 200:
                raise RuntimeError(f"{path} answered {status}")
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(client(1 + 97 * number) for number in range(clients)))
    took = time.perf_counter() - started
    cuts = statistics.quantiles(times, n=100)
    return Side(len(times) / took, cuts[49] * 1000, cuts[98] * 1000), len(times)


def _compared(no_ops: Sequence[Side], gates: Sequence[Side], clients: int, rounds: int, requests: int) -> Comparison:
    rates = [ours.rate / bare.rate for bare, ours in zip(no_ops, gates, strict=True)]
    tails = [ours.p99 / bare.p99 for bare, ours in zip(no_ops, gates, strict=True)]

    def median(values: Sequence[float], places: int = 2) -> float:
        return round(statistics.median(values), places)

    return Comparison(
        clients=clients,
        rounds=rounds,
        requests=requests,
        no_op_rate=median([one.rate for one in no_ops], 0),
        gate_rate=median([one.rate for one in gates], 0),
        no_op_p50=median([one.p50 for one in no_ops]),
        gate_p50=median([one.p50 for one in gates]),
        no_op_p99=median([one.p99 for one in no_ops]),
        gate_p99=median([one.p99 for one in gates]),
        rate_ratio=median(rates),
        rate_ratio_least=round(min(rates), 2),
        rate_ratio_most=round(max(rates), 2),
        p99_ratio=median(tails),
        p99_ratio_least=round(min(tails), 2),
        p99_ratio_most=round(max(tails), 2),
    )


def main() -> int:
    """Measure on THREEGATES_DATABASE_URL and print; 1 when it is not as wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--records", type=int, default=80_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = asyncio.run(
        run(
            os.environ["THREEGATES_DATABASE_URL"],
            clients=options.clients,
            seconds=options.seconds,
            rounds=options.rounds,
            records=options.records,
        )
    )
    if options.json:
        print(json.dumps(asdict(found)))
    else:
        print(
            f"gate check at {found.clients} clients: {found.gate_rate:,.0f}/s, "
            f"p50 {found.gate_p50} ms, p99 {found.gate_p99} ms; "
            f"no-op {found.no_op_rate:,.0f}/s, p50 {found.no_op_p50} ms, p99 {found.no_op_p99} ms"
        )
        print(
            f"{found.rate_ratio} of its rate ({found.rate_ratio_least} to {found.rate_ratio_most}; "
            f"wanted {WANTED_RATE}), "
            f"{found.p99_ratio} times its p99 ({found.p99_ratio_least} to {found.p99_ratio_most}; wanted {WANTED_P99})"
        )
    return 0 if found.holds else 1


if __name__ == "__main__":
    sys.exit(main())
