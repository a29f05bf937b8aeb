"""Scenario files: read to the letter, run through the register's own path, compared exactly."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.database import make_engine
from registry.errors import BadFile
from registry.rules.reading import cases_files, rules
from registry.scenario_worlds import run_scenario
from registry.scenarios import read_scenarios
from tests.registry.worlds import OTHER, record, scenario, value

FILES = [*cases_files(), *sorted(Path(__file__).parents[1].joinpath("scenarios").glob("*.yml"))]
HEAD = "- scenario: one\n  as_of: 2014-12-31\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def emptied(module_database_url: str) -> AsyncIterator[AsyncEngine]:
    """One register for all files: nothing of a scenario stays."""
    made = make_engine(module_database_url, pool_size=1)
    yield made
    await made.dispose()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("file", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_every_case_gives_exactly_what_it_expects(emptied: AsyncEngine, file: Path) -> None:
    for one in read_scenarios(file):
        outcome = await run_scenario(emptied, one)
        assert outcome.ok, f"{one.scenario}: {outcome.problems}"
    # Nothing of a scenario stays.
    assert await value(emptied, "SELECT count(*) FROM records") == 0


def test_there_are_enough_and_every_rule_brings_its_own() -> None:
    counts = {f"{file.parent.name}/{file.name}": len(read_scenarios(file)) for file in FILES}
    print(f"{sum(counts.values())} scenarios in {len(counts)} files: {counts}")  # shown with pytest -s
    assert sum(counts.values()) >= 250
    brought = {file.parent.name for file in cases_files()}
    assert brought == {rule.id for rule in rules()}
    for rule in rules():
        (file,) = (one for one in cases_files() if one.parent.name == rule.id)
        reasons = {
            reason
            for one in read_scenarios(file)
            for expected in one.expect or ()
            if expected.rule == rule.id
            for reason in expected.reasons or ()
        }
        assert reasons == set(rule.reasons), f"{rule.id}: every reason has a case"
        flagged = [any(expected.rule == rule.id for expected in one.expect or ()) for one in read_scenarios(file)]
        assert any(flagged), f"{rule.id}: it needs cases that it flags"


async def test_an_unexpected_a_missing_and_a_wrong_reason_each_fail(engine: AsyncEngine) -> None:
    early = record("L1", "land_grant", "2014-02-01")

    async def problems(*expect: dict[str, Any]) -> tuple[str, ...]:
        return (await run_scenario(engine, scenario([early], expect=list(expect)))).problems

    right: dict[str, Any] = {"rule": "land-without-approval", "subject": "L1", "reasons": ["before-approval"]}
    assert await problems(right) == ()
    assert await problems({**right, "reasons": None}) == ()
    assert len(await problems()) == 1
    assert len(await problems({**right, "reasons": ["revoked"]})) == 1
    assert len(await problems({**right, "reasons": ["before-approval", "revoked"]})) == 1
    assert len(await problems(right, {"rule": "permit-without-approval", "subject": "L1"})) == 1


async def test_expect_only_limits_what_is_compared(engine: AsyncEngine) -> None:
    world = scenario(
        [record("L1", "land_grant", "2014-02-01", party=OTHER)],
        expect_only=["project-code-misused"],
        expect=[{"rule": "project-code-misused", "subject": "L1"}],
    )
    outcome = await run_scenario(engine, world)
    assert outcome.ok
    assert {found.rule for found in outcome.findings} == {"project-code-misused", "land-without-approval"}


async def test_known_at_leaves_out_what_was_received_later(engine: AsyncEngine) -> None:
    late = record("L1", "land_grant", "2014-02-01", received="2015-04-01")
    world = scenario([late], expect=[{"rule": "land-without-approval", "subject": "L1"}])
    assert (await run_scenario(engine, world)).ok
    assert (await run_scenario(engine, world, known_at=date(2015, 4, 1))).ok
    assert not (await run_scenario(engine, world, known_at=date(2015, 3, 31))).ok


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "list of scenarios"),
        ("scenario: one\n", 1, "list of scenarios"),
        (HEAD + "  colour: red\n", 3, "colour: this field is unknown. Known here: as_of,"),
        ("- scenario: one\n", 1, "as_of: Field required"),
        ("- scenario: one\n  as_of: 20141231\n", 2, "as_of: must be a day like 2014-02-01"),
        ("- scenario: one\n  as_of: 2014-02-30\n", 2, "as_of"),
        (HEAD + "  records:\n    - {id: L1, act: gift, on: 2014-01-01}\n", 4, "records[0].act: “gift” is no act"),
        (HEAD + "  records:\n    - id: L1\n      act: loan\n", 4, "records[0].on: Field required"),
        (HEAD + "  records:\n    - id: L1\n      id: L2\n", 5, "id: this key stands twice"),
        (HEAD + "  projects: [{code: 17}]\n", 3, "projects[0].code"),
        (HEAD + "  enterprises: [{uscc: X1}]\n", 3, "enterprises[0].uscc"),
        (HEAD + "  projects: [{sector: coal}]\n", 3, "projects[0].sector"),
        (HEAD + "  expect: [{rule: no-such-rule, subject: L1}]\n", 3, "there is no rule “no-such-rule”"),
        (HEAD + "  expect_only: [no-such-rule]\n", 3, "there is no rule “no-such-rule”"),
        (HEAD + "  expect: [{rule: land-without-approval, subject: L9}]\n", 3, "nothing in this scenario has the id"),
        (HEAD + "  records:\n    - {id: L1, act: loan, on: 2014-01-01}\n    - {id: L1, act: loan, on: 2014-01-01}\n", 5,
         "“L1” stands twice"),
        (HEAD + "  records: {id: [\n", 4, "This is not YAML"),
        (HEAD + "  records: &r [*r]\n", 3, ""),
    ],
)  # fmt: skip
def test_what_is_not_valid_is_refused_with_line_and_field(tmp_path: Path, text: str, line: int, says: str) -> None:
    file = tmp_path / "情景.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadFile) as refused:
        read_scenarios(file)
    assert refused.value.where.endswith(f"情景.yml, line {line}")
    assert says in str(refused.value)


def test_a_file_that_is_not_there_or_not_utf_8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="cannot be read"):
        read_scenarios(tmp_path / "none.yml")
    (tmp_path / "gbk.yml").write_bytes("- scenario: 情景".encode("gbk"))
    with pytest.raises(BadFile, match="UTF-8"):
        read_scenarios(tmp_path / "gbk.yml")


def test_the_format_is_taken_to_the_letter(tmp_path: Path) -> None:
    """Every field the format names is read, null means unknown, and numbers in quotes or not are the same text."""
    file = tmp_path / "all.yml"
    file.write_text(
        """
- scenario: everything
  as_of: 2014-12-31
  known_at: 2014-12-31
  enterprises: [{uscc: "91130200MA00000017", name: 示例甲, region: 130200, former_names: [示例乙]}]
  projects:
    - code: 2014-130200-31-03-000001
      name: 示例
      owner: "91130200MA00000017"
      sector: steel
      region: "130200"
      nature: expansion
      capacities: [{product: crude_steel, amount: 1000000.5, unit: t/a}]
      approvals: [{id: A1, kind: filing, issued: 2014-06-01, expires: 2016-05-31, revoked: null, capacities: []}]
      dispositions: [{kind: halt, decided: 2014-01-01, published: null}]
      replacement_plans:
        - {id: P1, confirmed: 2014-01-01, announced: null, published: ~, listed: null,
           units: [{id: U1, product: crude_steel, amount: 5, retired: 2013-01-01}]}
  equipment:
    - {id: U2, enterprise: "91130200MA00000017", project: 2014-130200-31-03-000001, class: converter, size: 30, unit: t,
       commissioned: 2001-01-01, dismantled: null, last_ran: null, traits: [casting]}
  eliminations: [{enterprise: "91130200MA00000017", equipment: U2, deadline: 2011-12-31, cured: null}]
  restrictions: [{region: "130200", from: 2014-01-01, until: null}]
  records:
    - {id: L1, act: loan, on: 2014-02-01, project_code: 2014-130200-31-03-000001, party: "91130200MA00000017",
       party_name: 示例甲, project_name: 示例, region: "130200", industry: "3120",
       stated_capacity: [{product: crude_steel, amount: 1, unit: t/a}], kind: merger, months: 84, price: 1,
       base_price: 1, benchmark_price: 1, subsidy: 0, kwh_per_tonne: 13700, meets_norm: true, received: 2014-02-02,
       revoked: null, expires: null}
  expect: []
  expect_only: [land-without-approval]
""",
        encoding="utf-8",
    )
    (one,) = read_scenarios(file)
    assert one.enterprises is not None and one.enterprises[0].region == "130200"
    assert one.records is not None and one.records[0].revoked is None
    assert one.compared == {"land-without-approval"}
