"""Refuse values: every way in which one value of a request can be wrong, whoever it belongs to.

Each refusal carries the JSON path of the value in `field`. Details never repeat the value: it may be personal.
"""

from typing import ClassVar

from patron_events.rejections import Invalid


class TextInvalid(Invalid):
    """Text must be a string without control characters and without halves of a surrogate pair."""

    code: ClassVar[str] = "text-invalid"


class TextEmpty(Invalid):
    """The text is empty or consists of white space only."""

    code: ClassVar[str] = "text-empty"


class TextTooLong(Invalid):
    """The text is longer than this field allows."""

    code: ClassVar[str] = "text-too-long"


class ShapeInvalid(Invalid):
    """A list, an object or a truth value was expected here."""

    code: ClassVar[str] = "shape-invalid"


class TooMany(Invalid):
    """The list has more items than a record may hold."""

    code: ClassVar[str] = "too-many"


class TypeUnknown(Invalid):
    """The type is none of those that this kind of contact point has."""

    code: ClassVar[str] = "type-unknown"


class PrimaryAmbiguous(Invalid):
    """Only one item of the list can be the primary one."""

    code: ClassVar[str] = "primary-ambiguous"


class EmailInvalid(Invalid):
    """The e-mail address is not one that mail can be sent to."""

    code: ClassVar[str] = "email-invalid"


class PhoneInvalid(Invalid):
    """The phone number does not exist in the numbering plan of its country."""

    code: ClassVar[str] = "phone-invalid"


class RegionUnknown(Invalid):
    """The region is no country with a numbering plan (ISO 3166-1)."""

    code: ClassVar[str] = "region-unknown"


class AddressEmpty(Invalid):
    """The postal address has no part that says anything."""

    code: ClassVar[str] = "address-empty"


class SocialEmpty(Invalid):
    """An account needs a handle or a URL."""

    code: ClassVar[str] = "social-empty"


class UrlInvalid(Invalid):
    """The URL is not a web address (http or https, a host name, no password)."""

    code: ClassVar[str] = "url-invalid"


class DomainInvalid(Invalid):
    """The domain is not a name of the DNS."""

    code: ClassVar[str] = "domain-invalid"


class CountryUnknown(Invalid):
    """The country is neither a code of ISO 3166-1 nor an English name of a country."""

    code: ClassVar[str] = "country-unknown"


class LanguageUnknown(Invalid):
    """The language is no tag of BCP 47 with registered parts, such as `de` or `pt-BR`."""

    code: ClassVar[str] = "language-unknown"


class TimeZoneUnknown(Invalid):
    """The time zone is no name of the IANA database, such as `Europe/Berlin`."""

    code: ClassVar[str] = "time-zone-unknown"


class TimeInvalid(Invalid):
    """The time is not written as RFC 3339 says, such as `2026-01-31T13:00:00+01:00`."""

    code: ClassVar[str] = "time-invalid"


class TimeZoneMissing(Invalid):
    """The time has no offset from UTC, so that it could be any of a day's worth of moments."""

    code: ClassVar[str] = "time-zone-missing"


class TimeInFuture(Invalid):
    """The time is more than a day ahead; what is recorded here has happened."""

    code: ClassVar[str] = "time-in-future"


class TimeTooEarly(Invalid):
    """The time is before 1800."""

    code: ClassVar[str] = "time-too-early"


class DateInvalid(Invalid):
    """The date is not a day of the calendar written as RFC 3339 says, such as `2026-01-31`."""

    code: ClassVar[str] = "date-invalid"


class DateTooEarly(Invalid):
    """The date is before 1800."""

    code: ClassVar[str] = "date-too-early"


class BirthDateInFuture(Invalid):
    """Nobody is born after today."""

    code: ClassVar[str] = "birth-date-in-future"


class CurrencyUnknown(Invalid):
    """The currency is no code of ISO 4217, present or withdrawn."""

    code: ClassVar[str] = "currency-unknown"


class AmountInvalid(Invalid):
    """The amount is not a plain decimal number below 10^15 minor units, such as `29.33`."""

    code: ClassVar[str] = "amount-invalid"


class AmountTooPrecise(Invalid):
    """The amount has more decimals than its currency."""

    code: ClassVar[str] = "amount-too-precise"
