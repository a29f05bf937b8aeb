"""alert_storm: duplicate triggers, a receiver that fails after accepting, senders that are killed; nothing twice."""

import asyncio
import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import asyncpg

from jobs.delivering import deliver
from jobs.pipeline import Work, alert
from registry import clock
from registry.alerting.webhooks import NewWebhook, add_webhook
from registry.database import make_engine, transaction
from registry.settings import settings
from registry.viewers import NATION, Viewer
from search.client import servers
from tests.faults import _storm_sender
from tests.faults.account import Account
from tests.jobs.receiver import Receiver, receiving
from tests.scratch_server import database

# duplicate triggers, episodes (projects and rules that hold), kills of a sender
SCALES = {"small": (2_000, 40, 6), "full": (50_000, 1_000, 100)}
ADMINISTRATOR = Viewer("person", actor="storm", region=NATION, permissions=frozenset({"accounts"}))
RULES = ("land-without-approval", "permit-without-approval")


async def run(url: str, account: Account) -> None:
    """Trigger, kill, trigger again; then count what is at the receiver."""
    triggers, episodes, kills = SCALES[account.scale]
    chance = random.Random(account.seed)
    with receiving() as receiver, tempfile.TemporaryDirectory() as folder, _settings(folder):
        receiver.fails_first = True
        async with database(url, "fault_storm") as dsn:
            engine = make_engine(dsn)
            try:
                await _offices(dsn)
                async with transaction(engine) as session:
                    new = NewWebhook("storm", "storm", receiver.url)
                    _, receiver.secret = await add_webhook(session, ADMINISTRATOR, new, clock.now())
                await _findings(dsn, episodes)
                await _kill(dsn, receiver, triggers, episodes, kills, chance, account)
                await _to_the_end(engine)
                await _compare(dsn, receiver, episodes, account)
            finally:
                await engine.dispose()


@contextmanager
def _settings(folder: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ |= {"THREEGATES_DATA_FOLDER": folder, "THREEGATES_DEMO": "true"}
    settings.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before
        settings.cache_clear()


async def _offices(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "INSERT INTO organisations (id, kind, name_zh, name_en, lanes, region, created_at) "
        "VALUES ('storm', 'agency', '示例', 'Example', '{land,environment}', '000000', now())"
    )
    await connection.close()


async def _findings(dsn: str, episodes: int) -> None:
    """Findings that hold, three of each episode, as judging writes them."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "INSERT INTO projects (reference, invented, created_at) SELECT 'storm:' || n, true, now() "
        "FROM generate_series(1, $1::integer) AS n",
        episodes // len(RULES),
    )
    await connection.execute(
        "INSERT INTO findings (fingerprint, rule, rule_version, basis, severity, lane, subject_kind, subject_id, "
        "project_id, region, reasons, evidence_hash, duty_holder, first_seen, known_from) "
        "SELECT concat(p.id, rule, n), rule, '1', 'text', 'violation', 'land', 'record', p.id * 10 + n, p.id, "
        "'130200', '{no-approval}', 'hash', 'mlr', now(), now() "
        "FROM projects AS p, unnest($1::text[]) AS rule, generate_series(1, 3) AS n",
        list(RULES),
    )
    await connection.close()


_NO_PAUSE = (
    "UPDATE webhooks SET rests_until = NULL, state = 'active', failures = 0; "
    "UPDATE deliveries SET due_at = now() WHERE state = 'pending'"
)


async def _trigger(dsn: str, count: int, seed: int) -> None:
    """So many triggers, most of them of findings that were told of before."""
    connection = await asyncpg.connect(dsn)
    # The pauses after a failure are longer than this takes.
    await connection.execute(_NO_PAUSE)
    await connection.execute(
        "INSERT INTO dirty_marks (purpose, kind, id) SELECT 'alert', 'finding', version_id FROM findings "
        "ORDER BY hashint8extended(version_id, $2) LIMIT $1 ON CONFLICT (purpose, kind, id) DO UPDATE "
        "SET mark = nextval('dirty_mark_sequence')",
        count,
        seed,
    )
    await connection.close()


async def _kill(
    dsn: str, receiver: Receiver, triggers: int, episodes: int, kills: int, chance: random.Random, account: Account
) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults._storm_sender"])
    triggered = killed = 0
    each = max(1, triggers // max(kills, 1))
    for number in range(kills):
        while triggered < (number + 1) * each:
            some = min(episodes * 3, each)
            await _trigger(dsn, some, chance.randrange(1_000_000))
            triggered += some
        begun = context.Event()
        process = context.Process(target=_storm_sender.send, args=(dsn, begun))
        process.start()
        await asyncio.to_thread(begun.wait, 30)
        # Anywhere: before anything is raised, between, or while requests are on their way.
        await _until_tries(receiver, chance.choice((0, 1, 3, 8)), chance.uniform(0.2, 1.5))
        process.kill()
        await asyncio.to_thread(process.join, 30)
        killed += process.exitcode == -signal.SIGKILL
    account.counters = {"triggers": triggered, "kills": killed, "tries_before_the_end": sum(receiver.tries.values())}
    account.expect("kills", killed, kills)


async def _until_tries(receiver: Receiver, more: int, seconds: float) -> None:
    """Until so many more requests have come, at most so long."""
    wanted, ends = sum(receiver.tries.values()) + more, time.monotonic() + seconds
    while time.monotonic() < ends and (not more or sum(receiver.tries.values()) < wanted):  # noqa: ASYNC110  # another process sends
        await asyncio.sleep(0.005)


async def _to_the_end(engine: Any) -> None:
    """What is left, without anybody being killed; pauses after failures are passed over."""
    began = clock.now()
    job = Work(engine, asyncio.Event(), servers)
    await alert(job)
    # A webhook rests after a failure, and each message fails once: a round sends what one waking of it does.
    for step in count():
        # The receiver takes no stamp that is not of now: what waits is due at once instead.
        async with transaction(engine) as session:
            connection = await session.connection()
            await connection.exec_driver_sql("UPDATE deliveries SET due_at = now() WHERE state = 'pending'")
            await connection.exec_driver_sql("UPDATE webhooks SET rests_until = NULL, state = 'active', failures = 0")
            left = (
                await connection.exec_driver_sql("SELECT count(*) FROM deliveries WHERE state = 'pending'")
            ).scalar_one()
        if not left and step:
            return
        await deliver(job)
        if clock.now() - began > timedelta(minutes=10):
            return


async def _compare(dsn: str, receiver: Receiver, episodes: int, account: Account) -> None:
    connection = await asyncpg.connect(dsn)
    alerts = await connection.fetchval("SELECT count(*) FROM alerts")
    sent = await connection.fetch("SELECT message_key, attempts FROM deliveries WHERE state = 'sent'")
    unsent = await connection.fetchval("SELECT count(*) FROM deliveries WHERE state <> 'sent'")
    await connection.close()
    told = [event["data"]["alert"] for event in receiver.effects.values()]
    account.counters |= {
        "episodes": episodes,
        "alerts": alerts,
        "effects": len(told),
        "tries": sum(receiver.tries.values()),
        "tried_again": sum(tries > 1 for tries in receiver.tries.values()),
        "forged": receiver.forged,
    }
    account.expect("an alert an episode, however often it was triggered", alerts, episodes)
    account.expect("every episode delivered, one effect each", sorted(told), sorted(set(told)))
    account.expect("episodes delivered", len(set(told)), episodes)
    account.expect("deliveries that are not sent", unsent, 0)
    keys = {row["message_key"] for row in sent}
    account.expect("keys that were sent without effect, or took effect unsent", len(keys ^ set(receiver.effects)), 0)
    account.expect("requests that were not signed right", receiver.forged, 0)
    account.expect("every key failed once after it was accepted", min(receiver.tries.values(), default=0) > 1, True)
