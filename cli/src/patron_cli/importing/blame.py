"""Find the column that the server means when it names the field of a body."""

import re
from collections.abc import Sequence
from typing import Any

from patron_cli.importing.mapping import Assignment, Plan

_PATH = re.compile(r"(?P<name>[a-z_]+)(?:\[(?P<index>\d+)\])?(?:\.(?P<rest>.+))?\Z")
_SAME_COLUMN = {
    "external_ids": "external_id",
    "given_name": "full_name",
    "family_name": "full_name",
    "lines": "amount",
    "urls": "urls",
}


def column_for(plan: Plan, values: Sequence[Any], field: str | None) -> str:
    """Name the column behind a path such as `emails[1].value`; "" where no column is to blame."""
    match = _PATH.match(field or "")
    if not match:
        return ""
    name, index, rest = match["name"], int(match["index"] or 0), match["rest"] or ""
    candidates = [a for a in plan.assignments if a.target.field == name]
    if not candidates and name in _SAME_COLUMN:
        candidates = [a for a in plan.assignments if a.target.field == _SAME_COLUMN[name]]
    if not candidates:
        return ""
    if match["index"] is not None:
        candidates = _of_entry(candidates, values, index)
    exact = [a for a in candidates if a.target.attribute in {rest, rest.partition(".")[0]}]
    return (exact or candidates)[0].column


def _of_entry(candidates: list[Assignment], values: Sequence[Any], index: int) -> list[Assignment]:
    """Keep the columns of the n-th entry that the row made: blank slots make none."""
    slots: dict[str, list[Assignment]] = {}
    for assignment in candidates:
        if str(values[assignment.index]).strip():
            slots.setdefault(assignment.target.slot, []).append(assignment)
    entries = list(slots.values())
    return entries[index] if index < len(entries) else candidates
