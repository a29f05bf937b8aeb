"""Rules: one pure SELECT each, checked before it runs; parameters by day and region; one pass over all of them."""

import re
from datetime import date, timedelta
from pathlib import Path
from shutil import copytree

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.acts import LANE_OF_JUDGED
from registry.compiling import compile_evidence, compile_flags, parameter_sql
from registry.database import transaction
from registry.errors import BadFile
from registry.fact_texts import FACTS, Use, fact
from registry.law import reading as law_reading
from registry.law.reading import law, read_law
from registry.rules import reading
from registry.rules.reading import check_select, read_rules, rule, rules

SHIPPED = Path(reading.__file__).parent
USES = (Use("nation"), Use("nation", "then"), Use("changed"), Use("changed", "then"), Use("intended"))


def test_every_rule_says_what_it_is_in_both_languages_and_quotes_its_law() -> None:
    folders = {path.parent.name for path in SHIPPED.glob("*/rule.yml")}
    assert {one.id for one in rules()} == folders
    assert [one.order for one in rules()] == sorted(one.order for one in rules())
    for one in rules():
        words = [one.title, one.plain, *one.reasons.values()]
        assert all(re.search("[一-鿿]", word.zh) and re.fullmatch("[ -~]+", word.en) for word in words)
        assert one.citation()[0]["quote_zh"]
        assert set(one.acts) <= set(LANE_OF_JUDGED)
        assert one.lanes
    land = rule("land-without-approval")
    assert land is not None
    assert (land.basis_of("land_grant"), land.basis_of("sea_area_grant")) == ("text", "derived")
    assert rule("no-such-rule") is None


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DELETE FROM records", "one SELECT"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE TRUE; SELECT 1", "one SELECT"),
        ("SELECT ARRAY['x'] AS reasons FROM records WHERE TRUE", "stand alone in FROM"),
        ("SELECT ARRAY['x'] AS reasons FROM acts AS a WHERE TRUE", "stand alone in FROM"),
        ("SELECT ARRAY['x'] AS reasons FROM acts, standings WHERE TRUE", "SELECT, FROM and WHERE only"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE TRUE LIMIT 5", "SELECT, FROM and WHERE only"),
        ("WITH x AS (SELECT 1) SELECT ARRAY['x'] AS reasons FROM acts WHERE TRUE", "SELECT, FROM and WHERE only"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE TRUE FOR UPDATE", "SELECT, FROM and WHERE only"),
        ("SELECT ARRAY['x'] AS reasons FROM acts", "selects `reasons`"),
        ("SELECT ARRAY['x'] AS why FROM acts WHERE TRUE", "selects `reasons`"),
        ("SELECT 'x' AS reasons FROM acts WHERE TRUE", "Reasons are ARRAY"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE EXISTS(SELECT 1 FROM records)", "no fact a rule may read"),
        (
            "SELECT ARRAY['x'] AS reasons FROM acts WHERE EXISTS(SELECT 1 FROM pg_catalog.acts)",
            "no fact a rule may read",
        ),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE acts.acted_on < now()", "no pure function"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE acts.acted_on < CURRENT_DATE", "no pure function"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE random() < 0.5", "no pure function"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE pg_sleep(1) IS NULL", "no pure function"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE nextval('s') > 1", "no pure function"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE acts.act = ANY(:other)", "different parameters: other"),
        ("SELECT ARRAY['x' FROM acts", "not SQL"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE acts.acted_on < CAST('now' AS date)", "no value of the facts"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE acts.acted_on < 'Today '::date", "no value of the facts"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE acts.act::regclass IS NULL", "no value of the facts"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE acts.ctid IS NULL", "of the storage"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE user = 'x'", "does not say which fact"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE act = 'loan'", "does not say which fact"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE acts.act = $1", "no parameter of the law"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE session_user = 'x'", "no pure function"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE EXISTS (TABLE records)", "no fact a rule may read"),
        ("SELECT ARRAY['x'] AS reasons FROM acts WHERE EXISTS (SELECT 1 FROM pg_read_file('x'))", "no fact a rule"),
        (
            "SELECT ARRAY['x'] AS reasons FROM acts WHERE EXISTS (WITH x AS (SELECT 1) SELECT 1 FROM records)",
            "no fact a rule may read",
        ),
        (
            "SELECT ARRAY['x'] AS reasons FROM acts WHERE EXISTS (SELECT 1 FROM known_approvals TABLESAMPLE SYSTEM(1))",
            "differently each time",
        ),
        (
            "SELECT ARRAY['x'] AS reasons FROM acts WHERE EXISTS (SELECT 1 FROM known_approvals LIMIT 1 OFFSET 2)",
            "differently each time",
        ),
        (
            "SELECT ARRAY['x'] AS reasons FROM acts WHERE (SELECT count(*) OVER () FROM known_approvals) > 1",
            "each time",
        ),
    ],
)
def test_a_rule_that_does_more_than_read_facts_is_refused(sql: str, says: str) -> None:
    with pytest.raises(BadFile) as refused:
        check_select(sql, "example/rule.sql", [])
    assert says in str(refused.value)
    assert refused.value.where.startswith("example/rule.sql")


def test_a_table_in_a_rule_is_refused_with_its_line_and_what_to_read_instead() -> None:
    sql = "SELECT ARRAY['x'] AS reasons\nFROM acts\nWHERE acts.act = 'loan'\n  AND EXISTS (SELECT 1 FROM approvals)"
    with pytest.raises(BadFile) as refused:
        check_select(sql, "example/rule.sql", [])
    assert refused.value.where == "example/rule.sql, line 4"
    assert "“approvals” is no fact" in str(refused.value)
    assert "known_approvals" in refused.value.remedy


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("id: land-without-approval", "id: land-without-approvals", "must be the folder's name"),
        ("parameters: [overcapacity_sectors]", "parameters: [sectors]", "there is no parameter “sectors”"),
        ("parameters: [overcapacity_sectors]", "parameters: []", "different parameters: overcapacity_sectors"),
        ("basis: text", "basis: hearsay", "basis"),
        ("article: g41-5-3", "article: g41-5-4", "these words do not stand in g41-5-4"),
        ("duty: {land_grant: mlr", "duty: {gift: mlr", "no act that the rule judges"),
        ("order: 10", "order: 10\nmood: good", "mood: this field is unknown"),
    ],
)
def test_a_rule_file_that_is_not_right_is_refused_with_its_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    copytree(SHIPPED / "land-without-approval", tmp_path / "land-without-approval")
    file = tmp_path / "land-without-approval" / "rule.yml"
    content = file.read_text(encoding="utf-8")
    assert old in content
    file.write_text(content.replace(old, new), encoding="utf-8")
    with pytest.raises(BadFile, match="land-without-approval") as refused:
        read_rules(tmp_path, law())
    assert says in str(refused.value)


def test_the_version_changes_with_the_text_and_with_a_parameter_and_with_nothing_else(tmp_path: Path) -> None:
    copytree(SHIPPED / "land-without-approval", tmp_path / "land-without-approval")
    shipped = rule("land-without-approval")
    assert shipped is not None
    (same,) = read_rules(tmp_path, law())
    assert same.version == shipped.version
    sql = tmp_path / "land-without-approval" / "rule.sql"
    sql.write_text(sql.read_text(encoding="utf-8").replace("'shoreline_grant', ", ""), encoding="utf-8")
    (shorter,) = read_rules(tmp_path, law())
    assert shorter.version != shipped.version
    copytree(Path(law_reading.__file__).parent, tmp_path / "law")
    file = tmp_path / "law" / "parameters" / "overcapacity_sectors.yml"
    file.write_text(file.read_text(encoding="utf-8").replace("[steel, cement,", "[steel,"), encoding="utf-8")
    (narrower,) = read_rules(tmp_path, read_law(tmp_path / "law"))
    assert narrower.version not in (shipped.version, shorter.version)


@pytest.mark.parametrize("use", USES, ids=lambda use: f"{use.scope}-{use.knowledge}")
def test_each_rule_stands_once_in_one_statement_for_every_use(use: Use) -> None:
    for sql in (compile_flags(use), compile_evidence(use)):
        for one in rules():
            # What somebody intends is an act; the rules on plans and equipment are asked of what there is.
            judging = [part for part in one.parts if use.scope != "intended" or part.fact == "acts"]
            assert sql.count(f"('{one.id}', flagged.flag_") == len(judging)
        assert sql.count("\nFROM acts\nJOIN (VALUES\n") == 1
        assert not re.search(r"\b(known|held|judged_record|judged_project|judged_enterprise|judged_holder)\(", sql)
    # The rules' own part is the same text, letter by letter.
    rest = compile_flags(use).split("SELECT flagged.subject_kind", 2)[1].removesuffix("\nUNION ALL\n")
    assert rest == compile_flags(USES[0]).split("SELECT flagged.subject_kind", 2)[1].removesuffix("\nUNION ALL\n")


def test_every_fact_reads_history_as_known() -> None:
    for name in (*FACTS, "intended_acts"):
        now, then = fact(name, Use("nation")), fact(name, Use("nation", "then"))
        assert ("known_to" in now) == ("known_at" in then), name


async def _evaluate(engine: AsyncEngine, expression: str, on: date, region: str | None = None) -> object:
    async with transaction(engine) as session:
        return await (await session.connection()).scalar(
            text(
                f"SELECT {expression} FROM (SELECT CAST(:on AS date) AS acted_on, "
                "CAST(NULL AS text) AS project_region, CAST(:region AS text) AS region) AS acts"
            ),
            {"on": on, "region": region},
        )


async def test_a_parameter_is_that_of_the_acts_day_and_region(engine: AsyncEngine, tmp_path: Path) -> None:
    copytree(Path(law_reading.__file__).parent / "articles", tmp_path / "articles")
    (tmp_path / "parameters").mkdir()
    quote = (
        "{article: g41-5-3, quote_zh: 对未经核准、备案的项目，一律不得批准使用土地、岸线。, "
        "quote_en: Strengthen the project land and shoreline management}"
    )
    (tmp_path / "parameters" / "ratio.yml").write_text(
        f"title_zh: 甲\ntitle_en: A\nmeaning_zh: 甲\nmeaning_en: A\ntype: number\nvalues:\n"
        f"  2014-01-01: {{value: 1, reference: {quote}}}\n  2021-06-01: {{value: 1.25, reference: {quote}}}\n"
        f"  2024-08-23: {{value: null, reference: {quote}}}\n"
        f'regions:\n  "130000":\n    2020-01-01: {{value: 1.5, reference: {quote}}}\n',
        encoding="utf-8",
    )
    sql = parameter_sql(read_law(tmp_path).parameter("ratio"), "acts").sql(dialect="postgres")

    async def of(on: date, region: str | None = None) -> str:
        return str(await _evaluate(engine, f"({sql})::text", on, region))

    day = timedelta(days=1)
    assert await of(date(2014, 1, 1) - day) == "None"
    assert await of(date(2014, 1, 1)) == await of(date(2021, 6, 1) - day) == "1"
    assert await of(date(2021, 6, 1)) == await of(date(2024, 8, 23) - day) == "1.25"
    assert await of(date(2024, 8, 23)) == "None"
    # A stricter value of a province holds for its cities and counties from its own day on, and nowhere else.
    assert await of(date(2019, 12, 31), "130202") == "1"
    assert await of(date(2020, 1, 1), "130000") == await of(date(2021, 6, 1), "130202") == "1.5"
    assert await of(date(2020, 1, 1), "370100") == "1"
