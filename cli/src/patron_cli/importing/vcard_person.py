"""Turn the properties of one card into the fields of a person, as RFC 6350 section 6 means them."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from patron_cli.importing.vcard_line import CardLine, split

COLUMNS = (
    "external_id",
    "given_name",
    "family_name",
    "additional_name",
    "honorific_prefix",
    "honorific_suffix",
    "nickname",
    "job_title",
    "department",
    "language",
    "time_zone",
    "birth_date",
    "gender",
    "description",
    "emails",
    "phones",
    "addresses",
    "social",
    "urls",
    "tags",
    "companies",
    "preferences",
)
_NAME_PARTS = ("family_name", "given_name", "additional_name", "honorific_prefix", "honorific_suffix")
_ADDRESS_PARTS = ("street_address", "locality", "region", "postal_code", "country")
_GENDERS = {"M": "male", "F": "female", "O": "other"}
_DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")
_YEARLESS = re.compile(r"--(\d{2})-?(\d{2})\Z")
_SOCIAL = {
    "X-AIM": "aim",
    "X-GTALK": "gtalk",
    "X-GOOGLE-TALK": "gtalk",
    "X-ICQ": "icq",
    "X-JABBER": "jabber",
    "X-MSN": "msn",
    "X-QQ": "qq",
    "X-SKYPE": "skype",
    "X-SKYPE-USERNAME": "skype",
    "X-TWITTER": "twitter",
    "X-YAHOO": "yahoo",
    "X-MS-IMADDRESS": "im",
}
Person = dict[str, Any]


def person_of(card: Sequence[CardLine]) -> Person:
    """Collect the fields of a person in the form of the API; absent ones have no key.

    Kept beside them: several titles in one line each; a birthday without a year as the preference `birthday`,
    because a birth date has one.
    """
    person: Person = {}
    roles: list[str] = []
    for line in card:
        if line.name in {"TITLE", "ROLE"} and line.text:
            roles.append(line.text)
        elif take := _TAKERS.get(line.name):
            take(person, line)
        elif line.name in _SOCIAL and line.text:
            _add(person, "social", {"service": _SOCIAL[line.name], "handle": line.text})
    if not any(person.get(part) for part in _NAME_PARTS):
        _name_from_whole(person)
    person.pop("_formatted", None)
    if roles:
        person["job_title"] = roles[0]
    for company in person.get("companies", [])[:1]:
        company["primary"] = True
        if roles:
            company["role"] = roles[0]
    for name in ("emails", "phones", "addresses"):
        _one_primary(person.get(name, []))
    return person


def _add(person: Person, name: str, item: object) -> None:
    person.setdefault(name, []).append(item)


def _first(person: Person, name: str, value: str) -> None:
    if value:
        person.setdefault(name, value)


def _take_name(person: Person, line: CardLine) -> None:
    for name, value in zip(_NAME_PARTS, line.parts(), strict=False):
        _first(person, name, value)


def _name_from_whole(person: Person) -> None:
    """Fall back on FN: its last word is the family name, as cards without N are mostly Western."""
    words = str(person.get("_formatted", "")).split()
    if words:
        person["family_name" if len(words) > 1 else "given_name"] = words[-1]
    if len(words) > 1:
        person["given_name"] = " ".join(words[:-1])


def _take_email(person: Person, line: CardLine) -> None:
    value = line.text.removeprefix("mailto:")
    if value:
        kind = next((kind for kind in ("work", "home") if kind in line.types), "other")
        _add(person, "emails", _typed(value, kind, line))


def _take_phone(person: Person, line: CardLine) -> None:
    if line.text:
        _add(person, "phones", _typed(line.text, _phone_type(line.types), line))


def _phone_type(types: frozenset[str]) -> str:
    if types & {"cell", "mobile", "iphone"}:
        return "cell"
    return next((kind for kind in ("fax", "pager", "work", "home") if kind in types), "other")


def _typed(value: str, kind: str, line: CardLine) -> Person:
    return {"value": value, "type": kind, **({"primary": True} if line.preferred else {})}


def _one_primary(items: list[Person]) -> None:
    """Keep the first mark only: two preferred addresses are common in real cards."""
    marked = [item for item in items if item.get("primary")]
    for item in marked[1:]:
        del item["primary"]


def _take_address(person: Person, line: CardLine) -> None:
    box, extended, *rest = [*line.parts(), "", ""][: max(len(line.parts()), 2)]
    address: Person = {name: value for name, value in zip(_ADDRESS_PARTS, rest, strict=False) if value}
    beside = ", ".join(part for part in (box, extended) if part)
    if beside:
        address["extended_address"] = beside
    if address:
        address["type"] = next((kind for kind in ("work", "home") if kind in line.types), "other")
        if line.preferred:
            address["primary"] = True
        _add(person, "addresses", address)


def _take_organisation(person: Person, line: CardLine) -> None:
    name, *units = line.parts()
    if name:
        _add(person, "companies", {"name": name})
    _first(person, "department", ", ".join(unit for unit in units if unit))


def _take_birthday(person: Person, line: CardLine) -> None:
    text = line.text
    if match := _DATE.match(text):
        person.setdefault("birth_date", "-".join(match.groups()))
    elif match := _YEARLESS.match(text):
        person.setdefault("preferences", {})["birthday"] = f"--{match[1]}-{match[2]}"
    elif text:
        person.setdefault("preferences", {})["birthday"] = text


def _take_gender(person: Person, line: CardLine) -> None:
    code, *words = line.parts()
    _first(person, "gender", next((word for word in words if word), _GENDERS.get(code.upper(), "")))


def _take_note(person: Person, line: CardLine) -> None:
    if line.text:
        person["description"] = f"{person['description']}\n\n{line.text}" if "description" in person else line.text


def _take_tags(person: Person, line: CardLine) -> None:
    # Thunderbird escapes the commas between categories as if they were one name.
    tags = [tag.strip() for part in split(line.raw, ",") for tag in part.split(",")]
    known = person.setdefault("tags", [])
    known.extend(tag for tag in dict.fromkeys(tags) if tag and tag not in known)


def _take_url(person: Person, line: CardLine) -> None:
    if line.text:
        _add(person, "urls", line.text)


def _take_im(person: Person, line: CardLine) -> None:
    scheme, _, handle = line.text.partition(":")
    service = line.params.get("X-SERVICE-TYPE", [scheme])[0].lower()
    if handle or scheme:
        _add(person, "social", {"service": service, "handle": handle or scheme})


def _take_profile(person: Person, line: CardLine) -> None:
    service = next((kind for kind in sorted(line.types) if kind not in {"pref", "home", "work"}), "other")
    if line.text:
        part = "url" if "://" in line.text else "handle"
        _add(person, "social", {"service": service, part: line.text})


def _take_zone(person: Person, line: CardLine) -> None:
    if re.fullmatch(r"[A-Z][A-Za-z_]+(/[A-Z][\w+-]+)+", line.text):
        _first(person, "time_zone", line.text)


_TAKERS: dict[str, Callable[[Person, CardLine], None]] = {
    "ADR": _take_address,
    "BDAY": _take_birthday,
    "CATEGORIES": _take_tags,
    "EMAIL": _take_email,
    "FN": lambda person, line: _first(person, "_formatted", line.text),
    "GENDER": _take_gender,
    "IMPP": _take_im,
    "LANG": lambda person, line: _first(person, "language", line.text),
    "N": _take_name,
    "NICKNAME": lambda person, line: _first(person, "nickname", line.text),
    "NOTE": _take_note,
    "ORG": _take_organisation,
    "TEL": _take_phone,
    "TZ": _take_zone,
    "UID": lambda person, line: _first(person, "external_id", line.text.removeprefix("urn:uuid:")),
    "URL": _take_url,
    "X-SOCIALPROFILE": _take_profile,
}
