"""The one port and the processes that share it."""

import socket

import pytest

from patron_cli.embedded.listening import HostUnusable, PortTaken, open_port


def closed(sockets: list[socket.socket]) -> None:
    for one in sockets:
        one.close()


@pytest.mark.parametrize("count", [1, 3])
def test_every_process_gets_a_socket_of_the_same_port(count: int) -> None:
    sockets = open_port("127.0.0.1", 0, count)
    try:
        assert len(sockets) == count
        addresses = {one.getsockname() for one in sockets}
        assert len(addresses) == 1
        with socket.create_connection(addresses.pop(), timeout=5):
            pass
    finally:
        closed(sockets)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("first", [1, 3])
def test_a_taken_port_is_refused_also_when_its_owner_would_share(first: int, count: int) -> None:
    sockets = open_port("127.0.0.1", 0, first)
    try:
        with pytest.raises(PortTaken):
            open_port("127.0.0.1", sockets[0].getsockname()[1], count)
    finally:
        closed(sockets)


def test_a_port_is_free_again_when_it_was_let_go() -> None:
    sockets = open_port("127.0.0.1", 0, 2)
    port = sockets[0].getsockname()[1]
    closed(sockets)
    closed(open_port("127.0.0.1", port, 1))


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(HostUnusable):
        open_port("192.0.2.1", 0, 1)
