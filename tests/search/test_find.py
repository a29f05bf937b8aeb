"""Finding, as the public and as an official, on a real index."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest
import pytest_asyncio

from registry.database import transaction
from registry.errors import BadInput
from registry.reading import read_cursor, write_cursor
from registry.registering import Telling, correct_project
from registry.settings import Settings
from registry.viewers import Audience
from search.client import Servers, make_client
from search.find import DEEPEST, Found, find
from search.index import index_changed
from search.mapping import alias
from search.queries import HIT_BEGINS, HIT_ENDS, Search
from tests.search.world import World, connected, mark_all

OLD_CODE = "2014-130200-31-03-000001"
NEW_CODE = "2509-320193-89-01-544060"
USCC = "91130200MA00000017"
EIA_NUMBER = "冀环审〔2012〕238号"
SECRET_AMOUNT = "987654321.99"


@dataclass
class Told:
    """The ids of what the fixture told."""

    servers: Servers
    steel: int
    cement: int
    works: int
    kiln: int
    grant: int
    loan: int
    eia: int


@pytest_asyncio.fixture
async def told(servers: Servers) -> AsyncIterator[Told]:
    """Two invented enterprises, two projects, three records; the works are flagged in land and credit."""
    async with connected(servers.database) as connection:
        await connection.executemany(
            "INSERT INTO regions (code, held_from, name, level) VALUES ($1, '1980-01-01', $2, $3) "
            "ON CONFLICT DO NOTHING",
            [("130000", "河北省", 1), ("130200", "唐山市", 2), ("610000", "陕西省", 1), ("610100", "西安市", 2)],
        )
        world = World(connection)
        steel = await world.enterprise(
            "唐山甲示例钢铁有限公司",
            uscc=USCC,
            former=("丰南第二轧钢厂",),
            name_en="Tangshan Jia Example Steel Co., Ltd",
        )
        cement = await world.enterprise("西安乙示例水泥有限公司", region="610100")
        works = await world.project(
            "年产100万吨炼钢项目", steel, code=OLD_CODE, name_en="One Million Tonne Steelmaking Works"
        )
        kiln = await world.project(
            "日产2500吨<b>熟料</b>生产线", cement, code=NEW_CODE, sector="cement", region="610100", stage="construction"
        )
        grant = await world.record(
            "land_grant", "唐山甲示例钢铁有限公司", project=works, enterprise=steel, number="1302002013B00123"
        )
        eia = await world.record("eia_approval", "西安乙示例水泥有限公司", project=kiln, number=EIA_NUMBER)
        loan = await world.record(
            "loan",
            "唐山甲示例钢铁有限公司",
            project=works,
            enterprise=steel,
            number="HT-2014-0099",
            project_name="秘密炼钢贷款",
            project_name_normal="秘密炼钢贷款",
        )
        unlinked = await world.record("loan", "丙示例隐名投资公司", number="HT-2014-0100")
        await world.finding("land", "land-without-approval", project=works, enterprise=steel, record=grant)
        await world.finding("credit", "credit-without-formalities", project=works, enterprise=steel, record=loan)
        await world.finding("credit", "credit-without-formalities", record=unlinked)
    async with connected(servers.database) as connection:
        # A version with the amount: what a bank says of the loan.
        await World(connection).restate(
            loan,
            "loan",
            "唐山甲示例钢铁有限公司",
            feed="finance",
            known="2021-01-01T00:00:00Z",
            number="HT-2014-0099",
            project_name="秘密炼钢贷款",
            project_name_normal="秘密炼钢贷款",
            amount=Decimal(SECRET_AMOUNT),
        )
    await mark_all(servers.database)
    await index_changed(servers, visible=True)
    yield Told(servers, steel, cement, works, kiln, grant, loan, eia)


async def keys(told: Told, text: str, audience: Audience = "public", **filters: tuple[str, ...]) -> list[str]:
    found = await find(Search(text, audience, filters), told.servers)
    assert not found.degraded
    return [f"{hit.kind}:{hit.id}" for hit in found.hits]


async def test_found_by_whatever_people_know_of_it(told: Told) -> None:
    steel, works, kiln = f"enterprise:{told.steel}", f"project:{told.works}", f"project:{told.kiln}"
    for text, expected in {
        "唐山甲示例钢铁有限公司": steel,
        "甲示例": steel,
        "唐山甲 钢铁": steel,
        "唐山　甲示例鋼鐵": steel,  # full-width space, traditional
        "丰南第二轧钢厂": steel,  # former name
        "丰南第2轧钢": steel,
        "tangshan": steel,
        "TangShanJia": steel,
        "tangshan jia": steel,
        "tangsh": steel,
        "tsj": steel,
        "Tangshan Jia Example": steel,
        "example steel": steel,
        USCC: steel,
        USCC.lower(): steel,
        "年产100万吨炼钢项目": works,
        "炼钢": works,
        "唐山炼钢项目": works,  # the place is not in its name
        "Steelmaking": works,
        OLD_CODE: works,
        OLD_CODE.replace("-", ""): works,
        OLD_CODE.replace("-", " "): works,
        "2014-130200-31": works,
        NEW_CODE: kiln,
        NEW_CODE.replace("-", ""): kiln,
        "熟料": kiln,
        "xian": f"enterprise:{told.cement}",
        "西安市": f"enterprise:{told.cement}",
        EIA_NUMBER: f"record:{told.eia}",
        "冀环审[2012]238号": f"record:{told.eia}",
        "1302002013B00123": f"record:{told.grant}",
    }.items():
        assert (await keys(told, text))[:1] == [expected], text


async def test_precise_finds_come_alone_and_typing_errors_find_what_is_like_it(told: Told) -> None:
    exact = await find(Search("唐山甲示例钢铁有限公司"), told.servers)
    assert not exact.approximate
    assert exact.hits[0].id == told.steel
    chinese = ("唐山甲示列钢铁有限公司", "塘山甲示例", "唐山假示例")
    for text in (*chinese, "tangshna", "Tangshan Exampel", "91130200MA00000071"):
        found = await find(Search(text), told.servers)
        assert found.approximate, text
        assert found.suggestions, text
        assert f"enterprise:{told.steel}" in [f"{hit.kind}:{hit.id}" for hit in found.hits], text
    nothing = await find(Search("完全没有这个东西"), told.servers)
    assert (nothing.total, nothing.hits) == (0, ())


async def test_an_empty_query_lists_what_is_flagged_first(told: Told) -> None:
    found = await find(Search(), told.servers)
    assert found.total == 6
    assert found.hits[0].id == told.works
    assert found.hits[0].fields["flags"] == 2


async def test_facets_count_what_choosing_would_find(told: Told) -> None:
    found = await find(Search(filters={"kind": ("project",), "sector": ("steel",)}), told.servers)
    assert [hit.id for hit in found.hits] == [told.works]
    counts = {name: {value.value: value.count for value in values} for name, values in found.facets.items()}
    assert counts["sector"] == {"steel": 1, "cement": 1}
    assert counts["kind"] == {"project": 1, "enterprise": 1, "record": 1}
    assert counts["province"] == {"130000": 1}
    assert counts["stage"] == {"operating": 1}
    assert counts["flagged"] == {"true": 1}
    assert counts["gate"] == {"land": 1, "credit": 1}
    assert counts["agency"] == {"land": 1}
    assert counts["invented"] == {"true": 1}
    assert [value.value for value in found.facets["sector"] if value.chosen] == ["steel"]
    for name, values in found.facets.items():
        for value in values:
            narrowed = Search(filters={"kind": ("project",), "sector": ("steel",)} | {name: (value.value,)})
            assert (await find(narrowed, told.servers)).total == value.count, (name, value)
    none = await find(Search(filters={"sector": ("glass",)}), told.servers)
    assert none.total == 0
    assert "glass" in [value.value for value in none.facets["sector"] if value.chosen]


async def test_the_public_never_sees_credit(told: Told) -> None:
    probes = [
        "秘密",
        "秘密炼钢贷款",
        "HT-2014-0099",
        "HT20140099",
        "HT*",
        "HT?2014",
        SECRET_AMOUNT,
        "987654321",
        "amount:987654321.99",
        "amount:*",
        "audience:credit",
        "_index:*credit*",
        "*",
        "*:*",
        "loan",
        "act:loan OR 1=1",
        '{"match_all":{}}',
        "_exists_:amount",
        "丙示例隐名投资公司",
        "隐名",
        "record:1) OR (kind:record",
        "/.*/",
        "",
    ]
    for text in probes:
        found = await find(Search(text), told.servers)
        assert not found.degraded
        said = orjson.dumps([[hit.fields, hit.found] for hit in found.hits]).decode()
        for secret in ("秘密炼钢", "HT-2014", "987654321", "隐名", '"amount"', '"loan"'):
            assert secret not in said, (text, secret)
        assert "loan" not in [value.value for value in found.facets.get("act", ())]
        assert "finance" not in [value.value for value in found.facets.get("agency", ())]
    assert await keys(told, "", act=("loan",)) == []
    assert await keys(told, "", agency=("finance",)) == []
    works = await find(Search(OLD_CODE), told.servers)
    assert works.hits[0].fields["flagged_lanes"] == ["credit", "land"]
    # Which enterprise borrowed is not said, though its project's gate is.
    steel = await find(Search(USCC, filters={"kind": ("enterprise",)}), told.servers)
    assert steel.hits[0].fields["flagged_lanes"] == ["land"]


async def test_finance_finds_credit(told: Told) -> None:
    assert await keys(told, "HT-2014-0099", "finance") == [f"record:{told.loan}"]
    assert (await keys(told, "隐名", "finance"))[0].startswith("record:")
    found = await find(Search("秘密", "finance"), told.servers)
    assert found.hits[0].fields["amount"] == SECRET_AMOUNT
    # Nobody finds by amount.
    assert await keys(told, SECRET_AMOUNT, "finance") == []


async def test_the_public_indices_hold_nothing_of_credit(told: Told) -> None:
    for target in ("projects", "enterprises", "records-public"):
        answer = told.servers.elasticsearch.search(index=alias(told.servers.prefix, target), size=100)
        said = orjson.dumps(answer["hits"]["hits"]).decode()
        for secret in ("秘密", "HT-2014", "987654321", "隐名", '"loan"'):
            assert secret not in said, (target, secret)


async def test_html_is_escaped_and_finds_are_marked(told: Told) -> None:
    hit = (await find(Search("熟料"), told.servers)).hits[0]
    assert hit.found["title"] == [f"日产2500吨<b>{HIT_BEGINS}熟料{HIT_ENDS}</b>生产线"]
    assert hit.html() == "日产2500吨&lt;b&gt;<mark>熟料</mark>&lt;/b&gt;生产线"
    assert "<b>" not in (await find(Search(NEW_CODE), told.servers)).hits[0].html()


async def test_pages_neither_repeat_nor_leave_out_while_the_index_changes(told: Told) -> None:
    async with connected(told.servers.database) as connection:
        world = World(connection)
        for number in range(25):
            await world.project(f"示例轧钢{number:02}号线", told.steel)
    await mark_all(told.servers.database)
    await index_changed(told.servers, visible=True)
    for text in ("轧钢", ""):
        search = Search(text, filters={"kind": ("project",)}, size=4)
        seen: list[int] = []
        found = await find(search, told.servers)
        total = found.total
        while True:
            seen += [hit.id for hit in found.hits]
            if found.next_cursor is None:
                break
            found = await find(replace(search, cursor=found.next_cursor), told.servers)
            if len(seen) == 8:
                # Somebody registers more while this reader reads on.
                async with connected(told.servers.database) as connection:
                    await World(connection).project(f"示例轧钢后来{text}线", told.steel)
                await mark_all(told.servers.database)
                await index_changed(told.servers, visible=True)
        assert len(seen) == len(set(seen)) == total, text


async def test_cursors_are_bounded_and_cannot_be_bent(told: Told) -> None:
    search = Search("", size=2)
    cursor = (await find(search, told.servers)).next_cursor
    assert cursor
    fingerprint, shown, approximate, after, point = read_cursor(cursor, 5)
    credit = told.servers.elasticsearch.open_point_in_time(
        index=alias(told.servers.prefix, "records-credit"), keep_alive="1m"
    )["id"]
    # Somebody who got hold of a point in time over credit reads nothing with it.
    bent = await find(
        replace(search, cursor=write_cursor(fingerprint, shown, approximate, [9, "", ""], credit)), told.servers
    )
    assert bent.hits == ()
    for wrong in (
        "rubbish",
        write_cursor("other", shown, approximate, after, point),
        write_cursor(fingerprint, DEEPEST + 1, approximate, after, point),
        write_cursor(fingerprint, -1, approximate, after, point),
        write_cursor(fingerprint, shown, approximate, [{"a": 1}, "", ""], point),
        write_cursor(fingerprint, shown, approximate, ["x", "y", "z"], point),
        write_cursor(fingerprint, shown, approximate, [1], point),
        write_cursor(fingerprint, shown, approximate, after, 7),
    ):
        with pytest.raises(BadInput):
            await find(replace(search, cursor=wrong), told.servers)
    # A point in time that is gone is opened anew at the same place.
    gone = write_cursor(fingerprint, shown, approximate, after, "AAAA")
    assert (await find(replace(search, cursor=gone), told.servers)).hits
    with pytest.raises(BadInput):
        await find(replace(search, text="else", cursor=cursor), told.servers)
    with pytest.raises(BadInput):
        Search(size=101)
    with pytest.raises(BadInput):
        Search(filters={"amount": ("1",)})


async def test_depth_is_bounded(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.find.DEEPEST", 3)
    found: Found = await find(Search(size=2), told.servers)
    found = await find(Search(size=2, cursor=found.next_cursor), told.servers)
    assert found.cut
    assert found.next_cursor is None


async def test_without_elasticsearch_codes_and_names_are_looked_up(told: Told) -> None:
    away = replace(told.servers, elasticsearch=make_client(Settings(elasticsearch_url="http://127.0.0.1:9")))
    for text, expected in {
        OLD_CODE: told.works,
        NEW_CODE.replace("-", ""): told.kiln,
        USCC: told.steel,
        "唐山甲示例鋼鐵": told.steel,
        "丰南第二": told.steel,
        "炼钢项目": told.works,
    }.items():
        found = await find(Search(text), away)
        assert found.degraded
        assert found.hits[0].id == expected, text
    for nothing in ("%", "_", "", "隐名", "HT-2014-0099"):
        assert (await find(Search(nothing), away)).hits == ()
    assert (await find(Search("唐山", filters={"kind": ("project",)}), away)).hits == ()
    away.elasticsearch.close()


async def test_without_elasticsearch_names_that_were_corrected_since_are_found_after_those_of_now(told: Told) -> None:
    async with transaction(told.servers.database) as session:
        telling = Telling("tester", datetime(2024, 1, 1, tzinfo=UTC), "the paper says otherwise")
        assert await correct_project(session, told.works, {"name": "年产100万吨转炉项目"}, telling)
        assert await correct_project(session, told.kiln, {"name": "炼钢项目附属石灰窑"}, telling)
    away = replace(told.servers, elasticsearch=make_client(Settings(elasticsearch_url="http://127.0.0.1:9")))
    found = await find(Search("炼钢项目", filters={"kind": ("project",)}), away)
    assert [hit.id for hit in found.hits] == [told.kiln, told.works]
    assert found.hits[1].title == "年产100万吨转炉项目"
    assert [hit.id for hit in (await find(Search("年产100万吨炼钢项目"), away)).hits] == [told.works]
    away.elasticsearch.close()


async def test_an_index_never_built_is_as_good_as_away(servers: Servers) -> None:
    assert (await find(Search("唐山"), servers)).degraded
