"""Opaque cursors: the place in a list after which the next page begins, bound to the question that was asked."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import ClassVar, Final

import msgspec

from patron_events.rejections import Invalid

_LONGEST: Final = 6_000
_decoder: Final = msgspec.json.Decoder(tuple[str, list[str | int | None]])


class CursorInvalid(Invalid):
    """The cursor is not one that this list answered with for the same question."""

    code: ClassVar[str] = "cursor-invalid"

    def __init__(self) -> None:
        super().__init__(field="cursor")


def question(*parts: object) -> str:
    """Condense what a list was asked for, so that a cursor of another question is refused."""
    return hashlib.sha256(msgspec.json.encode([str(part) for part in parts])).hexdigest()[:16]


def write_cursor(asked: str, place: Sequence[str | int | None]) -> str:
    """Write the cursor of a place."""
    return base64.urlsafe_b64encode(msgspec.json.encode([asked, list(place)])).decode().rstrip("=")


def read_cursor(asked: str, cursor: str, length: int) -> list[str | int | None]:
    """Read a cursor of the same question.

    Raises:
        CursorInvalid: it is damaged, or of another question.
    """
    if len(cursor) > _LONGEST or not cursor.isascii():
        raise CursorInvalid
    try:
        of, place = _decoder.decode(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, msgspec.DecodeError, ValueError, RecursionError):
        raise CursorInvalid from None
    if of != asked or len(place) != length:
        raise CursorInvalid
    return place
