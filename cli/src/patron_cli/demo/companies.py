"""Invent companies: industries, sizes with a long tail, owners in the sales team."""

import math
import random
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from patron_cli.demo.places import Country, address, names_of, phone, some_country
from patron_cli.demo.plan import Body, Plan, external_id

INDUSTRIES: Final = {
    "software": ("Software", "Systems", "Labs", "Cloud"),
    "manufacturing": ("Manufacturing", "Works", "Components", "Tools"),
    "retail": ("Stores", "Trading", "Market", "Outfitters"),
    "logistics": ("Logistics", "Freight", "Shipping", "Couriers"),
    "health care": ("Health", "Medical", "Diagnostics", "Care"),
    "finance": ("Capital", "Finance", "Insurance", "Advisors"),
    "construction": ("Construction", "Builders", "Engineering", "Interiors"),
    "education": ("Academy", "Learning", "Institute", "Press"),
    "energy": ("Energy", "Power", "Solar", "Grid"),
    "media": ("Media", "Studios", "Publishing", "Pictures"),
    "hospitality": ("Hotels", "Catering", "Kitchens", "Travel"),
    "agriculture": ("Farms", "Foods", "Dairy", "Seeds"),
}
_WEIGHTS: Final = (20, 14, 12, 8, 9, 9, 7, 5, 4, 4, 5, 3)
OWNERS: Final = {
    "north": ("amira.haddad", "joel.lindqvist", "priya.raman"),
    "south": ("tomas.ferreira", "hannah.okafor", "luc.moreau"),
    "key-accounts": ("greta.sommer", "daniel.cho"),
}
_KEY_ACCOUNT_EMPLOYEES: Final = 1000
_SUBSIDIARY_SHARE: Final = 0.04
_REVENUE_PER_HEAD: Final = 160_000


@dataclass(frozen=True, slots=True)
class Company:
    """An invented company, with what its people and their purchases need to know about it."""

    body: Body
    country: Country
    domain: str
    owner: str
    team: str

    @property
    def id(self) -> str:
        """Its external id."""
        return str(self.body["external_ids"][0]["id"])

    @property
    def employees(self) -> int:
        """Number of people who work there."""
        return int(self.body["employees"])


def invent_companies(plan: Plan) -> Sequence[Company]:
    """Invent all companies; names and domains are unique."""
    taken: set[str] = set()
    companies: list[Company] = []
    groups: list[Company] = []
    for number in range(1, plan.companies + 1):
        dice = plan.dice(f"company/{number}")
        parent = dice.choice(groups) if groups and dice.random() < _SUBSIDIARY_SHARE else None
        company = _company(plan, number, dice, taken, parent)
        companies.append(company)
        if parent is None:
            groups.append(company)
    return companies


def _company(plan: Plan, number: int, dice: random.Random, taken: set[str], parent: Company | None) -> Company:
    country = parent.country if parent else some_country(dice)
    industry = dice.choices(tuple(INDUSTRIES), _WEIGHTS)[0]
    name = _name(country, industry, dice, taken)
    domain = f"{slug(name)}.example"  # reserved by RFC 2606: no such domain exists
    employees = max(2, round(dice.lognormvariate(math.log(60), 1.6)))
    team = "key-accounts" if employees >= _KEY_ACCOUNT_EMPLOYEES else dice.choice(("north", "south"))
    owner = dice.choice(OWNERS[team])
    revenue = round(employees * _REVENUE_PER_HEAD * dice.lognormvariate(0, 0.4), -4)
    body: Body = {
        "name": name,
        "legal_name": f"{name} {dice.choice(country.legal_forms)}",
        "website": f"https://www.{domain}",
        "domains": [domain],
        "industry": industry,
        "employees": employees,
        "annual_revenue": {"amount": f"{revenue:.2f}", "currency": country.currency},
        "founding_year": plan.until.year - 1 - min(120, round(dice.expovariate(1 / 22))),
        "emails": [{"value": f"info@{domain}", "type": "work", "primary": True}],
        "phones": [{"value": phone(country, dice, mobile=False), "type": "work", "primary": True}],
        "addresses": [{**address(country, dice), "primary": True}],
        "tags": sorted(_tags(employees, dice)),
        "external_ids": [external_id(f"C{number:06}")],
        "owner": owner,
        "team": team,
    }
    if parent:
        body["parent"] = {"external_id": external_id(parent.id)}
    return Company(body, country, domain, owner, team)


def _name(country: Country, industry: str, dice: random.Random, taken: set[str]) -> str:
    while True:
        people = names_of(country, dice).person
        words = [people.last_name(), dice.choice(INDUSTRIES[industry])]
        if dice.random() < 0.25 or slug(words[0]) in taken:  # noqa: PLR2004 - a share
            words.insert(1, f"& {people.last_name()}")
        name = " ".join(words)
        if slug(name) and slug(name) not in taken:
            taken.update({slug(name), slug(words[0])})
            return name


def _tags(employees: int, dice: random.Random) -> set[str]:
    size = "enterprise" if employees >= _KEY_ACCOUNT_EMPLOYEES else "mid-market" if employees >= 100 else "small"  # noqa: PLR2004
    others = (("partner", 0.06), ("reference", 0.05), ("public-sector", 0.04), ("at-risk", 0.05))
    return {size, *(tag for tag, share in others if dice.random() < share)}


def slug(text: str) -> str:
    """Write a name as a part of a domain or address: lower-case ASCII letters, digits and single hyphens."""
    folded = text.replace("ß", "ss").replace("ø", "o").replace("æ", "ae")
    plain = unicodedata.normalize("NFKD", folded).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
