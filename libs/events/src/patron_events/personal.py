"""Personal fields: what a fact may say about a person, and what is left of it after erasure.

A field annotated `Personal[T]` is stored encrypted under the key of the data subject (DESIGN 3). When that
key has been destroyed, reading answers `ERASED` in its place: the fact stays, its content is gone for good.
"""

from functools import cache
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin, get_type_hints

import msgspec


class Erased(msgspec.Struct, frozen=True, tag_field="erased", tag="key-destroyed"):
    """Stands where a personal value was, once the key that could open it is destroyed (GDPR art. 17)."""


class PersonalMarker:
    """Marks a field as encrypted per data subject; carries nothing."""


ERASED: Final = Erased()
T = TypeVar("T")
Personal = Annotated[T | Erased, PersonalMarker()]


def _is_personal(hint: object) -> bool:
    if get_origin(hint) is Annotated:
        return any(isinstance(extra, PersonalMarker) for extra in get_args(hint)[1:])
    return any(_is_personal(part) for part in get_args(hint))


@cache
def personal_fields(fact: type[Any]) -> frozenset[str]:
    """Name the fields of a fact that are stored encrypted; personal marks count at the top level only."""
    hints = get_type_hints(fact, include_extras=True)
    return frozenset(name for name, hint in hints.items() if _is_personal(hint))


def known(value: T | Erased, otherwise: T) -> T:
    """Read a personal value where an erased one may be replaced by `otherwise`."""
    return otherwise if isinstance(value, Erased) else value
