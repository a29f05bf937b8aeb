"""Time-stamps of the audit's anchors by an authority (RFC 3161): what is asked, what is kept, and verifying it offline.

What is stamped is the anchor itself and not when we say it was so: the authority says that. A time-stamp is verified
with the authority's root certificate alone; neither the register nor the authority is asked.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from registry.audit_anchors import Anchor
from registry.audit_digests import netstrings
from registry.audit_verifying import Breach, Verified
from registry.errors import BadInput, Unavailable

MARK: Final = b"threegates audit anchor 1\n"
GRANTED: Final = 0
# An authority's clock and ours differ by seconds; by more, one of the two times is not true.
CLOCKS_APART: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Stamped:
    """What a time-stamp says once it is verified: when, by whose certificate."""

    at: datetime
    by: str


class NotStamped(Exception):
    """The time-stamp is not one of this anchor, or nobody trusted made it; the message says which."""


def stamped_bytes(batch: int, digest: str, entries: int) -> bytes:
    """What an authority stamps of an anchor: a mark, then batch, digest in hex and count of entries as netstrings."""
    return MARK + netstrings([str(batch), digest, str(entries)])


def ask_for_stamp(batch: int, digest: str, entries: int) -> TimeStampRequest:
    """The request to an authority, with a nonce, asking for the certificates along."""
    builder = TimestampRequestBuilder().data(stamped_bytes(batch, digest, entries))
    return builder.hash_algorithm(HashAlgorithm.SHA256).build()


def check_answer(asked: TimeStampRequest, answer: bytes) -> str:
    """The authority's answer as it is kept (base64), after a look that it is one to this request.

    That its signature is good is verified with the roots, by whoever verifies; raises Unavailable.
    """
    try:
        response = decode_timestamp_response(answer)
        if response.status != GRANTED:
            raise _refused(f"status {response.status} {', '.join(response.status_string)}".strip())
        stamped = response.tst_info
        same = stamped.message_imprint.message == asked.message_imprint.message and stamped.nonce == asked.nonce
    except ValueError as error:
        raise _refused("not a time-stamp") from error
    if not same:
        raise _refused("a time-stamp of something else")
    return base64.b64encode(answer).decode()


def _refused(what: str) -> Unavailable:
    return Unavailable(
        f"The time-stamping authority gave no time-stamp ({what}).",
        where="THREEGATES_AUDIT_TIME_STAMP_URL",
        remedy="Ask the authority, or name another; the anchor stands in the file all the same.",
    )


def read_roots(file: Path) -> list[Certificate]:
    """The root certificates of a PEM file; raises BadInput."""
    try:
        return load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(
            "The root certificates cannot be read.",
            where=str(file),
            remedy="Name a PEM file with --time-stamp-ca or THREEGATES_AUDIT_TIME_STAMP_CA_FILE.",
        ) from error


def verify_stamp(stamp: str, message: bytes, roots: list[Certificate]) -> Stamped:
    """What a kept time-stamp of this message says; raises NotStamped where it is none, or by nobody trusted."""
    try:
        response: TimeStampResponse = decode_timestamp_response(base64.b64decode(stamp, validate=True))
        builder = VerifierBuilder()
        for root in roots:
            builder = builder.add_root_certificate(root)
        builder.build().verify_message(response, message)
        signer = next(iter(response.signed_data.signer_infos))
        return Stamped(response.tst_info.gen_time, signer.issuer.rfc4514_string())
    except (VerificationError, ValueError) as error:
        raise NotStamped(str(error).splitlines()[0] if str(error) else type(error).__name__) from error


def verify_stamps(anchors: Iterable[Anchor], roots: list[Certificate], found: Verified) -> Verified:
    """Hold every time-stamp against its anchor and the roots; the first that fails is the breach.

    Without roots they are counted as unverified. `found` already says whether the chain holds its anchors.
    """
    if found.breach is not None:
        return found
    for anchor in anchors:
        if not anchor.stamp:
            continue
        if not roots:
            found.unverified_stamps += 1
            continue
        try:
            stamped = verify_stamp(anchor.stamp, stamped_bytes(anchor.batch, anchor.digest, anchor.entries), roots)
        except NotStamped as error:
            found.breach = _no_stamp(anchor, str(error))
            return found
        if abs(stamped.at - datetime.fromisoformat(anchor.time)) > CLOCKS_APART:
            found.breach = _other_time(anchor, stamped.at)
            return found
        found.stamps += 1
        found.last_stamped = stamped.at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return found


def _no_stamp(anchor: Anchor, why: str) -> Breach:
    zh = f"{anchor.time} 的锚定所附时间戳不属于该锚定，或非可信机构所签（{why}）。"
    en = f"The time-stamp of the anchor of {anchor.time} is not one of it, or of nobody trusted ({why})."
    return Breach("stamp_invalid", zh, en, anchor.batch)


def _other_time(anchor: Anchor, at: datetime) -> Breach:
    zh = f"锚定自称作于 {anchor.time}，而时间戳为 {at:%Y-%m-%dT%H:%M:%SZ}。"
    en = f"The anchor says it is of {anchor.time}, but its time-stamp is of {at:%Y-%m-%dT%H:%M:%SZ}."
    return Breach("stamp_contradicts", zh, en, anchor.batch)
