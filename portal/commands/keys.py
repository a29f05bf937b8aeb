"""`threegates keys`: keys of the programming interface from the command line, the first one above all."""

from datetime import timedelta
from typing import Annotated, Any

import orjson
import typer
from sqlmodel.ext.asyncio.session import AsyncSession

from portal.api_keys import FIRST_KEY, keep_key, key_file
from portal.commands._operating import AsJson, operator, run, tell
from registry import clock
from registry.errors import NotFound
from registry.key_writing import NewKey, create_key, keys, revoke_key, rotate_key
from registry.reading import first
from registry.roles import SCOPES


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="Keys of the programming interface (docs/api.md).", no_args_is_help=True)
    app.add_typer(commands, name="keys")
    commands.command("create")(create)
    commands.command("list")(list_keys)
    commands.command("rotate")(rotate)
    commands.command("revoke")(revoke)


def create(
    name: Annotated[str, typer.Argument(help="What uses it, 3 to 60 characters.")],
    organisation: Annotated[str, typer.Option(help="Short name of the organisation it belongs to.")],
    scope: Annotated[list[str], typer.Option(help=f"One of {', '.join(SCOPES)}; may be given several times.")],
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days it holds.")] = 180,
    rate: Annotated[int, typer.Option(min=1, max=6000, help="Requests a minute.")] = 600,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, this once."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        ends = clock.now() + timedelta(days=days)
        new = NewKey(name, organisation, tuple(dict.fromkeys(scope)), ends, rate)
        key = await create_key(session, operator("accounts"), new, clock.now())
        return {"name": name, "key": key, "organisation": organisation, "scopes": sorted(new.scopes), "ends": ends}

    tell(run(work), as_json=as_json)


def list_keys(as_json: AsJson = False) -> None:
    """All keys with what they may, until when, and the day they were last used; never the keys themselves."""

    async def work(session: AsyncSession) -> list[dict[str, Any]]:
        return [{**one, "state": _state(one)} for one in await keys(session, operator("accounts"))]

    found = run(work)
    if as_json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    for one in [] if as_json else found:
        ends = f"until {one['expires_at']:%Y-%m-%d}" if one["expires_at"] else "without end"
        used = f"last used on {one['last_used_on']}" if one["last_used_on"] else "never used"
        whose = one["organisation_id"] or "the register's own"
        typer.echo(f"{one['name']}  {whose}  {', '.join(one['scopes'])}  {one['state']}  {ends}  {used}")


def rotate(
    name: str,
    overlap: Annotated[int, typer.Option(min=0, max=720, help="Hours for which the old key still holds.")] = 24,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret and print it, this once; 0 hours of overlap where the old one has leaked."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        found = await _key(session, name)
        key = await rotate_key(session, operator("accounts"), found, clock.now(), timedelta(hours=overlap))
        return {"name": name, "key": key, "old_key_holds_for_hours": overlap}

    done = run(work)
    if name == FIRST_KEY and key_file().exists():
        keep_key(done["key"])
    tell(done, as_json=as_json)


def revoke(name: str, as_json: AsJson = False) -> None:
    """End a key at once."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        await revoke_key(session, operator("accounts"), await _key(session, name), clock.now())
        return {"revoked": name}

    tell(run(work), as_json=as_json)


def _state(key: dict[str, Any]) -> str:
    if key["revoked_at"] is not None:
        return "revoked"
    return "ended" if key["expires_at"] is not None and key["expires_at"] <= clock.now() else "holds"


async def _key(session: AsyncSession, name: str) -> int:
    found = await first(session, "SELECT id FROM api_keys WHERE name = :name", name=name)
    if found is None:
        raise NotFound("There is no such key.", where=name, remedy="See `threegates keys list`.")
    return int(found["id"])
