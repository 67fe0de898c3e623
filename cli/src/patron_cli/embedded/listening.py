"""The one port of an installation, opened by the supervisor and handed down to the web processes."""

import errno
import socket
import sys
import time
from typing import Final

_BACKLOG: Final = 2048


class PortTaken(Exception):
    """Something else listens on the port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"port {port} of {host} is taken; choose another one with --port")


class HostUnusable(Exception):
    """There is no such address on this machine, or this user may not listen there."""


def open_port(host: str, port: int, count: int, *, patience_s: float = 0.0) -> list[socket.socket]:
    """Listen on a port, once for each of `count` processes.

    The supervisor keeps them open: while a web process is down its callers wait instead of being refused. On Linux
    each process has a queue of its own (SO_REUSEPORT), because processes that share one take turns unevenly.

    port: 0 chooses a free one. patience_s: how long to wait for a port that is taken.

    Raises:
        PortTaken, HostUnusable: as their names say.
    """
    first = _patiently(host, port, patience_s)
    if count == 1 or sys.platform != "linux":
        return [first] * count
    address = first.getsockname()[:2]
    first.close()
    sockets = [_bound(*address, shared=True) for _ in range(count)]
    for one in sockets:
        one.listen(_BACKLOG)
    return sockets


def _patiently(host: str, port: int, patience_s: float) -> socket.socket:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return _bound(host, port)
        except PortTaken:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _bound(host: str, port: int, *, shared: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind((host, port))
        if not shared:
            # Linux lets two sockets bind one port until one of them listens.
            bound.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        bound.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise PortTaken(host, port) from None
        raise HostUnusable(f"cannot listen on port {port} of {host}: {error}") from None
    return bound
