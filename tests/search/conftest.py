"""The servers of one test: its own database and its own index prefix."""

from collections.abc import Iterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.settings import Settings
from search.client import Servers, make_client


@pytest.fixture
def servers(engine: AsyncEngine, elasticsearch_url: str, index_prefix: str) -> Iterator[Servers]:
    """A fresh register and an empty search server."""
    client = make_client(Settings(elasticsearch_url=elasticsearch_url))
    yield Servers(engine, client, index_prefix)
    client.close()
