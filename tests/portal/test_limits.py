"""What no address can mean and no body may weigh is answered as the reader's mistake, never as ours."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

HUGE = 2**63


def call(portal: str, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, Any]]:
    """One call, its status and its JSON."""
    connection = http.client.HTTPConnection(urlsplit(portal).netloc, timeout=20)
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


def test_a_body_above_the_limit_is_said_to_be_too_large(portal: str) -> None:
    status, problem = call(
        portal, "POST", "/api/v1/projects", b" " * (3 * 2**20), **{"content-type": "application/json"}
    )
    assert status == 413
    assert problem["type"] == "/problems#too-large"
    assert problem["detail"]
    assert problem["remedy"]
