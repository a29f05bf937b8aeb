"""link-bench's measuring: counted by hand on a set of six records, and what is no set is said to be none."""

import csv
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.errors import BadInput
from registry.linking.benchmark import measure
from registry.linking.sets import read_set

CODE, OTHER = "2017-130200-31-03-000001", "2017-130200-31-03-000002"
OWNER, USCC = "唐山甲示例钢铁有限公司", "91130200MA00000017"
PROJECTS = [
    [CODE, f"{OWNER}年产100万吨炼钢一期项目", OWNER, USCC, "唐山丁示例轧钢厂", "130200", "", "steel"],
    [OTHER, f"{OWNER}年产100万吨炼钢二期项目", OWNER, USCC, "唐山丁示例轧钢厂", "130200", "", "steel"],
]
RECORDS = [
    ["r1", "land_grant", "2018-01-01", CODE, "", "", "", "130200", ""],
    ["r2", "land_grant", "2018-01-01", "", f"{OWNER}年产100万吨炼钢Ⅱ期项目", "唐山丁示例轧钢厂", "", "130200", ""],
    ["r3", "loan", "2018-01-01", "", "", OWNER, "", "130200", ""],  # one of the two: a person decides
    ["r4", "loan", "2018-01-01", OTHER, "", "", "", "130200", ""],  # the truth says the other: a false merge
    ["r5", "loan", "2018-01-01", "", "", "邯郸乙示例医院", "", "130400", ""],
    ["r6", "loan", "2018-01-01", CODE, "", "", "", "130200", ""],  # belongs to both
]
TRUTH = [["r1", CODE], ["r2", OTHER], ["r3", CODE], ["r4", CODE], ["r5", ""], ["r6", CODE], ["r6", OTHER]]


def write(folder: Path, name: str, columns: str, rows: list[list[str]]) -> None:
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns.split(), *rows])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "projects", "code name owner_name owner_uscc former_names region address sector", PROJECTS)
    columns = "id act on project_code project_name party_name party_uscc region address"
    write(tmp_path, "records", columns, RECORDS)
    write(tmp_path, "truth", "record project", TRUTH)
    return tmp_path


async def test_what_is_counted(engine: AsyncEngine, folder: Path) -> None:
    measured = await measure(engine, read_set(folder))
    assert (measured.records, measured.linked, measured.to_review) == (6, 4, 1)
    assert measured.precision == pytest.approx(3 / 4)
    assert measured.recall == pytest.approx(3 / 6)
    assert measured.f1 == pytest.approx(0.6)
    assert measured.recall_with_review == pytest.approx(4 / 6, abs=1e-4)
    assert measured.false_merges == pytest.approx(1 / 6, abs=1e-4)
    assert measured.seconds > 0
    assert measured.records_per_second > 0
    assert measured.peak_rss_mb > 10


def test_a_folder_that_is_no_set(folder: Path) -> None:
    write(folder, "truth", "record", [["r1"]])
    with pytest.raises(BadInput, match=r"truth\.csv lacks the columns project"):
        read_set(folder)
    (folder / "truth.csv").unlink()
    with pytest.raises(BadInput, match="There is no"):
        read_set(folder)


async def test_a_day_that_is_none(engine: AsyncEngine, folder: Path) -> None:
    columns = "id act on project_code project_name party_name party_uscc region address"
    write(folder, "records", columns, [["r1", "loan", "2018-02-30", "", "", "", "", "", ""]])
    with pytest.raises(BadInput, match="r1 has no date"):
        await measure(engine, read_set(folder))
