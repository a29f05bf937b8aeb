"""What an agency.yml may not say, and that each error names file, field and remedy."""

from pathlib import Path

import pytest

from connectors.agency import SHIPPED, load_agencies, load_agency
from connectors.errors import BadAgency

SOUND = """\
id: sample
names: {zh: 示例, en: Sample}
authority: mnr
lanes: [land]
address: https://sample.invalid
format: {kind: json, entries: list}
fields:
  key: source_key
  day: acted_on
  what: {to: act, categories: {供地: land_grant}}
schedule: "0 2 * * *"
"""


def write(folder: Path, text: str) -> Path:
    (folder / "sample").mkdir(parents=True)
    (folder / "sample" / "agency.yml").write_text(text, "utf-8")
    return folder / "sample"


def test_the_least_agency_is_sound(tmp_path: Path) -> None:
    agency = load_agency(write(tmp_path, SOUND))
    assert agency.key_fields == ("key",)
    assert agency.modified_field is None
    assert agency.folder.name == "sample"


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ("id: sample", "id: Sample-1", "id", "small letters"),
        ("id: sample", "id: other", "id", "not the folder's name"),
        ("lanes: [land]", "lanes: [lnd]", "lanes → 0", "land"),
        ("lanes: [land]", "lanes: [credit]", "", "belongs to land"),
        ("authority: mnr\n", "", "authority", "Add it"),
        ("authority: mnr", "authority: mnr\nadres: x", "adres", "no such setting"),
        ('"0 2 * * *"', '"0 25 * * *"', "schedule", "cron"),
        ("kind: json", "kind: yaml", "format → kind", "json"),
        ("kind: json, entries: list", "kind: xml", "format", "needs entries"),
        ("day: acted_on", "day: acted_at", "fields → day → to", "no record field is called acted_at"),
        ("day: acted_on", "dag: region", "", "nothing goes to acted_on"),
        ("day: acted_on", "day: acted_on\n  day2: acted_on", "", "more than one field goes to acted_on"),
        ("day: acted_on", "day: acted_on\n  day: acted_on", ":10", "the key day stands twice"),
        ("day: acted_on", "day: acted_on\n  a: {to: amount}", "fields → a", "one of 元, 万元"),
        ("day: acted_on", "day: acted_on\n  a: {to: amount, unit: 亩}", "fields → a", "one of 元, 万元"),
        (
            "day: acted_on",
            "day: acted_on\n  a: {to: region, unit: 元}",
            "fields → a",
            "a unit means nothing",
        ),
        ("day: acted_on", "day: acted_on\n  a: {to: stated_capacity}", "fields → a", "needs `capacities`"),
        ("day: acted_on", "day: acted_on\n  a: {to: synthetic}", "fields → a", "needs `categories`"),
        ("day: acted_on", "day: acted_on\n  a: {to: details}", "fields → a", "details.NAME"),
        ("land_grant", "land_gift", "fields → what", "no act is called land_gift"),
        ("schedule", "constants: {amount: 3}\nschedule", "", "amount cannot be set to 3"),
        ("schedule", "ignored: {day: why}\nschedule", "", "day is mapped as well"),
        ("schedule", "since: {parameter: since}\nschedule", "", "nothing goes to source_modified"),
        ("schedule", "authentication: {kind: api_key, header: X}\nschedule", "authentication", "also needs: secret"),
        (
            "schedule",
            "authentication: {kind: basic, user: A, secret: b+c}\nschedule",
            "secret",
            "NAME of an",
        ),
        ("schedule", "paging: {kind: cursor}\nschedule", "paging", "also needs: parameter, next"),
        ("schedule", "bounds: {lag_allowed: 3 weeks}\nschedule", "bounds → lag_allowed", "duration"),
        ("schedule", "limits: {page_seconds: 0}\nschedule", "limits → page_seconds", "greater than 0"),
        ("schedule", "time_zone: Mars/Olympus\nschedule", "time_zone", "Asia/Shanghai"),
        ("schedule", "format2: [\nschedule", ":", "Correct the line"),
    ],
)
def test_every_error_names_file_field_and_remedy(tmp_path: Path, old: str, new: str, place: str, said: str) -> None:
    assert old in SOUND
    with pytest.raises(BadAgency) as caught:
        load_agency(write(tmp_path, SOUND.replace(old, new, 1)))
    text = str(caught.value)
    assert "agency.yml" in caught.value.where
    assert place in caught.value.where
    assert said in text
    assert caught.value.remedy


def test_a_secret_in_the_file_is_not_repeated_in_the_message(tmp_path: Path) -> None:
    text = SOUND + "authentication: {kind: basic, user: A, secret: hunter2-is-secret}\n"
    with pytest.raises(BadAgency) as caught:
        load_agency(write(tmp_path, text))
    assert "hunter2" not in str(caught.value)


def test_two_agencies_of_one_id_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a", SOUND)
    write(tmp_path / "b", SOUND)
    with pytest.raises(BadAgency, match="taken by"):
        load_agencies([tmp_path / "a", tmp_path / "b"])


def test_folders_beside_the_shipped_ones(tmp_path: Path) -> None:
    write(tmp_path, SOUND)
    (tmp_path / "notes").mkdir()
    assert sorted(load_agencies([SHIPPED, tmp_path])) == ["environment", "finance", "land", "sample"]
    with pytest.raises(BadAgency, match="no such folder"):
        load_agencies([tmp_path / "nowhere"])


def test_the_mapping_version_changes_with_the_mapping_alone(tmp_path: Path) -> None:
    before = load_agency(write(tmp_path / "1", SOUND)).mapping_version
    other_hour = load_agency(write(tmp_path / "2", SOUND.replace("0 2", "0 3"))).mapping_version
    other_map = load_agency(write(tmp_path / "3", SOUND.replace("供地", "出让"))).mapping_version
    assert before == other_hour
    assert before != other_map


def test_bounds_say_why_a_run_is_held() -> None:
    bounds = load_agencies()["land"].bounds
    assert bounds.problem(received=1000, rejected=0, stored=1000, full=True) is None
    assert "at least" in (bounds.problem(received=0, rejected=0, stored=0, full=True) or "")
    assert "shrank" in (bounds.problem(received=940, rejected=0, stored=1000, full=True) or "")
    assert bounds.problem(received=3, rejected=0, stored=1000, full=False) is None
    assert "rejected" in (bounds.problem(received=100, rejected=6, stored=0, full=False) or "")
