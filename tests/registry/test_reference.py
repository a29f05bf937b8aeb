"""Reference data: successions derived and hand-made, what contains what, loading twice, industries and agencies."""

from datetime import date
from itertools import pairwise

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.database import transaction
from registry.reference.loading import load_reference
from registry.reference.regions import level, periods, read, stem, successions, within
from registry.region_matching import regions_match

PERIODS = periods()
SUCCESSIONS = successions(PERIODS)
WITHIN = within(PERIODS, SUCCESSIONS)


def test_placeholders_are_no_regions() -> None:
    assert not {"市辖区", "县", "省直辖县级行政区划"} & {period.name for period in PERIODS}


def test_a_renamed_code_has_two_periods_that_touch() -> None:
    first, second = (period for period in PERIODS if period.code == "420600")
    assert (first.name, second.name, second.held_to) == ("襄樊市", "襄阳市", None)
    assert first.held_to is not None
    assert (second.held_from - first.held_to).days == 1


def test_no_code_has_two_periods_at_once() -> None:
    for one, other in pairwise(PERIODS):
        if one.code == other.code:
            assert one.held_to is not None
            assert one.held_to < other.held_from, (one, other)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("371203", "370117"),  # 钢城区, hand-made
        ("130230", "130209"),  # 唐海县 -> 曹妃甸区, hand-made
        ("110228", "110118"),  # 密云县 -> 密云区, by name
        ("522228", "520627"),  # 沿河土家族自治县, by name across cities
    ],
)
def test_successions(old: str, new: str) -> None:
    assert (old, new) in {(one.old, one.new) for one in SUCCESSIONS}


def test_hand_made_codes_exist() -> None:
    codes = {period.code for period in PERIODS}
    for row in read("region_successions.csv"):
        assert {row["old_code"], row["new_code"]} <= codes, row


def test_stems() -> None:
    assert stem("密云县") == stem("密云区") == "密云"
    assert stem("青龙满族自治县") == stem("青龙县")
    assert stem("郊区") == "郊区"


def test_containment_follows_successions() -> None:
    assert {("370000", "371203"), ("370100", "371203"), ("371200", "370117"), ("130200", "130230")} <= WITHIN
    # 巢湖市 was divided among three cities; 唐海县 had an older code before
    assert {("340200", "341400"), ("340500", "341400"), ("130209", "132730")} <= WITHIN
    assert ("110102", "110103") not in WITHIN
    # 庐江县 of the former 巢湖 went to 合肥 and not to 芜湖 with others
    assert ("340100", "341421") in WITHIN
    assert ("340200", "341421") not in WITHIN
    assert ("130300", "130230") not in WITHIN


async def test_loading_again_changes_nothing(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await load_reference(connection)
    async with engine.begin() as connection:
        assert await load_reference(connection) is False
        counts = [
            await connection.scalar(text(f"SELECT count(*) FROM {table}"))
            for table in ("regions", "region_within", "industries", "agencies", "agency_successions")
        ]
        await connection.execute(text("DELETE FROM register_facts WHERE name = 'reference_digest'"))
        assert await load_reference(connection) is True
        assert await connection.scalar(text("SELECT count(*) FROM regions")) == counts[0]
    assert counts[0] > 7000
    assert counts[3:] == [31, 11]


async def test_regions_match_in_the_database(engine: AsyncEngine) -> None:
    async with transaction(engine) as session:
        for one, other, expected in (
            ("130200", "130209", True),
            ("130209", "130000", True),
            ("371203", "370117", True),
            ("130299", "130200", True),  # no such county, but in 唐山 by its digits
            ("130200", "130300", False),
            ("130209", "130230", True),
        ):
            assert await regions_match(session, one, other) is expected, (one, other)


async def test_industries_tell_the_sector(engine: AsyncEngine) -> None:
    codes = "'3130', '3140', '3216', '3737'"
    async with engine.connect() as connection:
        rows = await connection.execute(
            text(f"SELECT edition, code, sector, decides_sector FROM industries WHERE code IN ({codes})")
        )
    told = {(row.edition, row.code): (row.sector, row.decides_sector) for row in rows}
    assert told["2017", "3130"] == ("steel", True)
    assert told["2011", "3130"] == (None, True)
    assert told["2011", "3140"] == ("steel", True)
    assert told["2017", "3216"] == ("aluminium", False)
    assert told["2017", "3737"] == (None, True)


async def test_a_duty_goes_to_the_successor(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT successor_id, on_date FROM agency_successions WHERE predecessor_id = 'mlr'")
        )
        row = rows.one()
    assert tuple(row) == ("mnr", date(2018, 3, 17))


def test_no_county_of_today_lies_in_two_cities_of_today() -> None:
    living = {period.code for period in PERIODS if period.held_to is None}
    cities: dict[str, set[str]] = {}
    for outer, inner in WITHIN:
        if {outer, inner} <= living and level(outer) == 2 and level(inner) == 3:
            cities.setdefault(inner, set()).add(outer)
    assert [inner for inner, outers in cities.items() if len(outers) > 1] == []
    assert len(cities) > 2000
