"""`threegates restore`: a backup into an empty installation, checked before and verified after."""

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from pyrage.x25519 import Identity

from deploy.alone import own_servers
from deploy.failure import Failure
from deploy.programs import postgresql_tools
from jobs.queue import install_queue
from portal.commands._operating import AsJson, operator, tell
from portal.commands._tip_keys import passphrase_of
from registry.auditing import audit
from registry.backups.manifest import Manifest
from registry.backups.restoring import Restored, check_backup
from registry.backups.restoring import restore as put_back
from registry.database import connect, engine, transaction
from registry.errors import BadFile, Unavailable
from registry.settings import settings
from registry.tips.private_keys import read_key_file
from registry.tips.sealing import identity
from search.client import ask, servers
from search.reindex import reindex


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def restore(
        file: Annotated[Path, typer.Argument(help="What `threegates backup` wrote.")],
        key: Annotated[
            Path | None,
            typer.Option(help="The private key's file, where the backup is encrypted."),
        ] = None,
        passphrase_file: Annotated[Path | None, typer.Option(help="Its first line is the key's passphrase.")] = None,
        anchors: Annotated[
            Path | None, typer.Option(help="A copy of the audit's anchors that was kept elsewhere: it proves most.")
        ] = None,
        check: Annotated[bool, typer.Option("--check", help="Only read the backup whole, and say what it is.")] = False,
        without_search: Annotated[
            bool, typer.Option("--without-search", help="Leave search for `threegates reindex`, later.")
        ] = False,
        as_json: AsJson = False,
    ) -> None:
        """Put a backup back, into an empty installation: a new data folder, or a new database of a server of yours.

        1. The file is read whole and held against its manifest; nothing is changed if a byte of it is.
        2. The target must be empty, and no key of another installation in the way: nothing is overwritten.
        3. The register is loaded in one transaction, its digest compared, the audit verified, search rebuilt.

        Without THREEGATES_DATABASE_URL it starts this folder's own servers for the while; end `threegates up` first.
        Then start with `threegates up`. Exit 1 when the audit does not verify: the register is there all the same.

        The months' outer keys of reports are in no backup. Reports can be read here only if `tip-keys` is brought
        over from the old machine itself before the first start: what has no key then is deleted.
        """
        identities = [] if key is None else [_identity(key, passphrase_file)]
        if check:
            manifest, files = check_backup(file, identities)
            tell({**_said(manifest), "files": sorted(files), "whole": True}, as_json=as_json)
            return
        # Before any server starts: a wrong file is told at once.
        check_backup(file, identities)
        wanted = settings()
        try:
            with own_servers(
                wanted.data_folder,
                database=wanted.database_url is None,
                search=wanted.elasticsearch_url is None and not without_search,
            ) as given:
                os.environ.update(given)
                settings.cache_clear()
                restored, documents = asyncio.run(_restore(file, identities, anchors, without_search=without_search))
        except Failure as failure:
            raise Unavailable(failure.message, remedy=failure.remedy) from failure
        told = {
            **_said(restored.manifest),
            "audit_holds": restored.audit.holds,
            "audit_entries": restored.audit.entries,
            "anchors": restored.audit.anchors,
        }
        if documents:
            told["search"] = [f"{name} {count}" for name, count in documents.items()]
        tell(told, as_json=as_json)
        if restored.audit.breach is not None:
            typer.echo(f"{restored.audit.breach.zh} · {restored.audit.breach.en}", err=True)
            raise typer.Exit(1)


async def _restore(
    file: Path, identities: list[Identity], anchors: Path | None, *, without_search: bool
) -> tuple[Restored, dict[str, int]]:
    dsn = settings().database_dsn()
    if not without_search:
        await ask(servers().elasticsearch.cluster.health)
    try:
        restored = await put_back(dsn, postgresql_tools(), file, identities, anchors)
        connection = await connect(dsn)
        try:
            await install_queue(connection)
        finally:
            await connection.close()
        noted = {"digest": restored.manifest.digest, "made_at": restored.manifest.made_at,
                 "audit_holds": restored.audit.holds}  # fmt: skip
        async with transaction() as session:
            await audit(session, operator(), "register.restore", "register", after=noted)
        # Whatever an index held before is another register's, or an older one's.
        documents = {} if without_search else (await reindex(servers(), accept_fewer=True)).documents
    finally:
        await engine().dispose()
    return restored, {str(name): count for name, count in documents.items()}


def _identity(key: Path, passphrase_file: Path | None) -> Identity:
    """A key as `threegates tips keys new` makes it, or a plain one of age's own."""
    try:
        content = key.read_bytes()
    except OSError as error:
        raise BadFile(f"The file cannot be read ({error.strerror}).", where=str(key), remedy="Name it.") from None
    plain = next((line for line in content.splitlines() if line.startswith(b"AGE-SECRET-KEY-")), b"")
    if plain:
        return identity(plain.decode("ascii", "replace"))
    return read_key_file(content, passphrase_of(passphrase_file, key=key.name))


def _said(manifest: Manifest) -> dict[str, Any]:
    return {
        "made_at": manifest.made_at,
        "schema": manifest.schema,
        "tables": len(manifest.tables),
        "rows": manifest.rows,
        "digest": manifest.digest,
    }
