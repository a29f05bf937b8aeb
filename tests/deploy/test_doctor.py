"""`threegates doctor`: what it finds, and that every failure comes with its remedy."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.checks import check_disk, check_java, check_ports, check_settings
from deploy.reaching import SearchServer
from deploy.server_checks import check_elasticsearch, check_postgresql
from tests.conftest import run

NOBODY = "127.0.0.1:9"  # no server listens on the discard port


def doctor(environment: dict[str, str]) -> tuple[int, dict[str, dict[str, str]], str]:
    """Run the command with nothing of the caller's settings; exit code, checks by name, all words."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("THREEGATES_")}
    asked = subprocess.run(
        [sys.executable, "-c", "from portal.commands import main; main()", "doctor", "--json"],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert asked.returncode in (0, 1), asked.stderr
    checks = {check["name"]: check for check in json.loads(asked.stdout)["checks"]}
    return asked.returncode, checks, asked.stdout


@pytest.mark.elasticsearch
def test_all_is_well_with_servers_that_run(database_url: str, elasticsearch_url: str, tmp_path: Path) -> None:
    code, checks, words = doctor(
        {
            "THREEGATES_DATABASE_URL": database_url,
            "THREEGATES_ELASTICSEARCH_URL": elasticsearch_url,
            "THREEGATES_DATA_FOLDER": str(tmp_path),
        }
    )
    assert code == 0, checks
    assert {"postgresql-version", "postgresql-locale", "schema", "elasticsearch-health", "clock-postgresql"} <= set(
        checks
    )
    assert database_url.split("@")[0].rsplit(":", 1)[1] not in words, "the password was printed"


def test_when_nothing_runs_it_says_how_to_start(tmp_path: Path) -> None:
    code, checks, _ = doctor({"THREEGATES_DATA_FOLDER": str(tmp_path)})
    assert code == 1
    assert checks["running"]["outcome"] == "failed"
    assert "make run" in checks["running"]["remedy_en"]
    assert "make run" in checks["running"]["remedy_zh"]


def test_servers_that_do_not_answer_each_get_their_remedy(tmp_path: Path) -> None:
    code, checks, _ = doctor(
        {
            "THREEGATES_DATABASE_URL": f"postgresql://threegates:secret@{NOBODY}/threegates",
            "THREEGATES_ELASTICSEARCH_URL": f"http://{NOBODY}",
            "THREEGATES_DATA_FOLDER": str(tmp_path),
        }
    )
    assert code == 1
    for name in ("postgresql", "elasticsearch"):
        assert checks[name]["outcome"] == "failed"
        assert "does not answer" in checks[name]["found"]
        assert "Start it" in checks[name]["remedy_en"]
        assert checks[name]["remedy_zh"]


def test_a_setting_that_is_wrong_is_named(tmp_path: Path) -> None:
    code, checks, _ = doctor({"THREEGATES_DATABASE_URL": "mysql://x", "THREEGATES_DATA_FOLDER": str(tmp_path)})
    assert code == 1
    assert "THREEGATES_DATABASE_URL" in checks["settings"]["found"]


def test_a_typing_error_in_a_setting_gets_the_nearest_name(tmp_path: Path) -> None:
    code, checks, words = doctor(
        {
            "THREEGATES_DATABSE_URL": "postgresql://x",
            "THREEGATES_AGENCY_LAND_URL": "http://127.0.0.1:1",
            "THREEGATES_DATA_FOLDER": str(tmp_path),
        }
    )
    assert code == 1
    assert "Is THREEGATES_DATABASE_URL meant?" in checks["settings"]["remedy_en"]
    assert "AGENCY_LAND" not in words, "a setting that an agency's file names is known"


def test_a_schema_that_is_missing_or_old_is_said(empty_database_url: str, tmp_path: Path) -> None:
    code, checks, _ = doctor({"THREEGATES_DATABASE_URL": empty_database_url, "THREEGATES_DATA_FOLDER": str(tmp_path)})
    assert code == 1
    assert checks["schema"]["outcome"] == "failed"
    assert "threegates migrate" in checks["schema"]["remedy_en"]


def test_a_wrong_password_and_a_missing_database_are_told_apart(database_url: str) -> None:
    user, rest = database_url.split("@")
    wrong = run(check_postgresql(f"{user.rsplit(':', 1)[0]}:wrong@{rest}"))
    assert wrong[0].found == "refuses the user or the password"
    missing = run(check_postgresql(database_url.rsplit("/", 1)[0] + "/tg_no_such_database"))
    assert missing[0].found == "answers, but the database does not exist"
    assert "--locale=C.UTF-8" in missing[0].remedy_en


def test_a_database_whose_locale_knows_no_chinese_is_refused(postgresql_url: str) -> None:
    from tests.conftest import _execute

    name = f"tg_test_{os.getpid()}_locale"
    create = f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'"
    run(_execute(postgresql_url, create))
    try:
        url = postgresql_url.rsplit("/", 1)[0] + "/" + name
        run(_execute(url, "CREATE EXTENSION pg_trgm"))
        checks = {check.name: check for check in run(check_postgresql(url))}
    finally:
        run(_execute(postgresql_url, f'DROP DATABASE "{name}" WITH (FORCE)'))
    assert checks["postgresql-locale"].outcome == "failed"
    assert "C.UTF-8" in checks["postgresql-locale"].remedy_en


def test_a_missing_certificate_and_a_key_without_tls_are_refused(tmp_path: Path) -> None:
    checks = check_elasticsearch(SearchServer("https://127.0.0.1:9", "key", tmp_path / "no.pem"))
    assert [(check.name, check.outcome) for check in checks] == [("elasticsearch-security", "failed")]
    checks = check_elasticsearch(SearchServer("http://search.invalid:9200", "key"))
    assert checks[0].outcome == "failed"
    assert "unencrypted" in checks[0].found


def test_a_taken_port_is_no_failure_but_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (check,) = check_ports({"portal": port}, set())
        assert check.outcome == "warning"
        (ours,) = check_ports({"portal": port}, {port})
        assert ours.outcome == "ok"


def test_java_that_does_not_start_and_a_known_setting(tmp_path: Path) -> None:
    assert check_java(tmp_path).outcome == "failed"
    assert check_java(None).remedy_en == "Run make setup."
    assert check_settings(["THREEGATES_DEMO", "PATH"], ["THREEGATES_DEMO"])[0].outcome == "ok"


def test_disk_space_is_told_for_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    (check,) = check_disk(tmp_path / "not" / "yet")
    assert "GB free" in check.found
