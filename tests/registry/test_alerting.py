"""From flag to desk: one alert a project and rule, its desk, its end, its sleep, its way up; nobody told twice."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.alerting.acting import Acting, act_on
from registry.alerting.clocks import acknowledged_by, next_digest
from registry.database import transaction
from registry.deciding_findings import decide
from registry.errors import BadInput, ChangedMeanwhile, NotAllowed, NotFound
from registry.viewers import Viewer, become
from tests.registry.alert_world import MONDAY, later, offices, rows, told
from tests.registry.worlds import findings, keep, nation, record, scenario, value

ALERTS = "SELECT rule, state, severity, findings_open, organisation_id, routed_by FROM alerts ORDER BY id"
LAND = "land-without-approval"


async def _do(engine: AsyncEngine, viewer: Viewer, alert: int, **acting: object) -> int:
    async with transaction(engine) as session:
        await become(session, viewer)
        return await act_on(session, viewer, alert, Acting(**acting), MONDAY)  # type: ignore[arg-type]  # as told


async def test_a_project_and_rule_have_one_alert_at_the_nearest_desk_of_the_successor(engine: AsyncEngine) -> None:
    people = await offices(engine)
    await keep(
        engine,
        scenario([record("g1", "land_grant", "2016-06-01"), record("g2", "land_grant", "2016-07-01")]),
    )
    await nation(engine, MONDAY)
    raised = await told(engine)
    # Two grants, one alert; the office that still bears the name of the ministry before has the successor's duty.
    assert (raised.opened, raised.deliveries) == (1, 1)
    assert await rows(engine, ALERTS) == [(LAND, "open", "violation", 2, "land-tangshan", "region")]
    # The same again, and the same flags once more, tell nobody.
    assert (await told(engine)).claimed == 0
    async with transaction(engine) as session:
        await (await session.connection()).execute(
            text("INSERT INTO dirty_marks (purpose, kind, id, mark) SELECT 'alert', 'finding', version_id, "
                 "nextval('dirty_mark_sequence') FROM findings")
        )  # fmt: skip
    again = await told(engine)
    assert (again.claimed, again.opened, again.deliveries) == (2, 0, 0)
    # A person's decision takes a finding out; with the last one the alert is closed.
    reviewer = people["land-tangshan/reviewer"]
    for one in await findings(engine):
        async with transaction(engine) as session:
            await become(session, reviewer)
            await decide(
                session, reviewer, one["fingerprint"], "dismissed", "批准文件已核对", one["evidence_hash"], MONDAY
            )
    assert (await told(engine)).closed == 1
    closed = "SELECT state, closed_reason, findings_open, findings_total FROM alerts"
    assert await rows(engine, closed) == [("closed", "dismissed", 0, 2)]
    # Taken back, it is the next episode.
    one = (await findings(engine))[0]
    async with transaction(engine) as session:
        await become(session, reviewer)
        await decide(session, reviewer, one["fingerprint"], "withdrawn", "误操作", one["evidence_hash"], MONDAY)
    assert (await told(engine)).opened == 1
    assert await rows(engine, "SELECT episode, state FROM alerts ORDER BY id") == [(1, "closed"), (2, "open")]
    kinds = await rows(engine, "SELECT kind FROM alert_events WHERE alert_id = 1 ORDER BY id")
    assert [kind for (kind,) in kinds] == ["opened", "closed"]


async def test_what_nobody_acknowledges_goes_up_and_what_sleeps_comes_back(engine: AsyncEngine) -> None:
    people = await offices(engine)
    await keep(engine, scenario([record("g1", "land_grant", "2016-06-01")]))
    await nation(engine, MONDAY)
    await told(engine)
    due = acknowledged_by(MONDAY)["violation"]
    assert due.isoformat() == "2026-01-06T18:00:00+08:00"
    assert (await later(engine, due - timedelta(minutes=1))).escalated == 0
    assert (await later(engine, due)).escalated == 1
    assert (await later(engine, due)).escalated == 0
    up = "SELECT organisation_id, escalated_to, escalations FROM alerts"
    assert await rows(engine, up) == [("land-tangshan", "land-hebei", 1)]
    # Both are told at once: who should have, and who is above.
    mails = "SELECT organisation_id FROM deliveries WHERE mode = 'immediate' ORDER BY 1"
    assert [one for (one,) in await rows(engine, mails)] == ["land-hebei", "land-tangshan", "land-tangshan"]
    # Others see it as far as their region goes, and cannot touch it; its desk snoozes it with reason and end.
    with pytest.raises(NotFound):
        await _do(engine, people["credit-nation/reviewer"], 99, act="acknowledge")
    with pytest.raises(NotAllowed):
        await _do(engine, people["credit-nation/reviewer"], 1, act="acknowledge")
    desk = people["land-tangshan/reviewer"]
    with pytest.raises(BadInput, match="why"):
        await _do(engine, desk, 1, act="snooze", until=MONDAY + timedelta(days=7))
    version = await _do(engine, desk, 1, act="snooze", reason="等待补充材料", until=MONDAY + timedelta(days=7))
    assert (await later(engine, MONDAY + timedelta(days=6))).escalated == 0
    with pytest.raises(ChangedMeanwhile):
        await _do(engine, desk, 1, act="acknowledge", seen=version - 1)
    back = await later(engine, MONDAY + timedelta(days=7))
    assert (back.returned, back.escalated) == (1, 0)
    # The office above may act too.
    await _do(engine, people["land-hebei/reviewer"], 1, act="acknowledge")
    assert (await later(engine, MONDAY + timedelta(days=60))).escalated == 0
    # A silence holds for later episodes of the same project and rule.
    await _do(engine, desk, 1, act="silence", reason="已立案，不再逐条通知", until=MONDAY + timedelta(days=90))
    one = (await findings(engine))[0]
    for decision in ("dismissed", "withdrawn"):
        async with transaction(engine) as session:
            await become(session, desk)
            await decide(session, desk, one["fingerprint"], decision, "示例", one["evidence_hash"], MONDAY)
        before = await value(engine, "SELECT count(*) FROM deliveries")
        await told(engine, MONDAY + timedelta(days=61))
        assert await value(engine, "SELECT count(*) FROM deliveries") == before
    assert await rows(engine, "SELECT episode, silence_id FROM alerts ORDER BY id") == [(1, 1), (2, 1)]
    assert (await later(engine, MONDAY + timedelta(days=90))).returned == 1
    acts = "SELECT action FROM audit_entries WHERE action LIKE 'alert.%' ORDER BY id"
    assert [act for (act,) in await rows(engine, acts)] == ["alert.snooze", "alert.acknowledge", "alert.silence"]


async def test_an_alert_without_a_desk_is_not_lost(engine: AsyncEngine) -> None:
    await keep(engine, scenario([record("g1", "land_grant", "2016-06-01"), record("l1", "loan", "2016-06-01")]))
    await nation(engine, MONDAY)
    await told(engine)
    assert {row[4:] for row in await rows(engine, ALERTS)} == {(None, "none")}
    people = await offices(engine)
    passed = await later(engine, MONDAY)
    assert passed.routed == await value(engine, "SELECT count(*) FROM alerts")
    desks = await rows(engine, "SELECT DISTINCT lane, organisation_id FROM alerts ORDER BY lane")
    assert desks == [("credit", "credit-nation"), ("land", "land-tangshan")]
    # Of credit nobody else sees even that there is one.
    for name, lanes in (("land-nation/reviewer", {"land"}), ("credit-nation/reviewer", {"land", "credit"})):
        async with transaction(engine) as session:
            await become(session, people[name])
            seen = await (await session.connection()).execute(text("SELECT DISTINCT lane FROM alerts"))
            assert set(seen.scalars()) == lanes


def test_digests_go_out_in_office_hours() -> None:
    assert next_digest(MONDAY, "immediate") == MONDAY
    assert next_digest(MONDAY + timedelta(minutes=5), "hourly").isoformat() == "2026-01-05T11:00:00+08:00"
    assert next_digest(MONDAY, "daily").isoformat() == "2026-01-06T09:00:00+08:00"
    friday = MONDAY + timedelta(days=4, hours=9)
    assert next_digest(friday, "hourly").isoformat() == "2026-01-12T09:00:00+08:00"
