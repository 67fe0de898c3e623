"""From a body as its caller wrote it to what a lead is to say: every value read by its rule.

A body is a plain mapping with the member names of the API; members that are absent stay as they are, None clears.
Refusals carry the path of the wrong part.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from patron_events.catalog.contacts import Attribute
from patron_events.catalog.pipeline import leads as events
from patron_pipeline.domain.lead import LeadChanges
from patron_values import contact_points, moments, money, phone_numbers, places, texts
from patron_values.errors import AmountInvalid, PhoneInvalid, RegionUnknown, TooMany

Body = Mapping[str, Any]
Reading = Callable[[Any, str], Any]
MESSAGE: Final = 20_000
MOST_ATTRIBUTES: Final = 200


@dataclass(frozen=True, slots=True)
class Terms:
    """What reading a body depends on besides the body.

    region: ISO 3166 region of phone numbers in national form where the lead says no country.
    """

    now: datetime
    region: str | None = None


def _text(value: Any, path: str) -> str | None:
    return texts.optional_text(value, path)


def _message(value: Any, path: str) -> str | None:
    return texts.optional_text(value, path, MESSAGE, multiline=True)


def _email(value: Any, path: str) -> str | None:
    typed = texts.optional_text(value, path, 500)
    if typed is None:
        return None
    contact_points.email_key(typed, path)  # refuses what is no address
    (address,) = contact_points.emails([{"value": typed}], path)
    return address.value


def _count(value: Any, path: str) -> Any:
    del path  # the body's own limits say which numbers there are
    return value


_DESCRIBED: Final[Mapping[str, Reading]] = {
    "given_name": _text,
    "family_name": _text,
    "email": _email,
    "job_title": _text,
    "message": _message,
    "language": places.language,
    "time_zone": places.time_zone,
}
_PROFILED: Final[Mapping[str, Reading]] = {
    "company_name": _text,
    "industry": _text,
    "employees": _count,
    "country": places.country,
    "region": _text,
    "postal_code": _text,
    "product_interest": _text,
}


def _read(body: Body, rules: Mapping[str, Reading]) -> dict[str, Any]:
    return {
        name: None if body[name] is None else rule(body[name], name) for name, rule in rules.items() if name in body
    }


def attributes(values: Body, path: str = "attributes") -> tuple[Attribute, ...]:
    """Read named values, in order of name; None leaves one out.

    Raises:
        TooMany: more than 200. TextEmpty, TextInvalid, TextTooLong: a name or text is wrong.
    """
    if len(values) > MOST_ATTRIBUTES:
        raise TooMany(f"At most {MOST_ATTRIBUTES} attributes fit here.", field=path)
    return tuple(
        Attribute(
            texts.required_text(name, path),
            texts.text(value, f"{path}.{name}", MESSAGE, multiline=True) if isinstance(value, str) else value,
        )
        for name, value in sorted(values.items())
        if value is not None
    )


def _phone(body: Body, country: str | None, terms: Terms) -> dict[str, Any]:
    """Read a number by the stated region, else by the probable one; kept unproved where no country vouches for it."""
    typed = texts.optional_text(body["phone"], "phone", phone_numbers.MAX_TYPED)
    if typed is None:
        return {"phone": None, "phone_e164": None}
    stated = None
    if body.get("phone_region") is not None:
        known = phone_numbers.region(body["phone_region"])
        if known is None:
            raise RegionUnknown(field="phone_region")
        stated = known.code
    number = phone_numbers.read(typed, stated or country or terms.region)
    if number is None and stated is None:
        number = phone_numbers.read(typed, None)
    if number is None:
        raise PhoneInvalid(field="phone")
    return {"phone": typed, "phone_e164": number.e164}


def _amount(body: Body) -> dict[str, Any]:
    """Read what it may bring; an amount needs a currency, and a currency alone says nothing."""
    if body.get("amount") is not None:
        code = money.currency(body.get("currency"), "currency")
        return {"amount_minor": money.minor(body["amount"], code, "amount"), "currency": code}
    if body.get("currency") is not None:
        raise AmountInvalid(field="amount")
    return {"amount_minor": None, "currency": None} if "amount" in body else {}


def lead_changes(body: Body, terms: Terms) -> LeadChanges:
    """Read what a body says about a lead."""
    described, profiled = _read(body, _DESCRIBED), _read(body, _PROFILED)
    if "phone" in body:
        described |= _phone(body, profiled.get("country"), terms)
    profiled |= _amount(body)
    if "attributes" in body:
        profiled["attributes"] = attributes(body["attributes"] or {})
    return LeadChanges(described, profiled)


def captured(body: Body, channel: str, form_id: str | None = None) -> events.LeadCaptured:
    """Read where a lead came from."""
    external = body.get("external_id")
    return events.LeadCaptured(
        channel=channel,
        form_id=form_id,
        **_read(body, {"source": _text, "medium": _text, "campaign": _text}),
        external_source=None if external is None else texts.required_text(external["source"], "external_id.source"),
        external_id=None if external is None else texts.required_text(external["id"], "external_id.id"),
    )


def happened(body: Body, terms: Terms, name: str = "occurred_at") -> datetime | None:
    """Read when something happened; None for now."""
    at = body.get(name)
    return None if at is None else moments.instant(at, name, now=terms.now)
