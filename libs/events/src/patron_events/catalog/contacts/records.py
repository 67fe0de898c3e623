"""Facts of people and companies alike."""

from patron_events.catalog.contacts.values import (
    Attribute,
    EmailAddress,
    ExternalId,
    PhoneNumber,
    PostalAddress,
    SocialHandle,
)
from patron_events.personal import Personal
from patron_events.registry import Fact, event_type


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
