"""The workspace holds together: one lock for all, each member with the dependencies that it imports."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
MEMBERS = sorted(path.parent for path in ROOT.glob("*/pyproject.toml")) + sorted(
    path.parent for path in ROOT.glob("*/*/pyproject.toml")
)
LOCK = (ROOT / "requirements.lock").read_text()


def project(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text())["project"]


def requirements(folder: Path) -> list[Requirement]:
    return [Requirement(line) for line in project(folder)["dependencies"]]


def imports(folder: Path) -> Iterator[str]:
    """The top-level packages that the sources of a member name."""
    for source in (folder / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def test_the_root_and_the_lock_know_every_member() -> None:
    names = {project(member)["name"] for member in MEMBERS}
    assert {requirement.name for requirement in requirements(ROOT)} == names
    locked_from = re.findall(r"^-e (\S+)$", (ROOT / "requirements.in").read_text(), re.MULTILINE)
    assert sorted(locked_from) == sorted(str(member.relative_to(ROOT)) for member in MEMBERS)


def test_every_pin_of_the_lock_has_hashes_and_nothing_tells_where_it_came_from() -> None:
    pins = re.split(r"\n(?=\S)", LOCK.strip())
    assert all(re.fullmatch(r"[a-z0-9-]+==[^\n]+( \\\n    --hash=sha256:[0-9a-f]{64})+", pin) for pin in pins)
    assert not re.search(r"://|(?<!\w)/\w|index|find-links", LOCK)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_the_lock_satisfies_a_member(member: Path) -> None:
    pinned = dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", LOCK, re.MULTILINE))
    for requirement in requirements(member):
        if not requirement.name.startswith("patron-"):
            assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)], prereleases=True), (
                requirement
            )


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_a_member_declares_what_it_imports(member: Path) -> None:
    declared = {canonicalize_name(requirement.name) for requirement in requirements(member)}
    own = project(member)["name"].replace("-", "_")
    known = packages_distributions()
    undeclared = [
        package
        for package in sorted({*imports(member)} - {*sys.stdlib_module_names, own})
        if not declared & {canonicalize_name(name) for name in known.get(package, [package])}
    ]
    assert undeclared == []


def test_make_tells_its_targets() -> None:
    told = subprocess.run(["/usr/bin/env", "make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = {line.split()[1] for line in told.splitlines()}
    assert {"up", "down", "test", "bench", "lint", "lock"} <= targets


def test_make_installs_again_only_after_a_change(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    for member in MEMBERS:
        copy = tmp_path / member.relative_to(ROOT)
        copy.mkdir(parents=True)
        (copy / "pyproject.toml").write_bytes((member / "pyproject.toml").read_bytes())
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "uv").touch()
    (tmp_path / ".venv" / ".installed").touch()

    def up_to_date() -> bool:
        return subprocess.run(["/usr/bin/env", "make", "-q", "install"], cwd=tmp_path, check=False).returncode == 0

    assert up_to_date()
    (tmp_path / ".venv" / ".installed").unlink()
    assert not up_to_date()
