import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from patron_runtime.identity import EmbeddedIssuer
from runtime.things import PEOPLE

HERE = Path(__file__).parent
DEADLINE_S = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def served(tmp_path: Path, issuer: EmbeddedIssuer) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(HERE / "serve_things.py"), str(issuer.public_key_file.parent), str(port)],
            env={**os.environ, "PYTHONPATH": str(HERE.parent)},
            stderr=log,
        )
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                if await holds():
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.02)


async def test_a_stopping_service_says_so_and_serves_until_the_drain_ends(
    served: tuple[subprocess.Popen[bytes], str], issuer: EmbeddedIssuer, tmp_path: Path
) -> None:
    process, address = served
    headers = {"Authorization": f"Bearer {issuer.issue('ann', ['agent'])}"}
    async with httpx.AsyncClient(base_url=address, headers=headers) as client:

        async def ready_answers(status: int) -> bool:
            return (await client.get("/health/ready")).status_code == status

        await until(lambda: ready_answers(200))
        process.send_signal(signal.SIGTERM)
        await until(lambda: ready_answers(503))
        assert (await client.get("/health/ready")).json()["code"] == "draining"
        assert (await client.get(f"{PEOPLE}/1")).json() == {"id": 1, "teams": []}
        process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, DEADLINE_S)
    # uvicorn raises the signal again once it has stopped in order.
    assert code in {0, -signal.SIGTERM}
    log = (tmp_path / "log").read_text()
    assert "service.drain.started" in log
    assert "Traceback" not in log
