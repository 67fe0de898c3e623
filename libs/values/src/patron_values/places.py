"""Read places and what depends on them: countries, languages, time zones."""

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from zoneinfo import available_timezones

import langcodes
import pycountry

from patron_values.errors import CountryUnknown, LanguageUnknown, TimeZoneUnknown

_LONGEST_NAME: Final = 100
_NOT_PLACES: Final = frozenset({"Factory", "localtime", "posixrules", "build/etc/localtime"})
"""Files beside the zones: they name no zone, or whatever zone a computer happens to be in."""

_ALSO_CALLED: Final[Mapping[str, str]] = {
    "america": "US",
    "bosnia": "BA",
    "britain": "GB",
    "british virgin islands": "VG",
    "brunei": "BN",
    "burma": "MM",
    "cape verde": "CV",
    "caribbean netherlands": "BQ",
    "congo brazzaville": "CG",
    "congo kinshasa": "CD",
    "czech republic": "CZ",
    "democratic republic of congo": "CD",
    "democratic republic of the congo": "CD",
    "dr congo": "CD",
    "drc": "CD",
    "east timor": "TL",
    "england": "GB",
    "falkland islands": "FK",
    "federated states of micronesia": "FM",
    "great britain": "GB",
    "holland": "NL",
    "hong kong sar china": "HK",
    "hong kong sar": "HK",
    "ivory coast": "CI",
    "korea": "KR",
    "kosovo": "XK",
    "macao sar china": "MO",
    "macao sar": "MO",
    "macau": "MO",
    "macedonia": "MK",
    "micronesia": "FM",
    "myanmar burma": "MM",
    "northern ireland": "GB",
    "palestine": "PS",
    "palestinian territories": "PS",
    "peoples republic of china": "CN",
    "pitcairn islands": "PN",
    "prc": "CN",
    "republic of congo": "CG",
    "republic of ireland": "IE",
    "republic of the congo": "CG",
    "roc": "TW",
    "russia": "RU",
    "saint helena": "SH",
    "saint martin": "MF",
    "saint vincent and grenadines": "VC",
    "saint vincent": "VC",
    "scotland": "GB",
    "sint maarten": "SX",
    "south georgia": "GS",
    "south korea": "KR",
    "swaziland": "SZ",
    "turkey": "TR",
    "turkiye": "TR",
    "uae": "AE",
    "uk": "GB",
    "united states of america": "US",
    "us virgin islands": "VI",
    "usa": "US",
    "vatican city": "VA",
    "vatican": "VA",
    "wales": "GB",
    "xk": "XK",
    "xkx": "XK",
}
"""English names in daily use that ISO 3166-1 lacks. XK (Kosovo) is assigned by no standard, but by daily use,
the EU and every bank: refusing it would refuse customers."""


def _name_key(name: str) -> str:
    """Reduce a name to what people agree on: no accents, case, punctuation or leading article."""
    plain = unicodedata.normalize("NFKD", name.replace("&", " and ")).casefold()
    letters = "".join(
        " " if char in "-/,()" else char for char in plain if char.isalnum() or char.isspace() or char in "-/,()"
    )
    words = letters.split()
    if len(words) > 1 and words[0] == "st":  # alone it is the code of Sao Tome and Principe
        words[0] = "saint"
    return " ".join(words[1:] if len(words) > 1 and words[0] == "the" else words)


@lru_cache(maxsize=1)
def _countries() -> Mapping[str, str]:
    """Map codes and English names to alpha-2; built on first use."""
    found: dict[str, str] = {}
    for each in pycountry.countries:
        names = (getattr(each, part, None) for part in ("alpha_3", "name", "official_name", "common_name"))
        found.update((_name_key(name), each.alpha_2) for name in names if name)
    found.update(_ALSO_CALLED)
    found.update((each.alpha_2.casefold(), each.alpha_2) for each in pycountry.countries)  # codes before names
    return found


@lru_cache(maxsize=1024)
def _country(value: str) -> str | None:
    return _countries().get(_name_key(value))


def country(value: object, path: str) -> str:
    """Read a country as ISO 3166-1 alpha-2, from alpha-2, alpha-3 or an English name such as `South Korea`.

    Raises:
        CountryUnknown: none of these.
    """
    found = _country(value) if isinstance(value, str) and len(value) <= _LONGEST_NAME else None
    if found is None:
        raise CountryUnknown(field=path)
    return found


@lru_cache(maxsize=1024)
def _language(tag: str) -> str | None:
    try:
        return langcodes.standardize_tag(tag) if langcodes.tag_is_valid(tag) else None
    except ValueError:
        return None


def language(tag: object, path: str) -> str:
    """Read a language tag in its BCP 47 normal form: `DE_de` is `de-DE`, `eng` is `en`.

    Raises:
        LanguageUnknown: not a tag, or with parts that the IANA registry does not have; names of languages.
    """
    found = _language(tag.strip()) if isinstance(tag, str) and len(tag) <= _LONGEST_NAME else None
    if found is None:
        raise LanguageUnknown(field=path)
    return found


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - _NOT_PLACES)


def time_zone(name: object, path: str) -> str:
    """Read a name of the IANA time zone database, written exactly so: `Europe/Berlin`.

    Raises:
        TimeZoneUnknown: no such zone, also for other case: file systems differ in what they forgive.
    """
    if not isinstance(name, str) or name not in _zones():
        raise TimeZoneUnknown(field=path)
    return name
