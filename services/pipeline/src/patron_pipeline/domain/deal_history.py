"""What happened to a deal elsewhere, told in order: opened, moved, valued, won, lost, opened again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, Final

from patron_events.catalog.pipeline import deals as events
from patron_events.rejections import Rejection
from patron_pipeline.domain.deal import ChangeDeal, Command
from patron_pipeline.domain.deal_body import Reading, currency_of
from patron_pipeline.domain.deal_errors import HappenedBefore, HistoryNotOpened
from patron_pipeline.domain.deal_moves import LoseDeal, MoveDeal, ReopenDeal, WinDeal
from patron_pipeline.domain.deal_state import Changes, Deal
from patron_pipeline.domain.stages import Terms, known_stage
from patron_values import moments, money, texts

Body = Mapping[str, Any]
UNKNOWN_REASON: Final = "unknown"
"""The reason of a deal that was lost elsewhere where nobody wrote one down."""
_PLACES: Final = {"occurred_at": "at", "to": "stage"}
_DAY_LENGTH: Final = 10


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of a history as it was told. stage: where the deal was afterwards; None where that did not change."""

    number: int
    do: str
    at: datetime
    stage: str | None
    body: Body


def happened_at(value: object, path: str, now: datetime) -> datetime:
    """Read the time of something that happened; a day alone is its beginning in UTC.

    Raises:
        TimeInvalid, TimeZoneMissing, TimeInFuture, TimeTooEarly, DateInvalid, DateTooEarly: as they say.
    """
    if isinstance(value, str) and len(value) == _DAY_LENGTH:
        value = datetime.combine(moments.day(value, path), time(tzinfo=UTC))
    return moments.instant(value, path, now=now)


def history(bodies: Sequence[Body], terms: Terms, now: datetime) -> tuple[Happened, ...]:
    """Read a history; a deal is opened first, and events are in order of time.

    Raises:
        HistoryNotOpened, HappenedBefore, StageUnknown, StageKindWrong, and the refusals of times.
    """
    told = tuple(_happened(number, one, terms, now) for number, one in enumerate(bodies))
    for number, one in enumerate(told):
        if (one.do == "open") != (number == 0):
            raise HistoryNotOpened(field=f"history[{number}].do")
        if number and one.at < told[number - 1].at:
            raise HappenedBefore(field=f"history[{number}].at")
    return told


def _happened(number: int, body: Body, terms: Terms, now: datetime) -> Happened:
    path, do = f"history[{number}]", body["do"]
    at = happened_at(body["at"], f"{path}.at", now)
    if do == "value":
        return Happened(number, do, at, None, body)
    kind = {"win": "won", "lose": "lost"}.get(do, "open")
    stated = body.get("stage")
    if stated is None and do == "reopen":
        return Happened(number, do, at, None, body)
    return Happened(number, do, at, known_stage(terms.definition, stated, kind, f"{path}.stage").id, body)


def on_record(deal: Deal, happened: Happened) -> bool:
    """Tell whether an event is on record already, so that a file can be imported again, grown since."""
    if happened.do == "open":
        return True
    if happened.do == "value":
        return deal.since is not None and happened.at < deal.since
    entered = {stay.stage for stay in deal.stays if stay.entered_at == happened.at}
    return bool(entered) if happened.stage is None else happened.stage in entered


def command(happened: Happened, terms: Terms, currency: str | None) -> Command:
    """Make the command that tells an event after the opening. currency: of amounts that name none.

    Raises:
        CurrencyMissing, and the refusals of amounts and texts, with the place in the history.
    """
    try:
        return _command(happened, terms, currency)
    except Rejection as refusal:
        raise placed(refusal, happened) from None


def placed(refusal: Rejection, happened: Happened) -> Rejection:
    """Name the place in the history in a refusal."""
    name = _PLACES.get(refusal.field or "", refusal.field)
    refusal.field = f"history[{happened.number}]" + (f".{name}" if name else "")
    return refusal


def _command(happened: Happened, terms: Terms, currency: str | None) -> Command:
    body, at, stage = happened.body, happened.at, happened.stage
    reason = texts.optional_text(body.get("reason"), "reason")
    amount = _amount(body, currency)
    match happened.do:
        case "win":
            return WinDeal(terms, at, stage, amount, reason)
        case "lose":
            competitor = texts.optional_text(body.get("competitor"), "competitor")
            return LoseDeal(terms, at, reason or (UNKNOWN_REASON if terms.told else None), stage, competitor)
        case "reopen":
            return ReopenDeal(terms, at, stage, reason)
        case "value":
            minor, code = amount or (None, None)
            valued = {"amount_minor": minor, "currency": code, "basis": "stated"}
            return ChangeDeal(Changes({events.DealValued: valued}), at)
        case _:
            return MoveDeal(stage or "", terms, at)


def _amount(body: Body, currency: str | None) -> tuple[int, str] | None:
    if body.get("amount") is None:
        return None
    code = currency_of(body, Reading(currency))
    return money.minor(body["amount"], code, "amount"), code
