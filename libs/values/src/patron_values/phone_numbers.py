"""Read one phone number by the numbering plan of its country (ITU-T E.164, data of libphonenumber)."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

import phonenumbers

from patron_values import places
from patron_values.errors import CountryUnknown

MAX_TYPED: Final = 100

_INTERNATIONAL: Final = re.compile(r"(?:tel:)?\s*[(\[]*\s*[+\uff0b]", re.IGNORECASE)
_ZEROS: Final = re.compile(r"(?:tel:)?\s*00\s*(?=[1-9])", re.IGNORECASE)
_PLAIN_INTERNATIONAL: Final = re.compile(r"\+[1-9](?:[ .()-]*[0-9]){5,14}")
_NO_DIGIT: Final = re.compile(r"[^0-9]")
_FEWEST_DIGITS: Final = 3
_MOST_DIGITS: Final = 25
"""15 of E.164, an exit code and an extension."""


class Number(NamedTuple):
    """What makes two numbers the same.

    e164: None where no country was known. rest: the extension, or else the digits that were typed.
    """

    e164: str | None
    rest: str


class Region(NamedTuple):
    """A region of phone numbers; code is None for a country without numbers of its own (Antarctica)."""

    code: str | None


@lru_cache(maxsize=1024)
def _region(value: str) -> Region | None:
    code = value.strip().upper()
    if code in phonenumbers.SUPPORTED_REGIONS:
        return Region(code)
    try:
        country = places.country(value, "region")
    except CountryUnknown:
        return None
    return Region(country if country in phonenumbers.SUPPORTED_REGIONS else None)


def region(value: object) -> Region | None:
    """Read the region of a phone number, a country as `places.country` reads it; None if there is none."""
    return _region(value) if isinstance(value, str) and len(value) <= MAX_TYPED else None


# The cache holds numbers of people for as long as the process lives, like its folded state (DESIGN 3).
@lru_cache(maxsize=8192)
def read(typed: str, region: str | None) -> Number | None:
    """Read a number as it was typed; None where it is no number.

    An international form (`+`, `tel:+`) is read as such whatever the region. `00` is the exit code of most
    countries, not of all: it is taken for `+` where the plan of the region has no such number, and without a
    region only if what results is a number.
    """
    if known := _plain_international(typed):
        return known
    if _INTERNATIONAL.match(typed) or ";phone-context=+" in typed:  # RFC 3966, section 5.1.5
        return _valid(typed, None)
    found = _valid(typed, region) if region else None
    if found is None and (zeros := _ZEROS.match(typed)):
        found = _valid(f"+{typed[zeros.end() :]}", None)
    if found is None and region is None:
        return _unproved(typed)
    return found


@lru_cache(maxsize=256)
def _national_prefix(country_code: int) -> re.Pattern[str] | None:
    """Give what a national number of this country may begin with that is not part of it."""
    main_region = phonenumbers.region_code_for_country_code(country_code)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(country_code, main_region)
    prefix = metadata and metadata.national_prefix_for_parsing
    return re.compile(prefix) if prefix else None


def _plain_international(typed: str) -> Number | None:
    """Read `+` and digits where nothing in them is to be interpreted; None leaves it to the library's parser.

    Nearly all numbers that other systems export look like this, and the parser takes four times as long.
    """
    if not _PLAIN_INTERNATIONAL.fullmatch(typed):
        return None
    digits = _NO_DIGIT.sub("", typed)
    for length in (1, 2, 3):  # no country code begins with another
        code, national = int(digits[:length]), digits[length:]
        if code not in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            continue
        prefix = _national_prefix(code)
        if not national or national.startswith("0") or (prefix is not None and prefix.match(national)):
            return None
        number = phonenumbers.PhoneNumber(country_code=code, national_number=int(national))
        return Number(f"+{digits}", "") if phonenumbers.is_valid_number(number) else None
    return None


def _valid(typed: str, region: str | None) -> Number | None:
    try:
        number = phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Number(e164, number.extension or "")


def _unproved(typed: str) -> Number | None:
    digits = "".join(char for char in typed if char.isdigit())
    return Number(None, digits) if _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS else None
