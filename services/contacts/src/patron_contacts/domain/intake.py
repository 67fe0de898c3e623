"""From a body as its caller wrote it to the changes it asks for: every value read by its rule.

A body is a plain mapping with the member names of the API; members that are absent stay as they are, and
None clears. Refusals carry the path of the wrong part.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from patron_contacts.domain import lifecycle
from patron_contacts.domain.custom_field import checked
from patron_contacts.domain.person import StageMove
from patron_contacts.domain.record import Changes, Definitions, NewNote
from patron_events.catalog import contacts as events
from patron_events.registry import Fact
from patron_values import contact_points, moments, money, places, texts
from patron_values.keys import name_id

Body = Mapping[str, Any]
Reading = Callable[[Any, str], Any]
LONG_TEXT: Final = 20_000
NOTE_TEXT: Final = 100_000


@dataclass(frozen=True, slots=True)
class Terms:
    """What reading a body depends on besides the body.

    region: ISO 3166 region for phone numbers in national form where the body names none.
    adding: external ids and tags are added to those on record (imports) rather than put in their place.
    """

    definitions: Definitions
    now: datetime
    author: str
    region: str | None = None
    adding: bool = False


@dataclass(frozen=True, slots=True)
class CompanyRef:
    """A company as a caller names it: by id, by external id, or by a name that is looked up as one."""

    company_id: str | None = None
    external_id: tuple[str, str] | None = None


def _text(value: Any, path: str) -> Any:
    return texts.optional_text(value, path)


def _long(value: Any, path: str) -> Any:
    return texts.optional_text(value, path, LONG_TEXT, multiline=True)


def _year(value: Any, path: str) -> Any:
    del path  # the body's own limits say which years there are
    return value


def _money(value: Body, path: str) -> events.Money:
    code = money.currency(value["currency"], f"{path}.currency")
    return events.Money(money.minor(value["amount"], code, f"{path}.amount"), code)


_NAME: Final[Mapping[str, Reading]] = dict.fromkeys(
    ("given_name", "family_name", "additional_name", "honorific_prefix", "honorific_suffix", "nickname"), _text
)
_PERSON_DETAILS: Final[Mapping[str, Reading]] = {
    "job_title": _text,
    "department": _text,
    "language": places.language,
    "time_zone": places.time_zone,
    "gender": _text,
    "description": _long,
}
_COMPANY_NAME: Final[Mapping[str, Reading]] = {"name": _text, "legal_name": _text}
_COMPANY_DETAILS: Final[Mapping[str, Reading]] = {
    "website": contact_points.url,
    "industry": _text,
    "employees": _year,
    "founding_year": _year,
    "annual_revenue": _money,
    "description": _long,
}


def _read(body: Body, rules: Mapping[str, Reading]) -> dict[str, Any]:
    return {
        name: None if body[name] is None else rule(body[name], name) for name, rule in rules.items() if name in body
    }


def external_ids(values: Sequence[Body], path: str = "external_ids") -> tuple[events.ExternalId, ...]:
    """Read ids in other systems, sorted, each once."""
    pairs = {
        (texts.required_text(one["source"], f"{path}[{n}].source"), texts.required_text(one["id"], f"{path}[{n}].id"))
        for n, one in enumerate(values)
    }
    return tuple(events.ExternalId(source, own) for source, own in sorted(pairs))


def attributes(values: Mapping[str, Any], path: str) -> tuple[events.Attribute, ...]:
    """Read named values, in order of name; None leaves one out."""
    return tuple(
        events.Attribute(
            texts.required_text(name, path),
            texts.text(value, f"{path}.{name}", LONG_TEXT, multiline=True) if isinstance(value, str) else value,
        )
        for name, value in sorted(values.items())
        if value is not None
    )


def _touch(value: Body | None, path: str, now: datetime) -> tuple[events.Touch, ...]:
    if value is None:
        return ()
    at = value.get("at")
    touch = events.Touch(
        source=_optional(value, "source", path),
        medium=_optional(value, "medium", path),
        campaign=_optional(value, "campaign", path),
        at=None if at is None else moments.instant(at, f"{path}.at", now=now),
    )
    return (touch,)


def _optional(value: Body, name: str, path: str) -> str | None:
    found = value.get(name)
    return None if found is None else _text(found, f"{path}.{name}")


def _region(body: Body, terms: Terms) -> str | None:
    """Take the region of phone numbers from the country of the first address that has one."""
    for number, address in enumerate(body.get("addresses") or ()):
        if address.get("country"):
            return places.country(address["country"], f"addresses[{number}].country")
    return terms.region


def _shared(body: Body, terms: Terms) -> dict[type[Fact], dict[str, Any]]:
    """Read the facets that people and companies share."""
    facets: dict[type[Fact], dict[str, Any]] = {}
    if "emails" in body:
        facets[events.EmailsChanged] = {"emails": contact_points.emails(body["emails"] or ())}
    if "phones" in body:
        region = _region(body, terms)
        facets[events.PhonesChanged] = {"phones": contact_points.phones(body["phones"] or (), region=region)}
    if "addresses" in body:
        facets[events.AddressesChanged] = {"addresses": contact_points.addresses(body["addresses"] or ())}
    handles: dict[str, Any] = {}
    if "social" in body:
        handles["social"] = contact_points.social(body["social"] or ())
    if "urls" in body:
        handles["urls"] = contact_points.urls(body["urls"] or (), "urls")
    if handles:
        facets[events.SocialHandlesChanged] = handles
    owner = _read(body, {"owner": _text, "team": _text})
    if owner:
        facets[events.OwnerAssigned] = owner
    if not terms.adding:
        if "tags" in body:
            facets[events.TagsChanged] = {"tags": texts.tags(body["tags"] or (), "tags")}
        if "external_ids" in body:
            facets[events.ExternalIdsChanged] = {"external_ids": external_ids(body["external_ids"] or ())}
    return facets


def _changes(body: Body, terms: Terms, facets: Mapping[type[Fact], Mapping[str, Any]]) -> Changes:
    return Changes(
        facets=facets,
        custom=checked(terms.definitions, body.get("custom") or {}),
        definitions=terms.definitions,
        notes=notes(body.get("notes") or (), terms),
        add_tags=texts.tags(body.get("tags") or (), "tags") if terms.adding else (),
        add_external_ids=external_ids(body.get("external_ids") or ()) if terms.adding else (),
    )


def notes(values: Sequence[Body], terms: Terms) -> tuple[NewNote, ...]:
    """Read notes; the same text by the same author is the same note, so that an import can be repeated."""
    found: list[NewNote] = []
    for number, value in enumerate(values):
        text = texts.required_text(value["text"], f"notes[{number}].text", NOTE_TEXT, multiline=True)
        author = value.get("author") or terms.author
        at = value.get("at")
        moment = None if at is None else moments.instant(at, f"notes[{number}].at", now=terms.now)
        note_id = value.get("note_id") or str(uuid5(NAMESPACE_URL, f"note|{author}|{moment}|{text}"))
        found.append(NewNote(note_id, text, texts.required_text(author, f"notes[{number}].author"), moment))
    return tuple(found)


def person_changes(body: Body, terms: Terms) -> Changes:
    """Read the body of a person."""
    facets = _shared(body, terms)
    if name := _read(body, _NAME):
        facets[events.PersonNamed] = name
    details = _read(body, _PERSON_DETAILS)
    if "birth_date" in body:
        born = body["birth_date"]
        details["birth_date"] = None if born is None else moments.birth_date(born, "birth_date", today=terms.now.date())
    if details:
        facets[events.PersonDetailsChanged] = details
    if "preferences" in body:
        preferences = attributes(body["preferences"] or {}, "preferences")
        facets[events.PreferencesChanged] = {"preferences": preferences}
    acquisition = _read(body, {"lead_source": _text})
    for name in ("first_touch", "last_touch"):
        if name in body:
            acquisition[name] = _touch(body[name], name, terms.now)
    if acquisition:
        facets[events.AcquisitionChanged] = acquisition
    return _changes(body, terms, facets)


def person_stage(body: Body) -> StageMove | None:
    """Read the lifecycle stage of a person's body."""
    stage = body.get("lifecycle_stage")
    return None if stage is None else StageMove(lifecycle.check_stage(stage, "lifecycle_stage"))


def company_changes(body: Body, terms: Terms) -> Changes:
    """Read the body of a company; its parent is a reference, see `company_ref`."""
    facets = _shared(body, terms)
    if name := _read(body, _COMPANY_NAME):
        facets[events.CompanyNamed] = name
    details = _read(body, _COMPANY_DETAILS)
    if "domains" in body:
        details["domains"] = contact_points.domains(body["domains"] or (), "domains")
    if "parent" in body and body["parent"] is None:
        details["parent_id"] = None
    if details:
        facets[events.CompanyDetailsChanged] = details
    return _changes(body, terms, facets)


def company_ref(body: Body, path: str) -> CompanyRef:
    """Read how a caller names a company."""
    if body.get("company_id") is not None:
        return CompanyRef(company_id=str(body["company_id"]))
    if body.get("external_id") is not None:
        (one,) = external_ids([body["external_id"]], f"{path}.external_id")
        return CompanyRef(external_id=(one.source, one.id))
    return CompanyRef(external_id=name_id(company_name(body, path)))


def company_name(body: Body, path: str) -> str:
    """Read the name by which a caller names a company."""
    return texts.required_text(body.get("name"), f"{path}.name")
