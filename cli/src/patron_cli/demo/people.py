"""Invent people: most at companies, some on their own, along the whole customer lifecycle."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mimesis.enums import Gender

from patron_cli.demo.companies import OWNERS, Company, slug
from patron_cli.demo.places import Country, names_of, phone, some_country
from patron_cli.demo.plan import Body, Plan, external_id, written

STAGES: Final = {
    "subscriber": 16,
    "lead": 24,
    "marketing-qualified": 13,
    "sales-qualified": 9,
    "opportunity": 8,
    "customer": 21,
    "evangelist": 3,
    "former": 6,
}
_PRIVATE_SHARE: Final = 0.15
_JOBS: Final = {
    "management": ("Managing director", "Chief executive", "Chief operating officer", "Owner"),
    "purchasing": ("Head of purchasing", "Buyer", "Category manager"),
    "finance": ("Chief financial officer", "Controller", "Accountant"),
    "it": ("Head of IT", "Systems administrator", "Solution architect"),
    "operations": ("Operations manager", "Plant manager", "Team lead operations"),
    "marketing": ("Marketing manager", "Brand manager", "Content editor"),
    "sales": ("Sales director", "Account manager", "Sales assistant"),
}
_ROLES: Final = ("decision maker", "buyer", "user", "influencer", "technical contact", "billing contact")
_SOURCES: Final = {
    "web": ("organic", "search", "none"),
    "search-ads": ("google", "cpc", "brand-search"),
    "webinar": ("newsletter", "email", "autumn-webinar"),
    "trade-fair": ("fair", "event", "spring-fair"),
    "referral": ("partner", "referral", "none"),
    "outbound": ("sales", "call", "cold-list"),
}
_NOTES: Final = (
    "Prefers to be called in the morning.",
    "Budget for this year is spent; ask again in the new one.",
    "Met at the fair, wants to see the new product line.",
    "Decides together with the head of purchasing.",
    "Had trouble with a late delivery; settled with a credit note.",
    "Asked for references from the same industry.",
    "Moving to a new office next quarter.",
    "Knows the product well, helps colleagues with it.",
)


@dataclass(frozen=True, slots=True)
class Person:
    """An invented person, with what interactions and purchases need to know.

    known_since: first contact, within the history.
    """

    body: Body
    country: Country
    company: Company | None
    stage: str
    owner: str
    known_since: datetime

    @property
    def id(self) -> str:
        """The person's external id."""
        return str(self.body["external_ids"][0]["id"])


def invent_people(plan: Plan, companies: Sequence[Company]) -> Sequence[Person]:
    """Invent all people; e-mail addresses are unique."""
    taken: set[str] = set()
    # Larger companies have more people to talk to, though not in proportion.
    weights = [company.employees**0.6 for company in companies]
    people: list[Person] = []
    for number in range(1, plan.people + 1):
        dice = plan.dice(f"person/{number}")
        private = not companies or dice.random() < _PRIVATE_SHARE
        company = None if private else dice.choices(companies, weights)[0]
        people.append(_person(plan, number, dice, company, taken))
    return people


def _person(plan: Plan, number: int, dice: random.Random, company: Company | None, taken: set[str]) -> Person:
    country = company.country if company else some_country(dice)
    gender = dice.choice((Gender.FEMALE, Gender.MALE))
    names = names_of(country, dice).person
    given, family = names.first_name(gender=gender), names.last_name(gender=gender)
    stage = dice.choices(tuple(STAGES), tuple(STAGES.values()))[0]
    team = company.team if company else dice.choice(("north", "south"))
    owner = company.owner if company else dice.choice(OWNERS[team])
    known_since = plan.start + timedelta(days=plan.days * dice.random() ** 1.4 * 0.97)
    body: Body = {
        "given_name": given,
        "family_name": family,
        "emails": [{"value": _email(given, family, company, taken), "type": _place(company), "primary": True}],
        "language": country.language,
        "time_zone": country.time_zone,
        "lifecycle_stage": stage,
        "external_ids": [external_id(f"P{number:06}")],
        "owner": owner,
        "team": team,
        **_origin(known_since, dice),
    }
    if company:
        body |= _work(plan, company, dice)
    body |= _extras(plan, country, company, owner, known_since, dice)
    return Person(body, country, company, stage, owner, known_since)


def _place(company: Company | None) -> str:
    return "work" if company else "home"


def _email(given: str, family: str, company: Company | None, taken: set[str]) -> str:
    domain = company.domain if company else "mail.example"
    local = f"{slug(given) or 'office'}.{slug(family) or 'contact'}"
    address, more = f"{local}@{domain}", 2
    while address in taken:
        address, more = f"{local}{more}@{domain}", more + 1
    taken.add(address)
    return address


def _origin(known_since: datetime, dice: random.Random) -> Body:
    source = dice.choices(tuple(_SOURCES), (30, 18, 14, 12, 14, 12))[0]
    origin, medium, campaign = _SOURCES[source]
    touch: Body = {"source": origin, "medium": medium, "at": written(known_since)}
    if campaign != "none":
        touch["campaign"] = campaign
    return {"lead_source": source, "first_touch": touch}


def _work(plan: Plan, company: Company, dice: random.Random) -> Body:
    department = dice.choice(tuple(_JOBS))
    joined = plan.until - timedelta(days=round(dice.expovariate(1 / 1500)) + 30)
    link = {
        "external_id": external_id(company.id),
        "role": dice.choice(_ROLES),
        "from": joined.isoformat(),
        "primary": True,
    }
    return {"job_title": dice.choice(_JOBS[department]), "department": department, "companies": [link]}


def _extras(
    plan: Plan, country: Country, company: Company | None, owner: str, known_since: datetime, dice: random.Random
) -> Body:
    """Add what only some people have: numbers, a birthday, tags, preferences, notes."""
    extras: Body = {}
    if dice.random() < 0.75:  # noqa: PLR2004 - shares, here and below
        kind = "cell" if dice.random() < 0.6 else _place(company)  # noqa: PLR2004
        value = phone(country, dice, mobile=kind == "cell")
        extras["phones"] = [{"value": value, "type": kind, "primary": True}]
    if dice.random() < 0.3:  # noqa: PLR2004
        age_days = dice.triangular(21, 68, 40) * 365.25
        extras["birth_date"] = (plan.until - timedelta(days=age_days)).isoformat()
    tags = (("newsletter", 0.4), ("vip", 0.04), ("beta-tester", 0.06), ("speaks-at-events", 0.03))
    extras["tags"] = [tag for tag, share in tags if dice.random() < share]
    extras["preferences"] = {
        "newsletter": "newsletter" in extras["tags"],
        "contact_by": dice.choice(("email", "phone")),
    }
    if dice.random() < 0.25:  # noqa: PLR2004
        at = known_since + (plan.end - known_since) * dice.random()
        extras["notes"] = [{"text": dice.choice(_NOTES), "author": owner, "at": written(at)}]
    return extras
