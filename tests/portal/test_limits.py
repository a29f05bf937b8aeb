"""What no address can mean and no body may weigh is answered as the reader's mistake, never as ours."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.portal.conftest import Register

HUGE = 2**63


@pytest.fixture
def key(register: Register, portal: str) -> dict[str, str]:
    """The header of a key that may write: whoever may not is refused before anything is read."""
    return {"authorization": f"Bearer {(register.data / 'run' / 'api-key').read_text().strip()}"}


def call(portal: str, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, Any]]:
    """One call, its status and its JSON."""
    connection = http.client.HTTPConnection(urlsplit(portal).netloc, timeout=60)
    try:
        connection.request(method, path, body or None, {"accept": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    finally:
        connection.close()


@pytest.mark.parametrize("kind", ["projects", "records", "enterprises", "notices"])
def test_a_number_beyond_every_column_names_nothing(portal: str, kind: str) -> None:
    status, problem = call(portal, "GET", f"/api/v1/{kind}/{HUGE}")
    assert status == 404
    assert problem["type"] == "/problems#not-found"


def test_a_body_above_the_limit_is_said_to_be_too_large(portal: str, key: dict[str, str]) -> None:
    headers = {"content-type": "application/json", **key}
    status, problem = call(portal, "POST", "/api/v1/projects", b" " * (3 * 2**20), **headers)
    assert status == 413
    assert problem["type"] == "/problems#too-large"
    assert problem["detail"]
    assert problem["remedy"]


@pytest.mark.parametrize(("language", "said"), [("zh-CN", "嵌套"), ("en", "nested")])
def test_a_body_that_is_nested_too_deeply_is_said_to_be(
    portal: str, key: dict[str, str], language: str, said: str
) -> None:
    headers = {"content-type": "application/json", "accept-language": language, **key}
    status, problem = call(portal, "POST", "/api/v1/projects", b"[" * 200_000, **headers)
    assert status == 400
    assert said in problem["detail"]


def test_a_body_in_another_encoding_is_said_to_be(portal: str, key: dict[str, str]) -> None:
    body = '{"reason": "依据"}'.encode("gb18030")
    headers = {"content-type": "application/json", "accept-language": "en", **key}
    status, problem = call(portal, "POST", "/api/v1/projects", body, **headers)
    assert (status, problem["detail"]) == (400, "The body is not UTF-8 and cannot be read.")


@pytest.mark.parametrize(
    ("language", "said"), [("zh-CN", "缺少必填项。请填写。"), ("en", "This field is required. Fill it in.")]
)
def test_a_missing_field_is_named_in_the_readers_language(
    portal: str, key: dict[str, str], language: str, said: str
) -> None:
    headers = {"content-type": "application/json", "accept-language": language, "idempotency-key": "12345678", **key}
    status, problem = call(portal, "POST", "/api/v1/projects", b"{}", **headers)
    assert status == 422
    assert {"field": "reason", "detail": said} in problem["errors"]
