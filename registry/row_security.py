"""Row-level security: for every table, who may read and write which rows; put in force after each migration.

The portal works as the role `threegates_portal`, worker and scheduler as `threegates_jobs`, the intake of reports as
`threegates_intake`; none owns anything. A setting that was never made is NULL and one of a transaction that has ended
is '': both deny. A table without an entry in POLICIES is shut to the portal, and to the intake without one in
INTAKE_POLICIES. The jobs see every row, by a policy of their own (one that is `true` costs no plan an index), and have
in each table the rights its entry says.
"""

import hashlib
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.errors import BadSetting
from registry.row_policies import INTAKE_POLICIES, NOBODY, POLICIES, Policy
from registry.row_views import FUNCTIONS, INTAKE_VIEWS, VIEWS
from registry.viewers import INTAKE_ROLE, JOBS_ROLE, PORTAL_ROLE, WORKSHOP

# The queue's tables are the jobs' alone: shut to the portal as any table without an entry.
QUEUE: Final = "pgqueuer"


_KINDS: Final = ("read", "add", "change", "remove")


def policy_statements(table: str, policy: Policy, intake: Policy | None = None) -> list[str]:
    """The statements that put one table's policies in force, in place of whatever stood there."""
    statements = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"REVOKE ALL ON {table} FROM {PORTAL_ROLE}, {JOBS_ROLE}, {INTAKE_ROLE}",
    ]
    names = ("owner_all", "jobs_all", *_KINDS, *(f"intake_{kind}" for kind in _KINDS))
    statements += [f"DROP POLICY IF EXISTS {name} ON {table}" for name in names]
    # FORCE holds the owner too; the owner is who migrates, and whoever runs the machine by hand.
    statements.append(f"CREATE POLICY owner_all ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
    if policy.jobs:
        statements.append(f"CREATE POLICY jobs_all ON {table} TO {JOBS_ROLE} USING (true) WITH CHECK (true)")
        statements.append(f"GRANT {policy.jobs} ON {table} TO {JOBS_ROLE}")
    statements += _of_role(table, policy, PORTAL_ROLE, "")
    return statements if intake is None else [*statements, *_of_role(table, intake, INTAKE_ROLE, "intake_")]


def _of_role(table: str, policy: Policy, role: str, prefix: str) -> list[str]:
    statements = []
    for name, verb, condition in (
        ("read", "SELECT", policy.read),
        ("add", "INSERT", policy.add),
        ("change", "UPDATE", policy.change),
        ("remove", "DELETE", policy.remove),
    ):
        if condition == NOBODY:
            continue
        clause = {
            "SELECT": f"USING ({condition})",
            "INSERT": f"WITH CHECK ({condition})",
            "UPDATE": f"USING ({condition}) WITH CHECK ({condition})",
            "DELETE": f"USING ({condition})",
        }[verb]
        statements.append(f"CREATE POLICY {prefix}{name} ON {table} FOR {verb} TO {role} {clause}")
        statements.append(f"GRANT {verb} ON {table} TO {role}")
    return statements


def view_statements() -> list[str]:
    """The statements that make every view anew and let the portal read it."""
    statements = []
    for name, (rights, statement) in VIEWS.items():
        option = "WITH (security_invoker = true) " if rights == "viewer" else ""
        statements += [
            f"CREATE VIEW {name} {option}AS {statement}",
            f"GRANT SELECT ON {name} TO {PORTAL_ROLE}, {JOBS_ROLE}",
        ]
        if name in INTAKE_VIEWS:
            statements.append(f"GRANT SELECT ON {name} TO {INTAKE_ROLE}")
    return statements


async def lift_views(connection: AsyncConnection) -> None:
    """Take the views away, so that a migration may change what they read; `apply_row_security` makes them again."""
    for name in reversed(VIEWS):
        await connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
    if await connection.scalar(text("SELECT to_regclass('register_facts') IS NOT NULL")):
        await connection.exec_driver_sql("DELETE FROM register_facts WHERE name = 'row_security'")


async def apply_row_security(connection: AsyncConnection) -> None:
    """Put every policy in force; nothing is locked when all stand as they should already."""
    await _make_roles(connection)
    wanted = [*FUNCTIONS]
    for table in await _tables(connection):
        wanted += policy_statements(table, POLICIES.get(table, Policy()), INTAKE_POLICIES.get(table))
    wanted += view_statements()
    # Where a job makes a table for the while of its transaction; nobody else may.
    wanted += [f"CREATE SCHEMA IF NOT EXISTS {WORKSHOP}", f"GRANT USAGE, CREATE ON SCHEMA {WORKSHOP} TO {JOBS_ROLE}"]
    digest = hashlib.blake2b("\n".join(wanted).encode(), digest_size=16).hexdigest()
    standing = await connection.scalar(text("SELECT value FROM register_facts WHERE name = 'row_security'"))
    if standing == digest:
        return
    await lift_views(connection)
    both = f"{PORTAL_ROLE}, {JOBS_ROLE}"
    wanted.append(f"GRANT USAGE ON SCHEMA public TO {both}, {INTAKE_ROLE}")
    wanted.append(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {both}")
    # Many hundred statements in one message, within the transaction that has begun.
    driver: Any = (await connection.get_raw_connection()).driver_connection
    await driver.execute(";\n".join(wanted))
    await connection.execute(
        text(
            "INSERT INTO register_facts (name, value) VALUES ('row_security', to_jsonb(CAST(:digest AS text))) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        ),
        {"digest": digest},
    )


async def unprotected(connection: AsyncConnection) -> dict[str, str]:
    """Every table that is not as it must be, and why: no row-level security, none for its owner, or no entry here."""
    found = await connection.execute(
        text(
            "SELECT relname::text AS name, relrowsecurity AS on, relforcerowsecurity AS forced FROM pg_class "
            "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'm', 'f') ORDER BY relname"
        )
    )
    said = {}
    for row in found.mappings():
        if not row["on"]:
            said[row["name"]] = "row-level security is off"
        elif not row["forced"]:
            said[row["name"]] = "row-level security does not hold its owner"
        elif row["name"] not in POLICIES and not row["name"].startswith(QUEUE):
            said[row["name"]] = "registry.row_policies.POLICIES has no entry"
    return said


async def _tables(connection: AsyncConnection) -> list[str]:
    """Every table there is: the register's own, and those of the queue and of the migrations where they are made."""
    found = await connection.scalars(
        text(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
            "ORDER BY relname"
        )
    )
    return list(found)


async def _make_roles(connection: AsyncConnection) -> None:
    """The roles are the server's and not the database's: they may be there already."""
    wanted = {
        # Portal and intake take their roles in each transaction, also where they enter as the owner.
        PORTAL_ROLE: "pg_has_role(current_user, oid, 'SET')",
        INTAKE_ROLE: "pg_has_role(current_user, oid, 'SET')",
        JOBS_ROLE: "true",
    }
    for name, usable in wanted.items():
        there = await connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": name})
        # The condition is one of the two above.
        if await connection.scalar(text(f"SELECT {usable} FROM pg_roles WHERE rolname = :name"), {"name": name}):
            continue
        grant = name != JOBS_ROLE
        try:
            async with connection.begin_nested():
                if not there:
                    await connection.exec_driver_sql(f"CREATE ROLE {name} NOLOGIN NOSUPERUSER NOBYPASSRLS")
                if grant:
                    await connection.exec_driver_sql(f"GRANT {name} TO CURRENT_USER")
        except ProgrammingError as error:
            user = await connection.scalar(text("SELECT quote_ident(current_user)"))
            remedy = ("" if there else f"CREATE ROLE {name}; ") + (f"GRANT {name} TO {user};" if grant else "")
            raise BadSetting(
                f"The register needs the role {name} of PostgreSQL, which this user may not make or take.",
                where="THREEGATES_DATABASE_URL",
                remedy=f"As a superuser, run: {remedy.strip()}",
            ) from error
