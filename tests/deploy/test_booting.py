"""What a start says is so: a held feed is no failure, and worker and scheduler are there when they say so."""

import threading
from pathlib import Path

import pytest

from deploy import booting
from deploy.account import server_account
from deploy.booting import Boot
from deploy.failure import Failure
from deploy.places import find_places
from deploy.reaching import SearchServer
from deploy.services import Services
from deploy.voice import Voice
from deploy.wish import Addresses, Wish


@pytest.fixture
def boot(tmp_path: Path) -> Boot:
    """A start in which nothing has happened yet."""
    account = server_account()
    places = find_places(tmp_path, account)
    voice = Voice(places.log("up"))
    nowhere = "postgresql://nobody@127.0.0.1:9/none"
    addresses = Addresses(1, 2, 3, nowhere, nowhere, nowhere, SearchServer("http://127.0.0.1:9"))
    services = Services(places.processes, voice)
    return Boot(Wish(tmp_path, demo=True), places, account, addresses, services, voice, {})


def _said(boot: Boot) -> str:
    return boot.places.log("up").read_text(encoding="utf-8")


def _step(boot: Boot, name: str) -> str:
    return next(step.state for step in boot.state.steps if step.name == name)


def _sync_ends_with(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    program = f"import sys; 'sync' in sys.argv and (print('land: held, because of words'), sys.exit({code}))"
    monkeypatch.setattr(booting, "COMMAND_LINE", ["-c", program])


def test_a_held_feed_does_not_make_the_start_fail(boot: Boot, monkeypatch: pytest.MonkeyPatch) -> None:
    _sync_ends_with(3, monkeypatch)
    with boot._optional_step("sync"):
        boot._sync()
    assert _step(boot, "sync") == "ready"
    assert "land: held, because of words" in _said(boot)
    assert "held for a person" in _said(boot)
    assert "failed" not in _said(boot)
    boot._sum_up()
    assert "everything is up" in _said(boot)


def test_what_failed_is_named_instead_of_everything_is_up(boot: Boot, monkeypatch: pytest.MonkeyPatch) -> None:
    _sync_ends_with(1, monkeypatch)
    with boot._optional_step("sync"):
        boot._sync()
    assert _step(boot, "sync") == "failed"
    boot._sum_up()
    assert "everything is up" not in _said(boot)
    assert "but for what failed: sync" in _said(boot)
    with pytest.raises(Failure):
        boot._sync()


def test_worker_and_scheduler_are_ready_when_they_say_so(boot: Boot, monkeypatch: pytest.MonkeyPatch) -> None:
    # Without their database both end with words; what earlier runs left in their logs does not count.
    for name, words in booting.WORKERS.items():
        boot.places.log(name).write_text(f"{words}\n", encoding="utf-8")
    ending = threading.Timer(50, boot.services.stopping.set)
    ending.start()
    boot._start_workers()
    ending.cancel()
    assert (_step(boot, "worker"), _step(boot, "scheduler")) == ("failed", "failed")
    assert "PostgreSQL does not answer" in _said(boot)
    boot.services.stop_all([])
