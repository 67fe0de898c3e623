"""Routes for operators: positions and lag, parked aggregates, and trying them again."""

from typing import Annotated

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel

from patron_events.envelope import Position
from patron_projections.api.exporting import EXPORTED, PAGE, Exported, Listing, exported, paged
from patron_projections.api.listed_columns import PARKED
from patron_projections.api.parts import ADMINS, READERS, Asked, ListAnswer, Listed, Parts, answered
from patron_projections.cursors import CursorInvalid, question, read_cursor, write_cursor
from patron_projections.database import ReadModelRebuilding, ReadModelsUnavailable
from patron_projections.operations import NotParked
from patron_runtime.bodies import router
from patron_runtime.problems import problems

routes = router(prefix="/projections/v1", tags=["operations"])

_NAME = r"^[a-z][a-z_-]{0,60}$"
_ID = r"^[A-Za-z0-9_-]{1,80}$"


class ModelState(BaseModel):
    """How far a read model is.

    lag_events: messages of the log it has not applied. lag_s: age of the oldest of them, 0 when there are none, null
    when no worker lives. behind_s: seconds since it was complete.
    """

    model: str
    version: int
    build: int
    stream: str
    position: str
    furthest: int
    lag_events: int
    lag_s: float | None
    behind_s: float | None
    parked: int


class ParkedQuery(Listed, Exported):
    """Parameters of the list of what is parked."""


class WorkerState(BaseModel):
    """A worker, when it was last seen and how busy it is."""

    id: str
    stream: str
    seen_s_ago: float
    log_sequence: int
    events_per_s: float


class PositionsAnswer(BaseModel):
    """The state of all read models and workers."""

    models: list[ModelState]
    workers: list[WorkerState]


class ScoreAnswer(BaseModel):
    """A worker makes the scores within seconds; segments that look at them follow."""

    status: str


class RetryAnswer(BaseModel):
    """The worker that owns the aggregate tries it within seconds; `GET /parked` shows whether it helped."""

    status: str


@routes.get(
    "/positions",
    response_model=PositionsAnswer,
    dependencies=READERS,
    responses=problems(ReadModelsUnavailable, ReadModelRebuilding),
)
async def positions(parts: Asked) -> Response:
    """Tell how far each read model is, and which workers live."""
    models = [
        {
            "model": row["model"],
            "version": row["version"],
            "build": row["build"],
            "stream": row["stream"],
            "position": str(Position(row["stream"], None, row["sequence"])),
            "furthest": row["furthest"],
            "lag_events": row["lag_events"],
            "lag_s": row["lag_s"],
            "behind_s": row["behind_s"],
            "parked": row["parked"],
        }
        for row in await parts.operations.positions()
    ]
    return answered({"models": models, "workers": await parts.operations.workers()})


@routes.get(
    "/parked",
    response_model=ListAnswer,
    dependencies=ADMINS,
    responses=problems(ReadModelsUnavailable, ReadModelRebuilding, CursorInvalid) | EXPORTED,
)
async def parked(parts: Asked, request: Request, query: Annotated[ParkedQuery, Query()]) -> Response:
    """List aggregates that wait because one of their commits cannot be applied; for admins."""
    form = query.form(request)
    if form is not None:
        pages = paged(lambda cursor: _parked(parts, PAGE, cursor))
        return await exported(pages, PARKED.columns, form, PARKED.name, exact=query.exact)
    items, cursor = await _parked(parts, query.limit, query.cursor)
    return answered({"items": items, "next_cursor": cursor, "position": await _furthest_behind(parts)})


async def _parked(parts: Parts, limit: int, cursor: str | None) -> Listing:
    asked = question("parked")
    place = ("", 0, "")
    if cursor is not None:
        model, build, subject = read_cursor(asked, cursor, 3)
        if not isinstance(build, int) or not 0 <= build < 2**15:
            raise CursorInvalid
        place = (str(model), build, str(subject))
    rows = await parts.operations.parked(place, limit + 1)
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], write_cursor(asked, [last["model"], last["build"], last["subject"]])


async def _furthest_behind(parts: Parts) -> dict[str, object]:
    """Tell where the model stands that has longest not been complete."""
    states = await parts.operations.positions()
    if not states:
        return {"reached": str(Position("contacts", None, 0)), "stale": True, "behind_s": None}
    last = max(states, key=lambda row: (row["behind_s"] is None, row["behind_s"] or 0, -row["sequence"]))
    reached = str(Position(last["stream"], None, last["sequence"]))
    return {"reached": reached, "stale": last["behind_s"] is None, "behind_s": last["behind_s"]}


@routes.post(
    "/rfm/refresh",
    status_code=202,
    response_model=ScoreAnswer,
    dependencies=ADMINS,
    responses=problems(ReadModelsUnavailable),
)
async def refresh_scores(parts: Asked) -> Response:
    """Make the RFM scores anew now, not at the end of the hour. Repeating the request is harmless."""
    await parts.operations.score()
    return answered({"status": "requested"}, status=202)


@routes.post(
    "/parked/{model}/{category}/{aggregate_id}/retry",
    status_code=202,
    response_model=RetryAnswer,
    dependencies=ADMINS,
    responses=problems(NotParked, ReadModelsUnavailable, ReadModelRebuilding),
)
async def retry(
    parts: Asked,
    model: Annotated[str, Path(pattern=_NAME)],
    category: Annotated[str, Path(pattern=_NAME)],
    aggregate_id: Annotated[str, Path(pattern=_ID)],
) -> Response:
    """Try a parked aggregate again from the commit that failed. Repeating the request is harmless."""
    if model not in parts.models:
        raise NotParked
    await parts.operations.retry(parts.models[model], category, aggregate_id)
    return answered({"status": "requested"}, status=202)
