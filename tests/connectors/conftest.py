"""The shipped agencies against played ones, with limits that let a test end soon."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.agency import Agency, load_agencies
from connectors.declaration import Limits
from connectors.interpret import Row
from connectors.page import Page
from deploy.agencies import AGENCIES, Players, played

SHORT = Limits(
    connect_seconds=1,
    silence_seconds=0.6,
    page_seconds=1,
    attempts=3,
    first_wait_seconds=0.01,
    longest_wait_seconds=0.05,
    received_bytes=2**20,
    unpacked_bytes=2**21,
)
FIRST = datetime(2024, 3, 1, 8, tzinfo=UTC)


def record(position: int, act: str, **more: Any) -> dict[str, Any]:
    """A canonical record of an invented enterprise; consecutive positions are six hours apart."""
    hours = position * 6
    stamp = f"2024-{3 + hours // (24 * 28):02d}-{1 + hours // 24 % 28:02d}T{hours % 24:02d}:00:00+08:00"
    return {
        "source_key": f"K{position:04d}",
        "source_modified": stamp,
        "act": act,
        "acted_on": "2024-02-29",
        "project_name": f"示例甲钢铁有限公司第{position}期炼钢项目",
        "party_name": "示例甲钢铁有限公司",
        "region": "130202",
        "industry": "3120",
        "industry_edition": "2017",
        "details": {"demonstration": "synthetic"},
        "synthetic": True,
        **more,
    }


ACTS = {"land": "land_grant", "environment": "eia_approval", "finance": "loan"}


def records(agency: str, count: int) -> list[dict[str, Any]]:
    """So many records of one agency."""
    return [record(number, ACTS[agency]) for number in range(count)]


def short(agency: Agency, size: int = 20) -> Agency:
    """The agency with small pages and little patience."""
    return agency.model_copy(update={"limits": SHORT, "paging": agency.paging.model_copy(update={"size": size})})


@pytest.fixture
def agencies() -> dict[str, Agency]:
    """The shipped agencies, made impatient."""
    return {name: short(agency) for name, agency in load_agencies().items()}


@pytest.fixture(scope="session")
def servers() -> Iterator[Players]:
    """The servers of the three agencies; starting and ending them for every test would take most of the time."""
    with played({name: [] for name in ACTS}) as running:
        yield running


@pytest.fixture
def players(servers: Players, monkeypatch: pytest.MonkeyPatch) -> Players:
    """All three agencies, honest, with 130 records each: a month has 112, so finance has two files."""
    for name, server in servers.servers.items():
        server.feed = AGENCIES[name](records(name, 130))
    enter(servers, monkeypatch)
    return servers


def enter(running: Players, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment by which the agencies are found."""
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)


def rows_of(agency: Agency, pages: list[Page]) -> dict[str, Row]:
    """Interpreted rows by key."""
    return {
        key: agency.interpreter(entry, raw)
        for page in pages
        for key, entry, raw in zip(page.keys, page.entries, page.raws, strict=True)
    }


def keys_of(pages: list[Page]) -> list[str]:
    """All keys in order of arrival."""
    return [key for page in pages for key in page.keys]


Canonical = Mapping[str, Any]
