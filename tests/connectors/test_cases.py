"""Every agency's cases.yml, of the shipped folder and of the one in the settings; and that a case can fail."""

import shutil
from pathlib import Path

import pytest

from connectors.agency import SHIPPED, Agency, load_agencies, load_agency
from connectors.cases import Outcome, load_cases, run_cases
from connectors.errors import BadAgency
from registry.settings import settings

MORE = settings().agencies_folder
AGENCIES = load_agencies([SHIPPED] if MORE is None else [SHIPPED, MORE])


@pytest.mark.parametrize("agency", AGENCIES.values(), ids=AGENCIES.keys())
def test_the_cases_of_every_agency_hold(agency: Agency) -> None:
    outcomes = list(run_cases(agency))
    assert outcomes, "an agency without a case shows nothing"
    assert [outcome for outcome in outcomes if outcome.problems] == []


@pytest.mark.parametrize("agency", AGENCIES.values(), ids=AGENCIES.keys())
def test_every_field_is_mapped_by_some_case(agency: Agency) -> None:
    """A mapping that no payload shows could be wrong without anyone seeing it: the key, stamp, act and day at least."""
    rows = [row for case in load_cases(agency.folder) for row in case.rows]
    for name in ("source_key", "source_modified", "act", "acted_on", "party_name", "region"):
        assert any(name in row for row in rows), name


def copy_of_land(folder: Path) -> Path:
    return Path(shutil.copytree(SHIPPED / "land", folder / "land"))


def outcomes_of(folder: Path) -> list[Outcome]:
    return [outcome for outcome in run_cases(load_agency(folder)) if outcome.problems]


def test_a_wrong_unit_makes_a_case_fail(tmp_path: Path) -> None:
    folder = copy_of_land(tmp_path)
    file = folder / "agency.yml"
    file.write_text(file.read_text("utf-8").replace("unit: 公顷", "unit: 亩"), "utf-8")
    problems = outcomes_of(folder)
    assert "row TD-1: area_hectares is '2.033333'; '30.5' is expected" in problems[0].problems


def test_an_expected_rejection_that_does_not_come_makes_a_case_fail(tmp_path: Path) -> None:
    folder = copy_of_land(tmp_path)
    file = folder / "agency.yml"
    file.write_text(file.read_text("utf-8").replace("土地供应: land_grant", "示例用地登记: land_grant"), "utf-8")
    assert outcomes_of(folder)


def test_a_payload_outside_the_folder_is_not_read(tmp_path: Path) -> None:
    folder = copy_of_land(tmp_path)
    (tmp_path / "other.json").write_text("{}", "utf-8")
    (folder / "cases.yml").write_text("- {name: out, payload: ../other.json, error: x}\n", "utf-8")
    assert "there is no payload" in outcomes_of(folder)[0].problems[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {name: a, payload: b}", "expects nothing"),
        ("- {name: a, payload: b, rowz: []}", "rowz"),
        ("- {name: a}", "payload"),
        ("[]", "cases.yml"),
    ],
)
def test_bad_cases_say_where(tmp_path: Path, text: str, said: str) -> None:
    folder = copy_of_land(tmp_path)
    (folder / "cases.yml").write_text(text, "utf-8")
    with pytest.raises(BadAgency) as caught:
        load_cases(folder)
    assert said in str(caught.value)
    assert "cases.yml" in str(caught.value)
