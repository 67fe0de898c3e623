"""Read texts that people wrote: names, notes, tags.

Texts are kept in Unicode normalisation form C (UAX #15), so that the same name typed on two keyboards is
equal. Emoji, right-to-left writing and its marks (LRM, RLM, ALM, joiners) stay: real names contain them.
Bidirectional embeddings, overrides and isolates (U+202A-202E, U+2066-2069) and the byte order mark are
dropped without a word: address books paste them around numbers and names, nobody sees them, and they can
make one text look like another (Unicode Technical Report 36, section 3.2).
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from patron_values.errors import ShapeInvalid, TextEmpty, TextInvalid, TextTooLong, TooMany, TypeUnknown

MAX_TAGS: Final = 100
MAX_TAG_LENGTH: Final = 100

_INVISIBLE: Final = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")
_FORBIDDEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_FORBIDDEN_IN_LINES: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def _clean(value: object, path: str, *, multiline: bool) -> str:
    if not isinstance(value, str):
        raise TextInvalid(field=path)
    if value.isascii() and value.isprintable():
        return value.strip()
    stripped = _INVISIBLE.sub("", value).strip()
    if (_FORBIDDEN_IN_LINES if multiline else _FORBIDDEN).search(stripped):
        raise TextInvalid(field=path)
    return unicodedata.normalize("NFC", stripped)


def text(value: object, path: str, limit: int = 200, *, multiline: bool = False) -> str:
    """Read a text; white space alone is the empty text.

    limit: longest form in characters, after normalisation. multiline: whether tabs and line ends may occur.

    Raises:
        TextInvalid: not a string, control characters (Unicode category Cc), or lone surrogates.
        TextTooLong: longer than `limit`.
    """
    read = _clean(value, path, multiline=multiline)
    if len(read) > limit:
        raise TextTooLong(f"At most {limit} characters fit here.", field=path)
    return read


def optional_text(value: object, path: str, limit: int = 200, *, multiline: bool = False) -> str | None:
    """Read a text that may be left out: nothing, `""` and white space are all None.

    Raises:
        TextInvalid, TextTooLong: as `text`.
    """
    return None if value is None else text(value, path, limit, multiline=multiline) or None


def required_text(value: object, path: str, limit: int = 200, *, multiline: bool = False) -> str:
    """Read a text that must say something.

    Raises:
        TextEmpty: missing, or nothing but white space.
        TextInvalid, TextTooLong: as `text`.
    """
    read = optional_text(value, path, limit, multiline=multiline)
    if read is None:
        raise TextEmpty(field=path)
    return read


def tags(values: object, path: str = "tags") -> tuple[str, ...]:
    """Read tags, sorted; those that differ only in case are one tag, in the writing that came first.

    Raises:
        TooMany: more than 100 tags.
        ShapeInvalid, TextEmpty, TextInvalid, TextTooLong: a tag is no text of 1 to 100 characters.
    """
    found: dict[str, str] = {}
    for index, value in enumerate(items(values, path, limit=MAX_TAGS)):
        tag = required_text(value, f"{path}[{index}]", MAX_TAG_LENGTH)
        found.setdefault(tag.casefold(), tag)
    return tuple(sorted(found.values()))


def items(values: object, path: str, *, limit: int) -> Sequence[Any]:
    """Expect a list (none is empty) of at most `limit` items.

    Raises:
        ShapeInvalid: something else than a list.
        TooMany: more than `limit` items.
    """
    if values is None:
        return ()
    if not isinstance(values, Sequence) or isinstance(values, str | bytes | bytearray):
        raise ShapeInvalid("A list was expected here.", field=path)
    if len(cast("Sequence[Any]", values)) > limit:
        raise TooMany(f"At most {limit} items fit here.", field=path)
    return cast("Sequence[Any]", values)


def members(value: object, path: str) -> Mapping[str, Any]:
    """Expect an object.

    Raises:
        ShapeInvalid: something else than an object.
    """
    if not isinstance(value, Mapping):
        raise ShapeInvalid("An object was expected here.", field=path)
    return cast("Mapping[str, Any]", value)


def truth(value: object, path: str) -> bool:
    """Expect true or false; none is false.

    Raises:
        ShapeInvalid: something else, such as `"yes"` or 1.
    """
    if value is None or isinstance(value, bool):
        return bool(value)
    raise ShapeInvalid("true or false was expected here.", field=path)


def one_of(value: object, path: str, allowed: frozenset[str], otherwise: str) -> str:
    """Read one of a few words in any case; none is `otherwise`.

    Raises:
        TypeUnknown: another word, or no word.
    """
    if value is None:
        return otherwise
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in allowed:
        raise TypeUnknown(f"One of {', '.join(sorted(allowed))} was expected here.", field=path)
    return word
