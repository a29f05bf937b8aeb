"""Judging: findings open, stay, close and open again; whatever the order; whatever the way they are asked for."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

import registry
from registry import dirty
from registry.acts import FORMALITIES
from registry.database import transaction
from registry.fact_texts import Use, file_text
from registry.flags import Asked, Flag, ask_flags_with_evidence
from registry.gates import gates_of_projects
from registry.judging import Judged, judge_changed, replay
from registry.law_fact_items import RectificationItem
from registry.law_fact_writing import FACT_KINDS, tell_facts
from registry.registering import ProjectItem, Telling, correct_approval, correct_project, register_projects
from registry.scenario_worlds import run_scenario
from registry.scenarios import Scenario
from registry.scratch import scratch_database
from registry.turns import take_turn
from registry.viewers import JOBS_ROLE
from tests.registry.worlds import (
    AS_OF,
    CODE,
    OTHER,
    OWNER,
    at,
    changed,
    correct_record,
    findings,
    keep,
    nation,
    project,
    record,
    scenario,
    value,
)

EARLY = record("L1", "land_grant", "2014-02-01", party=OWNER)
NOW = datetime(2026, 2, 1, tzinfo=UTC)


async def _replay(engine: AsyncEngine, known_at: datetime = NOW, as_of: date = AS_OF) -> list[Flag]:
    async with transaction(engine) as session:
        return await replay(session, as_of, known_at)


async def _correct(engine: AsyncEngine, when: datetime, **changes: Any) -> None:
    async with transaction(engine) as session:
        approval = await (await session.connection()).scalar(
            text("SELECT approval_id FROM approvals WHERE known_to = 'infinity' AND reference = 'A1'")
        )
        assert await correct_approval(session, approval, changes, Telling("tester", when, "misread"))


async def test_a_finding_says_what_why_by_which_law_and_whose_duty_it_was(engine: AsyncEngine) -> None:
    await keep(engine, scenario([EARLY]))
    judged = await nation(engine, at(1))
    assert (judged.judged, judged.opened, judged.changed, judged.closed) == (1, 1, 0, 0)
    (finding,) = await findings(engine)
    assert finding["rule"] == "land-without-approval"
    assert finding["reasons"] == ["before-approval"]
    assert (finding["lane"], finding["severity"], finding["basis"]) == ("land", "violation", "text")
    assert (finding["state"], finding["first_seen"]) == ("open", at(1))
    # The land ministry of 2014 had become another by the day judged: 2016 is before that.
    assert finding["duty_holder"] == "mlr"
    assert finding["evidence"]["duty_holder_on_day"] == "mlr"
    assert finding["evidence"]["record"]["acted_on"] == "2014-02-01"
    assert finding["evidence"]["approvals"] == [
        {"reference": "A1", "kind": "filing", "issued": "2014-06-01", "expires": "2016-05-31"}
    ]
    assert finding["parameters"]["overcapacity_sectors"] == ["steel", "cement", "aluminium", "glass", "ships"]
    assert finding["citation"][0]["quote_zh"] == "对未经核准、备案的项目，一律不得批准使用土地、岸线。"
    assert finding["synthetic"] is True
    assert finding["enterprise_id"] is not None and finding["project_id"] is not None


async def test_the_duty_goes_to_the_successor_as_of_the_day_judged(engine: AsyncEngine) -> None:
    loan = record("C1", "loan", "2014-02-02", party=OWNER)
    await keep(engine, scenario([EARLY, loan]))
    await nation(engine, at(1), as_of=date(2020, 1, 1))
    by_rule = {one["rule"]: one for one in await findings(engine)}
    assert by_rule["land-without-approval"]["duty_holder"] == "mnr"
    assert by_rule["land-without-approval"]["evidence"]["duty_holder_on_day"] == "mlr"
    assert by_rule["credit-without-formalities"]["duty_holder"] == "cbirc"
    # Two steps of succession; the evidence of the day stays as it was.
    before = by_rule["credit-without-formalities"]["evidence_hash"]
    await nation(engine, at(2), as_of=date(2024, 1, 1))
    by_rule = {one["rule"]: one for one in await findings(engine)}
    assert by_rule["credit-without-formalities"]["duty_holder"] == "nfra"
    assert by_rule["credit-without-formalities"]["evidence_hash"] == before


async def test_judging_again_writes_nothing(engine: AsyncEngine) -> None:
    await keep(engine, scenario([EARLY, record("C1", "loan", "2014-07-01", party=OTHER)]))
    first = await nation(engine, at(1))
    assert first.opened == 3
    before = await findings(engine, versions=True)
    for hour in (2, 3):
        assert not (await nation(engine, at(hour))).wrote
    assert await findings(engine, versions=True) == before


async def test_what_changed_and_the_nation_say_the_same(engine: AsyncEngine) -> None:
    await keep(
        engine, scenario([EARLY, record("C1", "loan", "2014-07-01"), record("P1", "eia_approval", "2014-03-01")])
    )
    judged = await changed(engine, at(1))
    assert judged is not None and judged.opened == 2
    assert not (await nation(engine, at(2), as_of=date(2026, 1, 1))).wrote
    assert await changed(engine, at(3)) is None
    asked = {(flag.fingerprint, flag.reasons, flag.evidence_hash) for flag in await _replay(engine)}
    kept = {(one["fingerprint"], tuple(one["reasons"]), one["evidence_hash"]) for one in await findings(engine)}
    assert asked == kept
    # A large nation is judged over a table of its projects' states: the same flags, and no table left behind.
    async with transaction(engine) as session:
        await (await session.connection()).execute(text(f"SET LOCAL ROLE {JOBS_ROLE}"))
        many = await ask_flags_with_evidence(session, Asked(Use("nation"), AS_OF, many=True))
    assert {(flag.fingerprint, flag.reasons, flag.evidence_hash) for flag in many} == kept
    assert await value(engine, "SELECT count(*) FROM pg_class WHERE relname LIKE 'project_states%'") == 0


async def test_a_changed_approval_closes_and_opens_findings_with_the_reason(engine: AsyncEngine) -> None:
    await keep(engine, scenario([EARLY]))
    await changed(engine, at(1))
    await _correct(engine, at(2), issued="2014-01-01")
    judged = await changed(engine, at(3))
    assert judged is not None and judged.closed == 1
    (closed,) = await findings(engine)
    assert (closed["state"], closed["closed_reason"], closed["known_from"]) == ("closed", "approval-changed", at(3))
    assert not (await nation(engine, at(4))).wrote
    await _correct(engine, at(5), issued="2014-03-01")
    judged = await changed(engine, at(6))
    assert judged is not None and judged.opened == 1
    (again,) = await findings(engine)
    assert (again["state"], again["closed_reason"]) == ("open", "")
    assert again["first_seen"] == at(1)
    versions = await findings(engine, versions=True)
    assert [one["state"] for one in versions] == ["open", "closed", "open"]
    assert len({one["fingerprint"] for one in versions}) == 1
    assert [one["known_to"] for one in versions[:-1]] == [one["known_from"] for one in versions[1:]]


async def test_two_batches_that_touch_one_project_judge_it_one_after_the_other(engine: AsyncEngine) -> None:
    await keep(engine, scenario([EARLY]))
    async with transaction(engine) as session:
        connection = await session.connection()
        await connection.execute(text("DELETE FROM dirty_marks"))
        (link,) = await connection.execute(text("SELECT record_id, project_id FROM links WHERE known_to = 'infinity'"))
        await dirty.mark(session, "judge", "record", [link.record_id])
        await dirty.mark(session, "judge", "project", [link.project_id])
    async with transaction(engine) as session:
        first = await judge_changed(session, at(1), limit=1)

        async def beside() -> Judged | None:
            async with transaction(engine) as other:
                return await judge_changed(other, at(2), limit=1)

        second = asyncio.create_task(beside())
        await asyncio.wait([second], timeout=0.3)
        assert not second.done()
    assert first is not None and first.opened == 1
    # It read what the first had written, opened nothing twice and closed nothing.
    again = await second
    assert again is not None and not again.wrote
    assert len(await findings(engine)) == 1


async def test_a_plan_of_a_whole_region_is_judged_by_its_own_mark(engine: AsyncEngine) -> None:
    await keep(engine, scenario([]))

    async def tell(hour: int, **more: str) -> Judged | None:
        plan = {"reference": "plan:1", "region": "130000", "decided": "2014-01-10", "published": "2014-01-20", **more}
        item = RectificationItem.model_validate(plan)
        async with transaction(engine) as session:
            await tell_facts(session, FACT_KINDS["rectifications"], [item], Telling("tester", at(hour), "told"))
        async with transaction(engine) as session:
            return await judge_changed(session, at(hour))

    async with transaction(engine) as session:
        await judge_changed(session, at(1))
    drawn_up = await tell(2)
    assert drawn_up is not None
    assert (drawn_up.opened, drawn_up.closed) == (1, 0)
    # The same again marks nothing, so nothing awaits judging.
    assert await tell(3) is None
    filed = await tell(4, filed="2014-02-01")
    assert filed is not None
    assert (filed.opened, filed.closed) == (0, 1)


async def test_other_evidence_restates_a_finding_and_marks_it_for_search(engine: AsyncEngine) -> None:
    await keep(engine, scenario([EARLY]))
    await changed(engine, at(1))
    async with transaction(engine) as session:
        await dirty.settle(session, "index", await dirty.claim(session, "index"))
    await _correct(engine, at(2), number="发改备〔2014〕1号")
    async with transaction(engine) as session:
        await dirty.settle(session, "index", await dirty.claim(session, "index"))
    judged = await changed(engine, at(3))
    assert judged is not None and (judged.opened, judged.changed, judged.closed) == (0, 1, 0)
    (finding,) = await findings(engine)
    assert finding["evidence"]["approvals"][0]["number"] == "发改备〔2014〕1号"
    async with transaction(engine) as session:
        marked = {(one.kind, one.id) for one in await dirty.claim(session, "index")}
    assert marked == {("record", finding["subject_id"]), ("project", finding["project_id"])}


async def test_a_new_formality_reaches_the_acts_of_its_project(engine: AsyncEngine) -> None:
    formalities = [record("L1", "land_grant", "2014-06-02"), record("N1", "energy_assessment", "2014-06-02")]
    await keep(engine, scenario([*formalities, record("C1", "loan", "2014-07-01")]))
    await changed(engine, at(1))
    (finding,) = await findings(engine)
    assert finding["reasons"] == ["missing-eia"]
    async with transaction(engine) as session:
        # Only the new record and what it is linked to are marked.
        await _add_record(session, record("E1", "eia_approval", "2014-06-30"), at(2))
    judged = await changed(engine, at(3))
    assert judged is not None and judged.closed == 1
    (finding,) = await findings(engine)
    assert (finding["state"], finding["closed_reason"]) == ("closed", "formality-changed")


async def test_a_corrected_record_is_judged_alone_unless_it_is_or_was_a_formality(engine: AsyncEngine) -> None:
    formalities = [record("L1", "land_grant", "2014-06-02"), record("N1", "energy_assessment", "2014-06-02")]
    eia = record("E1", "eia_approval", "2014-06-30")
    await keep(engine, scenario([*formalities, eia, record("C1", "loan", "2014-07-01")]))
    await changed(engine, at(1))
    assert await findings(engine) == []
    async with transaction(engine) as session:
        await correct_record(session, "C1", {"acted_on": date(2014, 7, 2)}, at(2))
    judged = await changed(engine, at(2))
    assert judged is not None and (judged.judged, judged.opened) == (1, 0)
    # What the agency sent as an EIA approval turns out to be another permit: the loan was signed without one.
    async with transaction(engine) as session:
        await correct_record(session, "E1", {"act": "discharge_permit"}, at(3))
    judged = await changed(engine, at(3))
    assert judged is not None and judged.judged == 4
    (finding,) = await findings(engine)
    assert (finding["subject_reference"], finding["reasons"]) == ("scenario:C1", ["missing-eia"])


def test_no_fact_but_formalities_reads_the_records_of_others() -> None:
    """What else read them would have to widen what a changed record has judged again (registry/judging.py)."""
    facts = [path.stem for path in (Path(registry.__file__).parent / "facts").glob("*.sql")]
    readers = {one for one in facts if re.search(r"\brecords\b", file_text(one))}
    # Acts are the record itself, and evidence is of it and of the formalities.
    assert readers == {"known_formalities", "submitted_acts", "evidence"}
    assert f"r.act IN {FORMALITIES}" in file_text("known_formalities")


async def _add_record(session: Any, one: dict[str, Any], when: datetime) -> None:
    """A record that another run brought, linked to the only project."""
    connection = await session.connection()
    number = await connection.scalar(
        text(
            "INSERT INTO records (record_id, feed, content_hash, raw, source_key, act, acted_on, project_code, "
            "known_from) "
            "VALUES (nextval('record_sequence'), 'scenario', '', '', :id, :act, :on, :code, :at) RETURNING record_id"
        ),
        {"id": one["id"], "act": one["act"], "on": date.fromisoformat(one["on"]), "code": CODE, "at": when},
    )
    await connection.execute(
        text(
            "INSERT INTO links (record_id, project_id, outcome, method, known_from) "
            "SELECT :id, id, 'linked', 'project_code', :at FROM projects"
        ),
        {"id": number, "at": when},
    )
    await dirty.mark(session, "judge", "record", [number])


async def test_a_held_run_raises_and_clears_no_flag(engine: AsyncEngine) -> None:
    await keep(engine, scenario([EARLY]))
    await changed(engine, at(1))
    before = await findings(engine, versions=True)
    async with transaction(engine) as session:
        connection = await session.connection()
        # A held run brought another version of the grant, on a lawful day.
        number = await connection.scalar(text("SELECT record_id FROM records"))
        await connection.execute(text("UPDATE records SET known_to = :at"), {"at": at(2)})
        await connection.execute(
            text(
                "INSERT INTO records (record_id, feed, content_hash, raw, source_key, act, acted_on, project_code, "
                "known_from) SELECT record_id, feed, '', '', source_key, act, DATE '2014-07-01', project_code, :at "
                "FROM records"
            ),
            {"at": at(2)},
        )
        run = await connection.scalar(
            text("INSERT INTO sync_runs (feed, slot, state) VALUES ('scenario', :at, 'held') RETURNING id"),
            {"at": at(2)},
        )
        await dirty.mark(session, "link", "record", [number], run_id=run)
        await dirty.mark(session, "judge", "project", [await connection.scalar(text("SELECT id FROM projects"))])
    judged = await changed(engine, at(3))
    assert judged is not None and not judged.wrote
    assert not (await nation(engine, at(4))).wrote
    assert await findings(engine, versions=True) == before
    async with transaction(engine) as session:
        await (await session.connection()).execute(text("UPDATE sync_runs SET state = 'released'"))
    assert (await nation(engine, at(5))).closed == 1
    assert (await findings(engine))[0]["closed_reason"] == "record-corrected"


async def test_what_is_confidential_stands_apart_in_the_evidence(engine: AsyncEngine) -> None:
    await keep(engine, scenario([record("C1", "loan", "2014-02-02", months=36), EARLY]))
    async with transaction(engine) as session:
        connection = await session.connection()
        await connection.execute(text("ALTER TABLE records DISABLE TRIGGER refuse_rewrite"))
        await connection.execute(text("UPDATE records SET amount = 120000000.50, number = 'HT-1'"))
        await connection.execute(text("ALTER TABLE records ENABLE TRIGGER refuse_rewrite"))
    flags = {flag.rule: flag for flag in await _replay(engine)}
    credit = flags["credit-without-formalities"].evidence
    assert credit["confidential"] == {"number": "HT-1", "amount": "120000000.50", "months": 36}
    assert "amount" not in credit["record"] and "number" not in credit["record"]
    land = flags["land-without-approval"].evidence
    assert "confidential" not in land and land["record"]["amount"] == "120000000.50"


async def test_the_fingerprint_rests_on_the_agencys_key_alone(engine: AsyncEngine, database_url: str) -> None:
    """The same world in a database with other serial numbers gives the same fingerprints and evidence."""
    loan = record("C1", "loan", "2014-02-03")
    await keep(engine, scenario([EARLY, loan]))
    mine = await _replay(engine)
    async with scratch_database(database_url) as other:
        async with transaction(other) as session:
            connection = await session.connection()
            for name in ("record_sequence", "approval_sequence", "projects_id_seq", "enterprises_id_seq"):
                await connection.execute(text(f"SELECT setval('{name}', 5000)"))
        await keep(other, scenario([loan, EARLY]))
        theirs = await _replay(other)
    assert len(mine) == 2
    assert [(flag.fingerprint, flag.evidence_hash) for flag in mine] == [
        (flag.fingerprint, flag.evidence_hash) for flag in theirs
    ]
    assert {flag.subject_id for flag in mine}.isdisjoint(flag.subject_id for flag in theirs)


async def test_a_record_of_two_projects_is_one_finding_with_the_reasons_of_both(engine: AsyncEngine) -> None:
    second = project(code="2014-130200-31-03-000002", name="二期炼钢示例项目", approvals=[])
    await keep(engine, scenario([EARLY], project(), second))
    async with transaction(engine) as session:
        await (await session.connection()).execute(
            text(
                "INSERT INTO links (record_id, project_id, outcome, method, decided_by, known_from) "
                "SELECT l.record_id, v.project_id, 'linked', 'person', 'person', :at "
                "FROM links AS l, project_versions AS v WHERE v.code LIKE '%2'"
            ),
            {"at": at(1)},
        )
    assert (await nation(engine, at(2))).opened == 1
    (finding,) = await findings(engine)
    assert finding["reasons"] == ["before-approval", "no-approval"]
    assert len(finding["evidence"]["also"]) == 1
    assert not (await nation(engine, at(3))).wrote


async def test_gates_are_forced_open_or_shut(engine: AsyncEngine) -> None:
    filed = project(approvals=[{"id": "A1", "kind": "filing", "issued": "2014-06-01"}])
    elsewhere = project(code="2014-130200-31-03-000002", name="食品示例项目", sector="other", approvals=[])
    await keep(engine, scenario([EARLY], filed, elsewhere))
    await changed(engine, at(1))
    steel = await value(engine, "SELECT project_id FROM project_versions WHERE sector = 'steel'")
    other = await value(engine, "SELECT project_id FROM project_versions WHERE sector = 'other'")
    async with transaction(engine) as session:
        gates = await gates_of_projects(session, [steel, other], AS_OF)
        before = await gates_of_projects(session, [steel], date(2014, 3, 1), at(0))
    assert {lane: gate.state for lane, gate in gates[steel].items()} == {
        "land": "forced",
        "environment": "open",
        "credit": "shut",
    }
    (finding,) = await findings(engine)
    assert gates[steel]["land"].findings == (finding["fingerprint"],)
    assert gates[steel]["credit"].would_break == (
        ("credit-without-formalities", ("missing-eia", "missing-energy-assessment")),
    )
    assert {gate.state for gate in gates[other].values()} == {"open"}
    # On a day before the approval, before anything was judged.
    assert {lane: gate.state for lane, gate in before[steel].items()} == dict.fromkeys(before[steel], "shut")


async def test_owners_over_time_and_projects_that_continue_others(engine: AsyncEngine) -> None:
    acts = [
        record("L1", "land_grant", "2014-07-01", party=OWNER),
        record("L2", "land_grant", "2015-07-01", party=OTHER),
        record("L3", "land_grant", "2014-07-02", party=OTHER),
        record("L4", "land_grant", "2015-07-02", party=OWNER),
    ]
    await keep(engine, scenario(acts))
    number = await value(engine, "SELECT id FROM projects")
    async with transaction(engine) as session:
        await correct_project(
            session, number, {"owner": OTHER}, Telling("tester", at(1), "sold"), held_from=date(2015, 1, 1)
        )
    misused = [flag.subject_reference for flag in await _replay(engine) if flag.rule == "project-code-misused"]
    assert sorted(misused) == ["scenario:L3", "scenario:L4"]
    continuing = {"code": "2015-130200-31-03-000009", "name": "续建炼钢示例项目", "owner": OWNER, "sector": "steel"}
    async with transaction(engine) as session:
        item = ProjectItem.model_validate(
            {**continuing, "reference": "next", "region": "130200", "nature": "new_build", "stage": "construction"}
        )
        outcome = await register_projects(session, [item], Telling("tester", at(2)))
        await (await session.connection()).execute(
            text("INSERT INTO project_lineage (project_id, predecessor_id, known_from) VALUES (:new, :old, :at)"),
            {"new": outcome.ids["next"], "old": number, "at": at(2)},
        )
    misused = [flag.subject_reference for flag in await _replay(engine) if flag.rule == "project-code-misused"]
    assert sorted(misused) == ["scenario:L3"]


DAYS = st.dates(date(2013, 10, 1), date(2016, 6, 30))
APPROVALS = st.builds(
    lambda number, issued, lasts, revoked: {
        "id": f"A{number}",
        "kind": "filing",
        "issued": issued.isoformat(),
        "expires": None if lasts is None else (issued + timedelta(days=lasts)).isoformat(),
        "revoked": None if revoked is None else (issued + timedelta(days=revoked)).isoformat(),
    },
    st.integers(0, 10_000),
    DAYS,
    st.none() | st.integers(0, 900),
    st.none() | st.integers(0, 900),
)
ACTS = st.sampled_from(
    ["land_grant", "sea_area_grant", "discharge_permit", "production_licence", "eia_approval", "loan"]
)
RECORDS = st.lists(st.tuples(ACTS, DAYS, st.integers(0, 400)), min_size=1, max_size=6)
FEW = settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def _world(approvals: Sequence[dict[str, Any]], acts: Sequence[tuple[str, date, int]], *, dated: bool) -> Scenario:
    records = [record(f"R{number}", act, on.isoformat()) for number, (act, on, _) in enumerate(acts)]
    if dated:
        for one, (_, _, late) in zip(records, acts, strict=True):
            one["received"] = (date(2016, 7, 1) + timedelta(days=late)).isoformat()
    return scenario(records, project(approvals=list(approvals)))


@FEW
@given(st.lists(APPROVALS, max_size=3, unique_by=lambda one: one["id"]), APPROVALS, RECORDS)
async def test_an_approval_more_never_adds_a_finding_without_approval(
    engine: AsyncEngine, approvals: list[dict[str, Any]], another: dict[str, Any], acts: list[tuple[str, date, int]]
) -> None:
    another = {**another, "id": "more"}

    async def flagged(some: list[dict[str, Any]]) -> set[tuple[str, str]]:
        outcome = await run_scenario(engine, _world(some, acts, dated=False))
        return {(one.rule, one.subject) for one in outcome.findings if one.rule == "land-without-approval"} | {
            (one.rule, one.subject)
            for one in outcome.findings
            if one.rule == "permit-without-approval" and "eia" not in acts[int(one.subject[1:])][0]
        }

    assert await flagged([*approvals, another]) <= await flagged(approvals)


@FEW
@given(st.lists(APPROVALS, max_size=2, unique_by=lambda one: one["id"]), RECORDS)
async def test_the_order_of_arrival_does_not_matter(
    engine: AsyncEngine, approvals: list[dict[str, Any]], acts: list[tuple[str, date, int]]
) -> None:
    at_once = await run_scenario(engine, _world(approvals, acts, dated=False))
    in_turn = await run_scenario(engine, _world(approvals, acts, dated=True))
    assert set(in_turn.findings) == set(at_once.findings)


@pytest.mark.parametrize("instant", [at(0), NOW])
async def test_a_replay_writes_nothing(engine: AsyncEngine, instant: datetime) -> None:
    await keep(engine, scenario([EARLY]))
    assert len(await _replay(engine, instant)) == 1
    assert await findings(engine) == []
    assert await value(engine, "SELECT count(*) FROM judging_runs") == 0


async def test_who_works_on_the_same_waits_and_others_do_not(engine: AsyncEngine) -> None:
    """The nation is judged alone: else it would close what a batch opened after the nation was read."""

    async def take(*topics: str) -> None:
        async with transaction(engine) as session:
            await take_turn(await session.connection(), "judging", topics)

    async with transaction(engine) as session:
        await take_turn(await session.connection(), "judging", ["project 1"])
        await asyncio.wait_for(take("project 2"), 30)
        everything = asyncio.create_task(nation(engine, at(1)))
        same = asyncio.create_task(take("project 2", "project 1"))
        _, waiting = await asyncio.wait([everything, same], timeout=0.5)
        assert waiting == {everything, same}
    await asyncio.wait_for(asyncio.gather(everything, same), 30)
