"""Every command of the README is executed here, in order, on a fresh installation, and says what the README shows."""

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def steps() -> list[tuple[str, str]]:
    """Give the commands, each with the output that the README shows for it."""
    found: list[tuple[str, str]] = []
    for block in BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8")):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Generator[dict[str, str]]:
    """What a reader's shell has, but with a data folder and a port of its own."""
    foreign = ("PATRON_", "MAKE", "MFLAGS")  # also what was said to a `make test` around this
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    environment = {
        **kept,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PATRON_DATA": str(tmp_path_factory.mktemp("readme")),
        "COLUMNS": "100",
        "ARGS": "--port 0",  # `make up` hands it on; port 8080 may be taken where tests run
    }
    subprocess.run(["make", "install"], cwd=ROOT, check=True, capture_output=True)  # so that `make up` only starts
    yield environment
    subprocess.run(["patron", "down"], env=environment, check=True, capture_output=True)


def test_every_command_of_the_readme_says_what_the_readme_shows(surroundings: dict[str, str]) -> None:
    assert len(steps()) >= 10
    for command, expected in steps():
        ended = subprocess.run(
            ["bash", "-c", command],
            cwd=ROOT,
            env=surroundings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # as a terminal shows both
            text=True,
            timeout=150,
            check=False,
        )
        same = doctest.OutputChecker().check_output(expected, ended.stdout, FLAGS)
        assert same, f"$ {command}\n{ended.stdout}\n--- the README shows\n{expected}"


def test_every_page_that_the_readme_points_to_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []
