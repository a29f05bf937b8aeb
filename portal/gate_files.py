"""Uploaded files of questions, read beside the requests."""

import asyncio
import tempfile
from pathlib import Path
from typing import Final

from starlette.datastructures import UploadFile

from registry import clock
from registry.errors import BadInput
from registry.gate.files import QuestionsFile, read_questions

LARGEST_FILE: Final = 12 * 1024 * 1024


async def read_upload(file: UploadFile, given: dict[str, str]) -> QuestionsFile:
    """The questions of an uploaded file; raises BadFile, or BadInput where it is too large."""
    name = Path(file.filename or "").name
    content = await file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise BadInput("The file is larger than 12 MB.", where="file", remedy="Split it into several files.")
    return await asyncio.to_thread(_read, Path(name).suffix.lower() or ".csv", content, given)


def _read(suffix: str, content: bytes, given: dict[str, str]) -> QuestionsFile:
    with tempfile.TemporaryDirectory(prefix="threegates-gate-") as folder:
        path = Path(folder) / f"questions{suffix}"
        path.write_bytes(content)
        return read_questions(path, clock.today(), given=given)
