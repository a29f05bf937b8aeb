"""`threegates tips keys`: an officer's key is made on their own machine; public keys are added, confirmed, ended."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from sqlmodel.ext.asyncio.session import AsyncSession

from portal.commands._operating import operator, run
from registry import clock
from registry.errors import BadFile, NotFound
from registry.private_files import write_private
from registry.reading import first
from registry.tips.desk_keys import add_key, confirm_key, end_key, open_desk, read_keys
from registry.tips.private_keys import new_key_file
from registry.tips.sealing import fingerprint
from registry.viewers import Viewer

By = Annotated[str, typer.Option("--by", help="Login of the person who does it.")]
Desk = Annotated[str, typer.Argument(help="Short name of the office.")]


def register(tips: typer.Typer) -> None:
    """Add the commands."""
    keys = typer.Typer(help="Keys of desks (docs/reports.md says how a key ceremony goes).", no_args_is_help=True)
    tips.add_typer(keys, name="keys")
    keys.command("new")(new)
    keys.command("list")(list_keys)
    keys.command("add")(add)
    keys.command("confirm")(confirm)
    keys.command("end")(end)
    tips.command("desk")(desk)


def passphrase_of(file: Path | None, *, again: bool = False, key: str = "") -> str:
    """A passphrase from a file's first line, or typed without being shown."""
    if file is None:
        said = f"口令 · Passphrase{' · ' + key if key else ''}"
        return str(typer.prompt(said, hide_input=True, confirmation_prompt=again))
    try:
        return (file.read_text(encoding="utf-8").splitlines() or [""])[0]
    except (OSError, ValueError):
        raise BadFile("The passphrase's file cannot be read.", where=str(file)) from None


def new(
    file: Annotated[Path, typer.Argument(help="Where the private key goes, on a stick that its holder keeps.")],
    passphrase_file: Annotated[Path | None, typer.Option(help="Its first line is the passphrase.")] = None,
) -> None:
    """Make a key; needs no database and no network."""
    content, recipient = new_key_file(passphrase_of(passphrase_file, again=True))
    write_private(file, content)
    typer.echo(f"公钥 · public key: {recipient}\n指纹 · fingerprint: {fingerprint(recipient)}")


def list_keys(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """All public keys of all desks with their fingerprints."""
    found = run(read_keys)
    if as_json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    for one in found:
        state = f"ended {one['until']}" if one["until"] else "in use" if one["confirmed"] else "to be confirmed"
        typer.echo(f"{one['organisation_id']} {one['key_group']} {one['fingerprint']} {state} {one['recipient']}")


def desk(
    organisation: Desk,
    two_people: Annotated[bool, typer.Option("--two-people", help="Two people open together.")] = False,
) -> None:
    """Let an office receive reports."""

    async def work(session: AsyncSession) -> None:
        await open_desk(session, operator("accounts"), organisation, clock.today(), two_people=two_people)

    run(work)
    typer.echo(f"{organisation}: {'two people' if two_people else 'one person'}")


def add(
    organisation: Desk,
    recipient: Annotated[str, typer.Argument(help="The public key, age1…")],
    holder: Annotated[str, typer.Option(help="Login of the person whose key it is.")],
    group: Annotated[str, typer.Option(help="A or B.")] = "A",
) -> None:
    """Add somebody's public key; it counts once another person has confirmed its fingerprint."""

    async def work(session: AsyncSession) -> str:
        viewer = await _person(session, organisation, holder)
        return await add_key(session, viewer, (organisation, group, recipient, viewer.account_id or 0), clock.today())

    typer.echo(f"指纹，待第二人核对 · fingerprint, to be confirmed: {run(work)}")


def confirm(organisation: Desk, mark: Annotated[str, typer.Argument(help="The fingerprint.")], by: By) -> None:
    """A second person has compared the fingerprint with its holder's."""

    async def work(session: AsyncSession) -> None:
        await confirm_key(session, await _person(session, organisation, by), organisation, _grouped(mark))

    run(work)
    typer.echo("使用中 · in use")


def end(
    organisation: Desk,
    mark: Annotated[str, typer.Argument(help="The fingerprint.")],
    why: Annotated[str, typer.Option(help="Why: somebody left, a stick was lost, the year is over.")],
    by: By,
) -> None:
    """Seal to this key no more; then seal again what was sealed to it."""

    async def work(session: AsyncSession) -> None:
        await end_key(
            session, await _person(session, organisation, by), organisation, _grouped(mark), why, clock.today()
        )

    run(work)
    typer.echo("已停用 · ended")


def _grouped(mark: str) -> str:
    digits = "".join(mark.split()).lower()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


async def _person(session: AsyncSession, organisation: str, login: str) -> Viewer:
    """Somebody of the desk, for whom the command line acts."""
    found: dict[str, Any] | None = await first(
        session,
        "SELECT id, name FROM accounts WHERE login = :login AND organisation_id = :organisation AND state = 'active'",
        login=login,
        organisation=organisation,
    )
    if found is None:
        raise NotFound("This office has no such person.", where=login)
    return Viewer(
        "person",
        account_id=found["id"],
        actor=f"{login} (command line)",
        name=found["name"],
        organisation_id=organisation,
        permissions=frozenset({"decide"}),
    )
