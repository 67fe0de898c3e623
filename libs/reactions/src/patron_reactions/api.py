"""Routes for operators of a service's reactions: how far they are, its dead letters, and repeating them."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from msgspec import structs
from pydantic import BaseModel, ConfigDict, Field

from patron_reactions.dead_letters import DeadLetter, DeadLetterNotFound
from patron_reactions.memory import MemoryOversight
from patron_reactions.oversight import Oversight, ReactionsUnseen
from patron_runtime.bodies import router
from patron_runtime.problems import problems
from patron_runtime.requests import Administering, Reading

_MOST: Final = 1000
LetterId = Annotated[UUID, Path(description="id of the dead letter")]


class ConsumerView(BaseModel):
    """How far the reactions are with one stream.

    pending: messages that nobody was given yet. open: given and not settled; again: of these, given before.
    """

    stream: str = Field(examples=["PIPELINE"])
    consumer: str = Field(examples=["reactions-pipeline_lead"])
    pending: int
    open: int
    again: int
    active_at: datetime | None


class TimersView(BaseModel):
    """waiting: for their time. due: fired, and waiting for a process of reactions."""

    waiting: int
    due: int


class ReactionsView(BaseModel):
    """The state of a service's reactions. alive: a process of reactions asks for messages, or works on some."""

    service: str = Field(examples=["pipeline"])
    alive: bool
    consumers: list[ConsumerView]
    timers: TimersView
    dead_letters: int


class DeadLetterView(BaseModel):
    """What a reaction failed on for good; nothing in it is personal.

    what: type of the fact, or kind of the timer. event_id: of the fact; key and time of the timer. deliveries: until it
    was given up. code, detail: of a refusal. frames: where it was raised. retries: repetitions that failed too.
    """

    id: UUID
    service: str
    reaction: str = Field(examples=["assign-lead"])
    what: str = Field(examples=["pipeline.lead-captured"])
    event_id: str
    stream: str = Field(examples=["PIPELINE"])
    sequence: int
    subject: str
    stored_at: datetime
    died_at: datetime
    deliveries: int
    retries: int
    error: str = Field(examples=["TimeoutError"])
    code: str | None
    detail: str | None
    frames: list[str]


class DeadLetterList(BaseModel):
    """Dead letters, the newest first. total: all there are, also beyond `limit`."""

    items: list[DeadLetterView]
    total: int


class LetterQuery(BaseModel):
    """Parameters of the list of dead letters."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=100, ge=1, le=_MOST)


class Wished(BaseModel):
    """A repetition was asked for; the letter goes when it succeeds."""

    id: UUID
    status: Literal["requested"] = "requested"


def _oversight(request: Request) -> Oversight | MemoryOversight:
    found = getattr(request.app.state, "oversight", None)
    if found is None:
        raise ReactionsUnseen
    return cast("Oversight | MemoryOversight", found)


def _view(letter: DeadLetter) -> dict[str, Any]:
    told = structs.asdict(letter)
    del told["message"]
    return told


def operations(prefix: str) -> APIRouter:
    """Build the routes below the path of a service, such as `/pipeline/v1`; `app.state.oversight` answers them."""
    routes = router(prefix=prefix, tags=["operations"])

    @routes.get("/reactions", response_model=ReactionsView, responses=problems(ReactionsUnseen))
    async def reactions(request: Request, by: Reading) -> dict[str, Any]:
        """Tell how far the reactions are, how many timers wait, and how many dead letters there are."""
        del by  # it stands for the permission
        seen = await _oversight(request).seen()
        consumers = [structs.asdict(one) for one in seen.consumers]
        timers = structs.asdict(seen.timers)
        told = {"service": seen.service, "alive": seen.alive, "dead_letters": seen.dead_letters}
        return {**told, "consumers": consumers, "timers": timers}

    @routes.get("/dead-letters", response_model=DeadLetterList, responses=problems(ReactionsUnseen))
    async def dead_letters(
        request: Request, by: Administering, query: Annotated[LetterQuery, Query()]
    ) -> dict[str, Any]:
        """List what reactions failed on for good, the newest first; for admins."""
        del by  # as above
        letters = await _oversight(request).letters.every()
        return {"items": [_view(one) for one in letters[: query.limit]], "total": len(letters)}

    @routes.get(
        "/dead-letters/{letter_id}",
        response_model=DeadLetterView,
        responses=problems(DeadLetterNotFound, ReactionsUnseen),
    )
    async def dead_letter(request: Request, letter_id: LetterId, by: Administering) -> dict[str, Any]:
        """Read one dead letter; for admins."""
        del by  # as above
        return _view(await _oversight(request).letters.find(letter_id))

    @routes.post(
        "/dead-letters/{letter_id}/retry",
        status_code=202,
        response_model=Wished,
        responses=problems(DeadLetterNotFound, ReactionsUnseen),
    )
    async def retry(request: Request, letter_id: LetterId, by: Administering) -> dict[str, Any]:
        """Ask for the reaction to be run again; repeating the request is harmless."""
        del by  # as above
        letter = await _oversight(request).letters.wish(letter_id)
        return {"id": letter.id}

    del reactions, dead_letters, dead_letter, retry  # the router has them
    return routes
