"""What a run is to start, and the addresses it has chosen for it."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from deploy.places import Places
from deploy.ports import LOOPBACK, choose_port
from deploy.postgresql import INTAKE, JOBS, PORTAL, PostgreSQL
from deploy.reaching import SearchServer
from deploy.voice import Voice

PORTAL_PORT = 8000
INTAKE_PORT = 8010
POSTGRESQL_PORT = 5432
ELASTICSEARCH_PORT = 9200


@dataclass(frozen=True)
class Wish:
    """What is to run; an address that is given is a server of somebody else: it is used and never started or ended."""

    data_folder: Path
    demo: bool = False
    database_url: str | None = None
    portal_database_url: str | None = None
    intake_database_url: str | None = None
    jobs_database_url: str | None = None
    search_server: SearchServer | None = None
    portal_port: int = PORTAL_PORT
    intake_port: int = INTAKE_PORT
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass(frozen=True)
class Addresses:
    """The ports of a run, fixed before anything starts, because the portal starts first and must know them all."""

    portal_port: int
    postgresql_port: int
    elasticsearch_port: int
    database_url: str
    # As the portal enters it: it owns nothing, and what the policies of rows withhold it cannot read.
    portal_database_url: str
    # As worker and scheduler enter it: they see every row, own nothing, and cannot change the audit.
    jobs_database_url: str
    search_server: SearchServer
    intake_port: int = INTAKE_PORT
    # As the public intake enters it: it adds reports and sees one thread at a time.
    intake_database_url: str = ""

    @property
    def intake(self) -> str:
        """Where the public reports."""
        return f"http://{LOOPBACK}:{self.intake_port}/"

    @property
    def portal(self) -> str:
        """Where the pages are."""
        return f"http://{LOOPBACK}:{self.portal_port}/"


def choose_addresses(wish: Wish, places: Places, left_over: set[str], voice: Voice) -> Addresses:
    """The ports of the run before where they are free (or held by a left-over server), else the usual or next ones."""
    before = _ports_before(places)
    portal = choose_port(wish.portal_port, before=before.get("portal"))
    _tell(voice, "portal", wish.portal_port, portal)
    intake = choose_port(wish.intake_port, before=before.get("intake"), taken=[portal])
    _tell(voice, "intake", wish.intake_port, intake)
    promised = [portal, intake]
    ports = {}
    for name, usual, given in (
        ("postgresql", POSTGRESQL_PORT, wish.database_url),
        ("elasticsearch", ELASTICSEARCH_PORT, wish.search_server),
    ):
        if given is not None:
            ports[name] = 0
            continue
        kept = before.get(name) if name in left_over else None
        ports[name] = kept or choose_port(usual, before=before.get(name), taken=promised)
        promised.append(ports[name])
        _tell(voice, name, usual, ports[name])
    server = PostgreSQL(places.servers / "postgresql", Path(), ports["postgresql"])
    return Addresses(
        portal,
        ports["postgresql"],
        ports["elasticsearch"],
        wish.database_url or server.url(),
        wish.portal_database_url or wish.database_url or server.url(role=PORTAL),
        wish.jobs_database_url or wish.database_url or server.url(role=JOBS),
        wish.search_server or SearchServer(f"http://{LOOPBACK}:{ports['elasticsearch']}"),
        intake,
        wish.intake_database_url or wish.database_url or server.url(role=INTAKE),
    )


def _tell(voice: Voice, name: str, usual: int, chosen: int) -> None:
    if chosen != usual:
        voice.say(
            f"{name} 使用端口 {chosen},而不是通常的 {usual}(已被占用,或沿用上次端口)",
            f"{name} uses port {chosen} instead of {usual} (taken, or kept from the run before)",
        )


def _ports_before(places: Places) -> dict[str, int]:
    """The ports that the last run of this folder used for its own servers."""
    ports: dict[str, int] = {}
    try:
        state = json.loads(places.state.read_text(encoding="utf-8"))
        for name, key in (
            ("portal", "address"),
            ("intake", "intake"),
            ("postgresql", "database_url"),
            ("elasticsearch", "elasticsearch_url"),
        ):
            address = urlsplit(state[key])
            if address.hostname == LOOPBACK and address.port:
                ports[name] = address.port
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return ports
