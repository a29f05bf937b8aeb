"""Cutting a connection when its time is up, also in the middle of headers that drip in byte by byte."""

import threading

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Guard:
    """Cuts the connection when the time is up: a timeout of the socket begins anew with every byte that drips in."""

    def __init__(self) -> None:
        self.connection: HTTPConnection | None = None
        self.fired = False

    def start(self, seconds: float) -> threading.Timer:
        """A running timer that cuts the connection after so many seconds."""
        self.fired = False
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        return timer

    def _cut(self) -> None:
        self.fired = True
        if (connection := self.connection) is not None and (sock := connection.sock) is not None:
            try:
                sock.shutdown(2)
            except OSError:
                return


def guarded_adapter(guard: Guard) -> HTTPAdapter:
    """An adapter whose connections make themselves known to the guard, and which retries nothing by itself."""

    class GuardedHTTP(HTTPConnection):
        def connect(self) -> None:
            guard.connection = self
            super().connect()

    class GuardedHTTPS(HTTPSConnection):
        def connect(self) -> None:
            guard.connection = self
            super().connect()

    class HTTPPool(HTTPConnectionPool):
        ConnectionCls = GuardedHTTP

    class HTTPSPool(HTTPSConnectionPool):
        ConnectionCls = GuardedHTTPS

    adapter = HTTPAdapter(max_retries=0, pool_connections=4, pool_maxsize=1)
    adapter.poolmanager.pool_classes_by_scheme = {"http": HTTPPool, "https": HTTPSPool}
    return adapter
