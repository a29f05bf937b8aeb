"""The commands search, verify and reindex, as somebody types them."""

import json
import os
import subprocess
import sys

import pytest

from portal.commands.search import _audience
from registry.errors import BadInput
from search.client import Servers
from search.index import index_changed
from search.mapping import alias
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
    command = [sys.executable, "-c", "from portal.commands import main; main()", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


async def test_the_commands(servers: Servers, environment: dict[str, str]) -> None:
    async with connected(servers.database) as connection:
        world = World(connection)
        owner = await world.enterprise("唐山甲示例[bold]钢铁有限公司")
        project = await world.project("示例炼钢项目", owner)
        loan = await world.record("loan", "丙示例", number="HT-1")
    await mark_all(servers.database)
    await index_changed(servers, visible=True)

    # Each start of the command costs seconds of imports: one for each way in, and one for what goes wrong.
    code, out, _ = typed(environment, "search", "HT-1", "--as", "official", "--lane", "credit", "--json")
    assert (code, json.loads(out)["hits"][0]["id"]) == (0, loan)
    code, out, _ = typed(
        environment | {"COLUMNS": "200"}, "search", "示例", "--kind", "enterprise", "--sector", "steel"
    )
    assert (code, "唐山甲示例[bold]钢铁有限公司" in out, "丙示例" in out) == (0, True, False)

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
    code, _, error = typed(away, "verify")
    assert (code, "Elasticsearch does not answer." in error, "Traceback" in error) == (1, True, False)
    code, out, _ = typed(away, "search", "示例炼钢", "--json")
    assert (code, json.loads(out)["degraded"]) == (0, True)


def test_an_audience_is_one_of_two() -> None:
    with pytest.raises(BadInput, match="neither public nor official"):
        _audience("king")
