"""Restoring a backup into an empty installation: everything is checked first, and what came is verified after."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
from pyrage.x25519 import Identity

from registry.audit_anchors import Anchor, read_anchors
from registry.audit_verifying import Verified, verify_audit
from registry.backups.archive import DUMP, check, not_whole, of_a_newer, walk
from registry.backups.manifest import ANCHORS, Manifest, installation_files, table_digests
from registry.backups.programs import Programs, last_words
from registry.database import connect
from registry.errors import BadFile, Conflict, ThreegatesError, Unavailable
from registry.migrations import knows, upgrade
from registry.private_files import write_private
from registry.viewers import WORKSHOP

_CONTENT: Final = r"""
SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname NOT LIKE 'pg\_temp%'
AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
"""
_NO_CHINESE: Final = "SELECT datctype IN ('C', 'POSIX') FROM pg_database WHERE datname = current_database()"
# Makes a database that holds nothing but the register one without a table.
EMPTY: Final = f"DROP SCHEMA IF EXISTS public, {WORKSHOP} CASCADE; CREATE SCHEMA public"


class NotAsSaved(ThreegatesError):
    """What was restored is not what was saved; nothing of it was kept."""

    title = "The restored register is not the saved one"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and what verifying its audit found."""

    manifest: Manifest
    audit: Verified


def check_backup(path: Path, identities: Sequence[Identity]) -> tuple[Manifest, dict[str, bytes]]:
    """Read a backup whole; its manifest and files. BadInput where it is none, damaged, or of a newer threegates."""
    manifest, files = check(path, identities)
    if not knows(manifest.schema):
        raise of_a_newer(path)
    unknown = sorted(set(files) - set(installation_files()))
    if unknown:
        raise BadFile(
            "The backup holds a file that none of threegates' is.",
            where=unknown[0],
            remedy="Use a backup that `threegates backup` wrote; nothing was changed.",
        )
    return manifest, files


async def restore(
    dsn: str, programs: Path, path: Path, identities: Sequence[Identity] = (), anchors: Path | None = None
) -> Restored:
    """Restore into an empty database and an installation without keys of its own; nothing is overwritten.

    `anchors`: a copy of the audit's anchors that was kept elsewhere; without it those in the backup count. Raises
    BadInput or Conflict before anything was changed, and NotAsSaved after everything was taken back.
    """
    kept = read_anchors(anchors) if anchors else None
    manifest, files = await asyncio.to_thread(check_backup, path, identities)
    _check_places(files)
    connection = await connect(dsn)
    try:
        await _check_target(connection, manifest)
        try:
            await asyncio.to_thread(_load, Programs(programs, dsn), path, identities, manifest)
            async with connection.transaction(isolation="repeatable_read"):
                if await table_digests(connection) != manifest.tables:
                    raise NotAsSaved(
                        "The restored register differs from the saved one.",
                        remedy="Nothing was kept. See the server's log and its disk, then restore again.",
                    )
            _put_files(files)
        except BaseException:
            # It was empty before, and is again.
            await connection.execute(EMPTY)
            raise
        found = await verify_audit(connection, kept if kept is not None else _anchors_of(files))
    finally:
        await connection.close()
    await upgrade(dsn, restored=True)
    return Restored(manifest, found)


async def _check_target(connection: asyncpg.Connection, manifest: Manifest) -> None:
    if await connection.fetchval(_CONTENT):
        raise Conflict(
            "The database is not empty.",
            where="THREEGATES_DATABASE_URL",
            remedy="Restore into a new database, or with THREEGATES_DATA_FOLDER into a new folder; "
            "nothing was changed.",
        )
    version = int(await connection.fetchval("SHOW server_version_num")) // 10_000
    if version < manifest.postgresql:
        raise Conflict(
            f"The backup is of PostgreSQL {manifest.postgresql}, this one is {version}.",
            remedy=f"Restore into PostgreSQL {manifest.postgresql} or newer; nothing was changed.",
        )
    if await connection.fetchval(
        "SELECT datctype IN ('C', 'POSIX') FROM pg_database WHERE datname = current_database()"
    ):
        raise Conflict(
            "The database's locale finds no Chinese names.",
            remedy="Make it anew: createdb --encoding=UTF8 --locale=C.UTF-8 --template=template0; nothing was changed.",
        )


def _check_places(files: dict[str, bytes]) -> None:
    """Every file's place is free, or holds the same already."""
    places = installation_files()
    for name, content in files.items():
        place = places[name]
        if place.exists() and place.read_bytes() != content:
            raise Conflict(
                "This installation has a file of its own there.",
                where=str(place),
                remedy="Restore into a new THREEGATES_DATA_FOLDER, or move the file away; nothing was changed.",
            )


def _load(programs: Programs, path: Path, identities: Sequence[Identity], manifest: Manifest) -> None:
    """Hand the dump to pg_restore, in one transaction: what is not the checked dump to its end leaves nothing."""
    running = programs.start(
        "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", told=True
    )
    digest = hashlib.sha256()
    with running:
        assert running.stdin is not None  # noqa: S101  # start() asks for it
        try:
            for name, content in walk(path, identities):
                if name.startswith(DUMP):
                    digest.update(content)
                    running.stdin.write(content)
            if digest.hexdigest() != manifest.dump_sha256:
                # It was changed since it was checked.
                running.kill()
                raise not_whole(path)
            running.stdin.close()
        except BrokenPipeError:
            pass  # it has ended, and says why
        except BaseException:
            running.kill()
            raise
        said = last_words(running)
        if running.wait() != 0:
            raise Unavailable(f"PostgreSQL's pg_restore failed ({said}).", remedy="See `threegates doctor`.")


def _put_files(files: dict[str, bytes]) -> None:
    """Write them for their owner alone; all, or none."""
    places = installation_files()
    written: list[Path] = []
    try:
        for name, content in files.items():
            if places[name].exists():
                continue
            write_private(places[name], content)
            written.append(places[name])
    except BaseException:
        for place in written:
            place.unlink()
        raise


def _anchors_of(files: dict[str, bytes]) -> list[Anchor]:
    return read_anchors(installation_files()[ANCHORS]) if ANCHORS in files else []
