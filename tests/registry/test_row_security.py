"""Row-level security: no table without it, in force for its owner too, and the register needs no superuser."""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from jobs import audit as audit_jobs
from jobs import pipeline, tidying
from jobs.pipeline import Work
from jobs.queue import install_queue, require_queue, wake
from registry.database import connect, make_engine, transaction
from registry.errors import BadSetting
from registry.migrations import upgrade
from registry.project_list import list_projects
from registry.reading import rows
from registry.row_policies import POLICIES
from registry.row_security import apply_row_security, unprotected
from registry.row_views import VIEWS
from registry.viewers import INTAKE_ROLE, JOBS_ROLE, PORTAL_ROLE, PUBLIC, become
from search.client import servers
from tests.conftest import _execute, run
from tests.faults import world
from tests.registry.pages import open_run, page, store

OWNER = f"tg_test_owner_{os.getpid()}"


async def _unprotected(engine: AsyncEngine) -> dict[str, str]:
    async with engine.begin() as connection:
        return await unprotected(connection)


async def test_every_table_is_under_policies_and_every_policy_has_its_table(engine: AsyncEngine) -> None:
    assert await _unprotected(engine) == {}
    async with engine.connect() as connection:
        tables = set(await connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))
    assert set(POLICIES) <= tables, "policies of tables that are not there"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("CREATE TABLE loans (id int)", "row-level security is off"),
        ("ALTER TABLE records NO FORCE ROW LEVEL SECURITY", "does not hold its owner"),
        ("ALTER TABLE records DISABLE ROW LEVEL SECURITY", "row-level security is off"),
        ("CREATE MATERIALIZED VIEW loans AS SELECT * FROM records", "row-level security is off"),
    ],
)
async def test_a_table_without_policies_is_found(engine: AsyncEngine, statement: str, said: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    found = await _unprotected(engine)
    assert len(found) == 1 and said in next(iter(found.values()))


async def test_a_table_that_nobody_entered_is_shut(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE forgotten AS SELECT 1 AS id"))
        await apply_row_security(connection)
    assert await _unprotected(engine) == {"forgotten": "registry.row_policies.POLICIES has no entry"}
    with pytest.raises(Exception, match=r"permission denied|may change"):
        async with transaction(engine) as session:
            await become(session, PUBLIC)
            await rows(session, "SELECT * FROM forgotten")


async def test_the_queue_s_tables_are_shut_as_soon_as_they_are_made(database_url: str, engine: AsyncEngine) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await install_queue(connection)
        names = "SELECT relname FROM pg_class WHERE relname LIKE 'pgqueuer%' AND relkind = 'r'"
        assert len(await connection.fetch(names)) >= 3
        assert await _unprotected(engine) == {}
        await wake(connection, "seal")
        assert await connection.fetchval("SELECT count(*) FROM pgqueuer") == 1
        await connection.execute(f"SET ROLE {PORTAL_ROLE}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM pgqueuer")
    finally:
        await connection.close()


async def test_views_and_functions_give_the_portal_no_other_s_rights(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        definers = await connection.scalars(
            text("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef")
        )
        assert list(definers) == []
        readable = await connection.scalars(
            text(
                "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' "
                f"AND has_table_privilege('{PORTAL_ROLE}', oid, 'SELECT')"
            )
        )
        assert set(readable) == set(VIEWS)


@pytest.fixture
def owner(postgresql_url: str) -> Iterator[str]:
    """A fresh database whose owner is nobody's superuser, as an operator's PostgreSQL has it."""
    name = f"{OWNER}_db"
    statements = (f"CREATE ROLE {OWNER} LOGIN PASSWORD 'secret'", f'CREATE DATABASE "{name}" OWNER {OWNER}')
    run(_execute(postgresql_url, *statements))
    address = urlsplit(postgresql_url)
    netloc = f"{OWNER}:secret@{address.hostname}:{address.port}"
    try:
        yield urlunsplit(address._replace(netloc=netloc, path=f"/{name}"))
    finally:
        run(_execute(postgresql_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f"DROP ROLE {OWNER}"))


async def test_owner_and_jobs_without_further_rights_carry_the_register(owner: str, postgresql_url: str) -> None:
    with pytest.raises(BadSetting, match=PORTAL_ROLE) as refused:
        await upgrade(owner)
    assert f"GRANT {PORTAL_ROLE} TO {OWNER}" in refused.value.remedy
    await asyncio.to_thread(run, _execute(postgresql_url, f"GRANT {PORTAL_ROLE}, {INTAKE_ROLE} TO {OWNER}"))
    await upgrade(owner)
    await upgrade(owner)  # and again, with all policies in force
    connection = await connect(owner)
    await install_queue(connection)
    await connection.close()
    # The owner has made everything; the rest is done as worker and scheduler enter, by a login granted their role.
    jobs = f"{OWNER}_jobs"
    await asyncio.to_thread(
        run, _execute(postgresql_url, f"CREATE ROLE {jobs} LOGIN PASSWORD 'secret' IN ROLE {JOBS_ROLE}")
    )
    entering = owner.replace(f"{OWNER}:", f"{jobs}:", 1)
    try:
        await _carry(make_engine(owner), make_engine(entering), entering)
    finally:
        await asyncio.to_thread(run, _execute(postgresql_url, f"DROP ROLE {jobs}"))


async def _carry(owners: AsyncEngine, engine: AsyncEngine, entering: str) -> None:
    """From a register through linking, judging and the audit, to what the public reads."""
    try:
        await world.register(owners, projects=4)
        entries = [
            {**one, "acted_on": datetime.fromisoformat(one["acted_on"]).date()} for one in world.records("land", 8, 1)
        ]
        await store(engine, await open_run(engine), page(entries))
        async with transaction(engine) as session:
            await rows(session, "UPDATE sync_runs SET state = 'done' RETURNING id")
        work = Work(engine, asyncio.Event(), servers)
        assert (await pipeline.link(work)).linked == 8
        assert (await pipeline.judge(work)).judged > 0
        assert await tidying.tidy(work) == 0
        connection = await connect(entering)
        try:
            await require_queue(connection)
            await wake(connection, "seal")
        finally:
            await connection.close()
        await audit_jobs.note_verified(
            engine, "test", datetime(2026, 1, 1, tzinfo=UTC), await audit_jobs.verify_now(engine, [])
        )
        assert await audit_jobs.seal(work) == 1
        assert await _unprotected(engine) == {}
        async with transaction(owners) as session:
            await become(session, PUBLIC)
            assert len((await list_projects(session)).items) == 4
    finally:
        await owners.dispose()
        await engine.dispose()
