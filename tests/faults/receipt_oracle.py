"""receipt_oracle: right and wrong receipts get the same status, the same size, and answers after the same time."""

import asyncio
import math
import random
import tempfile
from pathlib import Path

import httpx

from registry.tips.receipts import new_receipt, read_receipt
from tests import tip_world
from tests.faults import _intake
from tests.faults.account import Account
from tests.scratch_server import database

# Right receipts, and how many times each kind of answer is asked for.
SCALES = {"small": (3, 30), "full": (50, 1_000)}
LARGEST_AUC = 0.55
_AT_ONCE = 8


async def run(url: str, account: Account) -> None:
    """Keep some reports, then ask for right and wrong receipts in random order."""
    reports, asked = SCALES[account.scale]
    chance = random.Random(account.seed)
    seconds: dict[bool, list[float]] = {True: [], False: []}
    shapes: set[tuple[int, int]] = set()
    async with database(url, "fault_receipt_oracle") as dsn:
        await tip_world.build(dsn)
        with tempfile.TemporaryDirectory(prefix="threegates-fault-") as name:
            async with (
                _intake.intake(dsn, Path(name), rate=100) as process,
                httpx.AsyncClient(base_url=process.address, timeout=120) as client,
            ):
                right = []
                for _report in range(reports):
                    fields = await _intake.check_page(client, "示例" * chance.randrange(1, 500))
                    right.append((await _intake.send(client, fields))[1])
                questions = [True] * asked + [False] * asked
                chance.shuffle(questions)
                gate = asyncio.Semaphore(_AT_ONCE)
                loop = asyncio.get_running_loop()

                async def ask(known: bool) -> None:
                    receipt = chance.choice(right) if known else _wrong(chance)
                    async with gate:
                        began = loop.time()
                        answer = await client.post("/zh/thread", files=[("receipt", (None, receipt))])
                        seconds[known].append(loop.time() - began)
                    shapes.add((answer.status_code, len(answer.content)))
                    assert ("没有与此回执对应的举报" in answer.text) is not known, "a receipt was mistaken"

                await asyncio.gather(*(ask(known) for known in questions))
    found = auc(seconds[True], seconds[False])
    # Two standard errors of as many questions: chance alone stays below in 98 of 100 runs.
    allowed = LARGEST_AUC + 2 * math.sqrt((2 * asked + 1) / 12) / asked
    account.expect("one status and one size", len(shapes), 1)
    account.expect(f"timing AUC {found:.3f} at most {allowed:.3f}", found <= allowed, True)
    receipts = [new_receipt() for _one in range(1_000)]
    account.expect("receipts of 128 bits", {len(one.entropy) * 8 for one in receipts}, {128})
    account.expect("no receipt twice", len({one.entropy for one in receipts}), 1_000)
    account.expect("12 characters", {len("".join(one.words("zh"))) for one in receipts}, {12})
    account.counters = {
        "asked": 2 * asked,
        "statuses_and_sizes": sorted(shapes),
        "auc": round(found, 3),
        "auc_allowed": round(allowed, 3),
        "bits": 128,
    }


def auc(right: list[float], wrong: list[float]) -> float:
    """How well times tell right from wrong: 0.5 not at all, 1 always; whichever way round."""
    ranked = sorted([(one, True) for one in right] + [(one, False) for one in wrong])
    ranks = sum(place for place, (_time, known) in enumerate(ranked, 1) if known)
    share = (ranks - len(right) * (len(right) + 1) / 2) / (len(right) * len(wrong))
    return max(share, 1 - share)


def _wrong(chance: random.Random) -> str:
    """A receipt of nothing: well formed, with a word too few, or nonsense."""
    words = new_receipt().words("zh")
    written = chance.choice(("".join(words), "".join(words), "".join(words[:11]), "的" * 12))
    assert written == "".join(words) or read_receipt(written) is None or written == "的" * 12
    return written
