"""Duties: the 29 rows of the division of work, the clauses, and who has each on a day; every rule names its holder."""

from datetime import date
from pathlib import Path
from shutil import copytree

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.database import transaction
from registry.errors import BadFile, NotFound
from registry.law import duties as duties_module
from registry.law.duties import ANNEX_ROWS, agencies_named, duties, duties_of, read_duties
from registry.law.loading import load_law
from registry.law.reading import law
from registry.law_texts import read_articles, read_document_text, read_documents, read_duties_on
from registry.reference.regions import read
from registry.rules.reading import known_rules, rules

SHIPPED = Path(duties_module.__file__).with_name("duties")


def test_the_division_of_work_has_its_29_rows() -> None:
    annex = [one for one in duties() if one.number is not None]
    assert [one.number for one in annex] == list(range(1, ANNEX_ROWS + 1))
    assert annex[15].task_zh.startswith("对未按规定期限淘汰落后产能的企业吊销排污许可证")
    assert annex[15].responsible == ("ndrc", "miit", "mlr", "mep", "pboc", "aqsiq", "saws", "cbrc", "nea")
    assert annex[16].responsible == ("saic",)
    assert annex[27].participants[-3:] == ("cbrc", "serc", "nea")
    assert {one.since for one in annex} == {date(2010, 2, 6)}


def test_every_agency_named_is_one_that_the_register_knows() -> None:
    assert agencies_named(duties()) <= {row["id"] for row in read("agencies.csv")}


@pytest.mark.parametrize("rule", known_rules())
def test_every_rule_of_the_plan_has_its_duty(rule: str) -> None:
    assert duties_of(rule), f"{rule} stands in no duty of registry/law/duties/."


@pytest.mark.parametrize("rule", rules(), ids=lambda one: one.id)
def test_every_rule_names_its_duty_holder_through_the_division_of_work_or_a_clause(rule: object) -> None:
    one = next(built for built in rules() if built is rule)
    laid_on = {agency for duty in duties_of(one.id) for agency in duty.responsible}
    assert set(one.duty.values()) <= laid_on, f"{one.id} names a holder on whom no row and no clause lays the duty."
    assert {duty.document for duty in duties_of(one.id)} & {law().article(c.article).document for c in one.citations}


def test_no_duty_names_a_rule_that_does_not_exist() -> None:
    assert {name for one in duties() for name in one.rules} <= set(known_rules())


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("article: g41-5-3\n", "article: g41-5-99\n", "there is no article"),
        (
            "对未经核准、备案的项目，一律不得批准",
            "对未经核准、备案的项目，原则上不得批准",
            "these words do not stand in",
        ),
        ("id: g41-5-3-gate", "id: g41-5-4", "stands twice"),
        ("    article: g41-5-3\n", "", "a row of the annex (`number`) or of an article"),
        ("responsible: [mlr]", "responsible: []", "responsible"),
    ],
)
def test_a_duty_that_is_not_right_is_refused_with_its_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    copytree(SHIPPED, tmp_path / "duties")
    file = tmp_path / "duties" / "guofa-2013-41.yml"
    content = file.read_text(encoding="utf-8")
    assert old in content
    file.write_text(content.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadFile, match=r"guofa-2013-41\.yml, line \d+") as refused:
        read_duties(tmp_path / "duties", law().articles)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("day", "rule", "duty", "held"),
    [
        (date(2018, 3, 16), "business-licence-kept", "g7-annex-17", ["saic"]),
        (date(2018, 3, 17), "business-licence-kept", "g7-annex-17", ["samr"]),
        (date(2018, 3, 16), "land-without-approval", "g41-5-3-gate", ["mlr"]),
        (date(2018, 3, 17), "land-without-approval", "g41-5-3-gate", ["mnr"]),
        (date(2023, 3, 9), "merger-loan-too-long", "g41-5-4", ["cbirc", "pboc", "csrc"]),
        (date(2023, 3, 10), "merger-loan-too-long", "g41-5-4", ["nfra", "pboc", "csrc"]),
        (date(2024, 1, 1), "backward-equipment-running", "g7-3-3", ["enterprise"]),
    ],
)
async def test_a_duty_is_resolved_to_the_successor_of_the_day(
    engine: AsyncEngine, day: date, rule: str, duty: str, held: list[str]
) -> None:
    async with transaction(engine) as session:
        found = {row["id"]: row for row in await read_duties_on(session, day, rule=rule)}
    assert [one["id"] for one in found[duty]["holders"]] == held


async def test_no_duty_stands_before_its_document(engine: AsyncEngine) -> None:
    async with transaction(engine) as session:
        assert await read_duties_on(session, date(2010, 2, 5)) == []
        rows = await read_duties_on(session, date(2010, 2, 6))
        assert {row["document_id"] for row in rows} == {"g7"}
        annex = [row for row in await read_duties_on(session, date(2024, 1, 1), document="g7") if row["number"]]
    assert len(annex) == ANNEX_ROWS
    sixteenth = annex[15]["holders"]
    assert [one["id"] for one in sixteenth] == ["ndrc", "miit", "mnr", "mee", "pboc", "samr", "mem", "nfra", "nea"]
    assert (sixteenth[2]["named_zh"], sixteenth[2]["zh"]) == ("国土资源部", "自然资源部")


async def test_the_articles_stand_in_the_register_as_in_the_files(engine: AsyncEngine) -> None:
    async with transaction(engine) as session:
        documents = await read_documents(session)
        (land,) = await read_articles(session, ["g41-5-3"])
        whole = await read_document_text(session, "g41")
        with pytest.raises(NotFound):
            await read_document_text(session, "g42")
    assert [one["id"] for one in documents] == ["g7", "g41", "g22", "miit46", "miit327"]
    assert land["text_zh"] == law().article("g41-5-3").text_zh
    assert (land["clause_zh"], land["binds_from"]) == ("五（三）", date(2013, 10, 6))
    assert [row["id"] for row in whole] == [one for one in law().articles if one.startswith("g41-")]


async def test_loading_again_changes_nothing_and_a_change_is_put_right(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        assert not await load_law(connection)
        await connection.execute(text("UPDATE law_articles SET text_zh = '' WHERE id = 'g41-5-3'"))
        await connection.execute(text("UPDATE register_facts SET value = '\"old\"' WHERE name = 'law_digest'"))
        assert await load_law(connection)
        again = await connection.scalar(text("SELECT text_zh FROM law_articles WHERE id = 'g41-5-3'"))
    assert again == law().article("g41-5-3").text_zh
