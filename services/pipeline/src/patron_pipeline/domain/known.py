"""People and companies of the contacts context, as far as this context looks at them; it never decides about them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Never, TypeVar

import msgspec
from msgspec import structs

from patron_events.catalog import contacts as facts
from patron_events.decider import Decider
from patron_events.registry import Fact

F = TypeVar("F", bound=Fact)


class Known(msgspec.Struct, frozen=True):
    """A person or company as the log of contacts tells it.

    status: absent, live, archived or erased. facets: the last fact of each kind, such as `EmailsChanged`.
    links: companies of a person by id. stage: lifecycle stage of a person.
    """

    status: str = "absent"
    facets: Mapping[type[Fact], Fact] = {}
    links: Mapping[str, facts.CompanyLinked] = {}
    stage: str | None = None

    def facet(self, kind: type[F]) -> F | None:
        """Read the last fact of a kind; None where there is none."""
        found = self.facets.get(kind)
        return found if isinstance(found, kind) else None

    @property
    def primary_company(self) -> str | None:
        """The company that the person works for: the primary link that has not ended, else the only one."""
        present = [one for one in self.links.values() if one.end is None]
        primary = [one.company_id for one in present if one.primary]
        if primary:
            return primary[0]
        return present[0].company_id if len(present) == 1 else None


class Claimed(msgspec.Struct, frozen=True):
    """Which live record holds a unique key."""

    owner: str | None = None


def _never(state: object, command: Never) -> Sequence[Fact]:
    del state, command
    msg = "people and companies are decided by the contacts context"
    raise TypeError(msg)


def _evolve(known: Known, event: Fact, at: datetime) -> Known:
    del at
    match event:
        case facts.PersonCreated() | facts.CompanyCreated() | facts.RecordRestored():
            return structs.replace(known, status="live")
        case facts.RecordArchived():
            return structs.replace(known, status="archived")
        case facts.RecordErased():
            return Known(status="erased")
        case facts.LifecycleStageChanged(to=to):
            return structs.replace(known, stage=to)
        case facts.CompanyLinked(company_id=company_id):
            return structs.replace(known, links={**known.links, company_id: event})
        case facts.CompanyUnlinked(company_id=gone):
            return structs.replace(known, links={one: link for one, link in known.links.items() if one != gone})
        case facts.NoteAdded() | facts.NoteRemoved() | facts.ConsentGiven() | facts.ConsentWithdrawn():
            return known
        case _:
            return structs.replace(known, facets={**known.facets, type(event): event})


def _owned(claimed: Claimed, event: Fact, at: datetime) -> Claimed:
    del claimed, at
    return Claimed(event.owner if isinstance(event, facts.KeyClaimed) else None)


PERSON: Final = Decider(category="contacts.person", initial=Known(), decide=_never, evolve=_evolve)
COMPANY: Final = Decider(category="contacts.company", initial=Known(), decide=_never, evolve=_evolve)
HELD: Final = Decider(category="contacts.claim", initial=Claimed(), decide=_never, evolve=_owned)
