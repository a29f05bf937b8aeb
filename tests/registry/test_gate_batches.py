"""Files of questions: read with every problem named, answered piece by piece, summed by group."""

from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.clock import today
from registry.database import transaction
from registry.errors import BadFile, NotFound
from registry.gate import batches
from registry.gate.batches import answer_piece, batch_file, batch_lines, open_batch, run_batch
from registry.gate.files import COLUMNS, MOST_QUESTIONS, read_questions
from registry.settings import settings
from registry.viewers import GATEKEEPER, become
from tests.registry.gate_world import BANK, GOOD, LAND, LAPSED, UNKNOWN, gate_world, noon, signing_key
from tests.registry.worlds import OTHER, OWNER, at, changed, value

HEADING = "拟办事项,项目代码,统一社会信用代码,金额(元),业务编号"


def file_of(tmp_path: Path, *lines: str, heading: str = HEADING, name: str = "questions.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join([heading, *lines]), encoding="utf-8")
    return path


def test_a_table_is_read_in_the_words_of_offices(tmp_path: Path) -> None:
    read = read_questions(
        file_of(
            tmp_path,
            f'贷款,{GOOD},{OWNER},"1,000,000",A-1',
            f"供地,{GOOD},,,",
        ),
        today(),
    )
    assert not read.problems
    assert [(one.act, one.amount, one.reference) for one in read.questions] == [
        ("loan", Decimal(1000000), "A-1"),
        ("land_grant", None, None),
    ]
    assert read.rows == [2, 3]


def test_xlsx_and_lines_ask_the_same(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["act", "project_code", "产品", "产能", "产能单位", "on"])
    sheet.append(["loan", GOOD, "粗钢", 100, "万吨/年", today()])
    book.save(tmp_path / "q.xlsx")
    table = read_questions(tmp_path / "q.xlsx", today())
    lines = tmp_path / "q.jsonl"
    capacity = '{"product": "crude_steel", "amount": "1000000", "unit": "t/a"}'
    lines.write_text(
        f'{{"act": "loan", "project": {{"code": "{GOOD}", "product": "crude_steel"}}, "on": "{today()}", '
        f'"capacities": [{capacity}]}}\n'
    )
    assert not table.problems
    assert table.questions == read_questions(lines, today()).questions


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (f"种树,{GOOD},,,", "拟办事项"),
        ("贷款,12345,,,", "项目代码"),
        (f"贷款,{GOOD},123,,", "统一社会信用代码"),
        (f"贷款,{GOOD},,很多,", "金额(元)"),
        ("贷款,,,5,", "项目代码"),
        (f",{GOOD},,5,", "拟办事项"),
    ],
)
def test_every_problem_names_row_column_and_remedy(tmp_path: Path, line: str, column: str) -> None:
    read = read_questions(file_of(tmp_path, f"贷款,{GOOD},,,", line), today())
    assert [(one.row, one.column) for one in read.problems] == [(3, column)]
    assert read.problems[0].remedy_zh
    assert read.problems[0].remedy_en
    assert read.rows == [2]


def test_other_problems_of_files(tmp_path: Path) -> None:
    wrong = read_questions(file_of(tmp_path, "x", heading="拟办事顶"), today())
    assert "拟办事项" in wrong.problems[0].remedy_zh
    past = read_questions(file_of(tmp_path, f"贷款,{GOOD},2014-01-01", heading="act,code,on"), today())
    assert past.problems[0].column == "on"
    with pytest.raises(BadFile, match="10,000"):
        read_questions(file_of(tmp_path, *[f"贷款,{GOOD},,,"] * (MOST_QUESTIONS + 1)), today())
    with pytest.raises(BadFile, match="not read"):
        read_questions(file_of(tmp_path, name="questions.pdf"), today())
    assert all(len(one) >= 2 for one in COLUMNS.values())


async def test_a_batch_is_answered_and_summed_by_group(
    engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THREEGATES_GATE_KEY_FILE", str(tmp_path / "key.pem"))
    settings.cache_clear()
    monkeypatch.setattr(batches, "PIECE", 2)
    await gate_world(engine)
    await changed(engine, at(1))
    key = await signing_key(engine)
    read = read_questions(
        file_of(
            tmp_path,
            f"贷款,{GOOD},{OWNER},100,1",
            f"贷款,{LAPSED},{OWNER},30,2",
            f"贷款,{GOOD},{OTHER},7,3",
            f"贷款,{UNKNOWN},{OWNER},5,4",
            f"流贷,{UNKNOWN},{OWNER},5,5",
        ),
        today(),
    )
    assert [one.row for one in read.problems] == [6]
    async with transaction(engine) as session:
        await become(session, BANK)
        address = await open_batch(session, BANK, "loans.csv", read.questions, read.rows, noon())
    async with transaction(engine) as session:
        await become(session, GATEKEEPER)
        assert (await answer_piece(session, address, key)).done == 2
    # Interrupted here, it goes on where it was.
    seen = [progress.done async for progress in run_batch(engine, address, key)]
    assert seen[-1] == 4
    assert await value(engine, "SELECT count(*) FROM gate_checks") == 4
    async with transaction(engine) as session:
        await become(session, BANK)
        batch = await batch_file(session, BANK, address)
        lines = (await batch_lines(session, BANK, address)).items
        await become(session, LAND)
        with pytest.raises(NotFound):
            await batch_file(session, LAND, address)
        with pytest.raises(NotFound):
            await batch_lines(session, LAND, address)
    assert [(one.row, one.answer) for one in lines] == [(2, "allow"), (3, "refuse"), (4, "refer"), (5, "refer")]
    first = next(one for one in batch.exposure if one.group == "示例甲钢铁有限公司")
    assert [first.allow, first.refuse, first.refer, Decimal(first.questions)] == [100, 30, 5, 3]
    assert sum(one.refer for one in batch.exposure) == 12
