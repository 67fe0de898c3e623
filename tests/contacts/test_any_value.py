"""Whatever a caller sends, the answer is a value or a refusal that names its place."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron_contacts.domain import custom_field
from patron_events.catalog.contacts import FieldDefined
from patron_events.rejections import Invalid
from patron_values import contact_points, moments, money, places, texts

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FIELDS = {
    kind: FieldDefined(name=kind, type=kind, options=("a", "b") if kind == "enum" else ())
    for kind in sorted(custom_field.TYPES)
}

SCALAR = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(st.characters(), max_size=30)  # lone surrogates too: JSON can escape them
    | st.text(st.sampled_from("+0123456789 ()-.@:/[]ext"), max_size=30)
    | st.sampled_from(["DE", "de-DE", "a@example.com", "+49301234567", "work", "2026-01-31", "https://example.com"])
)
JSON = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = (
    *("value", "type", "primary", "region", "country", "locality", "street_address", "service", "handle", "url"),
    *("name", "label", "required", "options", "unique", "personal"),
)
BODY = st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=6)
LIST = st.lists(BODY | JSON, max_size=4) | JSON

READERS: dict[str, tuple[Callable[[Any], Any], st.SearchStrategy[Any]]] = {
    "emails": (contact_points.emails, LIST),
    "email_key": (lambda value: contact_points.email_key(value, "email"), SCALAR),
    "phones": (contact_points.phones, LIST),
    "phones of a region": (lambda value: contact_points.phones(value, region="US"), LIST),
    "phone": (lambda value: contact_points.phones([{"value": value}]), SCALAR),
    "addresses": (contact_points.addresses, LIST),
    "social": (contact_points.social, LIST),
    "urls": (contact_points.urls, LIST),
    "url": (lambda value: contact_points.url(f"https://{value}", "url"), SCALAR),
    "domains": (contact_points.domains, LIST),
    "country": (lambda value: places.country(value, "country"), JSON),
    "language": (lambda value: places.language(value, "language"), JSON),
    "language tag": (lambda value: places.language(f"de-{value}", "language"), SCALAR),
    "time_zone": (lambda value: places.time_zone(value, "time_zone"), JSON),
    "text": (lambda value: texts.text(value, "text"), JSON),
    "text of lines": (lambda value: texts.required_text(value, "text", multiline=True), JSON),
    "tags": (texts.tags, LIST),
    "instant": (lambda value: moments.instant(value, "at", now=NOW), JSON),
    "day": (lambda value: moments.day(value, "day"), JSON),
    "currency": (lambda value: money.currency(value, "currency"), JSON),
    "minor": (lambda value: money.minor(value, "EUR", "amount"), JSON),
    "definition": (custom_field.definition, BODY),
    "checked": (
        lambda value: custom_field.checked(FIELDS, value),
        st.dictionaries(st.sampled_from([*FIELDS, "other"]), JSON, max_size=3),
    ),
}


@pytest.mark.parametrize("reader", READERS)
@given(data=st.data())
def test_any_value_is_read_or_refused(reader: str, data: st.DataObject) -> None:
    read, values = READERS[reader]
    value = data.draw(values)
    try:
        answer = ("read", read(value))
    except Invalid as refusal:
        answer = ("refused", (refusal.code, refusal.field, refusal.detail))
    match answer:
        case ("refused", (code, field, detail)):
            assert code != Invalid.code
            assert field
            assert detail
        case (_, found):
            msgspec.json.encode(found)  # what is accepted can be recorded
