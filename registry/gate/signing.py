"""The key that signs receipts: made at first start, kept in a file of its own, its public part in the database."""

import base64
import os
import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from registry import clock
from registry.errors import BadSetting
from registry.gate.receipts import key_id, public_bytes
from registry.reading import rows
from registry.settings import settings


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private key and the name under which its public part is published."""

    private: Ed25519PrivateKey
    name: str
    public: bytes


def key_file() -> Path:
    """Where the private key lies."""
    return settings().gate_key_file or settings().data_folder / "gate" / "signing-key.pem"


@lru_cache(maxsize=8)
def read_key(path: Path) -> SigningKey:
    """The key of a file; raises BadSetting where it is none or everybody can read it."""
    where = str(path)
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise BadSetting("Others can read the key that signs receipts.", where=where, remedy=f"chmod 600 {path}")
        private = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise BadSetting(
            f"The key that signs receipts cannot be read ({error.strerror}).",
            where=where,
            remedy="Restore it from the backup, or correct THREEGATES_GATE_KEY_FILE.",
        ) from None
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise BadSetting(
            "The file holds no Ed25519 key.",
            where=where,
            remedy="Restore it from the backup, or correct THREEGATES_GATE_KEY_FILE.",
        )
    public = public_bytes(private)
    return SigningKey(private, key_id(public), public)


async def ensure_signing_key(session: AsyncSession) -> SigningKey:
    """The key of this installation, made where there is none, its public part published."""
    connection = await session.connection()
    # One maker at a time: several processes may start at once.
    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('threegates gate key'))"))
    path = key_file().absolute()
    if not path.exists():
        _make(path)
    key = read_key(path)
    await connection.execute(
        text("INSERT INTO gate_keys (id, public_key, since) VALUES (:id, :public, :at) ON CONFLICT (id) DO NOTHING"),
        {"id": key.name, "public": key.public, "at": clock.now()},
    )
    return key


def _make(path: Path) -> None:
    content = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Ours alone from its first byte on, and whole before anybody finds it under its name.
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        beside.rename(path)
    except OSError as error:
        raise BadSetting(
            f"The key that signs receipts cannot be written ({error.strerror}).",
            where=str(path),
            remedy="Let this user write there, or set THREEGATES_GATE_KEY_FILE.",
        ) from None


async def published_keys(session: AsyncSession) -> list[dict[str, Any]]:
    """Every key that ever signed here, oldest first, as it is published."""
    found = await rows(session, "SELECT id, public_key, since FROM gate_keys ORDER BY since, id")
    return [
        {
            "id": row["id"],
            "algorithm": "Ed25519",
            "public_key": base64.b64encode(bytes(row["public_key"])).decode(),
            "since": row["since"].isoformat(),
        }
        for row in found
    ]
