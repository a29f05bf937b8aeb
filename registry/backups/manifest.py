"""What a backup holds: the form of its manifest, the installation's files, the digest of every table."""

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg
import orjson

from registry.audit_anchors import anchor_file
from registry.errors import BadFile
from registry.gate.signing import key_file
from registry.installation_key import key_path
from registry.tips.receipts import pepper_path

# The form of the archive; a change that an older threegates cannot read raises it.
FORM: Final = 1
ANCHORS: Final = "audit-anchors.jsonl"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The last thing in a backup: what is before it, by hash, and what the register was."""

    made_at: str
    schema: str
    postgresql: int
    # Name of a table: how many rows, and their digest whatever their order.
    tables: dict[str, tuple[int, str]]
    dump_bytes: int
    dump_sha256: str
    # Name of a file in the backup: its SHA-256.
    files: dict[str, str] = field(default_factory=dict)
    form: int = FORM

    @property
    def rows(self) -> int:
        """How many rows all tables have."""
        return sum(count for count, _digest in self.tables.values())

    @property
    def digest(self) -> str:
        """The register in one word: two registers with equal tables have the same."""
        return hashlib.sha256(orjson.dumps(self.tables, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def as_bytes(self) -> bytes:
        """As it stands in the backup."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


def read_manifest(content: bytes, where: str) -> Manifest:
    """A manifest from its bytes; BadFile where it is none."""
    try:
        said: dict[str, Any] = orjson.loads(content)
        tables = {str(name): (int(count), str(digest)) for name, (count, digest) in said.pop("tables").items()}
        return Manifest(tables=tables, **said)
    except (ValueError, KeyError, TypeError) as error:
        raise BadFile(
            "The backup's manifest cannot be read.", where=where, remedy="Use another copy; nothing was changed."
        ) from error


def installation_files() -> dict[str, Path]:
    """What lies outside the database and is needed with it, by its name in a backup.

    The months' outer keys of reports are not among them, nor is any folder taken whole: what no line here names is in
    no backup, so that destroying a month's key reaches all copies.
    """
    return {
        "keys/installation-key": key_path(),
        "keys/tip-pepper": pepper_path(),
        "gate/signing-key.pem": key_file(),
        ANCHORS: anchor_file(),
    }


async def table_digests(connection: asyncpg.Connection) -> dict[str, tuple[int, str]]:
    """How many rows each table has, and a digest of them that does not depend on their order; in one snapshot."""
    found = await connection.fetch(
        "SELECT quote_ident(relname) AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relkind = 'r' ORDER BY relname"
    )
    # What a row looks like as text depends on these.
    await connection.execute(
        "SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL timezone = 'UTC'; "
        "SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1"
    )
    digests = {}
    for one in found:
        # The name comes from the catalogue, quoted.
        count, total = await connection.fetchrow(
            "SELECT count(*), coalesce(sum(('x' || left(md5(whole_row::text), 15))::bit(60)::bigint), 0)::text "
            f"FROM public.{one['name']} AS whole_row"
        )
        digests[str(one["name"])] = (int(count), str(total))
    return digests
