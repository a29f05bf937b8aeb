"""`threegates tips`: reports from the public, on an officer's own machine and beside the database."""

import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from pyrage.x25519 import Identity
from sqlmodel.ext.asyncio.session import AsyncSession

from portal.commands import _tip_keys
from portal.commands._operating import run
from portal.commands._signed import content_of, published
from portal.commands._tip_keys import passphrase_of
from registry import clock
from registry.errors import ThreegatesError
from registry.gate.receipts import BadSignature, verify
from registry.private_files import write_private
from registry.tips import part_files
from registry.tips.canary import differences, read_statement
from registry.tips.cleaning import cleaned
from registry.tips.desk_work import desk_list
from registry.tips.part_files import safe_name
from registry.tips.private_keys import read_key_file
from registry.tips.sealing import unwrap

Files = Annotated[list[Path], typer.Argument(help="Sealed parts, as the report's page gives them (….age).")]
Keys = Annotated[list[Path], typer.Option("--key", help="A private key's file; twice where two people open.")]
Passphrases = Annotated[
    list[Path] | None, typer.Option("--passphrase-file", help="The passphrases of the keys, in their order.")
]
To = Annotated[Path, typer.Option("--to", help="The folder to write into.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    tips = typer.Typer(help="Reports from the public (docs/reports.md).", no_args_is_help=True)
    app.add_typer(tips, name="tips")
    _tip_keys.register(tips)
    tips.command("list")(list_tips)
    tips.command("open")(open_parts)
    tips.command("answer")(answer)
    tips.command("clean")(clean)
    tips.command("reseal")(reseal)
    tips.command("canary")(verify_canary)


def list_tips(
    closed: Annotated[bool, typer.Option("--closed", help="Those that are closed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What waits at the desks and by when; what was reported stands nowhere here."""

    async def work(session: AsyncSession) -> list[dict[str, Any]]:
        return await desk_list(session, clock.today(), closed=closed)

    found = run(work)
    if as_json:
        kept = ("id", "organisation_id", "day", "state", "due", "late", "parts", "size", "outcome")
        typer.echo(orjson.dumps([{name: one[name] for name in kept} for one in found]).decode())
        return
    for one in found:
        due = f"due {one['due']}{' LATE' if one['late'] else ''}" if one["due"] else ""
        typer.echo(f"{one['id']} {one['organisation_id']} {one['day']} {one['state']} {one['parts']} {due}".rstrip())


def open_parts(
    files: Files,
    key: Keys,
    passphrase_file: Passphrases = None,
    to: Annotated[Path | None, typer.Option("--to", help="The folder for opened files; texts are printed.")] = None,
    half: Annotated[
        bool, typer.Option("--half", help="Take one person's seal off and write what the other opens.")
    ] = False,
) -> None:
    """Open parts on this machine, without network and database."""
    identities = _identities(key, passphrase_file)
    for file in files:
        left = part_files.without_seals(content_of(file), identities)
        if part_files.is_sealed(left):
            if not half:
                part_files.opened(content_of(file), identities)  # says what is missing
            target = (to or file.parent) / f"{file.stem.removesuffix('.half')}.half.age"
            write_private(target, left)
            typer.echo(f"仍封存给另一人 · still sealed to the other person: {target}")
            continue
        part = unwrap(left)
        if part.header.kind == "file":
            target = (to or file.parent) / safe_name(part.header.name, f"{file.stem}.bin")
            write_private(target, part.content)
            typer.echo(f"{target}")
        else:
            typer.echo(_text(part.content))


def answer(
    recipients: Annotated[list[str], typer.Argument(help="The receipt's key, and the desk's own to read it again.")],
    to: Annotated[Path, typer.Option("--to", help="The sealed file, to be sent on the report's page.")],
) -> None:
    """Seal an answer that is read from standard input."""
    write_private(to, part_files.sealed_answer(sys.stdin.read(), recipients))
    typer.echo(f"{to}")


def clean(files: Annotated[list[Path], typer.Argument(help="Opened files.")], to: To) -> None:
    """Make copies without metadata of pictures, PDFs and Office files; the originals stay. 1: some were refused."""
    refused = 0
    for file in files:
        try:
            copy, suffix, how = cleaned(content_of(file))
        except ThreegatesError as error:
            refused += 1
            typer.echo(f"✗ {file.name}: {error}", err=True)
            continue
        target = to / f"{safe_name(file.stem, 'file')}.cleaned{suffix}"
        write_private(target, copy)
        typer.echo(f"✓ {target}: {how}")
    if refused:
        raise typer.Exit(1)


def reseal(
    files: Files,
    key: Keys,
    desk: Annotated[Path, typer.Option(help="The desk's present keys: /tip-keys/DESK.json.")],
    to: To,
    passphrase_file: Passphrases = None,
) -> None:
    """Seal parts to the desk's present keys, after somebody left or a key was changed; nothing is written unsealed."""
    groups = part_files.read_groups(content_of(desk), str(desk))
    identities = _identities(key, passphrase_file)
    for file in files:
        again = part_files.sealed_again(content_of(file), identities, groups)
        write_private(to / file.name, again)
        typer.echo(f"{to / file.name}")


def verify_canary(
    file: Annotated[Path, typer.Argument(help="/reports/signed.json as it was saved.")],
    keys: Annotated[
        Path | None, typer.Option(help="A saved /gate-check/keys.json; default: the key of this installation.")
    ] = None,
    before: Annotated[Path | None, typer.Option(help="An earlier one, to see what changed since.")] = None,
) -> None:
    """Whether a statement of the keys is genuine, of which day, and what changed; exit 1 when it is not genuine.

    Needs no network and no database. Keep a statement and the public keys on a device of your own: later ones are
    held against them.
    """
    known = published(keys)
    said = []
    for one in (file, before) if before else (file,):
        statement = read_statement(content_of(one), str(one))
        try:
            name = verify(statement, known)
        except BadSignature:
            typer.echo(f"✗ 声明不真实，或已被改动 · not genuine, or changed: {one}")
            raise typer.Exit(1) from None
        typer.echo(f"✓ 声明真实 · genuine (Ed25519 {name}): {statement['day']}, {one}")
        said.append(statement)
    if before:
        words = {"new": "新增 · new", "gone": "不再列出 · gone", "changed": "改变 · changed"}
        changed = differences(said[1], said[0])
        for what, whose, mark in changed:
            typer.echo(f"{words[what]}: {whose} {mark}")
        if said[1]["intake"] != said[0]["intake"]:
            typer.echo(f"举报地址 · address: {said[1]['intake']} → {said[0]['intake']}")
        elif not changed:
            typer.echo("没有变化 · nothing changed")


def _identities(keys: list[Path], passphrases: list[Path] | None) -> list[Identity]:
    files: list[Path | None] = [*(passphrases or [])]
    files += [None] * (len(keys) - len(files))
    return [
        read_key_file(content_of(file), passphrase_of(given, key=file.name))
        for file, given in zip(keys, files, strict=True)
    ]


def _text(content: bytes) -> str:
    """A report's answers as lines; an addition's text."""
    try:
        said = orjson.loads(content)
    except orjson.JSONDecodeError:
        return content.decode("utf-8", "replace")
    return "\n".join(f"{name}: {_plain(value)}" for name, value in said.items() if _plain(value))


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(str(one) for one in value.values() if one)
    if isinstance(value, list):
        return ", ".join(_plain(one) for one in value)
    return str(value)
