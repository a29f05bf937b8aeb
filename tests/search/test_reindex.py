"""Rebuilding beside, under writes, and never to less."""

import asyncio
import time

import pytest

from registry.database import transaction
from search import reindex as rebuilding
from search.client import Servers
from search.find import find
from search.generations import building, existing
from search.index import index_changed, refresh
from search.mapping import TARGETS, alias, index_body
from search.queries import Search
from search.reindex import NotSwapped, reindex
from search.verify import verify
from search.writing import Line
from tests.search.world import World, connected, mark, mark_all


async def tell(servers: Servers, projects: int) -> tuple[int, list[int]]:
    async with connected(servers.database) as connection:
        world = World(connection)
        owner = await world.enterprise("甲示例钢铁有限公司")
        made = [await world.project(f"示例{number}号项目", owner) for number in range(projects)]
    await mark_all(servers.database)
    await index_changed(servers, visible=True)
    return owner, made


async def in_use(servers: Servers) -> list[str]:
    """All indices under the prefix, in use or not."""
    return [name for target in TARGETS for name in await existing(servers, target)]


async def test_a_rebuild_serves_the_same_under_new_names(servers: Servers) -> None:
    await tell(servers, 5)
    before = await in_use(servers)
    said: list[str] = []
    done = await reindex(servers, progress=lambda phase, done, expected: said.append(phase))
    after = await in_use(servers)
    assert set(before).isdisjoint(after)
    assert len(after) == len(TARGETS)
    assert sorted(done.dropped) == sorted(before)
    assert done.documents == dict.fromkeys(TARGETS, 0) | {"projects": 5, "enterprises": 1}
    assert {"copy", "compare", "swap"} <= set(said)
    assert (await find(Search("示例3号"), servers)).total == 1
    assert all(one.agrees for one in await verify(servers))
    settings = servers.elasticsearch.indices.get_settings(index=after[0])[after[0]]["settings"]["index"]
    assert settings["refresh_interval"] == "1s"


async def test_a_rebuild_makes_what_was_never_there(servers: Servers) -> None:
    async with connected(servers.database) as connection:
        await World(connection).enterprise("甲示例")
    await reindex(servers)
    assert (await find(Search("甲示例"), servers)).total == 1


async def test_nothing_is_lost_and_no_search_fails_while_everything_changes(servers: Servers) -> None:
    owner, projects = await tell(servers, 120)
    going, searched, changed = True, 0, 0

    async def search() -> None:
        nonlocal searched
        while going:
            found = await find(Search("示例"), servers)
            assert not found.degraded
            assert found.total == 121
            searched += 1

    async def change(step: int = 0) -> None:
        nonlocal changed
        while going:
            step += 1
            some = projects[step % 6 :: 6]
            async with connected(servers.database) as connection:
                for project in some:
                    await World(connection).describe(
                        project, f"示例改{step}", owner, known=f"2021-01-01T00:00:00.{step:06}Z", sector="steel"
                    )
            await mark(servers.database, "project", *some)
            changed += len(some)

    async def index() -> None:
        while going:
            await index_changed(servers)

    others = [asyncio.create_task(work()) for work in (search, change, index)]
    until = time.monotonic() + 4
    rebuilds = 0
    while time.monotonic() < until or not rebuilds:
        try:
            await reindex(servers)
            rebuilds += 1
        except NotSwapped as error:
            # Far too much changed in the time of a comparison: then it says so, and what is in use stays in use.
            assert "still differ" in error.message
    going = False
    await asyncio.gather(*others)
    await index_changed(servers, visible=True)
    assert all(one.agrees and not one.waiting for one in await verify(servers))
    assert searched > 10
    assert changed > 100


async def test_an_interrupted_rebuild_leaves_nothing_in_use_and_is_cleaned_up(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(servers, 3)
    before = await in_use(servers)
    # As a killed process leaves it: an index under the next name, half full, that nobody uses.
    servers.elasticsearch.indices.create(index=f"{servers.prefix}-projects-v1-000099", **index_body(building=True))
    servers.elasticsearch.index(index=f"{servers.prefix}-projects-v1-000099", id="1", document={"title": "示例半个"})
    assert (await find(Search("示例半个"), servers)).approximate

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(rebuilding, "_swap", fail)
        with pytest.raises(RuntimeError):
            await reindex(servers)
    assert sorted(await in_use(servers)) == sorted(before)
    await reindex(servers)
    assert len(await in_use(servers)) == len(TARGETS)


async def test_never_to_less(servers: Servers) -> None:
    await tell(servers, 30)
    before = await in_use(servers)
    async with connected(servers.database) as connection:
        await connection.execute("UPDATE project_versions SET known_to = now() WHERE project_id % 3 = 0")
    with pytest.raises(NotSwapped, match="has 20 documents"):
        await reindex(servers)
    assert sorted(await in_use(servers)) == sorted(before)
    await reindex(servers, accept_fewer=True)
    await refresh(servers)
    assert (await find(Search("示例", filters={"kind": ("project",)}), servers)).total == 20


async def test_an_index_that_does_not_keep_what_it_is_given_is_not_swapped_in(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(servers, 3)
    before = await in_use(servers)
    encoded = Line.encoded
    monkeypatch.setattr(Line, "encoded", lambda line: encoded(line).replace("示例1号".encode(), "示例9号".encode()))
    with pytest.raises(NotSwapped, match="1 documents differ from what was written"):
        await reindex(servers)
    assert sorted(await in_use(servers)) == sorted(before)


async def test_two_rebuilds_wait_for_each_other(servers: Servers) -> None:
    await tell(servers, 3)
    async with building(servers):
        second = asyncio.create_task(reindex(servers))
        await asyncio.wait([second], timeout=0.3)
        assert not second.done()
    await second
    await asyncio.gather(reindex(servers), reindex(servers))
    assert all(one.agrees for one in await verify(servers))
    for target in TARGETS:
        assert len(servers.elasticsearch.indices.get_alias(name=alias(servers.prefix, target))) == 1


async def test_the_lock_ends_with_its_transaction(servers: Servers) -> None:
    with pytest.raises(ZeroDivisionError):
        async with building(servers):
            raise ZeroDivisionError
    async with asyncio.timeout(5), building(servers), transaction(servers.database):
        pass
