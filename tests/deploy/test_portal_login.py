"""As whom the portal enters PostgreSQL: a role that owns nothing, and `threegates doctor` says what is wrong."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from deploy.portal_login import check_portal_login
from deploy.postgresql import INTAKE, PORTAL, PostgreSQL, scram_secret
from registry.viewers import INTAKE_ROLE, PORTAL_ROLE
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


def test_the_name_of_the_role_is_the_registry_s() -> None:
    assert (PORTAL, INTAKE) == (PORTAL_ROLE, INTAKE_ROLE)


def test_a_member_of_the_portal_s_role_is_well(database_url: str, role: str) -> None:
    run(_execute(database_url, f"GRANT {PORTAL_ROLE} TO {ROLE}"))
    found = run(check_portal_login(role))
    assert (found.outcome, found.remedy_en) == ("ok", ""), found


def test_what_is_wrong_is_said_with_its_remedy(database_url: str, role: str) -> None:
    stranger = run(check_portal_login(role))
    assert stranger.outcome == "failed" and f"GRANT {PORTAL} TO {ROLE}" in stranger.remedy_en
    run(_execute(database_url, f"GRANT {PORTAL_ROLE} TO {ROLE}", f"ALTER ROLE {ROLE} BYPASSRLS"))
    bypassing = run(check_portal_login(role))
    assert bypassing.outcome == "failed" and "bypasses row-level security" in bypassing.found
    owner = run(check_portal_login(database_url))
    assert owner.outcome == "failed" and "owns tables" in owner.found
    wrong = run(check_portal_login(entered_as(database_url, ROLE, "wrong")))
    assert wrong.outcome == "failed" and "InvalidPassword" in wrong.found and wrong.remedy_zh
    assert run(check_portal_login(None)).outcome == "warning"
    assert "a secret" not in " ".join(str(one) for one in (stranger, bypassing, owner, wrong))


def test_the_portal_s_password_lies_beside_the_database_for_its_owner_alone(tmp_path: Path) -> None:
    server = PostgreSQL(tmp_path / "postgresql", Path(), 5432)
    first = server.portal_url()
    assert server.portal_url() == first and first != server.url()
    assert urlsplit(first).username == PORTAL
    file = tmp_path / "postgresql" / "portal-password"
    assert file.stat().st_mode & 0o777 == 0o600
    assert urlsplit(first).password == file.read_text(encoding="ascii")


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
