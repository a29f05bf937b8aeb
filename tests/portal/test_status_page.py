"""The status page: that a feed fails or is held everybody sees, why only those who work with the register."""

import json
from collections.abc import Iterator

import pytest

from tests.portal.conftest import OPENER, Register
from tests.portal.test_pages import Visitor

SLOW = (
    "FeedTooSlow: http://land.example/records: The answer was not complete after 20 seconds. "
    "Ask for smaller pages (paging.size), or raise limits.page_seconds in the agency.yml."
)
CONTRADICTS = {"code": "contradiction", "detail": "http://x: The listing states 3 files and names 2. Ask the agency."}


@pytest.fixture
def troubled(register: Register) -> Iterator[Register]:
    """The land feed broke off and awaits its next try, the finance feed is held."""
    register.ask(
        "INSERT INTO sync_runs (feed, slot, state, attempts, started_at, error, retry_at) "
        "VALUES ('land', now(), 'queued', 2, now(), $1, now() + interval '1 minute')",
        SLOW,
    )
    register.ask(
        "INSERT INTO sync_runs (feed, slot, state, attempts, started_at, finished_at, held_reason) "
        "VALUES ('finance', now(), 'held', 1, now(), now(), $1)",
        json.dumps(CONTRADICTS),
    )
    yield register
    register.ask("DELETE FROM sync_runs WHERE attempts = 2 AND error = $1 OR state = 'held'", SLOW)


def test_the_public_learns_that_it_failed_and_no_more(troubled: Register, portal: str) -> None:
    for language, failed, held in (
        ("zh-CN", "读取失败", "经人工确认前不据以增减疑点"),
        ("en", "Could not be read", "until a person confirms it"),
    ):
        page = Visitor(portal, headers={"accept-language": language}).ask("/status")[2]
        assert failed in page
        assert held in page
        for secret in ("page_seconds", "land.example", "清单", "listing", "下次尝试", "Next try"):
            assert secret not in page, secret
    with OPENER.open(f"{portal}/api/v1/status", timeout=30) as answer:
        told = answer.read().decode()
    assert '"failing":true' in told
    assert "page_seconds" not in told
    assert "清单" not in told


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-CN", ("20 秒后答复仍不完整。", "下次尝试：", "清单载明 3 个文件，实际列出 2 个。请询问机构。")),
        (
            "en",
            ("The answer was not complete after 20 seconds.", "Next try: ", "The listing states 3 files"),
        ),
    ],
)
def test_an_official_reads_why_and_when_it_is_tried_again(
    troubled: Register, portal: str, language: str, words: tuple[str, ...]
) -> None:
    official = Visitor(portal, {"threegates_sign_in": troubled.sign_in("officer")}, {"accept-language": language})
    page = official.ask("/status")[2]
    for one in words:
        assert one in page
    assert "land.example" not in page
