"""The page of the audit: for auditors alone, without JavaScript, in both languages; its table is safe to open."""

import csv
import io
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from portal.audit_words import differences
from registry.audit_chain import seal_batch
from registry.auditing import audit
from registry.database import make_engine, transaction
from registry.sign_ins import begin_sign_in
from registry.viewers import Viewer
from tests.conftest import run
from tests.portal.conftest import OPENER, answers, child, free_port, wait_for

PEOPLE = (("auditor", "national", "auditor"), ("bank-auditor", "bank", "auditor"), ("officer", "national", "officer"))


async def prepare(database_url: str) -> dict[str, str]:
    """Two organisations, three people with their cookies, and some entries."""
    engine = make_engine(database_url)
    now = datetime.now(UTC)
    cookies = {}
    async with transaction(engine) as session:
        connection = await session.connection()
        for name, kind in (("national", "agency"), ("bank", "bank")):
            await connection.execute(
                text(
                    "INSERT INTO organisations (id, kind, name_zh, name_en, region, created_at) "
                    "VALUES (:id, :kind, '示例机构', 'Example', '000000', :now)"
                ),
                {"id": name, "kind": kind, "now": now},
            )
        for login, organisation, role in PEOPLE:
            account = await connection.scalar(
                text(
                    "INSERT INTO accounts (login, name, organisation_id, region, state, created_at) "
                    "VALUES (:login, :login, :organisation, '000000', 'active', :now) RETURNING id"
                ),
                {"login": login, "organisation": organisation, "now": now},
            )
            await connection.execute(
                text(
                    "INSERT INTO role_grants (account_id, role, held_from, granted_by, granted_at) "
                    "VALUES (:account, :role, '2020-01-01', 'test', :now)"
                ),
                {"account": account, "role": role, "now": now},
            )
            cookies[login] = await begin_sign_in(session, int(account or 0), "oidc", "test", now)
        for number in range(60):
            viewer = Viewer(kind="person", actor="甲", organisation_id="bank" if number == 59 else "national")
            why = "=HYPERLINK(1)" if number == 59 else "<b>更正</b>"
            before, after = {"name": "示例"}, {"name": "示例甲", "capacity": 12}
            await audit(session, viewer, "project.correct", "project", str(number), why=why, before=before, after=after)
        await seal_batch(session, now)
    await engine.dispose()
    return cookies


@pytest.fixture
def signed_in(database_url: str, tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a portal, and the cookie of each person."""
    cookies = run(prepare(database_url))
    port = free_port()
    arguments = [sys.executable, "-m", "uvicorn", "portal.web:application", "--port", str(port)]
    environment = {**os.environ, "THREEGATES_DATABASE_URL": database_url, "THREEGATES_DATA_FOLDER": str(tmp_path)}
    with child(arguments, environment, Path(__file__).parents[2], tmp_path / "portal.log"):
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/health/ready"), "the portal")
        yield f"http://127.0.0.1:{port}", cookies


def get(address: str, cookie: str = "") -> tuple[int, str, str]:
    """Status, text and x-request-id."""
    request = urllib.request.Request(address, headers={"cookie": f"threegates_sign_in={cookie}"} if cookie else {})
    try:
        with OPENER.open(request, timeout=30) as answer:
            return answer.status, answer.read().decode(), answer.headers["x-request-id"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers["x-request-id"]


def test_the_page_is_for_auditors_and_finds(signed_in: tuple[str, dict[str, str]]) -> None:
    address, cookies = signed_in
    assert get(f"{address}/audit")[0] == 403
    assert get(f"{address}/audit.csv", cookies["officer"])[0] == 403
    status, page, request_id = get(f"{address}/audit", cookies["auditor"])
    assert status == 200
    assert re.fullmatch("[0-9a-f]{32}", request_id)
    assert "<b>更正" not in page
    assert "&lt;b&gt;更正" in page
    assert "<del>示例</del>" in page
    assert "<ins>示例甲</ins>" in page
    following = re.search(r'href="(/audit\?cursor=[^"]+)"', page)
    assert following
    assert "=HYPERLINK" in page
    second = get(address + following[1].replace("&amp;", "&"), cookies["auditor"])[1]
    # Ten of the fixture's, and that the portal made its first key.
    assert len(re.findall('id="entry-', second)) == 11
    # That the page was read is found under the number that the answer bore.
    english = get(f"{address}/audit?request_id={request_id}&lang=en", cookies["auditor"])[1]
    assert "Audit: read" in english
    assert len(re.findall('id="entry-', english)) == 1
    assert get(f"{address}/audit?from=yesterday", cookies["auditor"])[0] == 422
    assert "没有符合条件" in get(f"{address}/audit?from=2999-01-01", cookies["auditor"])[1]


def test_a_bank_sees_its_own_and_its_table_holds_no_formula(signed_in: tuple[str, dict[str, str]]) -> None:
    address, cookies = signed_in
    status, table, _ = get(f"{address}/audit.csv?action=project", cookies["bank-auditor"])
    assert status == 200
    lines = list(csv.DictReader(io.StringIO(table.removeprefix("\ufeff"))))
    assert [(line["subject"], line["why"], line["batch"]) for line in lines] == [("59", "'=HYPERLINK(1)", "1")]
    assert len(list(csv.reader(io.StringIO(get(f"{address}/audit.csv?action=project", cookies["auditor"])[1])))) == 61


def test_differences_show_what_changed_alone() -> None:
    before = {"name": "示例", "lines": [{"amount": 1}, {"amount": 2}], "same": 1}
    after = {"name": "示例", "lines": [{"amount": 1}, {"amount": 3}], "same": 1, "sectors": ["a", "b"]}
    assert differences(before, after) == [("lines.2.amount", "2", "3"), ("sectors", "", "a、b")]
    assert differences(None, None) == []
