"""The land agency as tests ask it: shipped declaration, played server, small pages."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.agency import Agency, load_agencies
from deploy.agencies.play import Players, played
from jobs.sync import Outcome, Sync, sync_now
from registry.clock import now
from tests.faults import world


@pytest.fixture
def land_records() -> list[dict[str, Any]]:
    """Sixty canonical records."""
    return world.records("land", 60, 1)


@pytest.fixture
def players(land_records: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Players]:
    """The played land agency, which the environment names."""
    with played({"land": land_records}) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def land() -> Agency:
    """The shipped agency with ten records a page."""
    agency = load_agencies()["land"]
    return agency.model_copy(update={"paging": agency.paging.model_copy(update={"size": 10})})


async def pull(engine: AsyncEngine, agency: Agency, *, later: timedelta = timedelta(0), **options: Any) -> Outcome:
    """One sync; `later` sets the clock ahead."""
    full = bool(options.pop("full", False))

    def clock() -> datetime:
        return now() + later

    return await sync_now(Sync(engine, asyncio.Event(), now=clock, **options), agency, full=full)
