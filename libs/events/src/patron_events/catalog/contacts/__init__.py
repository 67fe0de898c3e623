"""Facts of the contacts context: people, companies, what they did, and the keys they hold.

Most facts state one facet of a record as it is from now on (`EmailsChanged` holds all e-mail addresses), so
that the last fact of a kind is the present value and the one before it is what an auditor calls "before".
Field names follow vCard (RFC 6350) and schema.org. Ids are UUIDs in text form.
"""

from patron_events.catalog.contacts.activities import (
    ActivityEvent,
    InteractionLogged,
    OrderPlaced,
)
from patron_events.catalog.contacts.companies import (
    CompanyCreated,
    CompanyDetailsChanged,
    CompanyEvent,
    CompanyNamed,
)
from patron_events.catalog.contacts.fields import (
    FieldDefined,
    FieldEvent,
    FieldRetired,
)
from patron_events.catalog.contacts.keys import (
    ClaimEvent,
    KeyClaimed,
    KeyReleased,
)
from patron_events.catalog.contacts.people import (
    AcquisitionChanged,
    CompanyLinked,
    CompanyUnlinked,
    ConsentGiven,
    ConsentWithdrawn,
    LifecycleStageChanged,
    PersonCreated,
    PersonDetailsChanged,
    PersonEvent,
    PersonNamed,
    PreferencesChanged,
)
from patron_events.catalog.contacts.records import (
    AddressesChanged,
    CustomFieldsChanged,
    EmailsChanged,
    ExternalIdsChanged,
    NoteAdded,
    NoteRemoved,
    OwnerAssigned,
    PhonesChanged,
    RecordArchived,
    RecordErased,
    RecordEvent,
    RecordRestored,
    SocialHandlesChanged,
    TagsChanged,
)
from patron_events.catalog.contacts.values import (
    Attribute,
    EmailAddress,
    ExternalId,
    Money,
    OrderLine,
    PhoneNumber,
    PostalAddress,
    Scalar,
    SocialHandle,
    Touch,
)

__all__ = [
    "AcquisitionChanged",
    "ActivityEvent",
    "AddressesChanged",
    "Attribute",
    "ClaimEvent",
    "CompanyCreated",
    "CompanyDetailsChanged",
    "CompanyEvent",
    "CompanyLinked",
    "CompanyNamed",
    "CompanyUnlinked",
    "ConsentGiven",
    "ConsentWithdrawn",
    "CustomFieldsChanged",
    "EmailAddress",
    "EmailsChanged",
    "ExternalId",
    "ExternalIdsChanged",
    "FieldDefined",
    "FieldEvent",
    "FieldRetired",
    "InteractionLogged",
    "KeyClaimed",
    "KeyReleased",
    "LifecycleStageChanged",
    "Money",
    "NoteAdded",
    "NoteRemoved",
    "OrderLine",
    "OrderPlaced",
    "OwnerAssigned",
    "PersonCreated",
    "PersonDetailsChanged",
    "PersonEvent",
    "PersonNamed",
    "PhoneNumber",
    "PhonesChanged",
    "PostalAddress",
    "PreferencesChanged",
    "RecordArchived",
    "RecordErased",
    "RecordEvent",
    "RecordRestored",
    "Scalar",
    "SocialHandle",
    "SocialHandlesChanged",
    "TagsChanged",
    "Touch",
]
