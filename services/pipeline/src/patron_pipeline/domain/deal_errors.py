"""Refusals of pipelines and deals. The codes are part of the public contract."""

from typing import ClassVar

from patron_events.rejections import Conflict, Forbidden, Invalid, NotFound


class PipelineNotFound(NotFound):
    """No pipeline has this id."""

    code: ClassVar[str] = "pipeline-not-found"


class PipelineUnknown(Invalid):
    """The pipeline that the request names does not exist."""

    code: ClassVar[str] = "pipeline-unknown"


class PipelineArchived(Conflict):
    """The pipeline is archived; no deals enter it any more."""

    code: ClassVar[str] = "pipeline-archived"


class PipelineInvalid(Invalid):
    """The definition contradicts itself; `errors` names every part that does."""

    code: ClassVar[str] = "pipeline-invalid"


class StageKindFixed(Conflict):
    """A stage that was once open, won or lost stays that; give the new stage another id."""

    code: ClassVar[str] = "stage-kind-fixed"


class DealNotFound(NotFound):
    """No deal has this id."""

    code: ClassVar[str] = "deal-not-found"


class DealArchived(Conflict):
    """The deal is archived as a mistake; nothing can be done with it any more."""

    code: ClassVar[str] = "deal-archived"


class DealClosed(Conflict):
    """The deal is won or lost; reopen it first."""

    code: ClassVar[str] = "deal-closed"


class DealOpen(Conflict):
    """The deal is open; there is nothing to reopen."""

    code: ClassVar[str] = "deal-open"


class DealMovedMeanwhile(Conflict):
    """The deal is not where the caller saw it: somebody else was quicker. `current` says where it is."""

    code: ClassVar[str] = "deal-moved-meanwhile"


class DealErased(Conflict):
    """The texts of the deal were erased; none can be written about it again."""

    code: ClassVar[str] = "deal-erased"


class ExternalIdFixed(Invalid):
    """The external id of a deal is given when it is opened and never changes."""

    code: ClassVar[str] = "external-id-fixed"


class StageUnknown(Invalid):
    """The pipeline has no stage of this id."""

    code: ClassVar[str] = "stage-unknown"


class StageKindWrong(Invalid):
    """Deals are moved between open stages, won in a won stage and lost in a lost stage."""

    code: ClassVar[str] = "stage-kind-wrong"


class StageEntryRefused(Conflict):
    """The stage may not be entered from where the deal is."""

    code: ClassVar[str] = "stage-entry-refused"


class StageSkipped(Conflict):
    """A stage on the way may not be left out."""

    code: ClassVar[str] = "stage-skipped"


class StageFull(Conflict):
    """The stage has as many open deals as its limit allows."""

    code: ClassVar[str] = "stage-full"


class StageNeedsFields(Conflict):
    """The deal lacks fields that the stage needs; `errors` names them."""

    code: ClassVar[str] = "stage-needs-fields"


class MoverNotAllowed(Forbidden):
    """Only certain roles or teams may move deals into this stage."""

    code: ClassVar[str] = "mover-not-allowed"


class ReopenNotAllowed(Forbidden):
    """The pipeline does not let this caller reopen closed deals."""

    code: ClassVar[str] = "reopen-not-allowed"


class ReopenTooLate(Conflict):
    """The deal was closed too long ago to be reopened; open a new one."""

    code: ClassVar[str] = "reopen-too-late"


class HappenedBefore(Conflict):
    """The time lies before the newest stage of the deal; what happened is told in order."""

    code: ClassVar[str] = "time-before-newest-stage"


class ReasonUnknown(Invalid):
    """The reason is none of those that the pipeline knows."""

    code: ClassVar[str] = "reason-unknown"


class ReasonMissing(Invalid):
    """This pipeline asks for a reason."""

    code: ClassVar[str] = "reason-missing"


class DealAmountMissing(Invalid):
    """A won deal needs an amount with its currency."""

    code: ClassVar[str] = "deal-amount-missing"


class CurrencyMissing(Invalid):
    """An amount needs a currency: that of the request, of the deal or of its pipeline."""

    code: ClassVar[str] = "currency-missing"


class AmountOfLines(Conflict):
    """The amount of a deal with lines is the sum of its lines; change or clear these."""

    code: ClassVar[str] = "amount-of-lines"


class PercentInvalid(Invalid):
    """A percentage is a decimal number from 0 to 100 with at most four decimals."""

    code: ClassVar[str] = "percent-invalid"


class SplitsInvalid(Invalid):
    """The shares of a deal belong to different owners, the owner among them, and make 100 percent."""

    code: ClassVar[str] = "splits-invalid"


class PeopleInvalid(Invalid):
    """A person stands once in a deal, and at most one of them is the primary one."""

    code: ClassVar[str] = "people-invalid"


class QuantityInvalid(Invalid):
    """A quantity is a decimal number above 0 and below 10^12 with at most nine decimals."""

    code: ClassVar[str] = "quantity-invalid"


class ProductUnknown(Invalid):
    """No product has the id that the line names."""

    code: ClassVar[str] = "product-unknown"


class UnitPriceMissing(Invalid):
    """The line needs a unit price: its product has none in this currency."""

    code: ClassVar[str] = "unit-price-missing"


class HistoryNotOpened(Invalid):
    """A history begins with `open`, and has no other."""

    code: ClassVar[str] = "history-not-opened"


class RepeatedInRequest(Conflict):
    """An earlier item of the same request is about the same record."""

    code: ClassVar[str] = "repeated-in-request"


class ProductNotFound(NotFound):
    """No product has this id, or it is retired."""

    code: ClassVar[str] = "product-not-found"


class ProductRetired(Conflict):
    """The product is not sold any more."""

    code: ClassVar[str] = "product-retired"


class SkuTaken(Conflict):
    """Another product has this number."""

    code: ClassVar[str] = "sku-taken"


class SkuFixed(Invalid):
    """The number of a product never changes; define another product."""

    code: ClassVar[str] = "sku-fixed"


class AliasTaken(Conflict):
    """Another product has this alias, or this number."""

    code: ClassVar[str] = "alias-taken"
