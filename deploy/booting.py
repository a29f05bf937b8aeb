"""The order of a start: the portal, both servers side by side, the schema, the demo, the first sync, the workers."""

import contextlib
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from deploy.account import Account
from deploy.elasticsearch import Elasticsearch
from deploy.failure import Failure
from deploy.places import Places
from deploy.ports import LOOPBACK
from deploy.postgresql import PostgreSQL
from deploy.processes import Order, Running, end, last_lines, start
from deploy.programs import Programs, install
from deploy.services import Service, Services
from deploy.state import State, Step
from deploy.summary import where_to_look
from deploy.voice import Follower, Voice
from deploy.waiting import (
    page_answers,
    ports_of,
    read_agencies,
    says,
    size_of,
    wait_for_database,
    wait_for_search,
    wait_until,
)
from deploy.wish import Addresses, Wish

PROJECT = Path(__file__).resolve().parent.parent
# What a process of the command line is started as: no script needs to be installed.
COMMAND_LINE = ["-c", "from portal.commands import main; main()"]

# How `threegates sync` ends where nothing failed and a feed is held.
AWAITS_A_PERSON = 3
# What each says in its log once it does its work.
INTAKE_OPEN = "the intake of reports is open"
WORKERS = {"worker": "the worker waits for jobs", "scheduler": "the scheduler ticks"}

STEPS = [
    ("portal", "门户", "the portal", False),
    ("postgresql", "PostgreSQL 数据库", "PostgreSQL", False),
    ("elasticsearch", "Elasticsearch 搜索", "Elasticsearch", False),
    ("migrations", "数据库结构", "the database's schema", False),
    ("intake", "公众举报入口", "the intake of reports", False),
    ("demo", "演示数据装入登记册", "the demo's data in the register", True),
    ("agencies", "模拟的三个部门系统", "the three played agencies", True),
    ("sync", "同步、关联、判定和索引", "sync, linking, judging and indexing", True),
    ("worker", "任务执行", "the worker", False),
    ("scheduler", "任务计划", "the scheduler", False),
]


@dataclass
class Boot:
    """One start; `failed` says that it ended in a failure after which nothing can run."""

    wish: Wish
    places: Places
    account: Account
    addresses: Addresses
    services: Services
    voice: Voice
    left_over: dict[str, Running]
    failed: bool = False
    environment: dict[str, str] = field(init=False)
    state: State = field(init=False)
    portal: Service = field(init=False)

    def __post_init__(self) -> None:
        given = {
            "THREEGATES_DATABASE_URL": self.addresses.database_url,
            "THREEGATES_PORTAL_DATABASE_URL": self.addresses.portal_database_url,
            "THREEGATES_INTAKE_DATABASE_URL": self.addresses.intake_database_url,
            "THREEGATES_JOBS_DATABASE_URL": self.addresses.jobs_database_url,
            "THREEGATES_ELASTICSEARCH_URL": self.addresses.search_server.url,
            "THREEGATES_DATA_FOLDER": str(self.places.data),
        }
        if self.wish.demo:
            given["THREEGATES_DEMO"] = "true"
        # Where the world reaches it by another name, the operator has said so.
        if not self.wish.environment.get("THREEGATES_INTAKE_ADDRESS"):
            given["THREEGATES_INTAKE_ADDRESS"] = self.addresses.intake
        # COLUMNS: tables that are repeated on the terminal keep their words whole.
        fixed = {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "COLUMNS": "110"}
        self.environment = {**self.wish.environment, **given, **fixed}
        steps = [Step(name, zh, en) for name, zh, en, demo_only in STEPS if self.wish.demo or not demo_only]
        self.state = State(self.places.state, self.addresses.portal, given, steps, intake=self.addresses.intake)

    def start_portal(self) -> None:
        """Start the portal before anything else, so that it can say how far the rest is."""
        self.state.set("portal", "starting")
        arguments = ["-m", "uvicorn", "portal.web:application", "--host", LOOPBACK]
        arguments += ["--port", str(self.addresses.portal_port), "--timeout-graceful-shutdown", "3"]
        # No access log: it would hold the addresses of those who read.
        arguments += ["--no-access-log", "--no-server-header"]
        self.portal = self._serve("portal", arguments, self.addresses.portal_database_url)

    def run(self, finish: threading.Event) -> None:
        """Everything after the portal's start; sets `finish` when nothing can run."""
        heartbeat = threading.Thread(target=self._say_what_is_open, daemon=True)
        heartbeat.start()
        try:
            self._run()
        except Failure as failure:
            if not self.services.stopping.is_set():
                self.failed = True
                self.voice.say("启动失败", f"the start failed: {failure}")
                finish.set()
        except Exception as error:
            # The thread's end must end the run: a half-started register that says nothing would be worse.
            self.failed = True
            self.voice.say("启动失败", f"the start failed: {type(error).__name__}: {error}")
            finish.set()
            raise

    def _run(self) -> None:
        with self._step("portal"):
            self._await_portal()
        self.voice.say(
            f"门户地址 {self.addresses.portal}(仅本机可访问;其余正在启动)",
            f"the portal answers at {self.addresses.portal} (this machine only); the rest is starting",
        )
        local = self.wish.database_url is None or self.wish.search_server is None
        programs = install(self.account, self.voice.plain, fallback=self.places.data / "cache") if local else None
        side_by_side = ThreadPoolExecutor(max_workers=4)
        try:
            search = side_by_side.submit(self._start_search, programs)
            database = side_by_side.submit(self._start_database, programs)
            demo = side_by_side.submit(self._start_demo, database) if self.wish.demo else None
            for done in wait([search, database], return_when=FIRST_EXCEPTION).done:
                done.result()
            demo_is_there = demo is not None and demo.result()
        finally:
            # After a failure nobody waits for the others: the end of the run ends them.
            side_by_side.shutdown(wait=False, cancel_futures=True)
        if demo_is_there:
            with self._optional_step("sync"):
                self._sync()
        if self.wish.demo:
            # Before the workers start: what the table says is so until they do something.
            with contextlib.suppress(Failure):
                self._command("status", [*COMMAND_LINE, "status"], echo=True)
                # How many alerts each desk has; 1 says that somebody should look at one.
                self._command("alerts", [*COMMAND_LINE, "alerts"], echo=True, well=(0, 1))
        self._start_workers()
        self._sum_up()

    # -- the steps ---------------------------------------------------------------------------------------------------

    def _start_database(self, programs: Programs | None) -> None:
        with self._step("postgresql"):
            if self.wish.database_url is not None:
                wait_for_database(self.wish.database_url, self.services.stopping)
                for who_zh, who, name, given in (
                    ("门户", "the portal enters", "PORTAL", self.wish.portal_database_url),
                    ("任务", "the jobs enter", "JOBS", self.wish.jobs_database_url),
                    ("举报入口", "the intake of reports enters", "INTAKE", self.wish.intake_database_url),
                ):
                    if given is None:
                        self.voice.say(
                            f"{who_zh}以数据库所有者登录;建议设置 THREEGATES_{name}_DATABASE_URL(见 docs/operators.md)",
                            f"{who} the database as its owner; better set THREEGATES_{name}_DATABASE_URL "
                            "(docs/operators.md)",
                        )
            else:
                assert programs is not None  # noqa: S101  # local servers are only started after install()
                folder = self.places.servers / "postgresql"
                server = PostgreSQL(folder, programs.postgresql, self.addresses.postgresql_port, self.account)
                old = server.left_over() or self.left_over.get("postgresql")
                if old is not None:
                    end(old, polite=signal.SIGINT, seconds=30)
                server.prepare()
                log = self.places.log("postgresql")
                stop = partial(server.stop, seconds=9)
                service = self.services.add("postgresql", log, partial(server.start, log), stop)
                server.wait_ready(service.child, log)
        with self._step("migrations"):
            self._command("migrations", [*COMMAND_LINE, "migrate"])
        self._start_intake()

    def _start_intake(self) -> None:
        """Open the intake of reports: a process of its own that is told its own address of the database alone."""
        with self._optional_step("intake"):
            arguments = ["-m", "portal.intake.serving", "--port", str(self.addresses.intake_port)]
            log = self.places.log("intake")
            said = partial(says, log, INTAKE_OPEN, after=size_of(log))
            service = self._serve("intake", arguments, self.addresses.intake_database_url)
            wait_until(lambda: said() or service.child.ended() is not None, 60, self.services.stopping)
            if not said() and not self.services.stopping.is_set():
                raise Failure(
                    f"The intake of reports does not answer yet, and is tried again:\n{last_lines(log)}",
                    remedy=f"The whole story is in {log}.",
                )

    def _start_search(self, programs: Programs | None) -> None:
        with self._step("elasticsearch"):
            if self.wish.search_server is not None:
                wait_for_search(self.wish.search_server, self.services.stopping)
                return
            assert programs is not None  # noqa: S101  # local servers are only started after install()
            folder = self.places.servers / "elasticsearch"
            port = self.addresses.elasticsearch_port
            server = Elasticsearch(folder, programs.elasticsearch, programs.java, port, self.account)
            if "elasticsearch" in self.left_over:
                end(self.left_over["elasticsearch"], seconds=20)
            server.prepare()
            log = self.places.log("elasticsearch")
            stop = partial(server.stop, seconds=9)
            service = self.services.add("elasticsearch", log, partial(server.start, log), stop)
            server.wait_ready(service.child, log)

    def _start_demo(self, database: "Future[None]") -> bool:
        """Make the demo's files, let the agencies play them, load the register; False when that failed."""
        with self._optional_step("demo") as outcome:
            self._make_demo()
            with self._optional_step("agencies") as played:
                self._start_agencies()
            database.result()
            self._command("demo-load", [*COMMAND_LINE, "demo", "load"], echo=True)
        return outcome.well and played.well

    def _sync(self) -> None:
        """Read the played agencies; a feed that is held awaits a person and keeps nothing else from starting."""
        code = self._command("sync", [*COMMAND_LINE, "sync", "--all"], echo=True, well=(0, AWAITS_A_PERSON))
        # What officials would make of it: a few cases about invented projects, so that the desk shows something.
        self._command("demo-cases", [*COMMAND_LINE, "demo", "cases"], echo=True)
        if code == AWAITS_A_PERSON:
            self.voice.say(
                "有机构的数据已暂扣,待人工核实;原因和办法见上",
                "an agency's feed is held for a person; why and what to do stands above",
            )

    def _start_workers(self) -> None:
        """Start worker and scheduler side by side; they are there when their own words say so."""
        before = {name: size_of(self.places.log(name)) for name in WORKERS}
        entering = self.addresses.jobs_database_url
        services = {name: self._serve(name, ["-m", f"jobs.{name}"], entering) for name in WORKERS}
        for name, words in WORKERS.items():
            with self._optional_step(name):
                log = self.places.log(name)
                said = partial(says, log, words, after=before[name])
                wait_until(lambda: said() or services[name].child.ended() is not None, 60, self.services.stopping)  # noqa: B023  # called here and nowhere later
                if not said() and not self.services.stopping.is_set():
                    raise Failure(
                        f"The {name} does not work yet, and is tried again:\n{last_lines(log)}",
                        remedy=f"The whole story is in {log}.",
                    )

    def _make_demo(self) -> None:
        if (self.places.demo / "stories.json").exists():
            return
        self.voice.say("正在生成演示数据(约 30 秒,仅一次)", "making the demo's data (about 30 s, once)")
        # Made beside and moved: a killed run leaves no half demo behind.
        draft = self.places.demo.with_name(".demo-draft")
        shutil.rmtree(draft, ignore_errors=True)
        self._command("demo-make", ["-m", "deploy.demo", "--updates", "--to", str(draft)])
        draft.rename(self.places.demo)

    def _start_agencies(self) -> None:
        self.places.agencies.unlink(missing_ok=True)
        arguments = ["-m", "deploy.agencies", "--data", str(self.places.demo)]
        arguments += ["--state", str(self.places.agencies)]
        service = self._serve("agencies", arguments)
        ready = wait_until(lambda: read_agencies(self.places.agencies) is not None, 60, self.services.stopping)
        addresses = read_agencies(self.places.agencies)
        if not ready or addresses is None:
            raise Failure(f"The played agencies did not start:\n{last_lines(service.log)}")
        # One that dies comes back where the others look for it: a restart takes the same list.
        arguments += ["--ports", *ports_of(addresses)]
        self.environment.update(addresses)
        self.state.set_agencies(addresses)

    def _await_portal(self) -> None:
        def answered_or_ended() -> bool:
            return page_answers(self.addresses.portal) or self.portal.child.ended() is not None

        wait_until(answered_or_ended, 30, self.services.stopping)
        if not page_answers(self.addresses.portal) and not self.services.stopping.is_set():
            log = self.places.log("portal")
            raise Failure(f"The portal did not start:\n{last_lines(log)}", remedy=f"The whole story is in {log}.")

    # -- how a step is done ------------------------------------------------------------------------------------------

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        """Mark one step as starting, then as ready or failed."""
        self.state.set(name, "starting")
        try:
            yield
        except BaseException:
            self.state.set(name, "failed")
            raise
        step = self.state.set(name, "ready")
        self.voice.say(f"{step.text_zh}:就绪", f"{step.text_en}: ready")

    @contextmanager
    def _optional_step(self, name: str) -> Iterator["Outcome"]:
        """A step whose failure is said and leaves the rest running."""
        outcome = Outcome()
        try:
            with self._step(name):
                yield outcome
            outcome.well = True
        except Failure as failure:
            if not self.services.stopping.is_set():
                self.voice.say(f"步骤失败:{name}", f"step {name} failed: {failure}")

    def _order(self, name: str, arguments: list[str], entering: str | None = None) -> Order:
        command = [sys.executable, *arguments]
        environment = self.environment
        if entering is not None:
            # It is told its own address of the database alone, and never the owner's or another's.
            known = {name: value for name, value in environment.items() if not name.endswith("DATABASE_URL")}
            environment = {**known, "THREEGATES_DATABASE_URL": entering}
        return Order(name, command, self.places.log(name), str(self.places.data), environment, PROJECT)

    def _serve(self, name: str, arguments: list[str], entering: str | None = None) -> Service:
        """Start a long-running Python child; a restart gets the environment of that moment.

        `entering` is the address by which it enters the database, where that is not the owner's.
        """
        return self.services.add(name, self.places.log(name), lambda: start(self._order(name, arguments, entering)))

    def _command(self, name: str, arguments: list[str], *, echo: bool = False, well: tuple[int, ...] = (0,)) -> int:
        """Run a Python child to its end; with `echo` its lines appear on the terminal as they come.

        Returns its exit code, one of `well`; any other is a Failure.
        """
        log = self.places.log(name)
        follower = Follower(log, self.voice) if echo else None
        code = self.services.run_once(lambda: start(self._order(name, arguments)), follower)
        if code not in well:
            raise Failure(
                f"`{name}` ended with code {code}:\n{last_lines(log)}", remedy=f"The whole story is in {log}."
            )
        return code

    def _say_what_is_open(self) -> None:
        """Every ten seconds, name what the start still waits for."""
        while not self.services.stopping.wait(10):
            open_steps = [step for step in self.state.steps if step.state == "starting"]
            if all(step.state != "waiting" for step in self.state.steps) and not open_steps:
                return
            if open_steps:
                self.voice.say(
                    "仍在进行:" + "、".join(step.text_zh for step in open_steps),
                    "still working: " + ", ".join(step.text_en for step in open_steps),
                )

    def _sum_up(self) -> None:
        for line in where_to_look(
            self.addresses.portal,
            self.places.api_key,
            self.places.demo if self.wish.demo else None,
            intake=self.addresses.intake,
        ):
            self.voice.plain(line)
        failed = [step for step in self.state.steps if step.state == "failed"]
        if failed:
            self.voice.say(
                "已启动,但未完成:" + "、".join(step.text_zh for step in failed) + ";按 Ctrl-C 结束",
                "up, but for what failed: " + ", ".join(step.text_en for step in failed) + "; Ctrl-C ends it",
            )
        else:
            self.voice.say("全部就绪;按 Ctrl-C 结束", "everything is up; Ctrl-C ends it")


@dataclass
class Outcome:
    """Whether an optional step ended well."""

    well: bool = False
