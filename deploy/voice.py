"""What a run says on the terminal and in its log: Chinese first, English complete, seconds since the start."""

import contextlib
import threading
import time
from pathlib import Path

from deploy.processes import bound_log


class Voice:
    """Tells the terminal and a log what happens; safe to use from several threads."""

    def __init__(self, log: Path) -> None:
        bound_log(log)
        self.log = log
        self.began = time.monotonic()
        self._lock = threading.Lock()

    def say(self, chinese: str, english: str) -> None:
        """One event, in both languages on one line."""
        self.plain(f"[{time.monotonic() - self.began:6.1f} s] {chinese} · {english}")

    def plain(self, text: str) -> None:
        """Text as it is."""
        with self._lock:
            # Neither a full disk nor a closed terminal may end the servers.
            with contextlib.suppress(OSError), self.log.open("a", encoding="utf-8") as log:
                log.write(text + "\n")
            with contextlib.suppress(OSError, ValueError):
                _print(text)


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except UnicodeEncodeError:  # a terminal whose locale knows no Chinese still gets the English
        print(text.encode("ascii", "replace").decode("ascii"), flush=True)


class Follower:
    """Repeats on the terminal what a child adds to its log; call it while the child runs and once after."""

    def __init__(self, log: Path, voice: Voice) -> None:
        bound_log(log)
        self.log = log
        self.voice = voice
        self.position = log.stat().st_size if log.exists() else 0

    def __call__(self) -> None:
        """Say the lines that are complete by now."""
        with contextlib.suppress(OSError), self.log.open("rb") as source:
            source.seek(self.position)
            text = source.read()
            complete = text[: text.rfind(b"\n") + 1]
            self.position += len(complete)
            for line in complete.decode("utf-8", "replace").splitlines():
                self.voice.plain(f"    {line}")
