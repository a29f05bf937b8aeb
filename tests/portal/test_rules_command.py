"""`threegates rules`: what it lists, shows and explains, and a new rule whose cases fail until it is written."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from portal.commands import application
from registry.errors import BadInput, Conflict, NotFound
from registry.rules.laying import lay_rule
from registry.rules.reading import rules

ROOT = Path(__file__).parents[2]


def ask(*arguments: str) -> str:
    """What the command prints."""
    done = CliRunner().invoke(application("rules"), ["rules", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_rule_is_listed() -> None:
    assert [line.split()[0] for line in ask("list").splitlines()] == [one.id for one in rules()]
    listed = json.loads(ask("list", "--json"))
    assert {one["id"]: one["since"] for one in listed}["backward-equipment-running"] == "2010-02-06"


def test_a_rule_is_shown_with_its_law_its_parameters_and_who_has_the_duty_today() -> None:
    told = ask("show", "merger-loan-too-long")
    assert "贷款期限可延长至7年" in told
    assert "2013-10-06  84" in told
    assert "国家金融监督管理总局" in told and "中国银行业监督管理委员会" not in told
    assert "FROM acts" in told
    whole = json.loads(ask("show", "replacement-ratio-short", "--json"))
    assert [one["value"] for one in whole["parameters"]["steel_replacement_ratio"]] == ["1.25", None]


@pytest.mark.parametrize("rule", [one.id for one in rules()])
def test_every_rule_is_explained_by_an_example_that_it_flags(rule: str) -> None:
    told = ask("explain", rule)
    assert told.count("← 疑点") >= 1
    assert json.loads(ask("explain", rule, "--json"))["example"]["expect"]


@pytest.mark.parametrize("verb", ["show", "explain"])
def test_what_is_no_rule_is_said(verb: str) -> None:
    with pytest.raises(NotFound, match="no such rule"):
        ask(verb, "no-such-rule")


@pytest.mark.parametrize("name", ["Land", "land", "land_grant-late", "../land-x", "-land-late"])
def test_a_new_rule_needs_a_name_that_is_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="no name for a rule"):
        lay_rule(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_rule_that_is_there_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(Conflict):
        lay_rule("land-without-approval", tmp_path)
    lay_rule("land-too-late", tmp_path)
    with pytest.raises(Conflict):
        lay_rule("land-too-late", tmp_path)


def test_the_cases_of_a_new_rule_fail_until_it_is_written(postgresql_url: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "registry", tmp_path / "registry")
    for room in ("portal", "deploy", "connectors", "search", "jobs"):
        (tmp_path / room).symlink_to(ROOT / room)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from portal.commands import main; main()", *arguments],
            env={**os.environ, "THREEGATES_DATABASE_URL": postgresql_url, "PYTHONPATH": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    laid = run("rules", "new", "land-too-late")
    assert laid.returncode == 0, laid.stderr
    folder = tmp_path / "registry" / "rules" / "land-too-late"
    assert sorted(path.name for path in folder.iterdir()) == ["cases.yml", "rule.sql", "rule.yml"]
    judged = run("judge", str(folder / "cases.yml"))
    assert judged.returncode == 1, judged.stderr
    assert [line[:4] for line in judged.stdout.splitlines()] == ["FAIL", "ok  "]
    sql = folder / "rule.sql"
    sql.write_text(sql.read_text(encoding="utf-8").replace("AND FALSE", ""), encoding="utf-8")
    judged = run("judge", str(folder / "cases.yml"))
    assert judged.returncode == 0, judged.stdout
