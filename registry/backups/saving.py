"""Making a backup: PostgreSQL's own dump and the digests of one snapshot, the installation's files, the manifest."""

import asyncio
import hashlib
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import asyncpg
from pyrage.x25519 import Recipient

from registry import clock
from registry.backups.archive import FILES, MANIFEST, MANIFEST_HASH, PIECE, piece_name, put, writing
from registry.backups.manifest import Manifest, installation_files, table_digests
from registry.backups.programs import Programs, last_words
from registry.database import connect
from registry.errors import BadSetting, Unavailable

# Policies name roles, and roles are the server's: who restores puts their own software's policies in force.
_DUMPED: Final = (
    "--format=custom", "--no-owner", "--no-privileges", "--no-policies", "--no-comments", "--enable-row-security",
)  # fmt: skip
_FOREIGN: Final = """
SELECT count(*) FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
AND NOT pg_has_role(current_user, c.relowner, 'USAGE')
"""


async def save(dsn: str, programs: Path, path: Path, recipients: Sequence[Recipient] = ()) -> Manifest:
    """Write a backup of the register and its installation's files; others read and write meanwhile.

    Raises Conflict where the file is there, BadSetting where the address is not the owner's, who alone sees all rows.
    """
    # Before the snapshot: it must hold every batch that an anchor names.
    files = {name: place.read_bytes() for name, place in installation_files().items() if place.exists()}
    connection = await connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            if await connection.fetchval("SELECT to_regclass('public.alembic_version') IS NULL"):
                raise Unavailable("The database does not hold the register.", remedy="Run `threegates migrate`.")
            if await connection.fetchval(_FOREIGN):
                raise BadSetting(
                    "A backup is made as the database's owner.",
                    where="THREEGATES_DATABASE_URL",
                    remedy="Give the owner's address: another role sees a part of the rows.",
                )
            with writing(path, recipients) as archive:
                return await _fill(connection, Programs(programs, dsn), archive, files)
    finally:
        await connection.close()


async def _fill(
    connection: asyncpg.Connection, programs: Programs, archive: tarfile.TarFile, files: dict[str, bytes]
) -> Manifest:
    snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
    for name, content in files.items():
        put(archive, FILES + name, content)
    tables = await table_digests(connection)
    size, digest = await asyncio.to_thread(_dump, programs, snapshot, archive)
    manifest = Manifest(
        made_at=clock.now().isoformat(timespec="seconds"),
        schema=str(await connection.fetchval("SELECT version_num FROM alembic_version")),
        postgresql=int(await connection.fetchval("SHOW server_version_num")) // 10_000,
        tables=tables,
        dump_bytes=size,
        dump_sha256=digest,
        files={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    )
    put(archive, MANIFEST, manifest.as_bytes())
    put(archive, MANIFEST_HASH, hashlib.sha256(manifest.as_bytes()).hexdigest().encode())
    return manifest


def _dump(programs: Programs, snapshot: str, archive: tarfile.TarFile) -> tuple[int, str]:
    """Put pg_dump's output into the archive piece by piece; its size and SHA-256."""
    running = programs.start("pg_dump", *_DUMPED, f"--snapshot={snapshot}")
    size, digest, number = 0, hashlib.sha256(), 0
    with running:
        assert running.stdout is not None  # noqa: S101  # start() asks for it
        while piece := running.stdout.read(PIECE):
            number += 1
            put(archive, piece_name(number), piece)
            digest.update(piece)
            size += len(piece)
        if running.wait() != 0:
            raise Unavailable(
                f"PostgreSQL's pg_dump failed ({last_words(running)}).",
                remedy="See `threegates doctor`; then run the command again.",
            )
    return size, digest.hexdigest()
