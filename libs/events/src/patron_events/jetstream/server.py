"""What a nats-server must be before anything is written to it: new enough, and syncing every write.

The default acknowledges first and syncs up to two minutes later; in the Jepsen analysis of 2.12.1 that lost 131,418
of 930,005 acknowledged writes (DESIGN 2). Clients cannot see the setting; the monitoring endpoint `/varz` tells it.
"""

import asyncio
import logging
import re
import urllib.request
from collections.abc import Sequence
from typing import Final
from urllib.error import URLError

import msgspec

from patron_events.jetstream.connection import Connection

LEAST_VERSION: Final = (2, 15, 1)
_TIMEOUT_S: Final = 5
_log: Final = logging.getLogger(__name__)


class ServerUnfit(Exception):
    """A nats-server is too old, does not sync every write, or does not let that be seen."""


class _Config(msgspec.Struct, frozen=True):
    sync_always: bool = False


class _JetStream(msgspec.Struct, frozen=True):
    config: _Config | None = None


class _Varz(msgspec.Struct, frozen=True):
    server_name: str
    version: str
    jetstream: _JetStream = _JetStream()


def _parsed(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.split(r"[-+]", version, maxsplit=1)[0].split("."))


def _check_version(name: str, version: str) -> None:
    if _parsed(version) < LEAST_VERSION:
        needed = ".".join(map(str, LEAST_VERSION))
        raise ServerUnfit(f"{name} is nats-server {version}; at least {needed} is needed")


def _check_sync(varz: _Varz) -> None:
    _check_version(varz.server_name, varz.version)
    if varz.jetstream.config is None:
        raise ServerUnfit(f"{varz.server_name} has no JetStream")
    if not varz.jetstream.config.sync_always:
        raise ServerUnfit(f"{varz.server_name} acknowledges before it syncs: set `sync_interval: always` in jetstream")


def _varz(monitor_url: str) -> _Varz:
    request = urllib.request.Request(monitor_url.rstrip("/") + "/varz")  # noqa: S310  # an operator's setting
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310  # as above
        return msgspec.json.decode(answer.read(), type=_Varz)


async def assert_server(connection: Connection, monitor_urls: Sequence[str], *, unseen_stops: bool) -> None:
    """Check the connected server, and every server of `monitor_urls` (such as `http://nats-0:8222`).

    unseen_stops: whether it is an error (or a warning in the log) when no server lets its `sync_interval` be seen.

    Raises:
        ServerUnfit: the text names the server and what to change.
    """
    connected = connection.connected_server_version
    _check_version("the connected server", f"{connected.major}.{connected.minor}.{connected.patch}")
    unseen, seen = "no monitoring address in the settings", 0
    for url in monitor_urls:
        try:
            _check_sync(await asyncio.to_thread(_varz, url))
            seen += 1
        except (URLError, OSError, msgspec.DecodeError) as error:
            unseen = f"{url} does not tell: {type(error).__name__}"
    if seen:
        return  # a node of the cluster that is down now must not keep services from starting
    if unseen_stops:
        raise ServerUnfit(f"`sync_interval` cannot be seen: {unseen}")
    _log.warning("log.sync-unseen", extra={"reason": unseen})
