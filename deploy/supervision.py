"""`threegates up`: one supervisor a folder; it starts everything, keeps it running and ends it."""

import contextlib
import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from deploy.account import server_account
from deploy.booting import Boot
from deploy.places import find_places
from deploy.processes import Running, end, recall, remember
from deploy.services import Services
from deploy.state import read_state
from deploy.voice import Voice
from deploy.wish import Wish, choose_addresses

# These end first, side by side; the servers they write to end after them.
FIRST_TO_END = ["scheduler", "worker", "agencies", "intake", "portal"]
SERVERS = ("postgresql", "elasticsearch")


class Supervisor:
    """One run in one data folder."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.account = server_account()
        self.places = find_places(wish.data_folder, self.account)
        self.voice = Voice(self.places.log("up"))
        self.services = Services(self.places.processes, self.voice)
        self.finish = threading.Event()

    def run(self) -> int:
        """Run until Ctrl-C, SIGTERM or a failure that leaves nothing to run; the exit code."""
        with self._only_one() as alone:
            if not alone:
                return self._point_to_the_other()
            self._listen_to_signals()
            return self._run()

    def _run(self) -> int:
        if self.places.moved():
            self.voice.say(
                f"服务器数据存放于 {self.places.servers}",
                f"the servers' data is in {self.places.servers}: their account cannot reach {self.places.data}",
            )
        left_over = self._end_left_over()
        addresses = choose_addresses(self.wish, self.places, set(left_over), self.voice)
        boot = Boot(self.wish, self.places, self.account, addresses, self.services, self.voice, left_over)
        boot.start_portal()
        booting = threading.Thread(target=boot.run, args=(self.finish,), daemon=True)
        booting.start()
        parent = os.getppid() if os.environ.get("MAKELEVEL") else None
        while not self.finish.wait(0.25):
            self.services.watch()
            # A `make` that was killed cannot pass the end on; without it nobody would stop us.
            if parent is not None and os.getppid() != parent:
                break
        self.voice.say("正在停止", "stopping")
        boot.state.stop()
        self.services.stop_all(FIRST_TO_END)
        booting.join(timeout=1)
        self.voice.say("已停止", "stopped")
        return 1 if boot.failed else 0

    @contextlib.contextmanager
    def _only_one(self) -> Iterator[bool]:
        """Hold the folder's lock; the kernel frees it when we die, however we die."""
        with self.places.lock.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def _point_to_the_other(self) -> int:
        state = read_state(self.places.state)
        address = state["address"] if state else "(starting)"
        self.voice.say(
            f"threegates 已在此文件夹中运行:{address};请先结束它(Ctrl-C)",
            f"threegates already runs in {self.places.data}: {address}; end it first (Ctrl-C)",
        )
        return 1

    def _listen_to_signals(self) -> None:
        def finish(_number: int, _frame: object) -> None:
            self.finish.set()

        signal.signal(signal.SIGINT, finish)
        signal.signal(signal.SIGTERM, finish)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup asked us to stay
            signal.signal(signal.SIGHUP, finish)

    def _end_left_over(self) -> dict[str, Running]:
        """End what a killed run left behind; servers are returned: they end while the portal starts."""
        found = [running for running in recall(self.places.processes) if running.group()]
        if not found:
            return {}
        names = ", ".join(sorted(running.name for running in found))
        self.voice.say(f"正在结束上次运行遗留的进程:{names}", f"ending what a killed run left over: {names}")
        with ThreadPoolExecutor(max_workers=8) as side_by_side:
            list(side_by_side.map(lambda one: end(one, seconds=2), [one for one in found if one.name not in SERVERS]))
        servers = {running.name: running for running in found if running.name in SERVERS}
        remember(self.places.processes, list(servers.values()))
        return servers
