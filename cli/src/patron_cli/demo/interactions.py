"""Invent interactions: bursts of contact in office hours, answers after questions, more of them near a purchase."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from patron_cli.demo.people import Person
from patron_cli.demo.plan import SOURCE, Body, Plan, external_id, written

# Bursts of contact per month, by stage of the lifecycle.
_BURSTS: Final = {
    "subscriber": 0.25,
    "lead": 0.4,
    "marketing-qualified": 0.6,
    "sales-qualified": 0.9,
    "opportunity": 1.4,
    "customer": 0.8,
    "evangelist": 1.2,
    "former": 0.3,
}
_EARLY: Final = frozenset({"subscriber", "lead"})
_QUIET_BEFORE: Final = {"former": 0.55}  # part of the history after which nothing happens any more
_SATURDAY: Final = 5
_SUBJECTS: Final = {
    "email": ("Your question about delivery times", "Offer as discussed", "News for this season", "Next steps"),
    "call": ("Follow-up on the offer", "Question about an invoice", "Check-in", "Renewal"),
    "meeting": ("Product demonstration", "Quarterly review", "Kick-off", "Price negotiation"),
    "chat": ("Help with the configuration", "Where is my order?", "Opening hours"),
    "visit": ("Pricing page", "Product page", "Documentation", "Home page"),
    "form": ("Request for a demo", "Newsletter sign-up", "Contact form", "Download of the guide"),
    "social": ("Comment on a post", "Question in public", "Mention"),
    "note": ("Internal remark",),
    "other": ("Parcel returned", "Gift sent"),
}
_PAGES: Final = {"Pricing page": "/pricing", "Product page": "/product", "Documentation": "/docs", "Home page": "/"}
_CHANNELS: Final = {
    "email": ("email",),
    "call": ("phone",),
    "meeting": ("video", "on-site"),
    "chat": ("web-chat", "messenger"),
    "visit": ("web",),
    "form": ("web",),
    "social": ("linkedin", "mastodon"),
    "note": ("crm",),
    "other": ("post",),
}


@dataclass(frozen=True, slots=True)
class _Moment:
    kind: str
    at: datetime
    inbound: bool


def invent_interactions(plan: Plan, people: Sequence[Person]) -> Iterator[Body]:
    """Invent the interactions of all people, person by person, each in the order of time."""
    for person in people:
        dice = plan.dice(f"interactions/{person.id}")
        moments = sorted(_moments(plan, person, dice), key=lambda moment: moment.at)
        kept = [moment for moment in moments if moment.at < plan.end]
        for number, moment in enumerate(kept, start=1):
            yield _body(person, moment, f"I{person.id[1:]}-{number}", dice)


def _moments(plan: Plan, person: Person, dice: random.Random) -> Iterator[_Moment]:
    known = plan.end - person.known_since
    known_days = max(1.0, known.total_seconds() / 86_400 * _QUIET_BEFORE.get(person.stage, 1.0))
    yield _Moment("form" if dice.random() < 0.5 else "visit", person.known_since, inbound=True)  # noqa: PLR2004
    wanted = _BURSTS[person.stage] * dice.lognormvariate(0, 0.7) * known_days / 30
    for _ in range(_poisson(wanted, dice)):
        start = person.known_since + timedelta(days=dice.random() * known_days)
        yield from _burst(_office_hours(start, person, dice), person, dice)


def _poisson(mean: float, dice: random.Random) -> int:
    """Draw how often something happens (Knuth's method; means here are below a hundred)."""
    limit, product, count = math.exp(-min(mean, 100.0)), dice.random(), 0
    while product > limit:
        product, count = product * dice.random(), count + 1
    return count


def _burst(start: datetime, person: Person, dice: random.Random) -> Iterator[_Moment]:
    """One occasion: some visits, a mail with its answers, a call or a meeting after it."""
    early = person.stage in _EARLY
    kind = dice.choices(
        ("visit", "email", "call", "meeting", "chat", "form", "social", "note", "other"),
        (34, 26, 6, 1, 8, 12, 8, 4, 1) if early else (12, 36, 20, 12, 7, 2, 3, 7, 1),
    )[0]
    at = start
    yield _Moment(kind, at, inbound=kind in {"visit", "form", "chat", "social"} or dice.random() < 0.35)  # noqa: PLR2004
    if kind == "visit":
        for _ in range(min(6, round(dice.expovariate(0.6)))):
            at += timedelta(seconds=dice.randrange(15, 400))
            yield _Moment("visit", at, inbound=True)
    inbound = dice.random() < 0.5  # noqa: PLR2004 - who writes first
    while kind in {"email", "form"} and dice.random() < 0.45:  # noqa: PLR2004
        inbound, at = not inbound, _office_hours(at + timedelta(hours=dice.expovariate(1 / 20)), person, dice)
        yield _Moment("email", at, inbound=inbound)
    if not early and kind == "call" and dice.random() < 0.3:  # noqa: PLR2004
        yield _Moment("meeting", _office_hours(at + timedelta(days=dice.uniform(2, 9)), person, dice), inbound=False)


def _office_hours(at: datetime, person: Person, dice: random.Random) -> datetime:
    """Move a time to a working hour of the person's own time zone, mostly."""
    local = at.astimezone(ZoneInfo(person.country.time_zone))
    if dice.random() < 0.93:  # noqa: PLR2004 - the rest write at night and on Sundays
        while local.weekday() >= _SATURDAY:
            local += timedelta(days=1)
        hour = round(dice.triangular(8, 18, 10.5))
        local = local.replace(hour=min(hour, 18), minute=dice.randrange(60), second=dice.randrange(60))
    return max(local.astimezone(at.tzinfo), at)


def _body(person: Person, moment: _Moment, name: str, dice: random.Random) -> Body:
    subject = dice.choice(_SUBJECTS[moment.kind])
    body: Body = {
        "kind": moment.kind,
        "channel": dice.choice(_CHANNELS[moment.kind]),
        "direction": "inbound" if moment.inbound else "outbound",
        "subject": subject,
        "occurred_at": written(moment.at),
        "source": SOURCE,
        "external_id": name,
        "customer": {"external_id": external_id(person.id)},
        "properties": {} if moment.kind in {"visit", "form"} else {"owner": person.owner},
    }
    match moment.kind:
        case "call":
            body["duration_s"] = max(20, round(dice.lognormvariate(math.log(280), 0.9)))
        case "meeting":
            body["duration_s"] = dice.choice((1800, 2700, 3600, 5400))
        case "visit":
            body["properties"]["page"] = _PAGES[subject]
        case "email" | "chat" | "form":
            body["body"] = f"{subject}. {'Thank you for a short answer.' if moment.inbound else 'Best regards'}"
        case _:
            pass
    return body
