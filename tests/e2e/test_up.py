"""An operator starts, breaks and stops an installation on one machine."""

import os
import signal
import socket
import subprocess
from collections.abc import Generator
from pathlib import Path

import httpx
import psycopg
import pytest

from installations import PATRON, Installation, Program, alive, an_installation, eventually, family_of
from patron_servers import throwaway_folder


@pytest.fixture
def folder() -> Generator[Path]:
    with throwaway_folder("patron-up-") as parent:
        yield parent / "data"


@pytest.fixture(scope="module")
def breakable() -> Generator[Installation]:
    """An installation whose processes may be killed."""
    with throwaway_folder("patron-up-") as parent, an_installation(parent / "data") as running:
        yield running


def create_person(installation: Installation, name: str) -> tuple[str, str]:
    with installation.client() as client:
        answer = client.post("/contacts/v1/people", json={"given_name": name})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], answer.json()["position"]


def test_a_second_start_keeps_the_data(folder: Path) -> None:
    with an_installation(folder) as first:
        person, position = create_person(first, "Grace")
        again = first.patron("up")
        assert again.returncode == 0
        assert first.url in again.stdout
        assert first.patron.json("up", "--detach")["already_running"] is True
        family = family_of(first.pids["supervisor"])
        assert len(family) > len(first.pids)
        first.patron.ok("down")
        assert not alive(family)
        assert not (folder / "state.json").exists()
    with an_installation(folder, "--workers", "2") as second:
        assert {"web-1", "web-2"} <= second.pids.keys()
        kept = second.patron.json("get", f"/contacts/v1/people/{person}")
        shown = second.patron.json("get", f"/projections/v1/people/{person}?after={position}")
        assert kept["given_name"] == shown["given_name"] == "Grace"


@pytest.mark.slow
def test_a_model_that_changed_without_a_new_version_ends_the_start_at_once(folder: Path) -> None:
    with an_installation(folder) as first:
        with psycopg.connect(first.state["postgres_url"], autocommit=True) as connection:
            connection.execute("UPDATE patron.builds SET fingerprint = 'other' WHERE model = 'people'")
        first.patron.ok("down")
        refused = first.patron("up", "--detach", "--port", "0")
        assert (refused.returncode, refused.stderr.count("\n")) == (4, 1)
        assert "projections refuses to start: read model people" in refused.stderr


def test_secrets_are_readable_by_their_owner_only(breakable: Installation) -> None:
    secrets = [*(breakable.folder / "keys").iterdir(), breakable.folder / "state.json"]
    private = [path for path in secrets if path.name != "issuer.public.pem"]
    assert len(private) == 3
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}


@pytest.mark.parametrize("name", ["web-1", "projections", "reactions", "nats-server", "postgres"])
def test_a_killed_process_comes_back(breakable: Installation, name: str) -> None:
    person, _ = create_person(breakable, "Before")
    killed = breakable.pids[name]
    others = {other: pid for other, pid in breakable.pids.items() if other != name}
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: breakable.pids.get(name, killed) not in {killed, 0})
    eventually(breakable.is_ready)
    assert breakable.state["restarts"][name] == 1
    assert {other: pid for other, pid in breakable.pids.items() if other != name} == others
    with breakable.client() as client:
        assert client.get(f"/contacts/v1/people/{person}").json()["given_name"] == "Before"
        position = client.post("/contacts/v1/people", json={"given_name": "After"}).json()["position"]
        listed = client.get("/projections/v1/people", params={"after": position, "wait_s": 30, "limit": 1})
        assert listed.status_code == 200, listed.text


def test_callers_wait_while_the_web_process_is_down(breakable: Installation) -> None:
    os.kill(breakable.pids["web-1"], signal.SIGKILL)
    assert httpx.get(f"{breakable.url}/health/live", timeout=60).json() == {"status": "live"}


def test_nothing_is_left_of_a_killed_supervisor_and_the_next_start_works(folder: Path) -> None:
    with an_installation(folder) as first:
        person, _ = create_person(first, "Grace")
        family = family_of(first.pids["supervisor"])
        port = str(first.state["port"])
        os.kill(first.pids["supervisor"], signal.SIGKILL)
        said = first.patron("status")
        assert (said.returncode, said.stdout) == (3, "")
        second = first.patron.json("up", "--detach", "--port", port)
        assert second["url"] == first.url
        assert first.patron.json("get", f"/contacts/v1/people/{person}")["given_name"] == "Grace"
        eventually(lambda: not alive(family))


def test_a_taken_port_is_named(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        for options in (("--detach",), (), ("--workers", "2")):
            ended = Program(folder)("up", "--port", port, *options)
            assert ended.returncode == 4
            assert ended.stderr.count("\n") == 1
            assert port in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_in_the_foreground_it_runs_until_it_is_told_to_stop(folder: Path, number: signal.Signals) -> None:
    program = Program(folder)
    with subprocess.Popen(
        [*PATRON, "up", "--port", "0", "--json"],
        env=program.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "{\n"
        family = family_of(running.pid)
        running.send_signal(number)
        _, errors = running.communicate(timeout=90)
    assert (running.returncode, "Traceback" in errors) == (0, False)
    assert not alive(family)


def test_down_without_an_installation_is_no_error(folder: Path) -> None:
    assert Program(folder).json("down") == {"data": str(folder), "stopped": False}
