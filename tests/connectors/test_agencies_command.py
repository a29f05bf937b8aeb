"""`threegates agencies`: the list, the check of a folder, the trial of a feed."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors.agency import SHIPPED
from connectors.errors import BadAgency
from deploy.agencies import Players
from portal.commands import application
from registry.errors import NotFound
from registry.settings import settings


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and output; an error that speaks is raised."""
    result = CliRunner().invoke(application("agencies"), ["agencies", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_list_names_every_agency() -> None:
    code, output = run("list")
    assert code == 0
    assert "land  土地供应监测监管系统 / Land supply monitoring system" in output
    assert sorted(one["id"] for one in json.loads(run("list", "--json")[1])) == ["environment", "finance", "land"]


def test_check_runs_the_cases_and_fails_when_one_does_not_hold(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SHIPPED / "land", tmp_path / "land"))
    assert run("check", str(folder)) == (0, run("check", str(SHIPPED / "land"))[1])
    file = folder / "agency.yml"
    file.write_text(file.read_text("utf-8").replace("unit: 公顷", "unit: 平方公里"), "utf-8")
    code, output = run("check", str(folder))
    assert code == 1
    assert "row TD-1: area_hectares is '3050'; '30.5' is expected" in output
    assert "2 of 3 cases hold" in output


def test_check_says_what_is_wrong_with_a_folder(tmp_path: Path) -> None:
    with pytest.raises(BadAgency, match=r"agency\.yml"):
        run("check", str(tmp_path))


def test_try_shows_what_would_be_stored(players: Players) -> None:
    code, output = run("try", "land", "--show", "1")
    assert code == 0
    assert "示例甲钢铁有限公司第0期炼钢项目" in output
    assert "示例甲钢铁有限公司第1期炼钢项目" not in output
    assert "Nothing was stored." in output
    found = json.loads(run("try", "environment", "--json")[1])
    assert (found["readable"], found["claimed_total"], len(found["rows"])) == (130, 130, 5)


def test_try_takes_a_folder_too(players: Players) -> None:
    assert run("try", str(SHIPPED / "finance"))[0] == 0


def test_try_says_which_agencies_there_are() -> None:
    with pytest.raises(NotFound, match="environment, finance, land"):
        run("try", "moon")


def test_the_folder_of_the_settings_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(shutil.copytree(SHIPPED / "land", tmp_path / "second"))
    file = folder / "agency.yml"
    file.write_text(file.read_text("utf-8").replace("id: land", "id: second"), "utf-8")
    monkeypatch.setenv("THREEGATES_AGENCIES_FOLDER", str(tmp_path))
    settings.cache_clear()
    try:
        assert "second  " in run("list")[1]
    finally:
        settings.cache_clear()
