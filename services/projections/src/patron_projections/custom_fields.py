"""Definitions of custom fields, one row for people and one for companies: rules are checked and compiled by them."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec
from sqlalchemy import BigInteger, Column, Table, Text, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import Select

from patron_events.catalog import contacts as events
from patron_events.opening import Opened
from patron_projections.engine.read_model import Blank, Folded, Row, json_text
from patron_projections.engine.tables import read_model_table, view_of
from patron_rules.fields import CustomField, Definitions

TABLE: Final = read_model_table(
    "custom_fields",
    1,
    # people or companies.
    Column("id", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    # By name: type, options, personal, and whether the field is retired.
    Column("fields", JSONB, nullable=False),
)
VIEW: Final = view_of(TABLE)


class CustomFields:
    """The read model `custom_fields`."""

    name: ClassVar[str] = "custom_fields"
    version: ClassVar[int] = 1
    context: ClassVar[str] = "contacts"
    categories: ClassVar[frozenset[str]] = frozenset({"field-catalogue"})
    kept: ClassVar[Table | None] = TABLE
    added: ClassVar[Table | None] = None
    subject_column: ClassVar[str] = "id"
    blanked: ClassVar[Mapping[str, Blank]] = {}

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Give the row of a catalogue after a commit."""
        fields: dict[str, Any] = {} if row is None else msgspec.json.decode(row[2] or "{}")
        for recorded in commit.events:
            match recorded.event:
                case events.FieldDefined() as defined:
                    fields[defined.name] = {**msgspec.to_builtins(CustomField.of(defined)), "retired": False}
                case events.FieldRetired(name=name):
                    fields[name] = {**fields[name], "retired": True}
                case _:
                    msg = f"{recorded.type} says nothing about custom fields"
                    raise KeyError(msg)
        return Folded([commit.head.stream.id, str(commit.head.sequence), json_text(fields)])

    def emptied(self, row: Row) -> Row:
        """Give the row back: definitions hold nothing personal."""
        return row


def query() -> Select[Any, Any]:
    """Select all catalogues."""
    return select(VIEW.c.id, VIEW.c.fields)


def definitions(rows: list[dict[str, Any]], *, retired: bool = False) -> Definitions:
    """Read the rows of `query`. retired: also fields that are out of use, whose values stay readable."""
    found: dict[str, dict[str, CustomField]] = {"people": {}, "companies": {}}
    for row in rows:
        for name, one in row["fields"].items():
            if retired or not one["retired"]:
                field = CustomField(one["type"], tuple(one["options"]), one["personal"])
                found.setdefault(row["id"], {})[name] = field
    return Definitions(found["people"], found["companies"])
