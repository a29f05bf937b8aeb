"""Every way in that changes something leaves an entry in the audit, and so does everybody who is shown credit."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import asyncpg
import pyotp
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from portal.security import FORM_COOKIE
from registry import clock
from registry.account_writing import NewAccount, create_account
from registry.database import make_engine, transaction
from registry.one_time_codes import opened_secret
from registry.viewers import NATION, Viewer
from tests.faults.rights_pages import routes
from tests.faults.rights_world import Credit, Looking, build, code, people
from tests.faults.rls_matrix import portal

TOKEN: Final = "t" * 40
PASSWORD: Final = "a long password of 甲 17"
# Ways in that change nothing which counts, and why.
EXPLAINED: Final = {
    ("POST", "/account/codes/new"): "shows a new secret; it counts once /account/codes confirms it, which is entered",
    ("POST", "/rules/drafts/{draft_id:int}/backtest"): "asks for a trial, which puts nothing in force",
    **{
        ("POST", path): "a check is its own entry: who asked what, when, and the signed answer, which nobody can change"
        for path in (
            "/gate-check",
            "/gate-check/batch",
            "/gate-check/receipts/{address}/re-check",
            "/api/gate-check",
            "/api/gate-check/batch",
            "/api/gate-check/{check_id}/re-check",
            "/api/v1/gate-check",
            "/api/v1/gate-check/batch",
            "/api/v1/gate-check/{check_id}/re-check",
        )
    },
}
# Whose own tests look for the entry of every change they send: tests/portal/test_reviews.py (World._entered),
# test_publishing_pages.py, test_law_life_pages.py and, for what puts a value in force or takes a draft back,
# tests/registry/test_law_drafting.py.
IN_THEIR_TESTS: Final = {
    # tests/portal/test_tips.py
    ("POST", "/tip-keys"),
    ("POST", "/tip-parts/{part}"),
    ("POST", "/tips/{thread}"),
    # test_alerts.py
    ("POST", "/alerts"),
    ("POST", "/alerts/{alert_id:int}"),
    ("POST", "/webhooks"),
    ("POST", "/webhooks/{webhook_id:int}"),
    ("POST", "/webhooks/{webhook_id:int}/test"),
    ("POST", "/account/notifications"),
    ("POST", "/account/feed"),
    ("POST", "/api/v1/alerts/{alert_id}/acknowledge"),
    ("POST", "/api/v1/alerts/{alert_id}/snooze"),
    ("POST", "/findings/{fingerprint}"),
    ("POST", "/api/v1/findings/{fingerprint}/decisions"),
    ("POST", "/obligations/{reference}"),
    ("POST", "/rules/drafts"),
    ("POST", "/rules/drafts/{draft_id:int}/activate"),
    ("POST", "/rules/drafts/{draft_id:int}/refuse"),
    ("POST", "/rules/drafts/{draft_id:int}/withdraw"),
    ("POST", "/publishing"),
    ("POST", "/publishing/{publication_id:int}"),
    ("POST", "/review/undo"),
    ("POST", "/review/{record_id:int}"),
    ("POST", "/suspected/{suspected_id:int}/draft"),
    ("POST", "/suspected/{suspected_id:int}/settle"),
    ("POST", "/api/v1/reviews/{record_id}/decisions"),
    ("POST", "/api/v1/reviews/decisions/{decision_id}/undo"),
    ("POST", "/api/v1/suspected/{suspected_id}/proposals"),
    ("POST", "/api/v1/suspected/proposals/{proposal_id}/settle"),
    # tests/portal/test_case_pages.py (Office.send, and the case's own count of entries in tests/registry/test_cases.py)
    ("POST", "/cases/new"),
    ("POST", "/cases/{case_number}/step"),
    ("POST", "/cases/{case_number}/ask"),
    ("POST", "/cases/{case_number}/task"),
    ("POST", "/cases/{case_number}/note"),
    ("POST", "/cases/{case_number}/arrange"),
    ("POST", "/case-files/{case_number}"),
    ("POST", "/desk/assign"),
    ("POST", "/api/v1/cases"),
    ("POST", "/api/v1/cases/{case_number}/steps"),
    ("POST", "/api/v1/cases/{case_number}/tasks"),
    ("POST", "/api/v1/cases/tasks/{task_id}/answer"),
}
Entry = dict[str, Any]


class Office:
    """The portal in this process, people who use it, and the audit they leave."""

    def __init__(
        self,
        client: Any,
        engine: AsyncEngine,
        owner: asyncpg.Connection,
        lookers: list[Looking],
        credit: list[Credit],
    ) -> None:
        self.client = client
        self.engine = engine
        self.owner = owner
        self.people = {one.name: one for one in lookers}
        self.credit = credit
        self.walked: set[tuple[str, str]] = set()
        self.last = 0
        # The ETag of what a change over the API has seen.
        self.seen = ""

    async def version(self, who: str, path: str) -> str:
        """The version that a form was filled with."""
        self.client.cookies.clear()
        page = str((await self.client.get(path, headers=self.people[who].headers)).text)
        return str(re.findall(r'name="version" value="([^"]*)"', page)[0])

    def account(self, name: str) -> int:
        """The number of a person's account."""
        return int(self.people[name].viewer.account_id or 0)

    async def new(self) -> list[Entry]:
        """The entries since the last look."""
        found = await self.owner.fetch("SELECT * FROM audit_entries WHERE id > $1 ORDER BY id", self.last)
        self.last = max([self.last, *(row["id"] for row in found)])
        return [dict(row) for row in found]

    async def send(self, who: str, method: str, path: str, action: str, form: Any = None, **filled: Any) -> Entry:
        """Send something as somebody; the entry with this action that it left."""
        await self.new()
        self.walked.add((method, path))
        said = self.people[who].headers
        address = path.replace(":int", "").format(**filled)
        self.client.cookies.clear()
        if path.startswith("/api/"):
            headers = {**said, "idempotency-key": "a-key-of-a-test", "if-match": self.seen}
            answer = await self.client.request(method, address, json=form, headers=headers)
        else:
            cookies = "; ".join(part for part in (said.get("cookie"), f"{FORM_COOKIE}={TOKEN}") if part)
            files = (form or {}).pop("files", None)
            fields = {**(form or {}), "form_token": TOKEN}
            answer = await self.client.request(method, address, data=fields, files=files, headers={"cookie": cookies})
        assert answer.status_code < 400 or action.endswith("refuse"), (path, answer.status_code, answer.text[-800:])
        entries = [one for one in await self.new() if one["action"] == action]
        assert entries, f"{method} {path} left no entry {action}"
        assert entries[0]["request_id"], "the entry does not say in which request"
        return entries[0]


@pytest_asyncio.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    """A register with credit, its people, and the portal."""
    owner = make_engine(database_url)
    connection = await asyncpg.connect(database_url)
    try:
        credit = await build(owner, 2, ("loan",))
        lookers = await people(connection)
        async with portal(database_url) as (client, _projects):
            await client.get("/health/ready")
            yield Office(client, owner, connection, lookers, credit)
    finally:
        await connection.close()
        await owner.dispose()


async def _with_password(office: Office) -> None:
    """One more person of the office, who signs in by password."""
    loader = Viewer("person", actor="test", region=NATION, permissions=frozenset({"accounts"}))
    async with transaction(office.engine) as session:
        account, _ = await create_account(
            session, loader, NewAccount("changer", "示例", "office", invented=True), clock.now(), password=PASSWORD
        )
    await office.owner.execute("UPDATE accounts SET must_change_password = false WHERE id = $1", account)
    sign_in = office.people["office/reader"]
    cookie = "threegates_sign_in=changer"
    await office.owner.execute(
        "INSERT INTO sign_ins (account_id, secret_hash, method, began_at, seen_at, ends_at) "
        "VALUES ($1, sha256('changer'), 'provider', now(), now(), now() + interval '1 hour')",
        account,
    )
    viewer = Viewer("person", account, actor="changer", organisation_id="office", region=NATION)
    office.people["changer"] = Looking("changer", viewer, sign_in.kind, (), {"cookie": cookie})


async def _code(office: Office) -> str:
    row = await office.owner.fetchrow("SELECT id, totp_pending, totp_sealed FROM accounts WHERE login = 'changer'")
    secret = opened_secret(bytes(row["totp_pending"] or row["totp_sealed"]), row["id"])
    assert secret is not None
    return pyotp.TOTP(secret).at(clock.now())


async def test_every_way_in_that_changes_something_leaves_an_entry(office: Office) -> None:
    await _projects(office)
    await _over_the_api(office)
    await _administrator(office)
    await _own_account(office)
    await _sign_ins(office)
    every = {(method, path) for method, path in routes(office.client.application) if method != "GET"}
    shown = office.walked | set(EXPLAINED) | IN_THEIR_TESTS
    assert every - shown == set(), "ways in that nobody has shown to leave an entry"
    assert shown - every == set(), "ways in that are not there any more"


async def _projects(office: Office) -> None:
    form = {"code": code(90), "name": "示例九十号炼钢项目", "owner_name": "示例九十号有限公司", "sector": "steel"}
    form |= {"region": "130200", "nature": "new_build", "stage": "construction", "reason": "清单"}
    entry = await office.send("office/officer", "POST", "/projects/new", "project.register", form)
    assert entry["why"] == "清单" and entry["before"] is None and "示例九十号炼钢项目" in entry["after"]
    project = int(entry["subject"])
    path = "/projects/{project_id:int}/edit"
    form |= {"stage": "operating", "reason": "录入有误"}
    form["version"] = await office.version("office/officer", f"/projects/{project}/edit")
    entry = await office.send("office/officer", "POST", path, "project.correct", form, project_id=project)
    assert (entry["before"], entry["after"]) == ('{"stage": "construction"}', '{"stage": "operating"}')
    assert (entry["actor"], entry["organisation_id"]) == ("office.officer", "office")
    path = "/projects/{project_id:int}/approvals/new"
    form = {"kind": "filing", "number": "示例备〔2014〕1号", "issued": "2014-06-01", "reason": "补录"}
    entry = await office.send("office/officer", "POST", path, "project.correct", form, project_id=project)
    assert "示例备〔2014〕1号" in entry["after"]
    approval = await office.owner.fetchval("SELECT approval_id FROM approvals WHERE project_id = $1", project)
    path = "/projects/{project_id:int}/approvals/{approval_id:int}/edit"
    form = {"kind": "filing", "number": "示例备〔2014〕2号", "issued": "2014-06-01", "reason": "更正"}
    filled = {"project_id": project, "approval_id": approval}
    form["version"] = await office.version("office/officer", f"/projects/{project}/approvals/{approval}/edit")
    entry = await office.send("office/officer", "POST", path, "project.correct", form, **filled)
    assert "1号" in entry["before"] and "2号" in entry["after"]
    heading = "code,name,owner_name,sector,region,nature,stage"
    table = f"{heading}\n{code(92)},示例,示例九十号有限公司,steel,130200,new_build,construction\n"
    file = ("list.csv", table.encode(), "text/csv")
    sent: dict[str, Any] = {"confirm": "1", "reason": "清单", "files": {"file": file}}
    await office.send("office/officer", "POST", "/projects/import", "project.register", sent)


async def _over_the_api(office: Office) -> None:
    item = {
        "code": code(94),
        "name": "示例",
        "owner_name": "示例九十四号有限公司",
        "sector": "steel",
        "region": "130200",
    }
    body = {"reason": "接口", "projects": [item | {"nature": "new_build", "stage": "construction"}]}
    entry = await office.send("office/key", "POST", "/api/v1/projects", "project.register", body)
    assert entry["actor_kind"] == "key"
    path, change = "/api/v1/projects/{project_id}", {"reason": "更正", "changes": {"stage": "operating"}}
    read = await office.client.get(
        path.format(project_id=entry["subject"]), headers=office.people["office/key"].headers
    )
    office.seen = read.headers["etag"]
    await office.send("office/key", "PATCH", path, "project.correct", change, project_id=entry["subject"])


async def _administrator(office: Office) -> None:
    who = "office/administrator"
    form = {"id": "example-office", "kind": "agency", "name_zh": "示例机关", "region": "130000"}
    await office.send(who, "POST", "/organisations", "organisation.create", form)
    organisation = "/organisations/{organisation_id}"
    form = {"name_zh": "示例机关二", "lanes": "land"}
    entry = await office.send(who, "POST", organisation, "organisation.change", form, organisation_id="example-office")
    assert "示例机关二" in entry["after"]
    gone = {"reason": "撤并"}
    await office.send(who, "POST", f"{organisation}/end", "organisation.end", gone, organisation_id="example-office")
    form = {"login": "newcomer", "name": "示例", "organisation_id": "office"}
    entry = await office.send(who, "POST", "/people", "account.create", form)
    account = int(entry["subject"])
    person = "/people/{account_id:int}"
    change = {"name": "示例二", "email": "", "region": "000000", "language": "zh"}
    change["version"] = await office.version(who, f"/people/{account}")
    entry = await office.send(who, "POST", f"{person}/change", "account.change", change, account_id=account)
    assert "示例二" in entry["after"] and "示例二" not in entry["before"]
    grant = {"role": "reader", "reason": "新到"}
    entry = await office.send(who, "POST", f"{person}/grant", "role.grant", grant, account_id=account)
    assert entry["why"] == "新到"
    number = await office.owner.fetchval("SELECT id FROM role_grants WHERE account_id = $1", account)
    await office.send(who, "POST", f"{person}/revoke", "role.revoke", {"grant": str(number)}, account_id=account)
    await office.send(who, "POST", f"{person}/reset", "account.reset", {"reason": "遗失"}, account_id=account)
    await office.send(who, "POST", f"{person}/invite", "account.invite", {}, account_id=account)
    await office.send(who, "POST", f"{person}/unlock", "account.unlock", {}, account_id=account)
    theirs = office.account("office/reader")
    await office.send(who, "POST", f"{person}/sign-ins/end", "sign_in.end", {}, account_id=theirs)
    await office.send(who, "POST", f"{person}/end", "account.end", {"reason": "离任"}, account_id=account)
    form = {"name": "示例系统", "organisation_id": "office", "scopes": "read", "rate": "10"}
    form["expires"] = (clock.today() + timedelta(days=30)).isoformat()
    entry = await office.send(who, "POST", "/keys", "key.create", form)
    await office.send(who, "POST", "/keys/rotate", "key.rotate", {"key": entry["subject"]})
    await office.send(who, "POST", "/keys/revoke", "key.revoke", {"key": entry["subject"]})


async def _own_account(office: Office) -> None:
    await _with_password(office)
    who = "changer"
    office.client.cookies.clear()
    cookies = f"{office.people[who].headers['cookie']}; {FORM_COOKIE}={TOKEN}"
    await office.client.post("/account/codes/new", data={"form_token": TOKEN}, headers={"cookie": cookies})
    await office.send(who, "POST", "/account/codes", "account.set_up_codes", {"code": await _code(office)})
    form = {"own_password": PASSWORD}
    await office.send(who, "POST", "/account/recovery-codes", "account.renew_recovery_codes", form)
    form = {"old_password": PASSWORD, "new_password": f"{PASSWORD} anew"}
    await office.send(who, "POST", "/account/password", "account.change_password", form)
    officer = "office/officer"
    colleague = office.account("office/reviewer")
    form = {"colleague": str(colleague), "role": "officer", "reason": "休假"}
    form["held_to"] = (clock.today() + timedelta(days=7)).isoformat()
    await office.send(officer, "POST", "/account/delegate", "role.delegate", form)
    grant = await office.owner.fetchval("SELECT id FROM role_grants WHERE delegated_by IS NOT NULL")
    await office.send(officer, "POST", "/account/delegate/end", "role.revoke", {"grant": str(grant)})
    await office.owner.execute(
        "INSERT INTO sign_ins (account_id, secret_hash, method, began_at, seen_at, ends_at) "
        "VALUES ($1, sha256('another'), 'provider', now(), now(), now() + interval '1 hour')",
        office.account(officer),
    )
    # Who came through a provider a while ago shows first again who they are.
    when = "UPDATE sign_ins SET began_at = now() - interval '{} minutes' WHERE account_id = $1"
    await office.owner.execute(when.format(11), office.account(officer))
    cookie = {"cookie": f"{office.people[officer].headers['cookie']}; {FORM_COOKIE}={TOKEN}"}
    refused = await office.client.post("/account/sign-ins/end", headers=cookie, data={"form_token": TOKEN})
    assert refused.status_code == 403
    await office.owner.execute(when.format(9), office.account(officer))
    await office.send(officer, "POST", "/account/sign-ins/end", "sign_in.end", {})
    form = {"purpose": "示例：核对三号案卷", "back": "/findings"}
    entry = await office.send("finance/reader", "POST", "/account/purpose", "credit.state_purpose", form)
    assert entry["why"] == form["purpose"]


async def _sign_ins(office: Office) -> None:
    form = {"login": "nobody-here", "password": "wrong", "code": "", "back": "/"}
    entry = await office.send("public", "POST", "/sign-in", "sign_in.refuse", form)
    assert "nobody-here" not in str(dict(entry)), "what was typed as a login may be a password"
    await office.owner.execute("INSERT INTO register_facts (name, value) VALUES ('demo', 'true')")
    await office.owner.execute(
        "UPDATE accounts SET login = 'demo-person' WHERE id = $1", office.account("office/publisher")
    )
    await office.send("public", "POST", "/sign-in/demo", "sign_in.begin", {"login": "demo-person", "back": "/"})
    await office.send("office/officer", "POST", "/sign-out", "sign_in.end", {})


async def test_whoever_is_shown_credit_is_entered_and_nobody_else(office: Office) -> None:
    one = next(one for one in office.credit if one.region == "130200")
    row = await office.owner.fetchrow("SELECT record_id FROM records WHERE source_key = $1", one.key)
    found = await office.owner.fetchrow(
        "SELECT fingerprint, project_id, enterprise_id FROM findings WHERE lane = 'credit' AND subject_id = $1",
        row["record_id"],
    )
    addresses = {
        f"/records/{row['record_id']}": row["record_id"],
        f"/projects/{found['project_id']}": row["record_id"],
        f"/enterprises/{found['enterprise_id']}": found["fingerprint"],
        f"/findings/{found['fingerprint']}": found["fingerprint"],
        "/findings": found["fingerprint"],
    }
    for who, sees in (
        ("finance-hebei/reader", True),
        ("bank-jia/reader", one.lender == office.people["bank-jia/reader"].lenders[0]),
        ("finance/key", True),
        ("finance-suzhou/reader", False),
        ("land-tangshan/officer", False),
        ("public", False),
    ):
        for address, shown in addresses.items():
            for place in (address, f"/api/v1{address}"):
                await office.new()
                office.client.cookies.clear()
                await office.client.get(place, headers=office.people[who].headers)
                entries = [entry for entry in await office.new() if entry["action"] == "credit.read"]
                assert all(entry["why"] in ("示例事项", "key finance") for entry in entries), "why it is read"
                named = any(str(shown) in str(entry["after"]) for entry in entries)
                assert named is sees, (who, place, entries)
                for mark in one.marks():
                    assert all(mark not in str(entry) for entry in entries), "the audit tells what was read itself"


async def test_whoever_is_shown_the_gate_marks_of_credit_is_entered(office: Office) -> None:
    for lane, entered in (("credit", True), ("land", False)):
        await office.new()
        office.client.cookies.clear()
        answer = await office.client.get(
            f"/api/v1/gate-check/marks?lane={lane}", headers=office.people["finance/key"].headers
        )
        shown = [one["record_id"] for one in answer.json()["items"]]
        assert bool(shown) or not entered
        entries = [entry for entry in await office.new() if entry["action"] == "credit.read"]
        assert [json.loads(entry["after"])["records"] for entry in entries] == [shown] * entered


async def test_credit_is_withheld_until_it_is_said_what_for(office: Office) -> None:
    one = next(one for one in office.credit if one.region == "130200")
    row = await office.owner.fetchrow("SELECT record_id FROM records WHERE source_key = $1", one.key)
    who = "finance-hebei/reader"
    headers, account = office.people[who].headers, office.account(who)
    await office.owner.execute("UPDATE sign_ins SET purpose = '' WHERE account_id = $1", account)
    office.client.cookies.clear()
    assert (await office.client.get(f"/api/v1/records/{row['record_id']}", headers=headers)).status_code == 404
    page = await office.client.get("/findings", headers=headers)
    assert "purpose-asked" in page.text and not any(mark in page.text for mark in one.marks())
    await office.new()
    await office.send(who, "POST", "/account/purpose", "credit.state_purpose", {"purpose": "三号案卷", "back": "/"})
    office.client.cookies.clear()
    assert (await office.client.get(f"/api/v1/records/{row['record_id']}", headers=headers)).status_code == 200
    assert [entry["why"] for entry in await office.new() if entry["action"] == "credit.read"] == ["三号案卷"]
    key = office.people["finance/key"].headers | {"x-purpose": "%E5%9B%9B%E5%8F%B7%E6%A1%88%E5%8D%B7"}
    await office.client.get(f"/api/v1/records/{row['record_id']}", headers=key)
    assert [entry["why"] for entry in await office.new() if entry["action"] == "credit.read"] == ["四号案卷"]
