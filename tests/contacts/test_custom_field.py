"""Custom fields: definitions, and values by them."""

from typing import Any

import pytest

from patron_contacts.domain.custom_field import checked, definition, missing_required, unique_key
from patron_contacts.domain.value_errors import (
    CustomFieldMistyped,
    CustomFieldNoOption,
    CustomFieldUnknown,
    FieldNameInvalid,
    FieldNeverUnique,
    FieldOptionsInvalid,
    FieldTypeUnknown,
)
from patron_events.catalog.contacts import FieldDefined
from patron_events.rejections import Invalid
from patron_values.errors import ShapeInvalid, TextTooLong

KINDS = ("string", "number", "integer", "boolean", "date", "datetime")
FIELDS = {kind: FieldDefined(name=kind, type=kind) for kind in KINDS} | {
    "enum": FieldDefined(name="enum", type="enum", options=("Gold", "Silver"))
}


def test_a_definition_keeps_what_was_said() -> None:
    body = {"name": "tier", "type": "enum", "label": " Tier ", "options": ["Gold", "Silver"], "required": True}
    assert definition(body) == FieldDefined(
        name="tier", type="enum", label="Tier", required=True, options=("Gold", "Silver")
    )
    assert definition({"name": "badge", "type": "string", "unique": True, "personal": True}) == FieldDefined(
        name="badge", type="string", unique=True, personal=True
    )


@pytest.mark.parametrize(
    ("body", "refusal", "field"),
    [
        ({"type": "string"}, FieldNameInvalid, "name"),
        ({"name": "Tier", "type": "string"}, FieldNameInvalid, "name"),
        ({"name": "1st", "type": "string"}, FieldNameInvalid, "name"),
        ({"name": "tier\n", "type": "string"}, FieldNameInvalid, "name"),
        ({"name": "a" * 64, "type": "string"}, FieldNameInvalid, "name"),
        ({"name": "tier"}, FieldTypeUnknown, "type"),
        ({"name": "tier", "type": "text"}, FieldTypeUnknown, "type"),
        ({"name": "tier", "type": ["enum"]}, FieldTypeUnknown, "type"),
        ({"name": "tier", "type": "enum"}, FieldOptionsInvalid, "options"),
        ({"name": "tier", "type": "enum", "options": ["a", " a"]}, FieldOptionsInvalid, "options"),
        ({"name": "tier", "type": "string", "options": ["a"]}, FieldOptionsInvalid, "options"),
        ({"name": "tier", "type": "boolean", "unique": True}, FieldNeverUnique, "unique"),
        ({"name": "tier", "type": "string", "required": "yes"}, ShapeInvalid, "required"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(body: dict[str, Any], refusal: type[Invalid], field: str) -> None:
    with pytest.raises(refusal) as refused:
        definition(body)
    assert refused.value.field == field


def test_values_are_read_by_their_definitions() -> None:
    typed = {
        "string": " Jose\u0301\nlives here ",
        "number": 1.5,
        "integer": 3.0,
        "boolean": False,
        "date": "2027-01-31",
        "datetime": "2027-01-31T13:00:00+01:00",
        "enum": "Gold",
    }
    assert checked(FIELDS, typed) == {
        "string": "José\nlives here",
        "number": 1.5,
        "integer": 3,
        "boolean": False,
        "date": "2027-01-31",
        "datetime": "2027-01-31T12:00:00Z",
        "enum": "Gold",
    }


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_nothing_and_blank_text_remove_a_value(name: str) -> None:
    assert checked(FIELDS, {name: None}) == checked(FIELDS, {name: "  "}) == {name: None}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("string", 1),
        ("string", True),
        ("string", ["a"]),
        ("number", "1.5"),
        ("number", True),
        ("number", float("nan")),
        ("number", float("inf")),
        ("number", 2**53 + 1),
        ("integer", 1.5),
        ("integer", "3"),
        ("integer", False),
        ("integer", 2**53 + 1),
        ("integer", -(10**400)),
        ("integer", 1e300),
        ("boolean", 1),
        ("boolean", "true"),
        ("date", "31.01.2027"),
        ("date", "2027-02-30"),
        ("date", 20270131),
        ("datetime", "2027-01-31T13:00:00"),
        ("datetime", "2027-01-31"),
        ("enum", 1),
        ("enum", {"Gold": True}),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: object) -> None:
    with pytest.raises(CustomFieldMistyped) as refused:
        checked(FIELDS, {name: value})
    assert refused.value.field == f"custom.{name}"


def test_an_enum_has_its_options_only() -> None:
    with pytest.raises(CustomFieldNoOption) as refused:
        checked(FIELDS, {"enum": "gold"})
    assert refused.value.field == "custom.enum"


def test_a_field_that_nobody_defined_is_refused() -> None:
    with pytest.raises(CustomFieldUnknown) as refused:
        checked(FIELDS, {"string": "a", "tier": None}, "people[3].custom")
    assert refused.value.field == "people[3].custom.tier"


def test_a_string_has_at_most_ten_thousand_characters() -> None:
    assert checked(FIELDS, {"string": "a" * 10_000}) == {"string": "a" * 10_000}
    with pytest.raises(TextTooLong):
        checked(FIELDS, {"string": "a" * 10_001})


def test_required_fields_without_a_value_are_named() -> None:
    fields = {name: FieldDefined(name=name, type="string", required=name != "c") for name in ("b", "a", "c", "d")}
    assert missing_required(fields, {"d"}) == ["a", "b"]
    assert missing_required(fields, {"a", "b", "d"}) == []


def test_equal_values_share_their_unique_key_and_others_do_not() -> None:
    number, badge = FIELDS["number"], FIELDS["string"]
    assert unique_key(number, 3) == unique_key(number, 3.0) == "3"
    assert unique_key(number, 0) == unique_key(number, -0.0)
    assert unique_key(number, 0.1) != unique_key(number, 0.1000001)
    assert unique_key(badge, "001aB") != unique_key(badge, "001Ab")
    moments = ("2027-01-31T13:00:00+01:00", "2027-01-31T12:00:00Z", "2027-01-31t12:00:00.000z")
    keys = {
        unique_key(FIELDS["datetime"], value)
        for typed in moments
        if (value := checked(FIELDS, {"datetime": typed})["datetime"]) is not None
    }
    assert keys == {"2027-01-31T12:00:00Z"}
