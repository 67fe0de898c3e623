"""Three nats-servers on loopback that replicate their streams, with nodes that can be killed."""

import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, cast

from patron_servers.errors import ServerDidNotStart
from patron_servers.nats import Member, NatsServer
from patron_servers.ports import free_port

NODES = ("n1", "n2", "n3")
FORM_TIMEOUT_S = 60.0  # an election takes 4-7 s; a loaded machine needs several


class NatsCluster:
    """A JetStream cluster of three under one folder; streams may ask for three replicas.

    Usable as a context manager, which starts and stops all of it.
    """

    def __init__(self, data_dir: Path, *, bin_dir: Path | None = None) -> None:
        ports = [free_port() for _ in NODES]
        self._nodes = {
            name: NatsServer(
                data_dir / name,
                name=name,
                member=Member(cluster="patron", port=port, routes=tuple(ports)),
                bin_dir=bin_dir,
            )
            for name, port in zip(NODES, ports, strict=True)
        }

    @property
    def nodes(self) -> Mapping[str, NatsServer]:
        """The servers by name, the stopped ones too."""
        return MappingProxyType(self._nodes)

    @property
    def urls(self) -> list[str]:
        """Where clients connect; give them all of these."""
        return [node.url for node in self._nodes.values()]

    def start(self) -> Self:
        """Start every node that does not run and return when all agree on a leader.

        Raises:
            ServerDidNotStart: a node ended, or no agreement within 60 s.
        """
        for node in self._nodes.values():
            node.start(wait=False)
        self.wait_until_whole()
        return self

    def wait_until_whole(self, timeout_s: float = FORM_TIMEOUT_S) -> None:
        """Return when every running node is healthy, knows all its peers and follows the same leader.

        Raises:
            ServerDidNotStart: `timeout_s` passed.
        """
        deadline = time.monotonic() + timeout_s
        while not self._agreed():
            if time.monotonic() > deadline:
                raise ServerDidNotStart("the cluster did not agree", self._nodes["n1"].data_dir / "nats-server.log")
            time.sleep(0.05)

    def stream_leader(self, stream: str) -> str | None:
        """Return the name of the node that leads `stream`, None while there is none or no such stream."""
        for node in self._running():
            found = _stream(node.monitor("/jsz?accounts=1&streams=1"), stream)
            leader = cast("str | None", (found or {}).get("cluster", {}).get("leader"))
            if leader and self._nodes[leader].running:
                return leader
        return None

    def kill_leader(self, stream: str, timeout_s: float = 30.0) -> str:
        """Kill the node that leads `stream` (SIGKILL) and return its name.

        Raises:
            TimeoutError: nobody led it within `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        while (leader := self.stream_leader(stream)) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nobody leads {stream}")
            time.sleep(0.05)
        self.kill(leader)
        return leader

    def kill(self, name: str) -> None:
        """End one node as a power cut would."""
        self._nodes[name].kill()

    def restart(self, name: str) -> None:
        """Stop one node if it runs, start it again on its data and return when it has caught up."""
        self._nodes[name].stop()
        self._nodes[name].start(wait=False)
        self._nodes[name].wait_until_ready(FORM_TIMEOUT_S)

    def stop(self) -> None:
        """Stop every node; the data stays. Safe to repeat."""
        for node in self._nodes.values():
            node.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _running(self) -> list[NatsServer]:
        return [node for node in self._nodes.values() if node.running]

    def _agreed(self) -> bool:
        leaders: set[str | None] = set()
        for node in self._running():
            if not node.is_healthy():
                return False
            meta = node.monitor("/jsz").get("meta_cluster", {})
            if meta.get("cluster_size") != len(NODES):
                return False
            leaders.add(meta.get("leader"))
        return len(leaders) == 1 and leaders <= {node.name for node in self._running()}


def _stream(told: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """Find one stream in what `/jsz?streams=1` tells."""
    for account in cast("list[dict[str, Any]]", told.get("account_details") or []):
        for stream in cast("list[dict[str, Any]]", account.get("stream_detail") or []):
            if stream["name"] == name:
                return stream
    return None
