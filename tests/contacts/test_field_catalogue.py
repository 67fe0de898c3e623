"""Custom fields are defined, changed in what does not hurt, and retired."""

from typing import Any

import msgspec
import pytest

from patron_contacts.domain.errors import FieldNotFound, FieldTypeFixed
from patron_contacts.domain.field_catalogue import FIELDS, DefineField, RetireField
from patron_events.catalog import contacts as events
from patron_events.scenarios import given

plan = events.FieldDefined(name="plan", type="enum", options=("a", "b"))
retired = events.FieldRetired(name="plan")


def test_a_field_is_defined_once() -> None:
    given(FIELDS).when(DefineField(plan)).then(plan)
    given(FIELDS, plan).when(DefineField(plan)).then()


@pytest.mark.parametrize("change", [{"label": "Plan"}, {"required": True}, {"options": ("a", "b", "c")}])
def test_label_options_and_need_can_change(change: dict[str, Any]) -> None:
    changed = msgspec.structs.replace(plan, **change)
    assert given(FIELDS, plan).when(DefineField(changed)).then(changed).state == {"plan": changed}


@pytest.mark.parametrize(("fixed", "value"), [("type", "string"), ("unique", True), ("personal", True)])
def test_type_uniqueness_and_privacy_are_fixed(fixed: str, value: object) -> None:
    changed = msgspec.structs.replace(plan, **{fixed: value})
    given(FIELDS, plan).when(DefineField(changed)).then_rejected(FieldTypeFixed, field=fixed)


def test_a_retired_field_is_gone_and_may_be_defined_anew() -> None:
    assert given(FIELDS, plan).when(RetireField("plan")).then(retired).state == {}
    other = events.FieldDefined(name="plan", type="string")
    given(FIELDS, plan, retired).when(DefineField(other)).then(other)


def test_a_field_that_is_not_defined_cannot_be_retired() -> None:
    given(FIELDS).when(RetireField("plan")).then_rejected(FieldNotFound)
    given(FIELDS, plan, retired).when(RetireField("plan")).then_rejected(FieldNotFound)
