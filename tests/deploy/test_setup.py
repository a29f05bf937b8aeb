"""Set-up: clear sentences for what is missing, stamps that make a second run instant, a path with Chinese."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy import setup

SCRIPT = Path(setup.__file__)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder with a Chinese name, locks and an empty environment."""
    folder = tmp_path / "三道 闸门"
    (folder / "requirements").mkdir(parents=True)
    for name in setup.SETS:
        (folder / "requirements" / f"{name}.lock").write_text(f"# {name}\n")
    for part in ("lib/python3.11/site-packages", "bin"):
        (folder / ".venv" / part).mkdir(parents=True)
    monkeypatch.setattr(setup, "PROJECT", folder)
    monkeypatch.setattr(setup, "VENV", folder / ".venv")
    monkeypatch.setattr(setup, "PYTHON", folder / ".venv" / "bin" / "python")
    return folder


def test_an_old_python_gets_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    assert setup.main(["run"]) == 1
    said = capsys.readouterr().err
    assert "needs Python 3.11 or newer" in said
    assert "apt-get install python3" in said


def test_a_python_without_venv_gets_the_packages_name() -> None:
    hide = "import sys; sys.modules['ensurepip'] = None; sys.path.insert(0, sys.argv[1]); import setup; "
    hide += "setup.check_venv_module()"
    asked = subprocess.run(
        [sys.executable, "-c", hide, str(SCRIPT.parent)], capture_output=True, text=True, check=False
    )
    assert f"apt-get install python3.{sys.version_info[1]}-venv" in asked.stderr


def test_an_unknown_set_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert setup.main(["everything"]) == 1
    assert "use one of: run, test, bench" in capsys.readouterr().err


def test_a_set_is_done_when_it_or_a_larger_one_is_and_the_lock_is_the_same(project: Path) -> None:
    assert not setup.finished("run")
    setup.stamp("test").write_text(setup.fingerprint("test"))
    assert setup.finished("run")
    assert setup.finished("test")
    assert not setup.finished("bench")
    (project / "requirements" / "test.lock").write_text("# newer\n")
    assert not setup.finished("run")


def test_the_project_is_on_the_path_whatever_the_locale(project: Path) -> None:
    setup.put_project_on_path()
    line = (project / ".venv/lib/python3.11/site-packages/threegates.pth").read_bytes()
    assert line.isascii()
    found = subprocess.run(
        [sys.executable, "-I", "-X", "utf8=0", "-c", f"{line.decode()}\nprint(ascii(sys.path[-1]))"],
        env={"LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == ascii(str(project))


def test_the_command_starts_in_a_path_with_spaces(project: Path) -> None:
    (project / ".venv/bin/python").symlink_to("/bin/echo")
    setup.put_project_on_path()
    said = subprocess.run(
        [project / ".venv/bin/threegates", "up", "--demo"], capture_output=True, text=True, check=True
    )
    assert said.stdout.startswith("-P -c from portal.commands import main; main() up --demo")


def test_what_pip_said_is_shown_when_it_fails(project: Path) -> None:
    with pytest.raises(setup.CannotSetUp, match=r"(?s)The remedy:.*no such package"):
        setup.call([sys.executable, "-c", "print('no such package'); raise SystemExit(1)"], "The remedy")


def test_set_up_knows_nothing_but_the_standard_library() -> None:
    asked = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), "nothing"], capture_output=True, text=True, check=False
    )
    assert "Unknown set 'nothing'" in asked.stderr
