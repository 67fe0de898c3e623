"""Kinds of refusal: what a caller may be told, and what it can do about it.

A refusal is an answer, not a fault. Each concrete refusal sets `code`, a kebab-case slug that is part of
the public contract; the HTTP status of each kind is decided in one table, `patron_runtime.problems`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple


class Fault(NamedTuple):
    """One of several wrong parts of a request: its path, a code of its own, and a sentence for people."""

    field: str
    code: str
    detail: str


class Rejection(Exception):
    """A command or query was understood and refused.

    detail: one sentence for the person who sees it, without personal data.
    field: JSON path of the part that is wrong, such as `emails[0].value`, where one part is to blame.
    faults: every part that is wrong, where a rule can name several.
    current: the present state of the record, where the caller needs it to decide again; without personal data.
    """

    code: ClassVar[str] = "rejected"

    def __init__(self, detail: str | None = None, *, field: str | None = None, faults: Sequence[Fault] = ()) -> None:
        self.detail = detail if detail is not None else (type(self).__doc__ or "").strip().split("\n")[0]
        self.field = field
        self.faults = tuple(faults)
        self.current: Mapping[str, Any] | None = None
        super().__init__(self.detail)


class Invalid(Rejection):
    """The request contradicts a rule that needs no knowledge of the record."""

    code: ClassVar[str] = "invalid"


class NotFound(Rejection):
    """The record does not exist."""

    code: ClassVar[str] = "not-found"


class Conflict(Rejection):
    """The request contradicts the present state of the record."""

    code: ClassVar[str] = "conflict"


class Forbidden(Rejection):
    """The caller lacks the authority."""

    code: ClassVar[str] = "forbidden"


class VersionMismatch(Rejection):
    """The record is no longer at the version that the caller saw."""

    code: ClassVar[str] = "version-mismatch"


class Unavailable(Rejection):
    """The log or a read model cannot answer now; the same request may succeed later."""

    code: ClassVar[str] = "unavailable"

    def __init__(self, detail: str | None = None, *, field: str | None = None, retry_after_s: int = 2) -> None:
        super().__init__(detail, field=field)
        self.retry_after_s = retry_after_s
