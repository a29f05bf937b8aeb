"""The own servers of a data folder for the while of one command, without portal and workers."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from deploy.account import server_account
from deploy.elasticsearch import Elasticsearch
from deploy.failure import Failure
from deploy.places import find_places
from deploy.ports import choose_port
from deploy.postgresql import PostgreSQL
from deploy.processes import Child, remember
from deploy.programs import install
from deploy.voice import Voice
from deploy.wish import ELASTICSEARCH_PORT, POSTGRESQL_PORT


@contextlib.contextmanager
def own_servers(data_folder: Path, *, database: bool, search: bool) -> Iterator[dict[str, str]]:
    """PostgreSQL and Elasticsearch of this folder, as `threegates up` runs them; the settings that lead to them.

    Raises Failure where a run holds the folder. Both end with the block.
    """
    if not database and not search:
        yield {}
        return
    account = server_account()
    places = find_places(data_folder, account)
    voice = Voice(places.log("alone"))
    children: list[tuple[PostgreSQL | Elasticsearch, Child]] = []
    given = {}
    with places.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"threegates runs in {places.data}.", remedy="End it first (Ctrl-C).") from None
        programs = install(account, voice.plain, fallback=places.data / "cache")
        try:
            if database:
                voice.say("正在启动 PostgreSQL", "PostgreSQL starts")
                port = choose_port(POSTGRESQL_PORT)
                postgresql = PostgreSQL(places.servers / "postgresql", programs.postgresql, port, account)
                postgresql.prepare()
                children.append((postgresql, postgresql.start(places.log("postgresql"))))
                _remember(places.processes, children)
                postgresql.wait_ready(children[-1][1], places.log("postgresql"))
                given["THREEGATES_DATABASE_URL"] = postgresql.url()
            if search:
                voice.say("正在启动 Elasticsearch", "Elasticsearch starts")
                port = choose_port(ELASTICSEARCH_PORT)
                elastic = Elasticsearch(
                    places.servers / "elasticsearch", programs.elasticsearch, programs.java, port, account
                )
                elastic.prepare()
                children.append((elastic, elastic.start(places.log("elasticsearch"))))
                _remember(places.processes, children)
                elastic.wait_ready(children[-1][1], places.log("elasticsearch"))
                given["THREEGATES_ELASTICSEARCH_URL"] = elastic.url
            yield given
        finally:
            for server, child in reversed(children):
                server.stop(child)
            _remember(places.processes, [])


def _remember(path: Path, children: list[tuple[PostgreSQL | Elasticsearch, Child]]) -> None:
    """For a later run that finds them left over after a hard stop."""
    remember(path, [child.running for _server, child in children])
