"""Long-running children: started, watched, started again with growing pauses when they die, ended in order."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from deploy.failure import Failure
from deploy.processes import Child, Running, bound_log, end, last_lines, remember
from deploy.voice import Voice

LONGEST_PAUSE = 60.0
# A child that has run this long was well; the next death is a first one.
SETTLED = 120.0


@dataclass
class Service:
    """One long-running child and how to start it."""

    name: str
    launch: Callable[[], Child]
    log: Path
    stop: Callable[[Child], bool]
    child: Child
    started: float = field(default_factory=time.monotonic)
    pause: float = 1.0
    due: float | None = None


class Services:
    """All long-running children of a run; safe to use from several threads."""

    def __init__(self, memory: Path, voice: Voice) -> None:
        self.memory = memory
        self.voice = voice
        self.stopping = threading.Event()
        self._services: dict[str, Service] = {}
        self._passing: list[Child] = []
        self._lock = threading.RLock()

    def add(
        self, name: str, log: Path, launch: Callable[[], Child], stop: Callable[[Child], bool] | None = None
    ) -> Service:
        """Start a child and keep it running."""
        with self._lock:
            self._refuse_when_stopping()
            service = Service(name, launch, log, stop or _end_politely, launch())
            self._services[name] = service
            self._remember()
            return service

    def run_once(self, launch: Callable[[], Child], follower: Callable[[], None] | None = None) -> int:
        """Run a child to its end, calling `follower` meanwhile; its exit code."""
        with self._lock:
            self._refuse_when_stopping()
            child = launch()
            self._passing.append(child)
            self._remember()
        try:
            while (code := child.ended()) is None:
                if follower is not None:
                    follower()
                time.sleep(0.05)
            if follower is not None:
                follower()
            return code
        finally:
            with self._lock:
                self._passing.remove(child)
                self._remember()

    def watch(self) -> None:
        """Look once at every child: start again what died and is due, keep the logs bounded."""
        with self._lock:
            for service in self._services.values():
                bound_log(service.log)
                if self.stopping.is_set():
                    return
                code = service.child.ended()
                if code is None:
                    continue
                if service.due is None:
                    self._plan_restart(service, code)
                elif time.monotonic() >= service.due:
                    self._restart(service)

    def _plan_restart(self, service: Service, code: int) -> None:
        if time.monotonic() - service.started > SETTLED:
            service.pause = 1.0
        service.due = time.monotonic() + service.pause
        how = f"code {code}" if code >= 0 else f"signal {-code}"
        self.voice.say(
            f"{service.name} 意外结束({how}),{service.pause:.0f} 秒后重启;日志 {service.log}",
            f"{service.name} ended ({how}); starting it again in {service.pause:.0f} s; log {service.log}",
        )
        self.voice.plain(_indented(last_lines(service.log, 6)))

    def _restart(self, service: Service) -> None:
        # What it left behind (a JVM whose starter died) would hold the data folder.
        end(service.child.running, seconds=5)
        service.pause = min(service.pause * 2, LONGEST_PAUSE)
        service.due = None
        service.started = time.monotonic()
        try:
            service.child = service.launch()
        except (OSError, Failure) as error:
            self.voice.say(f"{service.name} 无法重启", f"{service.name} cannot be started again: {error}")
            service.due = time.monotonic() + service.pause
            return
        self._remember()
        self.voice.say(f"{service.name} 已重启", f"{service.name} was started again")

    def stop_all(self, first: list[str]) -> None:
        """End everything within 15 s: passing children and the named ones together, then the servers together."""
        self.stopping.set()
        with self._lock:
            passing = list(self._passing)
            early = [self._services[name] for name in first if name in self._services]
            late = [service for name, service in self._services.items() if name not in first]
        _together(
            [partial(child.end, seconds=4) for child in passing] + [partial(one.stop, one.child) for one in early]
        )
        _together([partial(one.stop, one.child) for one in late])
        with self._lock:
            remember(self.memory, [s.child.running for s in self._services.values() if s.child.running.group()])

    def _refuse_when_stopping(self) -> None:
        if self.stopping.is_set():
            raise Failure("Stopping.")

    def _remember(self) -> None:
        running: list[Running] = [service.child.running for service in self._services.values()]
        remember(self.memory, running + [child.running for child in self._passing])


def _end_politely(child: Child) -> bool:
    return child.end(seconds=4)


def _together(jobs: Sequence[Callable[[], object]]) -> None:
    """Do things side by side and wait for all."""
    threads = [threading.Thread(target=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _indented(text: str) -> str:
    return "\n".join(f"      {line}" for line in text.splitlines())
