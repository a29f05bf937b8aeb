"""The played agencies as processes and servers: addresses in a state file, control by HTTP, records that come later."""

import json
import signal
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from deploy.agencies import AGENCIES, played
from deploy.agencies.land import KEY
from deploy.failure import Failure
from deploy.waiting import ports_of, read_agencies, wait_until

RECORD = {
    "source_key": "TD-1",
    "source_modified": "2024-03-05T10:00:00+08:00",
    "act": "land_grant",
    "acted_on": "2024-02-29",
    "party_name": "示例甲钢铁有限公司",
    "synthetic": True,
}


def demo(folder: Path) -> Path:
    """A demo folder with one record an agency, and one more of land for later."""
    for name, records in {"records": [RECORD], "records-later": [{**RECORD, "source_key": "TD-2"}]}.items():
        (folder / name).mkdir(parents=True)
        for agency in AGENCIES:
            text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
            (folder / name / f"{agency}.jsonl").write_text(text, "utf-8")
    return folder


def ask(address: str, headers: dict[str, str] | None = None, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data=data, headers=headers or {})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def land_keys(address: str) -> list[str]:
    found = ask(f"{address}/api/tGdxm/result/list?pageSize=50", {"X-API-Key": KEY})
    return [entry["gdGuid"] for entry in found["data"]["list"]]


def test_as_a_process(tmp_path: Path) -> None:
    """Writes its addresses, obeys the control address, ends when told and takes the file away."""
    state = tmp_path / "运行 run" / "agencies.json"
    command = [sys.executable, "-m", "deploy.agencies", "--data", str(demo(tmp_path / "demo")), "--state", str(state)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        end = time.monotonic() + 20
        while not state.exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        variables = json.loads(state.read_text("utf-8"))
        assert stat.S_IMODE(state.stat().st_mode) == 0o600
        assert {name.split("_")[2].lower() for name in variables} == set(AGENCIES)
        address = variables["THREEGATES_AGENCY_LAND_URL"]
        assert address.startswith("http://127.0.0.1:")
        assert land_keys(address) == ["TD-1"]
        assert ask(f"{address}/_play", body={"mode": "later"}) == {"published": 1}
        assert land_keys(address) == ["TD-1", "TD-2"]
        assert ask(f"{address}/_play", body={"mode": "fail", "times": 1})["mode"] == "fail"
        with pytest.raises(urllib.error.HTTPError) as caught:
            land_keys(address)
        caught.value.close()
        assert caught.value.code == 500
        assert land_keys(address) == ["TD-1", "TD-2"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert not state.exists()
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            assert process.stderr.read() == b""
            process.stderr.close()


def test_one_that_died_comes_back_where_the_others_look_for_it(tmp_path: Path) -> None:
    """With the ports of the addresses it wrote before: what the worker was told stays true."""
    state = tmp_path / "agencies.json"
    command = [sys.executable, "-m", "deploy.agencies", "--data", str(demo(tmp_path / "demo")), "--state", str(state)]
    written: list[dict[str, str]] = []
    for _ in range(2):
        process = subprocess.Popen(command)
        try:
            assert wait_until(lambda: read_agencies(state) is not None, 20, threading.Event())
            addresses = read_agencies(state) or {}
            published = ask(f"{addresses['THREEGATES_AGENCY_LAND_URL']}/_play", body={"mode": "later"})
            assert published == {"published": 0 if written else 1}, "what was out before is out again"
            assert land_keys(addresses["THREEGATES_AGENCY_LAND_URL"]) == ["TD-1", "TD-2"]
        finally:
            process.kill()
            process.wait()
        state.unlink()
        written.append(addresses)
        if "--ports" not in command:
            command += ["--ports", *ports_of(addresses)]
    assert written[0] == written[1]


def test_a_folder_without_records_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"deploy\.demo"), played(tmp_path):
        pass


def test_lines_that_are_no_json_are_named(tmp_path: Path) -> None:
    folder = demo(tmp_path)
    (folder / "records" / "land.jsonl").write_text("{", "utf-8")
    with pytest.raises(Failure, match=r"land\.jsonl"), played(folder):
        pass


@pytest.mark.parametrize("told", [{"mode": "bore"}, {"times": 1}, [], {"mode": "slow", "times": "x"}])
def test_the_control_address_refuses_nonsense(told: Any) -> None:
    with played({"land": [RECORD]}) as players:
        address = players.environment["THREEGATES_AGENCY_LAND_URL"]
        with pytest.raises(urllib.error.HTTPError) as caught:
            ask(f"{address}/_play", body=told)
        caught.value.close()
        assert caught.value.code == 400
        assert land_keys(address) == ["TD-1"]


def test_a_newer_version_replaces_the_older() -> None:
    newer = {**RECORD, "source_modified": "2024-03-09T10:00:00+08:00", "party_name": "示例乙钢铁有限公司"}
    with played({"land": [RECORD]}) as players:
        players.feed("land").publish([newer])
        assert players.feed("land").count == 1
        assert [item.place[0].day for item in players.feed("land").since(None)] == [9]


def test_misbehaviour_lasts_as_long_as_told() -> None:
    with played({"land": [RECORD]}) as players:
        misbehaviour = players.tell("land", "fail", times=2, after=1)
        assert [misbehaviour.take() for _ in range(5)] == ["", "fail", "fail", "", ""]
        with pytest.raises(ValueError, match="unknown mode"):
            players.tell("land", "bore")
