"""Bringing the index up to the register, on real servers."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from elasticsearch import NotFoundError

from registry import dirty
from registry.database import transaction
from registry.errors import Unavailable
from registry.settings import Settings
from search import index as indexing
from search.client import Servers, make_client
from search.index import index_changed
from search.mapping import alias
from search.verify import verify
from search.writing import BESIDE_OTHERS_BYTES, Line, portions, send_portion
from tests.search.world import World, connected, mark, mark_all


async def tell(servers: Servers, projects: int = 1) -> tuple[int, list[int]]:
    """An invented enterprise with projects, marked; returns their ids."""
    async with connected(servers.database) as connection:
        world = World(connection)
        owner = await world.enterprise("甲示例钢铁有限公司")
        made = [await world.project(f"示例{number}号项目", owner) for number in range(projects)]
    await mark_all(servers.database)
    return owner, made


async def marks(servers: Servers) -> set[tuple[str, int]]:
    async with connected(servers.database) as connection:
        rows = await connection.fetch("SELECT kind, id FROM dirty_marks WHERE purpose = 'index'")
    return {(row["kind"], row["id"]) for row in rows}


def source(servers: Servers, target: Any, id_: int) -> dict[str, Any] | None:
    try:
        answer = servers.elasticsearch.get(index=alias(servers.prefix, target), id=str(id_))
    except NotFoundError:
        return None
    found: dict[str, Any] = answer["_source"]
    return found


async def test_marks_become_documents_and_go(servers: Servers) -> None:
    owner, (project,) = await tell(servers)
    done = await index_changed(servers)
    assert (done.claimed, done.settled, done.written, done.failed) == (2, 2, 2, 0)
    assert await marks(servers) == set()
    document = source(servers, "projects", project)
    assert document
    assert document["title"] == "示例0号项目"
    assert document["owner"] == "甲示例钢铁有限公司"
    assert source(servers, "enterprises", owner)
    assert (await index_changed(servers)).claimed == 0


async def test_a_mark_renewed_while_its_document_is_written_stays(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (project,) = await tell(servers)
    await index_changed(servers)
    await mark(servers.database, "project", project)
    written = indexing._write_claimed
    rounds = 0

    async def write_and_meanwhile_change(*arguments: Any, giving_way: bool) -> Any:
        nonlocal rounds
        rounds += 1
        account = await written(*arguments, giving_way=giving_way)
        if rounds == 1:
            await mark(servers.database, "project", project)
        else:
            assert await marks(servers) == {("project", project)}
        return account

    monkeypatch.setattr(indexing, "_write_claimed", write_and_meanwhile_change)
    done = await index_changed(servers)
    assert (rounds, done.claimed, done.settled) == (2, 2, 1)
    assert await marks(servers) == set()


async def test_what_follows_from_a_change_is_written_with_it(servers: Servers) -> None:
    owner, (project,) = await tell(servers)
    async with connected(servers.database) as connection:
        record = await World(connection).record("land_grant", "甲示例钢铁有限公司", project=project)
    await mark_all(servers.database)
    await index_changed(servers, visible=True)
    assert (source(servers, "records-public", record) or {})["sector"] == ["steel"]
    async with connected(servers.database) as connection:
        world = World(connection)
        await world.describe(project, "示例0号项目", owner, known="2021-01-01T00:00:00Z", sector="cement")
        await world.finding("land", "land-without-approval", project=project, enterprise=owner, record=record)
    # Whoever corrects a project marks the project; its owner and its records follow.
    await mark(servers.database, "project", project)
    await index_changed(servers, visible=True)
    assert (source(servers, "records-public", record) or {})["sector"] == ["cement"]
    assert (source(servers, "records-public", record) or {})["flagged"] is True
    assert (source(servers, "enterprises", owner) or {})["flagged_lanes"] == ["land"]
    async with connected(servers.database) as connection:
        await connection.execute("UPDATE enterprise_versions SET known_to = now() WHERE enterprise_id = $1", owner)
        await connection.execute(
            "INSERT INTO enterprise_versions (enterprise_id, name, name_normal, known_from) "
            "VALUES ($1, '乙示例钢铁有限公司', '乙示例钢铁有限公司', now())",
            owner,
        )
    await mark(servers.database, "enterprise", owner)
    await index_changed(servers, visible=True)
    assert (source(servers, "projects", project) or {})["owner"] == "乙示例钢铁有限公司"
    assert all(one.agrees for one in await verify(servers))


async def test_a_late_write_of_an_old_state_loses(servers: Servers) -> None:
    _, (project,) = await tell(servers)
    async with transaction(servers.database) as session:
        early = await indexing.next_version(session)
        stale = await indexing.lines_of(session, servers, "project", [project], early)
    async with connected(servers.database) as connection:
        await connection.execute("UPDATE project_versions SET known_to = now() WHERE project_id = $1", project)
    await mark(servers.database, "project", project)
    done = await index_changed(servers)
    assert done.deleted == 1
    account = await send_portion(servers, stale, aliases=True)
    assert (account.written, account.superseded) == (0, 1)
    assert source(servers, "projects", project) == {
        "kind": "project",
        "id": project,
        "key": f"project:{project}",
        "deleted": True,
    }
    assert all(one.agrees for one in await verify(servers))


async def test_a_record_that_turns_out_to_be_credit_leaves_the_public_index(servers: Servers) -> None:
    async with connected(servers.database) as connection:
        record = await World(connection).record("land_grant", "甲示例钢铁有限公司", number="A1")
        never_public = await World(connection).record("loan", "甲示例钢铁有限公司", number="A2")
    await mark(servers.database, "record", record, never_public)
    await index_changed(servers)
    assert source(servers, "records-public", never_public) is None
    async with connected(servers.database) as connection:
        await World(connection).restate(
            record, "loan", "甲示例钢铁有限公司", feed="land", known="2021-01-01T00:00:00Z", number="A1"
        )
    await mark(servers.database, "record", record)
    await index_changed(servers)
    assert (source(servers, "records-public", record) or {}).get("title") is None
    assert (source(servers, "records-credit", record) or {})["number"] == "A1"
    assert all(one.agrees for one in await verify(servers))


async def test_a_document_that_is_refused_harms_itself_alone_and_is_accounted_for(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, projects = await tell(servers, 5)
    bad = projects[2]
    encoded = Line.encoded

    def spoil(line: Line) -> bytes:
        good = encoded(line)
        return good.replace(b'"deleted":false', b'"no_such_field":1') if line.id == bad else good

    await index_changed(servers)
    await mark_all(servers.database)
    monkeypatch.setattr(Line, "encoded", spoil)
    monkeypatch.setattr(indexing, "CLAIM", 2)
    done = await index_changed(servers)
    # Project and enterprise of that id, and both again for their owner's sake.
    assert done.written >= 4
    assert done.failed >= 1
    assert "no_such_field" in done.problems[0]
    assert ("project", bad) in await marks(servers)
    monkeypatch.setattr(Line, "encoded", encoded)
    await index_changed(servers)
    assert await marks(servers) == set()
    assert all(one.agrees for one in await verify(servers))


async def test_nothing_is_settled_while_elasticsearch_is_away(servers: Servers) -> None:
    await tell(servers, 3)
    await index_changed(servers)
    await mark_all(servers.database)
    before = await marks(servers)
    away = replace(servers, elasticsearch=make_client(Settings(elasticsearch_url="http://127.0.0.1:9")))
    with pytest.raises(Unavailable, match="does not answer"):
        await index_changed(away)
    assert await marks(servers) == before
    await index_changed(servers)
    assert await marks(servers) == set()
    away.elasticsearch.close()


async def test_a_lost_index_heals_by_itself(servers: Servers) -> None:
    _, projects = await tell(servers, 3)
    await index_changed(servers)
    for index in servers.elasticsearch.indices.get_alias(name=alias(servers.prefix, "projects")):
        servers.elasticsearch.indices.delete(index=index)
    assert not all(one.agrees for one in await verify(servers))
    await index_changed(servers)
    assert source(servers, "projects", projects[0])
    assert all(one.agrees for one in await verify(servers))


async def test_many_writers_and_two_indexers_lose_nothing(servers: Servers) -> None:
    owner, projects = await tell(servers, 40)
    await index_changed(servers)
    writing = True

    async def write(offset: int) -> None:
        for step in range(6):
            async with connected(servers.database) as connection:
                for project in projects[offset::8]:
                    await World(connection).describe(
                        project,
                        f"示例{offset}改{step}",
                        owner,
                        known=f"2021-01-{offset + 1:02}T00:00:{step:02}Z",
                        sector="steel",
                    )
            await mark(servers.database, "project", *projects[offset::8])

    async def index() -> None:
        while writing:
            await index_changed(servers)

    indexers = [asyncio.create_task(index()) for _ in range(2)]
    await asyncio.gather(*(write(offset) for offset in range(8)))
    writing = False
    await asyncio.gather(*indexers)
    await index_changed(servers)
    assert await marks(servers) == set()
    assert all(one.agrees and not one.waiting for one in await verify(servers))


def test_portions_keep_indices_apart_and_bound_their_size() -> None:
    lines = [Line(f"i{number % 2}", number, 1, b"x" * 400_000) for number in range(20)]
    made = portions(lines)
    assert sorted(line.id for portion in made for line in portion) == list(range(20))
    assert all(len({line.index for line in portion}) == 1 for portion in made)
    assert max(len(portion) for portion in made) == 4
    # Of what nobody waits for, a little at a time.
    assert max(len(portion) for portion in portions(lines, BESIDE_OTHERS_BYTES)) == 1


async def test_writing_never_makes_an_index_out_of_an_alias(servers: Servers) -> None:
    account = await send_portion(servers, [Line(f"{servers.prefix}-projects", 1, 1, b"{}")], aliases=True)
    assert len(account.failed) == 1
    assert not servers.elasticsearch.indices.exists(index=f"{servers.prefix}-projects")


async def test_only_dirty_marks_are_claimed_for_indexing(servers: Servers) -> None:
    _, (project,) = await tell(servers)
    await index_changed(servers)
    async with transaction(servers.database) as session:
        await dirty.mark(session, "judge", "project", [project])
    assert (await index_changed(servers)).claimed == 0
