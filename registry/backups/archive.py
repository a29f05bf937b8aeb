"""A backup as one file: a tar that streams, sealed with age where keys are given; nothing is put down in between.

Any tar and any age open it too: `age -d -i KEY FILE | tar x`, then `cat register.dump/* | pg_restore …`.
"""

import hashlib
import io
import os
import secrets
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

import pyrage
from pyrage.x25519 import Identity, Recipient

from registry import clock
from registry.backups.manifest import FORM, Manifest, read_manifest
from registry.errors import BadFile, BadInput, Conflict

MARK: Final = "threegates-backup"
MANIFEST: Final = "manifest.json"
MANIFEST_HASH: Final = "manifest.sha256"
FILES: Final = "files/"
DUMP: Final = "register.dump/"
# The dump lies in pieces: a tar says the size of each before it, and nobody knows the whole's.
PIECE: Final = 8 * 1024 * 1024
_AGE: Final = b"age-encryption.org/v1\n"
_SMALL: Final = 64 * 1024 * 1024


class NotWhole(BadFile):
    """A backup was cut or changed."""

    title = "The backup is not whole"


def not_whole(path: Path) -> NotWhole:
    """What is said of one that was cut or changed."""
    return NotWhole(
        "The backup is not whole: it was cut or changed.",
        where=str(path),
        remedy="Use another copy, or an older backup; nothing was changed.",
    )


def of_a_newer(path: Path) -> BadFile:
    """What is said of one that this software does not know yet."""
    return BadFile(
        "A newer threegates made this backup.",
        where=str(path),
        remedy="Update this one, then restore; nothing was changed.",
    )


def read_recipients(written: Sequence[str]) -> list[Recipient]:
    """The public keys that a backup is sealed to."""
    try:
        return [Recipient.from_str(one) for one in written]
    except pyrage.RecipientError:
        raise BadInput(
            "This is no public key.", where="--to", remedy="It begins with age1; `threegates tips keys new` makes one."
        ) from None


@contextmanager
def writing(path: Path, recipients: Sequence[Recipient]) -> Iterator[tarfile.TarFile]:
    """A new archive for its owner alone; it bears its name only once it is whole and on the disk."""
    there_already = Conflict("There is such a file already.", where=str(path), remedy="Name another.")
    if path.exists():
        raise there_already
    draft = path.with_name(f".{path.name}-{secrets.token_hex(6)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with _sealed(file, recipients) as target, tarfile.open(fileobj=target, mode="w|") as archive:
                put(archive, MARK, f"{FORM}\n".encode())
                yield archive
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        raise there_already from None
    except OSError as error:
        raise BadFile(
            f"The file cannot be written ({error.strerror}).", where=str(path), remedy="Name another place."
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink()


def put(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """One entry."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = len(content), 0o600, int(clock.now().timestamp())
    archive.addfile(entry, io.BytesIO(content))


def walk(path: Path, identities: Sequence[Identity]) -> Iterator[tuple[str, bytes]]:
    """The entries of an archive in their order; BadInput with a remedy where it is none, or none that these keys open.

    Ends without a word where it was cut between two entries: whoever reads misses the manifest then.
    """
    try:
        with path.open("rb") as file, _opened(file, path, identities) as source:
            first = True
            with _as_tar(source, path) as archive:
                for entry in archive:
                    if first and entry.name != MARK:
                        raise _no_backup(path)
                    stream = archive.extractfile(entry) if entry.size <= 2 * PIECE else None
                    if stream is None:
                        raise not_whole(path)
                    content = stream.read()
                    if first and content != f"{FORM}\n".encode():
                        raise of_a_newer(path)
                    first = False
                    yield entry.name, content
    except tarfile.TarError:
        raise not_whole(path) from None
    except OSError as error:
        raise BadFile(
            f"The file cannot be read ({error.strerror}).", where=str(path), remedy="Name the backup's file."
        ) from error


def check(path: Path, identities: Sequence[Identity]) -> tuple[Manifest, dict[str, bytes]]:
    """Read a backup to its end and hold every byte against its manifest; the manifest and the installation's files."""
    dump, size, pieces = hashlib.sha256(), 0, 0
    files: dict[str, bytes] = {}
    written = said = b""
    for name, content in walk(path, identities):
        if name.startswith(DUMP):
            pieces += 1
            if name != piece_name(pieces):
                raise not_whole(path)
            dump.update(content)
            size += len(content)
        elif name.startswith(FILES):
            files[name.removeprefix(FILES)] = content
        elif name == MANIFEST:
            written = content
        elif name == MANIFEST_HASH:
            said = content
    if not written or hashlib.sha256(written).hexdigest().encode() != said:
        raise not_whole(path)
    manifest = read_manifest(written, str(path))
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    if (manifest.dump_sha256, manifest.dump_bytes, manifest.files) != (dump.hexdigest(), size, hashes):
        raise not_whole(path)
    return manifest, files


def piece_name(number: int) -> str:
    """Under which name a piece of the dump lies."""
    return f"{DUMP}{number:06d}"


@contextmanager
def _sealed(file: IO[bytes], recipients: Sequence[Recipient]) -> Iterator[Any]:
    """What is written to arrives in the file, sealed where there are keys."""
    if not recipients:
        yield file
        return
    source, target = _pipe()
    ended = _beside(lambda: pyrage.encrypt_io(source, file, list(recipients)), source)
    try:
        yield target
    finally:
        with suppress(OSError):
            target.close()
        failure = ended()
    if failure is not None:
        raise OSError(0, "sealing was broken off") from failure


@contextmanager
def _opened(file: io.BufferedReader, path: Path, identities: Sequence[Identity]) -> Iterator[Any]:
    """What is read comes from the file, opened where it is sealed."""
    if not file.peek(len(_AGE)).startswith(_AGE):
        yield file
        return
    if not identities:
        raise BadInput("The backup is sealed.", where=str(path), remedy="Give the private key's file with --key.")
    source, target = _pipe()
    ended = _beside(lambda: pyrage.decrypt_io(file, target, list(identities)), target)
    try:
        if not source.peek(1):
            raise BadInput(
                "None of these keys opens the backup.",
                where=str(path),
                remedy="Give the key whose public half it was sealed to, or use another copy.",
            )
        yield source
    finally:
        source.close()
        ended()


def _beside(work: Callable[[], None], end: IO[bytes]) -> Callable[[], BaseException | None]:
    """Do it in a thread that closes its end of the pipe; what is returned waits for it and says what went wrong."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)
        finally:
            # Whoever stopped reading has closed the other end.
            with suppress(OSError):
                end.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def ended() -> BaseException | None:
        thread.join()
        return failures[0] if failures else None

    return ended


def _pipe() -> tuple[Any, Any]:
    read, write = os.pipe()
    return os.fdopen(read, "rb"), os.fdopen(write, "wb")


def _as_tar(source: Any, path: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=source, mode="r|")
    except tarfile.TarError:
        raise _no_backup(path) from None


def _no_backup(path: Path) -> BadFile:
    return BadFile(
        "This is no backup of threegates.", where=str(path), remedy="Name a file that `threegates backup` wrote."
    )
