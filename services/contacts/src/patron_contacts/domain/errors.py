"""Refusals of the contacts context. The codes are part of the public contract."""

from typing import ClassVar

from patron_events.rejections import Conflict, Invalid, NotFound


class RecordNotFound(NotFound):
    """No record has this id."""

    code: ClassVar[str] = "record-not-found"


class RecordErased(Conflict):
    """The record was erased; nothing can be done with it any more."""

    code: ClassVar[str] = "record-erased"


class RecordArchived(Conflict):
    """The record is archived; restore it first."""

    code: ClassVar[str] = "record-archived"


class RecordEmpty(Invalid):
    """A new record needs at least a name, an e-mail address, a phone number or an external id."""

    code: ClassVar[str] = "record-empty"


class NameMissing(Invalid):
    """A company needs a name."""

    code: ClassVar[str] = "name-missing"


class StageUnknown(Invalid):
    """There is no such lifecycle stage."""

    code: ClassVar[str] = "stage-unknown"


class StageMoveNotAllowed(Conflict):
    """The lifecycle has no move from the present stage to this one."""

    code: ClassVar[str] = "stage-move-not-allowed"


class NoteNotFound(NotFound):
    """The record has no note with this id."""

    code: ClassVar[str] = "note-not-found"


class LinkNotFound(NotFound):
    """The person has no link to this company."""

    code: ClassVar[str] = "link-not-found"


class LinkDatesReversed(Invalid):
    """The end of a link lies before its start."""

    code: ClassVar[str] = "link-dates-reversed"


class ConsentOutOfOrder(Conflict):
    """A later consent or withdrawal is on record for this purpose; what is recorded late cannot undo it."""

    code: ClassVar[str] = "consent-out-of-order"


class CompanyNotFound(Invalid):
    """The company that the request names does not exist."""

    code: ClassVar[str] = "company-not-found"


class CompanyIsOwnParent(Invalid):
    """A company cannot be its own parent."""

    code: ClassVar[str] = "company-is-own-parent"


class CustomerNotFound(Invalid):
    """The customer that the request names does not exist."""

    code: ClassVar[str] = "customer-not-found"


class CustomFieldMissing(Invalid):
    """A custom field that every record needs has no value."""

    code: ClassVar[str] = "custom-field-missing"


class KeyTaken(Conflict):
    """A unique key belongs to another live record."""

    code: ClassVar[str] = "key-taken"


class EmailTaken(KeyTaken):
    """The e-mail address belongs to another live person."""

    code: ClassVar[str] = "email-taken"


class ExternalIdTaken(KeyTaken):
    """The external id belongs to another live record."""

    code: ClassVar[str] = "external-id-taken"


class CustomValueTaken(KeyTaken):
    """The value of a unique custom field belongs to another live record."""

    code: ClassVar[str] = "custom-value-taken"


class RepeatedInRequest(Conflict):
    """An earlier item of the same request is about the same record."""

    code: ClassVar[str] = "repeated-in-request"


class FieldNotFound(NotFound):
    """There is no custom field of this name."""

    code: ClassVar[str] = "field-not-found"


class FieldTypeFixed(Conflict):
    """Type, uniqueness and privacy of a custom field cannot change; define another field."""

    code: ClassVar[str] = "field-type-fixed"
