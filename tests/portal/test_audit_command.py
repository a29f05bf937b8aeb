"""`threegates audit`: a whole chain gives 0, a changed one 1 with the place; an export is verified without a server."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg

from tests.command_line import Done, threegates
from tests.conftest import run

WRITE = """
    INSERT INTO audit_entries (at, actor, actor_kind, action, subject_kind, subject, after)
    SELECT now(), '甲', 'person', 'project.correct', 'project', n::text, '{"name": "示例", "x": 1.50}'
    FROM generate_series(1, 30) AS n
"""
SEAL = """
import asyncio
from jobs.audit import anchor
from jobs.pipeline import Work
from registry.database import engine

async def work():
    await anchor(Work(engine(), asyncio.Event(), lambda: None))
    await engine().dispose()

asyncio.run(work())
"""


def _environment(database_url: str, data: Path) -> dict[str, str]:
    return {
        **os.environ,
        "THREEGATES_DATABASE_URL": database_url,
        "THREEGATES_DATA_FOLDER": str(data),
        "THREEGATES_LANGUAGE": "en",
    }


def command(database_url: str, data: Path, *arguments: object) -> Done:
    """The command as an operator runs it."""
    return threegates(_environment(database_url, data), *arguments)


def seal(database_url: str, data: Path) -> None:
    """What the hourly job does."""
    subprocess.run([sys.executable, "-c", SEAL], env=_environment(database_url, data), check=True, timeout=120)


def execute(url: str, *statements: str) -> None:
    """Statements of a superuser."""

    async def work() -> None:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    run(work())


def verify(url: str, data: Path, *arguments: object) -> tuple[int, dict[str, Any]]:
    """Exit code and what was said."""
    done = command(url, data, "audit", "verify", "--json", *arguments)
    return done.returncode, json.loads(done.stdout)


def test_verify_export_and_search(database_url: str, tmp_path: Path) -> None:
    execute(database_url, WRITE)
    seal(database_url, tmp_path)
    anchors = tmp_path / "audit-anchors.jsonl"
    assert json.loads(anchors.read_text())["entries"] == 30
    code, said = verify(database_url, tmp_path)
    assert (code, said["holds"], said["entries"], said["anchors"]) == (0, True, 30, 1)
    # That it was verified is an act of its own.
    code, said = verify(database_url, tmp_path)
    assert said["waiting"] == 1

    exported = tmp_path / "audit.jsonl"
    assert command(database_url, tmp_path, "audit", "export", exported).returncode == 0
    code, said = verify("postgresql://nobody@127.0.0.1:9/nothing", tmp_path, "--file", exported, "--anchors", anchors)
    assert (code, said["entries"], said["anchors"]) == (0, 30, 1)
    lines = exported.read_text().splitlines()
    exported.write_text("\n".join(line.replace('"甲"', '"乙"') if '"id":7,' in line else line for line in lines))
    code, said = verify("postgresql://nobody@127.0.0.1:9/nothing", tmp_path, "--file", exported)
    assert (code, said["breach"]["code"], said["breach"]["entry"]) == (1, "entry_changed", 7)
    exported.write_text("\n".join(lines[:-3]))
    code, said = verify("postgresql://nobody@127.0.0.1:9/nothing", tmp_path, "--file", exported)
    assert (code, said["breach"]["code"]) == (1, "seals_differ")

    found = command(database_url, tmp_path, "audit", "search", "--subject", "7", "--json")
    assert json.loads(found.stdout)["after"] == {"name": "示例", "x": 1.5}


def test_tampering_is_said_with_its_place(database_url: str, tmp_path: Path) -> None:
    execute(database_url, WRITE)
    seal(database_url, tmp_path)
    execute(
        database_url,
        "ALTER TABLE audit_entries DISABLE TRIGGER ALL",
        "UPDATE audit_entries SET why = 'nothing' WHERE subject = '12'",
    )
    done = command(database_url, tmp_path, "audit", "verify")
    assert done.returncode == 1
    assert done.stdout.startswith("THE AUDIT WAS TAMPERED WITH (batch 1, place 12, entry 12): The entry is not what")


def test_anchors_that_are_named_must_be_there(database_url: str, tmp_path: Path) -> None:
    done = command(database_url, tmp_path, "audit", "verify", "--anchors", tmp_path / "none")
    assert done.returncode == 2
    assert "cannot be read" in done.stderr
