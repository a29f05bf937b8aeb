"""A region code that never was in force is kept as given, and everybody who sees it is told."""

import pytest

from tests.portal.conftest import Register
from tests.portal.test_api import Api, project
from tests.portal.test_pages import Visitor


@pytest.fixture
def keyed(register: Register, portal: str) -> Api:
    return Api(portal, (register.data / "run" / "api-key").read_text().strip())


def test_the_api_warns_and_the_page_says_so(portal: str, keyed: Api) -> None:
    body = {"reason": "测试", "projects": [project("api:region", region="999999")]}
    status, _headers, made = keyed.call("POST", "/projects", body, idempotency_key="unknown-region-1")
    assert status == 200
    assert [(one["field"], "区划" in one["zh"]) for one in made["warnings"]] == [("region", True)]
    number = made["ids"]["api:region"]
    page = f"/projects/{number}"
    chinese, english = (Visitor(portal, headers={"accept-language": one}) for one in ("zh-CN", "en"))
    assert "代码不在区划表中，请核对" in chinese.ask(page)[2]
    assert "was never in force" in english.ask(page)[2]
    change = {"reason": "核对", "changes": {"region": "130299"}}
    status, _headers, corrected = keyed.call("PATCH", page, change, if_match="*")
    assert (status, [one["field"] for one in corrected["warnings"]]) == (200, ["region"])
    change = {"reason": "核对", "changes": {"region": "130200"}}
    assert keyed.call("PATCH", page, change, if_match="*")[2]["warnings"] == []
    assert "代码不在区划表中" not in chinese.ask(page)[2]
