"""Snapshots of what other programs rely on: schemas of the events, OpenAPI documents of the services."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from contracts.golden import catalogue
from contracts.services import DOCUMENTS
from patron_events.registry import json_schemas

FOLDER: Final = Path(__file__).parent
SCHEMAS: Final = FOLDER / "events.schema.json"
OPENAPI: Final = FOLDER / "openapi"


def schemas() -> Mapping[str, Any]:
    """Describe the events of the catalogue."""
    own = {f"{entry.name}.v{entry.version}" for entry in catalogue()}
    return {name: schema for name, schema in json_schemas().items() if name in own}


def as_text(document: Mapping[str, Any]) -> str:
    """Write a document so that differences are readable."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write() -> list[Path]:
    """Write all snapshots over; answers those that changed."""
    OPENAPI.mkdir(exist_ok=True)
    documents = {SCHEMAS: schemas()} | {OPENAPI / f"{name}.json": make() for name, make in DOCUMENTS.items()}
    changed: list[Path] = []
    for file, document in documents.items():
        text = as_text(document)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            changed.append(file)
    return changed
