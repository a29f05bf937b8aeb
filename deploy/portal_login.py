"""The check of `threegates doctor` that asks as whom the portal enters PostgreSQL: a role that the policies hold."""

import asyncpg

from deploy.checks import Check, Outcome
from deploy.postgresql import PORTAL

NAME, TITLE_ZH, TITLE_EN = "portal-login", "门户的数据库角色", "the portal's role in PostgreSQL"
_WHO = """
SELECT current_user AS name, rolsuper AS superuser, rolbypassrls AS bypasses,
    EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relowner = pg_roles.oid) AS owns,
    EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AND pg_has_role(current_user, to_regrole($1), 'SET') AS becomes
FROM pg_roles WHERE rolname = current_user
"""


async def check_portal_login(url: str | None) -> Check:
    """Whether the portal has an address of its own, and what its role could do that it must not."""
    if url is None:
        return _check(
            "warning",
            "none of its own: it enters as the database's owner and gives that up in each transaction",
            f"创建登录角色 {PORTAL}，并设置 THREEGATES_PORTAL_DATABASE_URL（见 docs/operators.md）。",
            f"Let {PORTAL} log in and set THREEGATES_PORTAL_DATABASE_URL (docs/operators.md).",
        )
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        return _check(
            "failed",
            f"cannot enter ({type(error).__name__})",
            f"检查 THREEGATES_PORTAL_DATABASE_URL；以超级用户执行：ALTER ROLE {PORTAL} LOGIN; \\password {PORTAL}。",
            f"Check THREEGATES_PORTAL_DATABASE_URL; as a superuser: ALTER ROLE {PORTAL} LOGIN; \\password {PORTAL}.",
        )
    try:
        who = await connection.fetchrow(_WHO, PORTAL)
    finally:
        await connection.close()
    too_much = [
        words
        for words, so in (
            ("is a superuser", who["superuser"]),
            ("bypasses row-level security", who["bypasses"]),
            ("owns tables of the register", who["owns"]),
        )
        if so
    ]
    if too_much:
        return _check(
            "failed",
            f"{who['name']} {', '.join(too_much)}",
            f"为门户另设角色：只授予 {PORTAL}，不是所有者，也不是超级用户。",
            f"Give the portal another role: one that is granted {PORTAL} and nothing else.",
        )
    if not who["becomes"]:
        return _check(
            "failed",
            f"{who['name']} cannot become {PORTAL}",
            f"以超级用户执行：GRANT {PORTAL} TO {who['name']}。",
            f"As a superuser: GRANT {PORTAL} TO {who['name']}.",
        )
    return _check("ok", f"{who['name']}: owns nothing, bypasses nothing")


def _check(outcome: Outcome, found: str, zh: str = "", en: str = "") -> Check:
    return Check(NAME, TITLE_ZH, TITLE_EN, outcome, found, zh, en)
