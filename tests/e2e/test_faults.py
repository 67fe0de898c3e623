"""Servers under an installation freeze, die and fill up; what was acknowledged stays, and everything comes back."""

import asyncio
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from installations import Installation, an_installation, eventually
from patron_servers import throwaway_folder

BOUND_S = 40.0  # the budget of one read or append is 15 s, and a command may need both
CREATIONS = 200
SMALL_VOLUME_BYTES = 512 << 20
SMALL_STREAM_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Faulty:
    """An installation whose servers are tampered with. volume: the small one of nats-server, if there is one."""

    running: Installation
    client: httpx.Client
    volume: Path | None

    def pid(self, name: str) -> int:
        """Process id of a part now."""
        return self.running.pids[name]

    def people(self, tag: str) -> list[dict[str, Any]]:
        """Give the people with a tag, as the directory knows them."""
        answer = self.client.get("/projections/v1/people", params={"filter": f"tags:eq:{tag}", "limit": 200})
        return answer.raise_for_status().json()["items"]

    def create(self, tag: str, name: str) -> httpx.Response:
        """Ask once for a new person under a key of its own."""
        return self.client.post(
            "/contacts/v1/people", json=person(tag, name), headers={"Idempotency-Key": f"{tag} {name}"}
        )

    def is_fresh(self) -> bool:
        """Tell whether the directory answers and says that it is not stale."""
        answer = self.client.get("/projections/v1/people", params={"limit": 1})
        return answer.is_success and "Patron-Stale" not in answer.headers


def person(tag: str, name: str) -> dict[str, Any]:
    return {"given_name": name, "tags": [tag]}


@contextmanager
def a_small_volume(folder: Path) -> Generator[Path | None]:
    """Mount a small file system on a folder, where that is possible."""
    folder.mkdir(parents=True)
    options = f"size={SMALL_VOLUME_BYTES},mode=0700"
    mount = ["mount", "-t", "tmpfs", "-o", options, "patron-test", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="module")
def started() -> Generator[Faulty]:
    with throwaway_folder("patron-faults-") as parent, a_small_volume(parent / "data" / "nats") as volume:
        (parent / "data" / "settings.json").write_text(f'{{"stream_max_bytes": {SMALL_STREAM_BYTES}}}')
        with an_installation(parent / "data") as running, running.client() as client:
            yield Faulty(running, client, volume)


@pytest.fixture
def faulty(started: Faulty) -> Faulty:
    """The installation, whole again after the test before."""
    eventually(started.running.is_ready)
    eventually(started.is_fresh)
    return started


@contextmanager
def frozen(*pids: int) -> Generator[None]:
    """Stop processes for a while."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(one) for one, parent in map(str.split, listed.splitlines()) if int(parent) == pid]


@contextmanager
def gone(supervisor: int, *servers: int) -> Generator[None]:
    """Kill servers and let nobody start them again for a while."""
    os.kill(supervisor, signal.SIGSTOP)
    try:
        for pid in servers:
            os.kill(pid, signal.SIGKILL)
        yield
    finally:
        os.kill(supervisor, signal.SIGCONT)


Fault = Callable[..., AbstractContextManager[None]]


def freezing(faulty: Faulty, *names: str) -> AbstractContextManager[None]:
    """Freeze servers; the children of the postmaster with it."""
    return frozen(*(one for name in names for one in (faulty.pid(name), *children(faulty.pid(name)))))


def losing(faulty: Faulty, *names: str) -> AbstractContextManager[None]:
    return gone(faulty.pid("supervisor"), *(faulty.pid(name) for name in names))


def assert_refused(answer: httpx.Response) -> None:
    """Require a 503 problem that says when to come back."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json()["status"] == 503


def refused_in_time(ask: Callable[[], httpx.Response]) -> None:
    """Ask, and require a refusal within the bound."""
    began = time.monotonic()
    assert_refused(ask())
    assert time.monotonic() - began < BOUND_S


class Crowd:
    """200 callers that each want one person, and note who was acknowledged."""

    def __init__(self, faulty: Faulty) -> None:
        self.tag = uuid4().hex
        self.acknowledged: dict[str, str] = {}
        self.refusals: list[httpx.Response] = []
        self._asking = httpx.AsyncClient(
            base_url=faulty.client.base_url,
            headers=faulty.client.headers,
            timeout=BOUND_S + 20,
            # Unused for longer, the server may be closing a connection just when it is used again.
            limits=httpx.Limits(max_connections=CREATIONS, keepalive_expiry=1.0),
        )

    async def ask(self, names: Iterable[str], on_success: Callable[[], None] = lambda: None) -> Counter[int]:
        """Ask for several people at once; count the statuses of the answers."""

        async def create(name: str) -> int:
            key = {"Idempotency-Key": f"{self.tag} {name}"}
            answer = await self._asking.post("/contacts/v1/people", json=person(self.tag, name), headers=key)
            if answer.status_code == 201:
                self.acknowledged[name] = answer.json()["id"]
                on_success()
            else:
                self.refusals.append(answer)
            return answer.status_code

        return Counter(await asyncio.gather(*map(create, names)))

    async def ask_again(self) -> Counter[int]:
        """Repeat what was not acknowledged, under the same keys."""
        return await self.ask([name for name in map(str, range(CREATIONS)) if name not in self.acknowledged])

    async def ask_and_break(self, fault: AbstractContextManager[None]) -> tuple[ExitStack, Counter[int]]:
        """Bring the fault about at the first of 100 answers, and ask for 100 more during it."""
        faults = ExitStack()
        broken = asyncio.Event()

        def break_once() -> None:
            if not broken.is_set():
                faults.enter_context(fault)
                broken.set()

        first = asyncio.create_task(self.ask(map(str, range(CREATIONS // 2)), break_once))
        await asyncio.wait({first, waiting := asyncio.create_task(broken.wait())}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        assert broken.is_set(), first.result()
        second = await self.ask(map(str, range(CREATIONS // 2, CREATIONS)))
        return faults, await first + second

    async def close(self) -> None:
        await self._asking.aclose()


def assert_nothing_lost_or_doubled(faulty: Faulty, tag: str, acknowledged: dict[str, str]) -> None:
    """Find exactly one person per name, with the id that was acknowledged."""
    eventually(lambda: len(faulty.people(tag)) >= CREATIONS)
    eventually(faulty.is_fresh)
    found = {one["given_name"]: one["id"] for one in faulty.people(tag)}
    assert len(faulty.people(tag)) == CREATIONS
    assert found == acknowledged


@pytest.mark.parametrize("fault", [freezing, losing])
async def test_the_log_cannot_be_reached(faulty: Faulty, fault: Fault) -> None:
    crowd = Crowd(faulty)
    began = time.monotonic()
    faults, statuses = await crowd.ask_and_break(fault(faulty, "nats-server"))
    with faults:
        assert time.monotonic() - began < BOUND_S
        assert statuses.keys() == {201, 503}
        assert statuses[503] >= CREATIONS // 2
        for refusal in crowd.refusals:
            assert_refused(refusal)
        listing = faulty.client.get("/projections/v1/people", params={"limit": 5})
        assert listing.status_code == 200
        assert listing.json()["position"]["stale"] is True
        assert "Patron-Stale" in listing.headers
        assert not faulty.running.is_ready()
    eventually(faulty.running.is_ready)
    assert (await crowd.ask_again()).keys() == {201}
    await crowd.close()
    assert_nothing_lost_or_doubled(faulty, crowd.tag, crowd.acknowledged)


@pytest.mark.parametrize("fault", [freezing, pytest.param(losing, marks=pytest.mark.slow)])
def test_the_read_models_cannot_be_reached(faulty: Faulty, fault: Fault) -> None:
    tag = uuid4().hex
    with fault(faulty, "postgres"):
        created = [faulty.create(tag, str(number)) for number in range(5)]
        assert [answer.status_code for answer in created] == [201] * 5
        refused_in_time(lambda: faulty.client.get("/projections/v1/people"))
        assert not faulty.running.is_ready()
        assert faulty.create(tag, "5").status_code == 201
    eventually(lambda: faulty.running.is_ready() and len(faulty.people(tag)) == 6)
    eventually(faulty.is_fresh)


@pytest.mark.parametrize("fault", [losing, pytest.param(freezing, marks=pytest.mark.slow)])
def test_neither_can_be_reached(faulty: Faulty, fault: Fault) -> None:
    tag = uuid4().hex
    assert faulty.create(tag, "before").status_code == 201
    with fault(faulty, "nats-server", "postgres"):
        refused_in_time(lambda: faulty.create(tag, "during"))
        refused_in_time(lambda: faulty.client.get("/projections/v1/people"))
        assert httpx.get(f"{faulty.running.url}/health/live", timeout=BOUND_S).status_code == 200
    eventually(lambda: faulty.create(tag, "during").status_code == 201)
    eventually(lambda: faulty.running.is_ready() and len(faulty.people(tag)) == 2)
    assert faulty.create(tag, "after").status_code == 201
    eventually(lambda: sorted(one["given_name"] for one in faulty.people(tag)) == ["after", "before", "during"])


def test_the_disk_of_the_log_is_full(faulty: Faulty) -> None:
    if faulty.volume is None:
        pytest.skip("a small file system can be mounted by root only, and not in every container")
    tag = uuid4().hex
    balloon = faulty.volume / "balloon"
    acknowledged: dict[str, str] = {}

    def create(name: str) -> httpx.Response:
        answer = faulty.create(tag, name)
        if answer.status_code == 201:
            acknowledged[name] = answer.json()["id"]
        return answer

    def is_created(name: str) -> bool:
        return create(name).status_code == 201

    assert is_created("before")
    free = os.statvfs(faulty.volume)
    with balloon.open("wb") as blown:
        os.posix_fallocate(blown.fileno(), 0, free.f_bavail * free.f_frsize)
    names = [str(number) for number in range(8)]
    with ThreadPoolExecutor(len(names)) as several:
        assert {answer.status_code for answer in several.map(create, names)} <= {201, 503}
    refused_in_time(lambda: create("during"))
    listing = faulty.client.get("/projections/v1/people", params={"limit": 1})
    assert listing.status_code == 200
    balloon.unlink()
    for name in ("during", *names):
        eventually(partial(is_created, name))
    eventually(lambda: len(faulty.people(tag)) == len(acknowledged) == len(names) + 2)
    assert {one["given_name"]: one["id"] for one in faulty.people(tag)} == acknowledged
