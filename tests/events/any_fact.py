"""Make any value that a fact may hold, for property tests of codecs and folds."""

import types
from datetime import UTC, date, datetime
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from patron_events.personal import Erased
from patron_events.registry import Fact

# JSON text cannot carry half of a surrogate pair; the HTTP edge refuses them.
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
SCALARS: dict[object, st.SearchStrategy[Any]] = {
    str: TEXT,
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    date: st.dates(),
    datetime: st.datetimes(timezones=st.just(UTC)),
    type(None): st.none(),
}


def any_fact(kind: type[Fact]) -> st.SearchStrategy[Any]:
    """Draw facts of a class with any content that can be written; nothing in them is erased."""
    return _struct(kind)


def _struct(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind, include_extras=True)
    fields = msgspec.structs.fields(kind)
    required = {one.name: _of(hints[one.name]) for one in fields if one.required}
    optional = {one.name: _of(hints[one.name]) for one in fields if not one.required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda members: kind(**members))


def _of(hint: Any) -> st.SearchStrategy[Any]:
    if hint in SCALARS:
        return SCALARS[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _of(arguments[0])
    if origin in {Union, types.UnionType}:
        return st.one_of(*(_of(one) for one in arguments if one is not Erased))
    if origin is dict:
        return st.dictionaries(st.text(max_size=5), st.integers(0, 9) | st.text(max_size=5), max_size=3)
    if origin is tuple:
        return st.lists(_of(arguments[0]), max_size=3).map(tuple)
    return _struct(hint)
