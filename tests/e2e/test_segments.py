"""Somebody defines segments: at the command line, and from another program over HTTP."""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from installations import Installation, eventually
from patron_cli.main import app

RULE = {"type": "field", "field": "country", "op": "eq", "value": "DE"}
BASE = "/campaigns/v1/segments"


class Ended(NamedTuple):
    """How a run of the command ended."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Command:
    """The command, run in this process from a distance: a start of Python for each would take minutes."""

    monkeypatch: pytest.MonkeyPatch
    printed: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Ended:
        self.monkeypatch.setattr("sys.argv", ["patron", "segments", *arguments])
        with pytest.raises(SystemExit) as ended:
            app()
        out, err = self.printed.readouterr()
        return Ended(int(ended.value.code or 0), out, err)

    def ok(self, *arguments: str) -> str:
        ended = self(*arguments)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))


@pytest.fixture
def patron(installation: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    token = installation.patron.ok("token", "--role", "agent").strip()
    for name, value in {"PATRON_URL": installation.url, "PATRON_TOKEN": token, "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)
    return Command(monkeypatch, capsys)


def called(name: str) -> str:
    """Give a name that no other run on this installation uses."""
    return f"{name} {uuid.uuid4()}"


def listed(patron: Command, segment_id: str) -> dict[str, Any]:
    """Give what the list says of a segment."""
    (found,) = [one for one in patron.json("list")["items"] if one["id"] == segment_id]
    return found


def test_a_segment_lives_from_its_rule_to_its_end(patron: Command, tmp_path: Path) -> None:
    name = called("Germans")
    wrong, right = tmp_path / "wrong.json", tmp_path / "right.json"
    wrong.write_text(json.dumps({"type": "all", "rules": [RULE, {**RULE, "field": "countri"}]}))
    right.write_text(json.dumps(RULE))

    checked = patron("check", str(wrong))
    assert checked.returncode == 1
    assert "unknown-field" in checked.stdout
    refused = patron("create", str(wrong), "--name", name)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "rule.rules[1].field" in refused.stderr

    assert patron.json("check", str(right))["ok"] is True
    made = patron.json("create", str(right), "--name", name)
    assert made["status"] == "created"
    assert made["id"] in patron.ok("list")
    eventually(lambda: "kind" in listed(patron, made["id"]))
    assert listed(patron, made["id"])["kind"] == "dynamic"
    changed = patron.json("change", name, "--rule", json.dumps({**RULE, "value": "FR"}), "--version", "1")
    assert changed["version"] == 2
    stale = patron("change", name, "--description", "x", "--version", "1")
    assert (stale.returncode, "version-mismatch" in stale.stderr) == (1, True)
    customers = tmp_path / "ids.txt"
    customers.write_text("\n".join(str(uuid.UUID(int=number)) for number in range(1, 12_001)))
    assert patron.json("include", name, "--from", str(customers), "--reason", "fair")["version"] == 4
    patron.ok("exclude", name, str(uuid.UUID(int=1)))
    patron.ok("release", name, str(uuid.UUID(int=2)))
    shown = patron.json("show", name.upper())
    assert (shown["included"], shown["excluded"], shown["rule"]["value"]) == (11_998, 1, "FR")

    user = patron.json(
        "create", "--rule", json.dumps({"type": "segment", "segment": made["id"]}), "--name", called("User")
    )
    in_use = patron("archive", name)
    assert (in_use.returncode, "segment-in-use" in in_use.stderr) == (1, True)
    patron.ok("archive", user["id"])
    patron.ok("archive", name)
    assert patron.json("show", made["id"])["status"] == "archived"
    assert patron("show", name).returncode == 1


def test_templates_are_segments_to_begin_with(patron: Command) -> None:
    name = called("Fans")
    template = patron.json("templates", "frequent-buyers")
    made = patron.json("create", "--template", "frequent-buyers", "--name", name, "--kind", "snapshot")
    shown = patron.json("show", made["id"])
    assert (shown["rule"], shown["kind"], shown["snapshot_rule_version"]) == (template, "snapshot", 1)
    assert patron.json("snapshot", name)["version"] == 2
    assert "rule" in patron.ok("show", name)
    patron.ok("archive", name)


def test_programs_define_segments_by_the_custom_fields_of_the_contacts(installation: Installation) -> None:
    token = installation.patron.ok("token", "--role", "admin").strip()
    field = f"plan_{uuid.uuid4().hex[:8]}"
    rule = {"type": "field", "field": f"custom.{field}", "op": "eq", "value": "pro"}
    with httpx.Client(base_url=installation.url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:

        def problems() -> list[Any]:
            return client.post(f"{BASE}/check", json={"rule": rule}).json()["problems"]

        assert [one["path"] for one in problems()] == ["$.field"]
        definition = {"type": "enum", "options": ["basic", "pro"]}
        client.put(f"/contacts/v1/fields/people/{field}", json=definition).raise_for_status()
        assert problems() == []
        body, key = {"kind": "dynamic", "name": called("Pro"), "rule": rule}, {"Idempotency-Key": called("once")}
        first, again = (client.post(BASE, json=body, headers=key) for _ in range(2))
        assert (first.status_code, first.json(), first.headers["Patron-Position"]) == (
            *(201, again.json()),
            again.headers["Patron-Position"],
        )
        one = client.get(f"{BASE}/{first.json()['id']}")
        assert (one.headers["ETag"], one.json()["rule"]) == ('"1"', rule)
