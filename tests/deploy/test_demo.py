"""The demo's files: deterministic, complete, marked; real where it says so, invented everywhere else."""

import hashlib
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from stdnum.cn import uscc
from stdnum.iso7064 import mod_11_10

from deploy.demo import regions
from deploy.demo.__main__ import main, write_demo
from deploy.demo.chance import TODAY
from deploy.demo.linkage import usable_code
from deploy.demo.world import AGENCIES
from registry.identifiers import eia_number, industry, project_code, supervision_number
from registry.identifiers import uscc as registered_uscc
from registry.names import normalise
from registry.record_fields import RECORD_FIELDS
from tests.deploy.conftest import DemoFiles

SECTORS = {"steel", "cement", "aluminium", "glass", "ships"}
ROUNDING = Decimal(500_000)


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_demo(tmp_path / name, seed=7, records=900, updates=True)
    write_demo(tmp_path / "other", seed=8, records=900, updates=True)
    one, other = _digests(tmp_path / "one"), _digests(tmp_path / "other")
    assert len(one) == 18
    assert one == _digests(tmp_path / "two")
    assert one["records/land.jsonl"] != other["records/land.jsonl"]
    assert one["sources.jsonl"] == other["sources.jsonl"]


def test_command_writes_the_tiny_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--to", str(tmp_path / "演 示"), "--tiny"])
    assert "300 agency records" in capsys.readouterr().out
    assert not (tmp_path / "演 示" / "records-later").exists()


def _steel(demo: DemoFiles, *stages: str) -> Decimal:
    return sum(
        (
            Decimal(line["amount"])
            for project in demo.lines("projects.jsonl")
            if not project["invented"] and project["stage"] in stages
            for line in project["capacities"]
            if line["product"] == "crude_steel"
        ),
        Decimal(0),
    )


def test_control_totals_of_the_real_plants(demo: DemoFiles) -> None:
    """691 Mt/a operating, 772 with operating pre-retirement, 285 plants in 28 provinces."""
    assert abs(_steel(demo, "operating") - 691_000_000) < ROUNDING
    assert abs(_steel(demo, "operating", "pre_retirement") - 772_000_000) < ROUNDING
    real = [project for project in demo.lines("projects.jsonl") if not project["invented"]]
    assert len({project["site"]["reference"] for project in real}) == 285
    assert len({project["region"][:2] for project in real}) == 28
    assert len({project["name"] for project in real}) == len(real) == 477


def test_real_plants_resolve_to_their_county(demo: DemoFiles) -> None:
    real = {p["site"]["name"]: p["region"] for p in demo.lines("projects.jsonl") if not p["invented"]}
    assert real["安钢集团信阳钢铁有限责任公司"] == "411503"
    assert real["山西高义钢铁有限公司"] == "140825"  # 新绛县, which holds 绛县
    assert real["甘肃酒钢集团宏兴钢铁股份有限公司"] == "620200"
    assert real["山东富伦钢铁有限公司"] == "370116"
    assert sum(not code.endswith("00") for code in real.values()) > 250


def test_every_reference_resolves(demo: DemoFiles) -> None:
    enterprises = demo.lines("enterprises.jsonl")
    projects = demo.lines("projects.jsonl")
    owners = {enterprise["reference"] for enterprise in enterprises}
    sources = {source["id"] for source in demo.lines("sources.jsonl")}
    known = {project["reference"] for project in projects}
    assert len(owners) == len(enterprises)
    assert len(known) == len(projects)
    assert {project["owner"] for project in projects} <= owners
    assert {one["source"] for one in [*enterprises, *projects, *demo.lines("notices.jsonl")]} <= sources
    assert {o["reference"] for e in enterprises for o in e["owners"] if "reference" in o} <= owners
    named = [item.get("enterprise_reference") for n in demo.lines("notices.jsonl") for item in n["items"]]
    assert {reference for reference in named if reference} <= owners
    assert {d["project"] for d in [*demo.lines("dispositions.jsonl"), *demo.lines("plans.jsonl")]} <= known
    references = [approval["reference"] for project in projects for approval in project["approvals"]]
    assert len(set(references)) == len(references)
    records = demo.records()
    rows = demo.rows("truth.csv")
    sound = {key for key, record in records.items() if "malformed" not in record}
    assert {(row["agency"], row["source_key"]) for row in rows} == sound
    assert {row["project_reference"] for row in rows} <= known | {""}
    assert {row["enterprise_reference"] for row in rows} <= owners | {""}
    former = {before for before, _, _ in regions.FORMER_CODES.values()}
    for code in {one["region"] for one in [*records.values(), *enterprises, *projects]}:
        assert code in regions.places() or code in former or code.endswith("00"), code


def test_codes_and_usccs_have_right_check_digits(demo: DemoFiles) -> None:
    codes = [project["code"] for project in demo.lines("projects.jsonl") if project["code"]]
    assert len(set(codes)) == len(codes) > 800
    new = [code for code in codes if code[:2] in ("20", "21", "22", "23", "24", "25", "26") and _passes(code)]
    for code in codes:
        assert len(code) == 24
        assert _passes(code) or (code.startswith("20") and 2014 <= int(code[:4]) <= 2020), code
    assert 150 < len(new) < len(codes) - 300  # both shapes
    numbers = [enterprise["uscc"] for enterprise in demo.lines("enterprises.jsonl")]
    assert all(uscc.is_valid(number) for number in numbers)
    assert len(set(numbers)) == len(numbers)
    assert {number[8:10] for number in numbers} == {"XN"}


def _passes(code: str) -> bool:
    return bool(mod_11_10.is_valid(code.replace("-", "")))


def test_records_carry_the_right_code(demo: DemoFiles) -> None:
    codes = {project["reference"]: project["code"] for project in demo.lines("projects.jsonl")}
    truth = {(row["agency"], row["source_key"]): row["project_reference"] for row in demo.rows("truth.csv")}
    for key, record in demo.records().items():
        if record.get("project_code") and truth.get(key):
            assert record["project_code"] == codes[truth[key]]


def test_records_are_many_marked_and_of_the_known_fields(demo: DemoFiles) -> None:
    records = demo.records()
    assert len(records) >= 24_000
    fields = {*RECORD_FIELDS, "received", "malformed"}
    without_code = 0
    for record in records.values():
        assert record["synthetic"] is True
        assert record["details"]["demonstration"] == "synthetic"
        assert set(record) <= fields
        without_code += not usable_code(record)
    assert without_code / len(records) >= 0.3


def test_records_are_in_time_and_order(demo: DemoFiles) -> None:
    for agency in AGENCIES:
        stamps = [record["source_modified"] for record in demo.lines(f"records/{agency}.jsonl")]
        assert stamps == sorted(stamps)
        assert stamps[0].startswith("2014-")
        assert stamps[-1] < min(record["source_modified"] for record in demo.lines(f"records-later/{agency}.jsonl"))
        assert {stamp[:4] for stamp in stamps} == {str(year) for year in range(2014, 2027)}
    for record in demo.records().values():
        if "malformed" not in record:
            assert "2010-01-01" <= record["acted_on"] <= record["received"] < TODAY.isoformat()


def test_malformed_records_are_few_and_invented(demo: DemoFiles) -> None:
    malformed = [(key, record) for key, record in demo.records().items() if "malformed" in record]
    assert Counter(agency for (agency, _), _ in malformed) == dict.fromkeys(AGENCIES, 20)
    assert all("示例" in record["party_name"].replace(" ", "").replace("\u200b", "") for _, record in malformed)


def test_invented_and_synthetic_are_marked(demo: DemoFiles) -> None:
    for one in [*demo.lines("enterprises.jsonl"), *demo.lines("projects.jsonl")]:
        assert one["invented"] == one["reference"].startswith("demo:")
        assert one["invented"] == ("示例" in one["name"])
        assert one["invented"] == (one["source"] == "demo-synthetic")
        assert one["synthetic_fields"]
        for approval in one.get("approvals", []):
            assert approval["synthetic"]
            assert approval["authority"].endswith("（示例）")


def test_all_sectors_and_provinces(demo: DemoFiles) -> None:
    invented = [project for project in demo.lines("projects.jsonl") if project["invented"]]
    assert {project["sector"] for project in invented} == SECTORS | {"other"}
    assert {project["region"][:2] for project in invented} == set(regions.provinces())
    assert 550 <= sum(enterprise["invented"] for enterprise in demo.lines("enterprises.jsonl")) <= 650
    assert 850 <= len(invented) <= 950


def test_stories_are_told_several_times(demo: DemoFiles, tiny_demo: DemoFiles) -> None:
    for files, instances in ((demo, 8), (tiny_demo, 1)):
        stories = json.loads((files.folder / "stories.json").read_text(encoding="utf-8"))
        assert len(stories) >= 12
        projects = {project["reference"]: project for project in files.lines("projects.jsonl")}
        for story in stories:
            assert all(story[field] for field in ("title_zh", "title_en", "what_zh", "what_en"))
            told = [projects[reference] for reference in story["project_references"]]
            assert len(told) >= instances or story["id"] in ("unregistered-plant", "made-up-code")
            if instances > 1 and told and story["id"] not in ("sea-and-shoreline", "zombie-furnace", "casting-furnace"):
                assert len({project["sector"] for project in told}) == 5
            if instances > 1 and told:
                assert len({project["region"][:2] for project in told}) >= 4


def test_notices_are_cited_and_unverified(demo: DemoFiles) -> None:
    notices = demo.lines("notices.jsonl")
    assert len(notices) == 33
    assert all(notice["unverified"] and notice["url"].startswith("http") for notice in notices)
    assert sum(notice["kind"] == "reported_violation" for notice in notices) == 14
    assert sum(len(notice["items"]) for notice in notices if "replacement" in notice["kind"]) >= 38
    assert [notice["reference"] for notice in notices if "needs_review" in notice] == ["notice:N01"]
    enterprises = {enterprise["reference"]: enterprise for enterprise in demo.lines("enterprises.jsonl")}
    for notice in notices:
        for item in notice["items"]:
            if "enterprise_reference" in item:
                assert enterprises[item["enterprise_reference"]]["name"] == item["enterprise_name"]


def test_owners_and_production_of_a_real_enterprise(demo: DemoFiles) -> None:
    enterprises = {enterprise["name"]: enterprise for enterprise in demo.lines("enterprises.jsonl")}
    xinyang = enterprises["安钢集团信阳钢铁有限责任公司"]
    parent = {"name": "Henan PROVINCE HENGCHANG Trading Co Ltd", "share": "15.8", "kind": "parent"}
    assert xinyang["owners"][0] == parent
    assert {"year": 2020, "product": "crude_steel", "amount": "3652000", "unit": "t"} in xinyang["production"]
    # A plant under another name is another legal person: its name is the site's, not the owner's.
    angang = enterprises["鞍钢股份有限公司"]
    assert "鞍钢集团朝阳鞍凌钢铁有限公司" not in {name["name"] for name in angang["names"]}
    assert "鞍钢新轧钢股份有限公司" in {name["name"] for name in angang["names"]}


def test_the_register_reads_what_the_demo_writes(demo: DemoFiles) -> None:
    """The generator knows no room; here both sides' readings of codes and names meet."""
    enterprises = {enterprise["reference"]: enterprise for enterprise in demo.lines("enterprises.jsonl")}
    for project in demo.lines("projects.jsonl"):
        assert not project["code"] or not project_code.parse(project["code"]).warnings
        assert not industry.parse(project["industry"], project["industry_edition"]).warnings
    assert not any(registered_uscc.parse(enterprise["uscc"]).warnings for enterprise in enterprises.values())
    names = {
        reference: {normalise(one["name"]).text for one in [enterprise, *enterprise["names"]]}
        for reference, enterprise in enterprises.items()
    }
    records = demo.records()
    for row in demo.rows("truth.csv"):
        record = records[row["agency"], row["source_key"]]
        if record["act"] == "eia_approval":
            eia_number.parse(record["number"])
        if record["act"] == "land_grant":
            supervision_number.parse(record["number"])
        if row["needs"] == "name" and row["enterprise_reference"]:
            assert normalise(record["party_name"]).text in names[row["enterprise_reference"]], record
