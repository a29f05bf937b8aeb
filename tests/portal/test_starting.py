"""Before PostgreSQL is up the portal answers within seconds, says what is starting, and switches by itself."""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from tests.portal.conftest import OPENER, child, free_port, wait_for

ROOT = Path(__file__).parents[2]


def ask(address: str, language: str = "zh") -> tuple[int, dict[str, str], str]:
    request = urllib.request.Request(address, headers={"accept-language": language})
    try:
        with OPENER.open(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def listens(address: str) -> bool:
    try:
        ask(address)
    except OSError:
        return False
    return True


def test_the_starting_page_comes_first_and_names_the_steps(tmp_path: Path) -> None:
    port = free_port()
    here = psutil.Process(os.getpid())
    state = tmp_path / "run" / "state.json"
    state.parent.mkdir()
    steps = [
        {"name": "portal", "text_zh": "门户", "text_en": "the portal", "state": "ready", "since": ""},
        {"name": "postgresql", "text_zh": "数据库", "text_en": "the database", "state": "starting", "since": ""},
    ]
    state.write_text(json.dumps({"pid": here.pid, "started": here.create_time(), "stopping": False, "steps": steps}))
    environment = os.environ | {
        "THREEGATES_DATABASE_URL": f"postgresql://nobody@127.0.0.1:{free_port()}/nothing",
        "THREEGATES_DATA_FOLDER": str(tmp_path),
    }
    command = [sys.executable, "-m", "uvicorn", "portal.web:application", "--port", str(port), "--log-level", "warning"]
    with child(command, environment, ROOT, tmp_path / "portal.log"):
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: listens(f"{address}/health/live"), "the portal")
        status, headers, text = ask(f"{address}/projects/1")
        assert (status, headers["retry-after"]) == (503, "2")
        assert "登记簿正在启动" in text and "数据库" in text and "启动中" in text and 'http-equiv="refresh"' in text
        assert "the database" in ask(f"{address}/", "en")[2]
        assert ask(f"{address}/health/live")[0] == 200
        ready = ask(f"{address}/health/ready")
        assert ready[0] == 503 and json.loads(ready[2])["steps"] == {"portal": "ready", "postgresql": "starting"}
        assert ask(f"{address}/static/threegates.css")[0] == 200
        api = ask(f"{address}/api/v1/projects")
        assert api[0] == 503 and api[1]["content-type"] == "application/problem+json"
        # After everything is loaded it still waits for the database.
        wait_for(lambda: "database" in json.loads(ask(f"{address}/health/ready")[2])["problem"], "the loading")
        assert ask(f"{address}/")[0] == 503
