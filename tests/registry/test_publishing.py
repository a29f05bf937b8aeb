"""Publishing: from a draft to a notice that everybody can verify, and what stops on the way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.audience import CREDIT_ACTS
from registry.clock import civil_day
from registry.database import transaction
from registry.errors import BadInput, Conflict, NotAllowed, NotFound
from registry.law_fact_writing import FACT_KINDS, tell_facts
from registry.publishing import chain, hearing, press, scanning
from registry.publishing.drafting import correct, draft, drop, revise, submit
from registry.publishing.hearing import Letter
from registry.publishing.kinds import KINDS, Closed, Kind
from registry.publishing.views import PUBLISHABLE
from registry.reading import rows
from registry.restating import Telling
from registry.viewers import PUBLIC, Viewer, become
from registry.working_days import is_reckoned, known_until, working_day_after, working_days_left
from tests.registry.test_deciding_findings import person
from tests.registry.worlds import CODE, at, changed, findings, keep, record, scenario, value

HALT = {"reference": "D1", "project": CODE, "kind": "halt", "decided": "2014-07-01", "number": "示例停建〔2014〕1号"}
HASH = "0" * 64


@asynccontextmanager
async def acting(engine: AsyncEngine, viewer: Viewer) -> AsyncIterator[AsyncSession]:
    async with transaction(engine) as session:
        await become(session, viewer)
        yield session


async def tell(engine: AsyncEngine, when: datetime, *said: dict[str, Any]) -> None:
    items = [FACT_KINDS["dispositions"].item.model_validate(one) for one in said]
    async with transaction(engine) as session:
        await tell_facts(session, FACT_KINDS["dispositions"], items, Telling("tester", when, "test"))


async def people(engine: AsyncEngine) -> tuple[Viewer, Viewer, Viewer, Viewer]:
    """One who drafts, and three who may approve; one of them acts for the drafter."""
    drafter = await person(engine, "publish")
    first, second, third = [await person(engine, "approve", "decide") for _ in range(3)]
    return drafter, first, second, third


async def proposal_of(engine: AsyncEngine) -> dict[str, Any]:
    async with transaction(engine) as session:
        (found,) = await rows(session, "SELECT id, version, kind FROM proposals WHERE state = 'open'")
    return found


async def decide(engine: AsyncEngine, viewer: Viewer, now: datetime) -> str:
    asked = await proposal_of(engine)
    async with acting(engine, viewer) as session:
        if asked["kind"] == press.WITHDRAWAL:
            await press.approve_withdrawal(session, viewer, asked["id"], asked["version"], "", now)
            return "withdrawn"
        return await press.approve(session, viewer, asked["id"], asked["version"], "", now)


async def seen(engine: AsyncEngine, table: str = "publication_versions") -> list[dict[str, Any]]:
    async with acting(engine, PUBLIC) as session:
        return await rows(session, f"SELECT * FROM {table} ORDER BY id")


async def drafted(engine: AsyncEngine, viewer: Viewer, statement: str = "") -> int:
    async with acting(engine, viewer) as session:
        number = await draft(session, viewer, "disposition", "D1", statement, at(1))
        await submit(session, viewer, number, 1, at(2))
    return number


async def test_an_accusation_takes_two_others_and_ten_working_days_and_then_the_rule_is_content(
    engine: AsyncEngine,
) -> None:
    await keep(engine, scenario([record("L1", "land_grant", "2014-02-01")]))
    await tell(engine, at(0), HALT)
    await changed(engine, at(1))
    rule = "disposition-not-published"
    assert [one["state"] for one in await findings(engine) if one["rule"] == rule] == ["open"]
    drafter, first, second, third = await people(engine)
    number = await drafted(engine, drafter)
    assert await seen(engine) == [] and await seen(engine, "publications") == []
    with pytest.raises(NotAllowed):
        await decide(engine, Viewer(**{**_said(drafter), "permissions": first.permissions}), at(3))
    with pytest.raises(NotAllowed):
        await decide(engine, Viewer(**{**_said(first), "acts_for": frozenset({drafter.account_id})}), at(3))
    assert await decide(engine, first, at(3)) == "second"
    assert await seen(engine) == []
    with pytest.raises(NotAllowed):
        await decide(engine, first, at(4))
    with pytest.raises(NotAllowed):
        await decide(engine, Viewer(**{**_said(third), "acts_for": frozenset({first.account_id})}), at(4))
    assert await decide(engine, second, at(5)) == "displayed"
    (shown,) = await seen(engine)
    # New Year, and the Sunday that makes up for it (State Council, 2025): the tenth working day after 1 January.
    assert shown["state"] == "displayed" and shown["objections_until"] == working_day_after(date(2026, 1, 1), 10)
    assert shown["content"]["facts"]["enterprise_name"] == "示例甲钢铁有限公司"
    assert [one["kind"] for one in shown["evidence"]] == ["disposition", "finding", "finding"]
    # An open objection holds it back, a rejected one does not.
    async with acting(engine, drafter) as session:
        letter = Letter(date(2026, 1, 1), "示例：已经停建")
        objection = await hearing.receive_objection(session, drafter, number, letter, "enterprise", at(6))
    later = at(1) + timedelta(days=40)
    async with transaction(engine) as session:
        assert await press.publish_due(session, later) == []
    async with acting(engine, first) as session:
        await hearing.answer_objection(session, first, objection, "与现场核查不符。", at(7), upheld=False)
    async with transaction(engine) as session:
        assert await press.publish_due(session, at(8)) == []
        assert len(await press.publish_due(session, later)) == 1
    assert (await seen(engine))[0]["state"] == "published"
    assert await value(engine, "SELECT published FROM dispositions WHERE known_to = 'infinity'") == civil_day(later)
    await changed(engine, later + timedelta(hours=1))
    assert [one["state"] for one in await findings(engine) if one["rule"] == rule] == ["closed"]
    await _reply_and_appeal(engine, number, (drafter, first, second, third), later)
    await changed(engine, later + timedelta(hours=9))
    assert [one["state"] for one in await findings(engine) if one["rule"] == rule] == ["open"]
    async with transaction(engine) as session:
        verified = await chain.verify(session)
        assert (verified.problems, verified.links, verified.withdrawn) == ([], 7, 1)
        events = [one.event for one in await chain.links(session)]
    assert events == ["displayed", "answer", "published", "reply", "appeal", "answer", "withdrawn"]
    await _tampered(engine)


async def _reply_and_appeal(
    engine: AsyncEngine, number: int, hands: tuple[Viewer, Viewer, Viewer, Viewer], later: datetime
) -> None:
    drafter, first, _second, third = hands
    today = civil_day(later)
    async with acting(engine, drafter) as session:
        words = "示例：我公司已于七月停建。电话 138 0013 8000"
        reply, covered = await hearing.receive_reply(session, drafter, number, Letter(today, words, HASH), later)
        assert covered == 1
    with pytest.raises(NotAllowed):
        async with acting(engine, drafter) as session:
            await hearing.confirm_reply(session, drafter, reply, later, whole=True)
    assert await seen(engine, "publication_replies") == []
    async with acting(engine, first) as session:
        await hearing.confirm_reply(session, first, reply, later, whole=True)
    (stands,) = await seen(engine, "publication_replies")
    assert "138" not in stands["content"] and "七月停建" in stands["content"]
    async with acting(engine, drafter) as session:
        appeal = await hearing.receive_appeal(session, drafter, number, Letter(today, "示例申诉", HASH), later)
    with pytest.raises(NotAllowed):  # who approved it does not decide on the appeal
        async with acting(engine, first) as session:
            await hearing.answer_appeal(session, first, appeal, "依据不足。", "withdraw", later)
    async with acting(engine, third) as session:
        await hearing.answer_appeal(session, third, appeal, "依据不足。", "withdraw", later)
    assert await seen(engine) == [] and await seen(engine, "publication_replies") == []
    (stone,) = await seen(engine, "publications")
    assert stone["withdrawn_reason"] == "依据不足。"
    assert await value(engine, "SELECT published FROM dispositions WHERE known_to = 'infinity'") is None


async def _tampered(engine: AsyncEngine) -> None:
    """What a superuser changes behind the triggers is found; without being one nobody can."""
    for statement in (
        "UPDATE publication_versions SET content = '{}'",
        "UPDATE publication_chain SET event = 'published'",
        "DELETE FROM publication_chain",
        "TRUNCATE publication_chain",
        "UPDATE publication_versions SET state = 'published'",
    ):
        with pytest.raises(DBAPIError):
            async with transaction(engine) as session:
                await (await session.connection()).execute(text(statement))
    async with transaction(engine) as session:
        for statement in (
            "ALTER TABLE publication_versions DISABLE TRIGGER ALL",
            "ALTER TABLE publication_chain DISABLE TRIGGER ALL",
            'UPDATE publication_versions SET content = content || \'{"statement": "x"}\'',
            "UPDATE publication_chain SET at = at + interval '1 microsecond' WHERE number = 2",
        ):
            await (await session.connection()).execute(text(statement))
        problems = (await chain.verify(session)).problems
    assert len(problems) == 3 and any("link 2" in one for one in problems)


def _said(viewer: Viewer) -> dict[str, Any]:
    return {name: getattr(viewer, name) for name in Viewer.__dataclass_fields__}


async def test_what_changed_since_it_was_frozen_is_not_approved_and_a_correction_that_names_nobody_new_is_at_once(
    engine: AsyncEngine,
) -> None:
    await keep(engine, scenario([]))
    await tell(engine, at(0), HALT)
    drafter, first, second, third = await people(engine)
    number = await drafted(engine, drafter)
    await tell(engine, at(3), {**HALT, "decided": "2014-08-01"})
    with pytest.raises(Conflict):
        await decide(engine, first, at(4))
    async with acting(engine, drafter) as session:
        await drop(session, drafter, number, at(4))
    with pytest.raises(Conflict):  # who gave it up may draft it again, and never twice at once
        await drafted(engine, drafter)
        await drafted(engine, drafter)
    await decide(engine, first, at(5))
    await decide(engine, second, at(5))
    later = at(1) + timedelta(days=40)
    async with transaction(engine) as session:
        (reference,) = await press.publish_due(session, later)
    number = int(reference.rsplit("-", 1)[1])
    # What officials tell again without a day of publication stays published: the register knows its own.
    await tell(engine, later, {**HALT, "decided": "2014-09-01"})
    assert await value(engine, "SELECT published FROM dispositions WHERE known_to = 'infinity'") == civil_day(later)
    async with acting(engine, drafter) as session:
        await correct(session, drafter, number, "", "决定日期有误。", later)
        await submit(session, drafter, number, 1, later)
    await decide(engine, first, later)
    assert await decide(engine, second, later) == "published"
    assert [(one["number"], one["state"]) for one in await seen(engine)] == [(1, "superseded"), (2, "published")]
    # More of the same enterprise, or words of officials, stand their period again, and the old version stays meanwhile.
    async with acting(engine, drafter) as session:
        await correct(session, drafter, number, "另查明该项目仍在施工。", "补充。", later)
        await revise(session, drafter, number, "另查明该项目仍在施工", "补充。", 1, later)
        await submit(session, drafter, number, 2, later)
    await decide(engine, first, later)
    assert await decide(engine, second, later) == "displayed"
    async with acting(engine, drafter) as session:
        letter = Letter(civil_day(later), "示例异议")
        objection = await hearing.receive_objection(session, drafter, number, letter, "public", later)
    async with acting(engine, third) as session:
        await hearing.answer_objection(session, third, objection, "异议成立。", later, upheld=True)
    assert [one["state"] for one in await seen(engine)] == ["superseded", "published"]
    async with acting(engine, drafter) as session:
        await press.ask_withdrawal(session, drafter, number, "原决定已撤销。", later)
    await decide(engine, third, later)
    assert await seen(engine) == []
    async with transaction(engine) as session:
        assert (await chain.verify(session)).problems == []


async def test_personal_and_credit_data_cannot_be_published(engine: AsyncEngine) -> None:
    loan = record("B1", "loan", "2015-03-01")
    await keep(engine, scenario([loan]))
    await tell(engine, at(0), HALT, {**HALT, "reference": "D2", "number": "电话 13800138000"})
    drafter = await person(engine, "publish")
    for statement in ("联系人：王某某", "身份证号码 11010519491231002X", "账号 6222 0212 3456 7890 123"):
        with pytest.raises(BadInput) as refused:
            await drafted(engine, drafter, statement)
        assert not any(word in str(refused.value) for word in ("王某", "1949", "6222"))
    with pytest.raises(BadInput):  # what somebody wrote into a fact is looked through too
        async with acting(engine, drafter) as session:
            await draft(session, drafter, "disposition", "D2", "", at(1))
    with pytest.raises(NotFound):
        async with acting(engine, drafter) as session:
            await draft(session, drafter, "disposition", "no such", "", at(1))
    with pytest.raises(ValidationError):
        KINDS["disposition"].facts.model_validate({"amount": "1"})

    # Whoever gives a schema a confidential field finds no column of that name: nothing is read, nothing is kept.
    class Wrong(KINDS["disposition"].facts):  # type: ignore[misc]  # a schema of the test's own
        amount: str

    wrong = Kind(**{**_fields(KINDS["disposition"]), "facts": Wrong})
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(KINDS, "disposition", wrong)
        with pytest.raises(DBAPIError):
            await drafted(engine, drafter)
    # And no view of what may be published so much as reads a table that holds confidential rows.
    async with acting(engine, PUBLIC) as session:
        for view, (rights, statement) in PUBLISHABLE.items():
            assert rights == "viewer"
            read = await rows(session, f"SELECT * FROM {view} LIMIT 1")
            assert not {"amount", "lender", "months"} & set(read[0] if read and "unit" not in view else {})
            assert not any(f" {table} " in statement for table in ("records", "links", "findings", "accounts"))
            assert not any(act in statement for act in CREDIT_ACTS)


def _fields(kind: Kind) -> dict[str, Any]:
    return {name: getattr(kind, name) for name in Kind.__dataclass_fields__}


def test_every_field_that_is_published_is_a_plain_one() -> None:
    plain = {"str", "bool", "int", "date", "Decimal", "NoneType"}
    for kind in KINDS.values():
        for schema in (kind.facts, kind.lines or Closed):
            for name, field in schema.model_fields.items():
                said = str(field.annotation)
                assert any(word in said for word in plain) or "Literal" in said, (schema, name)
                assert not {"amount_of_loan", "lender", "borrower", "contract", "contact", "person"} & {name}


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("１３８００１３８０００", ["mobile"]),
        ("138\u200b0013\u200b8000", ["mobile"]),
        ("11010519491231002X", ["identity"]),
        ("110105491231002", ["identity"]),
        ("0315-12345678", ["phone"]),
        ("6222021234567890123", ["account"]),
        ("zhang@example.com", ["mail"]),
        ("张伟先生", ["person"]),
        ("法定代表人：王某", ["person"]),
        ("11010519491231002X 与 13800138000", ["identity", "mobile"]),
        ("年产300万吨，2026年11月21日，2014-130200-31-03-000001，发改产业〔2014〕1234号", []),
        ("91130200MA0000001X", []),
    ],
)
def test_personal_data_is_found_by_shape_and_check_digit(words: str, what: list[str]) -> None:
    assert [one.what for one in scanning.scan(words)] == what
    covered, places = scanning.cover(words)
    assert places == len(what) and scanning.scan(covered) == [] and len(covered) == len(words)


def test_working_days_are_the_announced_ones_and_reckoned_beyond() -> None:
    # 2026: 1 to 3 January off, Sunday 4 January works (国办发明电〔2025〕7号).
    assert working_day_after(date(2025, 12, 31), 1) == date(2026, 1, 4)
    assert working_days_left(date(2026, 1, 1), date(2026, 1, 5)) == 2
    assert working_days_left(date(2026, 1, 6), date(2026, 1, 5)) == 0
    beyond = date(known_until().year + 1, 1, 1)
    assert is_reckoned(beyond) and working_day_after(known_until(), 1) > beyond
