"""The proof that index and register agree finds what does not, and mends it."""

from search.client import Servers
from search.index import index_changed, refresh
from search.mapping import TARGETS, alias
from search.verify import Compared, repair, verify
from tests.search.world import World, connected, mark, mark_all


async def tell(servers: Servers, records: int = 30) -> list[int]:
    """Records of land and credit, indexed; returns the ids of the land records."""
    async with connected(servers.database) as connection:
        world = World(connection)
        owner = await world.enterprise('甲示例"钢铁\\公司\t\u2028😀', uscc=None)
        project = await world.project("示例<项目>\x7f\x1f", owner, longitude=118.1801926, latitude=39.6305)
        made = [await world.record("land_grant", f"示例{n}", project=project) for n in range(records)]
        await world.record("loan", "甲示例", project=project)
    await mark_all(servers.database)
    await index_changed(servers, visible=True)
    return made


def by_target(compared: list[Compared]) -> dict[str, Compared]:
    return {one.target: one for one in compared}


async def test_agreement_is_byte_for_byte(servers: Servers) -> None:
    await tell(servers)
    compared = await verify(servers)
    assert [one.target for one in compared] == list(TARGETS)
    assert all(one.agrees for one in compared)
    # Not one bucket differed: PostgreSQL's JSON and orjson's are the same bytes, odd characters included.
    assert [one.buckets for one in compared] == [0] * len(TARGETS)
    assert by_target(compared)["records-public"].registered == 30


async def test_a_tampered_a_missing_and_an_extra_document_are_found_and_mended(servers: Servers) -> None:
    tampered, missing, untouched, *_ = await tell(servers)
    client, index = servers.elasticsearch, alias(servers.prefix, "records-public")
    client.update(index=index, id=str(tampered), doc={"title": "改过"})
    client.delete(index=index, id=str(missing))
    client.index(index=index, id="999999", document={"kind": "record", "id": 999999, "audience": "public"})
    credit = client.search(index=alias(servers.prefix, "records-credit"))["hits"]["hits"][0]
    # A confidential document in the public index is the worst of all.
    client.index(index=index, id=credit["_id"], document=credit["_source"])
    found = by_target(await verify(servers))["records-public"]
    assert not found.agrees
    assert (found.changed, found.missing, found.extra) == ([tampered], [missing], sorted([999999, int(credit["_id"])]))
    assert found.as_json()["ids"]["changed"] == [tampered]
    assert untouched not in [*found.changed, *found.missing, *found.extra]

    assert await repair(servers, [found]) == 4
    await index_changed(servers, visible=True)
    assert all(one.agrees for one in await verify(servers))
    assert client.get(index=index, id="999999")["_source"]["deleted"] is True
    assert client.get(index=index, id=credit["_id"])["_source"].get("number") is None


async def test_what_a_mark_explains_is_waiting_and_no_difference(servers: Servers) -> None:
    await tell(servers)
    async with connected(servers.database) as connection:
        record = await World(connection).record("land_grant", "新来的示例")
    found = by_target(await verify(servers))["records-public"]
    assert (found.agrees, found.missing) == (False, [record])
    await mark(servers.database, "record", record)
    found = by_target(await verify(servers))["records-public"]
    assert (found.agrees, found.waiting) == (True, [record])


async def test_an_index_ahead_of_a_restored_register_is_mended(servers: Servers) -> None:
    tampered, *_ = await tell(servers)
    servers.elasticsearch.index(
        index=alias(servers.prefix, "records-public"),
        id=str(tampered),
        document={"kind": "record", "id": tampered, "title": "从前"},
        version=10**12,
        version_type="external",
    )
    await refresh(servers)
    found = await verify(servers)
    assert by_target(found)["records-public"].changed == [tampered]
    await repair(servers, found)
    await index_changed(servers, visible=True)
    assert all(one.agrees for one in await verify(servers))


async def test_indices_that_are_not_there_count_as_empty(servers: Servers) -> None:
    async with connected(servers.database) as connection:
        await World(connection).enterprise("甲示例")
    found = by_target(await verify(servers))["enterprises"]
    assert (found.registered, found.indexed, len(found.missing)) == (1, 0, 1)
