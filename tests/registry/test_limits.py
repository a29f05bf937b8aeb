"""Limits of equipment: every threshold of both documents with its bound, exceptions and deadline."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from shutil import copytree

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.database import transaction
from registry.errors import BadFile
from registry.law import reading
from registry.law.limits import limits_sql
from registry.law.reading import law, read_law

# RULES.md, Thresholds: class, size, bound, deadline. 以下 alone excludes the bound, 及以下 includes it.
SIZED = [
    ("coke_oven", "4.3", "below", "2010-12-31"),
    ("ferroalloy_furnace", "6300", "below", "2010-12-31"),
    ("carbide_furnace", "6300", "below", "2010-12-31"),
    ("blast_furnace", "400", "up_to", "2011-12-31"),
    ("converter", "30", "up_to", "2011-12-31"),
    ("electric_furnace", "30", "up_to", "2011-12-31"),
    ("aluminium_pot", "100", "up_to", "2011-12-31"),
    ("aluminium_pot", "160", "below", "2015-12-31"),
    ("zinc_vertical_retort", "8", "below", "2011-12-31"),
    ("straw_pulp_plant", "34000", "below", "2011-12-31"),
    ("chemical_pulp_line", "17000", "below", "2011-12-31"),
    ("waste_paper_line", "10000", "below", "2011-12-31"),
    ("alcohol_plant", "30000", "below", "2011-12-31"),
    ("msg_plant", "30000", "below", "2011-12-31"),
    ("leather_line", "30000", "below", "2011-12-31"),
    ("dyeing_pretreatment", "15", "above", "2011-12-31"),
    ("dyeing_intermittent", "10", "above", "2011-12-31"),
    ("viscose_line", "20000", "below", "2011-12-31"),
    ("polyester_winder", "900", "below", "2011-12-31"),
    ("shaft_kiln", "3.0", "below", "2012-12-31"),
    ("dry_hollow_kiln", "2.5", "below", "2012-12-31"),
    ("cement_mill", "3.0", "below", "2012-12-31"),
]
WHOLE = """
    copper_closed_blast_furnace copper_electric_furnace copper_reverberatory_furnace lead_sintering_pot
    lead_sintering_pan lead_simple_blast_furnace lead_sintering_machine zinc_muffle_furnace zinc_horse_trough_furnace
    zinc_horizontal_retort zinc_simple_condenser alcohol_backward_process citric_acid_plant dyeing_line_74
    printing_machine_backward hot_melt_dyeing_machine_backward stenter_backward setting_machine_backward
    dyeing_wasteful_equipment spinning_r531 spandex_wet_process spandex_dmf_process acrylic_dmf_process polyester_batch
    wet_kiln earth_kiln ordinary_shaft_kiln glass_flat_drawn glass_grid_process
"""


def test_every_threshold_of_both_documents_is_there_and_none_beside() -> None:
    found = [(one, one.values[-1]) for one in law().limits.values()]
    sized = [(one.class_, str(value.size), value.bound, str(value.deadline)) for one, value in found if value.size]
    assert sorted(sized) == sorted(SIZED)
    assert sorted(one.class_ for one, value in found if value.bound == "every") == sorted(WHOLE.split())
    # The nation's totals are targets and no limit of a unit.
    assert not {Decimal(50_000_000), Decimal(8_000), Decimal(15_000_000)} & {value.size for _, value in found}
    for one, value in found:
        assert re.search("[一-鿿]", one.title_zh) and re.fullmatch("[ -~]+", one.title_en)
        assert one.values[0].since == (date(2013, 10, 6) if one.id == "aluminium-pot-160" else date(2010, 2, 6))
        assert value.quote_zh and value.quote_en
        assert bool(one.unit) == (value.size is not None)
        if value.size is not None and value.bound != "above":
            # The number and its 以下 or 及以下 stand in the words that are quoted.
            number = f"{value.size.normalize():f}".removesuffix("0000")
            assert ("及以下" in value.quote_zh) >= (value.bound == "up_to"), (one.id, number)


def test_a_limit_says_nothing_before_its_document() -> None:
    furnace, pot = law().limits["blast-furnace-400"], law().limits["aluminium-pot-160"]
    assert furnace.on(date(2010, 2, 5)) is None
    assert furnace.on(date(2010, 2, 6)) == furnace.values[0]
    assert pot.on(date(2013, 10, 5)) is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("bound: below", "bound: about", "bound"),
        ("        size: 4.3\n", "", "every bound but `every` has a size"),
        ("4.3米以下的小机焦", "4.3米及以下的小机焦", "these words do not stand in g7-2-2-targets"),
        ("article: g7-2-2-targets", "article: g7-9", "there is no article"),
        ("2010-02-06:", "2010-02-05:", "binds from 2010-02-06 only"),
        ("    measure: {zh: 炭化室高度, en: Chamber height, unit: m}\n", "", "what is measured"),
        ("class: coke_oven", "class: coke_oven\n    colour: red", "colour: this field is unknown"),
    ],
)
def test_a_limit_that_is_not_right_is_refused_with_its_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    copytree(Path(reading.__file__).parent, tmp_path / "law")
    file = tmp_path / "law" / "equipment_limits" / "coke.yml"
    content = file.read_text(encoding="utf-8")
    assert old in content
    file.write_text(content.replace(old, new), encoding="utf-8")
    with pytest.raises(BadFile, match=r"coke\.yml, line \d+") as refused:
        read_law(tmp_path / "law")
    assert says in str(refused.value)


def test_a_region_may_set_a_stricter_limit_beside_the_national_one(tmp_path: Path) -> None:
    copytree(Path(reading.__file__).parent, tmp_path / "law")
    file = tmp_path / "law" / "equipment_limits" / "coke.yml"
    content = file.read_text(encoding="utf-8")
    value = content[content.index("      2010-02-06:") :]
    file.write_text(
        content + '    regions:\n      "140000":\n' + value.replace("      ", "        ").replace("4.3\n", "5.5\n", 1),
        encoding="utf-8",
    )
    limit = read_law(tmp_path / "law").limits["coke-oven-4.3"]
    assert [(code, values[0].size) for code, values in limit.regions] == [("140000", Decimal("5.5"))]
    assert limit.values[0].size == Decimal("4.3")


async def test_the_limits_are_a_fact_that_sql_can_join(engine: AsyncEngine) -> None:
    async with transaction(engine) as session:
        connection = await session.connection()
        rows = (await connection.execute(text(limits_sql(law().limits)))).mappings().all()
        none = (await connection.execute(text(limits_sql({})))).mappings().all()
    assert len(rows) == len(law().limits) == 51
    coke = next(dict(row) for row in rows if row["class"] == "coke_oven")
    assert (coke["size"], coke["bound"], coke["unit"]) == (Decimal("4.3"), "below", "m")
    assert (coke["spared_from"], "stamp_charged" in coke["spared"]) == (Decimal("3.2"), True)
    assert (coke["deadline"], coke["since"], coke["until"]) == (date(2010, 12, 31), date(2010, 2, 6), None)
    assert none == []
