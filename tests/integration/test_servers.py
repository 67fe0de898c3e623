"""The embedded nats-server, the cluster of three, and what happens to servers when processes die."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import httpx
import nats
import pytest
from nats.aio.client import Client
from nats.errors import Error

from patron_servers import (
    DataFolderInUse,
    NatsCluster,
    NatsServer,
    PostgresServer,
    ProgramNotFound,
    ServerDidNotStart,
    process,
    throwaway_folder,
)
from patron_servers.nats import Member
from patron_servers.ports import LAST, free_port, is_free
from patron_servers.programs import find_nats_server
from server_sources import Nats


@pytest.fixture
def starter(tmp_path: Path) -> Generator[Callable[[str], list[int]]]:
    """Run Python in another process that prints numbers in a JSON list and then waits to be killed."""
    started: list[subprocess.Popen[str]] = []

    def run(program: str) -> list[int]:
        waiting = f"{program}\nimport sys, time\nsys.stdout.flush()\ntime.sleep(600)\n"
        child = subprocess.Popen([sys.executable, "-c", waiting], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
        started.append(child)
        assert child.stdout is not None
        return [child.pid, *json.loads(child.stdout.readline())]

    yield run
    for child in started:
        child.kill()
        child.communicate()


def eventually(holds: Callable[[], bool], timeout_s: float = 20.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_gone(pid: int) -> bool:
    """A process that ended but was not collected yet by the system's first process counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def publish_once(client: Client, subject: str, body: bytes) -> int:
    """Publish until it is acknowledged: an election refuses for a few seconds, a retry is found by its id."""
    deadline = time.monotonic() + 30
    while True:
        try:
            ack = await client.jetstream().publish(subject, body, timeout=2, headers={"Nats-Msg-Id": body.decode()})
        except (TimeoutError, Error):
            assert time.monotonic() < deadline
        else:
            return ack.seq


async def bodies(client: Client, stream: str) -> list[bytes]:
    js = client.jetstream()
    state = (await js.stream_info(stream)).state
    found = [await js.get_msg(stream, seq) for seq in range(1, state.last_seq + 1)]
    return [message.data or b"" for message in found]


def test_the_server_syncs_every_write(nats_server: Nats) -> None:
    if not nats_server.monitor_url:
        pytest.skip("PATRON_TEST_NATS_MONITOR_URL is not set")
    told = httpx.get(f"{nats_server.monitor_url}/jsz?config=1").json()
    assert told["config"]["sync_always"] is True


async def test_a_killed_server_comes_back_with_everything_it_acknowledged(own_nats: NatsServer) -> None:
    client = await nats.connect(own_nats.url)
    await client.jetstream().add_stream(name="KEPT", subjects=["kept.>"])
    written = [str(number).encode() for number in range(50)]
    for body in written:
        await publish_once(client, "kept.a", body)
    await client.close()
    before = own_nats.pid

    own_nats.kill()
    assert is_gone(before)
    own_nats.start()

    client = await nats.connect(own_nats.url)
    assert await bodies(client, "KEPT") == written
    await client.close()


async def test_a_second_start_keeps_the_data_and_the_address(own_nats: NatsServer) -> None:
    client = await nats.connect(own_nats.url)
    await client.jetstream().add_stream(name="KEPT", subjects=["kept.>"])
    await client.close()
    own_nats.stop()
    assert not own_nats.running
    own_nats.start()
    client = await nats.connect(own_nats.url)
    assert (await client.jetstream().stream_info("KEPT")).state.messages == 0
    await client.close()


def test_a_folder_may_be_relative(monkeypatch: pytest.MonkeyPatch) -> None:
    with throwaway_folder("patron-test-relative-") as here:
        monkeypatch.chdir(here)
        with NatsServer(Path("nats")) as log, PostgresServer(Path("postgres")) as read_models:
            assert log.is_healthy()
            assert read_models.is_ready()
        assert (here / "nats" / "jetstream").is_dir()


def test_stopping_leaves_no_process(own_nats: NatsServer) -> None:
    pid = own_nats.pid
    own_nats.stop()
    own_nats.stop()
    assert is_gone(pid)
    assert is_free(own_nats.port)


def test_two_servers_never_share_a_folder(own_nats: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LOCK_WAIT_S", 0.2)
    with pytest.raises(DataFolderInUse):
        NatsServer(own_nats.data_dir).start()
    assert own_nats.is_healthy()


def test_a_refused_configuration_is_told_before_the_start(tmp_path: Path) -> None:
    server = NatsServer(tmp_path, member=Member(cluster="no spaces allowed", port=free_port()))
    with pytest.raises(ServerDidNotStart) as refused:
        server.start()
    assert "cluster name" in refused.value.log.read_text()
    assert not server.running


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = NatsServer(tmp_path, port=taken.getsockname()[1])
        with pytest.raises(ServerDidNotStart) as refused:
            server.start()
    assert "address already in use" in refused.value.log.read_text()
    assert not server.running


def test_servers_end_with_a_process_that_is_killed(starter: Callable[[str], list[int]]) -> None:
    with throwaway_folder("patron-test-killed-") as folder:
        parent, nats_pid, postgres_pid = starter(
            "import json, pathlib\n"
            "from patron_servers import NatsServer, PostgresServer\n"
            f"folder = pathlib.Path({str(folder)!r})\n"
            "nats, postgres = NatsServer(folder / 'nats').start(), PostgresServer(folder).start()\n"
            "print(json.dumps([nats.pid, postgres.pid]))"
        )
        assert not is_gone(nats_pid)
        assert not is_gone(postgres_pid)
        os.kill(parent, signal.SIGKILL)
        assert eventually(lambda: is_gone(nats_pid))
        assert eventually(lambda: is_gone(postgres_pid))


def test_a_server_outlives_the_thread_that_started_it(
    own_nats: NatsServer, starter: Callable[[str], list[int]]
) -> None:
    own_nats.stop()
    _, pid = starter(
        "import json, pathlib, threading\n"
        "from patron_servers import NatsServer\n"
        f"server = NatsServer(pathlib.Path({str(own_nats.data_dir)!r}))\n"
        "thread = threading.Thread(target=server.start); thread.start(); thread.join()\n"
        "assert server.is_healthy()\n"
        "print(json.dumps([server.pid]))"
    )
    assert not is_gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_server_ends_with_its_keeper(own_nats: NatsServer) -> None:
    pid = own_nats.pid
    keeper = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(keeper, signal.SIGKILL)
    assert eventually(lambda: is_gone(pid))
    own_nats.start()
    assert own_nats.is_healthy()


async def test_a_cluster_loses_nothing_acknowledged_when_its_leader_is_killed(nats_cluster: NatsCluster) -> None:
    client = await nats.connect(nats_cluster.urls)
    js = client.jetstream()
    await js.add_stream(name="REPLICATED", subjects=["replicated.>"], num_replicas=3)
    written = [str(number).encode() for number in range(20)]
    for body in written[:10]:
        await publish_once(client, "replicated.a", body)
    killed = nats_cluster.kill_leader("REPLICATED")
    assert not nats_cluster.nodes[killed].running
    for body in written[10:]:
        await publish_once(client, "replicated.a", body)
    nats_cluster.restart(killed)
    nats_cluster.wait_until_whole()
    assert await bodies(client, "REPLICATED") == written
    assert nats_cluster.stream_leader("REPLICATED") in nats_cluster.nodes
    await js.delete_stream("REPLICATED")
    await client.close()


def test_a_named_folder_comes_before_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATRON_NATS_BIN", str(tmp_path))
    with pytest.raises(ProgramNotFound):
        find_nats_server()
    (tmp_path / "nats-server").touch(mode=0o755)
    assert find_nats_server() == tmp_path / "nats-server"
    monkeypatch.delenv("PATRON_NATS_BIN")
    assert find_nats_server().parent == Path(sys.executable).parent


def test_free_ports_are_never_those_of_outgoing_connections() -> None:
    port = free_port()
    assert port < LAST
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
    assert is_free(port)
