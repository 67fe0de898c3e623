"""Routes of exchange rates."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from fastapi import Path, Query, Response
from pydantic import BaseModel, Field, StringConstraints

from patron_events.rejections import Unavailable
from patron_pipeline.api.bodies import Amount, Body, Currency, Text
from patron_pipeline.api.parts import Using
from patron_pipeline.api.refusal_lists import ALWAYS
from patron_pipeline.domain.rates import RateInvalid, RateOfItself, as_of
from patron_runtime.answers import stamp
from patron_runtime.bodies import router
from patron_runtime.commands import Accepted, accepted, asked
from patron_runtime.problems import problems
from patron_runtime.requests import Administering, Reading
from patron_values import errors as wrong
from patron_values import moments

rates: Final = router(prefix="/pipeline/v1/rates", tags=["exchange rates"])
Base = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{3}$")], Path(description="ISO 4217", examples=["EUR"])
]


class RateBody(Body):
    """One unit of the base currency costs `rate` of `currency` from this day on."""

    currency: Currency
    on: Text = Field(description="RFC 3339 full-date", examples=["2026-01-01"])
    rate: Amount = Field(examples=["1.0825"])


class RatesBody(Body):
    """Rates of one base currency; one of the same currency and day is replaced."""

    rates: Annotated[list[RateBody], Field(min_length=1, max_length=1_000)]


class RateView(BaseModel):
    """A rate and the day since when it counts."""

    currency: str
    on: date
    rate: str


class RatesView(BaseModel):
    """The rates that count on a day, by currency; those that begin later are not there."""

    base: str
    on: date
    version: int
    rates: list[RateView]


@rates.put("/{base}", responses=problems(*ALWAYS, RateInvalid, RateOfItself, wrong.CurrencyUnknown, wrong.DateInvalid))
async def set_rates(base: Base, body: RatesBody, using: Using, by: Administering, response: Response) -> Accepted:
    """State rates, also of earlier days; those that are not named stay."""
    content = [one.model_dump() for one in body.rates]
    command = asked(by, f"pipeline/rates/{base.upper()}", using.index, content)
    return accepted(response, await using.rates.set(base, content, command))


@rates.get(
    "/{base}", response_model=RatesView, responses=problems(Unavailable, wrong.CurrencyUnknown, wrong.DateInvalid)
)
async def read_rates(
    base: Base,
    using: Using,
    by: Reading,
    response: Response,
    on: Annotated[str | None, Query(description="full-date; today (UTC) if absent", examples=["2026-01-31"])] = None,
) -> dict[str, Any]:
    """Read the rates that count on a day, each with the day since when it does: always current."""
    del by  # it stands for the permission
    day = datetime.now(UTC).date() if on is None else moments.day(on, "on")
    loaded = await using.rates.read(base)
    stamp(response, version=loaded.version, position=str(loaded.position))
    found = {currency: as_of(series, day) for currency, series in sorted(loaded.state.items())}
    return {
        "base": base.upper(),
        "on": day,
        "version": loaded.version,
        "rates": [
            {"currency": currency, "on": one[0], "rate": one[1]} for currency, one in found.items() if one is not None
        ],
    }
