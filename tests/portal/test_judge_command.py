"""`threegates judge`: lines and JSON, exit codes, notes on the error stream, with the server of the settings."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.command_line import Done, threegates
from tests.registry.worlds import keep, record, scenario, value

SCENARIOS = Path(__file__).parents[1] / "scenarios"
GOOD = SCENARIOS / "knowledge.yml"
EARLY = """
- scenario: granted too early
  as_of: 2014-12-31
  projects: [{code: 2014-130200-31-03-000001, sector: steel, region: "130200",
              approvals: [{id: A1, kind: filing, issued: 2014-06-01}]}]
  records: [{id: L1, act: land_grant, on: 2014-02-01, project_code: 2014-130200-31-03-000001}]
  expect: []
"""


def judge(database_url: str, *arguments: object) -> Done:
    """The command as a person runs it."""
    return threegates({**os.environ, "THREEGATES_DATABASE_URL": database_url}, "judge", *arguments)


def test_scenarios_that_come_out_as_expected_give_a_line_each_and_0(postgresql_url: str) -> None:
    done = judge(postgresql_url, GOOD)
    assert done.returncode == 0, done.stderr
    assert [line[:4] for line in done.stdout.splitlines()] == ["ok  "] * 5
    assert "5 scenarios in" in done.stderr


def test_a_scenario_that_does_not_gives_1_and_says_what_differs(postgresql_url: str, tmp_path: Path) -> None:
    file = tmp_path / "早.yml"
    file.write_text(EARLY, encoding="utf-8")
    done = judge(postgresql_url, file)
    assert done.returncode == 1
    assert done.stdout == "FAIL  早.yml: granted too early — land-without-approval L1: before-approval; not expected\n"
    done = judge(postgresql_url, "--json", GOOD, file, "--known-at", "2014-01-01")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert len(told) == 6
    assert told[-1] == {
        "scenario": "granted too early",
        "ok": False,
        "findings": [{"rule": "land-without-approval", "subject": "L1", "reasons": ["before-approval"]}],
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- scenario: x\n  as_of: 2014-12-31\n  colour: red\n", "line 3: [0].colour: this field is unknown"),
        ("- scenario: x\n  as_of: 2014-12-31\n  expect: [{rule: no-rule, subject: A}]\n", "there is no rule “no-rule”"),
    ],
)
def test_a_file_that_is_not_valid_gives_2_with_file_line_and_field(
    postgresql_url: str, tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "bad.yml"
    file.write_text(text, encoding="utf-8")
    done = judge(postgresql_url, GOOD, file)
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"{file}, " in done.stderr and says in done.stderr


def test_without_files_the_register_is_judged(database_url: str) -> None:
    done = judge(database_url, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["judged"], told["opened"]) == (0, 0)
    assert judge(database_url, "--store", "x.json").returncode == 2


async def test_the_register_is_replayed_as_of_a_day_by_what_was_known_then(
    database_url: str, engine: AsyncEngine, tmp_path: Path
) -> None:
    early = record("L1", "land_grant", "2014-04-01")
    late = record("L2", "land_grant", "2014-05-01", received="2015-01-01")
    await keep(engine, scenario([early, late]))
    kept = tmp_path / "replay.json"

    def replayed(*arguments: str) -> dict[str, Any]:
        done = judge(database_url, "--json", *arguments)
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    told = replayed("--as-of", "2014-04-30", "--known-at", "2014-12-31", "--store", str(kept))
    assert [(one["subject"], one["reasons"]) for one in told["findings"]] == [("scenario:L1", ["no-approval"])]
    assert json.loads(kept.read_text(encoding="utf-8")) == told
    # What came in later is not held against anybody, though the world was the same.
    by_then = replayed("--as-of", "2014-12-31", "--known-at", "2014-12-31")
    by_now = replayed("--as-of", "2014-12-31")
    assert [one["subject"] for one in by_then["findings"]] == ["scenario:L1"]
    assert {one["subject"] for one in by_now["findings"]} == {"scenario:L1", "scenario:L2"}
    assert replayed("--as-of", "2014-12-31", "--known-at", "2014-12-31")["digest"] == by_then["digest"]
    assert await value(engine, "SELECT count(*) FROM findings") == 0
    assert "already" in judge(database_url, "--as-of", "2014-12-31", "--store", kept).stderr
    done = judge(database_url, "--as-of", "2014-12-31")
    assert done.returncode == 0 and "land-without-approval" in done.stdout and by_now["digest"] in done.stdout
