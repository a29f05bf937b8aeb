"""`threegates` as somebody types it: a process each time, forked from one that has imported every command once.

Starting Python and importing takes most of a short command's time; what is under test begins after that. The parent of
the forks reads no setting, so each child sees the environment it is given and nothing of the one before.
"""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from portal.commands import command_names, main

ROOT: Final = Path(__file__).parents[1]
LONGEST_RUN: Final = 120  # seconds
_FORKING: Final = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload([__name__, *(f"portal.commands.{name}" for name in command_names())])


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended and what it said."""

    returncode: int
    stdout: str
    stderr: str


def threegates(environment: Mapping[str, str], *words: object, folder: Path = ROOT) -> Done:
    """Run a command with exactly these variables, in this folder; its input is empty."""
    with tempfile.TemporaryDirectory() as said:
        out, err = Path(said, "out"), Path(said, "err")
        command = _FORKING.Process(
            target=_type, args=([str(word) for word in words], dict(environment), folder, out, err)
        )
        command.start()
        command.join(LONGEST_RUN)
        if command.exitcode is None:
            command.kill()
            command.join()
            raise TimeoutError(f"threegates {' '.join(map(str, words))}: {err.read_text(errors='replace')[-2000:]}")
        texts = [path.read_text(encoding="utf-8") for path in (out, err)]
    return Done(command.exitcode, *texts)


def _type(words: list[str], environment: dict[str, str], folder: Path, out: Path, err: Path) -> None:
    for number, path in ((1, out), (2, err)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
        os.close(file)
    sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8")
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["threegates", *words]
    main()
