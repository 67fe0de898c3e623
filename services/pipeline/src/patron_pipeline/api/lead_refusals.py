"""Which refusals the routes of leads can answer with; they appear in the OpenAPI document."""

from typing import Final

from patron_events.decisions import Contended, IdempotencyKeyReused
from patron_events.rejections import Rejection, Unavailable, VersionMismatch
from patron_pipeline.domain import claim, deal_errors, lead_errors
from patron_pipeline.handlers import finding
from patron_values import errors as values

ALWAYS: Final[tuple[type[Rejection], ...]] = (Unavailable, Contended, IdempotencyKeyReused, VersionMismatch)
KNOWN: Final = (lead_errors.LeadNotFound, lead_errors.LeadErased)
VALUES: Final = (
    values.TextInvalid,
    values.EmailInvalid,
    values.PhoneInvalid,
    values.CountryUnknown,
    values.CurrencyUnknown,
    values.AmountInvalid,
    values.TimeInvalid,
)
REFERENCES: Final = (finding.PersonNotFound, finding.CompanyNotFound, finding.ReferenceNotOne)
CAPTURE: Final = (*ALWAYS, lead_errors.LeadEmpty, claim.ExternalIdTaken, *REFERENCES, *VALUES)
CHANGE: Final = (*ALWAYS, *KNOWN, *VALUES)
MATCH: Final = (*ALWAYS, *KNOWN, *REFERENCES)
ASSIGN: Final = (*ALWAYS, *KNOWN, lead_errors.LeadClosed, lead_errors.LeadOutOfOrder, values.TimeInFuture)
MOVE: Final = (
    *ALWAYS,
    *KNOWN,
    lead_errors.LeadMoveNotAllowed,
    lead_errors.LeadUnassigned,
    lead_errors.LeadOutOfOrder,
    lead_errors.LeadReasonMissing,
    lead_errors.LeadReasonInvalid,
    lead_errors.LeadUntilInvalid,
    values.TimeInFuture,
)
CONVERT: Final = (
    *ALWAYS,
    *KNOWN,
    lead_errors.LeadClosed,
    lead_errors.LeadOutOfOrder,
    deal_errors.PipelineUnknown,
    *REFERENCES,
    *VALUES,
)
ERASE: Final = (*ALWAYS, lead_errors.LeadNotFound)
READ: Final = (lead_errors.LeadNotFound, Unavailable)
