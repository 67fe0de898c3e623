"""What is known of a deal: its facets, where it stands, and where it stood."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal, TypeVar, cast

from msgspec import structs

from patron_events.catalog.pipeline import deals as events
from patron_events.personal import Erased
from patron_events.registry import Fact

F = TypeVar("F", bound=Fact)
Facets = Mapping[type[Fact], Fact]
Fields = Mapping[str, Any]
BLANK: Final[Facets] = {
    events.DealDescribed: events.DealDescribed(),
    events.DealValued: events.DealValued(amount_minor=None, currency=None),
    events.DealExpected: events.DealExpected(),
    events.DealOwned: events.DealOwned(owner=None),
    events.DealCustomerChanged: events.DealCustomerChanged(),
    events.DealSourced: events.DealSourced(),
    events.DealCompetitorsChanged: events.DealCompetitorsChanged(competitors=()),
    events.DealLinesChanged: events.DealLinesChanged(currency="", lines=()),
    events.DealAttributesChanged: events.DealAttributesChanged(attributes=()),
}
"""What a deal is where no fact of a kind says otherwise; in the order in which facts are recorded."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A time in a stage, won and lost included; left_at: None while it lasts."""

    pipeline_id: str
    stage: str
    entered_at: datetime
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deal:
    """The state of one deal.

    since: when it entered its present stage. facets: the last fact of each kind. closing: how it was won or lost.
    valued: what it was worth before it was won at another amount, while it is won. reopened_at: the last time.
    rotted: that was told for the present stay. idle_since: it was told that nothing is planned since then.
    """

    status: Literal["absent", "open", "won", "lost", "archived"] = "absent"
    name: str = ""
    pipeline_id: str = ""
    stage: str = ""
    since: datetime | None = None
    opened: events.DealOpened | None = None
    closing: events.DealWon | events.DealLost | None = None
    valued: events.DealValued | None = None
    facets: Facets = field(default_factory=dict[type[Fact], Fact])
    stays: tuple[Stay, ...] = ()
    rotted: bool = False
    idle_since: datetime | None = None
    erased: bool = False
    opened_at: datetime | None = None
    reopened_at: datetime | None = None
    changed_at: datetime | None = None

    def facet(self, kind: type[F]) -> F:
        """Give the present fact of a kind."""
        return cast("F", self.facets.get(kind, BLANK[kind]))


@dataclass(frozen=True, slots=True)
class Changes:
    """What a body states. fields: of each facet that it touches; amount_stated: the amount is not from lines."""

    facets: Mapping[type[Fact], Fields] = field(default_factory=dict[type[Fact], Fields])
    name: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


def changed(facets: Facets, changes: Changes) -> Sequence[Fact]:
    """Put changes into facets; answers the facts that differ from the present ones, in their order."""
    found: list[Fact] = []
    for kind, blank in BLANK.items():
        present = facets.get(kind, blank)
        wanted = structs.replace(present, **changes.facets.get(kind, {}))
        if isinstance(wanted, events.DealAttributesChanged) and changes.attributes:
            wanted = _attributes(wanted, changes.attributes)
        if wanted != present:
            found.append(wanted)
    return found


def _attributes(present: events.DealAttributesChanged, changes: Fields) -> events.DealAttributesChanged:
    values = {one.name: one for one in present.attributes if one.name not in changes}
    values |= {name: value for name, value in changes.items() if value is not None}
    return events.DealAttributesChanged(attributes=tuple(values[name] for name in sorted(values)))


def has(facets: Facets, name: str) -> bool:
    """Tell whether a deal has a field that a stage may need; `patron_pipeline.domain.pipeline_body` names them."""
    if name.startswith("attributes."):
        attributes = _facet(facets, events.DealAttributesChanged).attributes
        return any(one.name == name.removeprefix("attributes.") for one in attributes)
    customer = _facet(facets, events.DealCustomerChanged)
    match name:
        case "company":
            return customer.company_id is not None
        case "person":
            return bool(customer.people)
        case "decision-maker":
            return any(one.role == "decision-maker" for one in customer.people)
        case _:
            kind, member = _WHERE[name]
            value = getattr(_facet(facets, kind), member)
            return bool(value) or isinstance(value, int | Erased)


_WHERE: Final[Mapping[str, tuple[type[Fact], str]]] = {
    "amount": (events.DealValued, "amount_minor"),
    "close_date": (events.DealExpected, "close_date"),
    "competitors": (events.DealCompetitorsChanged, "competitors"),
    "description": (events.DealDescribed, "description"),
    "forecast_category": (events.DealExpected, "forecast_category"),
    "lines": (events.DealLinesChanged, "lines"),
    "next_step": (events.DealDescribed, "next_step"),
    "owner": (events.DealOwned, "owner"),
    "source": (events.DealSourced, "source"),
    "team": (events.DealOwned, "team"),
}


def _facet(facets: Facets, kind: type[F]) -> F:
    return cast("F", facets.get(kind, BLANK[kind]))


def evolve(deal: Deal, event: events.DealEvent, at: datetime) -> Deal:
    """Fold one recorded fact. Total: it neither validates nor raises."""
    # One copy a fact: imports fold ten thousands of them.
    return replace(deal, changed_at=at, **_folded(deal, event, at))


def _folded(deal: Deal, event: events.DealEvent, at: datetime) -> dict[str, Any]:
    match event:
        case events.DealOpened(name=name, pipeline_id=pipeline, stage=stage):
            return {"name": name, "opened": event, "opened_at": at, **_entered(deal, at, (pipeline, stage), "open")}
        case events.DealRenamed(name=name):
            return {"name": name}
        case events.DealMoved(to=to, pipeline_id=pipeline):
            return _entered(deal, at, (pipeline or deal.pipeline_id, to), "open")
        case events.DealWon(stage=stage):
            return {**_entered(deal, at, (deal.pipeline_id, stage), "won"), "closing": event, **_agreed(deal, event)}
        case events.DealLost(stage=stage):
            return {**_entered(deal, at, (deal.pipeline_id, stage), "lost"), "closing": event}
        case events.DealReopened(to=to):
            again = {"closing": None, "valued": None, "reopened_at": at}
            return {**_entered(deal, at, (deal.pipeline_id, to), "open"), **again}
        case events.DealRotted():
            return {"rotted": True}
        case events.DealLeftWithoutActivity(since=since):
            return {"idle_since": since}
        case events.DealArchived():
            return {"status": "archived"}
        case events.DealErased():
            return {"erased": True}
        case _:
            return {"facets": {**deal.facets, type(event): event}}


def _agreed(deal: Deal, won: events.DealWon) -> dict[str, Any]:
    """Let a deal be worth what was agreed, also when it is opened again; an equal amount keeps its basis."""
    before = deal.facet(events.DealValued)
    if (before.amount_minor, before.currency) == (won.amount_minor, won.currency):
        return {}
    agreed = events.DealValued(amount_minor=won.amount_minor, currency=won.currency)
    return {"facets": {**deal.facets, events.DealValued: agreed}, "valued": before}


def _entered(deal: Deal, at: datetime, where: tuple[str, str], status: str) -> dict[str, Any]:
    pipeline_id, stage = where
    before: tuple[Stay, ...] = ()
    if deal.stays:
        last = deal.stays[-1]
        before = (*deal.stays[:-1], Stay(last.pipeline_id, last.stage, last.entered_at, at))
    return {
        "status": status,
        "pipeline_id": pipeline_id,
        "stage": stage,
        "since": at,
        "stays": (*before, Stay(pipeline_id, stage, at)),
        "rotted": False,
    }
