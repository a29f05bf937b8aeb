"""Search rights are indices: what each audience's requests name, and of credit each finds its region's or bank's."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest
import pytest_asyncio

from search.client import Servers
from search.find import find
from search.index import index_changed
from search.mapping import TARGETS, TARGETS_OF_AUDIENCE, alias
from search.queries import Search
from tests.search.world import World, connected, mark_all

LOANS = {
    "HT-JIA-130200": ("示例甲银行", "130200", Decimal("7341200053")),
    "HT-YI-130200": ("示例乙银行", "130200", Decimal("7341210053")),
    "HT-JIA-320500": ("示例甲银行", "320500", Decimal("7341220053")),
}


@pytest_asyncio.fixture
async def lent(servers: Servers) -> AsyncIterator[Servers]:
    """Loans of two banks in two provinces, and a grant of land."""
    async with connected(servers.database) as connection:
        world = World(connection)
        owner = await world.enterprise("示例甲钢铁有限公司")
        works = await world.project("示例炼钢项目", owner, code="2014-130200-31-03-000001")
        await world.record("land_grant", "示例甲钢铁有限公司", project=works, enterprise=owner, number="地1")
        for number, (lender, region, amount) in LOANS.items():
            await world.record(
                "loan", "示例甲钢铁有限公司", project=works, enterprise=owner, number=number,
                authority=lender, region=region, amount=amount,
            )  # fmt: skip
    await mark_all(servers.database)
    await index_changed(servers, visible=True)
    yield servers


def _watch(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every request that goes to the server from now on, as it is, path and body."""
    asked: list[str] = []
    send = servers.elasticsearch.transport.perform_request

    def sending(method: str, target: str, **more: Any) -> Any:
        asked.append(f"{method} {target} {orjson.dumps(more.get('body'), default=str).decode()}")
        return send(method, target, **more)

    monkeypatch.setattr(servers.elasticsearch.transport, "perform_request", sending)
    return asked


async def test_a_search_names_the_indices_of_its_audience_and_no_other(
    lent: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {alias(lent.prefix, target) for target in TARGETS}
    asked = _watch(lent, monkeypatch)
    for audience in TARGETS_OF_AUDIENCE:
        allowed = {alias(lent.prefix, target) for target in TARGETS_OF_AUDIENCE[audience]}
        asked.clear()
        for text in ("示例", "HT-JIA-130200", "shili", "*", "nothing like it"):
            page = await find(Search(text, audience, size=1), lent)
            while page.next_cursor:
                page = await find(Search(text, audience, size=1, cursor=page.next_cursor), lent)
        assert len(asked) > 10
        for one in asked:
            named = {name for name in known if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", one)}
            assert named <= allowed, one
            path = one.split(" ")[1].split("?")[0]
            # Nothing is asked of all indices: without a name, only of a point in time, and then held to the names.
            assert any(name in path for name in allowed) or path in ("/_search", "/_pit"), one
            if path == "/_search":
                assert '"_index"' in one and named, one
            assert "*" not in path and "_all" not in path
        assert ("records-credit" in "".join(asked)) is (audience in ("bank", "finance"))


async def test_hits_counts_and_facets_hold_only_the_credit_that_is_theirs(lent: Servers) -> None:
    for search, seen in (
        (Search("", "public"), []),
        (Search("", "official"), []),
        (Search("", "finance"), list(LOANS)),
        (Search("", "finance", credit_regions=("130000", "130200")), ["HT-JIA-130200", "HT-YI-130200"]),
        (Search("", "finance", credit_regions=()), []),
        (Search("", "bank", credit_lenders=("示例甲银行",)), ["HT-JIA-130200", "HT-JIA-320500"]),
        (Search("", "bank", credit_lenders=()), []),
    ):
        found = await find(search, lent)
        said = orjson.dumps([[hit.fields, hit.found] for hit in found.hits], default=str).decode()
        for number, (_lender, _region, amount) in LOANS.items():
            assert (number in said) is (number in seen)
            assert (str(amount) in said) is (number in seen)
        assert found.total == 3 + len(seen)  # the project, its owner and the grant of land are everybody's
        acts = {value.value: value.count for value in found.facets["act"]}
        assert acts.get("loan", 0) == len(seen)
        assert sum(value.count for value in found.facets["kind"] if value.value == "record") == 1 + len(seen)
        for number in LOANS:
            asked = await find(replace(search, text=number), lent)
            told = orjson.dumps([[hit.fields for hit in asked.hits], asked.suggestions], default=str).decode()
            assert (number in told) is (number in seen)
