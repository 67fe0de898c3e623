"""The JSON Schemas of the events are a contract; renew them with tests/contracts/renew.py."""

import pytest
from jsonschema import Draft202012Validator

from contracts import golden, snapshots
from patron_events.registry import EventType


def test_the_schemas_are_those_of_the_snapshot() -> None:
    assert snapshots.SCHEMAS.read_text(encoding="utf-8") == snapshots.as_text(snapshots.schemas())


@pytest.mark.parametrize("entry", golden.catalogue(), ids=lambda entry: entry.name)
def test_golden_files_fit_the_schemas(entry: EventType) -> None:
    schema = snapshots.schemas()[f"{entry.name}.v{entry.version}"]
    Draft202012Validator(schema).validate(golden.read(entry.name, entry.version).reads_as)
