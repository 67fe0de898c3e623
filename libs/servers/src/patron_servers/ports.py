"""Choose free ports that nothing else on the machine is about to take."""

import secrets
import socket

LOOPBACK = "127.0.0.1"
# Below the range from which systems take ports for outgoing connections (32768 and up on Linux, 49152 on macOS): a
# client that keeps reconnecting to a stopped server would otherwise connect to itself, and block the restart.
FIRST, LAST = 20_000, 32_000


def free_port() -> int:
    """Return a port of loopback that nobody listens on now.

    Raises:
        OSError: 200 random ports were all taken.
    """
    for _ in range(200):
        port = FIRST + secrets.randbelow(LAST - FIRST)
        if is_free(port):
            return port
    raise OSError(f"no free port between {FIRST} and {LAST}")


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
