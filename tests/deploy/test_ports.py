"""Ports: the one used before, the usual one, the next free one."""

import socket

import pytest

from deploy import ports
from deploy.failure import Failure
from deploy.ports import LOOPBACK, choose_port, is_free


@pytest.fixture
def taken() -> "socket.socket":
    """A port that somebody listens on."""
    listener = socket.socket()
    listener.bind((LOOPBACK, 0))
    listener.listen()
    return listener


def test_a_taken_port_is_passed_over(taken: socket.socket) -> None:
    port = taken.getsockname()[1]
    with taken:
        assert not is_free(port)
        assert port < choose_port(port) < port + 200
    assert is_free(port)


def test_the_port_of_the_run_before_is_kept_while_it_is_free(taken: socket.socket) -> None:
    port = taken.getsockname()[1]
    with taken:
        assert choose_port(29876, before=port) != port
    assert choose_port(29876, before=port) == port


def test_a_port_promised_to_another_server_is_not_given_twice() -> None:
    first = choose_port(29876)
    assert choose_port(29876, taken=[first]) != first


def test_no_free_port_is_said_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _port: False)
    with pytest.raises(Failure, match=r"No free port on 127\.0\.0\.1 between 8000 and 8199.*ss -ltnp"):
        choose_port(8000)
