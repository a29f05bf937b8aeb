"""How a played agency is told to be slow, to fail and to lie, for how many requests."""

import gzip
import io
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from deploy.agencies.exchange import Answered, refused

# mode -> what it does. The first group is done to any answer, the second the agency does itself in its answer.
MODES: Final[dict[str, str]] = {
    "slow": "waits `seconds` before it answers",
    "drip": "sends a byte each `seconds`",
    "drip-head": "sends a byte of the headers each `seconds`",
    "fail": "answers with `status`",
    "empty": "answers 200 with nothing",
    "garbage": "answers 200 with a page that says it is being maintained",
    "truncate": "sends half of the answer as if it were whole",
    "cut": "breaks the connection in the middle of the answer",
    "redirect": "redirects to `to`",
    "retry-after": "answers 503 and asks to be left alone for `seconds`",
    "gzip-bomb": "sends `bytes` of zeros as a small gzip",
    "large": "sends `bytes` of blanks",
    "malformed": "breaks one record of the answer",
    "bad-token": "accepts no credential",
    "wrong-total": "states `by` more records than there are",
    "missing-page": "leaves a page (or file) out",
    "wrong-checksum": "states a wrong checksum (finance)",
    "shrink": "publishes only `share` of its records",
}
_BY_AGENCY: Final = frozenset({"bad-token", "wrong-total", "missing-page", "wrong-checksum", "shrink"})
_FOREVER: Final = 10**9


class Misbehaviour:
    """The present mode of one agency and for how many more requests it lasts."""

    def __init__(self) -> None:
        self.mode = ""
        self.present = ""  # the mode of the request that is being answered
        self.left = 0
        self.after = 0
        self.told: Mapping[str, Any] = {}

    def tell(self, mode: str, *, times: int = _FOREVER, after: int = 0, **told: Any) -> None:
        """Misbehave for `times` requests, after letting `after` requests pass; "normal" ends it."""
        if mode != "normal" and mode not in MODES:
            raise ValueError(f"unknown mode {mode}; known: normal, later, {', '.join(MODES)}")
        self.mode = "" if mode == "normal" else mode
        self.left, self.after, self.told = int(times), int(after), told

    def take(self) -> str:
        """The mode for this request; counts it."""
        self.present = ""
        if self.after:
            self.after -= 1
        elif self.left > 0:
            self.left -= 1
            self.present = self.mode
        return self.present

    def now(self, mode: str) -> bool:
        """Whether the agency itself is to tell this lie in its present answer."""
        return self.present == mode

    @property
    def shrink_to(self) -> float | None:
        """The share of records that is published, while shrinking."""
        return float(self.told.get("share", 0.5)) if self.now("shrink") else None

    def change(self, mode: str, answered: Answered, spoil: Callable[[bytes], bytes]) -> Answered:
        """The answer as the mode makes it."""
        if not mode or mode in _BY_AGENCY:
            return answered
        seconds = float(self.told.get("seconds", 1))
        if mode == "slow":
            time.sleep(seconds)
        elif mode == "drip":
            answered.byte_pause = seconds
        elif mode == "drip-head":
            answered.head_pause = seconds
        elif mode == "cut":
            answered.cut_after = len(answered.body) // 2
        elif mode == "truncate":
            answered.body = answered.body[: len(answered.body) // 2]
        elif mode == "empty":
            answered.body = b""
        elif mode == "malformed":
            answered.body = spoil(answered.body)
        else:
            return self._replace(mode, seconds)
        return answered

    def _replace(self, mode: str, seconds: float) -> Answered:
        if mode == "garbage":
            return Answered("<html><body>系统维护中</body></html>".encode(), kind="text/html; charset=utf-8")
        if mode == "redirect":
            return Answered(b"", 302, headers={"Location": str(self.told["to"])})
        if mode == "retry-after":
            answered = refused(503, "later")
            answered.headers["Retry-After"] = str(int(seconds))
            return answered
        size = int(self.told.get("bytes", 300_000_000))
        if mode == "gzip-bomb":
            return Answered(_bomb(size), headers={"Content-Encoding": "gzip"})
        if mode == "large":
            return Answered(b" " * size)
        return refused(int(self.told.get("status", 500)), "failed")


def _bomb(size: int) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed:
        zeros = bytes(2**20)
        for _ in range(size // len(zeros)):
            packed.write(zeros)
    return out.getvalue()
