"""The commands search, verify and reindex, as somebody types them."""

import json
import os
from io import StringIO

import pytest
from rich.console import Console

from portal.commands.search import _audience, show
from registry.errors import BadInput
from search.client import Servers
from search.find import find
from search.index import index_changed
from search.mapping import alias
from search.queries import Search
from tests.command_line import threegates
from tests.search.world import World, connected, mark_all


@pytest.fixture
def environment(database_url: str, elasticsearch_url: str, index_prefix: str) -> dict[str, str]:
    """As in a terminal whose settings name the test's servers."""
    return os.environ | {
        "THREEGATES_DATABASE_URL": database_url,
        "THREEGATES_ELASTICSEARCH_URL": elasticsearch_url,
        "THREEGATES_INDEX_PREFIX": index_prefix,
        "PYTHONWARNINGS": "default",
    }


def typed(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    done = threegates(environment, *arguments)
    return done.returncode, done.stdout, done.stderr


async def test_the_commands(servers: Servers, environment: dict[str, str]) -> None:
    async with connected(servers.database) as connection:
        world = World(connection)
        owner = await world.enterprise("唐山甲示例[bold]钢铁有限公司")
        project = await world.project("示例炼钢项目", owner)
        loan = await world.record("loan", "丙示例", number="HT-1")
    await mark_all(servers.database)
    await index_changed(servers, visible=True)

    # Each start of the command costs seconds of imports: few are made.
    code, out, _ = typed(environment, "search", "HT-1", "--as", "finance", "--lane", "credit", "--json")
    assert (code, json.loads(out)["hits"][0]["id"]) == (0, loan)
    printed = Console(file=StringIO(), width=200)
    show(await find(Search("示例", filters={"kind": ("enterprise",)}), servers), printed)
    assert isinstance(printed.file, StringIO)
    assert "唐山甲示例[bold]钢铁有限公司" in printed.file.getvalue()
    assert "丙示例" not in printed.file.getvalue()

    servers.elasticsearch.delete(index=alias(servers.prefix, "projects"), id=str(project), refresh=True)
    code, out, _ = typed(environment, "verify", "--repair")
    assert code == 1
    assert f"projects: 缺 missing: {project}" in out
    await index_changed(servers)
    code, out, _ = typed(environment, "verify", "--json")
    assert (code, json.loads(out)["agrees"]) == (0, True)

    code, out, _ = typed(environment, "reindex", "--json")
    assert (code, json.loads(out)["documents"]["projects"]) == (0, 1)

    away = environment | {"THREEGATES_ELASTICSEARCH_URL": "http://127.0.0.1:9"}
    code, out, _ = typed(away, "search", "示例炼钢", "--json")
    assert (code, json.loads(out)["degraded"]) == (0, True)


def test_an_audience_is_one_of_three() -> None:
    with pytest.raises(BadInput, match="none of public, official and finance"):
        _audience("king")
