"""What the command `patron` says without a running installation."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jwt
import pytest
from jsonschema import Draft202012Validator

from patron_cli.access import read_ttl
from patron_cli.console import Stopped
from patron_cli.embedded.folder import DataFolder
from patron_cli.main import app
from patron_runtime.identity import Principal, TrustedIssuer, Verifier
from patron_runtime.issuer import EmbeddedIssuer


class Ended(NamedTuple):
    """How a run of the command ended."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Command:
    """The command, run in this process on a data folder: a start of Python for each would take minutes."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    printed: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Ended:
        self.monkeypatch.setattr("sys.argv", ["patron", *arguments])
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
def patron(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    for name in [name for name in os.environ if name.startswith("PATRON_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATRON_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    return Command(tmp_path / "data", monkeypatch, capsys)


@pytest.fixture
def issuer(patron: Command) -> EmbeddedIssuer:
    folder = DataFolder(patron.folder)
    folder.path.mkdir()
    folder.prepare()
    return EmbeddedIssuer(folder.keys)


async def test_a_token_says_who_holds_it(patron: Command, issuer: EmbeddedIssuer) -> None:
    options = ("--role", "agent", "--subject", "importer", "--team", "north", "--team", "south", "--ttl", "2h")
    printed = patron.ok("token", *options)
    verifier = Verifier([TrustedIssuer(issuer.name, public_key_file=issuer.public_key_file)])
    found = await verifier.verify(printed.removesuffix("\n"))
    assert found == Principal("importer", frozenset({"agent"}), frozenset({"north", "south"}), issuer.name)
    claims = jwt.decode(printed.strip(), options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 7200


def test_a_token_of_json_carries_its_claims(patron: Command, issuer: EmbeddedIssuer) -> None:
    told = patron.json("token", "--subject", "me", "--ttl", "60")
    assert jwt.decode(told.pop("token"), options={"verify_signature": False})["sub"] == "me"
    assert told == {"subject": "me", "role": "reader", "teams": [], "ttl_s": 60}


@pytest.mark.parametrize(("text", "seconds"), [("3600", 3600), ("90m", 5400), ("12h", 43_200), ("30d", 2_592_000)])
def test_periods_have_units(text: str, seconds: int) -> None:
    assert read_ttl(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-5", "1w", "1.5h", "h", "99999d", "٣h"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(Stopped):
        read_ttl(text)


def test_every_event_has_a_schema(patron: Command, tmp_path: Path) -> None:
    schemas = patron.json("schemas")
    assert {"contacts.person-created.v1", "contacts.company-created.v1"} <= schemas.keys()
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    out = tmp_path / "deep" / "schemas"
    assert patron.json("schemas", "--out", str(out))["files"] == [f"{name}.json" for name in schemas]
    assert {path.stem: json.loads(path.read_text()) for path in out.iterdir()} == schemas


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("status",), 3),
        (("get", "/projections/v1/people"), 3),
        (("token",), 3),
        (("verify",), 3),
        (("demo",), 3),
        (("openapi", "contacts"), 3),
        (("status", "--url", "http://127.0.0.1:1", "--token", "x"), 3),
        (("get", "/x", "--url", "http://127.0.0.1:1", "--token", "x"), 3),
        (("demo", "--url", "http://127.0.0.1:1", "--token", "x"), 3),
        (("verify", "--nats", "nats://127.0.0.1:1"), 3),
        (("get", "/x", "--url", "http://127.0.0.1:1"), 2),
        (("get", "/x", "--url", "no address", "--token", "x"), 2),
        (("token", "--ttl", "soon"), 2),
        (("schemas", "--out", "/dev/null/x"), 2),
    ],
)
def test_what_cannot_be_done_is_said_on_one_line(patron: Command, arguments: tuple[str, ...], code: int) -> None:
    ended = patron(*arguments)
    assert ended.returncode == code
    assert ended.stdout == ""
    assert ended.stderr.startswith("patron: ")
    assert ended.stderr.count("\n") == 1


def test_errors_are_json_too(patron: Command) -> None:
    ended = patron("status", "--json")
    assert ended.returncode == json.loads(ended.stdout)["exit_code"] == 3


@pytest.mark.parametrize("command", ["up", "down", "status", "token", "get", "verify", "schemas", "openapi", "demo"])
def test_exit_codes_are_part_of_the_help(patron: Command, command: str) -> None:
    assert "Exit codes: 0 done" in patron.ok(command, "--help")
