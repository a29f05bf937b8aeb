"""Rules on equipment and plans: what they keep as evidence, a region's stricter limit, what a change reaches."""

from datetime import date
from pathlib import Path
from shutil import copytree

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.compiling import compile_flags
from registry.database import transaction
from registry.fact_texts import Use
from registry.flags import Asked, statement_of
from registry.law import reading
from registry.law.reading import law, read_law
from registry.rules.reading import rule
from registry.scenarios import read_scenarios
from tests.registry.worlds import at, changed, findings, keep, nation

HEAD = "- scenario: one\n  as_of: 2014-12-31\n"
SMELTER = '  enterprises: [{uscc: 91140100MA00000085, name: 示例辛钢铁有限公司, region: "140100"}]\n'


async def _keep(engine: AsyncEngine, folder: Path, text: str) -> None:
    file = folder / "world.yml"
    file.write_text(HEAD + text, encoding="utf-8")
    (world,) = read_scenarios(file)
    await keep(engine, world)


async def test_a_finding_of_equipment_keeps_the_limit_that_it_is_held_to(engine: AsyncEngine, tmp_path: Path) -> None:
    unit = "{id: BF1, enterprise: 91140100MA00000085, class: blast_furnace, size: 380, unit: m3}"
    await _keep(engine, tmp_path, f"{SMELTER}  equipment: [{unit}]\n")
    await nation(engine, at(10), date(2014, 12, 31))
    (finding,) = await findings(engine)
    assert (finding["rule"], finding["subject_kind"], finding["subject_reference"]) == (
        "backward-equipment-running",
        "equipment",
        "BF1",
    )
    (limit,) = finding["evidence"]["limits"]
    assert limit == {
        "limit": "blast-furnace-400",
        "size": "400",
        "bound": "up_to",
        "unit": "m3",
        "since": "2010-02-06",
        "deadline": "2011-12-31",
    }
    assert finding["duty_holder"] == "enterprise"
    assert finding["parameters"] == {"elimination_deadlines": ["class", "list"]}
    assert {one["article"] for one in finding["citation"]} == {"g7-2-2", "g7-3-2", "g41-4-aluminium"}


async def test_a_stricter_limit_of_a_province_holds_there_and_from_its_day(engine: AsyncEngine, tmp_path: Path) -> None:
    copytree(Path(reading.__file__).parent, tmp_path / "law")
    file = tmp_path / "law" / "equipment_limits" / "coke.yml"
    content = file.read_text(encoding="utf-8")
    value = (
        content[content.index("      2010-02-06:") :].replace("2010-02-06", "2012-01-01").replace("2010-12", "2013-12")
    )
    stricter = '    regions:\n      "140000":\n' + value.replace("      ", "        ").replace("4.3\n", "5.5\n", 1)
    file.write_text(content + stricter, encoding="utf-8")
    away = '{uscc: 91150200MA0000009R, name: 示例壬焦化有限公司, region: "150200"}'
    ovens = (
        "{id: K1, enterprise: 91140100MA00000085, class: coke_oven, size: 5.0, unit: m}, "
        "{id: K2, enterprise: 91150200MA0000009R, class: coke_oven, size: 5.0, unit: m}, "
        "{id: K3, enterprise: 91140100MA00000085, class: coke_oven, size: 5.5, unit: m}"
    )
    await _keep(engine, tmp_path, SMELTER.replace("]\n", f", {away}]\n") + f"  equipment: [{ovens}]\n")
    running = rule("backward-equipment-running")
    assert running is not None

    async def flagged(by_law: reading.Law, as_of: date) -> list[int]:
        async with transaction(engine) as session:
            asked = Asked(Use("nation"), as_of)
            sql = compile_flags(asked.use, (running,), by_law)
            statement, values = await statement_of(session, asked, sql)
            rows = await (await session.connection()).execute(statement, values)
            return sorted(row.subject_id for row in rows)

    draft = read_law(tmp_path / "law")
    assert await flagged(law(), date(2014, 12, 31)) == []
    assert len(await flagged(draft, date(2014, 1, 1))) == 1
    assert await flagged(draft, date(2013, 12, 31)) == []


async def test_a_plan_that_spends_anothers_unit_is_found_by_what_changed_as_by_the_nation(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    project = (
        "{{code: 2014-140100-31-03-00000{n}, name: 年产100万吨炼钢{n}期示例项目, owner: 91140100MA00000085, "
        'sector: steel, region: "140100", nature: renovation, replacement_plans: [{{id: P{n}, published: 2014-02-01, '
        "confirmed: 2014-03-0{n}, announced: 2014-03-05, listed: 2014-03-01, units: [{{id: C1, amount: 1}}]}}]}}"
    )
    await _keep(engine, tmp_path, f"{SMELTER}  projects: [{project.format(n=1)}, {project.format(n=2)}]\n")
    await changed(engine, at(10))
    by_change = [(one["rule"], one["subject_reference"], one["evidence_hash"]) for one in await findings(engine)]
    assert [(rule_, subject) for rule_, subject, _hash in by_change] == [("replacement-spent-twice", "P2")]
    judged = await nation(engine, at(11))
    assert not judged.wrote
    assert [
        (one["rule"], one["subject_reference"], one["evidence_hash"]) for one in await findings(engine)
    ] == by_change
