"""Cases over HTTP: forms without JavaScript, files, the PDF, the API; every change stands in the audit."""

import io
import re
from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg
import pikepdf
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from portal.demo_cases import add_demo_cases
from portal.demo_people import add_demo_people
from portal.security import FORM_COOKIE
from registry import clock
from registry.database import transaction
from tests.faults.rls_matrix import portal
from tests.portal.people import signed_in_as
from tests.registry.worlds import findings, keep, nation, project, record, scenario, value

TOKEN: Final = "t" * 40
CODES: Final = tuple(f"2013-130281-31-03-00000{number}" for number in range(1, 6))


class Office:
    """The portal in this process, and the demo's people at it."""

    def __init__(self, client: Any, owner: asyncpg.Connection, secrets: dict[str, str]) -> None:
        self.client = client
        self.owner = owner
        self.secrets = secrets

    async def ask(self, who: str, path: str, **more: Any) -> Any:
        """One request as a person; the public without a name."""
        self.client.cookies.clear()
        cookie = f"{FORM_COOKIE}={TOKEN}" + (f"; threegates_sign_in={self.secrets[who]}" if who else "")
        method = more.pop("method", "GET")
        headers = {"cookie": cookie, "accept-language": "zh", **more.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **more)

    async def send(self, who: str, address: str, /, files: Any = None, **fields: Any) -> Any:
        """A form from our own page; what it changed stands in the audit under the request's number."""
        answer = await self.ask(who, address, method="POST", data={"form_token": TOKEN, **fields}, files=files)
        if answer.status_code < 400:
            entries = await self.owner.fetchval(
                "SELECT count(*) FROM audit_entries WHERE request_id = $1", answer.headers["x-request-id"]
            )
            assert entries, f"{address} left no entry"
        return answer

    async def version(self, who: str, number: str) -> str:
        """The version that a form of a case was filled with."""
        page = (await self.ask(who, f"/cases/{number}")).text
        return str(re.findall(r'name="version" value="(\d+)"', page)[0])


@pytest_asyncio.fixture
async def office(database_url: str, engine: AsyncEngine) -> AsyncIterator[Office]:
    """Flagged invented projects, the demo's people and its cases."""
    projects = [project(code=code, name=f"年产{place}0万吨炼钢示例项目") for place, code in enumerate(CODES, 1)]
    acts = [
        record(f"L{place}", "land_grant", "2014-02-01") | {"project_code": code} for place, code in enumerate(CODES)
    ]
    await keep(engine, scenario(acts, *projects))
    await nation(engine, clock.now())
    for table in ("projects", "enterprises"):
        await value(engine, f"UPDATE {table} SET invented = true RETURNING 1")
    async with transaction(engine) as session:
        await add_demo_people(session, clock.now(), clock.today())
    made = await add_demo_cases(engine, clock.now())
    assert len(made) == 3
    assert await add_demo_cases(engine, clock.now()) == []
    connection = await asyncpg.connect(database_url)
    try:
        logins = ("demo-reviewer", "demo-supervisor", "demo-land", "demo-reader", "demo-bank", "demo-auditor")
        secrets = {login: await signed_in_as(connection, login) for login in logins}
        async with portal(database_url) as (client, _projects):
            await client.get("/health/ready")
            yield Office(client, connection, secrets)
    finally:
        await connection.close()


async def test_a_case_is_worked_on_by_forms(office: Office, engine: AsyncEngine) -> None:
    for who, status in (("", 303), ("demo-bank", 403), ("demo-auditor", 403), ("demo-reader", 200)):
        for path in ("/cases", "/desk", "/cases/2026-000000-0001", "/cases/2026-000000-0001/file.pdf"):
            path = path.replace("2026", str(clock.today().year))
            assert (await office.ask(who, path)).status_code == status, (who, path)
    # The demo has one to verify, one that awaits opinions, one that is closed; all about what is invented.
    listed = (await office.ask("demo-reviewer", "/cases?state=all&q=示例")).text
    numbers = sorted(set(re.findall(r"/cases/(\d{4}-000000-\d{4})", listed)))
    assert len(numbers) == 3 and "核实" in listed and "商有关部门" in listed and "已办结" in listed
    desk = (await office.ask("demo-land", "/desk")).text
    assert "到现场核对是否开工" in desk and "今天到期" in desk
    # Opening: what is missing is said at its field, with what was typed.
    (other,) = [one["fingerprint"] for one in await findings(engine)][-1:]
    refused = await office.send("demo-reviewer", "/cases/new", path="3-1", title="", reason="因为", finding=other)
    assert refused.status_code == 422 and "此项必须填写" in refused.text and "因为" in refused.text
    made = await office.send("demo-reviewer", "/cases/new", path="3-1", title="第五项目", reason="因为", finding=other)
    number = made.headers["location"].split("/")[-1].partition("?")[0]
    # Two people edit: the second is shown what the first changed, and keeps what they typed.
    seen = await office.version("demo-supervisor", number)
    form = {"step": "halt", "number": "示例1号", "authority": "示例委", "decided": clock.today().isoformat()}
    done = await office.send("demo-reviewer", f"/cases/{number}/step", version=seen, reason="不符合准入标准", **form)
    assert done.status_code == 303
    late = await office.send("demo-supervisor", f"/cases/{number}/step", version=seen, reason="我写的理由", **form)
    assert late.status_code == 412
    assert "别人改动了此案" in late.text and "不符合准入标准" in late.text and "我写的理由" in late.text
    decided = await value(engine, "SELECT kind FROM dispositions WHERE reference = :r", r=f"case:{number}:1")
    assert decided == "halt"
    project_id = await value(engine, "SELECT project_id FROM cases WHERE number = :number", number=number)
    page = (await office.ask("demo-reader", f"/projects/{project_id}")).text
    assert f"/cases/{number}" in page and f"立案：案件 {number}" in page
    assert number not in (await office.ask("", f"/projects/{project_id}")).text
    assert "案件中有 1 个相符" in (await office.ask("demo-reviewer", f"/search?q={number}")).text
    # A file is told by its bytes; what may not be attached is refused in words.
    version = await office.version("demo-reviewer", number)
    for name, content, status in (("a.exe", b"MZ" + bytes(64), 422), ("笔录.txt", "已核对".encode(), 303)):
        sent = await office.send(
            "demo-reviewer",
            f"/case-files/{number}",
            files={"file": (name, content)},
            version=version,
            file_kind="evidence",
        )
        assert sent.status_code == status, sent.text[-500:]
        assert status == 303 or "不收这种文件" in sent.text
    large = await office.send(
        "demo-reviewer", f"/case-files/{number}", files={"file": ("a.txt", b"a" * (21 * 2**20))}, version=version
    )
    assert large.status_code == 413
    address = re.findall(rf"/cases/{number}/files/\d+", (await office.ask("demo-reader", f"/cases/{number}")).text)[0]
    file = await office.ask("demo-reader", address)
    assert file.content == "已核对".encode() and file.headers["content-disposition"].startswith("attachment")
    assert file.headers["x-content-type-options"] == "nosniff" and "sandbox" in file.headers["content-security-policy"]
    # Asked, answered by the other office, noted, arranged.
    version = await office.version("demo-reviewer", number)
    day = clock.today().isoformat()
    asked = {"kind": "opinion", "title": "用地意见", "organisation": "demo-land", "task_due": day, "version": version}
    assert (await office.send("demo-reviewer", f"/cases/{number}/ask", **asked)).status_code == 303
    task = await value(engine, "SELECT max(id) FROM case_tasks")
    given = {"task": task, "task_version": 1, "version": 1, "act": "answer", f"answer-{task}": "同意"}
    refused = await office.send("demo-land", f"/cases/{number}/task", **given)
    assert refused.status_code == 422 and "请写明本机关是否同意" in refused.text
    given[f"position-{task}"] = "agree"
    assert (await office.send("demo-land", f"/cases/{number}/task", **given)).status_code == 303
    assert (await office.send("demo-land", f"/cases/{number}/note", version=1, note="已归档")).status_code == 303
    moved = {"act": "assign", "account": await value(engine, "SELECT id FROM accounts WHERE login = 'demo-supervisor'")}
    version = await office.version("demo-reviewer", number)
    assert (await office.send("demo-reviewer", f"/cases/{number}/arrange", version=version, **moved)).status_code == 303
    moved["case"], moved["task"] = number, ""
    assert (await office.send("demo-reviewer", "/desk/assign", whose="desk", **moved)).status_code == 303
    assert (await office.send("demo-reviewer", "/desk/assign", whose="desk")).status_code == 422


async def test_a_case_over_the_api_and_on_paper(office: Office, engine: AsyncEngine) -> None:
    listed = await office.ask("demo-reviewer", "/api/v1/cases?state=open")
    number = next(one["number"] for one in listed.json()["items"] if one["stage"] == "opinions")
    read = await office.ask("demo-reviewer", f"/api/v1/cases/{number}")
    step = next(one for one in read.json()["next_steps"] if one["step"] == "evaluate")
    assert [one["name"] for one in step["missing"]] == ["consult-land"]
    seen = {"if-match": read.headers["etag"], "idempotency-key": "key-00000001", "sec-fetch-site": "same-origin"}
    content = {"step": "evaluate", "reason": "意见已齐"}
    steps = f"/api/v1/cases/{number}/steps"
    refused = await office.ask("demo-reviewer", steps, method="POST", json=content, headers=seen)
    assert refused.status_code == 409 and "缺少条件" in refused.json()["detail"]
    missing = await office.ask("demo-reviewer", steps, method="POST", json=content, headers={**seen, "if-match": ""})
    assert missing.status_code == 428
    asked = {"kind": "task", "title": "现场核查", "organisation_id": "demo-land", "due": clock.today().isoformat()}
    path = f"/api/v1/cases/{number}/tasks"
    first = await office.ask("demo-reviewer", path, method="POST", json=asked, headers=seen)
    again = await office.ask("demo-reviewer", path, method="POST", json=asked, headers=seen)
    assert first.json() == again.json() and "idempotent-replayed" in again.headers
    stale = await office.ask(
        "demo-reviewer", path, method="POST", json=asked, headers={**seen, "idempotency-key": "key-00000002"}
    )
    assert stale.status_code == 412
    task = first.json()["task_id"]
    one = await office.ask("demo-land", f"/api/v1/cases/tasks/{task}")
    answered = await office.ask(
        "demo-land",
        f"/api/v1/cases/tasks/{task}/answer",
        method="POST",
        json={"text": "已核查"},
        headers={**seen, "if-match": one.headers["etag"]},
    )
    assert answered.json()["state"] == "done"
    made = await office.ask(
        "demo-reviewer",
        "/api/v1/cases",
        method="POST",
        json={"path": "plain", "title": "示例事项", "reason": "举报", "tip": "T-1"},
        headers={**seen, "idempotency-key": "key-00000003"},
    )
    assert re.fullmatch(r"\d{4}-000000-0004", made.json()["number"])
    paper = await office.ask("demo-reviewer", f"/cases/{number}/file.pdf")
    assert paper.status_code == 200 and paper.headers["content-type"] == "application/pdf"
    with pikepdf.open(io.BytesIO(paper.content)) as document:
        fonts = {str(font.BaseFont) for page in document.pages for font in page.Resources.Font.values()}
        assert all("NotoSansSC" in font for font in fonts), "Chinese is in the file, whatever the reader's machine has"
    printed = await value(engine, "SELECT count(*) FROM audit_entries WHERE action = 'case.print'")
    assert printed == 1
