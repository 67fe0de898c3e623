"""The data folder of an embedded installation."""

import base64
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from patron_cli.embedded.environment import service_environment
from patron_cli.embedded.folder import AlreadyRunning, DataFolder
from patron_cli.embedded.state import State, read_state, running_state, write_state
from patron_contacts.settings import ContactsSettings
from patron_projections.settings import ProjectionsSettings

STATE = State(phase="ready", started_at="2026-03-01T09:00:00Z", host="0.0.0.0", port=8080, workers=2, pids={"web-1": 7})  # noqa: S104 - a value
HOLD = """
import sys
from pathlib import Path
from patron_cli.embedded.folder import DataFolder
DataFolder(Path(sys.argv[1])).hold()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    prepared = DataFolder(tmp_path / "data")
    prepared.path.mkdir()
    prepared.prepare()
    return prepared


def test_the_master_key_is_made_once_and_private(folder: DataFolder) -> None:
    keys = folder.master_keys()
    assert [len(base64.b64decode(key)) for key in keys.values()] == [32]
    assert folder.master_keys() == keys
    assert (folder.keys / "master-keys.json").stat().st_mode & 0o777 == 0o600
    assert folder.keys.stat().st_mode & 0o777 == 0o700


def test_preparing_again_keeps_keys_and_forgets_figures(folder: DataFolder) -> None:
    keys = folder.master_keys()
    (folder.metrics / "counter_1.db").touch()
    folder.prepare()
    assert folder.master_keys() == keys
    assert not list(folder.metrics.iterdir())


def test_the_size_of_streams_is_decided_once(folder: DataFolder) -> None:
    size = folder.stream_max_bytes()
    assert 256 << 20 <= size <= 16 << 30
    (folder.path / "settings.json").write_text('{"stream_max_bytes": 300000000}')
    assert folder.stream_max_bytes() == 300_000_000


def test_services_can_read_the_settings_and_foreign_ones_do_not_leak(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATRON_ISSUER_JWKS_URL", "https://elsewhere.example")
    monkeypatch.setenv("PATRON_INDEX_KEY", "other")
    monkeypatch.setenv("PATRON_DEFAULT_REGION", "DE")
    given = service_environment(
        folder, nats_url="nats://a", nats_monitor_url="http://b", postgres_url="postgresql://c/d"
    )
    for name in [name for name in os.environ if name.startswith("PATRON_")]:
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    contacts = ContactsSettings()  # pyright: ignore[reportCallIssue]  # the environment fills it
    assert contacts.nats_url == ("nats://a",)
    assert contacts.nats_monitor_url == ("http://b",)
    assert contacts.default_region == "DE"
    assert contacts.issuer_jwks_url is None
    assert len(contacts.index_key_bytes) == 32
    contacts.verifier()
    projections = ProjectionsSettings()  # pyright: ignore[reportCallIssue]  # as above
    assert projections.postgres_url == "postgresql://c/d"
    assert replace(projections.log(), contexts=contacts.log().contexts) == contacts.log()


def test_a_folder_is_held_by_one_process_and_let_go_when_it_is_killed(folder: DataFolder) -> None:
    write_state(folder, STATE)
    assert running_state(folder) is None
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert folder.held
        assert running_state(folder) == STATE
        with pytest.raises(AlreadyRunning):
            folder.hold()
        holder.kill()
        holder.wait()
        assert not folder.held


def test_the_state_is_private_and_survives_being_unreadable(folder: DataFolder) -> None:
    write_state(folder, STATE)
    assert read_state(folder) == STATE
    assert folder.state_file.stat().st_mode & 0o777 == 0o600
    folder.state_file.write_text("{")
    assert read_state(folder) is None


def test_an_installation_that_listens_everywhere_is_asked_on_loopback() -> None:
    assert STATE.url == "http://127.0.0.1:8080"
