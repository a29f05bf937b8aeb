"""api_fuzz: every operation and page, as described and not, by everybody: no 5xx, as declared, nothing let out."""

import asyncio
import os
import random
import re
import secrets
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Final

import asyncpg
import httpx
import jsonschema_rs

import portal.pages
from connectors.agency import load_agencies
from deploy.agencies.play import played
from jobs.pipeline import Work, judge, link
from jobs.sync import Sync, sync_now
from portal.security import FORM_COOKIE
from portal.viewing import SIGN_IN_COOKIE, hash_of
from registry.clock import civil_day, now
from registry.database import make_engine
from registry.roles import ROLES, SCOPES, permissions_of, permissions_of_key
from tests.faults import world
from tests.faults.account import Account
from tests.faults.fuzzing import ECHO, Maker, Sent
from tests.portal.conftest import answers, child, free_port, wait_for
from tests.scratch_server import database

# Requests an operation and caller, and a page and caller.
SCALES: Final = {"small": (1, 1), "full": (8, 1)}
# At small scale each operation and page is asked by so many, the next by the next ones.
SOME: Final = (5, 1)
RECORDS: Final = 40
AT_ONCE: Final = 8
ROOT: Final = Path(__file__).parents[2]
# A contract's number: only who may see credit may read it.
CONFIDENTIAL: Final = "FUZZHT7731"
LENDER: Final = "唐山示例银行"
# kind, lanes, names under which it lends
ORGANISATIONS: Final = {
    "land": ("agency", ["land"], []),
    "finance": ("agency", ["credit"], []),
    "bank": ("bank", [], ["示例另一银行"]),
}
# What would end the callers themselves goes without the token of a form, and is refused.
ENDS_CALLERS: Final = re.compile(r"/sign-out|/account/sign-ins/end|/account/password")
# Headers that an answer has only where there is something to say.
SOMETIMES: Final = frozenset({"Link", "Idempotent-Replayed"})
INSIDE: Final = re.compile(r"Traceback|asyncpg|sqlalchemy|pydantic|File \"|SELECT .{1,80} FROM|postgresql://")


@dataclass(frozen=True)
class Caller:
    """Somebody who calls: what the headers say, and whether credit in detail is for them."""

    name: str
    headers: dict[str, str]
    sees_credit: bool = False


async def run(url: str, account: Account) -> None:
    """Ask everything and count what must not be."""
    async with database(url, "fault_api_fuzz") as dsn:
        loan = await _populate(dsn, account.seed)
        callers = await _callers(dsn, account.scale)
        with tempfile.TemporaryDirectory() as folder, _portal(dsn, Path(folder)) as address:
            counted = await _ask_everything(address, callers, loan, account)
            if counted["server_errors"]:
                # What the portal said of it: the register is invented, and the log is gone with the folder.
                account.breaches.append((Path(folder) / "portal.log").read_text(errors="replace")[-8000:])
    account.counters = {"callers": len(callers), "seconds_of_requests": counted.pop("seconds")}
    names = ("operations", "pages", "requests", "2xx", "3xx", "4xx")
    broken = ("server_errors", "schema_breaks", "protocol_breaks", "echoes", "insides", "confidential")
    account.counters |= {name: counted[name] for name in (*names, *broken)}
    for name in broken:
        account.expect(name, counted[name], 0)
    # What is withheld is there, and is read by those who may.
    for name in ("2xx", "4xx", "of_credit"):
        account.expect(f"answers of the kind {name}", counted[name] > 0, True)


async def _populate(dsn: str, seed: int) -> int:
    """A register with records, links and findings; its loans bear a number that few may read; returns one of them."""
    feeds = {name: world.records(name, RECORDS, seed) for name in world.ACTS}
    for position, record in enumerate(feeds["finance"]):
        record |= {"number": f"{CONFIDENTIAL}{position}", "authority": LENDER, "amount": "77310000"}
    engine, never = make_engine(dsn), asyncio.Event()
    try:
        await world.register(engine)
        with played(feeds) as players:
            os.environ.update(players.environment)
            for agency in load_agencies().values():
                await sync_now(Sync(engine, never), agency)
        work = Work(engine, never, _no_search)
        await link(work)
        await judge(work)
    finally:
        await engine.dispose()
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval("SELECT min(record_id) FROM records WHERE act = 'loan'"))
    finally:
        await connection.close()


def _no_search() -> Any:
    raise AssertionError("linking and judging ask no index")


@contextmanager
def _portal(dsn: str, folder: Path) -> Iterator[str]:
    """The real portal before the database; search has no index and answers from PostgreSQL."""
    port = free_port()
    environment = os.environ | {
        "THREEGATES_DATABASE_URL": dsn,
        "THREEGATES_ELASTICSEARCH_URL": "http://127.0.0.1:9",
        "THREEGATES_DATA_FOLDER": str(folder),
        "THREEGATES_PUBLIC_RATE": "1000000",
    }
    arguments = [sys.executable, "-m", "uvicorn", "portal.web:application", "--port", str(port)]
    with child([*arguments, "--log-level", "critical"], environment, ROOT, folder / "portal.log"):
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/health/ready"), "the portal", 60)
        yield f"http://127.0.0.1:{port}"


async def _callers(dsn: str, scale: str) -> list[Caller]:
    """The public, keys of every scope, people of every role: of an agency, of finance, of a bank."""
    callers = [Caller("public", {}), Caller("unknown key", {"authorization": "Bearer tg_nobody"})]
    connection = await asyncpg.connect(dsn)
    at = now()
    try:
        # Numbers that forms name by chance are nobody who calls.
        for table in ("accounts", "api_keys", "sign_ins", "role_grants"):
            await connection.execute(f"ALTER TABLE {table} ALTER COLUMN id RESTART WITH 100000")
        for name, (kind, lanes, lenders) in ORGANISATIONS.items():
            await connection.execute(
                "INSERT INTO organisations (id, kind, name_zh, name_en, lanes, region, lender_names, invented, "
                "created_at) VALUES ($1, $2, '示例机构', 'Invented', $3, '000000', $4, true, $5)",
                name, kind, lanes, lenders, at,
            )  # fmt: skip
            whole = scale == "full" or name == "land"
            for scopes in [*([[one] for one in SCOPES] if whole else []), list(SCOPES)]:
                secret = secrets.token_urlsafe(32)
                await connection.execute(
                    "INSERT INTO api_keys (name, key_hash, scopes, created_at, organisation_id, created_by, rate, "
                    "revoked_by) VALUES ($1, $2, $3, $4, $5, '', 1000000, '')",
                    f"{name} {scopes}", hash_of(secret), scopes, at, name,
                )  # fmt: skip
                granted = permissions_of_key(frozenset(scopes), kind, frozenset(lanes))  # type: ignore[arg-type]  # a kind
                headers = {"authorization": f"Bearer {secret}"}
                callers.append(Caller(f"key of {name}, {'+'.join(scopes)}", headers, "credit" in granted))
            for role in ROLES if whole else ("reader",):
                secret = await _sign_in(connection, name, role)
                permissions = permissions_of(frozenset({role}), kind, frozenset(lanes))  # type: ignore[arg-type]  # a kind
                headers = {"cookie": f"{SIGN_IN_COOKIE}={secret}", "sec-fetch-site": "same-origin"}
                callers.append(Caller(f"{role} of {name}", headers, "credit" in permissions))
    finally:
        await connection.close()
    return callers


async def _sign_in(connection: asyncpg.Connection, organisation: str, role: str) -> str:
    """A person with one role who is signed in; returns the cookie's value."""
    at, secret = now(), secrets.token_urlsafe(32)
    number = await connection.fetchval(
        "INSERT INTO accounts (login, name, organisation_id, region, state, invented, created_at) "
        "VALUES ($1, '示例人员', $2, '000000', 'active', true, $3) RETURNING id",
        f"{organisation}-{role}", organisation, at,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO role_grants (account_id, role, held_from, granted_by, granted_at) VALUES ($1, $2, $3, 'test', $4)",
        number, role, civil_day(at), at,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO sign_ins (account_id, secret_hash, method, began_at, seen_at, ends_at, purpose) "
        "VALUES ($1, $2, 'provider', $3, $3, $4, '示例事项')",
        number, hash_of(secret), at, at + timedelta(hours=8),
    )  # fmt: skip
    return secret


def _pages() -> list[tuple[str, str]]:
    """Method and path of every page and form."""
    found: list[tuple[str, str]] = []
    for module in iter_modules(portal.pages.__path__):
        routes: list[Any] = import_module(f"portal.pages.{module.name}").router.routes
        found += [(method, route.path) for route in routes for method in sorted(route.methods)]
    return found


def _some(callers: list[Caller], place: int, count: int, account: Account) -> list[Caller]:
    """All callers, or at small scale so many, with every place others."""
    if account.scale == "full":
        return callers
    return [callers[(count * place + one) % len(callers)] for one in range(count)]


async def _ask_everything(address: str, callers: list[Caller], loan: int, account: Account) -> Counter[str]:
    counted: Counter[str] = Counter()
    chance = random.Random(account.seed)
    times, page_times = SCALES[account.scale]
    began = asyncio.get_running_loop().time()
    # Given up before the server gives it up (5 s): a request must not meet a connection that is just being closed.
    limits = httpx.Limits(max_connections=AT_ONCE, keepalive_expiry=2)
    async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=60, limits=limits) as client:
        description = (await client.get("/api/openapi.json")).json()
        maker = Maker(description, chance)
        judge_of = Judge(description, account, counted)
        asked: list[tuple[Caller, Sent, dict[str, Any] | None]] = []
        record = description["paths"]["/api/v1/records/{record_id}"]["get"]
        asked += [(caller, Sent("GET", f"/api/v1/records/{loan}"), record) for caller in callers]
        operations = [
            (path, method, one) for path, item in description["paths"].items() for method, one in item.items()
        ]
        for place, (path, method, operation) in enumerate(operations):
            for caller in _some(callers, place, SOME[0], account):
                asked += [(caller, maker.request(method.upper(), path, operation), operation) for _ in range(times)]
        pages = _pages()
        for place, (method, path) in enumerate(pages):
            token = "" if ENDS_CALLERS.search(path) else "t" * 40
            for caller in _some(callers, place, SOME[1], account):
                asked += [(caller, maker.page(method, path, token), None) for _ in range(page_times)]
        counted |= {"operations": len(operations), "pages": len(pages)}
        chance.shuffle(asked)
        gate = asyncio.Semaphore(AT_ONCE)

        async def ask(caller: Caller, sent: Sent, operation: dict[str, Any] | None) -> None:
            async with gate:
                headers = caller.headers | sent.headers
                if operation is None:
                    headers["cookie"] = f"{caller.headers.get('cookie', 'x=y')}; {FORM_COOKIE}={'t' * 40}"
                try:
                    answer = await client.request(sent.method, sent.path, headers=headers, content=sent.body)
                except httpx.RemoteProtocolError as error:
                    judge_of.broken("protocol_breaks", f"{sent.method} {sent.path[:160]} by {caller.name}: {error}")
                    return
            judge_of.judge(caller, sent, operation, answer)

        await asyncio.gather(*(ask(*one) for one in asked))
    counted["seconds"] = round(asyncio.get_running_loop().time() - began)
    return counted


class Judge:
    """Holds answers against the description and against what no answer may say."""

    def __init__(self, description: dict[str, Any], account: Account, counted: Counter[str]) -> None:
        self.description = description
        self.account = account
        self.counted = counted
        self.validators: dict[str, Any] = {}

    def judge(self, caller: Caller, sent: Sent, operation: dict[str, Any] | None, answer: httpx.Response) -> None:
        """Count one answer, and note what it breaks: the request with it, which is invented."""
        self.counted["requests"] += 1
        self.counted[f"{answer.status_code // 100}xx"] += 1
        text = answer.text
        said = f"{sent.method} {sent.path[:160]} by {caller.name}: {answer.status_code}"
        if answer.status_code >= 500:
            self.broken("server_errors", f"{said} {(sent.body or b'')[:300]!r}")
        if CONFIDENTIAL in text:
            self.counted["of_credit"] += 1
            if not caller.sees_credit:
                self.broken("confidential", said)
        if answer.status_code >= 400 and INSIDE.search(text):
            self.broken("insides", said)
        if operation is None:
            return
        if answer.status_code >= 400 and ECHO in text:
            self.broken("echoes", said)
        if why := self._differs(operation, answer):
            self.broken("schema_breaks", f"{said}: {why}")

    def broken(self, kind: str, said: str) -> None:
        """Count what does not hold; the first twenty of a kind are told."""
        self.counted[kind] += 1
        if self.counted[kind] <= 20:
            self.account.breaches.append(f"{kind}: {said}")

    def _differs(self, operation: dict[str, Any], answer: httpx.Response) -> str:
        """In what an answer is not as the operation declares it; empty where it is."""
        declared = operation["responses"].get(str(answer.status_code))
        if declared is None:
            return "status not declared"
        if "$ref" in declared:
            declared = self.description["components"]["responses"][declared["$ref"].rpartition("/")[2]]
        for name in declared.get("headers", {}):
            if name not in answer.headers and name not in SOMETIMES:
                return f"no header {name}"
        if "content" not in declared:
            return "a body" if answer.content else ""
        (kind, content), *_others = declared["content"].items()
        if answer.headers["content-type"].partition(";")[0] != kind:
            return f"content type {answer.headers['content-type']}"
        body = answer.json()
        for error in self._validator(content["schema"]).iter_errors(body):
            return f"{'/'.join(map(str, error.instance_path))}: {error.message[:200]}"
        if answer.status_code >= 400 and not (body["remedy"] and body["status"] == answer.status_code):
            return "a problem without remedy, or of another status"
        return ""

    def _validator(self, schema: dict[str, Any]) -> Any:
        name = str(schema)
        if name not in self.validators:
            whole = {**schema, "components": self.description["components"]}
            self.validators[name] = jsonschema_rs.validator_for(whole)
        return self.validators[name]
