"""`threegates facts import`: files of offices, every problem at its row and column, a dry run that writes nothing."""

from pathlib import Path

import openpyxl
from sqlalchemy.ext.asyncio import AsyncEngine

from portal.commands.facts import Kind, import_facts
from portal.commands.projects import Import
from registry import clock
from registry.law_fact_files import columns_of, read_law_facts
from registry.law_fact_writing import FACT_KINDS
from registry.restating import Telling
from tests.registry.worlds import CODE, OWNER, keep, scenario, value


async def run(engine: AsyncEngine, kind: str, file: Path, *, dry_run: bool = False, valid_rows: bool = False) -> Import:
    read = read_law_facts(kind, FACT_KINDS[kind], file)
    telling = Telling("tester", clock.now(), "ledger")
    return await import_facts(engine, kind, file.name, read, telling, dry_run=dry_run, valid_rows=valid_rows)


async def test_a_plan_of_two_rows_is_tried_then_written(engine: AsyncEngine, tmp_path: Path) -> None:
    await keep(engine, scenario([]))
    file = tmp_path / "plans.csv"
    file.write_text(
        "编号,项目,公示日期,确认日期,公告日期,列入淘汰名单日期,退出设备编号,产品,退出产能,产能单位\n"
        f'Z1,{CODE},2014年3月1日,2014-05-01,2014/5/10,20140510,F1,粗钢,"600,000",吨/年\n'
        "Z1,,,,,,F2,粗钢,400000,吨/年\n",
        encoding="gb18030",
    )
    tried = await run(engine, "plans", file, dry_run=True)
    assert (tried.exit_code, tried.outcome.new, tried.written) == (0, ["Z1"], False)
    assert await value(engine, "SELECT count(*) FROM replacement_plans") == 0
    done = await run(engine, "plans", file)
    assert (done.exit_code, done.written) == (0, True)
    assert await value(engine, "SELECT string_agg(reference || amount, ',' ORDER BY reference) FROM plan_units") == (
        "F1600000,F2400000"
    )
    assert (await run(engine, "plans", file)).outcome.unchanged == ["Z1"]


async def test_every_problem_stands_at_its_row_and_column(engine: AsyncEngine, tmp_path: Path) -> None:
    await keep(engine, scenario([]))
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["编号", "项目", "处理结果", "作出日期"])
    sheet.append(["D1", CODE, "停建", "2014-05-01"])
    sheet.append(["D2", CODE, "罚款", "2014-05-01"])
    sheet.append(["D3", "nobody's", "停建", "2014-13-01"])
    sheet.append(["D1", None, None, "2014-06-01"])
    file = tmp_path / "decided.xlsx"
    book.save(file)
    refused = await run(engine, "dispositions", file)
    assert refused.exit_code == 2
    found = [(one.row, one.column) for one in refused.problems]
    assert found == [(3, "处理结果"), (4, "作出日期"), (5, "作出日期")]
    assert await value(engine, "SELECT count(*) FROM dispositions") == 0


async def test_valid_rows_go_in_alone_where_asked(engine: AsyncEngine, tmp_path: Path) -> None:
    await keep(engine, scenario([]))
    file = tmp_path / "duties.csv"
    file.write_text(f"编号,企业,淘汰期限\nT1,{OWNER},2011-12-31\nT2,,2011-12-31\n", encoding="utf-8")
    done = await run(engine, "eliminations", file, valid_rows=True)
    assert (done.exit_code, done.outcome.new) == (1, ["T1"])
    assert [(one.row, one.column) for one in done.problems] == [(3, "企业")]


def test_every_kind_has_a_word_of_the_command() -> None:
    assert [kind.value for kind in Kind] == list(FACT_KINDS)


def test_every_kind_has_a_heading_for_each_of_its_fields() -> None:
    for name, kind in FACT_KINDS.items():
        fields = {one.alias or field for field, one in kind.item.model_fields.items()} - {"synthetic"}
        assert {column.partition(".")[0] for column in columns_of(name)} == fields, name
