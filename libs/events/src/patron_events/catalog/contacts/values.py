"""Values that facts of the contacts context hold; names follow vCard (RFC 6350) and schema.org."""

from datetime import datetime

import msgspec

Scalar = str | bool | int | float


class Attribute(msgspec.Struct, frozen=True):
    """A named value: a preference, a custom field, a property of an interaction."""

    name: str
    value: Scalar


class EmailAddress(msgspec.Struct, frozen=True, omit_defaults=True):
    """An address as `email-validator` normalises it; `type` is work, home or other."""

    value: str
    type: str = "other"
    primary: bool = False


class PhoneNumber(msgspec.Struct, frozen=True, omit_defaults=True):
    """A number in E.164 (`value`) and as it was typed; `type` is cell, work, home, fax, pager or other.

    value: None where no region was known to read a national form by; the number is kept, unproved.
    """

    typed: str
    value: str | None = None
    type: str = "other"
    primary: bool = False


class PostalAddress(msgspec.Struct, frozen=True, omit_defaults=True):
    """An address with the parts of vCard ADR; `country` is ISO 3166-1 alpha-2."""

    type: str = "other"
    street_address: str | None = None
    extended_address: str | None = None
    locality: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None
    primary: bool = False


class SocialHandle(msgspec.Struct, frozen=True, omit_defaults=True):
    """An account at a social service, such as `linkedin`; at least one of handle and url is there."""

    service: str
    handle: str | None = None
    url: str | None = None


class ExternalId(msgspec.Struct, frozen=True):
    """The id of this record in another system (`source`)."""

    source: str
    id: str


class Touch(msgspec.Struct, frozen=True, omit_defaults=True):
    """A contact with marketing: where from (`source`, `medium`, `campaign` as in UTM) and when."""

    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    at: datetime | None = None


class Money(msgspec.Struct, frozen=True):
    """An amount in minor units (cents) of `currency` (ISO 4217, upper case)."""

    amount_minor: int
    currency: str


class OrderLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of an order. quantity: exact decimal in text; amounts in minor units of the order's currency."""

    amount_minor: int
    quantity: str = "1"
    sku: str | None = None
    name: str | None = None
    unit_price_minor: int | None = None
