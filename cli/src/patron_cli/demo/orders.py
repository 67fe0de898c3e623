"""Invent purchases: few customers buy much, most buy little, some at a steady rhythm."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from patron_cli.demo.people import Person
from patron_cli.demo.plan import SOURCE, Body, Plan, external_id, written

_PRODUCTS: Final = (
    ("STR-100", "Starter kit", "49.00"),
    ("STR-200", "Starter kit, large", "89.00"),
    ("SEN-010", "Sensor", "34.50"),
    ("SEN-020", "Sensor, outdoor", "59.90"),
    ("SEN-030", "Sensor, explosion-proof", "189.00"),
    ("GTW-001", "Gateway", "249.00"),
    ("GTW-002", "Gateway, redundant", "690.00"),
    ("LIC-STD", "Licence standard, one month", "120.00"),
    ("LIC-PRO", "Licence professional, one month", "390.00"),
    ("SUP-GLD", "Support gold, one month", "250.00"),
    ("SRV-DAY", "Consulting, one day", "1150.00"),
    ("SRV-TRN", "Training, per person", "420.00"),
    ("CAB-005", "Cable 5 m", "12.90"),
    ("CAB-010", "Cable 10 m", "18.90"),
    ("BAT-AA4", "Batteries, pack of four", "6.95"),
    ("MNT-STD", "Wall mount", "15.50"),
)
_WEIGHTS: Final = (9, 5, 16, 12, 2, 6, 2, 8, 5, 5, 2, 3, 10, 7, 14, 8)
_LARGE_GOODS: Final = Decimal(100)
_RATES: Final = {"USD": Decimal(1), "EUR": Decimal("0.92"), "GBP": Decimal("0.79"), "SEK": Decimal("10.5")}
_CENT: Final = Decimal("0.01")
# Shape and scale of the number of purchases per year (Pareto: a fifth of the buyers buys most).
_TAIL: Final = 1.3
_MOST_PER_YEAR: Final = 150
_BUYERS: Final = {"customer": 1.0, "evangelist": 2.0, "former": 0.7, "opportunity": 0.0}


def invent_orders(plan: Plan, people: Sequence[Person]) -> Iterator[Body]:
    """Invent the purchases of all people, person by person, each in the order of time."""
    for person in people:
        dice = plan.dice(f"orders/{person.id}")
        for number, at in enumerate(_times(plan, person, dice), start=1):
            yield _order(person, at, f"O{person.id[1:]}-{number}", dice)


def _times(plan: Plan, person: Person, dice: random.Random) -> list[datetime]:
    eagerness = _BUYERS.get(person.stage, 0.0)
    if not eagerness:
        return []
    first = person.known_since + timedelta(days=dice.expovariate(1 / 20))
    end = plan.end - (plan.end - person.known_since) * (0.4 if person.stage == "former" else 0.0)
    per_year = min(_MOST_PER_YEAR, 1.5 * eagerness * dice.paretovariate(_TAIL))
    rhythm_days = 365.25 / per_year
    steady = dice.random() < 0.35  # noqa: PLR2004 - share of buyers who order at a fixed rhythm
    times: list[datetime] = []
    at = first
    while at < end:
        times.append(at)
        step = dice.gauss(rhythm_days, rhythm_days / 12) if steady else dice.expovariate(1 / rhythm_days)
        at += timedelta(days=max(0.02, step))
    return times


def _order(person: Person, at: datetime, name: str, dice: random.Random) -> Body:
    currency = person.country.currency
    size = max(1, min(12, round(dice.paretovariate(1.4))))
    products = dict.fromkeys(dice.choices(_PRODUCTS, _WEIGHTS, k=size))
    lines = [_line(product, currency, person, dice) for product in products]
    return {
        "customer": {"external_id": external_id(person.id)},
        "source": SOURCE,
        "external_id": name,
        "ordered_at": written(at),
        "currency": currency,
        "amount": str(sum((Decimal(line["amount"]) for line in lines), Decimal(0))),
        "lines": lines,
        "status": dice.choices(("completed", "returned", "cancelled"), (94, 4, 2))[0],
    }


def _line(product: tuple[str, str, str], currency: str, person: Person, dice: random.Random) -> Body:
    sku, title, price = product
    unit = (Decimal(price) * _RATES[currency]).quantize(_CENT)
    large = person.company is not None and Decimal(price) < _LARGE_GOODS
    quantity = max(1, round(dice.lognormvariate(1.2, 0.9))) if large else max(1, round(dice.expovariate(0.9)))
    return {
        "sku": sku,
        "name": title,
        "quantity": str(quantity),
        "unit_price": str(unit),
        "amount": str(unit * quantity),
    }
