"""Read the ways to reach somebody: e-mail addresses, phones, postal addresses, accounts, web addresses.

Of each list that is not empty exactly one item is primary: the one that says so, else the first. An address
or number that is there twice is one item: it keeps the place of the first, and is primary if either was.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from patron_events.catalog.contacts import EmailAddress, PhoneNumber, PostalAddress, SocialHandle
from patron_values import email_syntax, phone_numbers, places, texts
from patron_values.errors import (
    AddressEmpty,
    DomainInvalid,
    EmailInvalid,
    PhoneInvalid,
    PrimaryAmbiguous,
    RegionUnknown,
    SocialEmpty,
    UrlInvalid,
)

MAX_ITEMS: Final = 50
MAX_URL_LENGTH: Final = 2048

_PLACES_OF_LIFE: Final = frozenset({"work", "home", "other"})
_PHONE_TYPES: Final = _PLACES_OF_LIFE | {"cell", "fax", "pager"}
_HOST: Final = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_](?:[\w-]{0,61}[^\W_])?\.?")
_WITHOUT_SCHEME: Final = re.compile(rf"{_HOST.pattern}(?:[/?#].*)?")
_NEVER_IN_URLS: Final = re.compile(r'[\s\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069<>"\\]')


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One item of a list while it is read; `key` is what makes two items the same."""

    key: object
    type: str
    primary: bool
    value: Any


T = TypeVar("T")


def _settled(candidates: Sequence[_Candidate], path: str, build: Callable[[_Candidate, bool], T]) -> tuple[T, ...]:
    """Merge items of one key and choose the primary one."""
    merged: dict[object, _Candidate] = {}
    chosen: object = candidates[0].key if candidates else None
    stated = False
    for index, each in enumerate(candidates):
        before = merged.setdefault(each.key, each)
        if before.type == "other" != each.type:
            merged[each.key] = replace(before, type=each.type)
        if each.primary:
            if stated and chosen != each.key:
                raise PrimaryAmbiguous(field=f"{path}[{index}].primary")
            chosen, stated = each.key, True
    return tuple(build(each, each.key == chosen) for each in merged.values())


def emails(values: Sequence[Mapping[str, Any]], path: str = "emails") -> tuple[EmailAddress, ...]:
    """Read e-mail addresses as `email_syntax` normalises them.

    Raises:
        EmailInvalid: an address that the policy of `email_syntax` refuses.
        PrimaryAmbiguous: two different addresses are said to be primary.
        ShapeInvalid, TooMany, TypeUnknown: the list or an item of it is none.
    """
    found: list[_Candidate] = []
    for index, value in enumerate(texts.items(values, path, limit=MAX_ITEMS)):
        here = f"{path}[{index}]"
        item = texts.members(value, here)
        local, host = _email(item.get("value"), f"{here}.value")
        kind = texts.one_of(item.get("type"), f"{here}.type", _PLACES_OF_LIFE, "other")
        primary = texts.truth(item.get("primary"), f"{here}.primary")
        found.append(_Candidate(email_syntax.key(local, host), kind, primary, f"{local}@{host.shown}"))
    return _settled(found, path, lambda each, primary: EmailAddress(each.value, each.type, primary))


def _email(value: object, path: str) -> tuple[str, email_syntax.Domain]:
    found = email_syntax.normalised(value) if isinstance(value, str) else None
    if found is None:
        raise EmailInvalid(field=path)
    return found


def email_key(value: str, path: str = "email") -> str:
    """Give the form by which an address belongs to one person: lower case, the domain in ASCII (IDNA).

    Lower case although RFC 5321 leaves the case of local parts to their servers: no large one tells them apart.

    Raises:
        EmailInvalid: as `emails`.
    """
    return email_syntax.key(*_email(value, path))


def phones(
    values: Sequence[Mapping[str, Any]], path: str = "phones", region: str | None = None
) -> tuple[PhoneNumber, ...]:
    """Read phone numbers into E.164, keeping what was typed.

    region: the country that a national form is probably of, unless the number states its own (`region`). A number
    in international form needs none. A number that no stated country vouches for, and that is not of the plan of
    the probable one, is kept unproved, with value None: address books are full of them, and nothing is proved
    wrong by where somebody lives.

    Raises:
        PhoneInvalid: no number of the stated country's plan, or without one nothing that looks like a number.
        RegionUnknown: a region that is no country.
        PrimaryAmbiguous, ShapeInvalid, TooMany, TypeUnknown, TextInvalid, TextTooLong: as `emails`.
    """
    default = _region(region, "region")
    found: list[_Candidate] = []
    for index, value in enumerate(texts.items(values, path, limit=MAX_ITEMS)):
        here = f"{path}[{index}]"
        item = texts.members(value, here)
        typed = texts.required_text(item.get("value"), f"{here}.value", phone_numbers.MAX_TYPED)
        stated = _region(item.get("region"), f"{here}.region")
        number = phone_numbers.read(typed, stated or default)
        if number is None and stated is None:
            number = phone_numbers.read(typed, None)
        if number is None:
            raise PhoneInvalid(field=f"{here}.value")
        kind = texts.one_of(item.get("type"), f"{here}.type", _PHONE_TYPES, "other")
        primary = texts.truth(item.get("primary"), f"{here}.primary")
        found.append(_Candidate(number, kind, primary, (typed, number.e164)))
    return _settled(
        found, path, lambda each, primary: PhoneNumber(each.value[0], each.value[1], type=each.type, primary=primary)
    )


def _region(value: object, path: str) -> str | None:
    if value is None:
        return None
    region = phone_numbers.region(value)
    if region is None:
        raise RegionUnknown(field=path)
    return region.code


def addresses(values: Sequence[Mapping[str, Any]], path: str = "addresses") -> tuple[PostalAddress, ...]:
    """Read postal addresses; the country becomes ISO 3166-1 alpha-2.

    Raises:
        AddressEmpty: an address without any part.
        CountryUnknown: as `places.country`.
        PrimaryAmbiguous, ShapeInvalid, TooMany, TypeUnknown, TextInvalid, TextTooLong: as `emails`.
    """
    found: list[_Candidate] = []
    for index, value in enumerate(texts.items(values, path, limit=MAX_ITEMS)):
        here = f"{path}[{index}]"
        item = texts.members(value, here)
        parts = {
            name: texts.optional_text(item.get(name), f"{here}.{name}", limit, multiline=True)
            for name, limit in _ADDRESS_PARTS.items()
        }
        if parts["country"] is not None:
            parts["country"] = places.country(parts["country"], f"{here}.country")
        if not any(parts.values()):
            raise AddressEmpty(field=here)
        kind = texts.one_of(item.get("type"), f"{here}.type", _PLACES_OF_LIFE, "other")
        primary = texts.truth(item.get("primary"), f"{here}.primary")
        found.append(_Candidate(tuple(parts.values()), kind, primary, parts))
    return _settled(found, path, lambda each, primary: PostalAddress(type=each.type, primary=primary, **each.value))


_ADDRESS_PARTS: Final[Mapping[str, int]] = {
    "street_address": 500,
    "extended_address": 500,
    "locality": 200,
    "region": 200,
    "postal_code": 40,
    "country": 100,
}


def social(values: Sequence[Mapping[str, Any]], path: str = "social") -> tuple[SocialHandle, ...]:
    """Read accounts at social services, each once; the service in lower case.

    Raises:
        SocialEmpty: neither a handle nor a URL.
        UrlInvalid: as `urls`.
        ShapeInvalid, TooMany, TextEmpty, TextInvalid, TextTooLong: as `emails`.
    """
    found: dict[SocialHandle, None] = {}
    for index, value in enumerate(texts.items(values, path, limit=MAX_ITEMS)):
        here = f"{path}[{index}]"
        item = texts.members(value, here)
        service = texts.required_text(item.get("service"), f"{here}.service", 50).lower()
        handle = texts.optional_text(item.get("handle"), f"{here}.handle")
        address = item.get("url")
        link = None if address is None or address == "" else url(address, f"{here}.url")
        if handle is None and link is None:
            raise SocialEmpty(field=here)
        found.setdefault(SocialHandle(service=service, handle=handle, url=link))
    return tuple(found)


def urls(values: Sequence[str], path: str = "urls") -> tuple[str, ...]:
    """Read web addresses, each once.

    Raises:
        UrlInvalid: as `url`.
        ShapeInvalid, TooMany: not a list of at most 50.
    """
    listed = texts.items(values, path, limit=MAX_ITEMS)
    return tuple(dict.fromkeys(url(value, f"{path}[{index}]") for index, value in enumerate(listed)))


def url(value: object, path: str) -> str:
    """Read a web address; scheme and host in lower case, `https` where a bare host name was written.

    Raises:
        UrlInvalid: another scheme, no host name or IP address, a user name or password, blanks inside.
    """
    typed = value.strip() if isinstance(value, str) and len(value) <= MAX_URL_LENGTH else ""
    whole = f"https://{typed}" if _WITHOUT_SCHEME.fullmatch(typed) else typed
    if _NEVER_IN_URLS.search(whole):
        raise UrlInvalid(field=path)
    try:
        parts = urlsplit(whole)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UrlInvalid(field=path) from error
    if parts.scheme not in {"http", "https"} or "@" in parts.netloc or not _hosts(host):
        raise UrlInvalid(field=path)
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if port is None else f"{shown}:{port}"
    return parts._replace(netloc=netloc).geturl()


def _hosts(host: str) -> bool:
    if _HOST.fullmatch(host):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def domains(values: Sequence[str], path: str = "domains") -> tuple[str, ...]:
    """Read domains, each once, in lower case and in ASCII (IDNA), without the dot of the root.

    Raises:
        DomainInvalid: not a name of the DNS, such as a URL or an address.
        ShapeInvalid, TooMany: not a list of at most 50.
    """
    found: dict[str, None] = {}
    for index, value in enumerate(texts.items(values, path, limit=MAX_ITEMS)):
        name = email_syntax.domain(value.strip().removesuffix(".")) if isinstance(value, str) else None
        if name is None:
            raise DomainInvalid(field=f"{path}[{index}]")
        found.setdefault(name.ascii)
    return tuple(found)
