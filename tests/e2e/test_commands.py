"""An operator looks at a running installation with the command `patron`."""

import json

import httpx
import pytest

from installations import Installation
from patron_projections.service import MODELS

SMALL = ("demo", "--people", "40", "--companies", "8", "--months", "3", "--seed", "5", "--until", "2026-03-01")


@pytest.fixture(scope="module")
def filled(installation: Installation) -> Installation:
    """The installation, with a small invented organisation among whatever else is in it."""
    made = installation.patron.json(*SMALL, "--force")
    assert (made["companies"], made["people"]) == (8, 40)
    assert made["interactions"] > 40
    assert made["orders"] > 0
    return installation


def test_status_tells_of_everything(filled: Installation) -> None:
    status = filled.patron.json("status")
    assert status["ready"] is True
    assert status["services"] == {
        "contacts": "ready",
        "campaigns": "ready",
        "pipeline": "ready",
        "projections": "ready",
    }
    processes = {process["name"] for process in status["processes"]}
    assert processes == {"supervisor", "nats-server", "postgres", "web-1", "projections", "reactions"}
    streams = {stream["name"]: stream for stream in status["streams"]}
    assert streams.keys() == {
        "CAMPAIGNS",
        "CONTACTS",
        "DEAD_LETTERS",
        "FORM_VISITS",
        "KV_PATRON_KEYS",
        "PIPELINE",
        "SEGMENTS",
        "TIMERS",
    }
    assert streams["CONTACTS"]["messages"] > 48
    assert streams["CONTACTS"]["bytes"] > 10_000
    assert {model["model"] for model in status["read_models"]} == {model.name for model in MODELS}
    assert all(model["parked"] == 0 for model in status["read_models"])
    assert len(status["workers"]) >= 1
    told = {one["service"]: (one["alive"], one["dead_letters"]) for one in status["reactions"]}
    assert told == dict.fromkeys(("contacts", "pipeline"), (True, 0))


def test_a_read_model_is_rebuilt_while_it_answers(filled: Installation) -> None:
    before = filled.patron.json("get", "/projections/v1/people?limit=200&sort=created_at")["items"]
    builds = {
        one["model"]: one for one in filled.patron.json("rebuild", "--list")["builds"] if one["state"] == "serving"
    }
    assert builds["people"]["rows"] >= 40
    done = filled.patron.json("rebuild", "people")
    assert (done["replaced"], done["equals_replaced"]) == (builds["people"]["build"], True)
    assert all(one["equal"] for one in done["partitions"])
    serving = {one["model"]: one["build"] for one in filled.patron.json("status")["read_models"]}
    assert serving["people"] == done["build"]
    assert filled.patron.json("get", "/projections/v1/people?limit=200&sort=created_at")["items"] == before
    shown = filled.patron.ok("rebuild", "people")
    for word in ("256 of 256", "Equal to the build that served", "Hash chain", "--drop-old"):
        assert word in shown
    for one in done["partitions"]:
        assert one["checksum"][:8] in shown
    old = [one["build"] for one in filled.patron.json("rebuild", "people", "--list")["builds"]][:-1]
    assert sorted(filled.patron.json("rebuild", "people", "--drop-old")["dropped"]) == sorted(old)
    states = [one["state"] for one in filled.patron.json("rebuild", "people", "--list")["builds"]]
    assert states == ["serving"]


def test_a_rebuild_of_nothing_is_wrong_usage(filled: Installation) -> None:
    for arguments in ((), ("nothing",)):
        refused = filled.patron("rebuild", *arguments)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def test_nothing_is_parked(filled: Installation) -> None:
    assert filled.patron.json("parked", "list") == {"items": []}
    assert filled.patron("parked", "show", "people", "person", "nobody").returncode == 1
    assert filled.patron("parked", "retry", "people", "person", "nobody").returncode == 1


def test_status_for_people_names_the_same(filled: Installation) -> None:
    shown = filled.patron.ok("status")
    for word in (filled.url, "ready", "CONTACTS", "timeline", "nats-server"):
        assert word in shown


def test_a_demo_given_again_changes_nothing(filled: Installation) -> None:
    again = filled.patron.json(*SMALL, "--force")
    statuses = {status for counts in again["counts"].values() for status, count in counts.items() if count}
    assert statuses == {"unchanged"}


def test_a_demo_of_an_installation_in_use_is_refused(filled: Installation) -> None:
    refused = filled.patron(*SMALL)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)


def test_what_the_demo_suggests_works(filled: Installation) -> None:
    suggested = [
        line.split("'")[1] for line in filled.patron.ok(*SMALL, "--force").splitlines() if "patron get" in line
    ]
    assert len(suggested) == 3
    for path in suggested:
        assert filled.patron.json("get", path)["items"]


def test_get_prints_refusals_and_fails(filled: Installation) -> None:
    refused = filled.patron("get", "/contacts/v1/people/00000000-0000-4000-8000-000000000000")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["status"] == 404


def test_get_works_at_a_distance(filled: Installation) -> None:
    token = filled.patron.ok("token", "--role", "reader").strip()
    here = filled.patron.json("get", "/projections/v1/people?limit=1&sort=created_at")
    there = filled.patron.json(
        "get", "projections/v1/people?limit=1&sort=created_at", "--url", filled.url, "--token", token
    )
    assert there["items"] == here["items"]
    wrong = filled.patron("get", "/projections/v1/people", "--url", filled.url, "--token", "wrong")
    assert (wrong.returncode, json.loads(wrong.stdout)["code"]) == (1, "token-invalid")


def test_verify_walks_every_commit(filled: Installation) -> None:
    proof = filled.patron.json("verify")
    assert proof["sound"] is True
    by_context = {one["context"]: one for one in proof["contexts"]}
    assert by_context.keys() == {"campaigns", "contacts", "pipeline", "segments"}
    contacts = by_context["contacts"]
    assert contacts["commits"] >= contacts["aggregates"] > 48
    assert contacts["first_bad"] is None


@pytest.mark.parametrize("service", ["campaigns", "contacts", "projections"])
def test_openapi_describes_a_service(filled: Installation, service: str) -> None:
    document = filled.patron.ok("openapi", service)
    assert all(path.startswith(f"/{service}/v1") for path in json.loads(document)["paths"])


def test_figures_of_all_processes_are_in_one_place(filled: Installation) -> None:
    figures = httpx.get(f"{filled.url}/metrics", timeout=30).text
    assert "projection_events_total" in figures
    assert 'route="/contacts/v1/people/bulk"' in figures
