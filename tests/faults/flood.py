"""flood: reports at the stated rate and many at once; none refused, honest ones done in 30 s, no address kept."""

import asyncio
import random
import tempfile
from pathlib import Path

import asyncpg
import httpx

from portal.intake.pacing import PATIENCE
from tests import tip_world
from tests.faults import _intake
from tests.faults.account import Account
from tests.faults.report_forensics import ADDRESSES
from tests.scratch_server import database

# The intake's rate a second, for how many seconds it is flooded at that rate, how many then come at once.
SCALES = {"small": (20.0, 1, 40), "full": (5.0, 60, 150)}
# One in so many of the flood is an honest one.
HONEST = 5


async def run(url: str, account: Account) -> None:
    """A steady flood at the rate, then as many at once as are promised within 30 s."""
    rate, lasting, at_once = SCALES[account.scale]
    chance = random.Random(account.seed)
    honest: list[float] = []
    statuses: dict[int, int] = {}
    async with database(url, "fault_flood") as dsn:
        await tip_world.build(dsn)
        with tempfile.TemporaryDirectory(prefix="threegates-fault-") as name:
            async with _intake.intake(dsn, Path(name), rate=rate) as process:
                # Everybody comes over a connection of their own.
                limits = httpx.Limits(max_connections=1_000, max_keepalive_connections=0)
                transport = httpx.AsyncHTTPTransport(local_address=ADDRESSES[0], limits=limits)
                async with httpx.AsyncClient(base_url=process.address, transport=transport, timeout=300) as client:
                    loop = asyncio.get_running_loop()

                    async def report(number: int, wait: float) -> None:
                        await asyncio.sleep(wait)
                        fields = await _intake.check_page(client, f"示例举报{number}")
                        began = loop.time()
                        status, receipt = await _intake.send(client, fields)
                        statuses[status if receipt else 0] = statuses.get(status if receipt else 0, 0) + 1
                        if chance.randrange(HONEST) == 0:
                            honest.append(loop.time() - began)

                    steady = round(rate * lasting)
                    await asyncio.gather(*(report(number, number / rate) for number in range(steady)))
                    await asyncio.gather(*(report(number, 0) for number in range(at_once)))
                log = (Path(name) / "intake.log").read_bytes()
        connection = await asyncpg.connect(dsn)
        try:
            kept = await connection.fetchval("SELECT count(*) FROM tip_threads")
        finally:
            await connection.close()
    sent = steady + at_once
    in_time = sum(one <= PATIENCE for one in honest) / max(1, len(honest))
    account.expect("none refused", statuses, {200: sent})
    account.expect("all kept", kept, sent)
    account.expect("honest ones", len(honest) > 0, True)
    account.expect(f"99 % of honest ones within {PATIENCE} s", in_time >= 0.99, True)
    account.expect("no address in the log", ADDRESSES[0].encode() in log, False)
    account.counters = {
        "rate": rate,
        "sent": sent,
        "honest": len(honest),
        "in_time": round(in_time, 4),
        "slowest_honest_seconds": round(max(honest), 2),
    }
