"""`threegates demo load` a second time: what a person corrected stays corrected, and nothing is read again."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.demo.__main__ import write_demo
from portal.commands.demo import is_loaded, load_demo
from registry.database import transaction


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder, records=1)
    return folder


async def test_files_that_are_loaded_are_not_loaded_again(engine: AsyncEngine, tiny: Path, tmp_path: Path) -> None:
    assert not await is_loaded(engine, tiny)
    await load_demo(engine, tiny)
    assert await is_loaded(engine, tiny)
    changed = tmp_path / "changed"
    await asyncio.to_thread(_copy_with_one_project_less, tiny, changed)
    assert not await is_loaded(engine, changed)


def _copy_with_one_project_less(folder: Path, into: Path) -> None:
    into.mkdir()
    for file in folder.glob("*.jsonl"):
        lines = file.read_bytes().splitlines(keepends=True)
        (into / file.name).write_bytes(b"".join(lines[:-1] if file.name == "projects.jsonl" else lines))


async def test_the_register_is_the_demos(engine: AsyncEngine, tiny: Path) -> None:
    await load_demo(engine, tiny)
    async with transaction(engine) as session:
        connection = await session.connection()
        value = await connection.scalar(text("SELECT value FROM register_facts WHERE name = 'demo'"))
    assert set(value) == {"loaded_at", "files"}
