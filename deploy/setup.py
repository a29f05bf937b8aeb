"""Set-up of the project's folder: `.venv` from a hashed lock file, the project on its path, the servers' programs.

Runs on the machine's own Python with nothing installed, so on the standard library alone:
`python3 deploy/setup.py [run|test|bench]`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)

# Each set holds the ones before it, at the same versions.
SETS = ("run", "test", "bench")
SIZES = {"run": "about 300 MB", "test": "about 400 MB", "bench": "about 500 MB"}


class CannotSetUp(Exception):
    """Set-up cannot go on; the message says why and what to do."""


def main(arguments: list[str]) -> int:
    """Set up what `run` (or `test`, `bench`) needs; a second call finds everything done."""
    wanted = arguments[0] if arguments else "run"
    try:
        if wanted not in SETS:
            raise CannotSetUp(f"Unknown set {wanted!r}; use one of: {', '.join(SETS)}.")
        check_python()
        with only_one():
            make_environment()
            install_packages(wanted)
            put_project_on_path()
            get_programs()
    except CannotSetUp as error:
        print(f"set-up: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("\nset-up: interrupted; run it again and it goes on.", file=sys.stderr, flush=True)
        return 130
    return 0


def say(text: str) -> None:
    """One line of progress."""
    print(f"set-up: {text}", flush=True)


def check_python() -> None:
    """Refuse a Python that is too old or lacks its own venv, with the remedy."""
    if sys.version_info < OLDEST:
        raise CannotSetUp(
            f"threegates needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}. "
            "Install one (Debian, Ubuntu: apt-get install python3 python3-venv), "
            "or name one: make PYTHON=/path/to/python3.11 run."
        )
    if sys.platform == "win32":
        raise CannotSetUp("threegates runs on Linux and macOS; on Windows use it inside WSL.")


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Let one set-up at a time work in this folder."""
    try:
        lock = (PROJECT / ".setup.lock").open("w")
    except OSError as error:
        if finished("run"):
            yield  # a folder that another user has set up may be run without being written to
            return
        raise CannotSetUp(
            f"Cannot write to {PROJECT} ({error.strerror}). Make the folder yours (chown) or clone it elsewhere."
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up in this folder")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def lock_file(name: str) -> Path:
    """The lock file of a set."""
    return PROJECT / "requirements" / f"{name}.lock"


def fingerprint(name: str) -> str:
    """What the environment must have been made from: the lock's bytes and this folder's place."""
    digest = hashlib.sha256(lock_file(name).read_bytes())
    digest.update(os.fsencode(PROJECT))
    return digest.hexdigest()


def stamp(name: str) -> Path:
    """The file that says a set is installed completely."""
    return VENV / f"threegates-{name}.stamp"


def finished(name: str) -> bool:
    """Whether a set, or a larger one, is installed from the lock as it is now."""
    for larger in SETS[SETS.index(name) :]:
        with contextlib.suppress(OSError):
            if stamp(larger).read_text(encoding="ascii") == fingerprint(larger):
                return True
    return False


def make_environment() -> None:
    """Create `.venv`, also anew when its Python is gone, too old or belongs to another place."""
    if any(stamp(name).exists() for name in SETS) and PYTHON.exists():
        return
    if PYTHON.exists() and environment_works():
        return
    check_venv_module()
    say(f"making {VENV} with Python {sys.version.split()[0]}")
    if VENV.exists():
        shutil.rmtree(VENV, ignore_errors=True)
    call([sys.executable, "-m", "venv", str(VENV)], "Python's venv module failed")


def environment_works() -> bool:
    """Whether the Python of `.venv` starts, is new enough and has pip."""
    question = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
    return subprocess.run([str(PYTHON), "-c", question], capture_output=True, check=False).returncode == 0


def check_venv_module() -> None:
    """Debian ships Python without the part that makes environments; say its name."""
    try:
        import ensurepip  # noqa: F401  # only its presence is asked
        import venv  # noqa: F401
    except ImportError:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise CannotSetUp(
            f"{sys.executable} lacks the modules venv and ensurepip. "
            f"Install them (Debian, Ubuntu: apt-get install python{version}-venv) and run again."
        ) from None


def install_packages(name: str) -> None:
    """Install a lock file, every package checked by its hash; nothing to do when the stamp agrees."""
    if finished(name):
        return
    say(f"installing the packages of requirements/{name}.lock ({SIZES[name]} from the package index, once)")
    command = [str(PYTHON), "-m", "pip", "install", "--require-hashes", "--disable-pip-version-check"]
    command += ["--no-input", "--quiet", "-r", str(lock_file(name))]
    call(
        command,
        "The packages could not be installed. Check the network (a mirror is set with PIP_INDEX_URL, a proxy with "
        "HTTPS_PROXY) and the free disk space (1.5 GB), then run again. What pip said",
    )
    stamp(name).write_text(fingerprint(name), encoding="ascii")


def put_project_on_path() -> None:
    """Let `.venv` import the project from its folder, and give it the command `threegates`."""
    # Only ASCII in the file, so that a folder with a Chinese name works under every locale.
    line = f"import sys; sys.path.append({str(PROJECT)!a})\n"
    for packages in VENV.glob("lib/python3*/site-packages"):
        write_if_new(packages / "threegates.pth", line)
    # -P: a folder named like one of the rooms, where the command happens to be called, must not be taken for it.
    start = shlex.quote("from portal.commands import main; main()")
    script = f'#!/bin/sh\nexec {shlex.quote(str(PYTHON))} -P -c {start} "$@"\n'
    write_if_new(VENV / "bin" / "threegates", script, executable=True)


def write_if_new(path: Path, text: str, *, executable: bool = False) -> None:
    """Write a file unless it says that already."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if path.read_text(encoding="utf-8") == text:
            return
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")
    if executable:
        path.chmod(0o755)


def get_programs() -> None:
    """PostgreSQL, Java and Elasticsearch, unless existing servers are used for both."""
    if os.environ.get("THREEGATES_DATABASE_URL") and os.environ.get("THREEGATES_ELASTICSEARCH_URL"):
        return
    done = VENV / "threegates-programs.stamp"
    with contextlib.suppress(OSError):
        # The stamp names the place: a cache that somebody emptied is filled again.
        if all(Path(line).exists() for line in done.read_text(encoding="utf-8").splitlines()):
            return
    code = subprocess.run([str(PYTHON), "-m", "deploy.programs", str(done)], cwd=PROJECT, check=False).returncode
    if code:
        raise CannotSetUp("the servers' programs are not complete (see above).")


def call(command: list[str], what_failed: str) -> None:
    """Run a command quietly; say every 15 s that it still works; show its words only when it failed."""
    started = time.monotonic()
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        while True:
            try:
                output, _ = child.communicate(timeout=15)
                break
            except subprocess.TimeoutExpired:
                say(f"still working ({time.monotonic() - started:.0f} s)")
            except KeyboardInterrupt:
                child.terminate()
                raise
    if child.returncode:
        tail = "\n".join(output.decode("utf-8", "replace").strip().splitlines()[-15:])
        raise CannotSetUp(f"{what_failed}:\n{tail}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
