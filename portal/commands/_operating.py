"""What commands share: one transaction of whoever runs the machine, and how its outcome is printed."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import orjson
import typer
from sqlmodel.ext.asyncio.session import AsyncSession

from registry.database import engine, transaction
from registry.roles import Permission
from registry.viewers import NATION, Viewer

Result = TypeVar("Result")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def operator_name() -> str:
    """Whoever runs the command, as histories and the audit name them."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):
        return "command line"  # a container's account may have no name


def operator(*permissions: Permission) -> Viewer:
    """Whoever may run commands beside the database is the register's operator."""
    return Viewer("person", actor=operator_name(), region=NATION, permissions=frozenset(permissions))


def run(work: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
    """Do the work in one transaction and let the connections go."""

    async def in_one_transaction() -> Result:
        try:
            async with transaction() as session:
                return await work(session)
        finally:
            await engine().dispose()

    return asyncio.run(in_one_transaction())


def tell(done: dict[str, Any], *, as_json: bool) -> None:
    """Print an outcome: a line a field, or one JSON object."""
    if as_json:
        typer.echo(orjson.dumps(done, option=orjson.OPT_INDENT_2).decode())
        return
    for name, value in done.items():
        typer.echo(f"{name.replace('_', ' ')}: {', '.join(value) if isinstance(value, list) else value}")
