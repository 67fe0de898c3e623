"""From a body as its caller wrote it to what a representative is to be: every value read by its rule."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from patron_events.catalog.pipeline import team as events
from patron_events.rejections import Invalid
from patron_pipeline.domain.rep import ChangeRep, RecordRep
from patron_values import contact_points, moments, money, places, texts

Body = Mapping[str, Any]
_PERIOD: Final = re.compile(r"[12][0-9]{3}(-Q[1-4]|-(0[1-9]|1[0-2]))?")
_MOST: Final = 500


class PeriodInvalid(Invalid):
    """A period is a year, a quarter or a month: `2026`, `2026-Q2`, `2026-04`."""

    code: ClassVar[str] = "period-invalid"


def _text(value: Any, path: str) -> str | None:
    return texts.optional_text(value, path)


def _described(body: Body) -> dict[str, Any]:
    found: dict[str, Any] = {"name": _text(body["name"], "name")} if "name" in body else {}
    if "email" in body:
        typed = _text(body["email"], "email")
        if typed is not None:
            contact_points.email_key(typed)  # refuses what is no address
        found["email"] = typed
    for name, rule in (("time_zone", places.time_zone), ("language", places.language)):
        if name in body:
            found[name] = None if body[name] is None else rule(body[name], name)
    return found


def _territory(one: Body, path: str) -> events.Territory:
    prefixes = texts.items(one.get("postal_prefixes"), f"{path}.postal_prefixes", limit=_MOST)
    read = {texts.required_text(each, f"{path}.postal_prefixes[{n}]", 20).upper() for n, each in enumerate(prefixes)}
    return events.Territory(
        country=places.country(one.get("country"), f"{path}.country"),
        region=_text(one.get("region"), f"{path}.region"),
        postal_prefixes=tuple(sorted(read)),
    )


def _placed(body: Body) -> dict[str, Any]:
    found: dict[str, Any] = {name: _text(body[name], name) for name in ("team", "region", "manager") if name in body}
    if "capacity" in body:
        found["capacity"] = body["capacity"]
    if "territories" in body:
        stated = texts.items(body["territories"], "territories", limit=_MOST)
        found["territories"] = tuple(_territory(one, f"territories[{n}]") for n, one in enumerate(stated))
    return found


def _placed_at(body: Body, now: datetime) -> datetime | None:
    at = body.get("placed_at")
    return None if at is None else moments.instant(at, "placed_at", now=now)


def quota(period: str, body: Body, prefix: str = "") -> events.QuotaSet:
    """Read what somebody is to win; raises PeriodInvalid, CurrencyUnknown, AmountInvalid, AmountTooPrecise."""
    if not _PERIOD.fullmatch(period):
        raise PeriodInvalid(field=f"{prefix}period")
    code = money.currency(body.get("currency"), f"{prefix}currency")
    amount = body.get("amount")
    minor = None if amount is None else money.minor(amount, code, f"{prefix}amount")
    return events.QuotaSet(period=period, amount_minor=minor, currency=code)


def _quotas(stated: Sequence[Body]) -> tuple[events.QuotaSet, ...]:
    return tuple(quota(str(one.get("period")), one, f"quotas[{n}].") for n, one in enumerate(stated))


def recorded(body: Body, now: datetime) -> RecordRep:
    """Read the body of a representative; raises the refusals of values."""
    subject = texts.required_text(body.get("subject"), "subject")
    quotas = _quotas(texts.items(body.get("quotas"), "quotas", limit=_MOST))
    return RecordRep(subject, _described(body), _placed(body), _placed_at(body, now), quotas)


def changed(body: Body, now: datetime) -> ChangeRep:
    """Read what of a known representative is to change; raises the refusals of values."""
    return ChangeRep(_described(body), _placed(body), _placed_at(body, now))
