"""Flood control without identity: under load everybody waits a little, nobody is refused, and no address is kept.

Submissions take turns at a stated rate. Whoever let the browser solve a small puzzle goes ahead in three of four turns;
the others still go on in the fourth.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections import deque
from collections.abc import Callable
from typing import Final

# Leading zero bits of the puzzle's hash: about one second in a browser.
BITS: Final = 17
_AHEAD: Final = 3
# How many solved puzzles are remembered, so that each counts once.
_REMEMBERED: Final = 100_000
PATIENCE: Final = 30


class Pace:
    """Turns at a rate a second; as many as `burst` at once after a quiet time."""

    def __init__(self, rate: float, burst: int = 1) -> None:
        self.rate = rate
        self.burst = burst
        self.waiting: deque[asyncio.Future[None]] = deque()
        self.ahead: deque[asyncio.Future[None]] = deque()
        self.tokens = float(burst)
        self.counted_at = 0.0
        self.turns = 0
        self.running: asyncio.Task[None] | None = None

    async def turn(self, *, worked: bool = False) -> None:
        """Wait for one's turn; `worked`: a puzzle was solved."""
        self._refill()
        if self.tokens >= 1 and not self.waiting and not self.ahead:
            self.tokens -= 1
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self.ahead if worked else self.waiting).append(mine)
        if self.running is None or self.running.done():
            self.running = asyncio.create_task(self._hand_out())
        await mine

    def expected(self) -> float:
        """Seconds that somebody who comes now would wait, without a puzzle."""
        return (len(self.waiting) + len(self.ahead)) / self.rate

    async def _hand_out(self) -> None:
        while self.waiting or self.ahead:
            self._refill()
            if self.tokens < 1:
                await asyncio.sleep((1 - self.tokens) / self.rate)
                continue
            self.turns += 1
            first_ahead = bool(self.ahead) and (not self.waiting or self.turns % (_AHEAD + 1) != 0)
            whose = (self.ahead if first_ahead else self.waiting).popleft()
            # Who left meanwhile costs nobody a turn.
            if not whose.done():
                self.tokens -= 1
                whose.set_result(None)

    def _refill(self) -> None:
        now = asyncio.get_running_loop().time()
        if self.counted_at:
            self.tokens = min(float(self.burst), self.tokens + (now - self.counted_at) * self.rate)
        self.counted_at = now


class Puzzles:
    """Puzzles that only cost computing time; they are checked without keeping who solved them."""

    def __init__(self, draw: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self.key = draw(32)
        self.draw = draw
        self.used: set[bytes] = set()

    def challenge(self) -> str:
        """A new puzzle."""
        nonce = self.draw(16)
        return (nonce + self._seal(nonce)).hex()

    def solved(self, challenge: str, number: str) -> bool:
        """Whether a puzzle of ours was solved, for the first time."""
        try:
            whole = bytes.fromhex(challenge)
        except ValueError:
            return False
        nonce = whole[:16]
        if len(whole) != 32 or not hmac.compare_digest(whole[16:], self._seal(nonce)) or nonce in self.used:
            return False
        digest = hashlib.sha256(f"{challenge}:{number[:20]}".encode("utf-8", "replace")).digest()
        if int.from_bytes(digest) >> (256 - BITS):
            return False
        if len(self.used) >= _REMEMBERED:
            # A new key: every puzzle that was given out before is void, and none can be used twice.
            self.key, self.used = self.draw(32), set()
        self.used.add(nonce)
        return True

    def _seal(self, nonce: bytes) -> bytes:
        return hmac.digest(self.key, nonce, hashlib.sha256)[:16]
