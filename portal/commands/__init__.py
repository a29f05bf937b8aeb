"""The command line: one module a command, found by its name; only the module asked for is imported."""

import importlib
import os
import pkgutil
import sys
from pathlib import Path

import typer

from deploy.state import running_environment
from registry.errors import BadInput, ThreegatesError

HELP = """The register of investment projects and the three gates in front of it: land, environment, credit.

Start with `threegates up`; ask `threegates status` how fresh the register is;
`threegates doctor` when something is wrong."""


def command_names() -> list[str]:
    """The names of all commands: the modules of this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def application(only: str | None = None) -> typer.Typer:
    """The typer application with all commands, or with one (start-up of the others costs seconds)."""
    app = typer.Typer(
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,  # its tracebacks show local variables, and with them what is confidential
    )

    @app.callback()
    def _root() -> None:
        """Keeps commands as sub-commands when only one is loaded."""

    for name in [only] if only else command_names():
        importlib.import_module(f"{__name__}.{name}").register(app)
    return app


def _use_what_runs() -> None:
    """Let a command in a second terminal find the servers of the `threegates up` that runs in this data folder."""
    if "THREEGATES_DATABASE_URL" not in os.environ:
        folder = Path(os.environ.get("THREEGATES_DATA_FOLDER", ".threegates"))
        os.environ.update(
            {name: value for name, value in running_environment(folder).items() if name not in os.environ}
        )


# What the jobs do as well, done by hand: it enters the database as they do, where they have an address of their own.
_OF_THE_JOBS = ("obligations", "reindex", "relink", "status", "sync", "verify")


def main() -> None:
    """Entry point of `threegates`: 0 when well, 1 when what was asked is not so, 2 when the input is not valid."""
    asked = sys.argv[1].replace("-", "_") if len(sys.argv) > 1 else ""
    if asked != "up":
        _use_what_runs()
    if asked in _OF_THE_JOBS and (entering := os.environ.get("THREEGATES_JOBS_DATABASE_URL")):
        os.environ["THREEGATES_DATABASE_URL"] = entering
    try:
        application(asked if asked in command_names() else None)(prog_name="threegates")
    except ThreegatesError as error:
        typer.echo(f"threegates: {error}", err=True)
        raise SystemExit(2 if isinstance(error, BadInput) else 1) from None
