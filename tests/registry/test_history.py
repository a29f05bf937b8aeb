"""History is read, not only written: nothing is rewritten, and every past state of knowledge can be judged again."""

from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.database import transaction
from registry.flags import Flag
from registry.history import HISTORICAL_TABLES
from registry.judging import replay
from registry.registering import Telling, correct_approval
from tests.registry.worlds import AS_OF, OWNER, at, changed, findings, keep, nation, project, record, scenario, value


async def _as_known(engine: AsyncEngine, known_at: datetime, as_of: date = AS_OF) -> dict[str, Flag]:
    async with transaction(engine) as session:
        return {flag.subject_reference: flag for flag in await replay(session, as_of, known_at)}


async def _correct(engine: AsyncEngine, when: datetime, reason: str, **changes: Any) -> None:
    async with transaction(engine) as session:
        approval = await (await session.connection()).scalar(
            text("SELECT approval_id FROM approvals WHERE known_to = 'infinity'")
        )
        assert await correct_approval(session, approval, changes, Telling("tester", when, reason))


async def test_an_approval_corrected_late_is_judged_by_both_states_of_knowledge(engine: AsyncEngine) -> None:
    """The issue day of the filing was misread; the same grant is lawful by one reading and not by the other."""
    await keep(engine, scenario([record("L1", "land_grant", "2014-04-01", party=OWNER)]))
    before, corrected = at(9), at(12)
    await _correct(engine, corrected, "the paper says 2014-03-01", issued="2014-03-01")
    then, now = await _as_known(engine, before), await _as_known(engine, at(13))
    assert then["scenario:L1"].reasons == ("before-approval",)
    assert then["scenario:L1"].evidence["approvals"][0]["issued"] == "2014-06-01"
    assert now == {}
    # To the microsecond: what was corrected at an instant is known from that instant on.
    assert await _as_known(engine, corrected) == {}
    assert len(await _as_known(engine, corrected.replace(microsecond=0, second=0, minute=59, hour=11))) == 1


async def test_the_other_way_round_a_lawful_grant_turns_out_early(engine: AsyncEngine) -> None:
    await keep(engine, scenario([record("L1", "land_grant", "2014-07-01", party=OWNER)]))
    await _correct(engine, at(12), "revoked by a notice that came late", revoked="2014-06-30")
    assert await _as_known(engine, at(9)) == {}
    (flag,) = (await _as_known(engine, at(13))).values()
    assert flag.reasons == ("revoked",)


async def test_what_was_found_then_is_found_again_with_the_same_evidence(engine: AsyncEngine) -> None:
    acts = [record("L1", "land_grant", "2014-04-01"), record("C1", "loan", "2014-08-01")]
    await keep(engine, scenario(acts))
    await nation(engine, at(1))
    await _correct(engine, at(2), "number added", number="发改备〔2014〕2号")
    await nation(engine, at(3))
    await _correct(engine, at(4), "day misread", issued="2014-03-01")
    await nation(engine, at(5))
    kept = await findings(engine, versions=True)
    assert len(kept) > 4
    for moment in (at(1), at(3), at(5)):
        held = {
            (one["fingerprint"], tuple(one["reasons"]), one["evidence_hash"])
            for one in kept
            if one["known_from"] <= moment < one["known_to"] and one["state"] == "open"
        }
        again = {
            (flag.fingerprint, flag.reasons, flag.evidence_hash) for flag in (await _as_known(engine, moment)).values()
        }
        assert again == held


async def test_the_world_on_a_day_is_not_what_came_after(engine: AsyncEngine) -> None:
    await keep(engine, scenario([record("L1", "land_grant", "2014-04-01")]))
    assert (await _as_known(engine, at(1), date(2014, 5, 1)))["scenario:L1"].reasons == ("no-approval",)
    assert (await _as_known(engine, at(1), date(2014, 6, 1)))["scenario:L1"].reasons == ("before-approval",)
    assert await _as_known(engine, at(1), date(2014, 3, 31)) == {}


# Rows that the small world has not.
REST = {
    "enterprise_owners": "(enterprise_id, owner_name, kind, known_from) SELECT id, '', '', now() FROM enterprises",
    "productions": "(enterprise_id, year, product, amount, unit, known_from) SELECT id, 2014, '', 1, '', now() "
    "FROM enterprises",
    "project_lineage": "(project_id, predecessor_id, known_from) SELECT id, id, now() FROM projects",
    "gate_marks": "(record_id, project_id, mark, known_from) SELECT 1, id, '', now() FROM projects",
    "finding_decisions": "(fingerprint, episode, decision, evidence_hash, account_id, actor, known_from) "
    "SELECT '', 1, 'confirmed', '', id, '', now() FROM accounts LIMIT 1",
    "parameter_values": "(parameter, since, proposal_id, drafted_by, activated_by, known_from) "
    "SELECT '', date '2020-01-01', p.id, min(a.id), max(a.id), now() FROM proposals p, accounts a GROUP BY p.id",
    "obligations": "(reference, measure, elimination, enterprise_id, owner, deadline, due, state, first_seen, "
    "known_from) SELECT '', '', '', id, '', date '2011-12-31', date '2012-01-31', 'open', now(), now() "
    "FROM enterprises LIMIT 1",
    "dispositions": "(disposition_id, reference, project_id, kind, known_from) "
    "SELECT 1, '', id, '', now() FROM projects",
    "rectifications": "(rectification_id, reference, known_from) VALUES (1, '', now())",
    "replacement_plans": "(plan_id, reference, project_id, known_from) SELECT 1, '', id, now() FROM projects",
    "plan_units": "(plan_id, reference, known_from) VALUES (1, '', now())",
    "eliminations": "(elimination_id, reference, known_from) VALUES (1, '', now())",
    "enterprise_orders": "(order_id, reference, enterprise_id, kind, known_from) "
    "SELECT id, '', id, '', now() FROM enterprises",
    "restrictions": "(restriction_id, reference, region, known_from) VALUES (1, '', '', now())",
    "equipment": "(equipment_id, reference, equipment_class, known_from) VALUES (1, '', '', now())",
    "link_candidates": "(record_id, project_id, score, model, known_from) SELECT 1, id, 0.5, '', now() FROM projects",
    "review_items": "(record_id, cause, known_from) VALUES (1, '', now())",
    "suspected_versions": "(suspected_id, sector, known_from) SELECT id, '', now() FROM suspected_projects",
    "suspected_members": "(suspected_id, record_id, known_from) SELECT id, 1, now() FROM suspected_projects",
}


# People and what they proposed, for the rows that name them.
PEOPLE = (
    "INSERT INTO organisations (id, kind, name_zh, name_en, region, created_at) "
    "VALUES ('office', 'agency', '示例机关', 'Example', '000000', now()) RETURNING id",
    "INSERT INTO accounts (login, name, organisation_id, region, created_at) "
    "SELECT n, n, 'office', '000000', now() FROM unnest(ARRAY['one', 'two']) AS n RETURNING id",
    "INSERT INTO proposals (kind, subject, reason, drafted_by, drafted_at, owner_id) "
    "SELECT 'parameter', '', '', min(id), now(), min(id) FROM accounts RETURNING id",
)


@pytest.mark.parametrize("table", HISTORICAL_TABLES)
async def test_history_is_never_rewritten_nor_deleted(engine: AsyncEngine, table: str) -> None:
    acts = [record("L1", "land_grant", "2014-04-01", party=OWNER)]
    capacity = {"product": "crude_steel", "amount": "1000000", "unit": "t/a"}
    await keep(engine, scenario(acts, project(capacities=[capacity])))
    await changed(engine, at(1))
    if table.startswith("suspected_"):
        await value(engine, "INSERT INTO suspected_projects (created_at) VALUES (now()) RETURNING id")
    if table in REST:
        for statement in PEOPLE:
            await value(engine, statement)
        await value(engine, f"INSERT INTO {table} {REST[table]} RETURNING version_id")
    assert await value(engine, f"SELECT EXISTS (SELECT FROM {table})")
    column = await value(
        engine,
        "SELECT column_name FROM information_schema.columns WHERE table_name = :table AND data_type = 'text' "
        "AND is_nullable = 'NO' LIMIT 1",
        table=table,
    )
    for refused in (
        f"UPDATE {table} SET {column} = {column} || 'x'",
        f"UPDATE {table} SET known_from = known_from - interval '1 day'",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    ):
        with pytest.raises(DBAPIError, match="history of"):
            await value(engine, refused)
    # Closing is the one change there is, once.
    await _close(engine, table)
    with pytest.raises(DBAPIError, match="never rewritten"):
        await _close(engine, table)


async def _close(engine: AsyncEngine, table: str) -> None:
    async with transaction(engine) as session:
        await (await session.connection()).execute(text(f"UPDATE {table} SET known_to = now()"))
