"""People's decisions on findings: they survive judging again, and come back when the evidence changes."""

from datetime import datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.database import transaction
from registry.deciding_findings import decide, decisions_on
from registry.errors import BadInput, Conflict, NotAllowed
from registry.finding_list import FindingFilter, finding_file, list_findings
from registry.gates import gates_of_projects
from registry.reading import rows
from registry.roles import Permission
from registry.viewers import PUBLIC, Viewer, become
from tests.registry.test_judging import _correct
from tests.registry.worlds import AS_OF, at, findings, keep, nation, record, scenario, value

EARLY = record("L1", "land_grant", "2014-02-01")


async def person(engine: AsyncEngine, *permissions: Permission, region: str = "000000") -> Viewer:
    """Somebody with an account and these permissions."""
    await value(
        engine,
        "INSERT INTO organisations (id, kind, name_zh, name_en, region, created_at) "
        "VALUES ('office', 'agency', '示例机关', 'Example', '000000', now()) "
        "ON CONFLICT (id) DO UPDATE SET kind = excluded.kind RETURNING id",
    )
    account = await value(
        engine,
        "INSERT INTO accounts (login, name, organisation_id, region, created_at) "
        "SELECT 'p' || count(*), '示例', 'office', '000000', now() FROM accounts RETURNING id",
    )
    return Viewer(
        "person",
        account,
        actor=f"p{account}",
        organisation_id="office",
        region=region,
        permissions=frozenset({"internal", *permissions}),
    )


async def told(engine: AsyncEngine, viewer: Viewer, decision: str, reason: str, when: datetime, hash_: str = "") -> str:
    """Decide on the one finding as the viewer; its fingerprint."""
    (finding,) = await findings(engine)
    async with transaction(engine) as session:
        await become(session, viewer)
        await decide(session, viewer, finding["fingerprint"], decision, reason, hash_ or finding["evidence_hash"], when)
    return str(finding["fingerprint"])


async def listed(engine: AsyncEngine, viewer: Viewer, decision: str | None) -> list[str]:
    async with transaction(engine) as session:
        await become(session, viewer)
        page = await list_findings(session, FindingFilter(decision=decision, state=None), viewer.audience)
    return [one.rule for one in page.items]


async def test_a_decision_survives_judging_and_comes_back_on_other_evidence(engine: AsyncEngine) -> None:
    await keep(engine, scenario([EARLY]))
    await nation(engine, at(1))
    officer = await person(engine, "decide")
    assert await listed(engine, officer, "awaiting") == ["land-without-approval"]
    fingerprint = await told(engine, officer, "confirmed", "供地批复原件已核对", at(2))
    assert await listed(engine, officer, "awaiting") == []
    await nation(engine, at(3))
    async with transaction(engine) as session:
        await become(session, officer)
        (decision,) = await decisions_on(session, fingerprint)
        file = await finding_file(session, fingerprint, "official")
    assert (decision.decision, decision.stands, decision.actor) == ("confirmed", True, officer.actor)
    assert decision.organisation == "示例机关"
    assert (file.decision, file.decided_on_other_evidence, file.last_seen) == ("confirmed", False, at(3))
    # The approval's number is corrected: another evidence, the same finding.
    await _correct(engine, at(4), number="发改备〔2014〕1号")
    await nation(engine, at(5))
    async with transaction(engine) as session:
        await become(session, officer)
        (decision,) = await decisions_on(session, fingerprint)
        file = await finding_file(session, fingerprint, "official")
    assert not decision.stands
    assert file.decided_on_other_evidence is True
    assert await listed(engine, officer, "awaiting") == ["land-without-approval"]
    assert await listed(engine, officer, "confirmed") == []


async def test_a_new_episode_begins_undecided(engine: AsyncEngine) -> None:
    await keep(engine, scenario([EARLY]))
    await nation(engine, at(1))
    officer = await person(engine, "decide")
    fingerprint = await told(engine, officer, "dismissed", "测绘误差", at(2))
    await _correct(engine, at(3), issued="2014-01-01")
    await nation(engine, at(4))
    (closed,) = await findings(engine)
    assert (closed["state"], closed["episode"], closed["closed_reason"]) == ("closed", 1, "approval-changed")
    was, now = closed["closed_facts"]["approvals"]["was"], closed["closed_facts"]["approvals"]["is"]
    assert (was[0]["issued"], now[0]["issued"]) == ("2014-06-01", "2014-01-01")
    with pytest.raises(Conflict, match="closed"):
        await told(engine, officer, "confirmed", "再看", at(5))
    await _correct(engine, at(6), issued="2014-06-01")
    await nation(engine, at(7))
    (again,) = await findings(engine)
    assert (again["state"], again["episode"], again["first_seen"]) == ("open", 2, at(1))
    async with transaction(engine) as session:
        await become(session, officer)
        file = await finding_file(session, fingerprint, "official")
    # The evidence is the same as in the first episode, and still nobody decided on this one.
    assert file.decision is None
    assert [one.stands for one in file.decisions] == [False]
    assert await listed(engine, officer, "awaiting") == ["land-without-approval"]


async def test_what_is_dismissed_forces_no_gate_and_everybody_may_know(engine: AsyncEngine) -> None:
    await keep(engine, scenario([EARLY]))
    await nation(engine, at(1))
    project = await value(engine, "SELECT id FROM projects")
    officer = await person(engine, "decide")

    async def gate(known_at: datetime | None = None) -> str:
        async with transaction(engine) as session:
            await become(session, PUBLIC)
            return (await gates_of_projects(session, [project], AS_OF, known_at))[project]["land"].state

    assert await gate() == "forced"
    fingerprint = await told(engine, officer, "dismissed", "原件日期为一月", at(2))
    assert await gate() == "shut"  # the filing has expired by then
    assert await gate(at(1)) == "forced"
    async with transaction(engine) as session:
        await become(session, PUBLIC)
        file = await finding_file(session, fingerprint, "public")
    assert file.dismissed
    assert (file.decision, file.decisions) == (None, [])
    await told(engine, officer, "withdrawn", "复核后收回", at(3))
    assert await gate() == "forced"
    with pytest.raises(Conflict, match="take back"):
        await told(engine, officer, "withdrawn", "再收回", at(4))


async def test_who_may_decide_and_on_what(engine: AsyncEngine) -> None:
    await keep(engine, scenario([EARLY]))
    await nation(engine, at(1))
    officer = await person(engine, "decide")
    with pytest.raises(BadInput, match="reason"):
        await told(engine, officer, "dismissed", "  ", at(2))
    with pytest.raises(Conflict, match="changed"):
        await told(engine, officer, "dismissed", "不属实", at(2), "another")
    with pytest.raises(NotAllowed):
        await told(engine, await person(engine), "dismissed", "不属实", at(2))
    elsewhere = await person(engine, "decide", region="330000")
    with pytest.raises(NotAllowed, match="another region"):
        await told(engine, elsewhere, "dismissed", "不属实", at(2))
    near = await person(engine, "decide", region="130000")
    await told(engine, near, "not_ours", "应由市局办理", at(2))
    async with transaction(engine) as session:
        kept = await rows(session, "SELECT action, why, actor FROM audit_entries WHERE action = 'finding.decide'")
    assert kept == [{"action": "finding.decide", "why": "应由市局办理", "actor": near.actor}]
