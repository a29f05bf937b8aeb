"""Every page and resource as its viewers get it: the bytes of each answer are searched for what is not theirs."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from registry.database import engine, transaction
from registry.reading import rows
from registry.viewers import Viewer, become
from tests.faults.account import Account
from tests.faults.rights_world import ORGANISATIONS, Credit, Looking, code

# Questions that a path alone does not ask.
ASKED = {
    "/findings": ("?lane=credit", "?state=all"),
    "/api/v1/findings": ("?lane=credit&limit=200", "?state=all&limit=200"),
    "/search": ("?q=示例", "?q=TGLOAN0000", "?q=示例甲银行", "?q=7341200053"),
    "/api/v1/search": ("?q=示例", "?q=TGLOAN0000", "?q=示例甲银行", "?q=7341200053"),
    "/review": ("?state=decided", "?state=second"),
    "/api/v1/reviews": ("?state=decided&limit=200",),
    "/suspected": ("?state=all&q=示例",),
    "/audit": ("?action=project",),
    "/audit.csv": ("?action=project",),
    "/projects/by-code/{code}": (),
}
# Answers that hold nothing of the register, or end the way somewhere else.
LEFT_OUT = ("/sign-in/provider", "/sign-in/return", "/api/docs/files")


def routes(given: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every method and path of an application or router."""
    for route in given.routes:
        if hasattr(route, "original_router"):
            yield from routes(route.original_router, prefix + (route.include_context.prefix or ""))
        elif getattr(route, "methods", None):
            yield from ((method, prefix + route.path) for method in sorted(route.methods - {"HEAD"}))


def addresses(application: Any, ids: dict[str, list[Any]], account: Account) -> list[str]:
    """Every address that is read by GET, its parameters filled with each of their values in turn."""
    found = []
    for method, path in routes(application):
        if method != "GET" or path.startswith(LEFT_OUT):
            continue
        names = re.findall(r"\{(\w+)(?::\w+)?\}", path)
        plain = re.sub(r":\w+\}", "}", path)
        if unknown := set(names) - set(ids):
            # A page that nobody looks at proves nothing: what stands behind its parameter is said in `_ids`.
            account.breaches.append(f"{path}: tests/faults/rights_pages.py knows no values of {sorted(unknown)}")
            continue
        # Only the first parameter is turned: what follows is part of the same thing.
        for value in ids[names[0]] if names else [None]:
            filled = {name: (value if name == names[0] else ids[name][0]) for name in names}
            address = plain.format(**filled)
            found += [address, *(address + question for question in ASKED.get(path, ()))]
    return found


async def _ids(projects: list[int]) -> dict[str, list[Any]]:
    """What there is to look at, asked as somebody whom nothing is withheld from."""
    everything = Viewer("key", region="000000", permissions=frozenset({"internal", "credit", "accounts", "audit"}))
    async with transaction(engine()) as session:
        await become(session, everything)

        async def numbers(statement: str) -> list[Any]:
            return [row["one"] for row in await rows(session, statement)]

        return {
            "project_id": projects,
            "code": [code(number) for number in range(len(projects))],
            "enterprise_id": await numbers("SELECT id AS one FROM enterprises ORDER BY id"),
            "record_id": await numbers("SELECT DISTINCT record_id AS one FROM records ORDER BY 1"),
            "fingerprint": await numbers("SELECT DISTINCT fingerprint AS one FROM findings ORDER BY 1"),
            "account_id": [1, 2],
            "notice_id": [1],
            "approval_id": [1],
            "rule_id": ["credit-without-formalities"],
            "organisation_id": list(ORGANISATIONS)[:2],
            # A thread and its part bear their desk's name: tests/faults/rights_world.py.
            "thread": list(ORGANISATIONS)[:2],
            "part": list(ORGANISATIONS)[:2],
            "suspected_id": await numbers("SELECT id AS one FROM suspected_projects ORDER BY id") or [1],
            "batch_id": await numbers("SELECT id AS one FROM gate_batches ORDER BY id") or [1],
            "check_id": await numbers("SELECT id AS one FROM gate_checks ORDER BY id") or [1],
            "address": await numbers("SELECT address AS one FROM gate_checks ORDER BY id") or ["nothing"],
            "reference": await numbers("SELECT reference AS one FROM obligations ORDER BY 1") or ["nothing"],
            "path": ["v1/projects"],
            "case_number": await numbers("SELECT number AS one FROM cases ORDER BY id LIMIT 4") or ["nothing"],
            "task_id": await numbers("SELECT id AS one FROM case_tasks ORDER BY id LIMIT 4") or [1],
            "file_id": await numbers("SELECT id AS one FROM case_files ORDER BY id LIMIT 1") or [1],
            "alert_id": await numbers("SELECT min(id) AS one FROM alerts GROUP BY lane ORDER BY 1") or [1],
            "webhook_id": [1],
            "secret": ["nothing"],
            "draft_id": await numbers("SELECT id AS one FROM proposals ORDER BY id") or [1],
            "publication_id": await numbers("SELECT id AS one FROM publications ORDER BY id") or [1],
            "version_number": [1],
            "document": await numbers("SELECT id AS one FROM law_documents ORDER BY id"),
        }


async def look(
    client: Any, account: Account, lookers: list[Looking], credit: list[Credit], projects: list[int], share: int
) -> None:
    """As each of them through all addresses, or through every one of `share`, the next looker through the next ones."""
    counted: Counter[str] = Counter()
    await client.get("/health/ready")
    asked = addresses(client.application, await _ids(projects), account)
    patterns = {one.key: _pattern(one.marks()) for one in credit}
    for place, who in enumerate(lookers):
        found: set[str] = set()
        for address in asked[place % share :: share]:
            answer = await client.get(address, headers={"accept-language": "zh", **who.headers})
            counted["answers"] += 1
            counted["refused"] += answer.status_code in (401, 403, 404)
            if answer.status_code >= 500:
                account.breaches.append(f"{who.name} gets {answer.status_code} from {address}")
            # A search says again what was asked.
            text = answer.text.replace(address.partition("?q=")[2] or "\0", "")
            for one in credit:
                if not patterns[one.key].search(text):
                    continue
                found.add(one.key)
                if not who.sees_credit_of(one.lender, one.region):
                    counted["leaks"] += 1
                    account.breaches.append(f"{who.name} finds credit {one.key} in {address}")
            _others(account, who, address, text)
        mine = {one.key for one in credit if who.sees_credit_of(one.lender, one.region)}
        if share == 1:
            account.expect(f"{who.name} finds the credit that is theirs", found >= mine, True)
        counted["credit_found"] += len(found)
    account.counters |= {"addresses": len(asked), **dict(counted)}
    account.counters.setdefault("leaks", 0)


def _pattern(marks: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the marks, not within a longer number or word: digests hold all digits sooner or later."""
    return re.compile(r"(?<![0-9A-Za-z,.])(?:" + "|".join(re.escape(mark) for mark in marks) + ")")


def _others(account: Account, who: Looking, address: str, text: str) -> None:
    """Entries of the audit are for their own auditors; what an agency sent broken is for who operates."""
    for organisation in ORGANISATIONS:
        theirs = organisation == who.viewer.organisation_id
        nation = who.kind == "agency" and who.viewer.region == "000000"
        if f"TGWHY{organisation}。" in text and not (who.may("audit") and (theirs or nation)):
            account.breaches.append(f"{who.name} reads the audit of {organisation} in {address}")
        names = who.may("internal", "accounts", "audit") or theirs
        if f"TGNAME{organisation}/" in text and not names:
            account.breaches.append(f"{who.name} reads who works for {organisation} in {address}")
    if "TGBROKEN" in text and not who.may("operate"):
        account.breaches.append(f"{who.name} reads what was refused in {address}")
