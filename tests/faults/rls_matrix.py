"""rls_matrix: everybody looks at every table, view, page and resource; nobody sees a row that is another's."""

import asyncio
import os
import secrets
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs.queue import install_queue
from registry import database as register_database
from registry import settings as register_settings
from registry.database import make_engine, transaction
from registry.roles import Role
from registry.row_policies import NOBODY, POLICIES
from registry.row_security import unprotected
from registry.viewers import PORTAL_ROLE, become
from tests.faults import rights_pages
from tests.faults.account import Account
from tests.faults.rights_oracle import Facts, Row, expected, finding
from tests.faults.rights_world import ROLES, Looking, build, people
from tests.scratch_server import database

# Projects, acts of credit of each by each bank, the roles in each organisation, whose tables and then whose pages are
# looked at (everybody's, where none is named), and of how many addresses each looks at one.
Scale = tuple[int, tuple[str, ...], tuple[Role, ...], tuple[str, ...], tuple[str, ...], int]
SCALES: dict[str, Scale] = {
    "small": (
        2,
        ("loan",),
        ("officer", "auditor"),
        (
            *("public", "office/auditor", "finance/officer", "finance-hebei/officer", "finance-suzhou/key"),
            *("land-tangshan/officer", "bank-jia/key", "bank-yi/officer"),
        ),
        ("public", "finance-hebei/officer", "bank-yi/officer", "land-tangshan/auditor"),
        4,
    ),
    "full": (4, ("loan", "bond"), ROLES, (), (), 1),
}
# Its rows are the same for everybody and many: counted, not compared.
_MANY = ("regions", "region_within", "region_successions", "industries", "industry_successions")


async def run(url: str, account: Account) -> None:
    """The tables through SQL as every viewer, then pages, resources and files as the portal gives them."""
    projects, acts, roles, at_tables, at_pages, share = SCALES[account.scale]
    async with database(url, "fault_rights") as dsn:
        engine = make_engine(dsn)
        try:
            credit = await build(engine, projects, acts)
            connection = await asyncpg.connect(dsn)
            try:
                await install_queue(connection)
                lookers = await people(connection, roles)
                tables = await _rows(connection)
            finally:
                await connection.close()
            async with engine.begin() as looking:
                account.expect("tables that are not under row-level security", await unprotected(looking), {})
            await _privileges(engine, account, tables)
            await _matrix(engine, account, tables, [one for one in lookers if not at_tables or one.name in at_tables])
            async with portal(dsn) as (client, projects_there):
                some = [one for one in lookers if not at_pages or one.name in at_pages]
                await rights_pages.look(client, account, some, credit, projects_there, share)
        finally:
            await engine.dispose()


async def _rows(connection: asyncpg.Connection) -> dict[str, dict[str, Row]]:
    """All rows of all tables by their place, as their owner sees them."""
    names = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1"
    )
    found = {}
    for name in (row["relname"] for row in names):
        said = "NULL" if name in _MANY else "to_jsonb(t)"
        # The names are the catalogue's.
        rows = await connection.fetch(f"SELECT ctid::text AS place, {said} AS row FROM {name} AS t")
        found[name] = {row["place"]: orjson.loads(row["row"]) if row["row"] else {} for row in rows}
    return found


def _facts(tables: dict[str, dict[str, Row]]) -> Facts:
    facts = Facts()
    for row in tables["records"].values():
        facts.records.setdefault(row["record_id"], []).append(row)
    for row in tables["findings"].values():
        facts.findings.setdefault(row["fingerprint"], []).append(row)
    for row in tables["suspected_members"].values():
        if row["known_to"] == "infinity":
            facts.members.setdefault(row["suspected_id"], []).append(row["record_id"])
    facts.accounts = {row["id"]: row for row in tables["accounts"].values()}
    facts.organisations = {row["id"]: row for row in tables["organisations"].values()}
    facts.alerts = {row["id"]: row for row in tables["alerts"].values()}
    facts.regions = {row["project_id"]: row["region"] for row in tables["project_versions"].values()}
    facts.cases = {row["id"]: row for row in tables["cases"].values()}
    facts.case_files = {row["id"]: row for row in tables["case_files"].values()}
    return facts


async def _privileges(engine: AsyncEngine, account: Account, tables: Iterable[str]) -> None:
    """What no policy allows anybody, the role may not even ask for; that needs no viewer."""
    async with engine.connect() as connection:
        for table in tables:
            policy = POLICIES.get(table)
            for verb, condition in (
                ("SELECT", policy.read if policy else NOBODY),
                ("INSERT", policy.add if policy else NOBODY),
                ("UPDATE", policy.change if policy else NOBODY),
                ("DELETE", policy.remove if policy else NOBODY),
                ("TRUNCATE", NOBODY),
                ("REFERENCES", NOBODY),
                ("TRIGGER", NOBODY),
            ):
                held = await connection.exec_driver_sql(
                    "SELECT has_table_privilege($1, $2, $3)", (PORTAL_ROLE, table, verb)
                )
                account.expect(f"{verb} on {table}", held.scalar_one(), condition != NOBODY)


async def _matrix(
    engine: AsyncEngine, account: Account, tables: dict[str, dict[str, Row]], lookers: list[Looking]
) -> None:
    facts = _facts(tables)
    counted: Counter[str] = Counter(viewers=len(lookers), tables=len(tables))
    for who in lookers:
        async with transaction(engine) as session:
            await become(session, who.viewer)
            connection = await session.connection()
            for table, rows in tables.items():
                policy = POLICIES.get(table)
                for verb, condition, lock in (
                    ("read", policy.read if policy else NOBODY, ""),
                    # The rows that may be locked are those that may be changed, without changing any.
                    ("change", policy.change if policy else NOBODY, "FOR UPDATE"),
                ):
                    if condition == NOBODY:
                        continue  # _privileges has shown that it is refused
                    if table in _MANY:
                        seen = await connection.exec_driver_sql(f"SELECT count(*) FROM {table}")  # our own names
                        account.expect(f"{who.name} reads all of {table}", seen.scalar_one(), len(rows))
                        continue
                    wanted = expected(table, verb, who, rows, facts)
                    if wanted is None:
                        account.breaches.append(f"{table}: rights_oracle.py does not say who may {verb} it")
                        continue
                    found = await connection.exec_driver_sql(f"SELECT ctid::text FROM {table} {lock}")  # our own names
                    seen_rows = set(found.scalars())
                    counted["looks"] += 1
                    counted["rows_seen"] += len(seen_rows)
                    counted["foreign_rows"] += len(seen_rows - wanted)
                    counted["missing_rows"] += len(wanted - seen_rows)
                    if seen_rows != wanted:
                        told = f"{len(seen_rows - wanted)} foreign, {len(wanted - seen_rows)} missing"
                        account.breaches.append(f"{who.name} may {verb} {table}: {told}")
            await _shown(connection, account, who, tables["findings"], facts, counted)
    account.counters |= dict(counted)


async def _shown(
    connection: Any, account: Account, who: Looking, findings: dict[str, Row], facts: Facts, counted: Counter[str]
) -> None:
    """Through the view everybody sees each finding once: whole, or of credit no more than that it is flagged."""
    whole = {row["version_id"]: finding(who, row, facts) for row in findings.values()}
    found = (await connection.exec_driver_sql("SELECT * FROM findings_shown")).mappings().all()
    account.expect(f"{who.name} sees each finding once", sorted(row["version_id"] for row in found), sorted(whole))
    for row in found:
        counted["withheld"] += row["withheld"]
        hides = [row["subject_id"], row["act"], row["acted_on"], row["enterprise_id"], row["reasons"], row["evidence"]]
        bare = hides == [0, "", None, None, [], {}]
        if row["withheld"] is whole[row["version_id"]] or row["withheld"] is not bare:
            account.breaches.append(f"{who.name} sees finding {row['version_id']} as it should not")


@asynccontextmanager
async def portal(dsn: str, elasticsearch: dict[str, str] | None = None) -> AsyncIterator[tuple[Any, list[int]]]:
    """The portal in this process, entering the database by a login of its own; without Elasticsearch unless settings
    name one."""
    import httpx

    from portal.application import make_application
    from search.client import servers

    role, password = f"tg_fault_portal_{os.getpid()}", secrets.token_hex(16)
    owner = await asyncpg.connect(dsn)
    address = urlsplit(dsn)
    own = urlunsplit(address._replace(netloc=f"{role}:{password}@{address.hostname}:{address.port}"))
    caches = (register_settings.settings, register_database.engine, servers)
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="threegates-fault-") as folder:
        try:
            await owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}' IN ROLE {PORTAL_ROLE}")
            projects = [row["id"] for row in await owner.fetch("SELECT id FROM projects ORDER BY id")]
            os.environ |= {
                "THREEGATES_DATABASE_URL": own,
                "THREEGATES_DATA_FOLDER": folder,
                # Nobody listens there: names are looked up in the register.
                "THREEGATES_ELASTICSEARCH_URL": "http://127.0.0.1:9",
                "THREEGATES_PUBLIC_RATE": "1000000",
                **(elasticsearch or {}),
            }
            for cache in caches:
                cache.cache_clear()
            application = make_application()
            transport = httpx.ASGITransport(app=application)
            async with httpx.AsyncClient(transport=transport, base_url="http://register", timeout=60) as client:
                client.application = application  # type: ignore[attr-defined]  # for the walk over its routes
                yield client, projects
        finally:
            await register_database.engine().dispose()
            await asyncio.to_thread(servers().elasticsearch.close)
            os.environ.clear()
            os.environ |= before
            for cache in caches:
                cache.cache_clear()
            await owner.execute(f"DROP ROLE IF EXISTS {role}")
            await owner.close()
