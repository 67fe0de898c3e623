"""Countries of invented customers: names, languages, addresses and numbers that fit each other.

Telephone numbers come from the ranges that regulators keep free for films and books (NANPA 555-01XX, Ofcom,
Bundesnetzagentur, Arcep, PTS), so that nobody is called; all of them are valid for `phonenumbers`.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import phonenumbers
from mimesis import Generic, Locale

from patron_cli.demo.plan import Body

_TRIES: Final = 50


@dataclass(frozen=True, slots=True)
class Country:
    """What is the same for everybody in one country.

    mobiles, landlines: international numbers; `#` is any digit. share: of all companies.
    """

    code: str
    locale: Locale
    share: int
    language: str
    time_zone: str
    currency: str
    legal_forms: Sequence[str]
    landlines: Sequence[str]
    mobiles: Sequence[str]


_US_AREAS: Final = ("202", "212", "303", "312", "404", "415", "503", "512", "602", "617", "713", "206", "305", "702")
_US_NUMBERS: Final = tuple(f"+1{area}55501##" for area in _US_AREAS)
_GB_NUMBERS: Final = ("+442079460###", "+441614960###", "+441174960###")
_DE_NUMBERS: Final = ("+493023125###", "+4922147110##", "+498999998###")
_FR_NUMBERS: Final = ("+3319900####", "+3326191####", "+3335301####", "+3346571####", "+3353649####")
_SE_NUMBERS: Final = ("+468465004##", "+463139006##")
_SE_MOBILES: Final = ("+467017406##",)
COUNTRIES: Final = (
    Country("US", Locale.EN, 40, "en-US", "America/New_York", "USD", ("Inc.", "LLC"), _US_NUMBERS, _US_NUMBERS),
    Country("GB", Locale.EN_GB, 20, "en-GB", "Europe/London", "GBP", ("Ltd", "plc"), _GB_NUMBERS, _GB_NUMBERS),
    Country("DE", Locale.DE, 18, "de-DE", "Europe/Berlin", "EUR", ("GmbH", "AG"), _DE_NUMBERS, _DE_NUMBERS),
    Country("FR", Locale.FR, 14, "fr-FR", "Europe/Paris", "EUR", ("SARL", "SAS"), _FR_NUMBERS, _FR_NUMBERS),
    Country("SE", Locale.SV, 8, "sv-SE", "Europe/Stockholm", "SEK", ("AB",), _SE_NUMBERS, _SE_MOBILES),
)


def some_country(dice: random.Random) -> Country:
    """Choose a country by its share."""
    return dice.choices(COUNTRIES, [country.share for country in COUNTRIES])[0]


@lru_cache(maxsize=16)
def _names(locale: Locale) -> Generic:
    return Generic(locale=locale)


def names_of(country: Country, dice: random.Random) -> Generic:
    """Give the words of a country, chosen by `dice`."""
    words = _names(country.locale)
    words.reseed(dice.getrandbits(63))
    return words


def phone(country: Country, dice: random.Random, *, mobile: bool) -> str:
    """Invent a valid number that belongs to nobody."""
    for _ in range(_TRIES):
        pattern = dice.choice(country.mobiles if mobile else country.landlines)
        number = "".join(str(dice.randrange(10)) if sign == "#" else sign for sign in pattern)
        if phonenumbers.is_valid_number(phonenumbers.parse(number)):
            return number
    raise ValueError(f"no valid number for {country.code}")


def address(country: Country, dice: random.Random) -> Body:
    """Invent the address of an office."""
    place = names_of(country, dice).address
    street, number = place.street_name(), str(dice.randrange(1, 180))
    number_first = country.locale in {Locale.EN, Locale.EN_GB, Locale.FR}
    found = {
        "type": "work",
        "street_address": f"{number} {street}" if number_first else f"{street} {number}",
        "locality": place.city(),
        "postal_code": place.postal_code(),
        "country": country.code,
    }
    if country.code == "US":
        found["region"] = place.state(abbr=True)
    return found
