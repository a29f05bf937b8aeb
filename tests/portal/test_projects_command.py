"""`threegates projects import` and `threegates demo load`, as programs, on a real database."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "docs" / "importing-projects.csv"


def threegates(database_url: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"THREEGATES_DATABASE_URL": database_url, "THREEGATES_DATA_FOLDER": str(folder)}
    program = "from portal.commands import main; main()"
    return subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:registry", "-c", program, *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


async def count(engine: AsyncEngine, table: str) -> int:
    async with engine.connect() as connection:
        return int(await connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def test_import_dry_run_then_written_then_unchanged(
    database_url: str, engine: AsyncEngine, tmp_path: Path
) -> None:
    words = ("projects", "import", str(TEMPLATE), "--json")
    tried = threegates(database_url, tmp_path, *words, "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert len(json.loads(tried.stdout)["new"]) == 2
    assert await count(engine, "projects") == await count(engine, "enterprises") == 0
    written = threegates(database_url, tmp_path, *words, "--reason", "provincial ledger")
    assert (written.returncode, json.loads(written.stdout)["written"]) == (0, True)
    async with engine.connect() as connection:
        assert set((await connection.execute(text("SELECT reason FROM project_versions"))).scalars()) == {
            "provincial ledger"
        }
    again = json.loads(threegates(database_url, tmp_path, *words).stdout)
    assert (len(again["unchanged"]), again["new"], again["changed"]) == (2, [], {})


async def test_import_writes_nothing_unless_all_is_valid_or_valid_rows_are_asked_for(
    database_url: str, engine: AsyncEngine, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(TEMPLATE.read_text(encoding="utf-8").replace(",水泥,", ",水尼,"), encoding="utf-8")
    refused = threegates(database_url, tmp_path, "projects", "import", str(wrong), "--json")
    problem = json.loads(refused.stdout)["rejected"][0]
    assert refused.returncode == 2
    assert (problem["row"], problem["column"], problem["value"]) == (4, "产业", "水尼")
    assert await count(engine, "projects") == 0
    partly = threegates(database_url, tmp_path, "projects", "import", str(wrong), "--valid-rows")
    assert partly.returncode == 1
    assert "水尼" in partly.stdout
    assert await count(engine, "projects") == 1


def test_a_bad_file_is_said_in_one_line(database_url: str, tmp_path: Path) -> None:
    absent = threegates(database_url, tmp_path, "projects", "import", str(tmp_path / "absent.csv"))
    assert absent.returncode == 2
    assert absent.stderr.count("\n") == 1


@pytest.fixture(scope="session")
def small_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a small demo in it."""
    folder = tmp_path_factory.mktemp("data")
    command = [sys.executable, "-m", "deploy.demo", "--to", str(folder / "demo"), "--records", "600"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


async def test_demo_loads_once_and_marks_the_register(database_url: str, engine: AsyncEngine, small_demo: Path) -> None:
    first = threegates(database_url, small_demo, "demo", "load", "--json")
    assert first.returncode == 0, first.stderr
    counts = json.loads(first.stdout)
    assert counts["projects"]["new"] > 400
    assert counts["notices"]["new"] > 20
    assert await count(engine, "register_facts WHERE name = 'demo'") == 1
    second = json.loads(threegates(database_url, small_demo, "demo", "load", "--json").stdout)
    assert all(second[part]["new"] == second[part]["changed"] == 0 for part in ("enterprises", "projects", "notices"))
    assert await count(engine, "project_versions") == counts["projects"]["new"]


def test_demo_never_mixes_with_a_real_register(database_url: str, small_demo: Path) -> None:
    threegates(database_url, small_demo, "projects", "import", str(TEMPLATE))
    refused = threegates(database_url, small_demo, "demo", "load")
    assert refused.returncode == 1
    assert "not the demo's" in refused.stderr
