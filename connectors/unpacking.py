"""Unpacking of gzip under a cap, so that a small bomb cannot become a large answer."""

import zlib
from typing import Final

from connectors.errors import FeedHeld, FeedTooLarge, FeedUnreadable

# Small pieces of input: what is left after each of many tiny members is copied.
_INPUT: Final = 2**14
_OUTPUT: Final = 2**18


def unpack(packed: bytes, most: int) -> bytes:
    """The content of gzip bytes (of one or several members), at most `most` bytes."""
    pieces: list[bytes] = []
    size = 0
    inflater = None
    for start in range(0, len(packed), _INPUT):
        data = packed[start : start + _INPUT]
        more = True
        while data or (inflater is not None and more):
            if inflater is None:
                data = data.lstrip(b"\0")  # padding after a member
                if not data:
                    break
                inflater = zlib.decompressobj(wbits=31)
            try:
                piece = inflater.decompress(data, _OUTPUT)
            except zlib.error:
                raise FeedUnreadable("The answer is not sound gzip.", remedy="Ask the agency.") from None
            size += len(piece)
            if size > most:
                raise FeedTooLarge(
                    f"Unpacked, the answer has more than {most} bytes.",
                    remedy="Where that is right, raise limits.unpacked_bytes in the agency.yml.",
                )
            pieces.append(piece)
            more = len(piece) == _OUTPUT
            if inflater.eof:
                data, inflater = inflater.unused_data, None
            else:
                data = inflater.unconsumed_tail
    if inflater is not None:
        raise FeedHeld("The gzip stream breaks off.", remedy="Ask the agency; nothing was changed.")
    return b"".join(pieces)
