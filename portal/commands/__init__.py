"""The command line: one module a command, found by its name; only the module asked for is imported."""

import importlib
import pkgutil
import sys

import typer

from registry.errors import BadInput, ThreegatesError

HELP = """The register of investment projects and the three gates in front of it: land, environment, credit.

Start with `threegates up`; ask `threegates status` how fresh the register is; `threegates doctor` when something is wrong."""


def command_names() -> list[str]:
    """The names of all commands: the modules of this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def application(only: str | None = None) -> typer.Typer:
    """The typer application with all commands, or with one (start-up of the others costs seconds)."""
    app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode="markdown")

    @app.callback()
    def _root() -> None:
        """Keeps commands as sub-commands when only one is loaded."""

    for name in [only] if only else command_names():
        importlib.import_module(f"{__name__}.{name}").register(app)
    return app


def main() -> None:
    """Entry point of `threegates`: 0 when well, 1 when what was asked is not so, 2 when the input is not valid."""
    asked = sys.argv[1].replace("-", "_") if len(sys.argv) > 1 else ""
    try:
        application(asked if asked in command_names() else None)(prog_name="threegates")
    except ThreegatesError as error:
        typer.echo(f"threegates: {error}", err=True)
        raise SystemExit(2 if isinstance(error, BadInput) else 1) from None
