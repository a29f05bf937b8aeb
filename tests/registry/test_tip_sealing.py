"""Sealing and receipts: what goes in comes out, only with the keys; sizes tell nothing."""

import asyncio
import io
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrage.x25519 import Identity

from registry.tips import outer_keys, receipts
from registry.tips.sealing import (
    CHUNK,
    SMALLEST_BUCKET,
    CannotOpen,
    Header,
    TooLong,
    bucket,
    fingerprint,
    open_layer_io,
    open_sealed,
    seal_bytes,
    seal_stream,
    unwrap,
    wrap,
)

ONE, TWO, MONTH = Identity.generate(), Identity.generate(), Identity.generate()
LAYERS = [[str(ONE.to_public()), str(TWO.to_public())], [str(TWO.to_public())], [str(MONTH.to_public())]]


@given(st.binary(max_size=40_000), st.text(max_size=40))
def test_an_envelope_is_opened_as_it_was_closed(content: bytes, name: str) -> None:
    envelope = wrap(Header("file", name, "image/png"), content)
    opened = unwrap(envelope)
    assert opened.content == content
    assert opened.header.name == name.encode("utf-8", "replace").decode()
    assert len(envelope) == bucket(len(envelope)) >= SMALLEST_BUCKET


def test_two_layers_need_both_keys_and_sizes_say_nothing() -> None:
    sealed = seal_bytes(Header("report"), "示例炼钢".encode(), LAYERS)
    assert open_sealed(sealed, [[MONTH], [TWO], [ONE]]).content.decode() == "示例炼钢"
    for wrong in ([[MONTH], [ONE], [ONE]], [[MONTH], [TWO], [MONTH]], [[ONE], [TWO], [ONE]]):
        with pytest.raises(CannotOpen):
            open_sealed(sealed, wrong)
    with pytest.raises(CannotOpen):
        open_sealed(sealed[:-1], [[MONTH], [TWO], [ONE]])
    other = seal_bytes(Header("report"), b"x" * 12_000, LAYERS)
    # The library adds a stanza of random length to each header, whatever is sealed.
    assert abs(len(other) - len(sealed)) < 2_000


async def test_a_stream_is_sealed_in_bounded_chunks_and_opens_with_plain_age(tmp_path: Path) -> None:
    content = random.Random(8).randbytes(3_000_001)
    chunks: list[bytes] = []

    async def source() -> AsyncIterator[bytes]:
        for at in range(0, len(content), 65_536):
            yield content[at : at + 65_536]

    async def sink(chunk: bytes) -> None:
        chunks.append(chunk)

    padded = await seal_stream(Header("file", "照片.jpg", "image/jpeg"), source(), LAYERS, sink)
    assert padded == 4 * 1024 * 1024
    assert max(map(len, chunks)) == CHUNK
    sealed = tmp_path / "sealed"
    sealed.write_bytes(b"".join(chunks))
    for identity in (MONTH, TWO, ONE):
        opened = io.BytesIO()
        with sealed.open("rb") as stream:
            open_layer_io(stream, opened, [identity])
        sealed.write_bytes(opened.getvalue())
    assert unwrap(sealed.read_bytes()).content == content


async def test_a_stream_that_breaks_off_or_is_too_long_ends_in_its_own_error_and_leaves_no_pipe_open() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # names of descriptors, no files

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536

    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 300_000
        raise ConnectionResetError

    async def stuck() -> AsyncIterator[bytes]:
        yield b"x" * 300_000
        await asyncio.Event().wait()

    async def full(chunk: bytes) -> None:
        raise MemoryError

    async def sink(chunk: bytes) -> None:
        pass

    with pytest.raises(TooLong):
        await seal_stream(Header("file"), endless(), LAYERS, sink, largest=1_000_000)
    with pytest.raises(ConnectionResetError):
        await seal_stream(Header("file"), broken(), LAYERS, sink)
    with pytest.raises(MemoryError):
        await seal_stream(Header("file"), endless(), LAYERS, full)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(seal_stream(Header("file"), stuck(), LAYERS, sink), 0.2)
    for _wait in range(200):
        if len(os.listdir("/proc/self/fd")) <= before:  # noqa: PTH208  # as above
            break
        await asyncio.sleep(0.01)
    assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208  # as above


def test_a_receipt_is_read_in_either_language_and_only_whole() -> None:
    receipt = receipts.new_receipt()
    chinese, english = receipt.words("zh"), receipt.words("en")
    assert len(chinese) == len(english) == 12
    for written in ("".join(chinese), "　".join(chinese), " ".join(english).upper(), "\n".join(english)):
        assert receipts.read_receipt(written) == receipt
    for wrong in ("", "".join(chinese[:11]), " ".join([*english[:11], "threegates"]), "x" * 10_000):
        assert receipts.read_receipt(wrong) is None
    assert repr(receipt) == "Receipt(…)"
    assert receipt.recipient.startswith("age1") and len(receipt.lookup) == 32
    answer = seal_bytes(Header("answer"), b"yes", [[receipt.recipient]])
    assert open_sealed(answer, [[receipt.identity]]).content == b"yes"


def test_what_a_receipt_derives_never_changes() -> None:
    """Receipts are on paper: whoever changes this loses every thread."""
    receipt = receipts.Receipt(bytes(range(16)))
    assert receipt.words("en")[:3] == ["abandon", "amount", "liar"]
    assert receipt.lookup.hex() == "f3ed9e33d8a22e67cc3388ab3ac977e066749593aa069bb839f3db493760d9a8"
    assert receipt.recipient == "age1pnwnyr223etvzlffkgar7w3eja4ghgrx2kqdk58jpg4c3t4wafqs6au44n"


def test_a_month_s_key_is_made_once_and_destroyed_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import date

    monkeypatch.setattr(outer_keys, "key_folder", lambda: tmp_path / "keys")
    today = date(2026, 11, 30)
    recipient = outer_keys.outer_recipient(today)
    assert outer_keys.outer_recipient(today) == recipient
    assert str(outer_keys.outer_identity("2026-11").to_public()) == recipient
    assert outer_keys.kept_months() == ["2026-11"]
    assert outer_keys.destroy_on("2026-11") == date(2027, 12, 1)
    assert (tmp_path / "keys" / "2026-11.key").stat().st_mode & 0o077 == 0
    outer_keys.destroy("2026-11")
    with pytest.raises(Exception, match="was destroyed"):
        outer_keys.outer_identity("2026-11")
    with pytest.raises(Exception, match="form"):
        outer_keys.outer_identity("../../x")


def test_fingerprints_are_for_people_to_compare() -> None:
    assert fingerprint("age1a") != fingerprint("age1b")
    assert len(fingerprint("age1a").split(" ")) == 8
