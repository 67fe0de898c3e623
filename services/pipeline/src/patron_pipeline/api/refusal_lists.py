"""Which refusals which routes can answer with; they appear in the OpenAPI document."""

from typing import Final

from patron_events.decisions import Contended, IdempotencyKeyReused
from patron_events.rejections import Rejection, Unavailable, VersionMismatch
from patron_pipeline.domain import deal_errors as deals
from patron_pipeline.domain.claim import ExternalIdTaken
from patron_pipeline.handlers.finding import CompanyNotFound, PersonNotFound, ReferenceNotOne
from patron_values import errors as wrong

ALWAYS: Final[tuple[type[Rejection], ...]] = (Unavailable, Contended, IdempotencyKeyReused, VersionMismatch)
DEAL_VALUES: Final = (
    wrong.TextEmpty,
    wrong.TextInvalid,
    wrong.TextTooLong,
    wrong.DateInvalid,
    wrong.AmountInvalid,
    wrong.AmountTooPrecise,
    wrong.CurrencyUnknown,
    deals.CurrencyMissing,
    deals.DealAmountMissing,
    deals.AmountOfLines,
    deals.UnitPriceMissing,
    deals.ProductUnknown,
    deals.ProductRetired,
    deals.QuantityInvalid,
    deals.PercentInvalid,
    deals.SplitsInvalid,
    deals.PeopleInvalid,
    CompanyNotFound,
    PersonNotFound,
    ReferenceNotOne,
)
TIMES: Final = (wrong.TimeInvalid, wrong.TimeZoneMissing, wrong.TimeInFuture)
STAGES: Final = (
    deals.PipelineUnknown,
    deals.PipelineArchived,
    deals.StageUnknown,
    deals.StageKindWrong,
    deals.StageEntryRefused,
    deals.StageSkipped,
    deals.StageFull,
    deals.StageNeedsFields,
    deals.MoverNotAllowed,
)
KNOWN: Final = (deals.DealNotFound, deals.DealArchived)
OPEN: Final = (*ALWAYS, *DEAL_VALUES, *TIMES, *STAGES, ExternalIdTaken)
CHANGE: Final = (*ALWAYS, *KNOWN, *DEAL_VALUES, deals.DealClosed, deals.DealErased, deals.ExternalIdFixed)
MOVE: Final = (*ALWAYS, *KNOWN, *TIMES, *STAGES, deals.DealClosed, deals.DealMovedMeanwhile, deals.HappenedBefore)
CLOSE: Final = (
    *MOVE,
    deals.ReasonMissing,
    deals.ReasonUnknown,
    wrong.TextInvalid,
    wrong.AmountInvalid,
    wrong.AmountTooPrecise,
    wrong.CurrencyUnknown,
    deals.CurrencyMissing,
    deals.DealAmountMissing,
)
REOPEN: Final = (
    *ALWAYS,
    *KNOWN,
    *TIMES,
    deals.DealOpen,
    deals.HappenedBefore,
    deals.MoverNotAllowed,
    deals.ReopenNotAllowed,
    deals.ReopenTooLate,
    deals.StageFull,
    deals.StageKindWrong,
    deals.StageUnknown,
    wrong.TextInvalid,
)
ARCHIVE: Final = (*ALWAYS, deals.DealNotFound, wrong.TextInvalid)
READ: Final = (deals.DealNotFound, Unavailable)
BULK: Final = (Unavailable, IdempotencyKeyReused)
