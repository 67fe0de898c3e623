"""Facts as two JSON documents: what may be kept for ever, and what is blanked on erasure.

A fact lived through and then blanked, and the same fact read after its key was destroyed, must give equal
rows. So a personal part is either a document, or absent because nothing personal was said, or erased.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

import msgspec

from patron_events.personal import ERASED, Erased
from patron_events.registry import Fact, present, type_of

Document = dict[str, Any]
_encode: Final = msgspec.json.Encoder().encode
_ERASED: Final = msgspec.to_builtins(ERASED)


class Parts(NamedTuple):
    """The two parts of a fact as JSON text. personal: None where nothing personal was said or it is erased."""

    open: str
    personal: str | None
    erased: bool


class Documents(NamedTuple):
    """The two parts of a fact as documents; see `Parts`."""

    open: Document
    personal: Document | None
    erased: bool


@cache
def _splitter(kind: type[Fact]) -> Callable[[Fact], Parts]:
    personal = type_of(kind).personal
    fields = msgspec.structs.fields(kind)
    if not personal:
        return lambda fact: Parts(_encode(fact).decode(), None, False)
    opened = [field for field in fields if field.name not in personal]
    sealed = [field for field in fields if field.name in personal]
    open_form = _form("Open", opened)
    sealed_form = _form("Sealed", sealed)
    open_names = tuple(field.name for field in opened)
    sealed_names = tuple(field.name for field in sealed)
    nothing = tuple(None if field.default is msgspec.NODEFAULT else field.default for field in sealed)

    def split(fact: Fact) -> Parts:
        open_text = _encode(open_form(*[getattr(fact, name) for name in open_names])).decode()
        values = tuple([getattr(fact, name) for name in sealed_names])
        if values == nothing:
            return Parts(open_text, None, erased=False)
        for value in values:
            if type(value) is Erased:
                return Parts(open_text, None, erased=True)
        return Parts(open_text, _encode(sealed_form(*values)).decode(), erased=False)

    return split


def _form(name: str, fields: list[msgspec.structs.FieldInfo]) -> type[msgspec.Struct]:
    # The order is the fact's own; a required field in front of optional ones stays so.
    parts = [
        (field.name, Any) if field.default is msgspec.NODEFAULT else (field.name, Any, field.default)
        for field in fields
    ]
    return msgspec.defstruct(name, parts, omit_defaults=True)


def parts_of(fact: Fact) -> Parts:
    """Split a fact into its two parts as JSON text."""
    return _splitter(type(fact))(fact)


def fact_of(stored_name: str, details: Document, personal: Document | None, *, erased: bool) -> Fact:
    """Put a fact together again from its two parts; its personal fields are ERASED where they were erased."""
    entry = present(stored_name)
    hidden = dict.fromkeys(entry.personal, _ERASED) if erased else personal or {}
    return msgspec.convert({**details, **hidden}, entry.fact)


def documents_of(fact: Fact) -> Documents:
    """Split a fact into its two parts as documents of JSON values."""
    parts = parts_of(fact)
    personal = None if parts.personal is None else msgspec.json.decode(parts.personal)
    return Documents(msgspec.json.decode(parts.open), personal, parts.erased)
