"""Many items in one request: each is read and answered by itself, in order; one bad item never spoils the others."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import msgspec
from fastapi import Response
from pydantic import BaseModel, ValidationError

from patron_events.decisions import Committed
from patron_events.envelope import Position
from patron_events.rejections import Invalid, Rejection
from patron_runtime.answers import stamp
from patron_runtime.commands import plain
from patron_runtime.refusals import field_error

STATUSES: Final = ("created", "updated", "unchanged", "duplicate", "rejected")
ItemStatus = Literal["created", "updated", "unchanged", "duplicate", "rejected"]


class InvalidItem(Invalid):
    """The item does not have the form that this operation needs."""

    code: ClassVar[str] = "invalid-item"


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one item; `refusal` where it is a duplicate or rejected. sequence: of its last commit."""

    status: ItemStatus
    id: str | None = None
    version: int | None = None
    sequence: int = 0
    refusal: Rejection | None = None


class BulkItem(BaseModel):
    """What became of one item: id and version where it was taken, code, detail and field where not."""

    index: int
    status: ItemStatus
    id: str | None = None
    version: int | None = None
    code: str | None = None
    detail: str | None = None
    field: str | None = None


class BulkAnswer(BaseModel):
    """The results in the order of the items, and how many there are of each status."""

    results: list[BulkItem]
    counts: dict[str, int]
    position: str | None


def read_items(model: type[BaseModel], items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any] | Rejection]:
    """Read the items of a bulk request one by one; a refusal stands where one has the wrong form."""
    found: list[dict[str, Any] | Rejection] = []
    for item in items:
        try:
            found.append(plain(model.model_validate(item)))
        except ValidationError as error:
            first = field_error(error.errors(include_url=False, include_input=False)[0])
            found.append(InvalidItem(first.detail, field=first.field))
    return found


def bulk_answer(response: Response, results: Sequence[ItemResult], *, dry_run: bool = False) -> Response:
    """Answer for a bulk request; written by msgspec because ten thousand results take pydantic too long."""
    newest = 0 if dry_run else max((result.sequence for result in results), default=0)
    position = str(Position("pipeline", None, newest)) if newest else None
    stamp(response, position=position)
    counted = Counter(result.status for result in results)
    document = {
        "results": [_item(index, result) for index, result in enumerate(results)],
        "counts": {status: counted[status] for status in STATUSES},
        "position": position,
    }
    return Response(msgspec.json.encode(document), media_type="application/json", headers=dict(response.headers))


def item_result(answer: Committed | Rejection) -> ItemResult:
    """Tell what became of an item that was decided as one unit; a repetition is told what it was told first."""
    if isinstance(answer, Rejection):
        taken = answer.code in {"external-id-taken", "repeated-in-request"}
        return ItemResult("duplicate" if taken else "rejected", refusal=answer)
    changed: ItemStatus = "created" if answer.version == 1 else "updated"
    status = changed if answer.events or answer.repeated else "unchanged"
    return ItemResult(status, answer.stream.id, answer.version, answer.last or answer.position.sequence)


def _item(index: int, result: ItemResult) -> dict[str, Any]:
    refusal = result.refusal
    if refusal is None:
        return {"index": index, "status": result.status, "id": result.id, "version": result.version}
    return {
        "index": index,
        "status": result.status,
        "code": refusal.code,
        "detail": refusal.detail,
        "field": refusal.field,
    }
