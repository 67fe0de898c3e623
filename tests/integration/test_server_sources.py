"""Where tests get their servers from: the environment first, then a container engine, then the wheels."""

import socket
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import server_sources
from server_sources import Nats, a_nats, a_postgres, engine_answers


@pytest.fixture(autouse=True)
def ask_the_engine_again() -> Generator[None]:
    engine_answers.cache_clear()
    yield
    engine_answers.cache_clear()


class Engine(BaseHTTPRequestHandler):
    """Answer the two questions that tell that a container engine is there."""

    def do_GET(self) -> None:
        body = b'{"ApiVersion": "1.44"}' if self.path.endswith("/version") else b"OK"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Api-Version", "1.44")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name for it
        """Stay silent."""


def test_servers_of_the_environment_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATRON_TEST_NATS_URL", "nats://given:4222")
    monkeypatch.setenv("PATRON_TEST_NATS_MONITOR_URL", "http://given:8222")
    monkeypatch.setenv("PATRON_TEST_POSTGRES_URL", "postgresql://given/db")
    with a_nats() as server, a_postgres() as url:
        assert server == Nats("nats://given:4222", "http://given:8222")
        assert url == "postgresql://given/db"


def test_an_engine_that_answers_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), Engine) as engine:
        thread = threading.Thread(target=engine.serve_forever)
        thread.start()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{engine.server_port}")
        try:
            assert engine_answers()
        finally:
            engine.shutdown()
            thread.join()


def test_an_engine_that_is_silent_or_absent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_sources, "ENGINE_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("DOCKER_HOST", address)
        assert not engine_answers()
    engine_answers.cache_clear()
    assert not engine_answers()
