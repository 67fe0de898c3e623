"""Personal fields are found by their annotation, and erased values are values of their own."""

from typing import Annotated

import msgspec
import pytest

from patron_events.personal import ERASED, Erased, Personal, known, personal_fields
from patron_events.registry import Fact


class Seen(Fact, frozen=True):
    """A fact with open and personal fields of several forms."""

    place: str
    who: Personal[str]
    maybe: Personal[str] | None = None
    several: Personal[tuple[str, ...]] = ()
    other: Annotated[str, "not a mark"] = ""


def test_personal_fields_are_those_that_are_marked() -> None:
    assert personal_fields(Seen) == {"who", "maybe", "several"}


def test_an_erased_value_survives_json() -> None:
    seen = Seen(place="Oslo", who=ERASED)
    assert msgspec.json.decode(msgspec.json.encode(seen), type=Seen) == seen
    assert msgspec.json.encode(ERASED) == b'{"erased":"key-destroyed"}'


@pytest.mark.parametrize(
    ("value", "expected"), [("Grace", "Grace"), ("", ""), (ERASED, "somebody"), (Erased(), "somebody")]
)
def test_an_erased_value_is_replaced(value: str | Erased, expected: str) -> None:
    assert known(value, "somebody") == expected
