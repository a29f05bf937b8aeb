"""The demo's truth: what is told is what the rules find and nothing else; nothing synthetic accuses a real company."""

from datetime import date

import pytest

from deploy.demo.disguise import undone
from deploy.demo.scene import CAPACITY, CODE, CREDIT, HALTED, LAND, LAND_BACKWARD, NEW_SUPPORTED, PERMIT
from tests.deploy.conftest import DemoFiles
from tests.deploy.demo_oracle import World, gates, judge

Key = tuple[str, str]
Judged = tuple[str, str, str, tuple[str, ...]]
ALL = ("code", "uscc", "name", "fuzzy")


def _world(demo: DemoFiles, needs: tuple[str, ...]) -> tuple[World, set[Key]]:
    """The world with the links that need no more than this, and the records decided by them."""
    records = {key: record for key, record in demo.records().items() if "malformed" not in record}
    truth = [row for row in demo.rows("truth.csv") if row["needs"] in needs]
    links = {(r["agency"], r["source_key"]): r["project_reference"] for r in truth if r["project_reference"]}
    projects = {project["reference"]: project for project in demo.lines("projects.jsonl")}
    enterprises = {enterprise["reference"]: enterprise for enterprise in demo.lines("enterprises.jsonl")}
    planned = {plan["project"] for plan in demo.lines("plans.jsonl")}
    decided: dict[str, list[tuple[str, date]]] = {}
    for one in demo.lines("dispositions.jsonl"):
        decided.setdefault(one["project"], []).append((one["kind"], date.fromisoformat(one["decided"])))
    return World(projects, enterprises, records, links, planned, decided), {
        (row["agency"], row["source_key"]) for row in truth
    }


def _told(demo: DemoFiles, needs: tuple[str, ...], name: str = "truth_findings.csv") -> set[Judged]:
    return {
        (row["agency"], row["source_key"], row["rule"], tuple(sorted(filter(None, row["reasons"].split("|")))))
        for row in demo.rows(name)
        if row["needs"] in needs
    }


@pytest.mark.parametrize("needs", [ALL[:3], ALL])
@pytest.mark.parametrize("size", ["demo", "tiny_demo"])
def test_told_findings_are_those_of_the_rules(
    size: str, needs: tuple[str, ...], demo: DemoFiles, tiny_demo: DemoFiles
) -> None:
    files = {"demo": demo, "tiny_demo": tiny_demo}[size]
    world, decided = _world(files, needs)
    assert judge(world, undone, decided) == _told(files, needs)


def test_the_second_batch_tells_its_findings_too(demo: DemoFiles) -> None:
    world, decided = _world(demo, ALL)
    for row in demo.rows("records-later/truth.csv"):
        key = (row["agency"], row["source_key"])
        decided.add(key)
        if row["project_reference"]:
            world.links[key] = row["project_reference"]
    world.records.update(demo.records("records-later"))
    after = judge(world, undone, decided)
    assert after == _told(demo, ALL, "records-later/truth_findings.csv")
    assert after != _told(demo, ALL)


def test_no_finding_names_a_real_enterprise(demo: DemoFiles) -> None:
    truth = {(row["agency"], row["source_key"]): row for row in demo.rows("truth.csv")}
    records = demo.records()
    for row in demo.rows("truth_findings.csv"):
        key = (row["agency"], row["source_key"])
        assert not truth[key]["enterprise_reference"].startswith("gem:")
        assert not truth[key]["project_reference"].startswith("gem:")
        assert "示例" in undone(records[key]["party_name"])


def test_real_records_stay_lawful_when_linked_to_another_project_of_the_owner(demo: DemoFiles) -> None:
    world, _ = _world(demo, ALL)
    by_owner: dict[str, list[str]] = {}
    for reference, project in world.projects.items():
        by_owner.setdefault(project["owner"], []).append(reference)
    acts = world.acts_of_projects()
    checked = 0
    for key, reference in world.links.items():
        record = world.records[key]
        if not reference.startswith("gem:") or record.get("project_code"):
            continue
        for sibling in by_owner[world.projects[reference]["owner"]]:
            assert gates(record, world.projects[sibling], acts[sibling]) == []
            checked += 1
    assert checked > 1000


def test_real_records_name_their_enterprise_and_place(demo: DemoFiles) -> None:
    """So that no linker can take them for records of nothing."""
    enterprises = {enterprise["reference"]: enterprise for enterprise in demo.lines("enterprises.jsonl")}
    records = demo.records()
    real = [row for row in demo.rows("truth.csv") if row["enterprise_reference"].startswith("gem:")]
    assert len(real) > 3000
    for row in real:
        record = records[row["agency"], row["source_key"]]
        assert undone(record["party_name"]) == undone(enterprises[row["enterprise_reference"]]["name"])
        assert not record["region"].endswith("0000")
        assert row["needs"] != "fuzzy", row
        assert record["act"] != "loan" or record["project_code"]


def test_every_rule_is_told(tiny_demo: DemoFiles) -> None:
    rules = {row["rule"] for row in tiny_demo.rows("truth_findings.csv")}
    assert rules == {LAND, PERMIT, CREDIT, CODE, NEW_SUPPORTED, HALTED, CAPACITY, LAND_BACKWARD}


def test_findings_cover_sectors_provinces_and_reasons(demo: DemoFiles) -> None:
    projects = {project["reference"]: project for project in demo.lines("projects.jsonl")}
    truth = {(row["agency"], row["source_key"]): row["project_reference"] for row in demo.rows("truth.csv")}
    records = demo.records()
    findings = demo.rows("truth_findings.csv")
    named = [truth[row["agency"], row["source_key"]] for row in findings]
    assert {projects[name]["sector"] for name in named if name} == {"steel", "cement", "aluminium", "glass", "ships"}
    assert len({records[row["agency"], row["source_key"]]["region"][:2] for row in findings}) >= 25
    reasons = {reason for row in findings for reason in row["reasons"].split("|") if reason}
    assert reasons >= {"no-project", "no-approval", "before-approval", "revoked", "expired", "other-enterprise"}
    assert reasons >= {"other-region", "missing-approval", "missing-land", "missing-eia", "missing-energy-assessment"}
    assert {row["needs"] for row in findings} == set(ALL)
