"""Give every row the id under which it is known for good, so that importing twice changes nothing."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from patron_cli.importing.mapping import Plan
from patron_cli.importing.settle import Body
from patron_cli.importing.shapes import SALES, Kind

_encoder = msgspec.json.Encoder()
CountOccurrence = Callable[[int], int]
_OWN_KEYS: dict[Kind, str] = {"products": "sku", "sales-team": "subject"}  # what these are known by anyway


def identify(
    plan: Plan, values: Sequence[Any], body: Body, stored: tuple[str, str] | None, count: CountOccurrence
) -> list[int]:
    """Write the id into the body, and return the unique keys of the row as 64-bit numbers, the id first.

    The id is, in this order: the one that an errors file kept (`stored`, source and id), the key columns of the
    mapping file, the id column, the e-mail address of a person (which then is the key itself and no id is
    made up), the name of a company (under which the contacts service finds it, too), or a hash of the row and
    its ordinal among equal rows.

    count: tells how many rows with this content hash there were, this one included.
    """
    source = (stored and stored[0]) or plan.conventions.source
    if own_key := _OWN_KEYS.get(plan.kind):
        return [key_of(plan.kind, str(body[own_key]))] if own_key in body else []
    own = body.pop("external_id", None)
    emails = _addresses(body) if plan.kind == "people" else []
    name = (stored and stored[1]) or (plan.key and _joined(plan, values)) or own
    called = _name_id(str(body["name"])) if plan.kind == "companies" and not name and body.get("name") else None
    if called:
        name = body["name"]
    if not name and not emails:
        digest = hashlib.blake2b(_content(values), digest_size=16)
        ordinal = count(_number(digest.digest()))
        name = digest.hexdigest() if ordinal == 1 else f"{digest.hexdigest()}-{ordinal}"
    keys: list[int] = []
    if name:
        keys.append(key_of(source, str(name)))
        _write(plan, body, source, str(name))
    if called:
        keys.append(key_of(*called))
        body["external_ids"].append({"source": called[0], "id": called[1]})
    keys += [_number(hashlib.blake2b(b"\1" + email.encode(), digest_size=8).digest()) for email in emails]
    return keys


def _joined(plan: Plan, values: Sequence[Any]) -> str:
    return "|".join(str(values[index]).strip() for index in plan.key).strip("|")


def _name_id(name: str) -> tuple[str, str]:
    """Ask the contacts service's rule; imported here, because only files of companies without ids need it."""
    from patron_values.keys import name_id  # noqa: PLC0415

    return name_id(name)


def _addresses(body: Body) -> list[str]:
    found: list[str] = []
    entries: list[Any] = body.get("emails", [])
    for entry in entries:
        value = entry.get("value") if isinstance(entry, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - JSON
        if isinstance(value, str):  # the server will say what is wrong with anything else
            found.append(value.lower())
    return found


def stored_identity(body: Body) -> tuple[str, str]:
    """Read the id back that `identify` wrote; two blanks where a person is known by e-mail only."""
    if isinstance(body.get("external_id"), dict):
        return str(body["external_id"]["source"]), str(body["external_id"]["id"])
    if "source" in body and "external_id" in body:
        return str(body["source"]), str(body["external_id"])
    for entry in body.get("external_ids", ()):
        return str(entry.get("source", "")), str(entry.get("id", ""))
    return "", ""


def key_of(source: str, name: str) -> int:
    """Reduce (source, id) to 64 bits; two of a million rows collide once in 30 million imports."""
    return _number(hashlib.blake2b(f"\2{source}\0{name}".encode(), digest_size=8).digest())


def _write(plan: Plan, body: Body, source: str, name: str) -> None:
    if plan.kind in {"orders", "interactions"}:
        body["source"], body["external_id"] = source, name
        return
    own = {"source": source, "id": name}
    if plan.kind in SALES:
        body["external_id"] = own
        return
    others = body.get("external_ids")
    body["external_ids"] = [own, *(entry for entry in others if entry != own)] if others else [own]


def _content(values: Sequence[Any]) -> bytes:
    try:
        return "\x1f".join(values).encode("utf-8", "surrogatepass")
    except TypeError:  # lists and numbers of typed formats
        return _encoder.encode(values)


def _number(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "big", signed=True)
