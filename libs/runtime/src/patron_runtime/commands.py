"""From a request to the command's circumstances, and from a decision to its answer."""

from typing import Any, Final, Literal
from uuid import UUID, uuid5

import msgspec
from fastapi import Response
from pydantic import BaseModel

from patron_events.decisions import Asked, Committed
from patron_events.envelope import Actor, Cause
from patron_events.vault import BlindIndex
from patron_runtime.answers import stamp
from patron_runtime.requests import AskedBy

_COMMANDS: Final = UUID("b7d0a3de-6a5e-5a4c-9c8e-3b7d2f2a9e10")

Status = Literal["created", "updated", "unchanged"]


class Accepted(BaseModel):
    """A command was carried out; read models show it from `position` on."""

    id: str
    version: int
    position: str
    status: Status


def asked(by: AskedBy, operation: str, index: BlindIndex, body: object = None) -> Asked:
    """Tell the log who asks and why; with an idempotency key the command id is the same at every repetition.

    operation: names the operation and its record among all contexts, such as `campaigns/segments/<id>`.
    """
    actor = Actor(
        kind="user",
        id=by.principal.subject,
        authority=tuple(sorted(by.principal.roles)),
        address=by.source or None,
    )
    if by.idempotency_key is None:
        cause = Cause(correlation_id=by.correlation_id, traceparent=by.traceparent)
        return Asked(actor, cause, expected_version=by.expected_version)
    request = index.of("request", msgspec.json.encode(body, order="sorted").decode())
    cause = Cause(correlation_id=by.correlation_id, traceparent=by.traceparent, request=request)
    parts = (by.principal.subject, operation, by.idempotency_key)
    command_id = uuid5(_COMMANDS, "|".join(f"{len(part)}:{part}" for part in parts))
    return Asked(actor, cause, str(command_id), by.expected_version)


def plain(body: BaseModel) -> dict[str, Any]:
    """Give the members that the caller wrote, and no defaults."""
    return body.model_dump(exclude_unset=True, by_alias=True)


def accepted(response: Response, committed: Committed, status: Status | None = None) -> Accepted:
    """Answer for one command; a repetition is told what the first request was told."""
    position = str(committed.position)
    stamp(response, version=committed.version, position=position)
    if status is None:
        changed: Status = "created" if committed.version == 1 else "updated"
        status = changed if committed.events or committed.repeated else "unchanged"
    return Accepted(id=committed.stream.id, version=committed.version, position=position, status=status)
