"""Anchors of the audit: the newest batch's digest in a file outside the database, one JSON object a line.

Where an authority stamps them (registry.audit_time_stamps), the line holds its answer too.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson

from registry.errors import BadInput, Unavailable
from registry.settings import settings

FILE_NAME: Final = "audit-anchors.jsonl"


@dataclass(frozen=True, slots=True)
class Anchor:
    """What was so at `time`: the newest batch, its digest, and how many entries were sealed up to it."""

    time: str
    batch: int
    digest: str
    entries: int
    # The authority's answer in base64; "" where none was asked, or none came.
    stamp: str = ""


def anchor_file() -> Path:
    """Where anchors are appended: THREEGATES_AUDIT_ANCHOR_FILE, else in the data folder."""
    return settings().audit_anchor_file or settings().data_folder / FILE_NAME


def read_anchors(file: Path) -> list[Anchor]:
    """All anchors of a file, in its order; a file that is missing or unreadable is an error, never "no anchors"."""
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise BadInput(
            f"The anchors cannot be read ({error.strerror}).",
            where=str(file),
            remedy="Name the file, or your own copy of it, with --anchors.",
        ) from error
    anchors = []
    for number, line in enumerate(lines, 1):
        try:
            said = orjson.loads(line)
            anchor = Anchor(
                str(said["time"]),
                int(said["batch"]),
                bytes.fromhex(said["digest"]).hex(),
                int(said["entries"]),
                str(said.get("time_stamp", "")),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(
                "A line of the anchors is no anchor.",
                where=f"{file}, line {number}",
                remedy="Use an unchanged copy of the file; nothing but the register writes to it.",
            ) from error
        anchors.append(anchor)
    return anchors


def stands_already(file: Path, batch: int, digest: bytes, *, stamped: bool) -> bool:
    """Whether the file's last line is this anchor; with `stamped` it must bear a time-stamp too."""
    if not file.exists() or not (known := read_anchors(file)):
        return False
    last = known[-1]
    return (last.batch, last.digest) == (batch, digest.hex()) and bool(last.stamp or not stamped)


def append_anchor(file: Path, at: datetime, batch: int, digest: bytes, entries: int, stamp: str = "") -> bool:
    """Append an anchor and wait until it is on the disk; False where the file's last line says the same already."""
    line: dict[str, str | int] = {
        "time": at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "batch": batch,
        "digest": digest.hex(),
        "entries": entries,
    }
    if stamp:
        line["time_stamp"] = stamp
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if stands_already(file, batch, digest, stamped=bool(stamp)):
            return False
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, orjson.dumps(line) + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Unavailable(
            f"The audit's anchor cannot be written ({error.strerror}).",
            where=str(file),
            remedy="Correct THREEGATES_AUDIT_ANCHOR_FILE or the rights of that folder.",
        ) from error
    return True
