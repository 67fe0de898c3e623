import os
import subprocess
from pathlib import Path

import pytest

from patron_servers.programs import find_nats_server

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.mark.parametrize("name", ["nats-server.conf", "cluster.conf"])
def test_every_shipped_configuration_is_accepted_by_the_server(name: str, tmp_path: Path) -> None:
    configuration = tmp_path / name
    configuration.write_text((DEPLOY / "nats" / name).read_text().replace("/data", str(tmp_path / "data")))

    checked = subprocess.run(
        [find_nats_server(), "-t", "-c", str(configuration)],
        capture_output=True,
        text=True,
        env={**os.environ, "NODE": "patron-1"},
        check=False,
    )

    assert checked.returncode == 0, checked.stderr
    assert "sync_interval: always" in configuration.read_text()
