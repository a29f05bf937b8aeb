"""The checks of `threegates doctor` that ask PostgreSQL and Elasticsearch."""

import ssl
import urllib.error
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from deploy.checks import GIGABYTE, LITTLE_SPACE, Check, Outcome
from deploy.reaching import SearchServer

EXTENSIONS = ("pg_trgm", "btree_gist", "unaccent")
# Deadlines and leases are compared across machines; beyond this a lease may look expired to one of them.
CLOCK_TOLERANCE = 5.0


def _now() -> datetime:
    """The machine's clock, which is what is examined here."""
    return datetime.now(UTC)


def _clock(name: str, server: str, difference: float) -> Check:
    good = difference <= CLOCK_TOLERANCE
    return Check(
        name,
        f"时钟({server})",
        f"clock against {server}",
        "ok" if good else "failed",
        f"{difference:.1f} s apart",
        "" if good else "在两台机器上启用时间同步(例如 timedatectl set-ntp true)。",
        "" if good else "Let both machines synchronise their clocks (for instance: timedatectl set-ntp true).",
    )


async def check_postgresql(url: str) -> list[Check]:
    """Reachability, version, extensions, locale and clock of the database server."""
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        return [_database_unreachable(error)]
    try:
        checks = [Check("postgresql", "PostgreSQL 连接", "PostgreSQL", "ok", "answers")]
        checks.append(_database_version(await connection.fetchval("SHOW server_version_num")))
        rows = await connection.fetch("SELECT name FROM pg_available_extensions")
        checks.append(_extensions({row["name"] for row in rows}))
        checks.append(_locale(await connection.fetchrow(LOCALE), await _trigrams(connection)))
        before = _now()
        theirs = await connection.fetchval("SELECT clock_timestamp()")
        after = _now()
        checks.append(_clock("clock-postgresql", "PostgreSQL", _distance(theirs, before, after)))
    finally:
        await connection.close()
    return checks


LOCALE = """SELECT pg_encoding_to_char(encoding) AS encoding, datctype AS ctype
FROM pg_database WHERE datname = current_database()"""


def _distance(theirs: datetime, before: datetime, after: datetime) -> float:
    """Seconds by which a clock lies outside the time in which it was asked."""
    return max((before - theirs).total_seconds(), (theirs - after).total_seconds(), 0.0)


async def _trigrams(connection: "asyncpg.Connection[Any]") -> list[str] | None:
    """What pg_trgm makes of a Chinese name; None when the extension is not there yet."""
    try:
        found: list[str] = await connection.fetchval("SELECT show_trgm('首钢京唐')")
    except asyncpg.UndefinedFunctionError:
        return None
    return found


def _database_unreachable(error: Exception) -> Check:
    if isinstance(error, asyncpg.InvalidPasswordError | asyncpg.InvalidAuthorizationSpecificationError):
        found, zh, en = (
            "refuses the user or the password",
            "更正 THREEGATES_DATABASE_URL 中的用户和密码。",
            "Correct the user and the password in THREEGATES_DATABASE_URL.",
        )
    elif isinstance(error, asyncpg.InvalidCatalogNameError):
        found, zh, en = (
            "answers, but the database does not exist",
            "创建数据库:createdb --encoding=UTF8 --locale=C.UTF-8 --template=template0 名称。",
            "Create it: createdb --encoding=UTF8 --locale=C.UTF-8 --template=template0 NAME.",
        )
    elif isinstance(error, ssl.SSLError) or "rejected SSL" in str(error):
        words = getattr(error, "verify_message", "") or "the server does not speak TLS"
        found, zh, en = (
            f"no encrypted connection ({words})",
            "更正 THREEGATES_DATABASE_URL 中的 sslmode 和 sslrootcert,或数据库服务器的证书。",
            "Correct sslmode and sslrootcert in THREEGATES_DATABASE_URL, or the server's certificate.",
        )
    elif isinstance(error, ValueError | asyncpg.InterfaceError | asyncpg.UndefinedObjectError):
        found, zh, en = (
            f"its address cannot be used ({str(error).splitlines()[0]})",
            "更正 THREEGATES_DATABASE_URL,例如 postgresql://user:password@host:5432/threegates?sslmode=verify-full。",
            "Correct THREEGATES_DATABASE_URL, "
            "for instance postgresql://user:password@host:5432/threegates?sslmode=verify-full.",
        )
    else:
        found, zh, en = (
            f"does not answer ({type(error).__name__})",
            "启动数据库,或检查 THREEGATES_DATABASE_URL 的主机和端口;本机可用 make run 或 threegates up 启动。",
            "Start it, or check host and port in THREEGATES_DATABASE_URL; `make run` or `threegates up` runs one here.",
        )
    return Check("postgresql", "PostgreSQL 连接", "PostgreSQL", "failed", found, zh, en)


def _database_version(number: str) -> Check:
    good = int(number) >= 180000
    return Check(
        "postgresql-version",
        "PostgreSQL 版本",
        "PostgreSQL's version",
        "ok" if good else "failed",
        f"{int(number) // 10000}.{int(number) % 10000}",
        "" if good else "升级到 PostgreSQL 18。",
        "" if good else "Upgrade it to PostgreSQL 18.",
    )


def _extensions(available: set[str]) -> Check:
    missing = [name for name in EXTENSIONS if name not in available]
    return Check(
        "postgresql-extensions",
        "PostgreSQL 扩展",
        "PostgreSQL's extensions",
        "failed" if missing else "ok",
        f"missing: {', '.join(missing)}" if missing else ", ".join(EXTENSIONS),
        "安装 contrib 软件包(Debian:postgresql-contrib)。" if missing else "",
        "Install the contrib package (Debian: postgresql-contrib)." if missing else "",
    )


def _locale(row: Any, trigrams: list[str] | None) -> Check:
    encoding, ctype = row["encoding"], row["ctype"]
    good = encoding == "UTF8" and (bool(trigrams) if trigrams is not None else ctype not in ("C", "POSIX"))
    return Check(
        "postgresql-locale",
        "数据库字符集",
        "the database's locale",
        "ok" if good else "failed",
        f"encoding {encoding}, ctype {ctype}" + ("" if trigrams is None else f", {len(trigrams)} trigrams of 首钢京唐"),
        "" if good else "以 --encoding=UTF8 --locale=C.UTF-8 重建数据库:否则中文名称的相似度查找会悄然落空。",
        ""
        if good
        else "Create the database anew with --encoding=UTF8 --locale=C.UTF-8: "
        "as it is, finding Chinese names by likeness silently finds nothing.",
    )


def check_elasticsearch(server: SearchServer) -> list[Check]:
    """Reachability, security, version, health, disk and clock of the search server."""
    security = _security(server)
    if server.ca_file is not None and not server.ca_file.is_file():
        return security
    try:
        before = _now()
        health, headers = server.ask("/_cluster/health")
        after = _now()
        nodes, _ = server.ask("/_nodes?filter_path=nodes.*.version")
        disks, _ = server.ask("/_nodes/stats/fs?filter_path=nodes.*.fs.total.available_in_bytes")
        blocked, _ = server.ask("/_all/_settings/index.blocks.read_only_allow_delete?expand_wildcards=all")
    except (OSError, ValueError) as error:
        return [*security, _search_unreachable(error)]
    checks = [*security, Check("elasticsearch", "Elasticsearch 连接", "Elasticsearch", "ok", "answers")]
    versions = sorted({node["version"] for node in nodes["nodes"].values()})
    free = min(node["fs"]["total"]["available_in_bytes"] for node in disks["nodes"].values())
    checks += [_search_version(versions), _search_health(health["status"]), _watermark(free, list(blocked))]
    if headers.get("Date"):
        # The header has whole seconds.
        theirs = parsedate_to_datetime(str(headers["Date"]))
        checks.append(_clock("clock-elasticsearch", "Elasticsearch", max(0.0, _distance(theirs, before, after) - 1)))
    return checks


def _security(server: SearchServer) -> list[Check]:
    """TLS and the key, as the settings have them."""
    address = urlsplit(server.url)
    outcome: Outcome = "ok"
    found, zh, en = f"{address.scheme}, {'an API key' if server.api_key else 'no API key'}", "", ""
    if server.ca_file is not None and not server.ca_file.is_file():
        outcome, found = "failed", f"THREEGATES_ELASTICSEARCH_CA_FILE: {server.ca_file} is not there"
        zh, en = "更正证书文件的路径。", "Correct the path of the certificate file."
    elif address.scheme == "http" and address.hostname not in ("127.0.0.1", "localhost", "::1"):
        outcome = "failed" if server.api_key else "warning"
        found += ": everything travels unencrypted"
        zh, en = "改用 https 地址。", "Use its https address."
    return [Check("elasticsearch-security", "Elasticsearch 加密和密钥", "TLS and API key", outcome, found, zh, en)]


def _search_unreachable(error: Exception) -> Check:
    reason = getattr(error, "reason", error)
    zh = "启动 Elasticsearch,或检查 THREEGATES_ELASTICSEARCH_URL;本机可用 make run 或 threegates up 启动。"
    en = "Start it, or check THREEGATES_ELASTICSEARCH_URL; `make run` or `threegates up` runs one here."
    found = f"does not answer ({type(reason).__name__})"
    if isinstance(error, urllib.error.HTTPError):
        found = f"answers {error.code}"
        if error.code in (401, 403):
            zh = "检查 THREEGATES_ELASTICSEARCH_API_KEY 及其权限(monitor,以及索引前缀的 all)。"
            en = "Check THREEGATES_ELASTICSEARCH_API_KEY and its rights (monitor; all on the index prefix)."
        error.close()
    elif isinstance(reason, ssl.SSLCertVerificationError):
        found = f"its certificate is not trusted ({reason.verify_message})"
        zh = "将其证书颁发机构写入 THREEGATES_ELASTICSEARCH_CA_FILE。"
        en = "Name its certificate authority in THREEGATES_ELASTICSEARCH_CA_FILE."
    return Check("elasticsearch", "Elasticsearch 连接", "Elasticsearch", "failed", found, zh, en)


def _search_version(versions: list[str]) -> Check:
    good = bool(versions) and all(version.split(".")[0] == "9" for version in versions)
    return Check(
        "elasticsearch-version",
        "Elasticsearch 版本",
        "Elasticsearch's version",
        "ok" if good else "failed",
        ", ".join(versions) or "unknown",
        "" if good else "使用 Elasticsearch 9:客户端 9 与其他主版本不兼容。",
        "" if good else "Use Elasticsearch 9: client 9 does not speak to other major versions.",
    )


def _search_health(status: str) -> Check:
    good = status in ("green", "yellow")
    return Check(
        "elasticsearch-health",
        "Elasticsearch 状态",
        "Elasticsearch's health",
        "ok" if good else "failed",
        status,
        "" if good else "检查其日志和磁盘;索引只是副本,可用 threegates reindex 重建。",
        "" if good else "See its log and its disk; the index is a copy: `threegates reindex` builds it anew.",
    )


def _watermark(free: int, blocked: list[str]) -> Check:
    outcome: Outcome = "failed" if blocked or free < LITTLE_SPACE / 4 else "warning" if free < LITTLE_SPACE else "ok"
    found = f"{free / GIGABYTE:.1f} GB free" + (f"; read-only: {', '.join(blocked[:3])}" if blocked else "")
    return Check(
        "elasticsearch-disk",
        "Elasticsearch 磁盘",
        "Elasticsearch's disk",
        outcome,
        found,
        "" if outcome == "ok" else "释放其磁盘空间;空间足够后只读标记会自动解除。",
        "" if outcome == "ok" else "Free space on its disk; the read-only mark goes away once there is enough.",
    )
