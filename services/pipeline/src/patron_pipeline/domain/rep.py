"""Representatives: who sells, in which team and territories, how many leads they can take, and what they are to win."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID, uuid5

import msgspec
from msgspec import structs

from patron_events.catalog.pipeline import team as events
from patron_events.decider import Dated, Decider
from patron_events.rejections import Conflict, NotFound

_IDS: Final = UUID("6f8e5c52-4a0d-5d0e-8a31-2f7b9c1d0a44")


class RepNotFound(NotFound):
    """No representative has this id."""

    code: ClassVar[str] = "rep-not-found"


class RepRetired(Conflict):
    """They sell no more; record them again to bring them back."""

    code: ClassVar[str] = "rep-retired"


class RepOutOfOrder(Conflict):
    """They were placed elsewhere after this time already."""

    code: ClassVar[str] = "rep-out-of-order"


def rep_id(subject: str) -> str:
    """Derive the id of a representative from the `sub` of their tokens."""
    return str(uuid5(_IDS, subject))


class Rep(msgspec.Struct, frozen=True):
    """A representative as the log tells them. status: absent, active or retired; quotas by period."""

    status: str = "absent"
    described: events.RepDescribed = events.RepDescribed(subject="")
    placed: events.RepPlaced = events.RepPlaced()
    placed_at: datetime | None = None
    available: bool = True
    absence: str | None = None
    quotas: Mapping[str, events.QuotaSet] = {}

    @property
    def subject(self) -> str:
        """The `sub` of their tokens, by which records name their owner."""
        return self.described.subject

    @property
    def takes_leads(self) -> bool:
        """Whether rules may give them leads now."""
        return self.status == "active" and self.available


@dataclass(frozen=True, slots=True)
class RecordRep:
    """Make a representative known, bring them back, or make them differ in what is stated.

    described, placed: members by name. placed_at: since when they work there, None for now.
    """

    subject: str
    described: Mapping[str, Any] = field(default_factory=dict[str, Any])
    placed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    placed_at: datetime | None = None
    quotas: tuple[events.QuotaSet, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeRep:
    """Make a known representative differ in what is stated."""

    described: Mapping[str, Any] = field(default_factory=dict[str, Any])
    placed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    placed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SetAvailability:
    """Say whether rules may give them leads."""

    available: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SetQuota:
    """Say what they are to win within a period; an amount of None takes it back."""

    quota: events.QuotaSet


@dataclass(frozen=True, slots=True)
class RetireRep:
    """Take them out of the team."""


Command = RecordRep | ChangeRep | SetAvailability | SetQuota | RetireRep


def _changed(rep: Rep, command: RecordRep | ChangeRep) -> Iterator[events.RepEvent | Dated]:
    described = structs.replace(rep.described, **command.described)
    if isinstance(command, RecordRep):
        described = structs.replace(described, subject=command.subject)
    if described != rep.described or rep.status != "active":
        yield described
    placed = structs.replace(rep.placed, **command.placed)
    if placed != rep.placed:
        at = command.placed_at
        if at is not None and rep.placed_at is not None and at < rep.placed_at:
            raise RepOutOfOrder(field="placed_at")
        yield placed if at is None else Dated(placed, at)
    if isinstance(command, RecordRep):
        for quota in command.quotas:
            yield from _quota(rep, quota)


def _quota(rep: Rep, quota: events.QuotaSet) -> Iterator[events.RepEvent]:
    known = rep.quotas.get(quota.period)
    if known != quota and not (known is None and quota.amount_minor is None):
        yield quota


def decide(rep: Rep, command: Command) -> Sequence[events.RepEvent | Dated]:
    """Answer a command with the facts it creates; none when they already hold."""
    match command:
        case RecordRep():
            return tuple(_changed(rep, command))
        case _ if rep.status == "absent":
            raise RepNotFound
        case RetireRep():
            return (events.RepRetired(),) if rep.status == "active" else ()
        case _ if rep.status == "retired":
            raise RepRetired
        case ChangeRep():
            return tuple(_changed(rep, command))
        case SetAvailability(available, reason):
            if (available, reason) == (rep.available, rep.absence):
                return ()
            return (events.RepAvailabilityChanged(available=available, reason=reason),)
        case SetQuota(quota):
            return tuple(_quota(rep, quota))


def evolve(rep: Rep, event: events.RepEvent, at: datetime) -> Rep:
    """Fold one recorded fact."""
    match event:
        case events.RepDescribed():
            return structs.replace(rep, status="active", described=event)
        case events.RepPlaced():
            return structs.replace(rep, placed=event, placed_at=at)
        case events.RepAvailabilityChanged(available=available, reason=reason):
            return structs.replace(rep, available=available, absence=reason)
        case events.QuotaSet(period=period, amount_minor=amount):
            kept = {name: one for name, one in rep.quotas.items() if name != period}
            return structs.replace(rep, quotas=kept if amount is None else {**kept, period: event})
        case events.RepRetired():
            return structs.replace(rep, status="retired")


REP: Final = Decider(category="pipeline.rep", initial=Rep(), decide=decide, evolve=evolve)
