"""Sealing: texts and files to public keys (age), padded, in layers; opening them again with the private keys.

A part is an envelope (`wrap`): a header, the content, padding up to a `bucket`. The envelope is sealed to each layer's
recipients in turn, the innermost first; within a layer any one key opens, so two layers need two people. Every layer is
a plain age file: whoever has the keys can also open it with any other program for age.
"""

import asyncio
import hashlib
import io
import json
import os
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pyrage
from pyrage.x25519 import Identity, Recipient

from registry.errors import BadInput

MAGIC: Final = b"threegates tip 1\n"
SMALLEST_BUCKET: Final = 16 * 1024
LARGEST_FILE: Final = 100 * 1024 * 1024
# What goes into one row of the database.
CHUNK: Final = 256 * 1024
_LENGTH: Final = struct.Struct(">I")
_LARGEST_HEADER: Final = 8 * 1024
_END: Final = b"\x80"

# Recipients (age1…) of each layer, the innermost layer first.
Layers = Sequence[Sequence[str]]
Sink = Callable[[bytes], Awaitable[None]]


class TooLong(BadInput):
    """A file is larger than a report may hold."""

    status = 413
    title = "The file is too large"


class CannotOpen(BadInput):
    """These keys do not open it, or it is not whole."""

    title = "It cannot be opened"


class Reader(Protocol):
    """What is read from: bytes, as many as asked for or fewer; none at the end."""

    def read(self, size: int, /) -> bytes:
        """The next bytes."""


class Writer(Protocol):
    """What is written to."""

    def write(self, data: bytes, /) -> int:
        """Take the next bytes."""

    def flush(self) -> None:
        """All that was taken is where it belongs."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a part is; it lies inside the seal. `kind` is report, addition, answer or file."""

    kind: str
    name: str = ""
    media_type: str = ""

    def encoded(self) -> bytes:
        """The bytes in front of the content."""
        said = {"kind": self.kind, "name": self.name[:500], "media_type": self.media_type[:200]}
        return MAGIC + _framed(json.dumps(said, ensure_ascii=False).encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Opened:
    """A part as it was before it was sealed."""

    header: Header
    content: bytes


def fingerprint(recipient: str) -> str:
    """A public key in a form that people compare: 32 hexadecimal digits of its SHA-256 in groups of four."""
    digits = hashlib.sha256(recipient.encode()).hexdigest()[:32]
    return " ".join(digits[at : at + 4] for at in range(0, 32, 4))


def is_recipient(recipient: str) -> bool:
    """Whether it is a public key that can be sealed to."""
    try:
        Recipient.from_str(recipient)
    except pyrage.RecipientError:
        return False
    return True


def bucket(length: int) -> int:
    """The size to which `length` bytes are padded: the next power of two, at least 16 KiB."""
    return max(SMALLEST_BUCKET, 1 << max(0, length - 1).bit_length())


def wrap(header: Header, content: bytes) -> bytes:
    """The padded envelope of a content that is in memory."""
    whole = header.encoded() + content + _END
    return whole.ljust(bucket(len(whole)), b"\0")


def unwrap(envelope: bytes) -> Opened:
    """The header and the content of an envelope; CannotOpen where it is none."""
    start = len(MAGIC) + _LENGTH.size
    whole = envelope.rstrip(b"\0")
    if not envelope.startswith(MAGIC) or len(whole) < start or not whole.endswith(_END):
        raise _cannot_open()
    (length,) = _LENGTH.unpack_from(envelope, len(MAGIC))
    # An empty content's header may end in what looks like padding: it is JSON and never does.
    if length > _LARGEST_HEADER or start + length >= len(whole):
        raise _cannot_open()
    try:
        said = json.loads(whole[start : start + length])
        header = Header(str(said["kind"]), str(said["name"]), str(said["media_type"]))
    except (ValueError, KeyError, TypeError) as error:
        raise _cannot_open() from error
    return Opened(header, whole[start + length : -1])


def seal_bytes(header: Header, content: bytes, layers: Layers) -> bytes:
    """A content that is in memory, sealed: texts and answers."""
    sealed = wrap(header, content)
    for layer in layers:
        sealed = pyrage.encrypt(sealed, _recipients(layer))
    return sealed


def open_layer(sealed: bytes, identities: Sequence[Identity]) -> bytes:
    """One layer less: with the month's key the outermost, with group B's the next; any one of the keys does."""
    try:
        return bytes(pyrage.decrypt(sealed, list(identities)))
    except pyrage.DecryptError as error:
        raise _cannot_open() from error


def open_layer_io(sealed: Reader, opened: Writer, identities: Sequence[Identity]) -> None:
    """One layer less of a part that is larger than memory should hold."""
    try:
        pyrage.decrypt_io(sealed, opened, list(identities))
    except pyrage.DecryptError as error:
        raise _cannot_open() from error


def open_sealed(sealed: bytes, layers: Sequence[Sequence[Identity]]) -> Opened:
    """A part in memory with everybody's keys at once, the outermost layer's first."""
    for identities in layers:
        sealed = open_layer(sealed, identities)
    return unwrap(sealed)


def identity(secret: str) -> Identity:
    """A private key from its text (AGE-SECRET-KEY-1…); CannotOpen where it is none."""
    try:
        return Identity.from_str(secret.strip())
    except pyrage.IdentityError as error:
        raise CannotOpen("This is no private key.", remedy="It begins with AGE-SECRET-KEY-1.") from error


async def seal_stream(
    header: Header, content: AsyncIterator[bytes], layers: Layers, sink: Sink, *, largest: int = LARGEST_FILE
) -> int:
    """Seal what streams in and hand the sealed bytes on in chunks of CHUNK; returns the padded size.

    Each layer has a thread of its own and the layers are joined by pipes, so that no more than a few chunks are in
    memory however long the file is. What `content` or `sink` raises is raised here; the sink has then got a part that
    must be thrown away.
    """
    loop = asyncio.get_running_loop()
    source = _Envelope(header, content, loop, largest)
    drain = _Drain(sink, loop)
    pipeline = _Pipeline(source, drain, [_recipients(layer) for layer in layers])
    try:
        await pipeline.run(loop)
    except BaseException:
        source.stop()
        drain.stop()
        raise
    return source.given


class _Envelope:
    """The envelope of a stream, read from a thread: header, content, end mark, padding."""

    def __init__(
        self, header: Header, content: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop, largest: int
    ) -> None:
        self.content = content
        self.loop = loop
        self.largest = largest
        self.waiting = bytearray(header.encoded())
        self.given = 0
        self.taken = 0
        self.padding: int | None = None
        self.asked: Future[bytes] | None = None
        self.stopped = False
        self.failure: BaseException | None = None

    def read(self, size: int = -1, /) -> bytes:
        try:
            while not self.waiting and self.padding is None:
                self._fill()
        except BaseException as error:
            self.failure = error
            raise
        if not self.waiting and self.padding:
            self.waiting += bytes(min(self.padding, CHUNK))
            self.padding -= len(self.waiting)
        piece = bytes(self.waiting[:size] if size >= 0 else self.waiting)
        del self.waiting[: len(piece)]
        self.given += len(piece)
        return piece

    def _fill(self) -> None:
        if self.stopped:
            raise asyncio.CancelledError
        self.asked = asyncio.run_coroutine_threadsafe(_next(self.content), self.loop)
        more = self.asked.result()
        if more:
            self.taken += len(more)
            if self.taken > self.largest:
                raise TooLong(
                    f"A file may have {self.largest // (1024 * 1024)} MiB at most.",
                    remedy="Send it in several parts, or only the pages that matter.",
                )
            self.waiting += more
            return
        self.waiting += _END
        length = self.given + len(self.waiting)
        self.padding = bucket(length) - length

    def stop(self) -> None:
        """Let the thread end that waits for more."""
        self.stopped = True
        if self.asked is not None:
            self.asked.cancel()


class _Drain:
    """Takes sealed bytes in a thread and hands them on in chunks."""

    def __init__(self, sink: Sink, loop: asyncio.AbstractEventLoop) -> None:
        self.sink = sink
        self.loop = loop
        self.waiting = bytearray()
        self.given: Future[None] | None = None
        self.stopped = False
        self.failure: BaseException | None = None

    def write(self, data: bytes, /) -> int:
        self.waiting += data
        while len(self.waiting) >= CHUNK:
            self._hand_on(CHUNK)
        return len(data)

    def flush(self) -> None:
        """Nothing: `end` hands on what is left once the seal is whole."""

    def end(self) -> None:
        if self.waiting:
            self._hand_on(len(self.waiting))

    def _hand_on(self, size: int) -> None:
        piece = bytes(self.waiting[:size])
        del self.waiting[:size]
        try:
            if self.stopped:
                raise asyncio.CancelledError
            self.given = asyncio.run_coroutine_threadsafe(_give(self.sink, piece), self.loop)
            self.given.result()
        except BaseException as error:
            self.failure = error
            raise

    def stop(self) -> None:
        """Let the thread end that waits for the sink."""
        self.stopped = True
        if self.given is not None:
            self.given.cancel()


class _Pipeline:
    """One thread a layer, joined by pipes."""

    def __init__(self, source: _Envelope, drain: _Drain, layers: list[list[Recipient]]) -> None:
        self.source = source
        self.drain = drain
        self.layers = layers
        self.failures: list[BaseException] = []

    async def run(self, loop: asyncio.AbstractEventLoop) -> None:
        """Until every layer has ended; raises what went wrong first at either end."""
        ended = [loop.create_future() for _layer in self.layers]
        reader: Any = self.source
        for place, layer in enumerate(self.layers):
            last = place == len(self.layers) - 1
            following, writer = (None, self.drain) if last else _pipe()
            done = ended[place]
            threading.Thread(target=self._seal, args=(reader, writer, layer, loop, done), daemon=True).start()
            reader = following
        await asyncio.gather(*ended)
        failure = self.source.failure or self.drain.failure or next(iter(self.failures), None)
        if failure is not None:
            raise failure

    def _seal(
        self, reader: Any, writer: Any, layer: list[Recipient], loop: asyncio.AbstractEventLoop, done: Any
    ) -> None:
        try:
            pyrage.encrypt_io(reader, writer, layer)
            if writer is self.drain and not self._failed():
                self.drain.end()
        except BaseException as error:
            # Its words may repeat what was read: only that it failed is kept.
            self.failures.append(error if isinstance(error, asyncio.CancelledError) else CannotSeal())
        finally:
            for end in (writer, reader):
                if isinstance(end, io.IOBase):
                    _close(end)
            loop.call_soon_threadsafe(lambda: done.done() or done.set_result(None))

    def _failed(self) -> bool:
        return bool(self.failures) or self.source.failure is not None


class CannotSeal(BadInput):
    """Sealing was broken off."""

    title = "It could not be sealed"

    def __init__(self) -> None:
        super().__init__("The file did not arrive whole.", remedy="Send it once more.")


async def _next(content: AsyncIterator[bytes]) -> bytes:
    """The next bytes that are any; none at the end."""
    async for piece in content:
        if piece:
            return piece
    return b""


async def _give(sink: Sink, piece: bytes) -> None:
    await sink(piece)


def _pipe() -> tuple[Any, Any]:
    read, write = os.pipe()
    return os.fdopen(read, "rb"), os.fdopen(write, "wb", buffering=0)


def _close(end: io.IOBase) -> None:
    try:
        end.close()
    except OSError:
        return


def _framed(header: bytes) -> bytes:
    return _LENGTH.pack(len(header)) + header


def _recipients(layer: Sequence[str]) -> list[Recipient]:
    return [Recipient.from_str(recipient) for recipient in layer]


def _cannot_open() -> CannotOpen:
    return CannotOpen(
        "These keys do not open it, or it is not whole.",
        remedy="Use the key whose fingerprint the report was sealed to; see docs/threat-model-reporters.md.",
    )
