"""The checks of `threegates doctor` that ask as whom portal, intake and jobs enter PostgreSQL: they own nothing."""

from dataclasses import dataclass
from typing import Final

import asyncpg

from deploy.checks import Check, Outcome
from deploy.postgresql import INTAKE, JOBS, PORTAL

_WHO = """
SELECT current_user AS name, rolsuper AS superuser, rolbypassrls AS bypasses,
    EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relowner = pg_roles.oid) AS owns,
    EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AND pg_has_role(current_user, to_regrole($1), $2) AS becomes
FROM pg_roles WHERE rolname = current_user
"""


@dataclass(frozen=True)
class Login:
    """Who enters, by which variable, as a member of which role; `right`: how the role is used (taken, or inherited)."""

    name: str
    title_zh: str
    title_en: str
    role: str
    variable: str
    right: str


OF_PORTAL: Final = Login(
    "portal-login",
    "门户的数据库角色",
    "the portal's role in PostgreSQL",
    PORTAL,
    "THREEGATES_PORTAL_DATABASE_URL",
    "SET",
)
OF_INTAKE: Final = Login(
    "intake-login",
    "举报入口的数据库角色",
    "the intake's role in PostgreSQL",
    INTAKE,
    "THREEGATES_INTAKE_DATABASE_URL",
    "SET",
)
OF_JOBS: Final = Login(
    "jobs-login", "任务的数据库角色", "the jobs' role in PostgreSQL", JOBS, "THREEGATES_JOBS_DATABASE_URL", "USAGE"
)


async def check_login(login: Login, url: str | None) -> Check:
    """Whether there is an address of its own, and what its role could do that it must not."""

    def check(outcome: Outcome, found: str, zh: str = "", en: str = "") -> Check:
        return Check(login.name, login.title_zh, login.title_en, outcome, found, zh, en)

    role, variable = login.role, login.variable
    if url is None:
        return check(
            "warning",
            "none of its own: it enters as the database's owner",
            f"创建登录角色 {role}，并设置 {variable}（见 docs/operators.md）。",
            f"Let {role} log in and set {variable} (docs/operators.md).",
        )
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        return check(
            "failed",
            f"cannot enter ({type(error).__name__})",
            f"检查 {variable}；以超级用户执行：ALTER ROLE {role} LOGIN; \\password {role}。",
            f"Check {variable}; as a superuser: ALTER ROLE {role} LOGIN; \\password {role}.",
        )
    try:
        who = await connection.fetchrow(_WHO, role, login.right)
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
        return check(
            "failed",
            f"{who['name']} {', '.join(too_much)}",
            f"请另设角色：只授予 {role}，不是所有者，也不是超级用户。",
            f"Give it another role: one that is granted {role} and nothing else.",
        )
    if not who["becomes"]:
        return check(
            "failed",
            f"{who['name']} has not the rights of {role}",
            f"以超级用户执行：GRANT {role} TO {who['name']}。",
            f"As a superuser: GRANT {role} TO {who['name']}.",
        )
    return check("ok", f"{who['name']}: owns nothing, bypasses nothing")
