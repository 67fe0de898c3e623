"""Turn what a row says of a deal into a body of the bulk route, its past told as events at their own dates."""

from collections.abc import Sequence
from typing import Any

from patron_cli.importing.mapping_file import Conventions
from patron_cli.importing.settle import Body, Part
from patron_cli.importing.stages import Pipeline, Pipelines, Stage
from patron_cli.importing.values import BadValue

_TIMES = ("opened_at", "stage_since", "closed_at", "entered")
_ENDS = ("won_amount", "won_currency", "won_reason", "lost_reason", "competitor")
_Entry = tuple[str, Stage]


def deal_part(pipelines: Pipelines, conventions: Conventions) -> Part:
    """Make the step that completes a deal once all its cells are in."""

    def part(_: Sequence[Any], body: Body) -> None:
        pipeline = pipelines.of(body.pop("pipeline", None))
        _name(body)
        _parties(body, conventions)
        _money(body, conventions.currency)
        if "competitor" in body:
            body["competitors"] = [*body.get("competitors", ()), body["competitor"]]
        body["pipeline_id"] = pipeline.id
        _past(body, pipeline)

    return part


def _name(body: Body) -> None:
    """Call a deal that has no name after its product and its buyer, or after its id."""
    if "name" in body:
        return
    lines: list[Body] = body.get("lines", [])
    product = (lines[0].get("name") or lines[0].get("sku")) if lines else None
    buyer = body.get("company", {}).get("external_id", {}).get("id")
    both = f"{product} for {buyer}" if product and buyer else product or buyer
    body["name"] = both or body.get("external_id", "Deal")


def _parties(body: Body, conventions: Conventions) -> None:
    """Name company and person in one way each: by id, id of the source, or address."""
    body |= _party("company", body.pop("company", None) or {}, conventions)
    person: Body = body.pop("person", None) or {}
    if named := _party("person", person, conventions):
        body["people"] = [named | ({"role": person["role"]} if "role" in person else {}) | {"primary": True}]


def _party(party: str, written: Body, conventions: Conventions) -> Body:
    if "id" in written:
        return {f"{party}_id": written["id"]}
    if "external_id" in written:
        source = written.get("source", conventions.customer_source)
        return {f"{party}_external_id": {**written["external_id"], "source": source}}
    return {f"{party}_email": written["email"]} if "email" in written else {}


def _money(body: Body, currency: str) -> None:
    stated = body.pop("currency", None) or currency
    if stated and ("amount" in body or "lines" in body):
        body["currency"] = stated
    elif stated and "won_amount" in body:
        body["won_currency"] = stated
    lines: list[Body] = body.get("lines", [])
    if "amount" in body and len(lines) == 1 and "unit_price" not in lines[0] and lines[0].get("quantity", "1") == "1":
        lines[0]["unit_price"] = body.pop("amount")  # the amount of a deal with lines is their sum


def _past(body: Body, pipeline: Pipeline) -> None:
    """Write `history`: opened, moved and closed, each with the day of its column; nothing where no day is known."""
    opened, since, closed = (body.pop(name, None) for name in _TIMES[:3])
    entries = [(str(one["at"]), pipeline.stage(one["stage"], "entered")) for one in body.pop("entered", ())]
    ends = [at for at, stage in entries if stage.kind != "open"]
    entries = sorted((one for one in entries if one[1].kind == "open"), key=lambda one: one[0])
    written = body.pop("stage", None)
    stage = pipeline.stage(written) if written else entries[-1][1] if entries else pipeline.first
    if since:
        _enter(entries, since, stage)
    if stage.kind == "open":
        body["history"] = _told(_from_opening(opened, entries, stage, pipeline), stage)
        _drop(body, *_ENDS)
        if not body["history"]:
            del body["history"]
            body["stage"] = stage.id
        return
    end = closed or next(iter(ends), None) or (since if not entries else None) or body.get("close_date")
    if not end:
        raise BadValue("closing-date-missing", "a closed deal needs the day when it was closed", "closed_at")
    before = [(min(at, end), earlier) for at, earlier in _from_opening(opened, entries, pipeline.first, pipeline)]
    body["history"] = _told(before or [(end, pipeline.first)], None)
    body["history"].append(_closing(body, stage, end))
    _drop(body, "close_date", *_ENDS)


def _enter(entries: list[_Entry], at: str, stage: Stage) -> None:
    if stage.kind == "open" and all(known != stage for _, known in entries):
        entries.append((at, stage))
        entries.sort(key=lambda one: one[0])


def _from_opening(opened: str | None, entries: list[_Entry], alone: Stage, pipeline: Pipeline) -> list[_Entry]:
    """Put the opening before the stages whose days are known; alone: its stage where none are."""
    if opened and (not entries or opened < entries[0][0]):
        return [(opened, pipeline.first if entries else alone), *entries]
    return entries


def _told(entries: Sequence[_Entry], last: Stage | None) -> list[Body]:
    """Tell stages as events; a last stage whose day is unknown is entered when the one before was."""
    told: list[Body] = []
    before: Stage | None = None
    for at, stage in entries:
        if stage != before:
            told.append({"at": at, "do": "move" if told else "open", "stage": stage.id})
        before = stage
    if last and told and before != last:
        told.append({"at": told[-1]["at"], "do": "move", "stage": last.id})
    return told


def _closing(body: Body, stage: Stage, at: str) -> Body:
    event: Body = {"at": at, "do": "win" if stage.kind == "won" else "lose", "stage": stage.id}
    if stage.kind == "won" and "won_amount" in body:
        event["amount"] = body["won_amount"]
        if "won_currency" in body:
            event["currency"] = body["won_currency"]
    reason = body.get("won_reason" if stage.kind == "won" else "lost_reason")
    if reason:
        event["reason"] = reason
    if stage.kind == "lost" and "competitor" in body:
        event["competitor"] = body["competitor"]
    return event


def _drop(body: Body, *names: str) -> None:
    for name in names:
        body.pop(name, None)
