"""The generations of the indices: which stand behind the aliases, and who may make new ones."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import text

from registry import dirty
from registry.database import transaction
from search.client import Servers, ask
from search.mapping import KIND_OF_TARGET, TARGETS, Kind, Target, alias, concrete, generations, index_body

_ALL_IDS: Final[dict[Kind, str]] = {
    "project": "SELECT id FROM projects",
    "enterprise": "SELECT id FROM enterprises",
    "record": "SELECT DISTINCT record_id AS id FROM records",
    "publication": "SELECT id FROM publications WHERE public_since IS NOT NULL",
    "suspected": "SELECT id FROM suspected_projects",
}


@asynccontextmanager
async def building(servers: Servers) -> AsyncIterator[None]:
    """Be the only one who makes generations under this prefix; others wait.

    The lock lives in a transaction of its own, on a connection that nobody else gets while it lasts (PITFALLS 7).
    Whoever loses the connection loses the lock too; then the swap fails, since it names the index it replaces.
    """
    async with transaction(servers.database) as session:
        await (await session.connection()).execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 9200))"), {"name": f"search {servers.prefix}"}
        )
        yield


async def aliased(servers: Servers) -> dict[Target, list[str]]:
    """The indices behind each alias, as Elasticsearch has them now."""
    names = {alias(servers.prefix, target): target for target in TARGETS}
    answer = await ask(
        servers.elasticsearch.indices.get_alias, index=[generations(servers.prefix, target) for target in TARGETS]
    )
    found: dict[Target, list[str]] = {target: [] for target in TARGETS}
    for index, about in answer.items():
        for name in about["aliases"]:
            if name in names:
                found[names[name]].append(index)
    return found


async def existing(servers: Servers, target: Target) -> list[str]:
    """All generations of a target's index, in use or not."""
    answer = await ask(
        servers.elasticsearch.indices.get, index=generations(servers.prefix, target), features=["aliases"]
    )
    return sorted(answer)


async def next_name(servers: Servers, target: Target) -> str:
    """A name for the next generation of a target's index."""
    endings = [name.rsplit("-", 1)[1] for name in await existing(servers, target)]
    serials = [int(ending) for ending in endings if ending.isdecimal()]
    return concrete(servers.prefix, target, max(serials, default=0) + 1)


async def ensure_indices(servers: Servers) -> list[Target]:
    """Make the indices that are missing, and mark everything that belongs in them: a lost index heals by itself.

    The marks come first: a process that dies in between leaves marks too many, never an index without its documents.
    """
    if all((await aliased(servers)).values()):
        return []
    async with building(servers):
        missing = [target for target, indices in (await aliased(servers)).items() if not indices]
        await mark_all(servers, {KIND_OF_TARGET[target] for target in missing})
        for target in missing:
            await ask(
                servers.elasticsearch.indices.create,
                index=await next_name(servers, target),
                aliases={alias(servers.prefix, target): {}},
                **index_body(),
            )
    return missing


async def mark_all(servers: Servers, kinds: Collection[Kind]) -> None:
    """Mark everything of these kinds for indexing."""
    async with transaction(servers.database) as session:
        for kind in sorted(kinds):
            await (await session.connection()).execute(
                text(
                    "INSERT INTO dirty_marks (purpose, kind, id) "
                    f"SELECT 'index', '{kind}', id FROM ({_ALL_IDS[kind]}) AS every ORDER BY id {dirty.MARK_AGAIN}"
                )
            )
