"""Project files as offices make them: encodings, spreadsheets' damage, several rows a project, problems in place."""

import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from registry import project_tables
from registry.errors import BadFile
from registry.project_columns import COLUMNS
from registry.project_files import read_projects

HEADING = "项目代码,项目名称,项目单位,产业,区划代码,建设性质,阶段,产品,产能,产能单位,批复类型,批复文号,批复日期"
FIRST = (
    "2017-130200-31-02-000001,示例炼钢项目,唐山示例甲钢铁有限公司,钢铁,130200,新建,在产,粗钢,100,万吨/年,"
    "备案,唐发改备〔2017〕1号,2017年6月1日"
)
SECOND = '2017-130200-31-02-000001,,,,,,,生铁,"900,000",吨/年,,,'


def write(folder: Path, content: str | bytes, name: str = "projects.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def workbook(folder: Path, *rows: list[Any]) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    path = folder / "projects.xlsx"
    book.save(path)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings_are_recognised_and_said(tmp_path: Path, encoding: str) -> None:
    read = read_projects(write(tmp_path, "\r\n".join([HEADING, FIRST, SECOND]).encode(encoding)))
    assert read.problems == []
    assert read.items[0].name == "示例炼钢项目"
    assert bool(read.notes) is (encoding in ("gb18030", "utf-16"))


def test_several_rows_make_one_project(tmp_path: Path) -> None:
    (item,) = read_projects(write(tmp_path, "\n".join([HEADING, FIRST, SECOND]))).items
    assert item.reference == "code:2017-130200-31-02-000001"
    assert item.capacities is not None
    assert [(line.product, int(line.amount), line.unit) for line in item.capacities] == [
        ("crude_steel", 1_000_000, "t/a"),
        ("pig_iron", 900_000, "t/a"),
    ]
    assert item.approvals is not None
    assert (item.approvals[0].reference, item.approvals[0].issued) == ("唐发改备〔2017〕1号", date(2017, 6, 1))
    assert (item.sector, item.nature, item.stage) == ("steel", "new_build", "operating")


def test_a_row_without_key_continues_the_project_above(tmp_path: Path) -> None:
    (item,) = read_projects(write(tmp_path, "\n".join([HEADING, FIRST, ",,,,,,,生铁,1,吨/年,,,"]))).items
    assert item.capacities is not None
    assert len(item.capacities) == 2


def test_columns_in_english_semicolons_and_tabs(tmp_path: Path) -> None:
    for delimiter in ",;\t":
        text = delimiter.join(["Reference", "name", "owner_name", "sector", "region", "nature", "stage"])
        text += "\n" + delimiter.join(["r1", "n", "o", "steel", "130200", "new_build", "operating"])
        assert read_projects(write(tmp_path, text)).items[0].reference == "r1"


def test_problems_stand_at_their_row_and_column(tmp_path: Path) -> None:
    wrong = (
        FIRST.replace("000001", "000002").replace("钢铁,130200", "刚铁,唐山").replace("2017年6月1日", "2017年6月31日")
    )
    read = read_projects(write(tmp_path, "\n".join([HEADING, FIRST, SECOND.replace("900,000", "九十万"), wrong])))
    found = {(problem.row, problem.column, problem.value) for problem in read.problems}
    assert found == {
        (3, "产能", "九十万"),
        (4, "产业", "刚铁"),
        (4, "区划代码", "唐山"),
        (4, "批复日期", "2017年6月31日"),
    }
    assert all(problem.remedy_zh and problem.remedy_en for problem in read.problems)
    choice = next(problem for problem in read.problems if problem.column == "产业")
    assert choice.remedy_zh == "可填：钢铁、水泥、电解铝、平板玻璃、船舶、其他。"
    assert read.items == []


def test_what_is_missing_is_named_by_its_heading(tmp_path: Path) -> None:
    (problem,) = read_projects(write(tmp_path, "\n".join([HEADING, FIRST.replace("示例炼钢项目", "")]))).problems
    assert (problem.row, problem.column) == (2, "项目名称")


def test_unknown_column_names_the_nearest(tmp_path: Path) -> None:
    (problem,) = read_projects(write(tmp_path, HEADING.replace("项目名称", "项目名") + "\n" + FIRST)).problems
    assert (problem.row, problem.column) == (1, "项目名")
    assert "项目名称" in problem.remedy_zh


def test_rows_of_one_project_must_not_contradict(tmp_path: Path) -> None:
    other = FIRST.replace("示例炼钢项目", "另一个名称")
    read = read_projects(write(tmp_path, "\n".join([HEADING, FIRST, other])))
    assert [(one.row, one.column) for one in read.problems] == [(3, "项目名称")]
    assert read.items == []


def test_spreadsheet_damage_is_explained(tmp_path: Path) -> None:
    heading = [
        "项目代码",
        "项目名称",
        "统一社会信用代码",
        "产业",
        "区划代码",
        "建设性质",
        "阶段",
        "批复类型",
        "批复日期",
    ]
    code, name = "2017-130200-31-02-000001", "示例项目"
    rest = ["钢铁", 130200, "新建", "在产", "备案"]
    read = read_projects(
        workbook(
            tmp_path,
            heading,
            [code, name, "91130200MA00000017", *rest, datetime(2017, 6, 1)],  # noqa: DTZ001  # a cell has no zone
            [code[:-1] + "2", name, "91130200MA00000017", *rest, 42887],
            [25093201938901544060, name, "91130200MA00000017", *rest, None],
            [code[:-1] + "4", name, 913101157030345000, *rest, None],
        )
    )
    assert [item.approvals[0].issued for item in read.items if item.approvals] == [date(2017, 6, 1)] * 2
    assert [(problem.row, problem.column) for problem in read.problems] == [(4, "项目代码"), (5, "统一社会信用代码")]
    assert "文本格式" in read.problems[0].remedy_zh


def test_json_lines(tmp_path: Path) -> None:
    good = '{"code":"2017-130200-31-02-000001","name":"n","owner_name":"o","sector":"steel","region":"130200",'
    good += '"nature":"new_build","stage":"operating"}'
    read = read_projects(write(tmp_path, f"{good}\n{{broken\n\n[1]\n", "projects.jsonl"))
    assert len(read.items) == 1
    assert [problem.row for problem in read.problems] == [2, 4]


@pytest.mark.parametrize(
    ("content", "name", "word"),
    [
        (b"", "a.csv", "empty"),
        (b"\n\n", "a.csv", "empty"),
        (b"\x81\xff\xff,\n", "a.csv", "encoding"),
        (b'a,"b\nc', "a.csv", "CSV"),
        (b"a,b\n1,2,3", "a.csv", "3 cells"),
        (b"a\x00b\n1", "a.csv", "not text"),
        (b"PK\x03\x04rubbish", "a.xlsx", "workbook"),
        (b"\xd0\xcf\x11\xe0", "a.xls", "kind"),
    ],
)
def test_bad_files_say_what_to_do(tmp_path: Path, content: bytes, name: str, word: str) -> None:
    with pytest.raises(BadFile, match=word) as caught:
        read_projects(write(tmp_path, content, name))
    assert caught.value.remedy


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="cannot be read"):
        read_projects(tmp_path / "absent.csv")


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in range(3):
            archive.writestr(f"xl/worksheets/sheet{part}.xml", b"\x00" * (project_tables.MOST_UNPACKED // 3 + 1))
    with pytest.raises(BadFile, match="unpacks"):
        read_projects(write(tmp_path, content.getvalue(), "bomb.xlsx"))


def test_too_many_rows_are_refused(tmp_path: Path) -> None:
    text = "reference\n" + "r\n" * (project_tables.MOST_ROWS + 1)
    with pytest.raises(BadFile, match="100,000 rows"):
        read_projects(write(tmp_path, text))


def test_the_template_of_the_guide_is_valid() -> None:
    template = Path(__file__).parents[2] / "docs" / "importing-projects.csv"
    read = read_projects(template)
    assert read.problems == []
    assert len(read.items) == 2
    heading = template.read_text(encoding="utf-8-sig").split("\n", 1)[0].strip().split(",")
    assert set(heading) <= {headings[0] for headings in COLUMNS.values()}
