"""`patron schemas` and `patron openapi`: the contracts of events and services."""

import json
import pkgutil
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patron_cli.console import REFUSED, USAGE, Json, Stopped, print_json, say
from patron_cli.installation import Data, Role, Token, Url, find, reaching

if TYPE_CHECKING:
    from collections.abc import Mapping


def contexts() -> Sequence[str]:
    """Name every context that has facts in the catalogue."""
    from patron_events import catalog  # noqa: PLC0415 - other commands need no events

    return sorted(module.name for module in pkgutil.iter_modules(catalog.__path__))


def schemas(
    out: Annotated[Path | None, typer.Option(help="Folder for one file per event version.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Print the JSON Schema of every event, or write one file each."""
    documents = _schemas()
    if out is None:
        print_json(documents)
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, document in documents.items():
            (out / f"{name}.json").write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    except OSError as error:
        raise Stopped(f"cannot write to {out}: {error.strerror}", USAGE) from None
    if as_json:
        print_json({"folder": str(out), "files": [f"{name}.json" for name in documents]})
    else:
        say(f"{len(documents)} schemas in {out}")


def _schemas() -> "Mapping[str, dict[str, Any]]":
    from patron_events.registry import json_schemas  # noqa: PLC0415 - as above

    for context in contexts():
        import_module(f"patron_events.catalog.{context}")  # declares its facts
    return json_schemas()


def openapi(
    service: Annotated[str, typer.Argument(help="Name of a service, such as contacts.")],
    data: Data = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Print the OpenAPI document of a service."""
    installation = find(data, url, token)
    with installation.client(Role.READER) as client, reaching(installation):
        answer = client.get(f"/{service}/v1/openapi.json")
    if not answer.is_success:
        raise Stopped(f"there is no service {service!r} here (HTTP {answer.status_code})", REFUSED)
    sys.stdout.write(answer.text + "\n")
