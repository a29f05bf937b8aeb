"""`threegates projects import` and `threegates demo load` on a real database; exit codes and words as a program."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from portal.commands.demo import load_demo
from portal.commands.projects import Import, import_projects
from registry import clock
from registry.errors import Conflict, Unavailable
from registry.project_files import read_projects
from registry.registering import Telling
from tests.command_line import Done, threegates

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "docs" / "importing-projects.csv"


def typed(database_url: str, *words: str) -> Done:
    """The command as a program."""
    return threegates(os.environ | {"THREEGATES_DATABASE_URL": database_url}, *words)


async def do_import(
    engine: AsyncEngine, file: Path = TEMPLATE, *, dry_run: bool = False, valid_rows: bool = False
) -> Import:
    telling = Telling("tester", clock.now(), "provincial ledger")
    return await import_projects(
        engine, file.name, read_projects(file), telling, dry_run=dry_run, valid_rows=valid_rows
    )


async def count(engine: AsyncEngine, table: str) -> int:
    async with engine.connect() as connection:
        return int(await connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def test_dry_run_then_written_then_unchanged(engine: AsyncEngine) -> None:
    tried = await do_import(engine, dry_run=True)
    assert (len(tried.outcome.new), tried.written, tried.exit_code) == (2, False, 0)
    assert await count(engine, "projects") == await count(engine, "enterprises") == 0
    written = await do_import(engine)
    assert (written.written, written.exit_code) == (True, 0)
    assert await count(engine, "project_versions WHERE reason = 'provincial ledger' AND actor = 'tester'") == 2
    again = await do_import(engine)
    assert (len(again.outcome.unchanged), again.outcome.new, again.outcome.changed) == (2, [], {})
    assert await count(engine, "project_versions") == 2


async def test_nothing_is_written_unless_all_is_valid_or_valid_rows_are_asked_for(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(TEMPLATE.read_text(encoding="utf-8").replace(",水泥,", ",水尼,"), encoding="utf-8")
    refused = await do_import(engine, wrong)
    (problem,) = refused.problems
    assert (problem.row, problem.column, problem.value) == (4, "产业", "水尼")
    assert (refused.exit_code, await count(engine, "projects")) == (2, 0)
    partly = await do_import(engine, wrong, valid_rows=True)
    assert (partly.exit_code, await count(engine, "projects")) == (1, 1)


async def test_problems_of_the_file_and_of_the_register_are_told_at_once(engine: AsyncEngine, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    content = TEMPLATE.read_text(encoding="utf-8").replace(",水泥,", ",水尼,")
    # an owner of whom only a code is given that nobody has
    wrong.write_text(content.replace(",唐山示例甲钢铁有限公司,", ",,"), encoding="utf-8")
    done = await do_import(engine, wrong)
    assert [(one.row, one.column) for one in done.problems] == [(2, "统一社会信用代码"), (4, "产业")]


def test_as_a_program(database_url: str, tmp_path: Path) -> None:
    done = typed(database_url, "projects", "import", str(TEMPLATE), "--json")
    assert (done.returncode, len(json.loads(done.stdout)["new"])) == (0, 2), done.stderr
    absent = typed(database_url, "projects", "import", str(tmp_path / "absent.csv"))
    assert (absent.returncode, absent.stderr.count("\n")) == (2, 1)


async def test_a_database_without_register_is_said(empty_database_url: str) -> None:
    from registry.database import make_engine

    bare = make_engine(empty_database_url)
    with pytest.raises(Unavailable, match="does not hold the register"):
        await do_import(bare)
    await bare.dispose()


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demo."""
    folder = tmp_path_factory.mktemp("data") / "demo"
    command = [sys.executable, "-m", "deploy.demo", "--to", str(folder), "--records", "600"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


async def test_demo_loads_once_and_marks_the_register(engine: AsyncEngine, demo_folder: Path) -> None:
    counts = await load_demo(engine, demo_folder)
    assert counts["projects"]["new"] > 400
    assert counts["notices"]["new"] > 20
    assert await count(engine, "register_facts WHERE name = 'demo'") == 1
    again = await load_demo(engine, demo_folder)
    assert all(again[part]["new"] == again[part]["changed"] == 0 for part in ("enterprises", "projects", "notices"))
    assert await count(engine, "project_versions") == counts["projects"]["new"]


async def test_demo_never_mixes_with_a_real_register(engine: AsyncEngine, demo_folder: Path) -> None:
    await do_import(engine)
    with pytest.raises(Conflict, match="not the demo's"):
        await load_demo(engine, demo_folder)
    assert await count(engine, "projects") == 2
