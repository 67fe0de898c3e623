"""From a request to the command's circumstances, and from a decision to its answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi import Response
from pydantic import BaseModel, ValidationError

from patron_contacts.api.bodies import Accepted, MatchBody, MatchCompanyBody
from patron_contacts.domain.custom_field import checked, unique_key
from patron_contacts.domain.intake import external_ids
from patron_contacts.domain.record import Definitions
from patron_contacts.handlers.bulk import Result, counts, last_position
from patron_contacts.handlers.changing import Match
from patron_events.catalog import contacts as events
from patron_events.decisions import Committed
from patron_events.envelope import Position
from patron_events.rejections import Invalid, Rejection
from patron_runtime.answers import stamp
from patron_runtime.commands import plain
from patron_runtime.refusals import field_error
from patron_values.contact_points import email_key, emails
from patron_values.keys import UniqueKey


class InvalidItem(Invalid):
    """The item does not have the form that this operation needs."""

    code = "invalid-item"


class MatchNotOne(Invalid):
    """Exactly one key must be given."""

    code = "match-not-one"


def accepted(response: Response, committed: Committed, status: str | None = None) -> Accepted:
    """Answer for one command."""
    position = str(committed.position)
    stamp(response, version=committed.version, position=position)
    if status is None:
        status = _status(committed)
    return Accepted.model_validate(
        {"id": committed.stream.id, "version": committed.version, "position": position, "status": status}
    )


def _status(committed: Committed) -> str:
    """Say what became of the record; a repetition is told what the first request was told."""
    if committed.repeated:
        record = committed.stream.category in {"person", "company"}
        return "created" if record and committed.version == 1 else "updated"
    if not committed.events:
        return "unchanged"
    return "created" if isinstance(committed.events[0], events.PersonCreated | events.CompanyCreated) else "updated"


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


def bulk_answer(response: Response, results: Sequence[Result], *, dry_run: bool) -> Response:
    """Answer for a bulk request; written by msgspec because ten thousand results take pydantic too long."""
    position: Position | None = None if dry_run else last_position(results)
    stamp(response, position=None if position is None else str(position))
    document = {
        "results": [_item(index, result) for index, result in enumerate(results)],
        "counts": counts(results),
        "position": None if position is None else str(position),
    }
    return Response(msgspec.json.encode(document), media_type="application/json", headers=dict(response.headers))


def _item(index: int, result: Result) -> dict[str, Any]:
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


def match_of(match: MatchBody | MatchCompanyBody, definitions: Definitions) -> Match:
    """Read the key of an upsert.

    Raises:
        MatchNotOne: none or several keys, or a custom field that is not unique.
    """
    if len([value for value in plain(match).values() if value is not None]) != 1:
        raise MatchNotOne(field="match")
    if isinstance(match, MatchBody) and match.email is not None:
        email = [{"value": match.email}]
        (address,) = emails(email, "match.email")
        return Match(UniqueKey("email", (email_key(address.value),)), {"emails": email})
    if match.external_id is not None:
        ids = [plain(match.external_id)]
        (own,) = external_ids(ids, "match.external_id")
        return Match(UniqueKey("external-id", (own.source, own.id)), {"external_ids": ids})
    if match.custom is None:
        raise MatchNotOne(field="match")
    values = checked(definitions, {match.custom.name: match.custom.value}, "match.custom")
    definition, value = definitions[match.custom.name], values[match.custom.name]
    if not definition.unique or value is None:
        raise MatchNotOne(field="match.custom")
    key = UniqueKey(f"custom:{match.custom.name}", (unique_key(definition, value),))
    return Match(key, {"custom": {match.custom.name: match.custom.value}})
