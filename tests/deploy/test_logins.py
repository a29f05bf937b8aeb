"""As whom portal and jobs enter PostgreSQL: roles that own nothing, and `threegates doctor` says what is wrong."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from deploy.logins import OF_INTAKE, OF_JOBS, OF_PORTAL, Login, check_login
from deploy.postgresql import INTAKE, JOBS, PORTAL, PostgreSQL, scram_secret
from registry.viewers import INTAKE_ROLE, JOBS_ROLE, PORTAL_ROLE
from tests.conftest import _execute, run

ROLE = f"tg_test_login_{os.getpid()}"


def entered_as(url: str, user: str, password: str) -> str:
    """The same database, entered as somebody else."""
    address = urlsplit(url)
    return urlunsplit(address._replace(netloc=f"{user}:{password}@{address.hostname}:{address.port}"))


@pytest.fixture
def role(database_url: str) -> Iterator[str]:
    """The address of the database for a login role that is granted nothing yet."""
    run(_execute(database_url, f"CREATE ROLE {ROLE} LOGIN PASSWORD '{scram_secret('a secret, 甲')}'"))
    try:
        yield entered_as(database_url, ROLE, "a%20secret,%20%E7%94%B2")
    finally:
        run(_execute(database_url, f"DROP OWNED BY {ROLE}", f"DROP ROLE {ROLE}"))


def test_the_names_of_the_roles_are_the_registry_s() -> None:
    assert (PORTAL, JOBS, INTAKE) == (PORTAL_ROLE, JOBS_ROLE, INTAKE_ROLE)


@pytest.mark.parametrize("login", [OF_PORTAL, OF_INTAKE, OF_JOBS], ids=["portal", "intake", "jobs"])
def test_a_member_is_well_and_what_is_wrong_is_said_with_its_remedy(database_url: str, role: str, login: Login) -> None:
    stranger = run(check_login(login, role))
    assert stranger.outcome == "failed" and f"GRANT {login.role} TO {ROLE}" in stranger.remedy_en
    run(_execute(database_url, f"GRANT {login.role} TO {ROLE}"))
    found = run(check_login(login, role))
    assert (found.outcome, found.remedy_en) == ("ok", ""), found
    run(_execute(database_url, f"ALTER ROLE {ROLE} BYPASSRLS"))
    bypassing = run(check_login(login, role))
    assert bypassing.outcome == "failed" and "bypasses row-level security" in bypassing.found
    owner = run(check_login(login, database_url))
    assert owner.outcome == "failed" and "owns tables" in owner.found
    wrong = run(check_login(login, entered_as(database_url, ROLE, "wrong")))
    assert wrong.outcome == "failed" and "InvalidPassword" in wrong.found and wrong.remedy_zh
    assert run(check_login(login, None)).outcome == "warning"
    assert "a secret" not in " ".join(str(one) for one in (stranger, bypassing, owner, wrong))


def test_the_passwords_lie_beside_the_database_for_their_owner_alone(tmp_path: Path) -> None:
    server = PostgreSQL(tmp_path / "postgresql", Path(), 5432)
    addresses = [server.url(), server.url(role=PORTAL), server.url(role=JOBS)]
    assert len({urlsplit(one).password for one in addresses}) == 3
    assert addresses[1:] == [server.url(role=PORTAL), server.url(role=JOBS)]
    for address, role, name in zip(addresses[1:], (PORTAL, JOBS), ("portal-password", "jobs-password"), strict=True):
        file = tmp_path / "postgresql" / name
        assert file.stat().st_mode & 0o777 == 0o600
        assert (urlsplit(address).username, urlsplit(address).password) == (role, file.read_text(encoding="ascii"))


def test_as_the_portal_s_role_nothing_is_seen_before_a_viewer_is(database_url: str, role: str) -> None:
    async def look() -> None:
        connection = await asyncpg.connect(role)
        try:
            assert await connection.fetchval("SELECT count(*) FROM accounts") == 0
            assert await connection.fetchval("SELECT count(*) FROM regions") > 3000
            for refused in ("SELECT * FROM audit_entries FOR UPDATE", "DELETE FROM records", "CREATE TABLE mine ()"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(refused)
        finally:
            await connection.close()

    run(_execute(database_url, f"GRANT {PORTAL_ROLE} TO {ROLE}"))
    run(look())


# What would change the past, the law, the ground or somebody's rights.
REFUSED_TO_JOBS = (
    "UPDATE audit_entries SET actor = ''",
    "DELETE FROM audit_entries",
    "TRUNCATE audit_entries",
    "UPDATE audit_batches SET digest = ''",
    "ALTER TABLE records DISABLE TRIGGER ALL",
    "ALTER TABLE records DISABLE ROW LEVEL SECURITY",
    "TRUNCATE records",
    "DROP TABLE pgqueuer",
    "SET session_replication_role = replica",
    "SET ROLE threegates_portal",
    "UPDATE law_articles SET text_zh = ''",
    "UPDATE accounts SET password_hash = NULL",
    "SELECT password_hash FROM accounts",
    "SELECT * FROM sign_ins",
    "SELECT key_hash FROM api_keys",
    "INSERT INTO role_grants SELECT * FROM role_grants",
    "CREATE TABLE mine ()",
)


def test_the_jobs_role_sees_every_row_and_changes_neither_ground_nor_past(database_url: str, role: str) -> None:
    async def look() -> None:
        from jobs.queue import install_queue

        owner = await asyncpg.connect(database_url)
        await install_queue(owner)
        await owner.execute(
            "INSERT INTO audit_entries (at, actor, actor_kind, organisation_id, action, subject_kind, subject, why) "
            "VALUES (now(), 'x', 'person', 'office', 'project.correct', 'project', '1', '')"
        )
        await owner.close()
        connection = await asyncpg.connect(role)
        try:
            assert await connection.fetchval("SELECT count(*) FROM audit_entries") == 1
            # A policy that is simply true leaves the index of likeness to be used (a conditional one would not).
            await connection.execute("SET enable_seqscan = off")
            plan = await connection.fetch("EXPLAIN SELECT * FROM enterprise_names WHERE name_normal % '示例钢铁'")
            assert any("Index" in row[0] for row in plan), plan
            for refused in REFUSED_TO_JOBS:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(refused)
        finally:
            await connection.close()

    run(_execute(database_url, f"GRANT {JOBS_ROLE} TO {ROLE}"))
    run(look())
