"""Documents beyond projects, enterprises and records: publications, suspected projects, records with gate marks."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.database import transaction
from registry.publishing import press
from registry.publishing.drafting import correct, submit
from registry.settings import Settings
from registry.suspect_placing import open_suspected, place_record
from registry.suspect_summaries import summarise_suspects
from registry.viewers import Audience
from search.client import Servers, make_client
from search.find import Found, find
from search.index import index_changed
from search.mapping import TARGETS_OF_AUDIENCE, alias
from search.queries import Search
from search.reindex import reindex
from search.verify import verify
from tests.registry.test_publishing import HALT, acting, decide, drafted, people, tell
from tests.registry.worlds import at, keep, scenario, value
from tests.search.world import World, connected, mark

OFFICIALS: tuple[Audience, ...] = ("official", "finance")


async def ask(servers: Servers, text: str, audience: Audience = "public", **filters: str) -> Found:
    """What an audience finds now, without waiting for the worker."""
    await index_changed(servers, visible=True)
    found = await find(Search(text, audience, {name: (one,) for name, one in filters.items()}), servers)
    assert not found.degraded
    return found


def keys(found: Found) -> list[str]:
    """What was found precisely."""
    return [] if found.approximate else [f"{hit.kind}:{hit.id}" for hit in found.hits]


async def test_a_publication_is_found_while_it_is_public_and_as_it_is_public(servers: Servers) -> None:
    engine: AsyncEngine = servers.database
    await keep(engine, scenario([]))
    await tell(engine, at(0), HALT)
    drafter, first, second, third = await people(engine)
    number = await drafted(engine, drafter)
    asked: dict[str, Any] = {"kind": "publication"}
    index = alias(servers.prefix, "publications")
    assert keys(await ask(servers, "停建", **asked)) == []
    await decide(engine, first, at(3))
    # Approved by one of two, and nothing of it has ever reached the index.
    assert keys(await ask(servers, "", "finance", **asked)) == []
    assert not servers.elasticsearch.count(index=index)["count"]
    await decide(engine, second, at(4))
    reference = await value(engine, "SELECT reference FROM publications")
    names = ("处理结果：停建", "示例甲钢铁有限公司", "Decision construction halted", "tingjian")
    for text in (*names, reference, HALT["number"]):
        found = await ask(servers, text, **asked)
        assert keys(found) == [f"publication:{number}"], text
    fields = found.hits[0].fields
    assert (fields["publication_kind"], fields["publication_state"]) == ("disposition", "displayed")
    assert fields["title_en"].startswith("Decision on ") and fields["acted_on"] == at(4).date().isoformat()
    counts = {name: {one.value: one.count for one in values} for name, values in found.facets.items()}
    assert counts["kind"]["publication"] == counts["publication_kind"]["disposition"] == 1
    later = at(1) + timedelta(days=40)
    async with transaction(engine) as session:
        await press.publish_due(session, later)
    assert (await ask(servers, "停建", publication_state="published")).total == 1
    # A correction takes its place at the moment it is public, and not before.
    await tell(engine, later, {**HALT, "kind": "concealed"})
    async with acting(engine, drafter) as session:
        await correct(session, drafter, number, "", "决定类型有误。", later)
        await submit(session, drafter, number, 1, later)
    await decide(engine, first, later)
    assert keys(await ask(servers, "隐瞒不报", **asked)) == []
    assert await decide(engine, second, later) == "displayed"
    # It accuses of something else: what is in force stays until its own period is over.
    assert keys(await ask(servers, "隐瞒不报", **asked)) == []
    async with transaction(engine) as session:
        assert await press.publish_due(session, later + timedelta(days=40))
    assert keys(await ask(servers, "隐瞒不报", **asked)) == [f"publication:{number}"]
    assert keys(await ask(servers, "处理结果：停建", **asked)) == []
    away = replace(servers, elasticsearch=make_client(Settings(elasticsearch_url="http://127.0.0.1:9")))
    for text in (reference, "隐瞒不报"):
        looked_up = await find(Search(text, filters={"kind": ("publication",)}), away)
        assert looked_up.degraded and keys(looked_up) == [f"publication:{number}"]
    assert all(one.agrees and not one.waiting for one in await verify(servers))
    assert (await reindex(servers)).documents["publications"] == 1
    # Withdrawn it is nowhere any more.
    async with acting(engine, drafter) as session:
        await press.ask_withdrawal(session, drafter, number, "原决定已撤销。", later)
    await decide(engine, third, later)
    assert keys(await ask(servers, "", **asked)) == []
    left = servers.elasticsearch.search(index=index)["hits"]["hits"]
    assert "示例" not in orjson.dumps(left).decode() and all(one["_source"]["deleted"] for one in left)
    assert (await find(Search(reference), away)).hits == ()
    away.elasticsearch.close()
    assert all(one.agrees and not one.waiting for one in await verify(servers))


async def test_suspected_projects_are_for_officials_and_show_nothing_of_credit(servers: Servers) -> None:
    async with connected(servers.database) as connection:
        await connection.executemany(
            "INSERT INTO regions (code, held_from, name, level) VALUES ($1, '1980-01-01', $2, $3) "
            "ON CONFLICT DO NOTHING",
            [("130000", "河北省", 1), ("130200", "唐山市", 2)],
        )
        world = World(connection)
        capacity = '[{"product": "crude_steel", "amount": 800000, "unit": "t/a"}]'
        name: dict[str, Any] = {"project_name": "年产80万吨转炉项目", "project_name_normal": "年产80万吨转炉项目"}
        grant = await world.record("land_grant", "示例甲钢铁有限公司", number="唐国土让〔2014〕9号", **name)
        report = await world.record("eia_approval", "示例甲钢铁厂", address="示例路8号", stated_capacity=capacity)
        lent = await world.record("loan", "示例借款人甲", number="HT-1", region="320500")
        alone = await world.record("loan", "示例借款人乙", number="HT-2")
    async with transaction(servers.database) as session:
        mixed = await open_suspected(session, "steel", "tester", "test", at(1))
        credit = await open_suspected(session, "cement", "tester", "test", at(1))
        for record in (grant, report, lent):
            await place_record(session, record, mixed, "tester", {}, at(2))
        await place_record(session, alone, credit, "tester", {}, at(2))
    for text in ("80万吨转炉", "示例甲钢铁厂", "唐山市", "示例路8号", "粗钢", "crude steel", "唐国土让〔2014〕9号"):
        for audience in OFFICIALS:
            assert f"suspected:{mixed}" in keys(await ask(servers, text, audience, kind="suspected")), text
    shown = await ask(servers, "", "official", product="crude_steel", lane="environment", suspected_state="open")
    assert keys(shown) == [f"suspected:{mixed}"]
    assert shown.hits[0].fields["lanes"] == ["environment", "land"]
    for hidden in ("示例借款人甲", "HT-1"):
        assert keys(await ask(servers, hidden, "finance", kind="suspected")) == []
    assert keys(await ask(servers, "示例借款人乙", "finance", kind="suspected")) == [f"suspected:{credit}"]
    far = Search("示例借款人乙", "finance", {"kind": ("suspected",)}, credit_regions=("320500",))
    assert (await find(far, servers)).total == 0
    others: tuple[Audience, ...] = ("public", "bank")
    for audience in others:
        assert not {"suspected", "suspected-credit"} & {*TARGETS_OF_AUDIENCE[audience]}
        assert keys(await ask(servers, "", audience, kind="suspected")) == []
    assert keys(await ask(servers, "示例借款人乙", "official", kind="suspected")) == []
    # A record that turns out to be of credit takes its words along, out of the index of all officials.
    async with connected(servers.database) as connection:
        world = World(connection)
        for record in (grant, report):
            await world.restate(record, "loan", "示例甲钢铁有限公司", feed="land", known="2021-01-01T00:00:00Z")
    await mark(servers.database, "record", grant, report)
    async with transaction(servers.database) as session:
        await summarise_suspects(session, [mixed], at(3))
    await ask(servers, "")
    held = servers.elasticsearch.get(index=alias(servers.prefix, "suspected"), id=str(mixed))["_source"]
    assert held == {"kind": "suspected", "id": mixed, "key": f"suspected:{mixed}", "deleted": True}
    assert f"suspected:{mixed}" in keys(await ask(servers, "示例甲钢铁有限公司", "finance", kind="suspected"))
    assert all(one.agrees and not one.waiting for one in await verify(servers))


async def test_records_are_filtered_by_their_gate_marks_by_who_may_know_of_them(servers: Servers) -> None:
    async with connected(servers.database) as connection:
        world = World(connection)
        owner = await world.enterprise("示例甲钢铁有限公司")
        works = await world.project("示例炼钢项目", owner)
        grant = await world.record("land_grant", "示例甲钢铁有限公司", project=works, number="地1")
        other = await world.record("land_grant", "示例甲钢铁有限公司", project=works, number="地2")
        loan = await world.record("loan", "示例甲钢铁有限公司", project=works, number="贷1", authority="示例甲银行")
        for record, said in ((grant, "against"), (loan, "without")):
            await connection.execute(
                "INSERT INTO gate_marks (record_id, project_id, mark, known_from) VALUES ($1, $2, $3, now())",
                record, works, said,
            )  # fmt: skip
    await mark(servers.database, "record", grant, other, loan)
    # One hit a record, marked or not; and the facet counts what choosing would find.
    both = [f"record:{grant}", f"record:{other}"]
    assert sorted(keys(await ask(servers, "示例甲", "official", kind="record"))) == both
    found = await ask(servers, "", "official", mark="against")
    assert keys(found) == [f"record:{grant}"] and found.hits[0].fields["marks"] == ["against"]
    assert {one.value: one.count for one in found.facets["mark"]} == {"against": 1}
    assert {one.value: one.count for one in found.facets["kind"]} == {"record": 1}
    whole = await ask(servers, "", "finance")
    assert {one.value: one.count for one in whole.facets["mark"]} == {"against": 1, "without": 1}
    assert keys(await ask(servers, "", "finance", mark="without", lane="credit")) == [f"record:{loan}"]
    for lenders, seen in (((), 0), (("示例甲银行",), 1)):
        bank = Search("", "bank", {"mark": ("without",)}, credit_lenders=lenders)
        assert (await find(bank, servers)).total == seen
    public = await ask(servers, "")
    assert not public.facets["mark"] and all("marks" not in hit.fields for hit in public.hits)
    assert keys(await ask(servers, "", mark="against")) == []
    # Asked after all, the mark goes, and with it the record from among the marked.
    async with connected(servers.database) as connection:
        await connection.execute("UPDATE gate_marks SET known_to = now() WHERE record_id = $1", grant)
    await mark(servers.database, "record", grant)
    assert keys(await ask(servers, "", "official", mark="against")) == []
    assert f"record:{grant}" in keys(await ask(servers, "", "official", kind="record"))
    assert all(one.agrees and not one.waiting for one in await verify(servers))
