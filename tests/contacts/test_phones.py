"""Phone numbers: typed in any form, kept in E.164."""

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron_events.catalog.contacts import PhoneNumber
from patron_events.rejections import Invalid
from patron_values.contact_points import phones
from patron_values.errors import (
    PhoneInvalid,
    PrimaryAmbiguous,
    RegionUnknown,
    TextEmpty,
    TextTooLong,
    TooMany,
    TypeUnknown,
)


def answer(typed: str, region: str | None = None) -> str | None:
    try:
        (read,) = phones([{"value": typed, "region": region}])
    except Invalid as refusal:
        return refusal.code
    return read.value


def test_numbers_of_123_regions_are_read_in_all_their_forms(data_set: Callable[[str], Path]) -> None:
    with (data_set("phone_numbers") / "example_numbers_even_regions.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    outcome: Counter[tuple[str, str, bool]] = Counter()
    for row in rows:
        expected = row["e164"] if row["valid"] == "true" else "phone-invalid"
        outcome["national", row["valid"], answer(row["national"], row["region"]) == expected] += 1
        outcome["international", row["valid"], answer(row["international"]) == expected] += 1
        outcome["rfc3966", row["valid"], answer(row["rfc3966"]) == expected] += 1
    forms = ("national", "international", "rfc3966")
    assert outcome == {(form, valid, True): count for form in forms for valid, count in (("true", 489), ("false", 123))}


def test_an_international_form_needs_no_region_and_heeds_none() -> None:
    for typed in ("+44 20 7946 0958", "tel:+44-20-7946-0958", "(+44) 20 79460958", "\uff0b44 20 7946 0958"):
        assert answer(typed) == answer(typed, "US") == "+442079460958"
    assert answer("tel:2079460958;phone-context=+44") == "+442079460958"


def test_the_region_of_the_number_goes_before_that_of_the_record() -> None:
    numbers = [{"value": "030 1234567"}, {"value": "020 7946 0958", "region": "gb"}]
    assert phones(numbers, region="DE") == (
        PhoneNumber("030 1234567", "+49301234567", primary=True),
        PhoneNumber("020 7946 0958", "+442079460958"),
    )


@pytest.mark.parametrize("region", ["DE", "de", "DEU", "Germany"])
def test_a_region_is_any_name_of_a_country(region: str) -> None:
    assert answer("030 1234567", region) == "+49301234567"


def test_a_national_form_without_a_region_is_kept_unproved() -> None:
    assert phones([{"value": " 030 1234567 ", "type": "Work"}]) == (
        PhoneNumber("030 1234567", None, "work", primary=True),
    )


def test_a_country_without_numbers_of_its_own_proves_nothing() -> None:
    assert answer("12345", "AQ") is None


def test_00_is_read_as_plus_where_nothing_else_is_meant() -> None:
    assert answer("0049 30 1234567") == "+49301234567"
    assert answer("0049 30 1234567", "US") == "+49301234567"
    assert answer("0049 1") is None


def test_letters_of_a_vanity_number_are_its_digits() -> None:
    assert answer("1-800-FLOWERS", "US") == "+18003569377"


@pytest.mark.parametrize(
    ("typed", "region"),
    [
        ("call me", None),
        ("12", None),
        ("+", None),
        ("+49", None),
        ("+999 123456", None),
        ("123", "DE"),
        ("1" * 40, None),
    ],
)
def test_what_is_no_number_is_refused(typed: str, region: str | None) -> None:
    with pytest.raises(PhoneInvalid) as refused:
        phones([{"value": typed, "region": region}], "phones")
    assert refused.value.field == "phones[0].value"


def test_a_region_that_is_no_country_is_refused() -> None:
    with pytest.raises(RegionUnknown) as own:
        phones([{"value": "+49301234567", "region": "Atlantis"}])
    assert own.value.field == "phones[0].region"
    with pytest.raises(RegionUnknown) as default:
        phones([], region="ZZ")
    assert default.value.field == "region"


def test_marks_that_address_books_paste_are_dropped() -> None:
    assert phones([{"value": "\u202a+49 30 1234567\u202c"}]) == (
        PhoneNumber("+49 30 1234567", "+49301234567", primary=True),
    )


def test_one_number_in_two_writings_is_one_number() -> None:
    numbers = [{"value": "+49 30 1234567"}, {"value": "+49301234567", "type": "cell", "primary": True}]
    assert phones(numbers) == (PhoneNumber("+49 30 1234567", "+49301234567", "cell", primary=True),)


def test_extensions_tell_numbers_apart() -> None:
    read = phones([{"value": "+49 30 1234567 ext. 1"}, {"value": "+49 30 1234567 ext. 2"}])
    assert [each.value for each in read] == ["+49301234567", "+49301234567"]


def test_exactly_one_number_is_primary() -> None:
    numbers = [{"value": "+49301234567"}, {"value": "+442079460958", "primary": True}]
    assert [each.primary for each in phones(numbers)] == [False, True]
    with pytest.raises(PrimaryAmbiguous):
        phones([{**each, "primary": True} for each in numbers])


def test_the_list_and_its_items_have_their_shape() -> None:
    with pytest.raises(TypeUnknown):
        phones([{"value": "+49301234567", "type": "satellite"}])
    with pytest.raises(TextEmpty):
        phones([{"value": " "}])
    with pytest.raises(TextTooLong):
        phones([{"value": "1" * 101}])
    with pytest.raises(TooMany):
        phones([{"value": "+49301234567"}] * 51)


@given(
    country=st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)),
    national=st.text("0123456789", min_size=4, max_size=13),
)
def test_the_quick_way_answers_as_the_library(country: int, national: str) -> None:
    typed = f"+{country}{national}"
    try:
        number = phonenumbers.parse(typed)
    except phonenumbers.NumberParseException:
        assert answer(typed) == "phone-invalid"
        return
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    assert answer(typed) == (e164 if phonenumbers.is_valid_number(number) else "phone-invalid")


def test_a_national_number_is_kept_unproved_where_only_the_address_suggests_its_country() -> None:
    (kept,) = phones([{"value": "(555) 555-1212"}], region="US")

    assert kept == PhoneNumber(typed="(555) 555-1212", value=None, primary=True)


def test_a_number_that_is_wrong_in_its_stated_country_is_refused() -> None:
    with pytest.raises(PhoneInvalid):
        phones([{"value": "(555) 555-1212", "region": "US"}], region="US")
