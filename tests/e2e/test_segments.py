"""Somebody defines segments: at the command line, and from another program over HTTP."""

import json
import uuid
from pathlib import Path
from typing import Any

import httpx

from installations import Installation

RULE = {"type": "field", "field": "country", "op": "eq", "value": "DE"}
BASE = "/campaigns/v1/segments"


def called(name: str) -> str:
    """Give a name that no other run on this installation uses."""
    return f"{name} {uuid.uuid4()}"


def test_a_segment_lives_from_its_rule_to_its_end(installation: Installation, tmp_path: Path) -> None:
    patron, name = installation.patron, called("Germans")
    wrong, right = tmp_path / "wrong.json", tmp_path / "right.json"
    wrong.write_text(json.dumps({"type": "all", "rules": [RULE, {**RULE, "field": "countri"}]}))
    right.write_text(json.dumps(RULE))

    checked = patron("segments", "check", str(wrong))
    assert checked.returncode == 1
    assert "unknown-field" in checked.stdout
    refused = patron("segments", "create", str(wrong), "--name", name)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "rule.rules[1].field" in refused.stderr

    assert patron.json("segments", "check", str(right))["ok"] is True
    made = patron.json("segments", "create", str(right), "--name", name)
    assert made["status"] == "created"
    assert made["id"] in patron.ok("segments", "list")
    changed = patron.json("segments", "change", name, "--rule", json.dumps({**RULE, "value": "FR"}), "--version", "1")
    assert changed["version"] == 2
    stale = patron("segments", "change", name, "--description", "x", "--version", "1")
    assert (stale.returncode, "version-mismatch" in stale.stderr) == (1, True)
    customers = tmp_path / "ids.txt"
    customers.write_text("\n".join(str(uuid.UUID(int=number)) for number in range(1, 12_001)))
    assert patron.json("segments", "include", name, "--from", str(customers), "--reason", "fair")["version"] == 4
    patron.ok("segments", "exclude", name, str(uuid.UUID(int=1)))
    patron.ok("segments", "release", name, str(uuid.UUID(int=2)))
    shown = patron.json("segments", "show", name.upper())
    assert (shown["included"], shown["excluded"], shown["rule"]["value"]) == (11_998, 1, "FR")

    user = patron.json(
        "segments", "create", "--rule", json.dumps({"type": "segment", "segment": made["id"]}), "--name", called("User")
    )
    in_use = patron("segments", "archive", name)
    assert (in_use.returncode, "segment-in-use" in in_use.stderr) == (1, True)
    patron.ok("segments", "archive", user["id"])
    patron.ok("segments", "archive", name)
    assert patron.json("segments", "show", made["id"])["status"] == "archived"
    assert patron("segments", "show", name).returncode == 1


def test_templates_are_segments_to_begin_with(installation: Installation) -> None:
    patron, name = installation.patron, called("Fans")
    template = patron.json("segments", "templates", "frequent-buyers")
    made = patron.json("segments", "create", "--template", "frequent-buyers", "--name", name, "--kind", "snapshot")
    shown = patron.json("segments", "show", made["id"])
    assert (shown["rule"], shown["kind"], shown["snapshot_rule_version"]) == (template, "snapshot", 1)
    assert patron.json("segments", "snapshot", name)["version"] == 2
    assert "rule" in patron.ok("segments", "show", name)
    patron.ok("segments", "archive", name)


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
