"""An Elasticsearch 9 of our own on loopback: prepare its folder, start it, see whether it answers, stop it."""

import json
import os
import secrets
import signal
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from deploy.account import OURSELVES, Account
from deploy.failure import Failure
from deploy.ports import LOOPBACK
from deploy.processes import Child, Order, last_lines, start, why_it_ended

START_SECONDS = 180

# One log, to standard output: the supervisor keeps it and bounds it.
LOGGING = """status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n%xEx{short}%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""

# Absolute, because percentages of a large disk would stop a small index for no reason.
CONFIGURATION = """cluster.name: {cluster}
node.name: {cluster}
network.host: {host}
http.port: {port}
transport.port: 9300-9499
discovery.type: single-node
path.data: {data}
path.logs: {logs}
xpack.security.enabled: false
cluster.routing.allocation.disk.watermark.low: 2gb
cluster.routing.allocation.disk.watermark.high: 1gb
cluster.routing.allocation.disk.watermark.flood_stage: 500mb
"""


@dataclass(frozen=True)
class Elasticsearch:
    """One server; everything below `folder` belongs to the account that runs it."""

    folder: Path
    home: Path
    java: Path
    port: int
    account: Account = OURSELVES
    heap: str = "512m"

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def cluster(self) -> str:
        """A name, made once, that tells this server from any other that might sit on the port."""
        return (self.folder / "cluster-name").read_text(encoding="ascii")

    def prepare(self) -> None:
        """Write its configuration; what it holds stays."""
        for name in ("", "config", "config/jvm.options.d", "data", "logs", "scratch"):
            self.account.own(self.folder / name)
        if not (self.folder / "cluster-name").exists():
            (self.folder / "cluster-name").write_text(f"threegates-{secrets.token_hex(4)}", encoding="ascii")
        text = CONFIGURATION.format(
            cluster=self.cluster,
            host=LOOPBACK,
            port=self.port,
            data=json.dumps(str(self.folder / "data"), ensure_ascii=False),
            logs=json.dumps(str(self.folder / "logs"), ensure_ascii=False),
        )
        self._write("elasticsearch.yml", text)
        self._write("log4j2.properties", LOGGING)
        self._write("jvm.options", self._java_options())
        # The quick compiler alone halves the start (12 s of processor time to 7); one machine needs no more.
        self._write("jvm.options.d/local.options", f"-Xms{self.heap}\n-Xmx{self.heap}\n-XX:TieredStopAtLevel=1\n")

    def start(self, log: Path) -> Child:
        """Start the server; `wait_ready` says when it answers."""
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.folder),
            # Under LANG=C the JVM cannot open Chinese paths.
            "LC_ALL": "C.UTF-8",
            "ES_JAVA_HOME": str(self.java),
            "ES_PATH_CONF": str(self.folder / "config"),
            "ES_TMPDIR": str(self.folder / "scratch"),
            # The starter is a JVM too and needs next to nothing.
            "CLI_JAVA_OPTS": "-Xms4m -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        }
        command = [str(self.home / "bin" / "elasticsearch")]
        mark = str(self.folder)
        return start(Order("elasticsearch", command, log, mark, environment, self.folder, self.account))

    def wait_ready(self, child: Child, log: Path, seconds: float = START_SECONDS) -> None:
        """Wait until it answers under its own name."""
        deadline = time.monotonic() + seconds
        while not self.is_healthy():
            if child.ended() is not None:
                said, remedy = why_it_ended(log, self.port)
                raise Failure(f"Elasticsearch ended while starting:\n{said}", remedy=remedy)
            if time.monotonic() > deadline:
                raise Failure(
                    f"Elasticsearch did not answer within {seconds:.0f} s:\n{last_lines(log)}",
                    remedy=f"See {log}; it needs about 1 GB of free memory.",
                )
            time.sleep(0.1)

    def is_healthy(self) -> bool:
        """Whether it answers, is this very server and can serve every shard."""
        health = read_health(self.url)
        return health is not None and health["cluster_name"] == self.cluster and health["status"] != "red"

    def stop(self, child: Child, seconds: float = 10) -> bool:
        """Shut down; what was acknowledged is in its transaction log."""
        return child.end(polite=signal.SIGTERM, seconds=seconds)

    def _write(self, name: str, text: str) -> None:
        path = self.folder / "config" / name
        path.unlink(missing_ok=True)
        path.write_text(text, encoding="utf-8")
        self.account.give(path)

    def _java_options(self) -> str:
        """The shipped options without what our Java lacks (the vector module) and without files that only grow."""
        unwanted = ("jdk.incubator.vector", "-Xlog:gc", "HeapDumpOnOutOfMemoryError")
        shipped = (self.home / "config" / "jvm.options").read_text(encoding="utf-8").splitlines()
        return "\n".join(line for line in shipped if not any(word in line for word in unwanted)) + "\n"


def read_health(url: str, seconds: float = 2) -> dict[str, str] | None:
    """The cluster's health, or None when nothing (or something else) answers there."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/_cluster/health", timeout=seconds) as answer:
            health = json.load(answer)
    except (OSError, ValueError, urllib.error.URLError):
        return None
    return health if isinstance(health, dict) and {"cluster_name", "status"} <= health.keys() else None
