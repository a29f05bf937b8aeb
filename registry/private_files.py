"""Files that only their owner reads: keys, opened reports, what a backup brings back."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from registry.errors import BadFile, Conflict


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads; one that is there stays as it is."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict("There is such a file already.", where=str(path), remedy="Name another.") from None
    except OSError as error:
        raise BadFile(f"The file cannot be written ({error.strerror}).", where=str(path)) from None
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        # What is sealed to a key that did not reach the disk would be lost.
        os.fsync(stream.fileno())


def made_once(path: Path, content: bytes) -> bytes:
    """What a file holds, made with `content` where there is none; of several makers at once, all read the first's.

    Written beside and linked, so that nobody reads half of it. OSError where it cannot be made or read.
    """
    with suppress(FileNotFoundError):
        return path.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}-{secrets.token_hex(6)}")
    write_private(draft, content)
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return path.read_bytes()
