"""The way to Elasticsearch: one client a process, the threads its calls run in, and what its failures mean."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, ParamSpec, TypeVar

import orjson
from elastic_transport import JsonSerializer, TlsError
from elasticsearch import ApiError, AuthenticationException, AuthorizationException, Elasticsearch, TransportError
from sqlalchemy.ext.asyncio import AsyncEngine

from registry import database
from registry.errors import Unavailable
from registry.settings import Settings, settings

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

# A person waits for a search and takes the register's own look-up when it does not come.
SEARCH_SECONDS: Final = 5.0
BULK_SECONDS: Final = 60.0
BUSY: Final = frozenset({429, 502, 503, 504})


class _FastJson(JsonSerializer):
    """JSON by orjson, a third of the time for answers of some megabytes."""

    def loads(self, data: bytes) -> Any:
        return orjson.loads(data)

    def json_dumps(self, data: Any) -> bytes:
        return orjson.dumps(data, default=self.default)


class _FastCompatibleJson(_FastJson):
    mimetype = "application/vnd.elasticsearch+json"


@dataclass(frozen=True, slots=True)
class Servers:
    """What every task of this room works on: the register, its searchable copy, and the prefix of the indices."""

    database: AsyncEngine
    elasticsearch: Elasticsearch
    prefix: str


def make_client(given: Settings) -> Elasticsearch:
    """A client for the settings' address; certificates are verified, always."""
    if given.elasticsearch_url is None:
        raise Unavailable(
            "THREEGATES_ELASTICSEARCH_URL is not set.",
            remedy="`threegates up` runs an Elasticsearch by itself; or point the variable at one of version 9.",
        )
    tls: dict[str, Any] = {}
    if given.elasticsearch_url.startswith("https://"):
        tls["verify_certs"] = True
        if given.elasticsearch_ca_file is not None:
            tls["ca_certs"] = str(given.elasticsearch_ca_file)
    key = given.elasticsearch_api_key
    return Elasticsearch(
        given.elasticsearch_url,
        api_key=key.get_secret_value() if key else None,
        request_timeout=SEARCH_SECONDS,
        max_retries=0,
        # Two bulks, a handful of searches and the state page at once.
        connections_per_node=16,
        serializers={_FastJson.mimetype: _FastJson(), _FastCompatibleJson.mimetype: _FastCompatibleJson()},
        **tls,
    )


@lru_cache(maxsize=1)
def servers() -> Servers:
    """The servers that the settings of this process name."""
    return Servers(database.engine(), make_client(settings()), settings().index_prefix)


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=16, thread_name_prefix="elasticsearch")


async def ask(call: Callable[Arguments, Answer], /, *arguments: Arguments.args, **named: Arguments.kwargs) -> Answer:
    """Make one call of the client without holding up anybody else, and say in the project's words why it failed.

    The client with an event loop of its own needs aiohttp, which is no dependency; a thread waits as well.
    An answer with an error that no outage explains (400, 404, 409) is left to the caller.
    """
    loop = asyncio.get_running_loop()
    try:
        return await loop.run_in_executor(_threads(), partial(call, *arguments, **named))
    except (AuthenticationException, AuthorizationException) as error:
        raise Unavailable(
            f"Elasticsearch refuses this process ({error.status_code}).",
            remedy="Check THREEGATES_ELASTICSEARCH_API_KEY and the rights of its role on the indices.",
        ) from error
    except TlsError as error:
        raise Unavailable(
            "The certificate of Elasticsearch cannot be verified.",
            remedy="Name its certificate authority in THREEGATES_ELASTICSEARCH_CA_FILE.",
        ) from error
    except TransportError as error:
        raise Unavailable(
            "Elasticsearch does not answer.",
            remedy="See `threegates doctor`; start everything with `threegates up`.",
        ) from error
    except ApiError as error:
        if error.status_code not in BUSY:
            raise
        raise Unavailable(
            f"Elasticsearch is too busy or not ready ({error.status_code}).",
            remedy="Try again; see `threegates doctor`.",
        ) from error
