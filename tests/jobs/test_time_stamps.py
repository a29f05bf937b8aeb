"""Anchors with time-stamps of an authority: asked for, kept, verified offline, and what is wrong with one is found."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.time_stamps import MOST_BYTES, fetch_time_stamp
from jobs import audit as audit_jobs
from jobs.pipeline import Work
from registry.audit_anchors import Anchor, read_anchors
from registry.audit_time_stamps import ask_for_stamp, check_answer, read_roots, verify_stamps
from registry.audit_verifying import Verified
from registry.auditing import audit
from registry.database import transaction
from registry.errors import Unavailable
from registry.settings import settings
from registry.viewers import Viewer
from search.client import servers
from tests.jobs.time_stamping_authority import Authority, authority

PERSON = Viewer("person", 1, actor="示例")


@pytest.fixture(scope="module")
def stamping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with authority(tmp_path_factory.mktemp("authority")) as found:
        yield found


@pytest.fixture
def anchors(stamping: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of anchors of a register that asks this authority."""
    file = tmp_path / "anchors.jsonl"
    monkeypatch.setenv("THREEGATES_AUDIT_ANCHOR_FILE", str(file))
    monkeypatch.setenv("THREEGATES_AUDIT_TIME_STAMP_URL", stamping.address)
    monkeypatch.setenv("THREEGATES_AUDIT_TIME_STAMP_CA_FILE", str(stamping.root))
    settings.cache_clear()
    stamping.says = None
    yield file
    settings.cache_clear()


async def _entry(engine: AsyncEngine) -> None:
    async with transaction(engine) as session:
        await audit(session, PERSON, "project.correct", "project", "1")


def _held(anchors: list[Anchor], root: Path | None) -> Verified:
    return verify_stamps(anchors, read_roots(root) if root else [], Verified())


async def test_an_anchor_is_stamped_and_verified_without_asking_anybody(
    engine: AsyncEngine, stamping: Authority, anchors: Path
) -> None:
    work = Work(engine, asyncio.Event(), servers)
    await _entry(engine)
    assert await audit_jobs.anchor(work)
    assert not await audit_jobs.anchor(work), "what stands there stamped is not stamped again"
    (line,) = anchors.read_bytes().splitlines()  # noqa: ASYNC240  # a small file of this test
    assert set(orjson.loads(line)) == {"time", "batch", "digest", "entries", "time_stamp"}
    asked = stamping.asked
    found = await audit_jobs.verify(work)
    assert (found.holds, found.anchors, found.stamps, found.unverified_stamps) == (True, 1, 1, 0)
    assert found.last_stamped is not None and asked == stamping.asked
    without = _held(read_anchors(anchors), None)
    assert (without.stamps, without.unverified_stamps) == (0, 1)


async def test_what_is_wrong_with_a_stamp_is_found(
    engine: AsyncEngine, stamping: Authority, anchors: Path, tmp_path: Path
) -> None:
    await _entry(engine)
    await audit_jobs.anchor(Work(engine, asyncio.Event(), servers))
    (good,) = read_anchors(anchors)
    assert _held([good], stamping.root).holds
    with authority(tmp_path / "stranger") as stranger:
        cases: dict[str, tuple[Any, Path]] = {
            "another digest": (replace(good, digest="00" * 32), stamping.root),
            "another batch": (replace(good, batch=2), stamping.root),
            "more entries": (replace(good, entries=2), stamping.root),
            "cut short": (replace(good, stamp=good.stamp[:400]), stamping.root),
            "no base64": (replace(good, stamp="时间戳"), stamping.root),
            "a root that nobody named": (good, stranger.root),
        }
        for case, (anchor, root) in cases.items():
            breach = _held([anchor], root).breach
            assert breach is not None and breach.code == "stamp_invalid", case
    breach = _held([replace(good, time="2026-01-01T00:00:00Z")], stamping.root).breach
    assert breach is not None and breach.code == "stamp_contradicts"


async def test_an_authority_that_is_away_keeps_no_anchor_from_its_file(
    engine: AsyncEngine, stamping: Authority, anchors: Path
) -> None:
    work = Work(engine, asyncio.Event(), servers)
    await _entry(engine)
    stamping.says = (503, "text/html", b"<p>away</p>")
    assert await audit_jobs.anchor(work)
    assert [one.stamp for one in read_anchors(anchors)] == [""]
    stamping.says = None
    assert await audit_jobs.anchor(work), "an hour later the same anchor is stamped"
    assert [bool(one.stamp) for one in read_anchors(anchors)] == [False, True]
    found = await audit_jobs.verify(work)
    assert (found.holds, found.anchors, found.stamps) == (True, 2, 1)


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ((200, "text/html", b"<p>pay first</p>"), "200 text/html"),
        ((302, "application/timestamp-reply", b""), "302"),
        ((200, "application/timestamp-reply", b"x" * (MOST_BYTES + 1)), "does not end"),
    ],
)
def test_what_is_no_reply_is_refused(stamping: Authority, says: tuple[int, str, bytes], why: str) -> None:
    stamping.says = says
    with pytest.raises(Unavailable, match=why):
        fetch_time_stamp(stamping.address, b"query")


def test_a_reply_to_another_question_is_refused(stamping: Authority) -> None:
    stamping.says = None
    asked, other = ask_for_stamp(1, "aa" * 32, 5), ask_for_stamp(1, "bb" * 32, 5)
    assert check_answer(asked, fetch_time_stamp(stamping.address, asked.as_bytes()))
    for answer, why in (
        (fetch_time_stamp(stamping.address, other.as_bytes()), "something else"),
        (stamping.stamp(ask_for_stamp(1, "aa" * 32, 5).as_bytes()), "something else"),  # another nonce
        (b"\x30\x00", "not a time-stamp"),
    ):
        with pytest.raises(Unavailable, match=why):
            check_answer(asked, answer)
    with pytest.raises(Unavailable, match="ConnectionError"):
        fetch_time_stamp("http://127.0.0.1:9/", b"query")
