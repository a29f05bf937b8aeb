"""Waiting for what others start: existing servers, the portal, the played agencies."""

import asyncio
import contextlib
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from deploy.failure import Failure
from deploy.postgresql import answers
from deploy.processes import bound_log
from deploy.reaching import SearchServer

EXISTING_SERVER_SECONDS = 60.0


def wait_until(ready: Callable[[], bool], seconds: float, stopping: threading.Event) -> bool:
    """Ask until it is so, for so many seconds; False when it was not."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline or stopping.is_set():
            return False
        time.sleep(0.1)
    return True


def size_of(log: Path) -> int:
    """Where a log ends by now: what is said later stands after it."""
    bound_log(log)
    return log.stat().st_size if log.exists() else 0


def says(log: Path, words: str, *, after: int) -> bool:
    """Whether a log holds these words after a place."""
    with contextlib.suppress(OSError), log.open("rb") as source:
        source.seek(after)
        return words.encode() in source.read()
    return False


def wait_for_database(url: str, stopping: threading.Event) -> None:
    """Wait for an existing PostgreSQL."""
    reason = ""

    def ready() -> bool:
        nonlocal reason
        try:
            return asyncio.run(answers(url))
        except asyncpg.InvalidAuthorizationSpecificationError:
            raise Failure(
                "The PostgreSQL of THREEGATES_DATABASE_URL refuses the user or the password.",
                remedy="Correct the variable; without it threegates runs a PostgreSQL of its own.",
            ) from None
        except asyncpg.InvalidCatalogNameError:
            raise Failure(
                "The PostgreSQL of THREEGATES_DATABASE_URL answers, but the database does not exist.",
                remedy="Create it: createdb --encoding=UTF8 --locale=C.UTF-8 --template=template0 NAME.",
            ) from None
        except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            reason = type(error).__name__
            return False

    if not wait_until(ready, EXISTING_SERVER_SECONDS, stopping):
        raise Failure(
            f"The PostgreSQL of THREEGATES_DATABASE_URL does not answer ({reason}).",
            remedy="Start it or correct the variable; without the variable threegates runs a PostgreSQL of its own.",
        )


def wait_for_search(server: SearchServer, stopping: threading.Event) -> None:
    """Wait for an existing Elasticsearch."""
    if not wait_until(server.is_healthy, EXISTING_SERVER_SECONDS, stopping):
        raise Failure(
            f"The Elasticsearch at {server.url} does not answer, refuses us or has lost shards.",
            remedy="`threegates doctor` says which; without THREEGATES_ELASTICSEARCH_URL threegates runs its own.",
        )


def page_answers(url: str) -> bool:
    """Whether something speaks HTTP there, whatever it says."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(url, timeout=2).close()
    except urllib.error.HTTPError as answer:
        answer.close()
        return True
    except (OSError, ValueError):
        return False
    return True


def read_agencies(path: Path) -> dict[str, str] | None:
    """The played agencies' addresses by environment variable, once they have written them."""
    try:
        addresses = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return {str(name): str(address) for name, address in addresses.items()} if isinstance(addresses, dict) else None


def ports_of(addresses: dict[str, str]) -> list[str]:
    """The ports in the played agencies' addresses, in the order in which they were written."""
    return [
        str(port) for name, address in addresses.items() if name.endswith("_URL") and (port := urlsplit(address).port)
    ]
