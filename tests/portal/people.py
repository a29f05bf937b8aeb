"""People for tests: an organisation, an account, its roles and a sign-in, written straight into the register."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from itertools import count

import asyncpg

from registry.roles import Role
from registry.viewers import NATION

_LOGINS = count(1)


async def signed_in(
    connection: asyncpg.Connection,
    *roles: Role,
    region: str = NATION,
    kind: str = "agency",
    lanes: tuple[str, ...] = (),
    lenders: tuple[str, ...] = (),
) -> str:
    """The secret of the sign-in of a new person with these roles, for the cookie threegates_sign_in."""
    now = datetime.now(UTC)
    number = next(_LOGINS)
    organisation = f"test-{secrets.token_hex(4)}"
    await connection.execute(
        "INSERT INTO organisations (id, kind, name_zh, name_en, lanes, region, lender_names, invented, created_at) "
        "VALUES ($1, $2, '示例机关', 'Example agency', $3, $4, $5, true, $6)",
        organisation, kind, list(lanes), region, list(lenders), now,
    )  # fmt: skip
    account = await connection.fetchval(
        "INSERT INTO accounts (login, name, organisation_id, region, state, invented, created_at) "
        "VALUES ($1, '示例人员', $2, $3, 'active', true, $4) RETURNING id",
        f"test{number}.{secrets.token_hex(3)}", organisation, region, now,
    )  # fmt: skip
    for role in roles:
        await connection.execute(
            "INSERT INTO role_grants (account_id, role, held_from, granted_by, granted_at) "
            "VALUES ($1, $2, date '2020-01-01', 'test', $3)",
            account, role, now,
        )  # fmt: skip
    return await _sign_in(connection, account)


async def signed_in_as(connection: asyncpg.Connection, login: str) -> str:
    """The secret of a sign-in of somebody who is registered."""
    return await _sign_in(connection, await connection.fetchval("SELECT id FROM accounts WHERE login = $1", login))


async def _sign_in(connection: asyncpg.Connection, account: int) -> str:
    now, secret = datetime.now(UTC), secrets.token_urlsafe(32)
    await connection.execute(
        "INSERT INTO sign_ins (account_id, secret_hash, method, began_at, seen_at, ends_at, purpose) "
        "VALUES ($1, $2, 'provider', $3, $3, $4, '示例事项')",
        account, hashlib.sha256(secret.encode()).digest(), now, now + timedelta(hours=8),
    )  # fmt: skip
    return secret
