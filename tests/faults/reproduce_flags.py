"""reproduce_flags: every past finding, judged again as of its time, has the same verdict and the same evidence hash."""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.clock import now
from registry.database import json_text, make_engine, transaction
from registry.judging import judge_changed, judge_nation, replay
from registry.law.reading import law
from registry.linking import link_changed
from registry.registering import Telling, correct_approval, correct_project
from registry.storing import store_page
from tests.faults import world
from tests.faults.account import Account
from tests.registry.pages import open_run, page, rows_of
from tests.scratch_server import database

# records a feed and epoch, epochs
SCALES: Final = {"small": (20, 4), "full": (400, 15)}
FEEDS: Final = tuple(world.ACTS)
# Days on which the nation is judged: before, within and after what the records tell.
DAYS: Final = (date(2018, 12, 31), date(2020, 6, 30), date(2024, 1, 1), date(2026, 1, 1))


async def run(url: str, account: Account) -> None:
    """Live through epochs of news, corrections, held feeds and new law; then judge every past finding again."""
    count, epochs = SCALES[account.scale]
    async with database(url, "fault_reproduce_flags") as dsn:
        engine = make_engine(dsn)
        try:
            await world.register(engine)
            history = _History(engine, account.seed, now() + timedelta(hours=1))
            for epoch in range(epochs):
                await history.live(count, epoch)
            account.counters = await _judge_again(engine)
        finally:
            await engine.dispose()
    account.expect("findings whose verdict or evidence is another", account.counters["different"], 0)
    account.expect("findings closed that come out again", account.counters["not_closed"], 0)
    account.expect(
        "whether there were findings of every kind", account.counters["kinds"], ["closed", "open", "reopened"]
    )


class _History:
    """What happens to the register, by chance and in order of time."""

    def __init__(self, engine: AsyncEngine, seed: int, begins: datetime) -> None:
        self.engine = engine
        self.seed = seed
        self.chance = random.Random(f"{seed}/reproduce_flags")
        self.at = begins
        self.told: dict[str, list[dict[str, Any]]] = {feed: [] for feed in FEEDS}
        self.held: list[int] = []

    def later(self) -> datetime:
        """A while after all that was."""
        self.at += timedelta(minutes=self.chance.randrange(1, 300), microseconds=self.chance.randrange(10**6))
        return self.at

    async def live(self, count: int, epoch: int) -> None:
        """News of each feed, corrections, now and then a held feed or new law; judged after each."""
        for feed in FEEDS:
            arrived = world.records(feed, count, self.seed, first=len(self.told[feed]))
            # Some of what is known comes again with another day: later stamps win.
            again = [self._changed(one) for one in self.chance.sample(self.told[feed], len(self.told[feed]) // 8)]
            held = feed == "land" and epoch % 3 == 1
            await self._arrive(feed, [*arrived, *again], held=held)
            self.told[feed] = list({one["source_key"]: one for one in [*self.told[feed], *arrived, *again]}.values())
        await self._judge_changed()
        await self._correct()
        await self._judge_changed()
        if epoch == 1:
            await self._new_law()
        async with transaction(self.engine) as session:
            await judge_nation(session, self.chance.choice(DAYS), self.later())
        if self.held:
            await self._run_state("done", self.held)
            self.held = []

    def _changed(self, record: dict[str, Any]) -> dict[str, Any]:
        newer = world.newer(record, 24 * 400, self.chance)
        newer["acted_on"] = (date(2016, 6, 1) + timedelta(days=self.chance.randrange(2000))).isoformat()
        return newer

    async def _arrive(self, feed: str, records: Sequence[dict[str, Any]], *, held: bool) -> None:
        writer = await open_run(self.engine, feed)
        entries = [{**one, "acted_on": date.fromisoformat(one["acted_on"])} for one in records]
        arrived = page(entries)
        async with transaction(self.engine) as session:
            await store_page(session, writer, arrived, rows_of(arrived), self.later())
        await self._run_state("held" if held else "done", [writer.run_id])
        if held:
            self.held.append(writer.run_id)

    async def _run_state(self, state: str, runs: Sequence[int]) -> None:
        async with transaction(self.engine) as session:
            await (await session.connection()).execute(
                text("UPDATE sync_runs SET state = :state WHERE id = ANY(:runs)"), {"state": state, "runs": list(runs)}
            )
        while True:
            async with transaction(self.engine) as session:
                if not (await link_changed(session, self.later())).claimed:
                    return

    async def _judge_changed(self) -> None:
        while True:
            async with transaction(self.engine) as session:
                if await judge_changed(session, self.later()) is None:
                    return

    async def _correct(self) -> None:
        """A tenth of the approvals turns out otherwise, a tenth of the projects is described otherwise."""
        async with transaction(self.engine) as session:
            connection = await session.connection()
            approvals = (
                await connection.execute(
                    text("SELECT approval_id FROM approvals WHERE known_to = 'infinity' ORDER BY 1")
                )
            ).scalars()
            projects = (await connection.execute(text("SELECT id FROM projects ORDER BY 1"))).scalars()
            telling = Telling(actor="tests.faults", at=self.later(), reason="a fault's invented correction")
            for approval in approvals:
                if self.chance.random() < 0.1:
                    day = date(2016, 1, 1) + timedelta(days=self.chance.randrange(2500))
                    change = self.chance.choice(
                        ({"issued": day.isoformat()}, {"revoked": "2023-01-01"}, {"number": f"示例{day.year}号"})
                    )
                    if change.get("issued", "") < "2023-01-01":
                        await correct_approval(session, approval, change, telling)
            for project in projects:
                if self.chance.random() < 0.1:
                    change = self.chance.choice(
                        ({"sector": "other"}, {"sector": "steel"}, {"nature": "renovation"}, {"nature": "new_build"})
                    )
                    await correct_project(session, project, change, telling)

    async def _new_law(self) -> None:
        """A value of the law that two people put in force: from 2020 steel alone."""
        reference = law().parameter("overcapacity_sectors").values[-1].reference.model_dump()
        content = {"value": ["steel"], "reference": reference, "note": ""}
        async with transaction(self.engine) as session:
            connection = await session.connection()
            for statement in (
                "INSERT INTO organisations (id, kind, name_zh, name_en, region, created_at) "
                "VALUES ('fault', 'agency', '示例机关', 'Example', '000000', :at)",
                "INSERT INTO accounts (login, name, organisation_id, region, created_at) "
                "SELECT n, n, 'fault', '000000', :at FROM unnest(ARRAY['one', 'two']) AS n",
                "INSERT INTO proposals (kind, subject, reason, drafted_by, drafted_at, owner_id) "
                "SELECT 'parameter', 'overcapacity_sectors', 'fault', min(id), :at, min(id) FROM accounts",
                "INSERT INTO parameter_values (parameter, since, content, proposal_id, drafted_by, activated_by, "
                "known_from) SELECT 'overcapacity_sectors', date '2020-01-01', CAST(CAST(:content AS text) AS jsonb), "
                "p.id, min(a.id), max(a.id), :at FROM proposals AS p, accounts AS a GROUP BY p.id",
            ):
                values: dict[str, Any] = {"at": self.at, "content": json_text(content)}
                await connection.execute(
                    text(statement), {name: value for name, value in values.items() if f":{name}" in statement}
                )
        self.later()


_RUNS: Final = "SELECT DISTINCT known_at, as_of FROM judging_runs ORDER BY known_at"
_WRITTEN: Final = """
SELECT fingerprint, state, episode, reasons, evidence_hash, rule_version, parameters
FROM findings WHERE known_from = :at
"""


async def _judge_again(engine: AsyncEngine) -> dict[str, Any]:
    """Each state of each finding against a replay as of the run that wrote it."""
    counters: dict[str, Any] = {"runs": 0, "findings": 0, "different": 0, "not_closed": 0}
    kinds = set()
    async with transaction(engine) as session:
        runs = (await (await session.connection()).execute(text(_RUNS))).all()
    for at, as_of in runs:
        async with transaction(engine) as session:
            written = (await (await session.connection()).execute(text(_WRITTEN), {"at": at})).all()
            if not written:
                continue
            counters["runs"] += 1
            flags = {flag.fingerprint: flag for flag in await replay(session, as_of, at)}
        for fingerprint, state, episode, reasons, evidence_hash, version, parameters in written:
            counters["findings"] += 1
            kinds.add("closed" if state == "closed" else "open" if episode == 1 else "reopened")
            flag = flags.get(fingerprint)
            if state == "closed":
                counters["not_closed"] += flag is not None
            else:
                same = flag is not None and (
                    (list(flag.reasons), flag.evidence_hash, flag.rule_version, flag.parameters)
                    == (reasons, evidence_hash, version, parameters)
                )
                counters["different"] += not same
    counters["kinds"] = sorted(kinds)
    return counters
