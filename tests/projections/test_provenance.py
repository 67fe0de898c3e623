"""Where a field comes from: the events of a record, folded one by one."""

from datetime import UTC, datetime
from typing import Any

import pytest

from patron_events.catalog import contacts as events
from patron_events.registry import Fact, type_of
from patron_projections.customers.provenance import origin, provenance
from patron_projections.facts import documents_of

AT = datetime(2024, 5, 6, tzinfo=UTC)


def rows(*facts: Fact) -> list[dict[str, Any]]:
    """Write events as rows of the timeline, one commit each."""
    return [
        {
            "stream": "contacts",
            "category": "person",
            "position": version,
            "version": version,
            "index": 0,
            "commit_id": f"c{version}",
            "type": type_of(type(fact)).name,
            "occurred_at": AT,
            "recorded_at": AT,
            "actor_kind": "user",
            "actor_id": "u",
            **documents_of(fact)._asdict(),
            "details": documents_of(fact).open,
        }
        for version, fact in enumerate(facts, 1)
    ]


def versions(*facts: Fact, upto: int = 99) -> dict[str, int]:
    return {field: row["version"] for field, row in provenance("person", rows(*facts), upto).items()}


def test_a_field_owes_its_value_to_the_last_event_that_changed_it() -> None:
    first = events.PersonNamed(given_name="Ann", family_name="Ash")
    second = events.PersonNamed(given_name="Anna", family_name="Ash")
    assert versions(events.PersonCreated(), first, second) == {"created_at": 1, "given_name": 3, "family_name": 2}
    assert versions(events.PersonCreated(), first, second, upto=2)["given_name"] == 2


def test_named_values_consents_and_links_are_fields_of_their_own() -> None:
    company = "0192f3a0-0000-7000-8000-0000000000c0"
    found = versions(
        events.CustomFieldsChanged(fields=(events.Attribute("a", 1), events.Attribute("b", 1))),
        events.CustomFieldsChanged(fields=(events.Attribute("b", 1),), personal=(events.Attribute("c", 2),)),
        events.ConsentGiven(purpose="newsletter"),
        events.CompanyLinked(company_id=company, role="buyer"),
        events.ConsentWithdrawn(purpose="calls"),
    )
    assert found == {
        "custom.a": 2,
        "custom.b": 1,
        "custom.c": 2,
        "consents.newsletter": 3,
        "consents.calls": 5,
        f"companies.{company}": 4,
    }


@pytest.mark.parametrize(
    ("correlation_id", "expected"),
    [
        ("import:3f2a91bc70d4:17", {"file": "3f2a91bc70d4", "row": 17}),
        ("import:3f2a91bc70d4", None),
        ("4bf92f3577b34da6a3ce929d0e0e4736", None),
        (None, None),
    ],
)
def test_the_row_of_an_import_is_read_from_the_correlation_id(correlation_id: str | None, expected: object) -> None:
    assert origin(correlation_id) == expected
