"""The parts that routes reach through the application's state, as typed dependencies."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Path, Request

from patron_contacts.api.bodies import Id
from patron_contacts.handlers.activities import ActivityHandlers
from patron_contacts.handlers.changing import RecordHandlers
from patron_contacts.handlers.fields import FieldHandlers
from patron_events.vault import BlindIndex


@dataclass(frozen=True, slots=True)
class UseCases:
    """The use cases of the context over one log."""

    people: RecordHandlers
    companies: RecordHandlers
    interactions: ActivityHandlers
    orders: ActivityHandlers
    fields: FieldHandlers


@dataclass(frozen=True, slots=True)
class Parts:
    """real: use cases on the log. rehearse: makes the same over a scratch log that is thrown away (dry runs)."""

    real: UseCases
    index: BlindIndex
    rehearse: Callable[[], UseCases]


async def parts_of(request: Request) -> Parts:
    """Give the parts of the application that serves this request; async, or FastAPI would use a thread for it."""
    return cast("Parts", request.app.state.contacts)


Using = Annotated[Parts, Depends(parts_of)]
RecordId = Annotated[Id, Path(description="UUID of the record", examples=["6f1c1a52-8b0e-5d8f-9a3e-0c6f5f1f1a11"])]
