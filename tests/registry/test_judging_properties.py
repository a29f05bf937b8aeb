"""Properties of judging over invented worlds: incremental is full, twice is once, a replay as of today is today."""

from contextlib import suppress
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.clock import civil_day
from registry.import_problems import ItemsRejected
from registry.judging import judge_changed, judge_nation, replay
from registry.registering import Telling, correct_approval, correct_project
from registry.scenario_worlds import build_world
from tests.registry.test_judging import APPROVALS, FEW, RECORDS, _world
from tests.registry.worlds import at, correct_record

DAYS = st.dates(date(2013, 1, 1), date(2016, 12, 31))
# What an official corrects: an approval's day or end, or how the project is described; and an agency: a record.
CORRECTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("issued"), DAYS),
        st.tuples(st.just("revoked"), DAYS),
        st.tuples(st.just("sector"), st.sampled_from(["steel", "cement", "other"])),
        st.tuples(st.just("nature"), st.sampled_from(["new_build", "renovation"])),
        st.tuples(st.just("region"), st.sampled_from(["130200", "330100"])),
        st.tuples(st.just("act"), st.sampled_from(["land_grant", "eia_approval", "loan"])),
        st.tuples(st.just("ended"), DAYS),
    ),
    max_size=4,
)

Judgement = set[tuple[str, tuple[str, ...], str, str]]


async def _open(session: AsyncSession) -> Judgement:
    found = await (await session.connection()).execute(
        text(
            "SELECT fingerprint, reasons, evidence_hash, duty_holder FROM findings "
            "WHERE known_to = 'infinity' AND state = 'open'"
        )
    )
    return {(one.fingerprint, tuple(one.reasons), one.evidence_hash, one.duty_holder) for one in found}


async def _versions(session: AsyncSession) -> int:
    return int(await (await session.connection()).scalar(text("SELECT count(*) FROM findings")) or 0)


async def _correct(session: AsyncSession, field: str, value: Any, telling: Telling) -> None:
    connection = await session.connection()
    if field in ("act", "ended"):
        key = await connection.scalar(text("SELECT min(source_key) FROM records"))
        if key is not None:
            await correct_record(session, key, {"revoked" if field == "ended" else field: value}, telling.at)
        return
    if field in ("issued", "revoked"):
        approval = await connection.scalar(
            text("SELECT approval_id FROM approvals WHERE known_to = 'infinity' ORDER BY approval_id LIMIT 1")
        )
        if approval is not None:
            # What contradicts the approval's other days is refused, and so changes nothing.
            with suppress(ItemsRejected):
                await correct_approval(session, approval, {field: value.isoformat()}, telling)
        return
    project = await connection.scalar(text("SELECT id FROM projects ORDER BY id LIMIT 1"))
    await correct_project(session, int(project or 0), {field: value}, telling)


@settings(FEW, max_examples=8)
@given(st.lists(APPROVALS, max_size=2, unique_by=lambda one: one["id"]), RECORDS, CORRECTIONS)
async def test_incremental_is_full_twice_is_once_and_a_replay_as_of_today_is_today(
    engine: AsyncEngine,
    approvals: list[dict[str, Any]],
    acts: list[tuple[str, date, int]],
    corrections: list[tuple[str, Any]],
) -> None:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        await build_world(session, _world(approvals, acts, dated=False))
        moment = at(1)
        while await judge_changed(session, moment):
            pass
        for field, value in corrections:
            moment += timedelta(minutes=1)
            await _correct(session, field, value, Telling("tester", moment, "misread"))
            moment += timedelta(minutes=1)
            while await judge_changed(session, moment):
                pass
        incremental, written = await _open(session), await _versions(session)
        for _ in range(2):
            moment += timedelta(minutes=1)
            judged = await judge_nation(session, civil_day(moment), moment)
            assert not judged.wrote
        assert await _open(session) == incremental
        assert await _versions(session) == written
        flags = await replay(session, civil_day(moment), moment)
        assert {(one.fingerprint, one.reasons, one.evidence_hash, one.duty_holder) for one in flags} == incremental
        await session.rollback()
