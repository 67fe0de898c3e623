"""Which refusals which routes can answer with; they appear in the OpenAPI document."""

from typing import Final

from patron_contacts.api.asking import MatchNotOne
from patron_contacts.domain import activity_body, errors, value_errors
from patron_events.decisions import Contended, IdempotencyKeyReused
from patron_events.rejections import Rejection, Unavailable, VersionMismatch
from patron_values import errors as wrong

ALWAYS: Final[tuple[type[Rejection], ...]] = (Unavailable, Contended, IdempotencyKeyReused, VersionMismatch)
VALUES: Final[tuple[type[Rejection], ...]] = (
    wrong.TextInvalid,
    wrong.EmailInvalid,
    wrong.PhoneInvalid,
    wrong.CountryUnknown,
    wrong.LanguageUnknown,
    wrong.TimeInvalid,
    value_errors.CustomFieldUnknown,
    value_errors.CustomFieldMistyped,
    errors.CustomFieldMissing,
    errors.CompanyNotFound,
    errors.StageUnknown,
)
KEYS: Final = (errors.EmailTaken, errors.ExternalIdTaken, errors.CustomValueTaken)
KNOWN: Final = (errors.RecordNotFound, errors.RecordErased, errors.RecordArchived)
CREATE: Final = (*ALWAYS, *VALUES, *KEYS, errors.RecordEmpty, errors.NameMissing)
CHANGE: Final = (*ALWAYS, *VALUES, *KEYS, *KNOWN, errors.StageMoveNotAllowed)
UPSERT: Final = (*CREATE, *KNOWN, MatchNotOne)
COMMAND: Final = (*ALWAYS, *KNOWN, *KEYS)
NOTE: Final = (*COMMAND, errors.NoteNotFound, wrong.TextTooLong)
LINK: Final = (*COMMAND, errors.CompanyNotFound, errors.LinkNotFound, errors.LinkDatesReversed)
STAGE: Final = (*COMMAND, errors.StageUnknown, errors.StageMoveNotAllowed)
CONSENT: Final = (
    *COMMAND,
    errors.ConsentOutOfOrder,
    value_errors.ConsentEndsBefore,
    wrong.TimeInvalid,
    wrong.TimeInFuture,
    wrong.TextInvalid,
)
READ: Final = (errors.RecordNotFound, Unavailable)
BULK: Final = (Unavailable, IdempotencyKeyReused)
FIELD: Final = (*ALWAYS, errors.FieldNotFound, errors.FieldTypeFixed, value_errors.FieldNameInvalid)
ACTIVITY: Final = (
    *ALWAYS,
    errors.CustomerNotFound,
    errors.CompanyNotFound,
    wrong.TimeInvalid,
    wrong.TimeInFuture,
    wrong.CurrencyUnknown,
    wrong.AmountInvalid,
    activity_body.AmountMismatch,
    activity_body.AmountMissing,
)
