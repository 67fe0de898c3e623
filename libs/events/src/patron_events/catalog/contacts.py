"""Facts of the contacts context: people, companies, what they did, and the keys they hold.

Most facts state one facet of a record as it is from now on (`EmailsChanged` holds all e-mail addresses), so
that the last fact of a kind is the present value and the one before it is what an auditor calls "before".
Field names follow vCard (RFC 6350) and schema.org. Ids are UUIDs in text form.
"""

from datetime import date, datetime
from typing import Any

import msgspec

from patron_events.personal import Personal
from patron_events.registry import Fact, event_type, upcasts

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


# -- people ---------------------------------------------------------------------------------------------------


@event_type("contacts.person-created", version=1)
class PersonCreated(Fact, frozen=True):
    """A person became known; what is known of them stands in the facts of the same commit."""


@event_type("contacts.person-named", version=1)
class PersonNamed(Fact, frozen=True):
    """The parts of the name, as in vCard N and NICKNAME."""

    given_name: Personal[str] | None = None
    family_name: Personal[str] | None = None
    additional_name: Personal[str] | None = None
    honorific_prefix: Personal[str] | None = None
    honorific_suffix: Personal[str] | None = None
    nickname: Personal[str] | None = None


@event_type("contacts.person-details-changed", version=1)
class PersonDetailsChanged(Fact, frozen=True):
    """Single-valued facts about a person. language: BCP 47; time_zone: IANA name."""

    job_title: Personal[str] | None = None
    department: str | None = None
    language: str | None = None
    time_zone: str | None = None
    birth_date: Personal[date] | None = None
    gender: Personal[str] | None = None
    description: Personal[str] | None = None


@event_type("contacts.preferences-changed", version=1)
class PreferencesChanged(Fact, frozen=True):
    """All preferences of a person, in order of name."""

    preferences: Personal[tuple[Attribute, ...]] = ()


@event_type("contacts.acquisition-changed", version=1)
class AcquisitionChanged(Fact, frozen=True):
    """Where a person came from: lead source, first and last touch (none or one each)."""

    lead_source: str | None = None
    first_touch: Personal[tuple[Touch, ...]] = ()
    last_touch: Personal[tuple[Touch, ...]] = ()


@event_type("contacts.consent-given", version=1)
class ConsentGiven(Fact, frozen=True):
    """The person agreed, at the time of this fact, that their data are used for a purpose (GDPR art. 6 and 7).

    purpose: a short name such as `newsletter`. channel: email, phone, post, sms or None for all.
    basis: consent, contract, legal-obligation, vital-interests, public-task or legitimate-interests (GDPR art. 6 (1)).
    source: where it was given, such as `web-form`; wording: name and version of the text that was agreed to.
    """

    purpose: str
    channel: str | None = None
    basis: str = "consent"
    source: str | None = None
    wording: str | None = None
    expires_at: datetime | None = None


@event_type("contacts.consent-withdrawn", version=1)
class ConsentWithdrawn(Fact, frozen=True):
    """The person withdrew their consent or objected, at the time of this fact (GDPR art. 7 (3), art. 21)."""

    purpose: str
    channel: str | None = None
    source: str | None = None


@event_type("contacts.lifecycle-stage-changed", version=1)
class LifecycleStageChanged(Fact, frozen=True):
    """The person moved along the customer lifecycle at the time of this fact."""

    to: str
    was: str | None = None


@event_type("contacts.company-linked", version=1)
class CompanyLinked(Fact, frozen=True):
    """The person works for, or has another role at, a company. Dates are inclusive; None is open."""

    company_id: str
    role: Personal[str] | None = None
    start: date | None = None
    end: date | None = None
    primary: bool = False


@event_type("contacts.company-unlinked", version=1)
class CompanyUnlinked(Fact, frozen=True):
    """The link was a mistake; a link that ended keeps an `end` instead."""

    company_id: str


# -- companies ------------------------------------------------------------------------------------------------


@event_type("contacts.company-created", version=1)
class CompanyCreated(Fact, frozen=True):
    """A company became known."""


@event_type("contacts.company-named", version=1)
class CompanyNamed(Fact, frozen=True):
    """How the company is called, and its registered name."""

    name: str
    legal_name: str | None = None


@event_type("contacts.company-details-changed", version=1)
class CompanyDetailsChanged(Fact, frozen=True):
    """Single-valued facts about a company. domains: lower case; founding_year: Gregorian."""

    website: str | None = None
    domains: tuple[str, ...] = ()
    industry: str | None = None
    employees: int | None = None
    annual_revenue: Money | None = None
    founding_year: int | None = None
    description: str | None = None
    parent_id: str | None = None


# -- people and companies alike -------------------------------------------------------------------------------


@event_type("contacts.emails-changed", version=1)
class EmailsChanged(Fact, frozen=True):
    """All e-mail addresses; exactly one is primary where there are any."""

    emails: Personal[tuple[EmailAddress, ...]] = ()


@event_type("contacts.phones-changed", version=1)
class PhonesChanged(Fact, frozen=True):
    """All phone numbers; exactly one is primary where there are any."""

    phones: Personal[tuple[PhoneNumber, ...]] = ()


@event_type("contacts.addresses-changed", version=1)
class AddressesChanged(Fact, frozen=True):
    """All postal addresses."""

    addresses: Personal[tuple[PostalAddress, ...]] = ()


@event_type("contacts.social-handles-changed", version=1)
class SocialHandlesChanged(Fact, frozen=True):
    """All accounts at social services, and all web addresses."""

    social: Personal[tuple[SocialHandle, ...]] = ()
    urls: Personal[tuple[str, ...]] = ()


@event_type("contacts.tags-changed", version=1)
class TagsChanged(Fact, frozen=True):
    """All tags, sorted."""

    tags: tuple[str, ...] = ()


@event_type("contacts.custom-fields-changed", version=1)
class CustomFieldsChanged(Fact, frozen=True):
    """All custom fields in order of name; those defined as personal stand apart."""

    fields: tuple[Attribute, ...] = ()
    personal: Personal[tuple[Attribute, ...]] = ()


@event_type("contacts.external-ids-changed", version=1)
class ExternalIdsChanged(Fact, frozen=True):
    """All ids in other systems, sorted."""

    external_ids: Personal[tuple[ExternalId, ...]] = ()


@event_type("contacts.owner-assigned", version=1)
class OwnerAssigned(Fact, frozen=True):
    """Who looks after the record."""

    owner: str | None = None
    team: str | None = None


@event_type("contacts.note-added", version=1)
class NoteAdded(Fact, frozen=True):
    """Somebody wrote something down about the record."""

    note_id: str
    text: Personal[str]
    author: str


@event_type("contacts.note-removed", version=1)
class NoteRemoved(Fact, frozen=True):
    """A note was taken back; its text stays in the log until the person is erased."""

    note_id: str


@event_type("contacts.record-archived", version=1)
class RecordArchived(Fact, frozen=True):
    """The record left daily use and gave up its unique keys."""

    reason: Personal[str] | None = None


@event_type("contacts.record-restored", version=1)
class RecordRestored(Fact, frozen=True):
    """The record came back into use and holds its unique keys again."""


@event_type("contacts.record-erased", version=1)
class RecordErased(Fact, frozen=True):
    """The key of the data subject was destroyed (GDPR art. 17); what was personal cannot be read any more.

    reason: request, consent-withdrawn, retention or other; never free text, which would outlive the erasure.
    """

    reason: str | None = None


# -- what people and companies did ----------------------------------------------------------------------------


@event_type("contacts.interaction-logged", version=2)
class InteractionLogged(Fact, frozen=True):
    """A contact with a customer at the time of this fact.

    kind: email, call, meeting, chat, visit, form, social, note or other; direction: inbound, outbound or None.
    channel: the means in the words of its source, such as `zoom` or `instagram`.
    """

    interaction_id: str
    kind: str
    direction: str | None = None
    channel: str | None = None
    subject: Personal[str] | None = None
    body: Personal[str] | None = None
    duration_s: int | None = None
    company_id: str | None = None
    source: str | None = None
    external_id: str | None = None
    properties: Personal[tuple[Attribute, ...]] = ()


@upcasts(InteractionLogged, from_version=1, personal=("subject", "body"))
def _split_direction_from_kind(document: dict[str, Any]) -> dict[str, Any]:
    """Version 1 said `inbound-call`; version 2 keeps kind and direction apart."""
    direction, _, kind = document["kind"].rpartition("-")
    return {**document, "kind": kind, **({"direction": direction} if direction else {})}


@event_type("contacts.order-placed", version=1)
class OrderPlaced(Fact, frozen=True):
    """A customer bought something at the time of this fact. amount_minor: total in minor units of `currency`."""

    order_id: str
    currency: str
    amount_minor: int
    lines: tuple[OrderLine, ...] = ()
    status: str | None = None
    company_id: str | None = None
    source: str | None = None
    external_id: str | None = None


# -- unique keys and custom fields ----------------------------------------------------------------------------


@event_type("contacts.key-claimed", version=1)
class KeyClaimed(Fact, frozen=True):
    """A unique key belongs to a live record from now on. kind: email, external-id or custom:<name>."""

    kind: str
    owner: str


@event_type("contacts.key-released", version=1)
class KeyReleased(Fact, frozen=True):
    """The key is free again."""

    owner: str


@event_type("contacts.field-defined", version=1)
class FieldDefined(Fact, frozen=True):
    """A custom field has this definition from now on; `options` are the values of an enum."""

    name: str
    type: str
    label: str | None = None
    required: bool = False
    options: tuple[str, ...] = ()
    unique: bool = False
    personal: bool = False


@event_type("contacts.field-retired", version=1)
class FieldRetired(Fact, frozen=True):
    """The field takes no new values; recorded ones stay readable."""

    name: str


RecordEvent = (
    EmailsChanged
    | PhonesChanged
    | AddressesChanged
    | SocialHandlesChanged
    | TagsChanged
    | CustomFieldsChanged
    | ExternalIdsChanged
    | OwnerAssigned
    | NoteAdded
    | NoteRemoved
    | RecordArchived
    | RecordRestored
    | RecordErased
)
PersonEvent = (
    PersonCreated
    | PersonNamed
    | PersonDetailsChanged
    | PreferencesChanged
    | AcquisitionChanged
    | ConsentGiven
    | ConsentWithdrawn
    | LifecycleStageChanged
    | CompanyLinked
    | CompanyUnlinked
    | RecordEvent
)
CompanyEvent = CompanyCreated | CompanyNamed | CompanyDetailsChanged | RecordEvent
ActivityEvent = InteractionLogged | OrderPlaced
ClaimEvent = KeyClaimed | KeyReleased
FieldEvent = FieldDefined | FieldRetired
