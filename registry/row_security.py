"""Row-level security: for every table, who may read and write which rows; put in force after each migration.

The portal works as the role `threegates_portal`, which owns nothing. What a condition may ask: `may('permission')`,
`my_account()`, `my_organisation()` and `my_regions()`; each is settled once a statement when written as `(SELECT …)`.
A setting that was never made is NULL and one of a transaction that has ended is '': both deny.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.errors import BadSetting
from registry.tables import METADATA
from registry.viewers import PORTAL_ROLE

NOBODY: Final = "false"
EVERYBODY: Final = "true"

FUNCTIONS: Final[tuple[str, ...]] = (
    """
    CREATE OR REPLACE FUNCTION may(permission text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT coalesce(strpos(current_setting('threegates.permissions', true), ',' || permission || ',') > 0, false)
    $$
    """,
    """
    CREATE OR REPLACE FUNCTION my_account() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT nullif(current_setting('threegates.account', true), '')::bigint
    $$
    """,
    """
    CREATE OR REPLACE FUNCTION my_organisation() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT nullif(current_setting('threegates.organisation', true), '')
    $$
    """,
    # Every code at or below the viewer's region, successors included; the nation's viewer has them all, also NULL.
    """
    CREATE OR REPLACE FUNCTION is_national() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT coalesce(current_setting('threegates.region', true) = '000000', false)
    $$
    """,
    """
    CREATE OR REPLACE FUNCTION my_regions() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT array_agg(code) FROM (
            SELECT nullif(current_setting('threegates.region', true), '') AS code
            UNION SELECT inner_code FROM region_within WHERE outer_code = current_setting('threegates.region', true)
        ) AS mine
    $$
    """,
)


@dataclass(frozen=True)
class Policy:
    """Conditions on a row: which of the portal's viewers reads, adds, changes or removes it."""

    read: str = NOBODY
    add: str = NOBODY
    change: str = NOBODY
    remove: str = NOBODY


def may(permission: str) -> str:
    """The condition that the viewer has a permission, settled once a statement."""
    return f"(SELECT may('{permission}'))"


# The open part of the register: what any viewer may read, and who may add to it.
_OPEN: Final = Policy(read=EVERYBODY)
_REGISTERED: Final = Policy(read=EVERYBODY, add=may("register"), change=may("register"))

_OPEN_TABLES: Final = """
    agencies agency_successions feeds industries industry_successions judging_runs notices notice_items productions
    region_successions region_within regions register_facts sources sync_pages sync_runs
"""
_REGISTERED_TABLES: Final = """
    approvals capacity_lines dispositions eliminations enterprise_names enterprise_orders enterprise_owners
    enterprise_versions enterprises equipment plan_units project_codes project_lineage project_versions projects
    rectifications replacement_plans restrictions
"""
POLICIES: Final[dict[str, Policy]] = {
    **dict.fromkeys(_OPEN_TABLES.split(), _OPEN),
    **dict.fromkeys(_REGISTERED_TABLES.split(), _REGISTERED),
}


def policy_statements(table: str, policy: Policy) -> list[str]:
    """The statements that put one table's policy in force, in place of whatever stood there."""
    statements = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"REVOKE ALL ON {table} FROM {PORTAL_ROLE}",
    ]
    statements += [
        f"DROP POLICY IF EXISTS {name} ON {table}" for name in ("owner_all", "read", "add", "change", "remove")
    ]
    # FORCE holds the owner too; the owner is who migrates and runs the jobs.
    statements.append(f"CREATE POLICY owner_all ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
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
        statements.append(f"CREATE POLICY {name} ON {table} FOR {verb} TO {PORTAL_ROLE} {clause}")
        statements.append(f"GRANT {verb} ON {table} TO {PORTAL_ROLE}")
    return statements


async def apply_row_security(connection: AsyncConnection) -> None:
    """Put every policy in force; nothing is locked when all stand as they should already."""
    wanted = [*FUNCTIONS]
    for table in METADATA.sorted_tables:
        wanted += policy_statements(table.name, POLICIES.get(table.name, Policy()))
    digest = hashlib.blake2b("\n".join(wanted).encode(), digest_size=16).hexdigest()
    standing = await connection.scalar(text("SELECT value FROM register_facts WHERE name = 'row_security'"))
    await _make_role(connection)
    if standing == digest:
        return
    for statement in wanted:
        await connection.exec_driver_sql(statement)
    await connection.exec_driver_sql(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {PORTAL_ROLE}")
    await connection.execute(
        text(
            "INSERT INTO register_facts (name, value) VALUES ('row_security', to_jsonb(CAST(:digest AS text))) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        ),
        {"digest": digest},
    )


async def _make_role(connection: AsyncConnection) -> None:
    """The role of the portal is one of the server, not of the database: it may be there already."""
    if not await connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": PORTAL_ROLE}):
        try:
            async with connection.begin_nested():
                await connection.exec_driver_sql(f"CREATE ROLE {PORTAL_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS")
        except ProgrammingError as error:
            raise BadSetting(
                f"PostgreSQL has no role {PORTAL_ROLE}, and this user may not make one.",
                where="THREEGATES_DATABASE_URL",
                remedy=f"As a superuser: CREATE ROLE {PORTAL_ROLE}; GRANT {PORTAL_ROLE} TO the user of that address.",
            ) from error
    member = await connection.scalar(text("SELECT pg_has_role(current_user, :name, 'SET')"), {"name": PORTAL_ROLE})
    if not member:
        await connection.exec_driver_sql(f"GRANT {PORTAL_ROLE} TO CURRENT_USER")
